import { integerIn, oneOf } from '../../arguments.ts';
import { checkStream } from '../../format/check-stream.ts';
import { isSampleFormat } from '../../format/formats.ts';
import type { PayloadFormat } from '../../format/formats.ts';
import type { StreamFormat } from '../../format/stream-format.ts';

/** A service's names for the formats that it accepts. */
export type EncodingNames<Format extends PayloadFormat> = Readonly<Record<Format, string>>;

/**
 * Returns the mono stream that a service accepts.
 * @param encodings the formats that it supports
 * @param sampleRate in Hz, as the app chose. @default 8000 for G.711, 48000 for Opus, otherwise 16000
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
