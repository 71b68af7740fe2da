import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { ipBytes } from '../../src/core/webrtc/stun/transport-address.ts';

/** A certificate that no authority has signed, and its key. */
export interface SelfSigned {
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** SHA-256 of the certificate in DER. */
  readonly hash: Uint8Array;
}

/** What a certificate is for. */
export interface SelfSignedOptions {
  /** IP addresses, and names of hosts. */
  readonly names: readonly string[];
  /** It is valid for this many days, and from one day before, for clocks that are behind. */
  readonly days: number;
  /** @default now */
  readonly nowMs?: number;
}

const DAY_MS = 86_400_000;

/** Tags of DER (X.690 §8). */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
/** Context-specific ones: of a certificate's version and extensions (RFC 5280 §4.1), and of names (§4.2.1.6). */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

const COMMON_NAME = der(OBJECT_IDENTIFIER, Buffer.from('550403', 'hex')); // 2.5.4.3
const SUBJECT_ALT_NAME = der(OBJECT_IDENTIFIER, Buffer.from('551d11', 'hex')); // 2.5.29.17
const ECDSA_WITH_SHA256 = der(
  SEQUENCE,
  der(OBJECT_IDENTIFIER, Buffer.from('2a8648ce3d040302', 'hex')), // 1.2.840.10045.4.3.2
);

/** Makes a key (ECDSA, P-256) and a certificate (X.509 v3, RFC 5280) that is signed with the key itself. */
export function selfSigned({ names, days, nowMs = Date.now() }: SelfSignedOptions): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const commonName = der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from('micwire lab')));
  const name = der(SEQUENCE, der(SET, commonName));
  const validity = der(SEQUENCE, utcTime(nowMs - DAY_MS), utcTime(nowMs + days * DAY_MS));
  const alternatives = der(SEQUENCE, ...names.map(alternative));
  const serial = randomBytes(16);
  // Positive, and without a leading zero (RFC 5280 §4.1.2.2).
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const content = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.of(2))), // version 3
    der(INTEGER, serial),
    ECDSA_WITH_SHA256,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      EXTENSIONS,
      der(SEQUENCE, der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTET_STRING, alternatives))),
    ),
  );
  const signature = sign('sha256', content, privateKey);
  const bytes = der(SEQUENCE, content, ECDSA_WITH_SHA256, der(BIT_STRING, Buffer.of(0), signature));
  const lines = bytes.toString('base64').match(/.{1,64}/g)!;
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    hash: createHash('sha256').update(bytes).digest(),
  };
}

function alternative(name: string): Buffer {
  const ip = ipBytes(name);
  return ip === null ? der(DNS_NAME, Buffer.from(name)) : der(IP_ADDRESS, ip);
}

/** One element, with its length in the shortest form. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}

/** As `YYMMDDhhmmssZ`, which RFC 5280 §4.1.2.5 asks for until 2049. */
function utcTime(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}
