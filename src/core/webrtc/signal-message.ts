import { describeOutside } from '../arguments.ts';
import { PacketError } from '../errors.ts';
import { parseJsonObject } from '../framing/json-object.ts';
import type { JsonFields } from '../framing/json-object.ts';

/** Role of a peer: the caller makes the offer of a call, and the callee answers it. */
export type CallRole = 'caller' | 'callee';

/** A session description (RFC 8866) of one peer. */
export interface DescribeSignal {
  readonly type: 'describe';
  readonly kind: 'offer' | 'answer';
  /** At most {@link MAX_SDP_LENGTH} characters. */
  readonly sdp: string;
}

/** An ICE candidate of one peer (RFC 8838: candidates trickle in one by one). */
export interface CandidateSignal {
  readonly type: 'candidate';
  /** As in the attribute `a=candidate` (RFC 8839 §5.1), with the word `candidate:`; empty if no more candidates follow. */
  readonly candidate: string;
  /** The media section's `a=mid`; null if only the index is known. */
  readonly mid: string | null;
  /** The media section's index, from 0; null if only `mid` is known. */
  readonly index: number | null;
}

/**
 * The callee asks the caller to restart ICE (RFC 8445 §9). Only the caller makes offers, so that two offers cannot collide; for a
 * restart of its own, it simply sends one.
 */
export interface RestartSignal {
  readonly type: 'restart';
}

/** The peer hangs up, or is gone. */
export interface ByeSignal {
  readonly type: 'bye';
  /** The reason in a short sentence; may be empty. At most {@link MAX_REASON_LENGTH} characters. */
  readonly reason: string;
}

/** A message between two peers while they connect, look for another path, or hang up. */
export type SignalMessage = DescribeSignal | CandidateSignal | RestartSignal | ByeSignal;

/**
 * Length of the longest accepted session description, in characters: one with audio and a data channel has about 3,000, the offer
 * of an SFU (a server that forwards many streams) 40,000 or more.
 */
export const MAX_SDP_LENGTH = 262_144;
/** Length of the longest accepted candidate: the attribute has about 150 characters. */
const MAX_CANDIDATE_LENGTH = 1024;
/** Length of the longest accepted reason. */
export const MAX_REASON_LENGTH = 256;
/**
 * Length of the longest accepted message, in characters. JSON writes each line break of a description as four; escapes of six
 * (`\\u001f`) do not occur in SDP.
 */
export const MAX_SIGNAL_LENGTH: number = 2 * MAX_SDP_LENGTH;

const MAX_MID_LENGTH = 64;
const MAX_INDEX = 255;

/** The fields of a message that has not been checked yet. */
export type SignalFields = JsonFields;

/**
 * Parses a message from the network.
 * @throws PacketError `oversized`, `bad-json`, `unknown-type` or `bad-field`, and no other error
 */
export function parseSignal(text: string): SignalMessage {
  const fields = parseSignalFields(text);
  const message = signalFrom(fields);
  if (message === null) throw unknownSignal(fields);
  return message;
}

/** Reads an object with a field `type`. @throws PacketError `oversized`, `bad-json` or `bad-field` */
export function parseSignalFields(text: string): SignalFields {
  const fields = parseJsonObject('A signalling message', text, { maxLength: MAX_SIGNAL_LENGTH });
  if (typeof fields['type'] !== 'string') throw badField('type', 'a string');
  return fields;
}

/** Returns the message with these fields, without any others; null if it is not a type of message between peers. */
export function signalFrom(fields: SignalFields): SignalMessage | null {
  switch (fields['type']) {
    case 'describe': {
      const kind = fields['kind'];
      if (kind !== 'offer' && kind !== 'answer') throw badField('kind', "'offer' or 'answer'");
      return { type: 'describe', kind, sdp: textField(fields, 'sdp', MAX_SDP_LENGTH) };
    }
    case 'candidate':
      return {
        type: 'candidate',
        candidate: textField(fields, 'candidate', MAX_CANDIDATE_LENGTH),
        mid: fields['mid'] === null ? null : textField(fields, 'mid', MAX_MID_LENGTH),
        index: indexField(fields['index']),
      };
    case 'restart':
      return { type: 'restart' };
    case 'bye':
      return { type: 'bye', reason: textField(fields, 'reason', MAX_REASON_LENGTH) };
    default:
      return null;
  }
}

/** @throws PacketError `bad-field` unless the field is a text of at most `maxLength` characters */
export function textField(fields: SignalFields, name: string, maxLength: number): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length > maxLength) {
    throw badField(name, `a string of at most ${maxLength} characters`);
  }
  return value;
}

/** Creates the error for a field with an unexpected value. */
export function badField(name: string, expected: string): PacketError {
  return new PacketError(
    'bad-field',
    `The field '${name}' of a signalling message must be ${expected}.`,
  );
}

/** Creates the error for an unknown type. */
export function unknownSignal(fields: SignalFields): PacketError {
  const words = describeOutside(fields['type']);
  return new PacketError('unknown-type', `A signalling message has a known type, got ${words}.`);
}

function indexField(value: unknown): number | null {
  if (value === null) return null;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_INDEX) {
    return value as number;
  }
  throw badField('index', `null or an integer from 0 to ${MAX_INDEX}`);
}
