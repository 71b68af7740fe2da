import { describe, expect, test } from 'vitest';
import type { Codec, StreamFormat } from '../src/core/codec/codec.ts';
import { CODECS } from '../src/core/codec/codecs.ts';
import { opusCodec } from '../src/core/codec/opus-codec.ts';
import { PacketDecoder } from '../src/core/codec/packet-decoder.ts';
import { PacketError } from '../src/core/errors.ts';
import { decodeAll, encodeAll } from './helpers/codec-stream.ts';
import { opusLibrary } from './helpers/opus.ts';
import { seededRandom } from './helpers/random.ts';
import { snrDb } from './helpers/snr.ts';
import { speech, stereoSpeech } from './helpers/speech.ts';

/** One codec in one configuration, and how near what comes out must be to what went in. */
interface Case {
  readonly name: string;
  readonly codec: Codec;
  readonly format: StreamFormat;
  /** Frames of a packet where the codec takes any number. */
  readonly packetFrames: number;
  readonly leastSnrDb: number;
}

const library = await opusLibrary();
const mono = { sampleRate: 48_000, channels: 1 };
const stereo = { sampleRate: 48_000, channels: 2 };

const CASES: readonly Case[] = [
  { name: 'l16', codec: CODECS.l16, format: stereo, packetFrames: 960, leastSnrDb: 70 },
  { name: 's16', codec: CODECS.s16, format: mono, packetFrames: 333, leastSnrDb: 70 },
  { name: 's24', codec: CODECS.s24, format: stereo, packetFrames: 480, leastSnrDb: 118 },
  { name: 'f32', codec: CODECS.f32, format: stereo, packetFrames: 100, leastSnrDb: Infinity },
  { name: 'mulaw', codec: CODECS.mulaw, format: mono, packetFrames: 160, leastSnrDb: 30 },
  { name: 'alaw', codec: CODECS.alaw, format: stereo, packetFrames: 160, leastSnrDb: 30 },
  ...([2.5, 20, 60, 120] as const).map((frameDuration) => ({
    name: `opus ${frameDuration} ms`,
    codec: opusCodec(library, { bitrate: 96_000, frameDuration, application: 'audio' }),
    format: mono,
    packetFrames: 0,
    leastSnrDb: 10,
  })),
  {
    name: 'opus stereo',
    codec: opusCodec(library, { bitrate: 160_000 }),
    format: stereo,
    packetFrames: 0,
    leastSnrDb: 10,
  },
  {
    name: 'opus stereo 60 ms',
    codec: opusCodec(library, { bitrate: 160_000, frameDuration: 60 }),
    format: stereo,
    packetFrames: 0,
    leastSnrDb: 10,
  },
  {
    name: 'opus at 16 kHz with FEC',
    codec: opusCodec(library, { bitrate: 32_000, fec: true, expectedLoss: 20 }),
    format: { sampleRate: 16_000, channels: 1 },
    packetFrames: 0,
    leastSnrDb: 3,
  },
  {
    name: 'opus lowdelay, constant bit rate',
    codec: opusCodec(library, {
      bitrate: 128_000,
      application: 'lowdelay',
      bitrateMode: 'constant',
    }),
    format: mono,
    packetFrames: 0,
    leastSnrDb: 10,
  },
];

/** 0.6 s of speech; at a lower rate it is slow and deep. */
const FRAMES = 28_800;
const monoSignal = [speech(FRAMES)];
const stereoSignal = stereoSpeech(FRAMES);
function signal({ channels }: StreamFormat): readonly Float32Array[] {
  return channels === 1 ? monoSignal : stereoSignal;
}

const isSound = (samples: Float32Array) => samples.every((value) => Math.abs(value) <= 1.5);
/** `toEqual` takes seconds for arrays this long. */
const sameBytes = (a: readonly ArrayBufferView[], b: readonly ArrayBufferView[]) =>
  a.length === b.length && a.every((part, i) => bytesOf(part).equals(bytesOf(b[i]!)));
const bytesOf = (view: ArrayBufferView) =>
  Buffer.from(view.buffer, view.byteOffset, view.byteLength);
const isFinite = (samples: Float32Array) => samples.every(Number.isFinite);

describe.each(CASES)(
  'codec contract: $name',
  ({ codec, format, packetFrames: any, leastSnrDb }) => {
    const open = () => {
      const encoder = codec.createEncoder(format);
      const decoder = codec.createDecoder(format);
      return { encoder, decoder, packetFrames: encoder.packetFrames || any };
    };

    test('what is decoded is what was encoded, late by latencyFrames', () => {
      const { encoder, decoder, packetFrames } = open();
      const input = signal(format);
      const output = decodeAll(decoder, encodeAll(encoder, input, packetFrames), packetFrames);
      const late = encoder.latencyFrames;
      for (let c = 0; c < format.channels; c++) {
        const decoded = output[c]!.subarray(late);
        const snr = snrDb(input[c]!.subarray(0, decoded.length), decoded);
        expect(snr).toBeGreaterThanOrEqual(leastSnrDb);
      }
    });

    test('encode keeps to its place in the target, and decode to its place in source and output', () => {
      const { encoder, decoder, packetFrames } = open();
      const input = signal(format);
      const most = encoder.maxBytes(packetFrames);
      const target = new Uint8Array(most + 20).fill(0xa5);
      const length = encoder.encode(input, 9600, packetFrames, target, 7);
      expect(length).toBeLessThanOrEqual(most);
      expect(target.subarray(0, 7).every((byte) => byte === 0xa5)).toBe(true);
      expect(target.subarray(7 + length).every((byte) => byte === 0xa5)).toBe(true);

      const before = target.slice();
      expect(decoder.framesIn(target, 7, length)).toBe(packetFrames);
      const output = input.map(() => new Float32Array(packetFrames + 9).fill(7));
      expect(decoder.decode(target, 7, length, output, 4)).toBe(packetFrames);
      expect(target).toEqual(before);
      for (const samples of output) {
        expect([...samples.subarray(0, 4)]).toEqual([7, 7, 7, 7]);
        expect([...samples.subarray(4 + packetFrames)]).toEqual([7, 7, 7, 7, 7]);
        expect(isSound(samples.subarray(4, 4 + packetFrames))).toBe(true);
      }
    });

    test('a gap is filled to the frame, fades out, and what follows is decoded as well as before', () => {
      const { encoder, decoder, packetFrames } = open();
      const input = signal(format);
      const packets = encodeAll(encoder, input, packetFrames);
      const half = Math.floor(packets.length / 2);
      decodeAll(decoder, packets.slice(0, half), packetFrames);

      const gapFrames = Math.round(format.sampleRate * 1.5) + 1;
      const gap = input.map(() => new Float32Array(gapFrames + 1).fill(7));
      expect(decoder.conceal(gapFrames, gap, 0)).toBe(gapFrames);
      for (const samples of gap) {
        expect(samples[gapFrames]).toBe(7);
        const end = samples.subarray(gapFrames - 100, gapFrames);
        expect(end.every((value) => Math.abs(value) < 0.05)).toBe(true);
        expect(isSound(samples.subarray(0, gapFrames))).toBe(true);
      }

      const rest = decodeAll(decoder, packets.slice(half), packetFrames);
      const from = half * packetFrames - encoder.latencyFrames;
      const settled = Math.round(format.sampleRate * 0.12);
      for (let c = 0; c < format.channels; c++) {
        const decoded = rest[c]!.subarray(settled);
        const expected = input[c]!.subarray(from + settled, from + settled + decoded.length);
        expect(snrDb(expected, decoded)).toBeGreaterThan(Math.min(leastSnrDb - 3, 200));
      }
    });

    test('truncated, altered and random bytes give a PacketError or sound, and the decoder stays usable', () => {
      const random = seededRandom(5);
      const { encoder, decoder, packetFrames } = open();
      const input = signal(format);
      const packets = encodeAll(encoder, input, packetFrames).slice(0, 20);
      const output = input.map(() => new Float32Array(5760 * 2));
      let refused = 0;
      for (let round = 0; round < 120; round++) {
        const packet = packets[Math.floor(random() * packets.length)]!;
        let bad = packet.slice(0, Math.floor(random() * (packet.length + 1)));
        if (round % 3 === 1) bad = packet.map((byte) => (random() < 0.05 ? random() * 256 : byte));
        if (round % 3 === 2)
          bad = Uint8Array.from({ length: random() * 200 }, () => random() * 256);
        try {
          const frames = decoder.framesIn(bad, 0, bad.length);
          if (frames > 5760) continue;
          const written = decoder.decode(bad, 0, bad.length, output, 0);
          expect(written).toBe(frames);
          for (const samples of output) expect(isFinite(samples.subarray(0, written))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(PacketError);
          refused++;
        }
      }
      if (codec.name !== 'mulaw' || format.channels > 1) expect(refused).toBeGreaterThan(10);
      decoder.reset();
      const good = decodeAll(decoder, packets, packetFrames);
      const fresh = decodeAll(codec.createDecoder(format), packets, packetFrames);
      expect(sameBytes(good, fresh)).toBe(true);
    });

    test('after reset both are as new', () => {
      const { encoder, decoder, packetFrames } = open();
      const input = signal(format);
      const first = encodeAll(encoder, input, packetFrames);
      const decoded = decodeAll(decoder, first, packetFrames);
      encoder.reset();
      decoder.reset();
      const second = encodeAll(encoder, input, packetFrames);
      expect(second).toEqual(first);
      expect(decodeAll(decoder, second, packetFrames)).toEqual(decoded);
    });

    test('not a number is encoded as silence is, and does not stay', () => {
      const { encoder, decoder, packetFrames } = open();
      const bad = signal(format).map((samples) => samples.map((v, i) => (i % 7 === 3 ? NaN : v)));
      const output = decodeAll(decoder, encodeAll(encoder, bad, packetFrames), packetFrames);
      for (const samples of output) expect(isFinite(samples)).toBe(true);
    });

    test('a PacketDecoder writes no further than it has room, whatever was lost', () => {
      const { encoder, decoder, packetFrames } = open();
      const input = signal(format);
      const packets = encodeAll(encoder, input, packetFrames).slice(0, 3);
      const tolerant = new PacketDecoder(decoder);
      const [room, at] = [3 * packetFrames, 5];
      const output = input.map(() => new Float32Array(at + room + 100).fill(7));
      for (const [i, packet] of packets.entries()) {
        const lost = i === 0 ? 0 : 50 * packetFrames;
        for (const samples of output) samples.fill(7);
        const written = tolerant.decode(packet, 0, packet.length, lost, output, at, room);
        expect(written).toBe(i === 0 ? packetFrames : room);
        for (const samples of output) {
          expect(samples.subarray(0, at).every((sample) => sample === 7)).toBe(true);
          expect(samples.subarray(at + written).every((sample) => sample === 7)).toBe(true);
        }
      }
    });

    test('a PacketDecoder never throws, keeps time, and counts', () => {
      const random = seededRandom(6);
      const { encoder, decoder, packetFrames } = open();
      const input = signal(format);
      const packets = encodeAll(encoder, input, packetFrames).slice(0, 200);
      const tolerant = new PacketDecoder(decoder);
      const output = input.map(() => new Float32Array(packetFrames * 4));
      let frames = 0;
      let lost = 0;
      let sent = 0;
      for (const [index, packet] of packets.entries()) {
        sent += packetFrames;
        if (index > 0 && random() < 0.2 && lost < 3 * packetFrames) {
          lost += packetFrames;
          continue;
        }
        const bad = index > 0 && random() < 0.1;
        const bytes = bad ? Uint8Array.of() : packet;
        const written = tolerant.decode(bytes, 0, bytes.length, lost, output, 0, packetFrames * 4);
        // PCM takes an empty payload for what it says: no frames.
        expect(written).toBe(lost + (bad && codec.name !== 'opus' ? 0 : packetFrames));
        if (bad && codec.name !== 'opus') sent -= packetFrames;
        frames += written;
        lost = 0;
      }
      expect(frames).toBe(sent - lost);
      if (codec.name === 'opus') {
        expect(tolerant.errors).toBeGreaterThan(0);
        expect(tolerant.lastError?.reason).toBe('truncated');
      }
      expect(tolerant.concealedFrames + tolerant.recoveredFrames).toBeGreaterThan(0);
    });
  },
);

test('l16 is big-endian and two’s complement (RFC 3551 §4.5.11)', () => {
  const encoder = CODECS.l16.createEncoder({ sampleRate: 44_100, channels: 1 });
  const bytes = new Uint8Array(8);
  encoder.encode([Float32Array.of(0.5, -0.5, 1, -1)], 0, 4, bytes, 0);
  expect([...bytes]).toEqual([0x40, 0, 0xc0, 0, 0x7f, 0xff, 0x80, 0]);
});

test.each(Object.entries(CODECS))('%s refuses a rate and channels that it has not', (_, codec) => {
  expect(() => codec.createEncoder({ sampleRate: 2999, channels: 1 })).toThrow(RangeError);
  expect(() => codec.createDecoder({ sampleRate: 48_000, channels: 33 })).toThrow(RangeError);
});

test('a decoder of samples that never conceals keeps nothing, and one that may fades out what it kept', () => {
  const format = { sampleRate: 8000, channels: 1 };
  const ones = new Uint8Array(new Float32Array(100).fill(1).buffer);
  const concealed = (decoder: ReturnType<Codec['createDecoder']>): number => {
    const output = [new Float32Array(110)];
    expect(decoder.decode(ones, 0, ones.length, output, 0)).toBe(100);
    expect(output[0]!.subarray(0, 100)).toEqual(new Float32Array(100).fill(1));
    decoder.conceal(10, output, 100);
    return output[0]![100]!;
  };
  expect(concealed(CODECS.f32.createDecoder(format))).toBeGreaterThan(0.9);
  expect(concealed(CODECS.f32.createDecoder(format, { conceals: false }))).toBe(0);
});
