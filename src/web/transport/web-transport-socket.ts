import { PacketError, errorText } from '../../core/errors.ts';
import type { WebSocketLike } from '../../core/socket.ts';
import {
  StreamMessageReader,
  encodeStreamMessage,
} from '../../core/webtransport/stream-messages.ts';

/** Both directions of a stream of a session. */
export interface WebTransportStreamLike {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** How a session was closed (W3C webtransport §6.6). */
export interface WebTransportCloseLike {
  readonly closeCode?: number | undefined;
  readonly reason?: string | undefined;
}

/** The part of a browser's `WebTransport` that is used. */
export interface WebTransportLike {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<WebTransportCloseLike>;
  readonly datagrams: {
    readonly maxDatagramSize: number;
    readonly readable: ReadableStream<Uint8Array>;
    /** Older browsers have this, newer ones `createWritable`. */
    readonly writable?: WritableStream<Uint8Array>;
    createWritable?(): WritableStream<Uint8Array>;
  };
  createBidirectionalStream(): Promise<WebTransportStreamLike>;
  close(info?: WebTransportCloseLike): void;
}

/** Close code of a session that was cut. Those that a peer gives are not negative. */
export const CUT = -1;

/** Close code of a session that this side ended because of a fault, which is then the reason, in a sentence. */
export const FAULT = -2;

/** Close codes that this side gives. */
const NO_ERROR = 0;
const BAD_MESSAGE = 1;
const STREAM_FAILED = 2;

type Writer = WritableStreamDefaultWriter<Uint8Array>;

/**
 * A session of WebTransport as a socket: bytes that fit travel as one datagram each, text and longer messages on the first
 * bidirectional stream, which this side opens.
 */
export class WebTransportSocket implements WebSocketLike {
  /** Nothing else is supported. */
  binaryType = 'arraybuffer';
  /** Bytes that the browser has not taken. */
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  /** Never called: a session that fails closes. */
  onerror: ((event: never) => void) | null = null;
  readonly #session: WebTransportLike;
  #datagrams: Writer | null = null;
  #stream: Writer | null = null;
  /** What this side has told the server of the first fault. */
  #fault: Required<WebTransportCloseLike> | null = null;
  #isClosed = false;

  constructor(session: WebTransportLike) {
    this.#session = session;
    session.closed.then(
      ({ closeCode = NO_ERROR, reason = '' }) => this.#end(closeCode, reason),
      (error: unknown) => this.#end(CUT, error instanceof Error ? error.message : ''),
    );
    void this.#open();
  }

  /** Copies the message: the browser may take it later. @throws RangeError for one that is too long; Error when not open */
  send(message: string | Uint8Array<ArrayBuffer>): void {
    const datagrams = this.#datagrams;
    const stream = this.#stream;
    if (this.#isClosed || datagrams === null || stream === null) {
      throw new Error('The session is not open.');
    }
    const { maxDatagramSize } = this.#session.datagrams;
    // Chromium 156 never sends an empty datagram.
    const fits =
      typeof message !== 'string' && message.length > 0 && message.length <= maxDatagramSize;
    if (fits) this.#write(datagrams, message.slice());
    else this.#write(stream, encodeStreamMessage(message));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closeSession(NO_ERROR, '');
  }

  async #open(): Promise<void> {
    const session = this.#session;
    try {
      await session.ready;
      const stream = await session.createBidirectionalStream();
      if (this.#isClosed) return;
      const { datagrams } = session;
      const writable = datagrams.createWritable?.() ?? datagrams.writable!;
      this.#datagrams = writable.getWriter();
      this.#stream = stream.writable.getWriter();
      void this.#readDatagrams(datagrams.readable);
      void this.#readStream(stream.readable);
    } catch (error) {
      this.#fail(STREAM_FAILED, `The stream could not be opened: ${errorText(error)}`);
      return;
    }
    this.onopen?.(undefined as never);
  }

  #write(writer: Writer, bytes: Uint8Array): void {
    this.bufferedAmount += bytes.length;
    const done = (): void => void (this.bufferedAmount -= bytes.length);
    writer.write(bytes).then(done, (error: unknown) => {
      done();
      this.#fail(STREAM_FAILED, `A message could not be sent: ${errorText(error)}`);
    });
  }

  async #readDatagrams(readable: ReadableStream<Uint8Array>): Promise<void> {
    await this.#read(readable, (bytes) => this.#arrive(bytes));
  }

  async #readStream(readable: ReadableStream<Uint8Array>): Promise<void> {
    const messages = new StreamMessageReader();
    await this.#read(readable, (bytes) => {
      for (const message of messages.read(bytes)) this.#arrive(message);
    });
  }

  /** Until the stream ends. Its end alone is no end of the session. */
  async #read(readable: ReadableStream<Uint8Array>, take: (bytes: Uint8Array) => void) {
    try {
      const reader = readable.getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        take(value);
      }
    } catch (error) {
      if (error instanceof PacketError) {
        const reason = `The server sent something else than messages on the stream: ${error.message}`;
        this.#fail(BAD_MESSAGE, reason);
      } else this.#fail(STREAM_FAILED, `The server's messages ended: ${errorText(error)}`);
    }
  }

  #arrive(data: string | Uint8Array): void {
    if (!this.#isClosed) this.onmessage?.({ data } as never);
  }

  /** Ends the session because of a fault. Without effect where it has ended: its `closed` says why. */
  #fail(closeCode: number, reason: string): void {
    if (this.#isClosed) return;
    this.#fault ??= { closeCode, reason };
    this.#closeSession(closeCode, reason);
  }

  /** `closed` follows. */
  #closeSession(closeCode: number, reason: string): void {
    try {
      this.#session.close({ closeCode, reason });
    } catch {
      // It has failed already.
    }
  }

  #end(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // A session that the other side ends fails in its streams too: what `closed` tells is whose end came first.
    const isOurs = this.#fault?.closeCode === code && this.#fault.reason === reason;
    this.onclose?.({ code: isOurs ? FAULT : code, reason } as never);
  }
}
