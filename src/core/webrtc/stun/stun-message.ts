import { readUint16, readUint32, utf8Text } from '../../bytes.ts';
import { PacketError } from '../../errors.ts';
import { checkBytes, checkObject } from '../../option-names.ts';
import type { TransportAddress } from './transport-address.ts';
import { ipText } from './transport-address.ts';

/*
 * STUN (RFC 8489 §5):
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |0 0|     STUN Message Type     |         Message Length        |
 * |                         Magic Cookie                          |
 * |                     Transaction ID (96 bits)                  |
 *
 * and then attributes: type (16), length (16), value, padded to 4 bytes.
 */

/** Methods of messages (RFC 8489 §18.2 and RFC 8656 §17). */
export const STUN_METHOD = {
  binding: 0x001,
  allocate: 0x003,
  refresh: 0x004,
  send: 0x006,
  data: 0x007,
  createPermission: 0x008,
  channelBind: 0x009,
} as const;

/** The two class bits of a message type, in place (RFC 8489 §5). */
export const STUN_CLASS = {
  request: 0x0000,
  indication: 0x0010,
  success: 0x0100,
  error: 0x0110,
} as const;

/** Types of attributes: RFC 8489 §18.3, RFC 8656 §18, RFC 5780 §7, RFC 8445 §16.1. */
export const STUN_ATTRIBUTE = {
  mappedAddress: 0x0001,
  changeRequest: 0x0003,
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
  messageIntegritySha256: 0x001c,
  passwordAlgorithm: 0x001d,
  userhash: 0x001e,
  xorMappedAddress: 0x0020,
  reservationToken: 0x0022,
  priority: 0x0024,
  useCandidate: 0x0025,
  padding: 0x0026,
  responsePort: 0x0027,
  additionalAddressFamily: 0x8000,
  addressErrorCode: 0x8001,
  passwordAlgorithms: 0x8002,
  alternateDomain: 0x8003,
  icmp: 0x8004,
  software: 0x8022,
  alternateServer: 0x8023,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
  iceControlling: 0x802a,
  responseOrigin: 0x802b,
  otherAddress: 0x802c,
} as const;

export const STUN_HEADER_BYTES = 20;
export const STUN_COOKIE = 0x2112a442;
export const FAMILY_IPV4 = 1;
export const FAMILY_IPV6 = 2;
const CLASS_BITS = 0x0110;
const MAX_ATTRIBUTES = 32;

/** An attribute of a message. */
export interface StunAttribute {
  /** One of `STUN_ATTRIBUTE`, or another. */
  readonly type: number;
  /** Where its 4-byte header begins in the message. */
  readonly offset: number;
  /** The value without padding: a view of the message. */
  readonly value: Uint8Array;
}

/** A STUN message. Its bytes are views of the datagram. */
export interface StunMessage {
  /** One of `STUN_METHOD`, or another. */
  readonly method: number;
  /** One of `STUN_CLASS`. */
  readonly class: number;
  /** 12 bytes. */
  readonly transaction: Uint8Array;
  /**
   * The attributes that count: after a signature only the other signature and a fingerprint count (RFC 8489 §14.5), and after a
   * fingerprint none.
   */
  readonly attributes: readonly StunAttribute[];
  /** The whole message. */
  readonly bytes: Uint8Array;
}

/** Returns whether a datagram is a STUN message: two zero bits, and the cookie (RFC 8489 §5, RFC 7983 §7). */
export function isStun(bytes: Uint8Array): boolean {
  checkBytes('bytes', bytes);
  return (
    bytes.length >= STUN_HEADER_BYTES && bytes[0]! < 0x40 && readUint32(bytes, 4) === STUN_COOKIE
  );
}

/**
 * Reads a STUN or TURN message.
 * @param bytes one datagram, at most 65,555 bytes with at most 32 attributes; the message keeps views of it
 * @throws PacketError `truncated`, `oversized`, `unknown-type` or `bad-field`, and no other error
 */
export function parseStun(bytes: Uint8Array): StunMessage {
  checkBytes('bytes', bytes);
  if (bytes.length < STUN_HEADER_BYTES) {
    throw new PacketError('truncated', `A STUN header has ${STUN_HEADER_BYTES} bytes.`);
  }
  if (!isStun(bytes)) throw new PacketError('unknown-type', 'This is no STUN message.');
  const length = readUint16(bytes, 2);
  if (length % 4 !== 0)
    throw new PacketError('bad-field', 'STUN attributes fill words of 4 bytes.');
  if (STUN_HEADER_BYTES + length > bytes.length)
    throw new PacketError('truncated', 'The datagram is too short.');
  if (STUN_HEADER_BYTES + length < bytes.length)
    throw new PacketError('oversized', 'The datagram is too long.');
  const attributes: StunAttribute[] = [];
  let count = 0;
  // The stage reached in this order of attributes: others, signature, signature, fingerprint.
  let stage = 0;
  for (let offset = STUN_HEADER_BYTES; offset < bytes.length;) {
    const valueBytes = readUint16(bytes, offset + 2);
    const end = offset + 4 + valueBytes;
    if (end > bytes.length) throw new PacketError('truncated', 'A STUN attribute is too long.');
    if (++count > MAX_ATTRIBUTES) {
      throw new PacketError('oversized', `More than ${MAX_ATTRIBUTES} STUN attributes.`);
    }
    const type = readUint16(bytes, offset);
    const place = stageOf(type);
    if (place > stage || (place === 0 && stage === 0)) {
      attributes.push({ type, offset, value: bytes.subarray(offset + 4, end) });
      stage = place;
    }
    offset = end + ((4 - (valueBytes % 4)) % 4);
  }
  const type = readUint16(bytes, 0);
  return {
    method: methodOf(type),
    class: type & CLASS_BITS,
    transaction: bytes.subarray(8, STUN_HEADER_BYTES),
    attributes,
    bytes,
  };
}

/** Extracts the method, whose bits surround the class bits (RFC 8489 §5). */
function methodOf(type: number): number {
  return ((type & 0x3e00) >> 2) | ((type & 0xe0) >> 1) | (type & 0xf);
}

/** RFC 8489 §14.5 to §14.7. */
function stageOf(type: number): number {
  switch (type) {
    case STUN_ATTRIBUTE.messageIntegrity:
      return 1;
    case STUN_ATTRIBUTE.messageIntegritySha256:
      return 2;
    case STUN_ATTRIBUTE.fingerprint:
      return 3;
    default:
      return 0;
  }
}

/** @throws TypeError for anything but what `parseStun` returns */
export function checkMessage(message: StunMessage): void {
  checkObject('message must be a StunMessage', message, 'attributes', 'transaction', 'bytes');
}

/** Returns the value of the first attribute of a type: later ones do not count (RFC 8489 §14). */
export function stunAttribute(message: StunMessage, type: number): Uint8Array | undefined {
  checkMessage(message);
  return message.attributes.find((attribute) => attribute.type === type)?.value;
}

/** Returns the first attribute of a type as text; empty if the message has no such attribute. */
export function stunText(message: StunMessage, type: number): string {
  return utf8Text(stunAttribute(message, type) ?? new Uint8Array(0));
}

/** Returns the code of an error response (RFC 8489 §14.8); 0 if the message has no code. */
export function stunErrorCode(message: StunMessage): number {
  const value = stunAttribute(message, STUN_ATTRIBUTE.errorCode);
  return value === undefined || value.length < 4 ? 0 : (value[2]! & 7) * 100 + value[3]!;
}

/**
 * Returns the first address of a type in a message.
 * @param type one of `STUN_ATTRIBUTE`; addresses of types whose name begins with `xor` are decoded
 * @returns undefined if the message has no such attribute
 * @throws PacketError `bad-field` for an address that cannot be read
 */
export function stunAddress(message: StunMessage, type: number): TransportAddress | undefined {
  const value = stunAttribute(message, type);
  if (value === undefined) return undefined;
  return XORED.has(type) ? readXorAddress(value, message.transaction) : readPlainAddress(value);
}

const XORED: ReadonlySet<number> = new Set([
  STUN_ATTRIBUTE.xorMappedAddress,
  STUN_ATTRIBUTE.xorPeerAddress,
  STUN_ATTRIBUTE.xorRelayedAddress,
]);

/** Reads a plain address (RFC 8489 §14.1). @throws PacketError */
export function readPlainAddress(value: Uint8Array): TransportAddress {
  return readAddress(value, new Uint8Array(16));
}

/**
 * Reads an address that exclusive or hides from meddling routers (RFC 8489 §14.2).
 * @param transaction the message's transaction
 * @throws PacketError
 */
export function readXorAddress(value: Uint8Array, transaction: Uint8Array): TransportAddress {
  return readAddress(value, xorMask(transaction));
}

/** Returns the mask that hides addresses: the cookie and the transaction. */
export function xorMask(transaction: Uint8Array): Uint8Array {
  const mask = new Uint8Array(16);
  mask.set([STUN_COOKIE >>> 24, STUN_COOKIE >>> 16, STUN_COOKIE >>> 8, STUN_COOKIE]);
  mask.set(transaction, 4);
  return mask;
}

function readAddress(value: Uint8Array, mask: Uint8Array): TransportAddress {
  const family = value.length >= 4 ? value[1] : 0;
  const addressBytes = family === FAMILY_IPV4 ? 4 : family === FAMILY_IPV6 ? 16 : 0;
  if (addressBytes === 0 || value.length !== 4 + addressBytes) {
    throw new PacketError('bad-field', 'A STUN address must be one of IPv4 or IPv6.');
  }
  const port = readUint16(value, 2) ^ readUint16(mask, 0);
  return { address: ipText(value.subarray(4).map((byte, i) => byte ^ mask[i]!)), port };
}
