import { integerIn } from '../arguments.ts';
import { utf8Bytes, utf8Text } from '../bytes.ts';
import { PacketError } from '../errors.ts';
import { checkStream } from '../format/check-stream.ts';
import { FORMATS, PAYLOAD_FORMATS } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { binaryFraming } from '../framing/binary.ts';
import { integerBytes, integerBytesAt, readInteger, writeInteger } from '../framing/integers.ts';
import type { Packet } from '../framing/packet.ts';

/*
 * The messages of micwire's own protocol, `micwire.1`; docs/protocol.md says when each is sent. The first four bits of a binary
 * message give its kind: 2 is audio, a packet of the binary framing (framing/binary.ts); 1 is one of these. Integers (i) are those
 * of QUIC (framing/integers.ts). A text (t) is an integer, the number of its bytes, and UTF-8. A stream (s) is the code of its
 * format in one byte, its channels (i) and its rate in Hz (i); or a single byte 0 for no stream.
 *
 *    0x10 hello          version (i), session (t), frame (i), next (i), input (s), output (s)
 *    0x11 welcome        version (i), known (i), next (i), received (i), output (s)
 *    0x12 acknowledged   frame (i)
 *    0x13 item           frame (i), item (t)
 *    0x14 item-end       frame (i), item (t)
 *    0x15 mark           frames (i), item (t), name (t)
 *    0x16 played         frames (i), item (t), name (t)
 *    0x17 interrupt      frame (i)
 *    0x18 interrupted    frames (i), item (t), count (i), names (t …)
 *    0x19 commit         frame (i)
 *    0x1a mute           muted (i)
 *    0x1b ping           number (i)
 *    0x1c pong           number (i)
 *    0x1d leaving        ms (i)
 *    0x1e bye            code (i), reason (t)
 *    0x1f data           bytes up to the message's end
 */

/** Name of the WebSocket subprotocol (RFC 6455 §1.9). */
export const PROTOCOL_NAME = 'micwire.1';
const PROTOCOL_VERSION = 1;

/** Maximum number of bytes in a message, and of characters in a text message. */
export const MAX_MESSAGE_BYTES: number = 2 ** 20;
/** The largest frame number that is accepted: frames after it can still be counted, for centuries. */
const MAX_FRAME: number = 2 ** 52;
/** Maximum number of bytes of audio in a message: the header has at most 43. */
export const MAX_PAYLOAD_BYTES: number = MAX_MESSAGE_BYTES - 64;
/** Maximum number of bytes in the name of an item or of a mark, in UTF-8. */
const MAX_NAME_BYTES = 128;
/** Maximum number of items that an `interrupted` names besides the first. */
export const MAX_UNHEARD = 256;
/** Capacity of a close frame (RFC 6455 §5.5). */
export const MAX_REASON_BYTES = 123;

/** Name of a session: at most 64 characters, all allowed in file names. */
const SESSION_NAME = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_SESSION_BYTES = 64;

/**
 * Codes with which a connection is closed, and which `bye` carries. A client does not reconnect after codes from 4400 on, nor after
 * `done`.
 */
export const CLOSING = {
  /** The session is over, as both sides agreed. */
  done: 1000,
  /** The server is going away or restarting: reconnect. */
  leaving: 1001,
  /** The server has failed: reconnect. */
  failed: 1011,
  /** The server is full: reconnect later. */
  busy: 1013,
  /** The client's hello, or a later message, violates the protocol. */
  badMessage: 4400,
  /** The token is missing or wrong. */
  notAllowed: 4401,
  /** A newer connection of the same session has taken over. */
  replaced: 4409,
  /** The session has already ended. */
  over: 4410,
} as const;

/** Returns as much of a text as fits into a close frame. */
export function closeReason(text: string): string {
  return text.replaceAll(/[^ -~]/g, '?').slice(0, MAX_REASON_BYTES);
}

/** A binary message of the protocol. Frames of the client's audio are "up", those of the server's audio "down". */
export type ProtocolMessage =
  | { readonly type: 'audio'; readonly packet: Packet }
  | HelloMessage
  | WelcomeMessage
  /** The sender has received all audio of the other side before `frame`. */
  | { readonly type: 'acknowledged'; readonly frame: number }
  /** Audio down from `frame` on belongs to this item. */
  | { readonly type: 'item'; readonly frame: number; readonly item: string }
  /** The item is complete; it ends before `frame`. */
  | { readonly type: 'item-end'; readonly frame: number; readonly item: string }
  /**
   * Requests an answer once the audio of `item` has been played up to this many frames from its start. The client's audio is one
   * item with an empty name.
   */
  | {
      readonly type: 'mark';
      readonly frames: number;
      readonly item: string;
      readonly name: string;
    }
  /** The answer to a mark; with an empty name, the item was played to its end. */
  | {
      readonly type: 'played';
      readonly frames: number;
      readonly item: string;
      readonly name: string;
    }
  /** The sender's audio before `frame` must no longer be played. */
  | { readonly type: 'interrupt'; readonly frame: number }
  /** The client has silenced playback: `item` after this many frames, and the items in `unheard` before they began. */
  | {
      readonly type: 'interrupted';
      readonly frames: number;
      readonly item: string;
      readonly unheard: readonly string[];
    }
  /** The user's turn ends before `frame`. */
  | { readonly type: 'commit'; readonly frame: number }
  | { readonly type: 'mute'; readonly muted: boolean }
  | { readonly type: 'ping'; readonly number: number }
  | { readonly type: 'pong'; readonly number: number }
  /** The server will close the connection in this many ms. */
  | { readonly type: 'leaving'; readonly ms: number }
  /** The last message of a connection, with one of {@link CLOSING}. */
  | { readonly type: 'bye'; readonly code: number; readonly reason: string }
  /** Bytes from the app. */
  | { readonly type: 'data'; readonly bytes: Uint8Array };

/** The client's first message. */
export interface HelloMessage {
  readonly type: 'hello';
  /** Name of the session, the same on all its connections. */
  readonly session: string;
  /** The oldest frame up that the client still has to send. */
  readonly frame: number;
  /** The next frame down that the client needs. */
  readonly next: number;
  /** Format of the client's audio. */
  readonly input: StreamFormat;
  /** Format that the client would like to receive; null for no audio. */
  readonly output: StreamFormat | null;
}

/** The server's first message: the answer to `hello`. */
export interface WelcomeMessage {
  readonly type: 'welcome';
  /** Whether the server remembers the session's replies: false on the first connection, and after a restart of the server. */
  readonly known: boolean;
  /** The next frame up that the server needs. */
  readonly next: number;
  /** The next frame up that has not arrived: `next`, or later if the server has not stored all that arrived. */
  readonly received: number;
  /** Format of the server's audio; null for no audio. */
  readonly output: StreamFormat | null;
}

const CODES = {
  hello: 0x10,
  welcome: 0x11,
  acknowledged: 0x12,
  item: 0x13,
  'item-end': 0x14,
  mark: 0x15,
  played: 0x16,
  interrupt: 0x17,
  interrupted: 0x18,
  commit: 0x19,
  mute: 0x1a,
  ping: 0x1b,
  pong: 0x1c,
  leaving: 0x1d,
  bye: 0x1e,
  data: 0x1f,
} as const;

type ControlType = keyof typeof CODES;

const TYPES: readonly ControlType[] = /* @__PURE__ */ Object.keys(CODES) as ControlType[];
const FIRST_CODE = CODES.hello;
const AUDIO_NIBBLE = 2;

const audioEncoder = /* @__PURE__ */ binaryFraming.createEncoder();
const audioDecoder = /* @__PURE__ */ binaryFraming.createDecoder();

/**
 * Encodes a message into newly allocated memory.
 * @throws TypeError or RangeError for a field out of its range
 */
export function encodeProtocol(message: ProtocolMessage): Uint8Array<ArrayBuffer> {
  if (message.type === 'audio') {
    const { length } = message.packet.payload;
    if (length > MAX_PAYLOAD_BYTES) {
      throw new RangeError(`payload must have at most ${MAX_PAYLOAD_BYTES} bytes, got ${length}.`);
    }
    return audioEncoder.encode(message.packet) as Uint8Array<ArrayBuffer>;
  }
  const writer = new Writer(CODES[message.type]);
  switch (message.type) {
    case 'hello':
      writer.integer('version', PROTOCOL_VERSION);
      writer.session(message.session);
      writer.integer('frame', message.frame);
      writer.integer('next', message.next);
      writer.stream(message.input);
      writer.stream(message.output);
      break;
    case 'welcome':
      writer.integer('version', PROTOCOL_VERSION);
      writer.flag(message.known);
      writer.integer('next', message.next);
      writer.integer('received', message.received);
      writer.stream(message.output);
      break;
    case 'acknowledged':
    case 'interrupt':
    case 'commit':
      writer.integer('frame', message.frame);
      break;
    case 'item':
    case 'item-end':
      writer.integer('frame', message.frame);
      writer.text('item', message.item, 1, MAX_NAME_BYTES);
      break;
    case 'mark':
      writer.integer('frames', message.frames);
      writer.text('item', message.item, 0, MAX_NAME_BYTES);
      writer.text('name', message.name, 1, MAX_NAME_BYTES);
      break;
    case 'played':
      writer.integer('frames', message.frames);
      writer.text('item', message.item, 0, MAX_NAME_BYTES);
      writer.text('name', message.name, 0, MAX_NAME_BYTES);
      break;
    case 'interrupted':
      writer.integer('frames', message.frames);
      writer.text('item', message.item, 0, MAX_NAME_BYTES);
      writer.integer('unheard', message.unheard.length, MAX_UNHEARD);
      for (const name of message.unheard) writer.text('unheard', name, 1, MAX_NAME_BYTES);
      break;
    case 'mute':
      writer.flag(message.muted);
      break;
    case 'ping':
    case 'pong':
      writer.integer('number', message.number);
      break;
    case 'leaving':
      writer.integer('ms', message.ms);
      break;
    case 'bye':
      writer.integer('code', message.code, MAX_CLOSING);
      writer.text('reason', message.reason, 0, MAX_REASON_BYTES);
      break;
    case 'data':
      if (message.bytes.length >= MAX_MESSAGE_BYTES) {
        const got = `got ${message.bytes.length}`;
        throw new RangeError(`data must have at most ${MAX_MESSAGE_BYTES - 1} bytes, ${got}.`);
      }
      writer.rest(message.bytes);
      break;
  }
  return writer.message();
}

/**
 * Decodes a message. Payloads and data are views of it.
 * @throws PacketError, and no other error
 */
export function decodeProtocol(bytes: Uint8Array): ProtocolMessage {
  if (bytes.length > MAX_MESSAGE_BYTES) {
    const got = `got ${bytes.length}.`;
    throw new PacketError('oversized', `a message may have ${MAX_MESSAGE_BYTES} bytes, ${got}`);
  }
  if (bytes.length === 0) throw new PacketError('truncated', 'a message must not be empty.');
  if (bytes[0]! >> 4 === AUDIO_NIBBLE) {
    const packet = audioDecoder.decode(bytes)[0]!;
    if (packet.frame > MAX_FRAME) fail(`frame must be at most ${MAX_FRAME}, got ${packet.frame}.`);
    return { type: 'audio', packet };
  }
  const type = TYPES[bytes[0]! - FIRST_CODE];
  if (type === undefined) {
    throw new PacketError('unknown-type', `message type ${bytes[0]!} is not known.`);
  }
  const reader = new Reader(bytes);
  const message = readFields(type, reader);
  reader.end();
  return message;
}

function readFields(type: ControlType, reader: Reader): ProtocolMessage {
  switch (type) {
    case 'hello':
      reader.version();
      return {
        type,
        session: reader.session(),
        frame: reader.integer(MAX_FRAME),
        next: reader.integer(MAX_FRAME),
        input: reader.stream() ?? fail('input must not be empty.'),
        output: reader.stream(),
      };
    case 'welcome': {
      reader.version();
      const known = reader.flag();
      const next = reader.integer(MAX_FRAME);
      const received = reader.integer(MAX_FRAME);
      if (received < next) fail(`received must be at least ${next}, got ${received}.`);
      return { type, known, next, received, output: reader.stream() };
    }
    case 'acknowledged':
    case 'interrupt':
    case 'commit':
      return { type, frame: reader.integer(MAX_FRAME) };
    case 'item':
    case 'item-end':
      return {
        type,
        frame: reader.integer(MAX_FRAME),
        item: reader.text('item', 1, MAX_NAME_BYTES),
      };
    case 'mark':
    case 'played':
      return {
        type,
        frames: reader.integer(MAX_FRAME),
        item: reader.text('item', 0, MAX_NAME_BYTES),
        name: reader.text('name', type === 'mark' ? 1 : 0, MAX_NAME_BYTES),
      };
    case 'interrupted': {
      const frames = reader.integer(MAX_FRAME);
      const item = reader.text('item', 0, MAX_NAME_BYTES);
      const unheard: string[] = [];
      const count = reader.integer(MAX_UNHEARD);
      for (let i = 0; i < count; i++) unheard.push(reader.text('unheard', 1, MAX_NAME_BYTES));
      return { type, frames, item, unheard };
    }
    case 'mute':
      return { type, muted: reader.flag() };
    case 'ping':
    case 'pong':
      return { type, number: reader.integer() };
    case 'leaving':
      return { type, ms: reader.integer() };
    case 'bye':
      return {
        type,
        code: reader.integer(MAX_CLOSING),
        reason: reader.text('reason', 0, MAX_REASON_BYTES),
      };
    case 'data':
      return { type, bytes: reader.rest() };
  }
}

/** Largest close code (RFC 6455 §7.4.2). */
const MAX_CLOSING = 4999;

class Writer {
  readonly #parts: number[];
  #rest: Uint8Array | undefined;

  constructor(code: number) {
    this.#parts = [code];
  }

  integer(name: string, value: number, max: number = Number.MAX_SAFE_INTEGER): void {
    integerIn(name, value, 0, max);
    writeInteger(value, scratch, 0);
    for (let i = 0; i < integerBytes(value); i++) this.#parts.push(scratch[i]!);
  }

  flag(value: boolean): void {
    this.#parts.push(value ? 1 : 0);
  }

  text(name: string, text: string, least: number, most: number): void {
    if (!isWellFormed(text)) throw new RangeError(`${name} must be well-formed Unicode.`);
    const bytes = utf8Bytes(text);
    if (bytes.length < least || bytes.length > most) {
      const range = `${least} to ${most} bytes of UTF-8`;
      throw new RangeError(`${name} must have ${range}, got ${bytes.length}.`);
    }
    this.integer(name, bytes.length);
    for (const byte of bytes) this.#parts.push(byte);
  }

  session(session: string): void {
    if (!SESSION_NAME.test(session)) {
      throw new RangeError('session must have 1 to 64 characters of A–Z, a–z, 0–9, _ and -.');
    }
    this.text('session', session, 1, MAX_SESSION_BYTES);
  }

  stream(stream: StreamFormat | null): void {
    if (stream === null) {
      this.#parts.push(0);
      return;
    }
    const { format, channels, sampleRate } = checkStream(stream);
    this.#parts.push(FORMATS[format].code);
    this.integer('channels', channels);
    this.integer('sampleRate', sampleRate);
  }

  rest(bytes: Uint8Array): void {
    this.#rest = bytes;
  }

  message(): Uint8Array<ArrayBuffer> {
    const message = new Uint8Array(this.#parts.length + (this.#rest?.length ?? 0));
    message.set(this.#parts);
    if (this.#rest !== undefined) message.set(this.#rest, this.#parts.length);
    return message;
  }
}

const scratch = /* @__PURE__ */ new Uint8Array(8);

class Reader {
  readonly #bytes: Uint8Array;
  #at = 1;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  integer(max: number = Number.MAX_SAFE_INTEGER): number {
    const value = readInteger(this.#bytes, this.#at);
    this.#at += integerBytesAt(this.#bytes, this.#at);
    if (value > max) fail(`an integer must be at most ${max}, got ${value}.`);
    return value;
  }

  flag(): boolean {
    return this.integer(1) === 1;
  }

  version(): void {
    const version = this.integer();
    if (version === PROTOCOL_VERSION) return;
    throw new PacketError('unknown-type', `version must be ${PROTOCOL_VERSION}, got ${version}.`);
  }

  text(name: string, least: number, most: number): string {
    const length = this.integer();
    if (length < least || length > most) {
      fail(`${name} must have ${least} to ${most} bytes, got ${length}.`);
    }
    if (this.#at + length > this.#bytes.length) {
      throw new PacketError('truncated', `the message ends within ${name}.`);
    }
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    const text = utf8Text(bytes);
    return isWellFormed(text) ? text : fail(`${name} must be UTF-8.`);
  }

  session(): string {
    const session = this.text('session', 1, MAX_SESSION_BYTES);
    if (SESSION_NAME.test(session)) return session;
    return fail('session must have characters of A–Z, a–z, 0–9, _ and - only.');
  }

  stream(): StreamFormat | null {
    const code = this.integer();
    if (code === 0) return null;
    const format = PAYLOAD_FORMATS.find((name) => FORMATS[name].code === code);
    if (format === undefined) {
      throw new PacketError('unknown-type', `format ${code} is not known.`);
    }
    const stream = { format, channels: this.integer(), sampleRate: this.integer() };
    try {
      return checkStream(stream);
    } catch (error) {
      // Its text about the number is safe to repeat.
      return fail((error as Error).message);
    }
  }

  rest(): Uint8Array {
    const bytes = this.#bytes.subarray(this.#at);
    this.#at = this.#bytes.length;
    return bytes;
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new PacketError('oversized', `${left} bytes follow the last field.`);
  }
}

/** Rejects lone surrogates, and U+FFFD, which replaces bytes that are not UTF-8: both would come back as a different name. */
function isWellFormed(text: string): boolean {
  return !/[\ufffd\p{Surrogate}]/u.test(text);
}

function fail(message: string): never {
  throw new PacketError('bad-field', message);
}
