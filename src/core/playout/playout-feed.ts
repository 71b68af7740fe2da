import type { PlayoutCommand, PlayoutFigures } from '../messages.ts';

/** Initial memory of the processor, in seconds. */
const FIRST_SECONDS = 2;

export interface PlayoutFeedOptions {
  /** Bytes per frame on the wire. */
  readonly bytesPerFrame: number;
  /** Sample rate of the wire in Hz. */
  readonly sampleRate: number;
  /** Maximum length of the queued audio, in ms. */
  readonly maxBufferMs: number;
  readonly send: (command: PlayoutCommand, transfer: ArrayBuffer[]) => void;
}

/**
 * Sends audio to the processor, and no more than it has room for. This thread knows only what it sent and what was reported as
 * passed; reports lag behind, so there is never less room than it assumes.
 */
export class PlayoutFeed {
  /** Frames that found no room, and late frames of interrupted items. */
  droppedFrames = 0;
  /** Frames that were lost before they arrived here. */
  lostFrames = 0;
  /** Frames that have reached the processor. */
  receivedFrames = 0;
  readonly #options: PlayoutFeedOptions;
  readonly #blocks: FrameBlocks;
  readonly #maxFrames: number;
  #capacityFrames: number;
  #sent = 0;
  /** Sent frames that were passed or refused, and frames that the processor no longer holds. */
  #passed = 0;
  #released = 0;
  /** Whether audio is missing before the next frame. */
  #gap = false;
  /** Frames that a pending undo may restore. */
  #reserved = 0;

  constructor(options: PlayoutFeedOptions) {
    const { sampleRate } = options;
    this.#options = options;
    this.#blocks = new FrameBlocks(options.bytesPerFrame);
    this.#maxFrames = Math.ceil((options.maxBufferMs / 1000) * sampleRate);
    this.#capacityFrames = Math.min(this.#maxFrames, FIRST_SECONDS * sampleRate);
  }

  /** Capacity of the processor's memory in wire frames. */
  get capacityFrames(): number {
    return this.#capacityFrames;
  }

  /** Forgets the bytes of an incomplete frame. */
  reset(): void {
    this.#blocks.reset();
  }

  /** Notes that `frames` frames are missing before the next ones written. */
  lose(frames: number): void {
    this.lostFrames += frames;
    if (frames > 0) this.#gap = true;
  }

  /** Sends bytes of `item`, split anywhere; the caller keeps them. @returns the number of frames sent; the others are dropped */
  write(item: number, bytes: Uint8Array): number {
    return this.#write(item, bytes, this.#blocks);
  }

  /** Counts bytes of an item that is no longer wanted. */
  drop(bytes: Uint8Array): void {
    this.droppedFrames += Math.floor(bytes.length / this.#options.bytesPerFrame);
  }

  /** Writes bytes that were dropped before. @returns as `write` */
  retry(item: number, bytes: Uint8Array): number {
    this.droppedFrames -= Math.floor(bytes.length / this.#options.bytesPerFrame);
    return this.write(item, bytes);
  }

  /** Takes back frames whose item was interrupted. @param afterGap whether audio was missing before them */
  takeBack(bytes: Uint8Array, afterGap: boolean): void {
    const frames = bytes.length / this.#options.bytesPerFrame;
    this.#sent -= frames;
    this.droppedFrames += frames;
    if (afterGap) this.#gap = true;
  }

  /** Sends whole frames that came back once more. The bytes of an incomplete frame follow after them. */
  resend(item: number, bytes: Uint8Array): number {
    const blocks = new FrameBlocks(this.#options.bytesPerFrame);
    this.droppedFrames -= bytes.length / this.#options.bytesPerFrame;
    return this.#write(item, bytes, blocks);
  }

  /** Returns the number of whole frames including `bytes`, which are not written yet. */
  framesWith(bytes: Uint8Array): number {
    return this.#blocks.framesWith(bytes.length);
  }

  report(figures: PlayoutFigures): void {
    const { heard, skipped, interrupted, dropped, floor } = figures;
    this.#passed = heard + skipped + interrupted + dropped;
    this.#released = floor + dropped;
  }

  /** Takes a buffer back. @param received number of frames that the processor has received */
  giveBack(buffer: ArrayBuffer, received: number): void {
    this.receivedFrames = received;
    this.#blocks.giveBack(buffer);
  }

  /** Reserves room for `frames` frames that an undo may restore, until it is answered. */
  reserve(frames: number): void {
    this.#reserved = frames;
  }

  #write(item: number, bytes: Uint8Array, blocks: FrameBlocks): number {
    const { send } = this.#options;
    const offered = blocks.framesWith(bytes.length);
    const room = this.#maxFrames - (this.#sent - this.#passed) - this.#reserved;
    const frames = this.#grow(Math.max(0, Math.min(offered, room)));
    this.droppedFrames += offered - frames;
    this.#sent += frames;
    blocks.push(bytes, frames, (block) => {
      send({ type: 'write', item, bytes: block, afterGap: this.#gap }, [block.buffer]);
      this.#gap = false;
    });
    if (frames < offered) this.#gap = true;
    return frames;
  }

  /** Provides memory for the frames that the processor holds and `frames` more. @returns how many of them fit */
  #grow(frames: number): number {
    const { send, bytesPerFrame } = this.#options;
    const needed = this.#sent - this.#released + frames;
    const most = Math.min(this.#maxFrames, Math.max(needed, 2 * this.#capacityFrames));
    if (needed <= this.#capacityFrames || most === this.#capacityFrames) return frames;
    for (const capacity of [most, Math.min(this.#maxFrames, needed)]) {
      const storage = allocate(capacity * bytesPerFrame);
      if (storage === null) continue;
      this.#capacityFrames = capacity;
      send({ type: 'grow', storage }, [storage]);
      return frames;
    }
    return Math.max(0, frames - (needed - this.#capacityFrames));
  }
}

/** Returns null if the page has no such memory. */
function allocate(byteLength: number): ArrayBuffer | null {
  try {
    return new ArrayBuffer(byteLength);
  } catch {
    return null;
  }
}

/** Size of the buffers sent to the other thread: 340 ms of 24 kHz `s16` mono, so that a chunk takes one. */
const BLOCK_BYTES = 16 * 1024;
/** Maximum number of buffers kept for reuse: as many as a burst needs until the first come back. */
const MAX_FREE_BLOCKS = 16;

/**
 * Cuts bytes that were split anywhere into blocks of whole frames, in transferred buffers that may come back. The bytes of an
 * incomplete frame wait for the next ones.
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

  /** Returns the number of whole frames with `byteCount` more bytes. */
  framesWith(byteCount: number): number {
    return Math.floor((this.#carried + byteCount) / this.bytesPerFrame);
  }

  /**
   * Takes all of `bytes`, which the caller keeps, and passes the first `frames` frames to `send`; other whole frames are dropped.
   * @param frames at most `framesWith(bytes.length)`
   * @param send receives the blocks and owns them
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
    // Without a whole frame, the new bytes join the waiting ones.
    if (whole > 0) this.#carried = 0;
    this.#carry.set(bytes.subarray(length - (left - this.#carried)), this.#carried);
    this.#carried = left;
  }

  /** Forgets the waiting bytes: the next ones start a frame. */
  reset(): void {
    this.#carried = 0;
  }

  /** Takes back a buffer that was passed to `send`. Others are left to the garbage collector. */
  giveBack(buffer: ArrayBuffer): void {
    if (buffer.byteLength !== BLOCK_BYTES || this.#free.length >= MAX_FREE_BLOCKS) return;
    this.#free.push(buffer);
  }

  #take(byteLength: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(BLOCK_BYTES), 0, byteLength);
  }
}
