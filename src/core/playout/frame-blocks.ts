/** Size of the buffers that cross the thread: 340 ms of 24 kHz `s16` mono, so that a chunk takes one. */
const BLOCK_BYTES = 16 * 1024;
/** Buffers kept for later: what a burst needs until the first come back. */
const MAX_FREE_BLOCKS = 16;

/**
 * Cuts bytes that were split anywhere into blocks of whole frames, in buffers that are handed over and may come back. The
 * bytes of a frame that is not complete wait for the next ones.
 */
export class FrameBlocks {
  readonly bytesPerFrame: number;
  readonly #blockFrames: number;
  readonly #carry: Uint8Array;
  #carried = 0;
  readonly #free: ArrayBuffer[] = [];

  constructor(bytesPerFrame: number) {
    this.bytesPerFrame = bytesPerFrame;
    this.#blockFrames = Math.floor(BLOCK_BYTES / bytesPerFrame);
    this.#carry = new Uint8Array(bytesPerFrame);
  }

  /** Whole frames that there will be with `byteCount` more bytes. */
  framesWith(byteCount: number): number {
    return Math.floor((this.#carried + byteCount) / this.bytesPerFrame);
  }

  /**
   * Takes all of `bytes`, which stay the caller's, and gives the first `frames` frames to `send`; what is left of whole
   * frames is dropped.
   * @param frames at most `framesWith(bytes.length)`
   * @param send gets the blocks, which are its own
   */
  push(bytes: Uint8Array, frames: number, send: (block: Uint8Array<ArrayBuffer>) => void): void {
    const { length } = bytes;
    const left = (this.#carried + length) % this.bytesPerFrame;
    const whole = this.framesWith(length);
    let at = 0;
    for (let sent = 0; sent < frames;) {
      const count = Math.min(frames - sent, this.#blockFrames);
      const block = this.#take(count * this.bytesPerFrame);
      const carried = this.#carried;
      block.set(this.#carry.subarray(0, carried));
      this.#carried = 0;
      const end = at + block.length - carried;
      block.set(bytes.subarray(at, end), carried);
      at = end;
      sent += count;
      send(block);
    }
    // Without a whole frame the new bytes join those that wait already.
    if (whole > 0) this.#carried = 0;
    this.#carry.set(bytes.subarray(length - (left - this.#carried)), this.#carried);
    this.#carried = left;
  }

  /** Forgets the bytes that wait: the next ones begin a frame. */
  reset(): void {
    this.#carried = 0;
  }

  /** Takes a buffer back that `send` was given. Others are left to the garbage collector. */
  giveBack(buffer: ArrayBuffer): void {
    if (buffer.byteLength !== BLOCK_BYTES || this.#free.length >= MAX_FREE_BLOCKS) return;
    this.#free.push(buffer);
  }

  #take(byteLength: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(BLOCK_BYTES), 0, byteLength);
  }
}
