import { integerIn, oneOf } from '../../arguments.ts';
import { checkStream } from '../../format/check-stream.ts';
import { isSampleFormat } from '../../format/formats.ts';
import type { PayloadFormat } from '../../format/formats.ts';
import type { StreamFormat } from '../../format/stream-format.ts';

/** A service's names of the formats that it takes. */
export type EncodingNames<Format extends PayloadFormat> = Readonly<Record<Format, string>>;

/**
 * The stream that a service takes: mono.
 * @param encodings the formats that it has
 * @param sampleRate what the app chose. @default 8 kHz of G.711, 48 kHz of Opus, otherwise 16 kHz
 * @throws TypeError or RangeError for another format, or a rate that is not from 8 to 48 kHz
 */
export function monoStream<const Format extends PayloadFormat>(
  encodings: EncodingNames<Format>,
  format: Format,
  sampleRate?: number,
): StreamFormat<Format> {
  oneOf('format', format, Object.keys(encodings) as Format[]);
  const stream = { format, sampleRate: sampleRate ?? usualRate(format), channels: 1 };
  integerIn('sampleRate', stream.sampleRate, 8000, 48_000);
  checkStream(stream);
  return stream;
}

function usualRate(format: PayloadFormat): number {
  if (!isSampleFormat(format)) return 48_000;
  return format === 'mulaw' || format === 'alaw' ? 8000 : 16_000;
}
