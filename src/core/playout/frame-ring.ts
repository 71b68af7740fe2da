import type { SampleDecoder } from '../format/sample-format.ts';

/**
 * Encoded frames in a ring of memory, addressed by their number since the start: frame `n` is stored at `n` modulo the capacity.
 * The caller keeps track of which numbers it holds. Reading decodes and allocates nothing; writing is allowed only between quanta,
 * on the same thread.
 */
export class FrameRing {
  readonly #decoder: SampleDecoder;
  #bytes: Uint8Array;
  #capacityFrames: number;

  /** @param storage taken over by the ring; holds `storage.byteLength / bytesPerFrame` frames, rounded down */
  constructor(decoder: SampleDecoder, storage: ArrayBuffer) {
    this.#decoder = decoder;
    this.#bytes = new Uint8Array(storage);
    this.#capacityFrames = Math.floor(storage.byteLength / decoder.bytesPerFrame);
  }

  /** Maximum number of successive frames that it holds. */
  get capacityFrames(): number {
    return this.#capacityFrames;
  }

  /**
   * Stores the encoded frames of `source` as frames `frame` … `frame + frames`, replacing earlier ones. At most `capacityFrames` at
   * a time.
   */
  write(frame: number, source: Uint8Array, frames: number): void {
    const bytes = this.#bytes;
    const end = this.#capacityFrames * this.#decoder.bytesPerFrame;
    const length = frames * this.#decoder.bytesPerFrame;
    let at = (frame % this.#capacityFrames) * this.#decoder.bytesPerFrame;
    if (length === source.length && at + length <= end) {
      bytes.set(source, at);
      return;
    }
    // Byte by byte: a view of part of the source would allocate on the audio thread.
    for (let i = 0; i < length; i++) {
      bytes[at++] = source[i]!;
      if (at === end) at = 0;
    }
  }

  /** Decodes frames `frame` … `frame + frames` to `output` at `at`; `output` has the decoder's channel count. */
  decode(frame: number, frames: number, output: readonly Float32Array[], at: number): void {
    if (frames <= 0) return;
    const decoder = this.#decoder;
    const slot = frame % this.#capacityFrames;
    const first = Math.min(frames, this.#capacityFrames - slot);
    decoder.decode(this.#bytes, slot * decoder.bytesPerFrame, first, output, at);
    if (first < frames) decoder.decode(this.#bytes, 0, frames - first, output, at + first);
  }

  /**
   * Moves to other memory, with frames `from` … `to`.
   * @param storage taken over by the ring; must hold `to − from` frames
   * @returns the old memory, which the ring no longer uses
   */
  adopt(storage: ArrayBuffer, from: number, to: number): ArrayBuffer {
    const { bytesPerFrame } = this.#decoder;
    const old = this.#bytes;
    const oldCapacity = this.#capacityFrames;
    const bytes = new Uint8Array(storage);
    const capacityFrames = Math.floor(storage.byteLength / bytesPerFrame);
    for (let frame = from; frame < to;) {
      const slot = frame % oldCapacity;
      const target = frame % capacityFrames;
      const frames = Math.min(to - frame, oldCapacity - slot, capacityFrames - target);
      const piece = old.subarray(slot * bytesPerFrame, (slot + frames) * bytesPerFrame);
      bytes.set(piece, target * bytesPerFrame);
      frame += frames;
    }
    this.#bytes = bytes;
    this.#capacityFrames = capacityFrames;
    return old.buffer as ArrayBuffer;
  }
}
