import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { selfSigned } from '../demo/server/self-signed.ts';

const DAY_MS = 86_400_000;
const NAMES = { names: ['localhost', '127.0.0.1', '2001:db8::1'], days: 12 };

describe('a certificate that no authority has signed', () => {
  it('is ECDSA with P-256, signed by its own key, for its names, and has its hash', () => {
    const { certificate, hash } = selfSigned(NAMES);
    const parsed = new X509Certificate(certificate);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(parsed.subject).toBe('CN=micwire lab');
    expect(parsed.subjectAltName).toBe(
      'DNS:localhost, IP Address:127.0.0.1, IP Address:2001:DB8:0:0:0:0:0:1',
    );
    expect(parsed.fingerprint256.replaceAll(':', '').toLowerCase()).toBe(
      Buffer.from(hash).toString('hex'),
    );
  });

  it('is valid from the day before, for so many days', () => {
    const nowMs = Date.parse('2030-02-28T12:00:00Z');
    const { validFrom, validTo } = new X509Certificate(selfSigned({ ...NAMES, nowMs }).certificate);
    expect(Date.parse(validFrom)).toBe(nowMs - DAY_MS);
    expect(Date.parse(validTo)).toBe(nowMs + 12 * DAY_MS);
  });

  it('is a new one each time', () => {
    expect(selfSigned(NAMES).hash).not.toEqual(selfSigned(NAMES).hash);
  });
});
