import { describe, integerIn, oneOf } from '../../arguments.ts';
import { joinBytes, utf8Bytes, writeUint16, writeUint32 } from '../../bytes.ts';
import { checkBytes, checkOptions } from '../../option-names.ts';
import type { OptionNames } from '../../option-names.ts';
import { hmac, sha1, sha256 } from './digest.ts';
import { SHA1_BYTES, SHA256_BYTES, fingerprintOf } from './stun-integrity.ts';
import {
  FAMILY_IPV4,
  FAMILY_IPV6,
  STUN_ATTRIBUTE,
  STUN_CLASS,
  STUN_COOKIE,
  STUN_HEADER_BYTES,
  xorMask,
} from './stun-message.ts';
import { checkAddress, ipBytes } from './transport-address.ts';
import type { TransportAddress } from './transport-address.ts';

/** How to finish a message. */
export interface StunFinish {
  /** Key to sign the message with: from `longTermKey`, or a password in UTF-8. @default null: not signed */
  readonly key?: Uint8Array | null;
  /** Digest of the signature (RFC 8489 §14.5 and §14.6). @default 'SHA-1', which every receiver accepts */
  readonly digest?: 'SHA-1' | 'SHA-256';
  /** Whether to add a fingerprint, which distinguishes STUN from other packets on its port (RFC 8489 §14.7). @default true */
  readonly fingerprint?: boolean;
}

const FINISH_NAMES = { key: 1, digest: 1, fingerprint: 1 } satisfies OptionNames<StunFinish>;
const TRANSACTION_BYTES = 12;
const MAX_METHOD = 0xfff;
/** What fits the message's length field, less a signature and a fingerprint. */
const MAX_VALUE_BYTES = 2 ** 16 - 1 - 64;

/** Writes one STUN or TURN message. */
export class StunWriter {
  readonly #parts: Uint8Array[] = [];
  readonly #transaction: Uint8Array;

  /**
   * @param method one of `STUN_METHOD`, or another up to 0xFFF
   * @param messageClass one of `STUN_CLASS`
   * @param transaction 12 bytes; for a request they must be unpredictable (RFC 8489 §5)
   * @throws TypeError or RangeError
   */
  constructor(method: number, messageClass: number, transaction: Uint8Array) {
    integerIn('method', method, 0, MAX_METHOD);
    if (!(Object.values(STUN_CLASS) as number[]).includes(messageClass)) {
      throw new RangeError(
        `messageClass must be one of STUN_CLASS, got ${describe(messageClass)}.`,
      );
    }
    if (checkBytes('transaction', transaction).length !== TRANSACTION_BYTES) {
      throw new RangeError(
        `transaction must have ${TRANSACTION_BYTES} bytes, got ${transaction.length}.`,
      );
    }
    this.#transaction = transaction.slice();
    const header = new Uint8Array(STUN_HEADER_BYTES);
    writeUint16(typeOf(method) | messageClass, header, 0);
    writeUint32(STUN_COOKIE, header, 4);
    header.set(transaction, 8);
    this.#parts.push(header);
  }

  /** Adds an attribute. @param value bytes, which are copied; or text, as UTF-8 */
  add(type: number, value: Uint8Array | string = ''): this {
    integerIn('type', type, 0, 0xffff);
    const bytes = typeof value === 'string' ? utf8Bytes(value) : checkBytes('value', value).slice();
    if (bytes.length > MAX_VALUE_BYTES) {
      throw new RangeError(
        `value must have at most ${MAX_VALUE_BYTES} bytes, got ${bytes.length}.`,
      );
    }
    const header = new Uint8Array(4);
    writeUint16(type, header, 0);
    writeUint16(bytes.length, header, 2);
    this.#parts.push(header, bytes, new Uint8Array((4 - (bytes.length % 4)) % 4));
    return this;
  }

  /** Adds a 32-bit number. */
  addUint32(type: number, value: number): this {
    integerIn('value', value, 0, 2 ** 32 - 1);
    const bytes = new Uint8Array(4);
    writeUint32(value, bytes, 0);
    return this.add(type, bytes);
  }

  /** Adds ERROR-CODE (RFC 8489 §14.8). @param code 300 to 699 */
  addError(code: number, reason: string): this {
    integerIn('code', code, 300, 699);
    const numbers = Uint8Array.of(0, 0, Math.floor(code / 100), code % 100);
    return this.add(STUN_ATTRIBUTE.errorCode, joinBytes([numbers, utf8Bytes(reason)]));
  }

  /** Adds a plain address (RFC 8489 §14.1). */
  addAddress(type: number, address: TransportAddress): this {
    return this.#addAddress(type, address, new Uint8Array(16));
  }

  /** Adds an address hidden by exclusive or (RFC 8489 §14.2). */
  addXorAddress(type: number, address: TransportAddress): this {
    return this.#addAddress(type, address, xorMask(this.#transaction));
  }

  /** Signs and ends the message. @returns its bytes, which are the caller's */
  finish(options: StunFinish = {}): Uint8Array<ArrayBuffer> {
    checkOptions('StunWriter.finish', options, FINISH_NAMES);
    const { key = null, digest = 'SHA-1', fingerprint = true } = options;
    if (key !== null) {
      checkBytes('key', key);
      const isSha1 = oneOf('digest', digest, ['SHA-1', 'SHA-256']) === 'SHA-1';
      const signed = this.#withLength(4 + (isSha1 ? SHA1_BYTES : SHA256_BYTES));
      this.add(
        isSha1 ? STUN_ATTRIBUTE.messageIntegrity : STUN_ATTRIBUTE.messageIntegritySha256,
        hmac(isSha1 ? sha1 : sha256, key, signed),
      );
    }
    if (fingerprint) this.addUint32(STUN_ATTRIBUTE.fingerprint, fingerprintOf(this.#withLength(8)));
    return this.#withLength(0);
  }

  #addAddress(type: number, address: TransportAddress, mask: Uint8Array): this {
    const plain = ipBytes(checkAddress('address', address).address)!;
    const value = new Uint8Array(4 + plain.length);
    value[1] = plain.length === 4 ? FAMILY_IPV4 : FAMILY_IPV6;
    value[2] = (address.port >> 8) ^ mask[0]!;
    value[3] = address.port ^ mask[1]!;
    for (const [i, byte] of plain.entries()) value[4 + i] = byte ^ mask[i]!;
    return this.add(type, value);
  }

  /** Returns the message so far, with a length that counts `more` additional bytes. */
  #withLength(more: number): Uint8Array<ArrayBuffer> {
    const bytes = joinBytes(this.#parts);
    const length = bytes.length - STUN_HEADER_BYTES + more;
    if (length > 0xffff) throw new RangeError(`A STUN message holds 65535 bytes, got ${length}.`);
    writeUint16(length, bytes, 2);
    return bytes;
  }
}

/** Spreads a method's bits to make room for the class bits (RFC 8489 §5). */
function typeOf(method: number): number {
  return ((method & 0xf80) << 2) | ((method & 0x70) << 1) | (method & 0xf);
}
