import { base64Length, encodeBase64 } from '../base64/base64.ts';
import type { ChunkEncoding } from '../capture/chunk.ts';
import { FORMATS } from '../format/formats.ts';
import { bytesPerFrame, isSampled } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { UpAudio } from '../services/service.ts';

/** Audio as bytes. Its Base64 text is created on first access. */
export class RawAudio implements UpAudio {
  readonly frame: number;
  readonly frames: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  #base64: string | undefined;

  /** @param bytes the bytes, which stay in use */
  constructor(frame: number, frames: number, bytes: Uint8Array<ArrayBuffer>) {
    this.frame = frame;
    this.frames = frames;
    this.bytes = bytes;
  }

  get base64(): string {
    return (this.#base64 ??= encodeBase64(this.bytes));
  }
}

/** Returns the audio without its first `skip` frames. Only PCM can be cut. */
export function withoutFirst(audio: UpAudio, skip: number, stream: StreamFormat): UpAudio {
  const bytes = audio.bytes.subarray(skip * bytesPerFrame(stream));
  return new RawAudio(audio.frame + skip, audio.frames - skip, bytes);
}

/** Returns silence of the same length as `audio`. Only for PCM: silent packets come from their codec. */
export function silenceLike(audio: UpAudio, stream: StreamFormat): UpAudio {
  const bytes = new Uint8Array(audio.frames * bytesPerFrame(stream));
  if (isSampled(stream)) bytes.fill(FORMATS[stream.format].silence ?? 0);
  return new RawAudio(audio.frame, audio.frames, bytes);
}

/** Returns the size of the audio in the form in which it arrived, without creating the other form. */
export function heldBytes(audio: UpAudio, encoding: ChunkEncoding): number {
  return encoding === 'base64' ? audio.base64.length : audio.bytes.length;
}

/** Returns whether the audio is as long as it claims. A packet only has to be non-empty. */
export function isWhole(audio: UpAudio, stream: StreamFormat, encoding: ChunkEncoding): boolean {
  const held = heldBytes(audio, encoding);
  if (!isSampled(stream)) return held > 0;
  const bytes = audio.frames * bytesPerFrame(stream);
  return held === (encoding === 'base64' ? base64Length(bytes) : bytes);
}
