import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A certificate that no authority has signed, for `serverCertificateHashes` (W3C webtransport §6.10). */
export interface Certificate {
  /** PEM. */
  readonly key: string;
  readonly certificate: string;
  /** SHA-256 of the certificate. */
  readonly hash: Uint8Array;
}

const DAY_MS = 86_400_000;
/** Browsers take no more than 14 days between the two. It begins early, for clocks that are behind. */
const BEFORE_MS = DAY_MS;
const VALID_MS = 13 * DAY_MS;

/** How long a new certificate is of use, ms. */
export const CERTIFICATE_LIFE_MS: number = VALID_MS - BEFORE_MS;

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;
/** Context-specific tags: of a certificate's version and extensions, and of names. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

const ECDSA_WITH_SHA256 = der(SEQUENCE, der(OBJECT_ID, hex('2a8648ce3d040302')));
const COMMON_NAME = der(OBJECT_ID, hex('550403'));
const SUBJECT_ALT_NAME = der(OBJECT_ID, hex('551d11'));

/** Makes a key (ECDSA, P-256) and a certificate for this machine (X.509 v3, RFC 5280), signed with the key itself. */
export function makeCertificate(nowMs: number = Date.now()): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // Positive, as RFC 5280 §4.1.2.2 wants it.
  const serial = randomBytes(16);
  serial[0] = 1;
  const name = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from('micwire lab')))),
  );
  const names = der(
    SEQUENCE,
    der(DNS_NAME, Buffer.from('localhost')),
    der(IP_ADDRESS, Uint8Array.of(127, 0, 0, 1)),
  );
  const body = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Uint8Array.of(2))),
    der(INTEGER, serial),
    ECDSA_WITH_SHA256,
    name,
    der(SEQUENCE, utcTime(nowMs - BEFORE_MS), utcTime(nowMs - BEFORE_MS + VALID_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(EXTENSIONS, der(SEQUENCE, der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTET_STRING, names)))),
  );
  const signature = sign('sha256', body, privateKey);
  const whole = der(
    SEQUENCE,
    body,
    ECDSA_WITH_SHA256,
    der(BIT_STRING, Uint8Array.of(0), signature),
  );
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate: pem(whole),
    hash: createHash('sha256').update(whole).digest(),
  };
}

/** One element of ASN.1 in its distinguished encoding (X.690 §8.1). */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), content]);
}

/** YYMMDDHHMMSSZ, which RFC 5280 §4.1.2.5 asks for until 2049. */
function utcTime(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

function hex(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}

function pem(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString('base64')
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
