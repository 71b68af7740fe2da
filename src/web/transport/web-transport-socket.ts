import { PacketError, errorText } from '../../core/errors.ts';
import type { WebSocketLike } from '../../core/socket.ts';
import {
  StreamMessageReader,
  encodeStreamMessage,
} from '../../core/webtransport/stream-messages.ts';

/** Both directions of a stream in a session. */
export interface WebTransportStreamLike {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** How a session was closed (W3C webtransport §6.6). */
export interface WebTransportCloseLike {
  readonly closeCode?: number | undefined;
  readonly reason?: string | undefined;
}

/** The part of a browser's `WebTransport` that this socket uses. */
export interface WebTransportLike {
  readonly ready: Promise<unknown>;
  readonly closed: Promise<WebTransportCloseLike>;
  readonly datagrams: {
    readonly maxDatagramSize: number;
    readonly readable: ReadableStream<Uint8Array>;
    /** Exists in older browsers; newer ones have `createWritable`. */
    readonly writable?: WritableStream<Uint8Array>;
    createWritable?(): WritableStream<Uint8Array>;
  };
  createBidirectionalStream(): Promise<WebTransportStreamLike>;
  close(info?: WebTransportCloseLike): void;
}

/** Close code of a session that was cut off. Codes from a peer are never negative. */
export const CUT = -1;

/** Close code of a session that this side ended because of a fault; the reason then describes the fault in a sentence. */
export const FAULT = -2;

/** Close codes that this side sends. */
const NO_ERROR = 0;
const BAD_MESSAGE = 1;
const STREAM_FAILED = 2;

type Writer = WritableStreamDefaultWriter<Uint8Array>;

/**
 * Adapts a WebTransport session to a socket: bytes that fit travel as one datagram each; text and longer messages travel on the
 * first bidirectional stream, which this side opens.
 */
export class WebTransportSocket implements WebSocketLike {
  /** The only supported type. */
  binaryType = 'arraybuffer';
  /** Bytes that the browser has not accepted yet. */
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  /** Never called: a session that fails is closed. */
  onerror: ((event: never) => void) | null = null;
  readonly #session: WebTransportLike;
  #datagrams: Writer | null = null;
  #stream: Writer | null = null;
  /** How this side reported the first fault to the server. */
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

  /**
   * Sends a message. The message is copied, because the browser may read it later.
   * @throws RangeError for a message that is too long; Error when not open
   */
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

  /** Reads until the stream ends. The end of the stream alone does not end the session. */
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

  /** Ends the session because of a fault. Has no effect if the session has ended: its `closed` gives the reason. */
  #fail(closeCode: number, reason: string): void {
    if (this.#isClosed) return;
    this.#fault ??= { closeCode, reason };
    this.#closeSession(closeCode, reason);
  }

  /** Closes the session; `closed` settles afterwards. */
  #closeSession(closeCode: number, reason: string): void {
    try {
      this.#session.close({ closeCode, reason });
    } catch {
      // The session has failed already.
    }
  }

  #end(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // When the other side ends the session, its streams fail too: `closed` shows which end came first.
    const isOurs = this.#fault?.closeCode === code && this.#fault.reason === reason;
    this.onclose?.({ code: isOurs ? FAULT : code, reason } as never);
  }
}
