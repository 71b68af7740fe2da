import { expect, test } from 'vitest';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { opusSettings } from '../src/core/codec/opus-options.ts';
import { longestPacketBytes } from '../src/core/format/packet-codecs.ts';
import type { OpusOptions } from '../src/core/codec/opus-options.ts';
import { opusPacketInfo } from '../src/core/codec/opus-packet.ts';
import { PacketDecoder } from '../src/core/codec/packet-decoder.ts';
import { decodeAll, encodeAll } from './helpers/codec-stream.ts';
import { opusLibrary } from './helpers/opus.ts';
import { seededRandom } from './helpers/random.ts';
import { segmentalSnrDb } from './helpers/snr.ts';
import { speech, stereoSpeech } from './helpers/speech.ts';

const library = await opusLibrary();
const SECONDS = 2;
const mono = [speech(48_000 * SECONDS)];

function packetsOf(options: OpusOptions, channels = 1, input = mono): Uint8Array[] {
  const encoder = new OpusEncoder(library, { ...options, sampleRate: 48_000, channels });
  const packets = encodeAll(encoder, input);
  encoder.close();
  return packets;
}
const bytesIn = (packets: readonly Uint8Array[]) => packets.reduce((sum, p) => sum + p.length, 0);
const kilobits = (packets: readonly Uint8Array[]) => (bytesIn(packets) * 8) / 1000 / SECONDS;

test.each([6000, 12_000, 24_000, 64_000, 128_000])('bitrate %i is kept on speech', (bitrate) => {
  expect(kilobits(packetsOf({ bitrate }))).toBeLessThan((bitrate / 1000) * 1.1);
  expect(kilobits(packetsOf({ bitrate }))).toBeGreaterThan((bitrate / 1000) * 0.6);
});

test.each([10, 20, 60])(
  'bitrateMode constant: packets of one size at %i ms',
  (packetDurationMs) => {
    const packets = packetsOf({ bitrate: 32_000, bitrateMode: 'constant', packetDurationMs });
    expect(new Set(packets.map((packet) => packet.length))).toEqual(
      new Set([4 * packetDurationMs]),
    );
  },
);

test.each([2.5, 5, 10, 20, 40, 60, 80, 100, 120])('packetDurationMs %d ms', (packetDurationMs) => {
  for (const channels of [1, 2]) {
    const input = channels === 1 ? mono : stereoSpeech(48_000);
    // The most that a packet can have: nothing may be cut off.
    const bitrate = 510_000 * channels;
    const packets = packetsOf({ packetDurationMs, bitrate, application: 'audio' }, channels, input);
    for (const packet of packets) {
      expect(opusPacketInfo(packet).frames).toBe(packetDurationMs * 48);
      expect(packet.length).toBeLessThanOrEqual(longestPacketBytes('opus', packetDurationMs));
    }
  }
});

test('application lowdelay is CELT alone and 4 ms quicker; voip uses SILK at low rates', () => {
  const modes = (options: OpusOptions) =>
    new Set(packetsOf({ bitrate: 16_000, ...options }).map((p) => opusPacketInfo(p).mode));
  expect(modes({ application: 'lowdelay' })).toEqual(new Set(['celt']));
  expect(modes({ application: 'voip', bitrate: 10_000 })).toEqual(new Set(['silk']));
  const late = (application: 'voip' | 'lowdelay') =>
    new OpusEncoder(library, { sampleRate: 48_000, channels: 1, application }).latencyFrames;
  expect(late('voip') - late('lowdelay')).toBe(192);
});

test('channels: stereo packets are stereo', () => {
  const packets = packetsOf({ bitrate: 96_000 }, 2, stereoSpeech(48_000));
  expect(packets.filter((p) => opusPacketInfo(p).channels === 2).length).toBeGreaterThan(40);
});

test('dtx: silence needs packets of 1 or 2 bytes, and inDtx reports it', () => {
  const silence = [
    Float32Array.from({ length: 96_000 }, (_, i) => (i < 24_000 ? mono[0]![i]! : 0)),
  ];
  const small = (dtx: boolean) =>
    packetsOf({ dtx, bitrate: 16_000, signalType: 'voice' }, 1, silence).filter(
      (p) => p.length <= 2,
    );
  expect(small(true).length).toBeGreaterThan(40);
  expect(small(false).length).toBe(0);
  const encoder = new OpusEncoder(library, {
    sampleRate: 48_000,
    channels: 1,
    dtx: true,
    signalType: 'voice',
  });
  encodeAll(encoder, silence);
  expect(encoder.inDtx).toBe(true);
});

test('dtx: digital silence has about 10 full packets at first, then one about every 0.4 s; noise does not count as silence', () => {
  const zeros = [new Float32Array(8 * 48_000)];
  const full = packetsOf({ dtx: true }, 1, zeros).flatMap((p, i) => (p.length > 2 ? [i] : []));
  const first = full.findIndex((at, i) => at !== i);
  expect(first).toBeGreaterThanOrEqual(8);
  expect(first).toBeLessThanOrEqual(12);
  const gaps = full.slice(first).map((at, i) => (at - full[first + i - 1]!) * 20);
  expect(gaps.length).toBeGreaterThan(10);
  for (const gap of gaps) expect(gap).toBeCloseTo(400, -2);
  const noise = [zeros[0]!.map((_, i) => 0.0005 * Math.sin(i * i))];
  const quiet = packetsOf({ dtx: true }, 1, noise).filter((p) => p.length <= 2);
  expect(quiet).toHaveLength(0);
});

test('complexity: higher values take longer and sound better', () => {
  const snr = (complexity: number) => {
    const stream = { sampleRate: 48_000, channels: 1 };
    const encoder = new OpusEncoder(library, {
      ...stream,
      complexity,
      bitrate: 48_000,
      application: 'lowdelay',
    });
    const decoder = new OpusDecoder(library, { ...stream, preSkip: encoder.latencyFrames });
    return segmentalSnrDb(mono[0]!, decodeAll(decoder, encodeAll(encoder, mono), 960)[0]!);
  };
  expect(snr(10)).toBeGreaterThan(snr(0));
});

test('adjust changes a running encoder, and reset keeps the adjusted options', () => {
  const encoder = new OpusEncoder(library, { sampleRate: 48_000, channels: 1, bitrate: 96_000 });
  const before = bytesIn(encodeAll(encoder, mono));
  encoder.adjust({ bitrate: 12_000, complexity: 3 });
  const after = bytesIn(encodeAll(encoder, mono));
  encoder.reset();
  expect(bytesIn(encodeAll(encoder, mono)) / after).toBeCloseTo(1, 1);
  expect(after).toBeLessThan(before / 4);
  expect(() => encoder.adjust({ bitrate: 12 })).toThrow(RangeError);
});

test('options that Opus does not have are refused, with the valid values', () => {
  const format = { sampleRate: 48_000, channels: 1 };
  const refused: readonly (readonly [OpusOptions, RegExp])[] = [
    [{ bitrate: 499 }, /bitrate must lie between 500 and 512000/],
    [{ bitrate: 600_000 }, /bitrate/],
    [{ complexity: 11 }, /complexity must lie between 0 and 10/],
    [
      { packetDurationMs: 30 },
      /packetDurationMs must be one of 2.5, 5, 10, 20, 40, 60, 80, 100, 120/,
    ],
    [{ application: 'music' as never }, /application/],
    [{ expectedLossPercent: 101 }, /expectedLossPercent/],
    [{ bitrateMode: 'quantizer' as never }, /bitrateMode/],
    [{ fec: 1 as never }, /fec must be true or false/],
    [{ fec: true, application: 'lowdelay' }, /fec needs application 'voip' or 'audio'/],
    [{ fec: true, packetDurationMs: 5 }, /fec needs .* at least 10 ms/],
  ];
  for (const [options, message] of refused) {
    expect(() => opusSettings(format, options), String(message)).toThrow(message);
  }
  expect(() => opusSettings({ sampleRate: 44_100, channels: 1 })).toThrow(/sampleRate of Opus/);
  expect(() => opusSettings({ sampleRate: 48_000, channels: 3 })).toThrow(/channels of Opus/);
  const decoder = { sampleRate: 48_000, channels: 1 };
  expect(() => new OpusDecoder(library, { ...decoder, gainDb: 128 })).toThrow(/gain/);
  expect(() => new OpusDecoder(library, { ...decoder, preSkip: -1 })).toThrow(/preSkip/);
});

test('preSkip leaves the look-ahead out, gain adds dB', () => {
  const packets = packetsOf({ bitrate: 64_000 });
  const plain = decodeAll(
    new OpusDecoder(library, { sampleRate: 48_000, channels: 1 }),
    packets,
    960,
  );
  const options = { sampleRate: 48_000, channels: 1, preSkip: 1000, gainDb: -6 };
  const quiet = decodeAll(new OpusDecoder(library, options), packets, 960);
  expect(quiet[0]!.length).toBe(plain[0]!.length - 1000);
  const ratio = 10 ** (-6 / 20);
  for (let i = 0; i < quiet[0]!.length; i += 97) {
    expect(quiet[0]![i]).toBeCloseTo(plain[0]![1000 + i]! * ratio, 4);
  }
});

test('a decoder of another rate and channel count resamples and mixes', () => {
  const packets = packetsOf({ bitrate: 64_000 });
  const decoder = new OpusDecoder(library, { sampleRate: 16_000, channels: 2 });
  const output = decodeAll(decoder, packets, 320);
  expect(output.map((samples) => samples.length)).toEqual([32_000, 32_000]);
  expect(output[0]).toEqual(output[1]);
});

test('FEC: at 10 % random loss recovered audio is far closer to the original than concealed audio', () => {
  const options = { bitrate: 24_000, complexity: 10, signalType: 'voice' } as const;
  const packets = packetsOf({ ...options, fec: true, expectedLossPercent: 20 }, 1, [speech()]);
  const format = { sampleRate: 48_000, channels: 1 };
  const whole = decodeAll(new OpusDecoder(library, format), packets, 960)[0]!;
  const random = seededRandom(7);
  const lost = packets.map((_, i) => i > 0 && random() < 0.1);
  const heard = (recover: boolean) => {
    const decoder = new PacketDecoder(new OpusDecoder(library, format));
    const output = [new Float32Array(packets.length * 960)];
    let at = 0;
    let missing = 0;
    for (const [i, packet] of packets.entries()) {
      if (lost[i]) {
        if (recover) missing += 960;
        else at += decoder.conceal(960, output, at);
        continue;
      }
      at += decoder.decode(packet, 0, packet.length, missing, output, at, missing + 960);
      missing = 0;
    }
    expect(decoder.recoveredFrames > 0).toBe(recover);
    return output[0]!;
  };
  const lostOnly = (samples: Float32Array) =>
    Float32Array.from(
      lost.flatMap((gone, i) => (gone ? [...samples.subarray(i * 960, i * 960 + 960)] : [])),
    );
  const concealed = segmentalSnrDb(lostOnly(whole), lostOnly(heard(false)));
  const recovered = segmentalSnrDb(lostOnly(whole), lostOnly(heard(true)));
  expect(concealed).toBeGreaterThan(-3);
  expect(recovered).toBeGreaterThan(concealed + 3);
});
