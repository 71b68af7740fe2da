import { integerIn } from '../../arguments.ts';
import { readUint16, writeUint16 } from '../../bytes.ts';
import { PacketError } from '../../errors.ts';
import { checkBytes } from '../../option-names.ts';

/** RFC 8656 §12: the first channel that a client may bind. */
export const FIRST_CHANNEL = 0x4000;
/** RFC 8656 §12 ends at 0x4FFF; clients of RFC 5766 (§11) use channels up to this. No other datagram begins with these bits. */
export const LAST_CHANNEL = 0x7fff;
const HEADER_BYTES = 4;

/** A ChannelData message: channel (16), length (16), data (RFC 8656 §12.4). */
export interface ChannelData {
  /** 0x4000 to 0x7FFF. */
  readonly channel: number;
  /** The data to or from the peer: a view of the datagram. */
  readonly data: Uint8Array;
}

/** Returns whether a datagram to or from a TURN server is a ChannelData message. */
export function isChannelData(bytes: Uint8Array): boolean {
  checkBytes('bytes', bytes);
  return bytes.length >= HEADER_BYTES && bytes[0]! >= 0x40 && bytes[0]! <= 0x7f;
}

/**
 * Reads a ChannelData message. Over UDP, bytes after the data are padding, which a sender may leave out.
 * @throws PacketError `truncated` or `unknown-type`, and no other error
 */
export function parseChannelData(bytes: Uint8Array): ChannelData {
  checkBytes('bytes', bytes);
  if (bytes.length < HEADER_BYTES) {
    throw new PacketError('truncated', `A ChannelData header has ${HEADER_BYTES} bytes.`);
  }
  if (!isChannelData(bytes)) {
    throw new PacketError('unknown-type', 'This is no ChannelData message.');
  }
  const end = HEADER_BYTES + readUint16(bytes, 2);
  if (end > bytes.length) throw new PacketError('truncated', 'The datagram is too short.');
  return { channel: readUint16(bytes, 0), data: bytes.subarray(HEADER_BYTES, end) };
}

/** Writes a ChannelData message, without padding. @throws RangeError for a channel outside 0x4000 to 0x7FFF */
export function writeChannelData(channel: number, data: Uint8Array): Uint8Array<ArrayBuffer> {
  integerIn('channel', channel, FIRST_CHANNEL, LAST_CHANNEL);
  integerIn('data.length', checkBytes('data', data).length, 0, 0xffff);
  const bytes = new Uint8Array(HEADER_BYTES + data.length);
  writeUint16(channel, bytes, 0);
  writeUint16(data.length, bytes, 2);
  bytes.set(data, HEADER_BYTES);
  return bytes;
}
