import { describe, oneOf } from '../../arguments.ts';
import { PacketError } from '../../errors.ts';
import type { StreamFormat } from '../../format/stream-format.ts';

/** Sample rates of PCM that ElevenLabs supports, in Hz. */
const PCM_RATES: readonly number[] = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];

/** A stream format of ElevenLabs. */
export type ElevenlabsStream = StreamFormat<'s16' | 'mulaw'>;

/**
 * Returns the stream with a format and a sample rate.
 * @param sampleRate in Hz. @default 16000; 8000 for `'mulaw'`
 * @throws TypeError or RangeError for one that ElevenLabs does not support
 */
export function checkElevenlabsStream(
  format: 's16' | 'mulaw',
  sampleRate: number | undefined,
): ElevenlabsStream {
  oneOf('format', format, ['s16', 'mulaw']);
  const rates = format === 's16' ? PCM_RATES : [8000];
  const rate = sampleRate ?? (format === 's16' ? 16_000 : 8000);
  if (rates.includes(rate)) return { format, sampleRate: rate, channels: 1 };
  throw new RangeError(
    `sampleRate of '${format}' must be one of ${rates.join(', ')}, got ${describe(rate)}.`,
  );
}

/** Returns ElevenLabs' name for a stream: `pcm_16000`, `ulaw_8000`. */
export function elevenlabsName({ format, sampleRate }: StreamFormat): string {
  return `${format === 'mulaw' ? 'ulaw' : 'pcm'}_${sampleRate}`;
}

/** Returns the stream with such a name. @throws PacketError for any other name */
export function elevenlabsStream(name: string): ElevenlabsStream {
  const [coding, rate] = name.split('_');
  const format = coding === 'ulaw' ? 'mulaw' : 's16';
  const stream: ElevenlabsStream = { format, sampleRate: Number(rate), channels: 1 };
  const rates = format === 's16' ? PCM_RATES : [8000];
  if (rates.includes(stream.sampleRate) && elevenlabsName(stream) === name) return stream;
  throw new PacketError('unknown-type', 'the format must be one of pcm or ulaw, with its rate.');
}
