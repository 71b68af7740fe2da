import type { CallRole, SignalFields, SignalMessage } from './signal-message.ts';
import {
  badField,
  parseSignalFields,
  signalFrom,
  textField,
  unknownSignal,
} from './signal-message.ts';

/**
 * What a peer and the signalling server tell each other, one JSON object a message. A peer joins a room; when a second one
 * has come, both are told their roles, and from then on what one sends reaches the other.
 */

/** The first message of a connection: the room to join. */
export interface JoinRequest {
  readonly type: 'join';
  /** See {@link isRoomName}. */
  readonly room: string;
  /** The place to come back to, after the connection was lost: what `joined` said. At most 64 characters. */
  readonly seat?: string;
  /** The role that the peer had, where it comes back: for a server that has forgotten the room. */
  readonly role?: CallRole;
}

/** The room is joined; the other peer is not there yet. It comes again when the other peer's connection is lost. */
export interface JoinedReply {
  readonly type: 'joined';
  readonly room: string;
  /** Names the peer's place, for when it comes back; a secret of the two. At most 64 characters. @default nobody can come back */
  readonly seat?: string;
}

/** Both peers are there, for the first time or again. */
export interface ReadyReply {
  readonly type: 'ready';
  readonly role: CallRole;
}

/**
 * - `'bad-message'`: no message that the server knows;
 * - `'not-joined'`: the first message must be a `join`, and no later one;
 * - `'room-full'`: two peers are there already;
 * - `'too-many-rooms'`: the server carries as many calls as it may;
 * - `'too-fast'`: more messages a second than the server takes;
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

/** The server refuses something, and says why. After `'bad-message'` and `'no-peer'` the connection continues. */
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

/** Whether a room may have this name: 1 to 64 of `A–Z a–z 0–9 _ -`. */
export function isRoomName(name: string): boolean {
  return ROOM_NAME.test(name);
}

/** Reads what a peer sent. @throws PacketError and nothing else */
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

/** Reads what the server sent. @throws PacketError and nothing else */
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
