import { PacketError } from '../../../src/core/errors.ts';
import { integerBytes, tryReadInteger, writeInteger } from '../../../src/core/framing/integers.ts';
import type { SessionEnd } from './capsules.ts';
import { CapsuleReader, encodeClose } from './capsules.ts';
import { FRAME, FrameReader, decodeSettings, encodeFrame, encodeSettings } from './http3-frames.ts';
import { decodeFields, encodeFields } from './qpack.ts';

/** What a connection of HTTP/3 does to the QUIC connection below it. */
export interface QuicActions {
  /** Puts bytes on a stream, in order. `isLast`: ends this side of it. */
  send(stream: number, bytes: Uint8Array, isLast: boolean): void;
  /** @returns false when it was dropped */
  sendDatagram(bytes: Uint8Array): boolean;
  /** Ends both sides of a stream at once. */
  reset(stream: number, code: number): void;
  /** Ends everything. */
  close(code: number, reason: string): void;
}

/** What a page asked for. */
export interface SessionRequest {
  readonly path: string;
  readonly authority: string;
  readonly origin: string;
}

/** The receiver of a session's messages. */
export interface SessionHandler {
  onDatagram(bytes: Uint8Array): void;
  /** Bytes of the stream that the page opened. */
  onStream(bytes: Uint8Array): void;
  /** The last call: the session has ended, by this side or the other. */
  onEnd(): void;
}

/** Decides on a session: its receiver, or the HTTP status that refuses it. */
export type Admit = (request: SessionRequest, session: ServerSession) => SessionHandler | number;

/** Sessions at once on a connection. Browsers with certificate hashes open one. */
const MAX_SESSIONS = 4;
/** Bytes that may wait for a session's stream, until the page has opened it. */
const MAX_WAITING_BYTES = 2 ** 16;

/** RFC 9114 §6.2, RFC 9204 §4.2, draft-ietf-webtrans-http3 §4.2. */
const CONTROL_STREAM = 0x00;
const QPACK_ENCODER_STREAM = 0x02;
const QPACK_DECODER_STREAM = 0x03;
/** Streams that a server opens, which send only: 3, 7, 11 … (RFC 9000 §2.1). */
const OUR_STREAMS = [3, 7, 11] as const;

/**
 * No dynamic table; extended CONNECT (RFC 9220); datagrams (RFC 9297, and the draft before it); WebTransport as
 * drafts 02, 07 and 13 announce it.
 */
const SETTINGS: ReadonlyMap<number, number> = new Map([
  [0x01, 0],
  [0x07, 0],
  [0x08, 1],
  [0x33, 1],
  [0xffd277, 1],
  [0x2b603742, 1],
  [0xc671706a, MAX_SESSIONS],
  [0x14e9cd29, MAX_SESSIONS],
]);

/** Error codes of HTTP/3 (RFC 9114 §8.1) and of sessions (draft-ietf-webtrans-http3 §9.5). */
const H3_GENERAL_PROTOCOL_ERROR = 0x0101;
const H3_REQUEST_REJECTED = 0x010b;
const SESSION_GONE = 0x170d7b68;

/** A session of WebTransport, as the server sees it. */
export class ServerSession {
  readonly #connection: SessionHost;
  /** Of the CONNECT request. */
  readonly #id: number;
  readonly #prefix: Uint8Array;
  #stream: number | null = null;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(connection: SessionHost, id: number) {
    this.#connection = connection;
    this.#id = id;
    // Datagrams name their session by a quarter of its stream's number (RFC 9297 §2.1).
    const quarter = id / 4;
    this.#prefix = new Uint8Array(integerBytes(quarter));
    writeInteger(quarter, this.#prefix, 0);
  }

  /** @returns false when it was dropped */
  sendDatagram(bytes: Uint8Array): boolean {
    const datagram = new Uint8Array(this.#prefix.length + bytes.length);
    datagram.set(this.#prefix);
    datagram.set(bytes, this.#prefix.length);
    return this.#connection.quic.sendDatagram(datagram);
  }

  /** Puts bytes on the page's stream. A session for which too much waits is closed. */
  send(bytes: Uint8Array): void {
    if (this.#stream !== null) return this.#connection.quic.send(this.#stream, bytes, false);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES) {
      this.close({ code: 1, reason: 'The page opens no stream.' });
    } else this.#waiting.push(bytes.slice());
  }

  close(end: SessionEnd): void {
    this.#connection.endSession(this.#id, end);
  }

  /** @internal @returns false when it has a stream already */
  takeStream(stream: number): boolean {
    if (this.#stream !== null) return false;
    this.#stream = stream;
    for (const bytes of this.#waiting.splice(0)) this.#connection.quic.send(stream, bytes, false);
    return true;
  }

  /** @internal */
  get stream(): number | null {
    return this.#stream;
  }
}

/** What a session needs of its connection. */
interface SessionHost {
  readonly quic: QuicActions;
  endSession(id: number, end: SessionEnd | null): void;
}

/** A session that was admitted. */
interface Admitted {
  readonly session: ServerSession;
  readonly handler: SessionHandler;
  readonly capsules: CapsuleReader;
}

/** The purpose of a page's stream; null: it is not read. */
type StreamUse = FrameReader | ServerSession | 'control' | null;

/**
 * A server's side of HTTP/3 as far as WebTransport needs it (RFC 9114, RFC 9220, RFC 9297, draft-ietf-webtrans-http3): it reads bytes and
 * answers with actions, without sockets or timers. Bytes that are not HTTP/3 close the connection.
 */
export class Http3Connection implements SessionHost {
  readonly quic: QuicActions;
  readonly #admit: Admit;
  readonly #sessions = new Map<number, Admitted>();
  readonly #streams = new Map<number, StreamUse>();
  readonly #control = new FrameReader();
  #hasSettings = false;
  #isClosed = false;

  constructor(quic: QuicActions, admit: Admit) {
    this.quic = quic;
    this.#admit = admit;
    const [control, encoder, decoder] = OUR_STREAMS;
    const settings = encodeSettings(SETTINGS);
    quic.send(control, Uint8Array.of(CONTROL_STREAM, ...settings), false);
    quic.send(encoder, Uint8Array.of(QPACK_ENCODER_STREAM), false);
    quic.send(decoder, Uint8Array.of(QPACK_DECODER_STREAM), false);
  }

  /** Sessions that are open now. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** Takes bytes of a stream. `isLast`: the page has ended its side of it. */
  receive(stream: number, bytes: Uint8Array, isLast: boolean): void {
    this.#guard(() => {
      if ((stream & 2) !== 0) this.#receiveOneWay(stream, bytes);
      else this.#receiveRequest(stream, bytes, isLast);
      if (isLast) this.#streams.delete(stream);
    });
  }

  /** Takes a datagram. One of no session is dropped. */
  receiveDatagram(bytes: Uint8Array): void {
    this.#guard(() => {
      const quarter = tryReadInteger(bytes, 0);
      if (quarter === null) throw new PacketError('truncated', 'A datagram names no session.');
      const admitted = this.#sessions.get(quarter.value * 4);
      admitted?.handler.onDatagram(bytes.subarray(quarter.end));
    });
  }

  /** The page has reset a stream, which ends it, and its session if it was a session's request. */
  resetByPeer(stream: number): void {
    this.#streams.delete(stream);
    if (this.#sessions.has(stream)) this.endSession(stream, null);
  }

  /** The connection below is gone. */
  end(): void {
    this.#isClosed = true;
    for (const { handler } of this.#sessions.values()) handler.onEnd();
    this.#sessions.clear();
    this.#streams.clear();
  }

  /** @param end null where the page has ended it */
  endSession(id: number, end: SessionEnd | null): void {
    const admitted = this.#sessions.get(id);
    if (admitted === undefined || this.#isClosed) return;
    this.#sessions.delete(id);
    this.#streams.delete(id);
    const { stream } = admitted.session;
    if (stream !== null) {
      this.#streams.set(stream, null);
      this.quic.reset(stream, SESSION_GONE);
    }
    const last = end === null ? new Uint8Array(0) : encodeFrame(FRAME.data, encodeClose(end));
    this.quic.send(id, last, true);
    admitted.handler.onEnd();
  }

  /** A one-way stream: for control, or for QPACK, which without a dynamic table carries nothing. */
  #receiveOneWay(stream: number, bytes: Uint8Array): void {
    let rest = bytes;
    if (!this.#streams.has(stream)) {
      // Types of one byte arrive whole; longer types are not read.
      const type = bytes[0];
      if (type === undefined) return;
      this.#streams.set(stream, type === CONTROL_STREAM ? 'control' : null);
      rest = bytes.subarray(1);
    }
    if (this.#streams.get(stream) !== 'control') return;
    for (const frame of this.#control.read(rest)) {
      if ('session' in frame || frame.type !== FRAME.settings || this.#hasSettings) {
        throw new PacketError('unknown-type', 'A frame has no place on a control stream.');
      }
      this.#hasSettings = true;
      decodeSettings(frame.content);
    }
  }

  #receiveRequest(stream: number, bytes: Uint8Array, isLast: boolean): void {
    if (!this.#streams.has(stream)) this.#streams.set(stream, new FrameReader());
    const use = this.#streams.get(stream);
    if (use instanceof ServerSession) return this.#ofSession(use)?.handler.onStream(bytes);
    if (!(use instanceof FrameReader)) return;
    for (const frame of use.read(bytes)) {
      if ('session' in frame) this.#openStream(stream, frame.session, frame.rest);
      else if (frame.type === FRAME.headers) this.#request(stream, frame.content);
      else if (frame.type === FRAME.data) this.#data(stream, frame.content);
      else throw new PacketError('unknown-type', 'A frame has no place on a request.');
    }
    if (isLast && this.#sessions.has(stream)) this.endSession(stream, null);
  }

  #ofSession(session: ServerSession): Admitted | undefined {
    return [...this.#sessions.values()].find((admitted) => admitted.session === session);
  }

  #openStream(stream: number, id: number, rest: Uint8Array): void {
    const admitted = this.#sessions.get(id);
    if (!admitted?.session.takeStream(stream)) {
      this.#streams.set(stream, null);
      return this.quic.reset(stream, SESSION_GONE);
    }
    this.#streams.set(stream, admitted.session);
    if (rest.length > 0) admitted.handler.onStream(rest);
  }

  #request(stream: number, content: Uint8Array): void {
    const fields = new Map(decodeFields(content));
    const isSession =
      fields.get(':method') === 'CONNECT' && fields.get(':protocol') === 'webtransport';
    if (!isSession) return this.#refuse(stream, 404);
    if (this.#sessions.has(stream)) {
      throw new PacketError('unknown-type', 'A session has one request.');
    }
    if (this.#sessions.size >= MAX_SESSIONS) return this.#refuse(stream, 429);
    const session = new ServerSession(this, stream);
    const handler = this.#admit(
      {
        path: fields.get(':path') ?? '',
        authority: fields.get(':authority') ?? '',
        origin: fields.get('origin') ?? '',
      },
      session,
    );
    if (typeof handler === 'number') return this.#refuse(stream, handler);
    this.#sessions.set(stream, { session, handler, capsules: new CapsuleReader() });
    const answer = encodeFields([
      [':status', '200'],
      ['sec-webtransport-http3-draft', 'draft02'],
    ]);
    this.quic.send(stream, encodeFrame(FRAME.headers, answer), false);
  }

  #refuse(stream: number, status: number): void {
    const answer = encodeFields([[':status', String(status)]]);
    this.#streams.set(stream, null);
    this.quic.send(stream, encodeFrame(FRAME.headers, answer), true);
  }

  #data(stream: number, content: Uint8Array): void {
    const admitted = this.#sessions.get(stream);
    if (admitted === undefined) return this.quic.reset(stream, H3_REQUEST_REJECTED);
    if (admitted.capsules.read(content) !== null) this.endSession(stream, null);
  }

  /** Bytes from outside can only end their connection. */
  #guard(action: () => void): void {
    if (this.#isClosed) return;
    try {
      action();
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.quic.close(H3_GENERAL_PROTOCOL_ERROR, error.message);
      this.end();
    }
  }
}
