import { createHmac, timingSafeEqual } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { PacketError } from '../../../src/core/errors.ts';
import type { UdpAddress } from '../rewrite-candidates.ts';

/*
 * STUN (RFC 8489 §5), as far as TURN needs it:
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |0 0|     STUN Message Type     |         Message Length        |
 * |                         Magic Cookie                          |
 * |                     Transaction ID (96 bits)                  |
 *
 * and then attributes: type (16), length (16), value, padded to 4 bytes.
 */

/** RFC 8489 §18.2 and RFC 8656 §17. */
export const STUN_METHOD = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  createPermission: 0x008,
  channelBind: 0x009,
} as const;

/** The two class bits of a message type, in their places (RFC 8489 §5). */
export const STUN_CLASS = {
  request: 0x0000,
  indication: 0x0010,
  success: 0x0100,
  error: 0x0110,
} as const;

/** RFC 8489 §18.3 and RFC 8656 §18. */
export const STUN_ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  channelNumber: 0x000c,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedAddressFamily: 0x0017,
  evenPort: 0x0018,
  requestedTransport: 0x0019,
  dontFragment: 0x001a,
  xorMappedAddress: 0x0020,
  reservationToken: 0x0022,
  fingerprint: 0x8028,
} as const;

const HEADER_BYTES = 20;
const COOKIE = 0x2112a442;
const INTEGRITY_BYTES = 20;
const FINGERPRINT_XOR = 0x5354554e;
const CLASS_BITS = 0x0110;
const MAX_ATTRIBUTES = 32;
const FAMILY_IPV4 = 1;
const FAMILY_IPV6 = 2;

/** An attribute; `offset` is where its header begins in the message. */
interface StunAttribute {
  readonly type: number;
  readonly offset: number;
  readonly value: Buffer;
}

/** A STUN message as it came. Its buffers are views of the datagram. */
export interface StunMessage {
  readonly method: number;
  /** One of {@link STUN_CLASS}. */
  readonly class: number;
  /** 12 bytes. */
  readonly transaction: Buffer;
  /** Those that count: after a signature only a fingerprint does (RFC 8489 §14.5), and after that nothing (§14.7). */
  readonly attributes: readonly StunAttribute[];
  readonly bytes: Buffer;
}

/** @throws PacketError and nothing else */
export function parseStun(bytes: Buffer): StunMessage {
  if (bytes.length < HEADER_BYTES)
    throw new PacketError('truncated', 'A STUN header has 20 bytes.');
  const type = bytes.readUInt16BE(0);
  if (type > 0x3fff || bytes.readUInt32BE(4) !== COOKIE) {
    throw new PacketError('unknown-type', 'This is no STUN message.');
  }
  const length = bytes.readUInt16BE(2);
  if (length % 4 !== 0)
    throw new PacketError('bad-field', 'STUN attributes fill words of 4 bytes.');
  if (HEADER_BYTES + length > bytes.length)
    throw new PacketError('truncated', 'The datagram is too short.');
  if (HEADER_BYTES + length < bytes.length)
    throw new PacketError('oversized', 'The datagram is too long.');
  const attributes: StunAttribute[] = [];
  let count = 0;
  let isSigned = false;
  let isOver = false;
  for (let offset = HEADER_BYTES; offset < bytes.length;) {
    const valueBytes = bytes.readUInt16BE(offset + 2);
    const end = offset + 4 + valueBytes;
    if (end > bytes.length) throw new PacketError('truncated', 'A STUN attribute is too long.');
    if (++count > MAX_ATTRIBUTES) {
      throw new PacketError('oversized', `More than ${MAX_ATTRIBUTES} STUN attributes.`);
    }
    const attributeType = bytes.readUInt16BE(offset);
    const isFingerprint = attributeType === STUN_ATTRIBUTE.fingerprint;
    if (!isOver && (!isSigned || isFingerprint)) {
      attributes.push({ type: attributeType, offset, value: bytes.subarray(offset + 4, end) });
    }
    isSigned ||= attributeType === STUN_ATTRIBUTE.messageIntegrity;
    isOver ||= isFingerprint;
    offset = end + ((4 - (valueBytes % 4)) % 4);
  }
  return {
    method: type & ~CLASS_BITS,
    class: type & CLASS_BITS,
    transaction: bytes.subarray(8, 20),
    attributes,
    bytes,
  };
}

/** The first attribute of a type: later ones do not count (RFC 8489 §14). */
export function stunAttribute(message: StunMessage, type: number): Buffer | undefined {
  return message.attributes.find((attribute) => attribute.type === type)?.value;
}

/** The first attribute of a type, as text; empty without one. */
export function stunText(message: StunMessage, type: number): string {
  return stunAttribute(message, type)?.toString('utf8') ?? '';
}

/** Reads an address that is hidden from meddling routers by exclusive or (RFC 8489 §14.2). @throws PacketError */
export function readXorAddress(message: StunMessage, value: Buffer): UdpAddress {
  const family = value.length >= 4 ? value[1] : 0;
  const addressBytes = family === FAMILY_IPV4 ? 4 : family === FAMILY_IPV6 ? 16 : 0;
  if (addressBytes === 0 || value.length !== 4 + addressBytes) {
    throw new PacketError('bad-field', 'A STUN address must be one of IPv4 or IPv6.');
  }
  const port = value.readUInt16BE(2) ^ (COOKIE >>> 16);
  const mask = message.bytes.subarray(4, 20);
  const bytes = Buffer.from(value.subarray(4).map((byte, i) => byte ^ (mask[i] ?? 0)));
  if (family === FAMILY_IPV4) return { address: bytes.join('.'), port };
  const words: string[] = [];
  for (let i = 0; i < 16; i += 2) words.push(bytes.readUInt16BE(i).toString(16));
  return { address: words.join(':'), port };
}

/** An address as `readXorAddress` gives it: of IPv6 eight words, without a zone. */
export function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address;
  const bytes = addressBytes(address.split('%', 1)[0] ?? '');
  const words: string[] = [];
  for (let i = 0; i < bytes.length; i += 2) words.push(bytes.readUInt16BE(i).toString(16));
  return words.join(':');
}

/** Whether the message was signed with this key: all attributes that count but a fingerprint (RFC 8489 §14.5). */
export function isSignedWith(message: StunMessage, key: Buffer): boolean {
  const { attributes } = message;
  const at = attributes.findIndex(({ type }) => type === STUN_ATTRIBUTE.messageIntegrity);
  const signature = attributes[at];
  if (signature === undefined || signature.value.length !== INTEGRITY_BYTES) return false;
  const signed = Buffer.from(message.bytes.subarray(0, signature.offset));
  signed.writeUInt16BE(signature.offset - HEADER_BYTES + 4 + INTEGRITY_BYTES, 2);
  return timingSafeEqual(createHmac('sha1', key).update(signed).digest(), signature.value);
}

/** Writes one STUN message. */
export class StunWriter {
  readonly #parts: Buffer[] = [];
  readonly #transaction: Buffer;

  /** @param transaction 12 bytes */
  constructor(method: number, messageClass: number, transaction: Buffer) {
    this.#transaction = transaction;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt16BE(method | messageClass, 0);
    header.writeUInt32BE(COOKIE, 4);
    transaction.copy(header, 8);
    this.#parts.push(header);
  }

  add(type: number, value: Buffer | string): this {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    const header = Buffer.alloc(4);
    header.writeUInt16BE(type, 0);
    header.writeUInt16BE(bytes.length, 2);
    this.#parts.push(header, bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4));
    return this;
  }

  addUInt32(type: number, value: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value >>> 0);
    return this.add(type, bytes);
  }

  addError(code: number, reason: string): this {
    const numbers = Buffer.from([0, 0, Math.floor(code / 100), code % 100]);
    return this.add(STUN_ATTRIBUTE.errorCode, Buffer.concat([numbers, Buffer.from(reason)]));
  }

  /** @param address in dotted form, or of IPv6 in eight words as `readXorAddress` gives it, or shortened */
  addXorAddress(type: number, { address, port }: UdpAddress): this {
    const plain = addressBytes(address);
    const mask = Buffer.alloc(16);
    mask.writeUInt32BE(COOKIE, 0);
    this.#transaction.copy(mask, 4);
    const value = Buffer.alloc(4 + plain.length);
    value[1] = plain.length === 4 ? FAMILY_IPV4 : FAMILY_IPV6;
    value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
    for (const [i, byte] of plain.entries()) value[4 + i] = byte ^ (mask[i] ?? 0);
    return this.add(type, value);
  }

  /** @param key signs the message when given; the fingerprint comes last (RFC 8489 §14.5 and §14.7) */
  finish(key: Buffer | null = null): Buffer {
    if (key !== null) {
      const signed = this.#withLength(4 + INTEGRITY_BYTES);
      this.add(STUN_ATTRIBUTE.messageIntegrity, createHmac('sha1', key).update(signed).digest());
    }
    const checked = this.#withLength(8);
    this.addUInt32(STUN_ATTRIBUTE.fingerprint, crc32(checked) ^ FINGERPRINT_XOR);
    return this.#withLength(0);
  }

  /** The message so far, whose length counts so many bytes more. */
  #withLength(more: number): Buffer {
    const bytes = Buffer.concat(this.#parts);
    bytes.writeUInt16BE(bytes.length - HEADER_BYTES + more, 2);
    return bytes;
  }
}

function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::', 2);
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const before = words(head);
  const after = words(tail ?? '');
  const zeros = Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [i, word] of [...before, ...zeros, ...after].slice(0, 8).entries()) {
    bytes.writeUInt16BE(word, 2 * i);
  }
  return bytes;
}
