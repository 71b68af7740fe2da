import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { deferred } from '../core/deferred.ts';
import { ByteQueue } from '../core/services/shared/tcp-messages.ts';
import { Deadline } from './deadline.ts';

/** Reads the data of a {@link TcpLink}. */
export interface TcpPeer {
  /** Removes complete messages from the queue; its end may be part of a message. Does not throw. */
  receive(queue: ByteQueue): void;
  /** True if no more data should arrive for now. */
  readonly isFull: boolean;
  /** True if more data may arrive after the peer was full. */
  readonly hasRoom: boolean;
  /** Called when no data has arrived for too long. */
  idle(): void;
  /**
   * Called once, when the connection is closed.
   * @param isOrderly true if the other side has closed the connection between two messages
   */
  closed(isOrderly: boolean): void;
}

/** Maximum number of bytes that wait for a client that does not read; beyond it the client is abandoned. */
const MAX_SENDING_BYTES = 2 ** 24;
/** How long a connection may take to close after all data was sent, in ms, and how long sending may take. */
const CLOSE_MS = 1000;
const FLUSH_MS = 10_000;
const NO_BYTES = new Uint8Array(0);

/** The server's end of a TCP connection: slows the client down while the reader is slow, and ends exactly once. */
export class TcpLink {
  readonly #socket: Socket;
  readonly #idleMs: number;
  readonly #queue = new ByteQueue();
  /** Address of the client; also known after the connection is closed. */
  readonly address: string;
  #peer: TcpPeer | null = null;
  #isEnding = false;
  #isPaused = false;
  #hasEnded = false;
  #heardMs = performance.now();
  readonly #idle = new Deadline();
  readonly #closed = deferred<void>();

  /** @param idleMs `idle` is called when no byte has arrived for this time, in ms */
  constructor(socket: Socket, idleMs: number) {
    this.#socket = socket;
    this.#idleMs = idleMs;
    this.address = socket.remoteAddress ?? '';
  }

  /** Settles when the connection is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** True while bytes can be sent. */
  get isOpen(): boolean {
    return !this.#isEnding && this.#socket.writable;
  }

  /** True while the client accepts sent data. */
  get isReady(): boolean {
    return this.isOpen && !this.#socket.writableNeedDrain;
  }

  /** Starts reading. */
  begin(peer: TcpPeer): void {
    this.#peer = peer;
    const socket = this.#socket;
    // The 'close' event reports the consequence.
    socket.on('error', () => {});
    socket.on('end', () => (this.#hasEnded = true));
    socket.on('close', (hadError) => this.#end(hadError));
    if (socket.destroyed) {
      queueMicrotask(() => this.#end(true));
      return;
    }
    socket.setNoDelay(true);
    socket.on('data', (slice: Buffer) => {
      this.#heardMs = performance.now();
      if (this.#isEnding) return;
      this.#queue.push(slice);
      peer.receive(this.#queue);
      this.look();
    });
    this.#armIdle();
  }

  /** Checks whether the client has to wait. */
  look(): void {
    const peer = this.#peer;
    if (peer === null) return;
    if (!this.#isPaused && !this.#isEnding && peer.isFull) {
      this.#isPaused = true;
      this.#socket.pause();
    } else if (this.#isPaused && (this.#isEnding || peer.hasRoom)) {
      this.#isPaused = false;
      this.#heardMs = performance.now();
      this.#socket.resume();
    }
  }

  /** Sends bytes. @returns whether the system has accepted the bytes, once it is known */
  send(bytes: Uint8Array): Promise<boolean> {
    if (!this.isOpen) return Promise.resolve(false);
    if (this.#socket.writableLength + bytes.length > MAX_SENDING_BYTES) {
      this.destroy();
      return Promise.resolve(false);
    }
    return new Promise((resolve) => {
      this.#socket.write(bytes, (error) => resolve(error === null || error === undefined));
    });
  }

  /** Sends the last bytes and closes the connection. Data is no longer read. */
  end(bytes?: Uint8Array): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.look();
    const socket = this.#socket;
    // Sent data gets time to leave; then the other side has a moment to close.
    socket.once('finish', () => this.#destroyAfter(CLOSE_MS));
    this.#destroyAfter(FLUSH_MS);
    if (socket.writable) socket.end(bytes ?? NO_BYTES);
  }

  destroy(): void {
    this.#isEnding = true;
    this.#socket.destroy();
  }

  #destroyAfter(ms: number): void {
    setTimeout(() => this.#socket.destroy(), ms).unref();
  }

  #end(hadError: boolean): void {
    if (this.#peer === null) return;
    const peer = this.#peer;
    this.#peer = null;
    this.#isEnding = true;
    this.#idle.clear();
    peer.closed(this.#hasEnded && !hadError && this.#queue.length === 0);
    this.#closed.resolve();
  }

  #armIdle(): void {
    const passedMs = performance.now() - this.#heardMs;
    this.#idle.set(Math.max(1, this.#idleMs - passedMs), () => {
      // A client that has to wait is not idle.
      if (this.#isPaused) this.#heardMs = performance.now();
      else if (performance.now() - this.#heardMs >= this.#idleMs) {
        this.#peer?.idle();
        return;
      }
      this.#armIdle();
    });
  }
}
