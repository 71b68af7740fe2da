import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { ipBytes } from '../../../src/core/webrtc/stun/transport-address.ts';

/** A certificate and its key, as PEM. */
export interface SelfSigned {
  readonly certificate: string;
  readonly key: string;
}

/** How long it is valid from now on, and before, for clocks that are behind. */
const VALID_DAYS = 30;
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
const CONTEXT_0 = 0xa0;
const CONTEXT_3 = 0xa3;
/** `iPAddress` of a GeneralName (RFC 5280 §4.2.1.6). */
const IP_ADDRESS = 0x87;

const COMMON_NAME = Buffer.of(0x55, 0x04, 0x03); // 2.5.4.3
const SUBJECT_ALT_NAME = Buffer.of(0x55, 0x1d, 0x11); // 2.5.29.17
const ECDSA_WITH_SHA256 = Buffer.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02); // 1.2.840.10045.4.3.2

/** Makes a key and a certificate for an IP address, which nobody has a reason to trust (RFC 5280 §4.1). @throws TypeError */
export function selfSigned(address: string): SelfSigned {
  const ip = ipBytes(address);
  if (ip === null) throw new TypeError(`address must be an IP address, got '${address}'.`);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(SEQUENCE, der(OBJECT_IDENTIFIER, ECDSA_WITH_SHA256));
  const commonName = der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, COMMON_NAME),
    der(UTF8_STRING, Buffer.from('micwire lab')),
  );
  const name = der(SEQUENCE, der(SET, commonName));
  const now = Date.now();
  const validity = der(SEQUENCE, utcTime(now - DAY_MS), utcTime(now + VALID_DAYS * DAY_MS));
  const alternative = der(SEQUENCE, der(IP_ADDRESS, ip));
  const extension = der(
    SEQUENCE,
    der(OBJECT_IDENTIFIER, SUBJECT_ALT_NAME),
    der(OCTET_STRING, alternative),
  );
  const serial = randomBytes(16);
  // Positive, and without a zero in front.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const content = der(
    SEQUENCE,
    der(CONTEXT_0, der(INTEGER, Buffer.of(2))), // version 3
    der(INTEGER, serial),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(CONTEXT_3, der(SEQUENCE, extension)),
  );
  const signature = sign('sha256', content, privateKey);
  const bytes = der(SEQUENCE, content, algorithm, der(BIT_STRING, Buffer.of(0), signature));
  const lines = bytes.toString('base64').replace(/.{64}/g, '$&\n');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

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

/** As `YYMMDDhhmmssZ`. */
function utcTime(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}
