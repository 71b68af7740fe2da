import { FORMATS, isSampleFormat } from '../../format/formats.ts';
import { bytesPerFrame } from '../../format/stream-format.ts';
import type { StreamFormat } from '../../format/stream-format.ts';

/** Silent samples; undefined for packets of a codec, which only an encoder can make. */
export function silence(stream: StreamFormat, frames: number): Uint8Array<ArrayBuffer> | undefined {
  if (!isSampleFormat(stream.format)) return undefined;
  const row = FORMATS[stream.format];
  const byte = 'silence' in row ? row.silence : 0;
  return new Uint8Array(frames * bytesPerFrame(stream)).fill(byte ?? 0);
}
