import type { WireMessage } from '../../src/core/services/service.ts';
import type { VirtualTime } from '../helpers/virtual-time.ts';

/** The end of a WebSocket, in the stream behind what was sent before it. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

interface Written {
  /** Bytes of the stream up to the message's end. */
  readonly end: number;
  readonly content: WireMessage | Closing;
}

interface Travelling extends Written {
  at: number;
}

/** What a {@link Pipe} tells. */
interface PipeEnd {
  readonly arrived: (content: WireMessage | Closing) => void;
  /** The stream has reached the byte at which it was to break. */
  readonly broke: () => void;
}

/** What a system does with bytes that a program writes. */
export interface Kernel {
  /** So many bytes leave the program's socket at once. */
  readonly kernelBytes: number;
  /** Bytes of a WebSocket frame's header (RFC 6455 §5.2), where `bufferedBytes` counts them. */
  readonly headerBytes: number;
}

/** How a pipe carries bytes. */
export interface PipeQuality {
  readonly bytesPerSecond: number;
  readonly latencyMs: number;
}

/**
 * One direction of a TCP connection: bytes in order, at a rate, after a latency. The kernel takes so many bytes; what is
 * behind them is still in the program's socket, and counts as `bufferedBytes`.
 */
export class Pipe {
  readonly #time: VirtualTime;
  readonly #kernel: Kernel;
  readonly #end: PipeEnd;
  #quality: PipeQuality;
  #written = 0;
  /** Bytes that have left the kernel at `#sentAt`. */
  #sent = 0;
  #sentAt: number;
  #refusedBytes = 0;
  #isBlocked = false;
  #isStalled = false;
  #isDead = false;
  /** The stream breaks when this byte arrives. */
  #breaksAt = Infinity;
  #arrived = 0;
  #arm = 0;
  readonly #queue: Written[] = [];
  readonly #travelling: Travelling[] = [];

  constructor(time: VirtualTime, quality: PipeQuality, kernel: Kernel, end: PipeEnd) {
    this.#time = time;
    this.#quality = quality;
    this.#kernel = kernel;
    this.#end = end;
    this.#sentAt = time.now;
  }

  /** Bytes that the program's socket holds, as `WebSocket.bufferedAmount`. */
  get bufferedBytes(): number {
    this.#advance();
    const bytes = Math.floor(this.#written - this.#sent - this.#kernel.kernelBytes);
    return Math.max(0, bytes) + this.#refusedBytes;
  }

  write(content: WireMessage | Closing): void {
    if (this.#isDead) {
      // A WebSocket that has closed takes messages, and counts them, and throws them away.
      this.#refusedBytes += lengthOf(content);
      return;
    }
    this.#advance();
    this.#written += this.#kernel.headerBytes + lengthOf(content);
    this.#queue.push({ end: this.#written, content });
    if (this.#queue.length === 1) this.#schedule();
  }

  set quality(quality: PipeQuality) {
    this.#advance();
    this.#quality = quality;
    this.#schedule();
  }

  /** Nothing moves while it is blocked; then TCP sends again what was under way. */
  set blocked(isBlocked: boolean) {
    if (isBlocked === this.#isBlocked) return;
    this.#advance();
    this.#isBlocked = isBlocked;
    this.#schedule();
    if (isBlocked) return;
    for (const message of this.#travelling) {
      message.at = Math.max(message.at, this.#time.now + this.#quality.latencyMs);
      this.#time.at(message.at, () => this.#arrive());
    }
  }

  /** Breaks in the message that holds the byte which arrives after `bytes` others. */
  breakAfter(bytes: number): void {
    this.#breaksAt = this.#arrived + bytes;
  }

  /** The path is gone: nothing moves any more, and what is written waits for ever. */
  stall(): void {
    this.#advance();
    this.#isStalled = true;
    this.#schedule();
  }

  /** The socket is closed: nothing is taken any more. `bufferedBytes` stays. */
  kill(): void {
    this.#advance();
    this.#isDead = true;
  }

  get #moves(): boolean {
    return !this.#isBlocked && !this.#isStalled && !this.#isDead;
  }

  #advance(): void {
    const { now } = this.#time;
    if (this.#moves) {
      const bytes = ((now - this.#sentAt) * this.#quality.bytesPerSecond) / 1000;
      this.#sent = Math.min(this.#written, this.#sent + bytes);
    }
    this.#sentAt = now;
  }

  /** For the moment when the first message of the queue has left. */
  #schedule(): void {
    const arm = ++this.#arm;
    const first = this.#queue[0];
    if (first === undefined || !this.#moves) return;
    const ms = (Math.max(0, first.end - this.#sent) / this.#quality.bytesPerSecond) * 1000;
    this.#time.after(ms, () => {
      if (arm === this.#arm) this.#leave();
    });
  }

  #leave(): void {
    this.#advance();
    const queue = this.#queue;
    while (queue.length > 0 && queue[0]!.end <= this.#sent + 1e-6) {
      const { end, content } = queue.shift()!;
      const before = this.#travelling.at(-1)?.at ?? 0;
      const at = Math.max(before, this.#time.now + this.#quality.latencyMs);
      this.#travelling.push({ at, end, content });
      this.#time.at(at, () => this.#arrive());
    }
    this.#schedule();
  }

  #arrive(): void {
    const travelling = this.#travelling;
    while (travelling.length > 0 && travelling[0]!.at <= this.#time.now) {
      if (!this.#moves) return;
      const { end, content } = travelling[0]!;
      if (end > this.#breaksAt) {
        this.#end.broke();
        return;
      }
      travelling.shift();
      this.#arrived = end;
      this.#end.arrived(content);
    }
  }
}

function lengthOf(content: WireMessage | Closing): number {
  // Text here is ASCII.
  return 'code' in Object(content) ? 2 : (content as WireMessage).length;
}
