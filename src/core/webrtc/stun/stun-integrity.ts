import { oneOf } from '../../arguments.ts';
import { readUint32, utf8Bytes, writeUint16 } from '../../bytes.ts';
import { checkBytes, checkOptions, checkText } from '../../option-names.ts';
import type { OptionNames } from '../../option-names.ts';
import { crc32, hmac, md5, sha1, sha256 } from './digest.ts';
import { STUN_ATTRIBUTE, STUN_HEADER_BYTES, checkMessage } from './stun-message.ts';
import type { StunAttribute, StunMessage } from './stun-message.ts';

/** RFC 8489 §14.5. */
export const SHA1_BYTES = 20;
/** RFC 8489 §14.6. */
export const SHA256_BYTES = 32;
/** RFC 8489 §14.6: a signature may be truncated to no less than this, in steps of 4 bytes. */
const LEAST_SHA256_BYTES = 16;
const FINGERPRINT_XOR = 0x5354554e;

/** Credentials for a STUN or TURN server. Prepare non-ASCII user names and passwords with OpaqueString (RFC 8265). */
export interface LongTermCredential {
  readonly username: string;
  /** The server's REALM. */
  readonly realm: string;
  readonly password: string;
  /** The value of PASSWORD-ALGORITHM (RFC 8489 §18.5). @default 'MD5', if the attribute is absent */
  readonly algorithm?: 'MD5' | 'SHA-256';
}

const CREDENTIAL_NAMES = {
  username: 1,
  realm: 1,
  password: 1,
  algorithm: 1,
} satisfies OptionNames<LongTermCredential>;

/**
 * Computes a user's key at a server: a digest of user, realm and password (RFC 8489 §9.2.2). For ICE and other short-term
 * credentials, the key is the password in UTF-8.
 * @returns 16 or 32 bytes
 */
export function longTermKey(credential: LongTermCredential): Uint8Array {
  checkOptions('longTermKey', credential, CREDENTIAL_NAMES);
  const { username, realm, password, algorithm = 'MD5' } = credential;
  checkText('username', username);
  checkText('realm', realm);
  checkText('password', password);
  const digest = oneOf('algorithm', algorithm, ['MD5', 'SHA-256']) === 'MD5' ? md5 : sha256;
  return digest(utf8Bytes(`${username}:${realm}:${password}`));
}

/**
 * Returns whether a message was signed with a key (RFC 8489 §14.5 and §14.6). If it has both signatures, both must be right.
 * Takes the same time for any key.
 * @param key from `longTermKey`, or a password in UTF-8
 */
export function isSignedWith(message: StunMessage, key: Uint8Array): boolean {
  checkMessage(message);
  checkBytes('key', key);
  const signatures = message.attributes.filter(({ type }) => isSignature(type));
  return signatures.length > 0 && signatures.every((each) => isSignatureOf(message, each, key));
}

/** Returns whether one signature is right. */
export function isSignatureOf(
  message: StunMessage,
  { type, offset, value }: StunAttribute,
  key: Uint8Array,
): boolean {
  const isSha1 = type === STUN_ATTRIBUTE.messageIntegrity;
  const least = isSha1 ? SHA1_BYTES : LEAST_SHA256_BYTES;
  const most = isSha1 ? SHA1_BYTES : SHA256_BYTES;
  if (value.length < least || value.length > most || value.length % 4 !== 0) return false;
  const signed = upTo(message.bytes, offset, 4 + value.length);
  const wanted = hmac(isSha1 ? sha1 : sha256, key, signed);
  let difference = 0;
  for (const [i, byte] of value.entries()) difference |= byte ^ wanted[i]!;
  return difference === 0;
}

/** Returns whether the fingerprint of a message is right (RFC 8489 §14.7); null if it has no fingerprint. */
export function hasRightFingerprint(message: StunMessage): boolean | null {
  checkMessage(message);
  const last = message.attributes.at(-1);
  if (last?.type !== STUN_ATTRIBUTE.fingerprint) return null;
  const wanted = fingerprintOf(upTo(message.bytes, last.offset, 8));
  return last.value.length === 4 && readUint32(last.value, 0) === wanted;
}

/** @param bytes the message before the fingerprint, with a length that includes it */
export function fingerprintOf(bytes: Uint8Array): number {
  return (crc32(bytes) ^ FINGERPRINT_XOR) >>> 0;
}

/** Returns whether an attribute is a signature of either kind. */
export function isSignature(type: number): boolean {
  return type === STUN_ATTRIBUTE.messageIntegrity || type === STUN_ATTRIBUTE.messageIntegritySha256;
}

/** Returns the message up to an attribute, with a length that includes the attribute. */
function upTo(bytes: Uint8Array, offset: number, attributeBytes: number): Uint8Array {
  const part = bytes.slice(0, offset);
  writeUint16(offset - STUN_HEADER_BYTES + attributeBytes, part, 2);
  return part;
}
