import type { CallRole, SignalFields, SignalMessage } from './signal-message.ts';
import {
  badField,
  parseSignalFields,
  signalFrom,
  textField,
  unknownSignal,
} from './signal-message.ts';

/**
 * The messages between a peer and the signalling server, one JSON object each. A peer joins a room; when a second one has
 * joined, both get their roles, and from then on the messages of one reach the other.
 */

/** The first message of a connection: the room to join. */
export interface JoinRequest {
  readonly type: 'join';
  /** See {@link isRoomName}. */
  readonly room: string;
  /** The seat from `joined`, to come back to after a lost connection. At most 64 characters. */
  readonly seat?: string;
  /** The role of a peer that comes back, for a server that has forgotten the room. */
  readonly role?: CallRole;
}

/** The peer has joined the room; the other peer is not there yet. Sent again when the other peer's connection is lost. */
export interface JoinedReply {
  readonly type: 'joined';
  readonly room: string;
  /** A secret that identifies the peer when it comes back. At most 64 characters. @default the peer cannot come back */
  readonly seat?: string;
}

/** Both peers are in the room, for the first time or again. */
export interface ReadyReply {
  readonly type: 'ready';
  readonly role: CallRole;
}

/**
 * - `'bad-message'`: the server does not know this message;
 * - `'not-joined'`: the first message, and only the first, must be a `join`;
 * - `'room-full'`: two peers are already in the room;
 * - `'too-many-rooms'`: the server has reached its limit of calls;
 * - `'too-fast'`: more messages per second than the server takes;
 * - `'no-peer'`: nobody else is in the room;
 * - `'refused'`: the server does not carry this call, for a reason of its own; `message` says which.
 */
export type SignallingErrorCode = (typeof SIGNALLING_ERROR_CODES)[number];

/** Every {@link SignallingErrorCode}. */
export const SIGNALLING_ERROR_CODES = [
  'bad-message',
  'not-joined',
  'room-full',
  'too-many-rooms',
  'too-fast',
  'no-peer',
  'refused',
] as const;

/** The server refuses something and says why. After `'bad-message'` and `'no-peer'` the connection continues. */
export interface ErrorReply {
  readonly type: 'error';
  readonly code: SignallingErrorCode;
  readonly message: string;
}

/** A peer asks whether the server is still there; it may do so before it joins. */
export interface PingRequest {
  readonly type: 'ping';
}

/** The answer to a `ping`. */
export interface PongReply {
  readonly type: 'pong';
}

/** From a peer to the server. */
export type SignallingRequest = JoinRequest | PingRequest | SignalMessage;
/** From the server to a peer. */
export type SignallingReply = JoinedReply | ReadyReply | PongReply | ErrorReply | SignalMessage;

const MAX_NAME_LENGTH = 64;
const MAX_ERROR_LENGTH = 512;
const ROOM_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Returns whether a room may have this name: 1 to 64 of `A–Z a–z 0–9 _ -`. */
export function isRoomName(name: string): boolean {
  return ROOM_NAME.test(name);
}

/** Parses a peer's message. @throws PacketError and no other error */
export function parseSignallingRequest(text: string): SignallingRequest {
  const fields = parseSignalFields(text);
  if (fields['type'] === 'ping') return { type: 'ping' };
  if (fields['type'] === 'join') {
    const room = textField(fields, 'room', MAX_NAME_LENGTH);
    if (!isRoomName(room)) throw badField('room', '1 to 64 of A–Z, a–z, 0–9, _ and -');
    const join: JoinRequest = { type: 'join', room, ...seatField(fields) };
    return fields['role'] === undefined ? join : { ...join, role: roleField(fields) };
  }
  const signal = signalFrom(fields);
  if (signal === null) throw unknownSignal(fields);
  return signal;
}

/** Parses a server's message. @throws PacketError and no other error */
export function parseSignallingReply(text: string): SignallingReply {
  const fields = parseSignalFields(text);
  switch (fields['type']) {
    case 'joined':
      return {
        type: 'joined',
        room: textField(fields, 'room', MAX_NAME_LENGTH),
        ...seatField(fields),
      };
    case 'ready':
      return { type: 'ready', role: roleField(fields) };
    case 'pong':
      return { type: 'pong' };
    case 'error': {
      const code = SIGNALLING_ERROR_CODES.find((known) => known === fields['code']);
      if (code === undefined) throw badField('code', 'a known code');
      return { type: 'error', code, message: textField(fields, 'message', MAX_ERROR_LENGTH) };
    }
    default: {
      const signal = signalFrom(fields);
      if (signal === null) throw unknownSignal(fields);
      return signal;
    }
  }
}

function roleField(fields: SignalFields): CallRole {
  const role = fields['role'];
  if (role !== 'caller' && role !== 'callee') throw badField('role', "'caller' or 'callee'");
  return role;
}

function seatField(fields: SignalFields): { readonly seat?: string } {
  return fields['seat'] === undefined ? {} : { seat: textField(fields, 'seat', MAX_NAME_LENGTH) };
}
