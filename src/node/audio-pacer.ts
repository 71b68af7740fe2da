import { performance } from 'node:perf_hooks';
import { Fifo } from '../core/session/fifo.ts';

/** Time from one packet to the next, in ms. */
export const PACKET_MS = 20;
/** After a longer stall of this process, in ms, the audio continues later instead of catching up. */
const MAX_BEHIND_MS = 200;

interface Waiting {
  /** Number of frames that were sent. */
  sent: number;
  readonly settle: (sent: number) => void;
  readonly bytes: Uint8Array;
  /** Offset of the next byte. */
  at: number;
}

/** Options of an {@link AudioPacer}. */
export interface PacerOptions {
  readonly sampleRate: number;
  readonly frameBytes: number;
  /** Maximum number of frames in a packet. */
  readonly packetFrames: number;
  /** Maximum number of waiting bytes. */
  readonly maxBytes: number;
  /** Sends a packet, whose bytes it may keep. @returns false if it cannot send now; it is called again later */
  readonly send: (bytes: Uint8Array<ArrayBuffer>, frames: number) => boolean;
  /** Returns the time of a monotonic clock, in ms. @default the process's clock */
  readonly now?: () => number;
}

/** Sends samples at the pace at which they are played, for receivers without a queue. */
export class AudioPacer {
  readonly #options: PacerOptions;
  readonly #now: () => number;
  readonly #queue = new Fifo<Waiting>();
  #queuedBytes = 0;
  /** When the current run of sent audio began; NaN while no audio is being sent. */
  #startMs = Number.NaN;
  #sentFrames = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Number of waiting frames. */
  get queuedFrames(): number {
    return this.#queuedBytes / this.#options.frameBytes;
  }

  /**
   * Queues audio. The bytes are copied.
   * @returns the number of its frames that were sent, once the last one was; fewer if it was cleared, 0 if it did not fit
   * @throws RangeError unless the bytes are whole frames
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

  /** Drops the waiting audio. @returns the number of dropped frames */
  clear(): number {
    const frames = this.queuedFrames;
    this.#queuedBytes = 0;
    for (let one = this.#queue.shift(); one !== undefined; one = this.#queue.shift()) {
      one.settle(one.sent);
    }
    return frames;
  }

  /** Drops the waiting audio, and stops sending. */
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
    // Audio that arrives at exactly the end of the sent audio continues it.
    const restMs = endMs() - nowMs;
    if (this.#queuedBytes > 0 || restMs > 0) {
      this.#timer = setTimeout(() => this.#run(), Math.max(1, Math.ceil(restMs)));
    }
  }

  /** @returns the number of frames sent; 0 if it cannot send now */
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
