import type {
  WebTransportCloseLike,
  WebTransportLike,
  WebTransportStreamLike,
} from '../../src/web/transport/web-transport-socket.ts';

/** As Chromium's over a link of 1,350 bytes. */
const MAX_DATAGRAM_BYTES = 1199;

/** An echo: each chunk returns in a task of its own, and its write is done then. */
class EchoStream implements WebTransportStreamLike {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** What was written, in order. */
  readonly written: Uint8Array[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #sink: WritableStreamDefaultController | null = null;

  constructor() {
    this.readable = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
    });
    this.writable = new WritableStream({
      start: (controller) => void (this.#sink = controller),
      write: (chunk) =>
        new Promise((resolve) => {
          this.written.push(chunk);
          setImmediate(() => {
            this.deliver(chunk);
            resolve();
          });
        }),
    });
  }

  /** Has a chunk arrive. */
  deliver(chunk: Uint8Array): void {
    this.#controller?.enqueue(chunk.slice());
  }

  /** The other end writes no more. */
  finish(): void {
    this.#controller?.close();
    this.#controller = null;
  }

  /** The other end reads no more. */
  stop(): void {
    this.#sink?.error(new Error('The server reads no more of it.'));
    this.#sink = null;
  }

  fail(): void {
    const error = new Error('The session is closed.');
    this.#controller?.error(error);
    this.#sink?.error(error);
    this.#controller = null;
  }
}

/** A session of WebTransport in Node whose other end sends everything back. Opens by itself unless told to wait. */
export class FakeWebTransport implements WebTransportLike {
  readonly ready: Promise<void>;
  readonly closed: Promise<WebTransportCloseLike>;
  readonly stream: EchoStream = new EchoStream();
  readonly echoed: EchoStream = new EchoStream();
  readonly datagrams: WebTransportLike['datagrams'];
  #open!: () => void;
  #refuse!: (error: Error) => void;
  #resolve!: (info: WebTransportCloseLike) => void;
  #reject!: (error: Error) => void;

  constructor({ opens = true, maxDatagramSize = MAX_DATAGRAM_BYTES } = {}) {
    this.ready = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    this.closed = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    for (const promise of [this.ready, this.closed]) promise.catch(() => {});
    const { readable, writable } = this.echoed;
    this.datagrams = { maxDatagramSize, readable, createWritable: () => writable };
    if (opens) setImmediate(() => this.#open());
  }

  async createBidirectionalStream(): Promise<WebTransportStreamLike> {
    return this.stream;
  }

  /** By either side. */
  close(info: WebTransportCloseLike = {}): void {
    this.#resolve(info);
    this.#fail();
  }

  /** The connection fails: before it is open, or later. */
  cut(): void {
    this.#reject(new Error('Connection lost.'));
    this.#fail();
  }

  #fail(): void {
    this.#refuse(new Error('Connection lost.'));
    this.stream.fail();
    this.echoed.fail();
  }
}
