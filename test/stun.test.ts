import { createHash, createHmac } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { crc32, hmac, md5, sha1, sha256 } from '../src/core/webrtc/stun/digest.ts';
import {
  STUN_ATTRIBUTE as ATTRIBUTE,
  STUN_CLASS as CLASS,
  STUN_METHOD as METHOD,
  StunWriter,
  explainStun,
  hasRightFingerprint,
  isChannelData,
  isSignedWith,
  isStun,
  longTermKey,
  packetKind,
  parseChannelData,
  parseStun,
  stunAddress,
  stunAttribute,
  stunAttributeName,
  stunErrorCode,
  stunText,
  writeChannelData,
} from '../src/core/webrtc/stun/index.ts';
import { canonicalIp, ipBytes } from '../src/core/webrtc/stun/transport-address.ts';
import { seededRandom } from './helpers/random.ts';
import { PASSWORD, RFC_5769, RFC_8489_B1, longTermUser } from './helpers/stun-samples.ts';

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const reasonOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  return 'read';
};
/** Each with its last bit turned, in turn. */
const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

describe('the digests', () => {
  it('equal those of OpenSSL for every length up to three blocks of bytes', () => {
    const random = seededRandom(1);
    for (let length = 0; length <= 192; length++) {
      const bytes = Uint8Array.from({ length }, () => random() * 256);
      for (const [name, digest] of Object.entries({ md5, sha1, sha256 })) {
        const wanted = createHash(name).update(bytes).digest('hex');
        expect(Buffer.from(digest(bytes)).toString('hex')).toBe(wanted);
      }
    }
  });

  it('compute the keyed digests of RFC 2202 and RFC 4231 with short, whole and long keys', () => {
    const random = seededRandom(2);
    for (const length of [0, 1, 20, 63, 64, 65, 200]) {
      const key = Uint8Array.from({ length }, () => random() * 256);
      for (const [name, digest] of Object.entries({ sha1, sha256 })) {
        const wanted = createHmac(name, key).update('Hi There').digest('hex');
        expect(Buffer.from(hmac(digest, key, bytesOf('Hi There'))).toString('hex')).toBe(wanted);
      }
    }
  });

  it('compute the CRC of ISO 3309', () => {
    expect(crc32(bytesOf('123456789'))).toBe(0xcbf43926);
    expect(crc32(bytesOf('STUN'))).toBe(zlibCrc32('STUN'));
  });
});

describe('the messages of RFC 5769', () => {
  it('§2.1: a request, its signature, its fingerprint', () => {
    const message = parseStun(RFC_5769.request);
    expect([message.method, message.class]).toEqual([METHOD.binding, CLASS.request]);
    expect(stunText(message, ATTRIBUTE.software)).toBe('STUN test client');
    expect(stunText(message, ATTRIBUTE.username)).toBe('evtj:h6vY');
    expect([...stunAttribute(message, ATTRIBUTE.priority)!]).toEqual([0x6e, 0, 1, 0xff]);
    expect(isSignedWith(message, bytesOf(PASSWORD))).toBe(true);
    expect(isSignedWith(message, bytesOf(PASSWORD.toLowerCase()))).toBe(false);
    expect(hasRightFingerprint(message)).toBe(true);
  });

  it.each([
    ['§2.2', 'response', '192.0.2.1'],
    ['§2.3', 'responseIpv6', '2001:db8:1234:5678:11:2233:4455:6677'],
  ] as const)('%s: an address, the signature and the fingerprint of a %s', (_, name, address) => {
    const message = parseStun(RFC_5769[name]);
    expect([message.method, message.class]).toEqual([METHOD.binding, CLASS.success]);
    expect(stunAddress(message, ATTRIBUTE.xorMappedAddress)).toEqual({ address, port: 32_853 });
    expect(isSignedWith(message, bytesOf(PASSWORD))).toBe(true);
    expect(hasRightFingerprint(message)).toBe(true);
  });

  it('§2.4: a request with a long-term credential', () => {
    const message = parseStun(RFC_5769.longTerm);
    expect(stunText(message, ATTRIBUTE.username)).toBe(longTermUser.username);
    expect(isSignedWith(message, longTermKey(longTermUser))).toBe(true);
    expect(isSignedWith(message, longTermKey({ ...longTermUser, realm: 'example.com' }))).toBe(
      false,
    );
    expect(hasRightFingerprint(message)).toBeNull();
  });

  it('RFC 8489 §B.1: a request signed with SHA-256', () => {
    const message = parseStun(RFC_8489_B1);
    const key = longTermKey({ ...longTermUser, algorithm: 'SHA-256' });
    expect(isSignedWith(message, key)).toBe(true);
    expect(isSignedWith(message, longTermKey(longTermUser))).toBe(false);
  });

  it('no bit of a signed message can change without detection', () => {
    const key = bytesOf(PASSWORD);
    for (let at = 0; at < RFC_5769.request.length; at++) {
      const bytes = flipped(RFC_5769.request, at);
      const reason = reasonOf(() => {
        const message = parseStun(bytes);
        if (!isSignedWith(message, key) || hasRightFingerprint(message) !== true) {
          throw new PacketError('bad-field', 'seen');
        }
      });
      expect(reason, `byte ${at}`).not.toBe('read');
    }
  });

  it('§2.2 is written as printed, except for its padding', () => {
    // The RFC pads with a space, and the signature covers that: here it is a part of the text.
    const transaction = RFC_5769.response.slice(8, 20);
    const written = new StunWriter(METHOD.binding, CLASS.success, transaction)
      .add(ATTRIBUTE.software, 'test vector ')
      .addXorAddress(ATTRIBUTE.xorMappedAddress, { address: '192.0.2.1', port: 32_853 })
      .finish({ key: bytesOf(PASSWORD) });
    const read = RFC_5769.response;
    expect(written.length).toBe(read.length);
    expect(written.slice(36, 48)).toEqual(read.slice(36, 48));
    const message = parseStun(written);
    expect(isSignedWith(message, bytesOf(PASSWORD))).toBe(true);
    expect(hasRightFingerprint(message)).toBe(true);
  });
});

describe('StunWriter', () => {
  it.each(Object.values(CLASS))('writes every method with class 0x%s', (messageClass) => {
    for (let method = 0; method <= 0xfff; method++) {
      const bytes = new StunWriter(method, messageClass, new Uint8Array(12)).finish();
      const message = parseStun(bytes);
      expect([message.method, message.class]).toEqual([method, messageClass]);
    }
  });

  it('signs with either digest, and with both', () => {
    const key = bytesOf('key');
    for (const digest of ['SHA-1', 'SHA-256'] as const) {
      const writer = new StunWriter(METHOD.allocate, CLASS.request, new Uint8Array(12).fill(7));
      const message = parseStun(writer.add(ATTRIBUTE.realm, 'here').finish({ key, digest }));
      expect(isSignedWith(message, key)).toBe(true);
      expect(isSignedWith(message, bytesOf('other'))).toBe(false);
    }
    const writer = new StunWriter(METHOD.allocate, CLASS.request, new Uint8Array(12));
    writer.finish({ key, fingerprint: false });
    const both = writer.finish({ key, digest: 'SHA-256' });
    expect(parseStun(both).attributes.map(({ type }) => stunAttributeName(type))).toEqual([
      'MESSAGE-INTEGRITY',
      'MESSAGE-INTEGRITY-SHA256',
      'FINGERPRINT',
    ]);
    expect(isSignedWith(parseStun(both), key)).toBe(true);
    // One of the two is wrong.
    expect(isSignedWith(parseStun(flipped(both, 30)), key)).toBe(false);
  });

  it('writes errors and plain addresses that read back unchanged', () => {
    const writer = new StunWriter(METHOD.refresh, CLASS.error, new Uint8Array(12))
      .addError(438, 'Stale Nonce')
      .addAddress(ATTRIBUTE.otherAddress, { address: '2001:db8::1', port: 3479 });
    const message = parseStun(writer.finish({ fingerprint: false }));
    expect(stunErrorCode(message)).toBe(438);
    expect(stunAddress(message, ATTRIBUTE.otherAddress)).toEqual({
      address: '2001:db8::1',
      port: 3479,
    });
    expect(stunAddress(message, ATTRIBUTE.mappedAddress)).toBeUndefined();
  });

  it('refuses fields that do not fit a message', () => {
    const writer = () => new StunWriter(METHOD.binding, CLASS.request, new Uint8Array(12));
    expect(() => new StunWriter(METHOD.binding, CLASS.request, new Uint8Array(11))).toThrow(
      'transaction must have 12 bytes, got 11.',
    );
    expect(() => new StunWriter(0x1000, CLASS.request, new Uint8Array(12))).toThrow(RangeError);
    expect(() => new StunWriter(1, 5, new Uint8Array(12))).toThrow('one of STUN_CLASS, got 5');
    expect(() => writer().addError(200, '')).toThrow(RangeError);
    expect(() => writer().add(ATTRIBUTE.data, new Uint8Array(70_000))).toThrow(RangeError);
    expect(() =>
      writer()
        .add(ATTRIBUTE.data, new Uint8Array(40_000))
        .add(ATTRIBUTE.data, new Uint8Array(40_000))
        .finish(),
    ).toThrow('A STUN message holds 65535 bytes');
    expect(() =>
      writer().addXorAddress(ATTRIBUTE.xorPeerAddress, { address: 'localhost', port: 1 }),
    ).toThrow("address.address must be an IPv4 or IPv6 address, got 'localhost'.");
  });
});

describe('addresses', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
    ['::', '::'],
    ['1::', '1::'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:DB8:0:0:1::2', '2001:db8::1:0:0:2'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
  ])('normalizes %s, and writes %s in a message (RFC 5952 §4)', (address, canonical) => {
    expect(canonicalIp(address)).toBe(canonical);
    const writer = new StunWriter(METHOD.data, CLASS.indication, new Uint8Array(12).fill(7));
    const bytes = writer.addXorAddress(ATTRIBUTE.xorPeerAddress, { address, port: 4660 }).finish();
    expect(stunAddress(parseStun(bytes), ATTRIBUTE.xorPeerAddress)).toEqual({
      address: canonical,
      port: 4660,
    });
  });

  it.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '12345::',
    'g::',
    '1.2.3.4::',
    '::1.2.3',
    'a'.repeat(100),
  ])('refuse %s', (text) => {
    expect(ipBytes(text)).toBeNull();
  });
});

describe('ChannelData (RFC 8656 §12.4)', () => {
  it('reads back as written, with and without padding', () => {
    const bytes = writeChannelData(0x4001, bytesOf('hello'));
    expect([...bytes.subarray(0, 4)]).toEqual([0x40, 1, 0, 5]);
    for (const padding of [0, 3]) {
      const { channel, data } = parseChannelData(
        Uint8Array.of(...bytes, ...Array(padding).fill(0)),
      );
      expect([channel, Buffer.from(data).toString()]).toEqual([0x4001, 'hello']);
    }
  });

  it('refuses truncated data, and messages of other kinds', () => {
    expect(reasonOf(() => parseChannelData(Uint8Array.of(0x40, 0, 0)))).toBe('truncated');
    expect(reasonOf(() => parseChannelData(Uint8Array.of(0x40, 0, 0, 1)))).toBe('truncated');
    expect(reasonOf(() => parseChannelData(RFC_5769.request))).toBe('unknown-type');
    expect(() => writeChannelData(0x3fff, new Uint8Array(0))).toThrow(RangeError);
  });
});

describe('packetKind', () => {
  it.each([
    ['stun', RFC_5769.request],
    ['channel-data', Uint8Array.of(0x40, 0, 0, 0)],
    ['dtls', Uint8Array.of(22, 254, 253, ...Array(10).fill(0))],
    ['zrtp', Uint8Array.of(16, 0, 0, 0)],
    ['rtp', Uint8Array.of(128, 111, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['rtp', Uint8Array.of(144, 128 + 63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
    ['rtcp', Uint8Array.of(129, 200, 0, 1, 0, 0, 0, 0)],
    ['unknown', Uint8Array.of()],
    ['unknown', Uint8Array.of(0, 1, 2)],
    ['unknown', Uint8Array.of(200, 0, 0, 0, 0, 0, 0, 0)],
  ] as const)('finds %s (RFC 7983 §7)', (kind, bytes) => {
    expect(packetKind(bytes)).toBe(kind);
    expect(isStun(bytes)).toBe(kind === 'stun');
    expect(isChannelData(bytes)).toBe(kind === 'channel-data');
  });
});

describe('parseStun', () => {
  it('throws nothing but PacketError for hostile bytes, when parsing and when reading a message', () => {
    const random = seededRandom(11);
    const good = new StunWriter(METHOD.allocate, CLASS.request, new Uint8Array(12).fill(1))
      .add(ATTRIBUTE.username, 'lab')
      .addXorAddress(ATTRIBUTE.xorPeerAddress, { address: '127.0.0.1', port: 9 })
      .addError(401, 'no')
      .finish({ key: bytesOf('key') });
    const reasons = new Set<string>();
    for (let i = 0; i < 20_000; i++) {
      const bytes = good.slice(0, random() < 0.3 ? random() * good.length : 999);
      for (let edits = Math.floor(random() * 4); edits > 0 && bytes.length > 0; edits--) {
        bytes[Math.floor(random() * bytes.length)] = random() * 256;
      }
      reasons.add(
        reasonOf(() => {
          const message = parseStun(bytes);
          isSignedWith(message, bytesOf('key'));
          hasRightFingerprint(message);
          stunErrorCode(message);
          stunAddress(message, ATTRIBUTE.xorPeerAddress);
        }),
      );
    }
    expect([...reasons].toSorted()).toEqual([
      'bad-field',
      'oversized',
      'read',
      'truncated',
      'unknown-type',
    ]);
  });

  it('ignores attributes after the signature and the fingerprint (RFC 8489 §14.5, §14.7)', () => {
    const key = bytesOf('key');
    const writer = new StunWriter(METHOD.refresh, CLASS.request, new Uint8Array(12));
    writer.finish({ key, fingerprint: false });
    const bytes = writer.addUint32(ATTRIBUTE.lifetime, 0).finish();
    const types = parseStun(bytes).attributes.map(({ type }) => type);
    expect(types).toEqual([ATTRIBUTE.messageIntegrity, ATTRIBUTE.fingerprint]);
    const field = explainStun(bytes).fields.find(({ name }) => name === 'LIFETIME')!;
    expect(field.explanation).toContain('does not count');
  });

  it('accepts 32 attributes, and no more', () => {
    const writer = new StunWriter(METHOD.binding, CLASS.request, new Uint8Array(12));
    for (let i = 0; i < 32; i++) writer.add(0x8000 + i);
    expect(parseStun(writer.finish({ fingerprint: false })).attributes).toHaveLength(32);
    expect(reasonOf(() => parseStun(writer.finish()))).toBe('oversized');
  });
});

describe('explainStun', () => {
  it('explains every byte of a check of ICE, in order', () => {
    const { kind, title, fields } = explainStun(RFC_5769.request, { key: bytesOf(PASSWORD) });
    expect([kind, title]).toEqual(['stun', 'Binding request']);
    expect(fields.map(({ name, value, clause }) => [name, value, clause])).toEqual([
      ['Message type', '0x0001', 'RFC 8489 §5'],
      ['Message length', '88', 'RFC 8489 §5'],
      ['Magic cookie', '0x2112a442', 'RFC 8489 §5'],
      ['Transaction ID', 'b7e7a701bc34d686fa87dfae', 'RFC 8489 §5'],
      ['SOFTWARE', 'STUN test client', 'RFC 8489 §14.14'],
      ['PRIORITY', '1845494271', 'RFC 8445 §7.1.1'],
      ['ICE-CONTROLLED', '932ff9b151263b36', 'RFC 8445 §7.1.3'],
      ['USERNAME', 'evtj:h6vY', 'RFC 8489 §14.3'],
      ['MESSAGE-INTEGRITY', '9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2', 'RFC 8489 §14.5'],
      ['FINGERPRINT', '0xe57a3bcf', 'RFC 8489 §14.7'],
    ]);
    let at = 0;
    for (const { offset, length, explanation, fault } of fields) {
      expect(offset).toBe(at);
      at += length;
      expect(explanation).toMatch(/\.$/);
      expect(fault).toBe('');
    }
    expect(at).toBe(RFC_5769.request.length);
    expect(fields[8]!.explanation).toContain('It fits the key.');
  });

  it('names the field of each fault, and describes it', () => {
    const fault = (bytes: Uint8Array, name: string, key = PASSWORD): string =>
      explainStun(bytes, { key: bytesOf(key) }).fields.find((field) => field.name === name)!.fault;
    expect(fault(RFC_5769.request, 'MESSAGE-INTEGRITY', 'x')).toContain('does not fit the key');
    expect(fault(flipped(RFC_5769.request, 30), 'FINGERPRINT')).toContain('does not fit');
    const odd = new StunWriter(METHOD.allocate, CLASS.request, new Uint8Array(12))
      .add(ATTRIBUTE.lifetime, Uint8Array.of(1, 2))
      .add(0x7abc, Uint8Array.of(1))
      .add(0x9abc, Uint8Array.of(2));
    const { fields } = explainStun(odd.finish({ fingerprint: false }));
    expect(fields[4]).toMatchObject({
      fault: 'The value must have 4 bytes, got 2.',
      value: '0102',
    });
    expect(fields[5]).toMatchObject({ name: '0x7abc', length: 8 });
    expect(fields[5]!.explanation).toContain('420');
    expect(fields[6]!.explanation).toContain('pass over');
  });

  it.each<[string, (writer: StunWriter) => StunWriter, string, RegExp]>([
    ['an error', (w) => w.addError(487, 'Role Conflict'), '487 Role Conflict', /same role/],
    ['an unknown error', (w) => w.addError(599, ''), '599', /lies with the server/],
    ['a lifetime', (w) => w.addUint32(ATTRIBUTE.lifetime, 600), '600', /600 s/],
    ['an end', (w) => w.addUint32(ATTRIBUTE.lifetime, 0), '0', /ends now/],
    ['a transport', (w) => w.addUint32(ATTRIBUTE.requestedTransport, 17 * 2 ** 24), '17', /UDP/],
    ['a family', (w) => w.addUint32(ATTRIBUTE.requestedAddressFamily, 2 ** 25), '2', /IPv6/],
    ['a channel', (w) => w.addUint32(ATTRIBUTE.channelNumber, 0x4001 * 2 ** 16), '0x4001', /peer/],
    ['a change', (w) => w.addUint32(ATTRIBUTE.changeRequest, 6), 'IP and port', /NAT lets it in/],
    ['relayed data', (w) => w.add(ATTRIBUTE.data, RFC_5769.request), '108 bytes', /STUN message/],
    ['a flag', (w) => w.add(ATTRIBUTE.useCandidate), '', /nominates/],
    [
      'unknown attributes',
      (w) => w.add(ATTRIBUTE.unknownAttributes, Uint8Array.of(0, 0x24, 0x7a, 0xbc)),
      'PRIORITY, 0x7abc',
      /does not know/,
    ],
    [
      'text with control characters',
      (w) => w.add(ATTRIBUTE.software, 'a\u001b[31m\u202eb'),
      'a\ufffd[31m\ufffdb',
      /program/,
    ],
    ['long text', (w) => w.add(ATTRIBUTE.software, 'a'.repeat(200)), `${'a'.repeat(79)}…`, /./],
    ['a cost', (w) => w.add(0xc057, Uint8Array.of(0, 3, 0, 10)), 'network 3, cost 10', /Chromium/],
  ])('explains %s', (_, add, value, words) => {
    const writer = new StunWriter(METHOD.allocate, CLASS.request, new Uint8Array(12));
    const field = explainStun(add(writer).finish({ fingerprint: false })).fields[4]!;
    expect(field.value).toBe(value);
    expect(field.explanation).toMatch(words);
    expect(field.fault).toBe('');
  });

  it('explains ChannelData and its padding', () => {
    const bytes = Uint8Array.of(...writeChannelData(0x5000, RFC_5769.request), 0, 0);
    const { kind, fields } = explainStun(bytes);
    expect(kind).toBe('channel-data');
    expect(fields.map(({ name, length }) => [name, length])).toEqual([
      ['Channel number', 2],
      ['Length', 2],
      ['Application data', 108],
      ['Padding', 2],
    ]);
    expect(fields[2]!.explanation).toContain('a STUN message');
    expect(fields[0]!.fault).toContain('RFC 5766');
  });
});
