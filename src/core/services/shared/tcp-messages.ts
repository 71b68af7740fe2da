import { describe } from '../../arguments.ts';
import { PacketError } from '../../errors.ts';
import { checkText } from '../../option-names.ts';
import type { ServiceAddress, ServiceEvent } from '../service.ts';

/** Checks the address of a service over TCP. @throws TypeError unless it is `tcp://host:port` */
export function tcpAddress(url: string): ServiceAddress {
  checkText('url', url);
  if (/^tcp:\/\/[^/\s]+:\d{1,5}$/i.test(url)) return { url, protocols: [] };
  throw new TypeError(`url must be tcp://host:port, got ${describe(url)}.`);
}

/**
 * Collects slices of a byte stream until a message is complete. Copies the slices. Each byte is copied a bounded number of times,
 * however small the slices are.
 */
export class ByteQueue {
  #bytes = new Uint8Array(FIRST_BYTES);
  #start = 0;
  #end = 0;

  /** Number of bytes in the queue. */
  get length(): number {
    return this.#end - this.#start;
  }

  push(slice: Uint8Array): void {
    const needed = this.length + slice.length;
    if (this.#end + slice.length > this.#bytes.length) {
      let size = Math.max(FIRST_BYTES, this.#bytes.length);
      // Half of the space must become free; otherwise small slices would move everything again and again.
      while (size < 2 * needed) size *= 2;
      const from = this.#bytes.subarray(this.#start, this.#end);
      const bytes = size === this.#bytes.length ? this.#bytes : new Uint8Array(size);
      if (bytes === this.#bytes) bytes.copyWithin(0, this.#start, this.#end);
      else bytes.set(from);
      this.#bytes = bytes;
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#bytes.set(slice, this.#end);
    this.#end += slice.length;
  }

  /** Returns the byte at `at`, counted from the first in the queue. */
  byte(at: number): number {
    return this.#bytes[this.#start + at]!;
  }

  /** Returns the first index of a byte at or after `from`, counted from the first in the queue; −1 if it is not found. */
  indexOf(byte: number, from: number): number {
    const at = this.#bytes.subarray(0, this.#end).indexOf(byte, this.#start + from);
    return at < 0 ? -1 : at - this.#start;
  }

  /** Takes the first `count` bytes, which must be in the queue. @returns a copy */
  take(count: number): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(this.#start, this.#start + count);
    this.skip(count);
    return bytes;
  }

  /** Drops the first `count` bytes, which must be in the queue. */
  skip(count: number): void {
    this.#start += count;
    if (this.#start < this.#end) return;
    this.#start = this.#end = 0;
    // Frees the space that a long message needed.
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(FIRST_BYTES);
  }
}

const FIRST_BYTES = 4096;
const KEPT_BYTES = 65_536;

/** Reads the messages of a byte stream one after the other. */
export interface StreamParser {
  /**
   * Takes the next message off the queue.
   * @returns its events; null while it is incomplete
   * @throws PacketError for an invalid message. It was taken off the queue, unless the stream is over
   */
  next(queue: ByteQueue): readonly ServiceEvent[] | null;
  /** Whether the stream is over: the other side has said so, or the ends of messages cannot be found. */
  readonly isOver: boolean;
}

/** Maximum number of invalid messages before the session gives up the stream: an exception costs as much as a thousand bytes of audio. */
const MAX_FAULTS = 64;

/**
 * Creates the `decode` of a connection over TCP. It reports the first fault of each kind, and a fault that ends the stream as fatal.
 */
export function streamDecoder(
  parser: StreamParser,
): (slice: string | Uint8Array) => readonly ServiceEvent[] {
  const queue = new ByteQueue();
  const told = new Set<string>();
  let faults = 0;
  const isOver = (): boolean => parser.isOver || faults > MAX_FAULTS;
  return (slice) => {
    if (typeof slice === 'string') {
      throw new PacketError('unknown-type', 'a stream must be bytes, got text.');
    }
    const events: ServiceEvent[] = [];
    if (isOver()) return events;
    queue.push(slice);
    while (!isOver()) {
      try {
        const found = parser.next(queue);
        if (found === null) return events;
        events.push(...found);
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
        faults++;
        const { reason: code, message } = error;
        if (!isOver() && told.has(code)) continue;
        told.add(code);
        events.push({ type: 'error', code, message, fatal: isOver(), retry: true });
      }
    }
    queue.skip(queue.length);
    return events;
  };
}
