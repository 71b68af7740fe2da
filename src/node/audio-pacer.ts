import { performance } from 'node:perf_hooks';
import { Fifo } from '../core/session/fifo.ts';

/** From one packet to the next, ms. */
export const PACKET_MS = 20;
/** After a longer stall of this process, the audio continues later instead of being hurried. */
const MAX_BEHIND_MS = 200;

interface Waiting {
  /** Those that were sent. */
  sent: number;
  readonly settle: (sent: number) => void;
  readonly bytes: Uint8Array;
  /** Where its next byte is. */
  at: number;
}

/** How a {@link AudioPacer} sends. */
export interface PacerOptions {
  readonly sampleRate: number;
  readonly frameBytes: number;
  /** Frames of a packet at most. */
  readonly packetFrames: number;
  /** Bytes that wait at most. */
  readonly maxBytes: number;
  /** Sends a packet, in memory of its own. @returns false where it cannot now: it is asked again later */
  readonly send: (bytes: Uint8Array<ArrayBuffer>, frames: number) => boolean;
  /** Ms of a monotonic clock. @default the process's */
  readonly now?: () => number;
}

/** Sends samples as fast as they are played: for receivers that have no queue. */
export class AudioPacer {
  readonly #options: PacerOptions;
  readonly #now: () => number;
  readonly #queue = new Fifo<Waiting>();
  #queuedBytes = 0;
  /** When the audio that was sent since `#startMs` began; NaN while nothing is being sent. */
  #startMs = Number.NaN;
  #sentFrames = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Frames that wait. */
  get queuedFrames(): number {
    return this.#queuedBytes / this.#options.frameBytes;
  }

  /**
   * Queues audio, which it copies.
   * @returns frames of it that were sent, as soon as the last one was: fewer where it was cleared, 0 where there was no room
   * @throws RangeError unless it is whole frames
   */
  write(bytes: Uint8Array): Promise<number> {
    const { frameBytes, maxBytes } = this.#options;
    if (bytes.length % frameBytes !== 0) {
      throw new RangeError(`bytes must be frames of ${frameBytes} bytes, got ${bytes.length}.`);
    }
    if (this.#isClosed || bytes.length === 0 || this.#queuedBytes + bytes.length > maxBytes) {
      return Promise.resolve(0);
    }
    return new Promise((settle) => {
      this.#queue.push({
        sent: 0,
        settle,
        bytes: Uint8Array.from(bytes),
        at: 0,
      });
      this.#queuedBytes += bytes.length;
      if (this.#timer === undefined) this.#run();
    });
  }

  /** Drops what waits. @returns frames */
  clear(): number {
    const frames = this.queuedFrames;
    this.#queuedBytes = 0;
    for (let one = this.#queue.shift(); one !== undefined; one = this.#queue.shift()) {
      one.settle(one.sent);
    }
    return frames;
  }

  /** Drops what waits, and sends no more. */
  close(): void {
    this.#isClosed = true;
    this.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #run(): void {
    this.#timer = undefined;
    const { sampleRate, packetFrames } = this.#options;
    const nowMs = this.#now();
    const sentMs = (this.#sentFrames / sampleRate) * 1000;
    if (!(nowMs - this.#startMs - sentMs < MAX_BEHIND_MS)) {
      this.#startMs = nowMs;
      this.#sentFrames = 0;
    }
    const endMs = (): number => this.#startMs + (this.#sentFrames / sampleRate) * 1000;
    while (this.#queuedBytes > 0 && endMs() <= nowMs) {
      const frames = this.#sendPacket(packetFrames);
      if (frames === 0) {
        this.#timer = setTimeout(() => this.#run(), PACKET_MS);
        return;
      }
      this.#sentFrames += frames;
    }
    // The end of what was sent counts for audio that comes just then.
    const restMs = endMs() - nowMs;
    if (this.#queuedBytes > 0 || restMs > 0) {
      this.#timer = setTimeout(() => this.#run(), Math.max(1, Math.ceil(restMs)));
    }
  }

  /** @returns frames that were sent; 0: not now */
  #sendPacket(most: number): number {
    const { frameBytes, send } = this.#options;
    const bytes = new Uint8Array(Math.min(this.#queuedBytes, most * frameBytes));
    let filled = 0;
    for (let i = 0; filled < bytes.length; i++) {
      const { bytes: from, at } = this.#queue.at(i)!;
      const part = from.subarray(at, at + bytes.length - filled);
      bytes.set(part, filled);
      filled += part.length;
    }
    if (!send(bytes, bytes.length / frameBytes)) return 0;
    this.#queuedBytes -= bytes.length;
    let left = bytes.length;
    while (left > 0) {
      const first = this.#queue.at(0)!;
      const part = Math.min(left, first.bytes.length - first.at);
      first.at += part;
      first.sent += part / frameBytes;
      left -= part;
      if (first.at < first.bytes.length) continue;
      this.#queue.shift();
      first.settle(first.sent);
    }
    return bytes.length / frameBytes;
  }
}
