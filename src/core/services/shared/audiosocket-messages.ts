import { writeUint16 } from '../../bytes.ts';
import { PacketError } from '../../errors.ts';
import type { ByteQueue } from './tcp-messages.ts';

/*
 * A message of AudioSocket. The length is that of the payload, in network byte order.
 *
 *    0                   1                   2
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
 *   +---------------+-------------------------------+-------------- …
 *   |     kind      |            length             | payload
 *   +---------------+-------------------------------+-------------- …
 *
 * Sources: asterisk/asterisk, include/asterisk/res_audiosocket.h and res/res_audiosocket.c.
 */
const HEADER_BYTES = 3;
/** The longest payload of whole samples. */
const MAX_AUDIO_BYTES = 65_534;

/** Kinds of messages without audio. */
export const AUDIOSOCKET = { hangup: 0x00, uuid: 0x01, dtmf: 0x03, error: 0xff } as const;

/** The kind of audio at 8 kHz; those of the other rates follow it. */
const FIRST_AUDIO = 0x10;

/** Sample rates of the kinds of audio, in Hz: mono, 16 bits little-endian. */
export const AUDIOSOCKET_RATES: readonly number[] = [
  8000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000,
];

/** A complete message. */
export interface AudiosocketMessage {
  readonly kind: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** Sample rate of the audio in messages of a kind, in Hz; undefined for a kind without audio. */
export function audiosocketRate(kind: number): number | undefined {
  return AUDIOSOCKET_RATES[kind - FIRST_AUDIO];
}

/** Takes the next message, of at most 65538 bytes, off the queue; returns null while it is incomplete. */
export function nextAudiosocketMessage(queue: ByteQueue): AudiosocketMessage | null {
  if (queue.length < HEADER_BYTES) return null;
  const length = (queue.byte(1) << 8) | queue.byte(2);
  if (queue.length < HEADER_BYTES + length) return null;
  const whole = queue.take(HEADER_BYTES + length);
  return { kind: whole[0]!, payload: whole.subarray(HEADER_BYTES) };
}

/** Encodes audio in as few messages as possible. @param sampleRate one of {@link AUDIOSOCKET_RATES} */
export function audiosocketAudio(
  sampleRate: number,
  bytes: Uint8Array,
): readonly Uint8Array<ArrayBuffer>[] {
  const kind = FIRST_AUDIO + AUDIOSOCKET_RATES.indexOf(sampleRate);
  const result = [];
  for (let at = 0; at < bytes.length; at += MAX_AUDIO_BYTES) {
    const part = bytes.subarray(at, at + MAX_AUDIO_BYTES);
    const whole = new Uint8Array(HEADER_BYTES + part.length);
    whole[0] = kind;
    writeUint16(part.length, whole, 1);
    whole.set(part, HEADER_BYTES);
    result.push(whole);
  }
  return result;
}

/** Encodes the message that hangs up. */
export function audiosocketHangup(): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(AUDIOSOCKET.hangup, 0, 0);
}

const UUID_BYTES = 16;

/** Formats the UUID of a call as text. @throws PacketError unless it has 16 bytes */
export function audiosocketUuid(bytes: Uint8Array): string {
  if (bytes.length !== UUID_BYTES) throw badLength('a UUID', UUID_BYTES, bytes.length);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [8, 12, 16, 20, 32].map((end, i) => hex.slice([0, 8, 12, 16, 20][i]!, end)).join('-');
}

/** Reads the key from a DTMF message. @throws PacketError unless it is one byte */
export function audiosocketDigit(bytes: Uint8Array): string {
  if (bytes.length !== 1) throw badLength('a key', 1, bytes.length);
  return String.fromCharCode(bytes[0]!);
}

function badLength(what: string, expected: number, got: number): PacketError {
  return new PacketError('bad-field', `${what} must have ${expected} bytes, got ${got}.`);
}
