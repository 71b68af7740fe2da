/** Messages of STUN and TURN cut out of a stream. */
import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { writeChannelData } from '../src/core/webrtc/stun/channel-data.ts';
import { STUN_CLASS, STUN_METHOD } from '../src/core/webrtc/stun/stun-message.ts';
import { StunStream, toStunStream } from '../demo/server/turn/stun-stream.ts';
import { StunWriter } from '../src/core/webrtc/stun/stun-writer.ts';
import { seededRandom } from './helpers/random.ts';

const request = (software: string): Uint8Array =>
  new StunWriter(STUN_METHOD.binding, STUN_CLASS.request, new Uint8Array(12))
    .add(0x8022, software)
    .finish();
const MESSAGES = [
  request('a'),
  ...[0, 1, 2, 3, 4, 5, 1200].map((length) =>
    writeChannelData(0x4001, new Uint8Array(length).fill(7)),
  ),
  request('the last one'),
];

function joined(messages: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(messages.map(toStunStream));
}

describe('StunStream', () => {
  it('cuts a stream into its messages, wherever it was split (RFC 8656 §12.5)', () => {
    const bytes = joined(MESSAGES);
    expect(bytes.length % 4).toBe(0);
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const stream = new StunStream(2048);
      const found: Uint8Array[] = [];
      for (let at = 0; at < bytes.length;) {
        const count = seed === 1 ? 1 : Math.floor(random() ** 3 * 1500);
        found.push(...stream.push(bytes.subarray(at, at + count)));
        at += count;
      }
      expect(found).toEqual(MESSAGES);
      expect(stream.pendingBytes).toBe(0);
    }
  });

  it('keeps returned messages apart from later input', () => {
    const stream = new StunStream(2048);
    const bytes = joined([MESSAGES[0]!]);
    const [first] = stream.push(bytes);
    bytes.fill(0x40, 0, 1);
    stream.push(joined([MESSAGES[7]!]));
    expect(first).toEqual(MESSAGES[0]);
  });

  it.each([
    ['what is neither', [0x80, 0, 0, 0], 'unknown-type'],
    ['RTP', [0x80, 111, 0, 1], 'unknown-type'],
    ['TLS in the place of TCP', [0x16, 3, 1, 2, 0, 1], 'bad-field'],
    ['STUN whose length fills no words', [0, 1, 0, 2], 'bad-field'],
    ['STUN that is too long', [0, 1, 0xff, 0xfc], 'oversized'],
    ['ChannelData that is too long', [0x40, 1, 8, 0], 'oversized'],
  ])('refuses %s as soon as it is certain', (_name, bytes, reason) => {
    const stream = new StunStream(2048);
    expect(() => stream.push(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ name: 'PacketError', reason }),
    );
  });

  it('throws nothing but PacketError, and keeps no more than one message, for any bytes', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = seededRandom(seed);
      const stream = new StunStream(64);
      try {
        for (let i = 0; i < 50; i++) {
          const bytes = Uint8Array.from({ length: random() * 40 }, () => random() * 256);
          if (bytes.length > 3 && random() < 0.8)
            bytes.set([random() * 0x80, 1, 0, 4 * Math.floor(random() * 12)]);
          const found = stream.push(bytes);
          expect(found.every(({ length }) => length >= 4 && length <= 64)).toBe(true);
          expect(stream.pendingBytes).toBeLessThanOrEqual(64 + 3);
        }
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
      }
    }
  });

  it('accepts no limit that fits no message', () => {
    expect(() => new StunStream(23)).toThrow(RangeError);
    expect(() => new StunStream(65_556)).toThrow(RangeError);
  });
});
