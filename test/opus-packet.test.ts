import { describe, expect, test } from 'vitest';
import { hasOpusFec, opusPacketFrames, opusPacketInfo } from '../src/core/codec/opus-packet.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import type { PacketError } from '../src/core/errors.ts';
import { encodeAll } from './helpers/codec-stream.ts';
import { opusLibrary } from './helpers/opus.ts';
import { seededRandom } from './helpers/random.ts';
import { speech, stereoSpeech } from './helpers/speech.ts';

const packet = (...bytes: number[]) => Uint8Array.from(bytes);
const filled = (head: readonly number[], length: number) => {
  const bytes = new Uint8Array(length);
  bytes.set(head);
  return bytes;
};
const reasonOf = (bytes: Uint8Array) => {
  try {
    return opusPacketFrames(bytes);
  } catch (error) {
    return (error as PacketError).reason;
  }
};

test('the table of contents gives mode, bandwidth and duration (RFC 6716 table 2)', () => {
  const rows = Array.from({ length: 32 }, (_, config) => {
    const { mode, bandwidthHz, frameDurationMs } = opusPacketInfo(packet(config << 3, 0));
    return [mode, bandwidthHz, frameDurationMs];
  });
  expect(rows).toEqual([
    ...[4000, 6000, 8000].flatMap((hz) => [10, 20, 40, 60].map((ms) => ['silk', hz, ms])),
    ...[12_000, 20_000].flatMap((hz) => [10, 20].map((ms) => ['hybrid', hz, ms])),
    ...[4000, 8000, 12_000, 20_000].flatMap((hz) => [2.5, 5, 10, 20].map((ms) => ['celt', hz, ms])),
  ]);
  expect(opusPacketInfo(packet(0xfc)).channels).toBe(2);
});

describe('malformed packets (RFC 6716 §3.4)', () => {
  test.each([
    ['R1: empty', packet(), 'truncated'],
    ['R2: a frame above 1275 bytes', filled([0xf8], 1277), 'oversized'],
    ['R3: two of one size, odd sum', packet(0xf9, 1, 2, 3), 'truncated'],
    ['R4: first of two longer than the packet', packet(0xfa, 9, 1), 'truncated'],
    ['R4: size cut in two', packet(0xfa, 252), 'truncated'],
    ['R5: no frames', packet(0xfb, 0), 'bad-field'],
    ['R5: 140 ms', packet(0xfb, 7), 'bad-field'],
    ['R6: constant size, not a multiple', packet(0xfb, 2, 1, 2, 3), 'truncated'],
    ['R6: padding longer than the packet', packet(0xfb, 0x41, 200), 'truncated'],
    ['R6: padding length cut off', packet(0xfb, 0x41, 255), 'truncated'],
    ['R7: sizes add up to more than there is', packet(0xfb, 0x83, 4, 4, 1), 'truncated'],
    ['R7: count byte missing', packet(0xfb), 'truncated'],
  ])('%s', (_, bytes, reason) => {
    expect(reasonOf(bytes)).toBe(reason);
  });

  test.each([
    ['one frame of no bytes', packet(0xf8), 960],
    ['two frames of one size', packet(0xf9, 1, 2), 1920],
    ['two frames of their own sizes', packet(0xfa, 1, 9, 8, 7), 1920],
    ['three constant frames with padding', packet(0xfb, 0x43, 2, 1, 2, 3, 0, 0), 2880],
    ['120 ms of 2.5 ms frames', packet(0xe3, 48), 5760],
  ])('good: %s', (_, bytes, frames) => {
    expect(reasonOf(bytes)).toBe(frames);
  });
});

test('any bytes give a length or a PacketError, and are never read beyond the packet', () => {
  const random = seededRandom(31);
  for (let round = 0; round < 3000; round++) {
    const length = Math.floor(random() * 30);
    const bytes = Uint8Array.from({ length: length + 8 }, () => random() * 256);
    const result = reasonOf(bytes.subarray(4, 4 + length));
    if (typeof result === 'number') {
      expect(result).toBeGreaterThanOrEqual(120);
      expect(result).toBeLessThanOrEqual(5760);
      expect(typeof hasOpusFec(bytes, 4, length)).toBe('boolean');
    } else {
      expect(['truncated', 'oversized', 'bad-field']).toContain(result);
    }
    // What surrounds it does not matter.
    const moved = bytes.slice();
    moved.fill(255, 0, 4);
    moved.fill(255, 4 + length);
    expect(reasonOf(moved.subarray(4, 4 + length))).toBe(result);
  }
});

describe('FEC (RFC 6716 §4.2.4) is looked for in the first frame only', () => {
  /** SILK, narrowband, 20 ms, mono: one activity bit, then the flag. */
  const flag = 0x40;
  test.each([
    ['code 0, flag set', [0x08, flag], true],
    ['code 0, flag clear', [0x08, 0x80], false],
    ['code 0, no frame', [0x08], false],
    ['code 1, flag in the first', [0x09, flag, 0], true],
    ['code 1, flag in the second only', [0x09, 0, flag], false],
    ['code 1, empty frames', [0x09], false],
    ['code 2, flag in the first', [0x0a, 1, flag, 0], true],
    ['code 2, first empty', [0x0a, 0, flag], false],
    ['code 2, long first', [0x0a, 252, 0, flag, ...new Array<number>(251).fill(0)], true],
    ['code 3, an empty frame with padding of 255', [0x0b, 0x41, 2, 255, 255], false],
    ['code 3, an empty frame of its own size with padding', [0x0b, 0xc1, 2, 255, 255], false],
    ['code 3, a frame with padding', [0x0b, 0x41, 2, flag, 255, 255], true],
    ['code 3, one of its own size with padding', [0x0b, 0xc1, 2, flag, 0, 0], true],
    ['code 3, no padding at all', [0x0b, 0x01, flag], true],
    ['code 3, an empty frame', [0x0b, 0x01], false],
    ['code 3, padding of no bytes', [0x0b, 0x41, 0], false],
    ['code 3, three empty frames with padding', [0x0b, 0x43, 3, 255, 255, 255], false],
    ['code 3, two of one size', [0x0b, 0x02, flag, 0], true],
    ['code 3, flag in the second only', [0x0b, 0x02, 0, flag], false],
    ['code 3, sizes, the first empty', [0x0b, 0x82, 0, flag], false],
    ['code 3, sizes, flag in the first', [0x0b, 0x82, 1, flag, 0], true],
    ['code 3, sizes, the last empty with padding', [0x0b, 0xc2, 2, 1, flag, 255, 255], true],
    [
      'code 3, all empty, long padding',
      [0x0b, 0x41, 255, 1, ...new Array<number>(255).fill(255)],
      false,
    ],
    ['stereo, flag of the side channel', [0x0c, 0b0001_0000], true],
    ['stereo, activity of the side channel', [0x0c, 0b0010_0000], false],
    ['stereo, an empty frame with padding', [0x0f, 0x41, 2, 255, 255], false],
    ['40 ms, flag after two activity bits', [0x10, 0b0010_0000], true],
    ['40 ms, second activity bit', [0x10, 0b0100_0000], false],
    ['60 ms stereo, flag of the side channel in the last bit', [0x1c, 1], true],
    ['10 ms, flag', [0x00, flag], true],
    ['hybrid', [0x68, flag], true],
    ['CELT, which has none', [0xf8, 0xff], false],
    ['CELT with padding', [0xfb, 0x41, 2, 255, 255], false],
  ])('%s', (_name, bytes, expected) => {
    expect(opusPacketInfo(Uint8Array.from(bytes)).hasFec).toBe(expected);
    // What lies around the packet does not count.
    const around = Uint8Array.from([255, ...bytes, 255, 255]);
    expect(hasOpusFec(around, 1, bytes.length)).toBe(expected);
  });
});

test.each([
  ['mono 20 ms', 1, 20],
  ['stereo 20 ms', 2, 20],
  ['stereo 40 ms', 2, 40],
  ['mono 120 ms', 1, 120],
] as const)(
  'FEC is detected where the encoder put it, and nowhere else: %s',
  async (_, channels, ms) => {
    const library = await opusLibrary();
    const input = channels === 1 ? [speech(48_000)] : stereoSpeech(48_000);
    const options = {
      sampleRate: 48_000,
      channels,
      frameDurationMs: ms,
      bitrate: 24_000 * channels,
      application: 'voip',
      signalType: 'voice',
    } as const;
    const count = (fec: boolean) => {
      const encoder = new OpusEncoder(library, { ...options, fec, expectedLossPercent: 25 });
      const packets = encodeAll(encoder, input);
      encoder.close();
      return packets.filter((bytes) => hasOpusFec(bytes, 0, bytes.length)).length / packets.length;
    };
    expect(count(false)).toBe(0);
    expect(count(true)).toBeGreaterThan(0.3);
  },
);
