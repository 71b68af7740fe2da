import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { deferred } from '../core/deferred.ts';
import { ByteQueue } from '../core/services/shared/tcp-messages.ts';

/** Reads what comes over a {@link TcpLink}. */
export interface TcpPeer {
  /** Takes what is whole off the queue; its end may be part of a message. Does not throw. */
  receive(queue: ByteQueue): void;
  /** Whether nothing more should come for now. */
  readonly isFull: boolean;
  /** Whether more may come after it was full. */
  readonly hasRoom: boolean;
  /** Nothing came for too long. */
  idle(): void;
  /**
   * The connection is closed. Comes once.
   * @param isOrderly the other side has closed it, between two messages
   */
  closed(isOrderly: boolean): void;
}

/** Bytes that wait for a client which does not read; then it is given up. */
const MAX_SENDING_BYTES = 2 ** 24;
/** How long a connection may take to close, ms, when all was sent; and until then. */
const CLOSE_MS = 1000;
const FLUSH_MS = 10_000;
const NO_BYTES = new Uint8Array(0);

/** The server's end of a TCP connection: holds the client back while its reader is slow, and ends once. */
export class TcpLink {
  readonly #socket: Socket;
  readonly #idleMs: number;
  readonly #queue = new ByteQueue();
  /** Of the client; it is known after the connection is closed, too. */
  readonly address: string;
  #peer: TcpPeer | null = null;
  #isEnding = false;
  #isPaused = false;
  #hasEnded = false;
  #heardMs = performance.now();
  #idle: ReturnType<typeof setTimeout> | undefined;
  readonly #closed = deferred<void>();

  /** @param idleMs without a byte for so long, `idle` is called */
  constructor(socket: Socket, idleMs: number) {
    this.#socket = socket;
    this.#idleMs = idleMs;
    this.address = socket.remoteAddress ?? '';
  }

  /** Settles when the connection is closed. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Whether bytes can be sent. */
  get isOpen(): boolean {
    return !this.#isEnding && this.#socket.writable;
  }

  /** Whether the client takes what is sent. */
  get isReady(): boolean {
    return this.isOpen && !this.#socket.writableNeedDrain;
  }

  /** Begins to read. */
  begin(peer: TcpPeer): void {
    this.#peer = peer;
    const socket = this.#socket;
    // What it means is told by 'close'.
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

  /** Looks whether the client has to wait. */
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

  /** @returns whether the system has taken the bytes, as soon as it has */
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

  /** Sends last bytes and closes. What comes is not read any more. */
  end(bytes?: Uint8Array): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.look();
    const socket = this.#socket;
    // What was sent gets its time to leave; then the other side has a moment to close.
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
    clearTimeout(this.#idle);
    peer.closed(this.#hasEnded && !hadError && this.#queue.length === 0);
    this.#closed.resolve();
  }

  #armIdle(): void {
    const passedMs = performance.now() - this.#heardMs;
    this.#idle = setTimeout(
      () => {
        // A client that has to wait is not idle.
        if (this.#isPaused) this.#heardMs = performance.now();
        else if (performance.now() - this.#heardMs >= this.#idleMs) {
          this.#peer?.idle();
          return;
        }
        this.#armIdle();
      },
      Math.max(1, this.#idleMs - passedMs),
    );
  }
}
