import { describe, expect, it } from 'vitest';
import { RedBlocks, writeRedBlockHeader, writeRedPrimaryHeader } from '../src/core/rtp/red.ts';
import { bytesOf } from './helpers/hex.ts';
import { outcomeOf } from './helpers/outcome.ts';
import { integer, noise } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';

interface Block {
  readonly payloadType: number;
  readonly timestampOffset: number;
  readonly data: Uint8Array;
}

function blocksOf(source: Uint8Array, byteOffset?: number, byteLength?: number): Block[] {
  const blocks = new RedBlocks();
  const count = blocks.parse(source, byteOffset, byteLength);
  expect(blocks.count).toBe(count);
  return Array.from({ length: count }, (_, block) => ({
    payloadType: blocks.payloadType(block),
    timestampOffset: blocks.timestampOffset(block),
    data: source.slice(
      blocks.byteOffset(block),
      blocks.byteOffset(block) + blocks.byteLength(block),
    ),
  }));
}

describe('redundant audio data (RFC 2198)', () => {
  it('§3: redundant blocks, then the primary one', () => {
    // As in the example of §5: LPC (payload type 7) of 20 ms before, then DVI4 (5).
    const payload = bytesOf(`
      87         // F=1, block PT=7
      02 80 03   // timestamp offset 160 (14 bits), length 3 (10 bits)
      05         // F=0, block PT=5
      aa bb cc   // the redundant data
      01 02 03 04 05`);
    expect(blocksOf(payload)).toEqual([
      { payloadType: 7, timestampOffset: 160, data: bytesOf('aa bb cc') },
      { payloadType: 5, timestampOffset: 0, data: bytesOf('01 02 03 04 05') },
    ]);
  });

  it('reads back as written', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 300; i++) {
      const sent = Array.from({ length: 1 + integer(31, random) }, (_, block): Block => ({
        payloadType: integer(128, random),
        timestampOffset: block === 0 ? 0 : integer(2 ** 14, random),
        data: noise(integer(random() < 0.1 ? 1024 : 20, random), random),
      })).toReversed();
      const from = integer(5, random);
      const target = new Uint8Array(40_000);
      let at = from;
      for (const { payloadType, timestampOffset, data } of sent.slice(0, -1)) {
        at = writeRedBlockHeader(payloadType, timestampOffset, data.length, target, at);
      }
      at = writeRedPrimaryHeader(sent.at(-1)!.payloadType, target, at);
      for (const { data } of sent) {
        target.set(data, at);
        at += data.length;
      }
      expect(blocksOf(target, from, at - from)).toEqual(sent);
    }
  });

  it('is refused if it ends too early, or has too many blocks', () => {
    const blocks = new RedBlocks();
    const reason = (hex: string) => outcomeOf(() => blocks.parse(bytesOf(hex)));
    expect(reason('05')).toBe('read');
    expect(reason('')).toBe('truncated');
    expect(reason('87 02 80')).toBe('truncated');
    expect(reason('87 02 80 01')).toBe('truncated');
    expect(reason('87 02 80 01 05')).toBe('truncated');
    expect(reason('87 02 80 01 05 aa')).toBe('read');
    expect(reason(`${'87 00 00 00 '.repeat(31)} 05`)).toBe('read');
    expect(reason(`${'87 00 00 00 '.repeat(32)} 05`)).toBe('oversized');
    expect(blocks.count).toBe(0);
  });

  it('refuses to write values that do not fit its fields', () => {
    const target = new Uint8Array(8);
    expect(writeRedBlockHeader(127, 16_383, 1023, target, 1)).toBe(5);
    expect(target.slice(1, 5)).toEqual(bytesOf('ff ff ff ff'));
    expect(() => writeRedBlockHeader(127, 16_384, 0, target, 0)).toThrow(RangeError);
    expect(() => writeRedBlockHeader(127, 0, 1024, target, 0)).toThrow(RangeError);
    expect(() => writeRedBlockHeader(128, 0, 0, target, 0)).toThrow(RangeError);
    expect(() => writeRedPrimaryHeader(-1, target, 0)).toThrow(RangeError);
  });
});
