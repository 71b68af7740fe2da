import { FORMATS, isSampleFormat } from '../../format/formats.ts';
import { bytesPerFrame } from '../../format/stream-format.ts';
import type { StreamFormat } from '../../format/stream-format.ts';

/** Returns silent samples; undefined for a codec, whose packets only an encoder can produce. */
export function silence(stream: StreamFormat, frames: number): Uint8Array<ArrayBuffer> | undefined {
  if (!isSampleFormat(stream.format)) return undefined;
  const row = FORMATS[stream.format];
  const byte = 'silence' in row ? row.silence : 0;
  return new Uint8Array(frames * bytesPerFrame(stream)).fill(byte ?? 0);
}
