import { describe, expect, test } from 'vitest';
import type { PayloadDecoder, PayloadEncoder } from '../src/core/codec/codec.ts';
import { opusCodec } from '../src/core/codec/opus-codec.ts';
import type { OpusOptions } from '../src/core/codec/opus-options.ts';
import { PacketDecoder } from '../src/core/codec/packet-decoder.ts';
import { pcmCodec } from '../src/core/codec/pcm-codec.ts';
import { PacketError } from '../src/core/errors.ts';
import { SAMPLE_FORMATS } from '../src/core/format/formats.ts';
import type { SampleFormat } from '../src/core/format/formats.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import { decodeAll, encodeAll } from './helpers/codec-stream.ts';
import { opusLibrary } from './helpers/opus.ts';
import { seededRandom } from './helpers/random.ts';
import { snrDb } from './helpers/snr.ts';
import { speech, stereoSpeech } from './helpers/speech.ts';

/** One codec in one configuration, and how near what comes out must be to what went in. */
interface Case {
  readonly name: string;
  readonly format: StreamFormat;
  readonly createEncoder: () => PayloadEncoder;
  readonly createDecoder: () => PayloadDecoder;
  /** Frames of a packet where the codec takes any number. */
  readonly packetFrames: number;
  readonly leastSnrDb: number;
}

const library = await opusLibrary();
const mono = { sampleRate: 48_000, channels: 1 };
const stereo = { sampleRate: 48_000, channels: 2 };

type Configuration = Pick<StreamFormat, 'sampleRate' | 'channels'>;
type Limits = Pick<Case, 'packetFrames' | 'leastSnrDb'>;

function samples(format: SampleFormat, configuration: Configuration, limits: Limits): Case {
  const stream = { format, ...configuration };
  return {
    name: format,
    format: stream,
    createEncoder: () => pcmCodec.createEncoder(stream),
    createDecoder: () => pcmCodec.createDecoder(stream),
    ...limits,
  };
}

function opus(
  name: string,
  options: OpusOptions,
  configuration: Configuration,
  leastSnrDb = 10,
): Case {
  const stream = { format: 'opus', ...configuration } as const;
  const codec = opusCodec(library, options);
  return {
    name: `opus ${name}`,
    format: stream,
    createEncoder: () => codec.createEncoder(stream),
    createDecoder: () => codec.createDecoder(stream),
    packetFrames: 0,
    leastSnrDb,
  };
}

const CASES: readonly Case[] = [
  samples('s16', stereo, { packetFrames: 960, leastSnrDb: 70 }),
  samples('s16', mono, { packetFrames: 333, leastSnrDb: 70 }),
  samples('s24', stereo, { packetFrames: 480, leastSnrDb: 118 }),
  samples('f32', stereo, { packetFrames: 100, leastSnrDb: Infinity }),
  samples('mulaw', mono, { packetFrames: 160, leastSnrDb: 30 }),
  samples('alaw', stereo, { packetFrames: 160, leastSnrDb: 30 }),
  ...([2.5, 20, 60, 120] as const).map((packetDurationMs) =>
    opus(
      `${packetDurationMs} ms`,
      { bitrate: 96_000, packetDurationMs, application: 'audio' },
      mono,
    ),
  ),
  opus('stereo', { bitrate: 160_000 }, stereo),
  opus('stereo 60 ms', { bitrate: 160_000, packetDurationMs: 60 }, stereo),
  opus(
    'at 16 kHz with FEC',
    { bitrate: 32_000, fec: true, expectedLossPercent: 20 },
    { sampleRate: 16_000, channels: 1 },
    3,
  ),
  opus(
    'lowdelay, constant bit rate',
    { bitrate: 128_000, application: 'lowdelay', bitrateMode: 'constant' },
    mono,
  ),
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
  ({ format, createEncoder, createDecoder, packetFrames: any, leastSnrDb }) => {
    const open = () => {
      const encoder = createEncoder();
      const decoder = createDecoder();
      return { encoder, decoder, packetFrames: encoder.packetFrames || any };
    };

    test('decoded audio equals the encoded audio, delayed by latencyFrames', () => {
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

    test('encode writes only its part of the target, and decode only its part of the output', () => {
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

    test('a gap is filled to the frame and fades out, and the audio after it decodes as well as before', () => {
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

    test('truncated, altered and random bytes give a PacketError or audio, and the decoder stays usable', () => {
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
      if (format.format !== 'mulaw' || format.channels > 1) expect(refused).toBeGreaterThan(10);
      decoder.reset();
      const good = decodeAll(decoder, packets, packetFrames);
      const fresh = decodeAll(createDecoder(), packets, packetFrames);
      expect(sameBytes(good, fresh)).toBe(true);
    });

    test('after reset both behave like new ones', () => {
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

    test('NaN is encoded as silence, and has no lasting effect', () => {
      const { encoder, decoder, packetFrames } = open();
      const bad = signal(format).map((samples) => samples.map((v, i) => (i % 7 === 3 ? NaN : v)));
      const output = decodeAll(decoder, encodeAll(encoder, bad, packetFrames), packetFrames);
      for (const samples of output) expect(isFinite(samples)).toBe(true);
    });

    test('a PacketDecoder never writes beyond its room, whatever was lost', () => {
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
        expect(written).toBe(lost + (bad && format.format !== 'opus' ? 0 : packetFrames));
        if (bad && format.format !== 'opus') sent -= packetFrames;
        frames += written;
        lost = 0;
      }
      expect(frames).toBe(sent - lost);
      if (format.format === 'opus') {
        expect(tolerant.errors).toBeGreaterThan(0);
        expect(tolerant.lastError?.reason).toBe('truncated');
      }
      expect(tolerant.concealedFrames + tolerant.recoveredFrames).toBeGreaterThan(0);
    });
  },
);

test('L16 of RTP is big-endian and two’s complement (RFC 3551 §4.5.11)', () => {
  const stream = { format: 's16', sampleRate: 44_100, channels: 1 } as const;
  const encoder = pcmCodec.createEncoder(stream);
  const payload = new Uint8Array(8);
  encoder.encode([Float32Array.of(0.5, -0.5, 1, -1)], 0, 4, payload, 0);
  const packet = { ...stream, sequence: 0, frame: 0, frames: 4, timestamp: 0, dropped: 0, payload };
  const message = rtpFraming.createEncoder(stream).encode(packet);
  expect([...message.subarray(-8)]).toEqual([0x40, 0, 0xc0, 0, 0x7f, 0xff, 0x80, 0]);
});

test.each(SAMPLE_FORMATS)('%s refuses unsupported rates and channel counts', (format) => {
  expect(() => pcmCodec.createEncoder({ format, sampleRate: 2999, channels: 1 })).toThrow(
    RangeError,
  );
  expect(() => pcmCodec.createDecoder({ format, sampleRate: 48_000, channels: 33 })).toThrow(
    RangeError,
  );
});

test('a PCM decoder that never conceals keeps no history, and one that may conceal fades out the last audio', () => {
  const stream = { format: 'f32', sampleRate: 8000, channels: 1 } as const;
  const ones = new Uint8Array(new Float32Array(100).fill(1).buffer);
  const concealed = (decoder: PayloadDecoder): number => {
    const output = [new Float32Array(110)];
    expect(decoder.decode(ones, 0, ones.length, output, 0)).toBe(100);
    expect(output[0]!.subarray(0, 100)).toEqual(new Float32Array(100).fill(1));
    decoder.conceal(10, output, 100);
    return output[0]![100]!;
  };
  expect(concealed(pcmCodec.createDecoder(stream))).toBeGreaterThan(0.9);
  expect(concealed(pcmCodec.createDecoder(stream, { conceals: false }))).toBe(0);
});
