/** Every row of FORMATS through everything that takes a format: a new row is tested here by itself. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { CapturePipeline } from '../src/core/capture/capture-pipeline.ts';
import { ChunkWriter } from '../src/core/capture/chunk-writer.ts';
import { CHUNK_ENCODINGS } from '../src/core/capture/chunk.ts';
import type { Chunk } from '../src/core/capture/chunk.ts';
import { OPUS_RATE, opusPacketFrames } from '../src/core/codec/opus-packet.ts';
import { recordingMuxer } from '../src/core/container/recording-muxer.ts';
import {
  FORMATS,
  PAYLOAD_FORMATS,
  SAMPLE_FORMATS,
  isSampleFormat,
} from '../src/core/format/formats.ts';
import type { PayloadFormat, SampleFormat } from '../src/core/format/formats.ts';
import { PACKET_CODECS } from '../src/core/format/packet-codecs.ts';
import { SampleDecoder } from '../src/core/format/sample-format.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import type { Framing } from '../src/core/framing/framing.ts';
import { rtpFraming } from '../src/core/framing/rtp.ts';
import { rtpClockRate, rtpMap, rtpPayloadType } from '../src/core/rtp/rtp-payload-format.ts';
import { toBytes } from '../src/core/playout/playout-data.ts';
import { checkPlayoutOptions } from '../src/web/playout-options.ts';
import { checkReceiverOptions } from '../src/web/receiver-options.ts';
import { CollectingSink, samplesOf } from './helpers/chunks.ts';
import { PlayoutRig } from './helpers/playout-rig.ts';
import { seededRandom } from './helpers/random.ts';
import { randomPackets } from './helpers/packet-streams.ts';
import { ReceiveRig } from './helpers/receive-rig.ts';
import { snrDb } from './helpers/snr.ts';

const RATE = 48_000;

/** The largest error of a sample of magnitude 0.5 at most: half a step, and of G.711 half of the interval there. */
function stepOf(format: SampleFormat): number {
  const { coding, bytes } = FORMATS[format];
  // G.711 takes 16 bits, and A-law the first 12 of them.
  if (coding === 'mulaw' || coding === 'alaw') return 2 ** -6 + 2 ** -14;
  // Floats have 24 bits, and so has what an integer of 32 bits is made of.
  return 2 ** -Math.min(8 * bytes, 25);
}

const stream = (format: SampleFormat): StreamFormat<SampleFormat> => ({
  format,
  sampleRate: RATE,
  channels: 2,
});

function tone(frames: number): Float32Array[] {
  return [0.011, 0.017].map((step) =>
    Float32Array.from({ length: frames }, (_, i) => 0.5 * Math.sin(step * i)),
  );
}

function largestError(a: readonly Float32Array[], b: readonly Float32Array[], frames: number) {
  let largest = 0;
  for (const [c, samples] of a.entries()) {
    for (let i = 0; i < frames; i++) {
      largest = Math.max(largest, Math.abs(samples[i]! - b[c]![i]!));
    }
  }
  return largest;
}

function captured(format: SampleFormat, encoding: 'binary' | 'base64', input: Float32Array[]) {
  const chunks = { stream: stream(format), encoding };
  const sink = new CollectingSink(chunks, 20);
  const writer = new ChunkWriter({ ...chunks, chunkDurationMs: 20, dither: 'none', sink });
  const options = { inputRate: RATE, channels: 2, resampler: null, writer };
  const pipeline = new CapturePipeline(options);
  for (let at = 0; at < input[0]!.length; at += 128) {
    pipeline.process(
      input.map((samples) => samples.subarray(at, at + 128)),
      128,
      at,
    );
  }
  pipeline.flush();
  return sink.chunks;
}

function joined(chunks: readonly Chunk[], channel: number): Float32Array {
  return Float32Array.from(chunks.flatMap((chunk) => [...samplesOf(chunk)[channel]!]));
}

describe.each(SAMPLE_FORMATS)('samples of %s', (format) => {
  const FRAMES = 128 * 30;
  const input = tone(FRAMES);

  test.each(CHUNK_ENCODINGS)('are captured within a step, as %s', (encoding) => {
    const chunks = captured(format, encoding, input);
    const output = [0, 1].map((channel) => joined(chunks, channel));
    expect(output[0]!.length).toBe(FRAMES);
    expect(largestError(input, output, FRAMES)).toBeLessThanOrEqual(stepOf(format));
  });

  test.each(Object.values(FRAMINGS) as Framing[])(
    'are carried in messages of $name byte for byte, or are refused with the reason',
    (framing) => {
      const own = stream(format);
      if (!framing.formats.includes(format)) {
        expect(framing).toBe(rtpFraming);
        expect(() => framing.createEncoder(own)).toThrow(`no payload format for '${format}'`);
        expect(() => framing.createDecoder(own)).toThrow(TypeError);
        return;
      }
      const encoder = framing.createEncoder(own);
      const decoder = framing.createDecoder(own);
      for (const chunk of captured(format, 'binary', input)) {
        const [packet, ...others] = decoder.decode(encoder.encode(chunk));
        expect(others).toEqual([]);
        expect(packet).toMatchObject({ ...own, frame: chunk.frame, frames: chunk.frames });
        expect(Buffer.compare(packet!.payload, chunk.bytes)).toBe(0);
      }
    },
  );

  test('are a WAV file with the tag, the depth and the silence of the format', () => {
    const chunks = captured(format, 'binary', input);
    const options = { container: 'wav', stream: stream(format), preSkip: 0 } as const;
    const muxer = recordingMuxer({ ...options, chunkDurationMs: 20 }, 1);
    const first = [...muxer.add(chunks[0]!)];
    const head = Buffer.from(first[0]!);
    const fmt = head.indexOf('fmt ') + 8;
    const { wav, bytes } = FORMATS[format];
    const tag = head.readUInt16LE(fmt);
    expect(tag === 0xfffe ? head.readUInt16LE(fmt + 24) : tag).toBe(wav);
    expect(head.readUInt16LE(fmt + 14)).toBe(8 * bytes);
    expect(Buffer.compare(first[1]!, chunks[0]!.bytes)).toBe(0);

    // What is missing before a chunk decodes to silence: of A-law, to its smallest step.
    const [silence, second] = [...muxer.add({ bytes: chunks[0]!.bytes, frame: 4800, frames: 960 })];
    const frames = 4800 - 960;
    expect(silence!.length).toBe(frames * 2 * bytes);
    expect(second!.length).toBe(chunks[0]!.bytes.length);
    const output = [new Float32Array(frames), new Float32Array(frames)];
    new SampleDecoder(stream(format)).decode(silence!, 0, frames, output, 0);
    for (const samples of output) {
      expect(samples.every((sample) => Math.abs(sample) <= 8 / 2 ** 15)).toBe(true);
    }
    expect([...muxer.end(true), muxer.finishedHead()].length).toBeGreaterThan(0);
  });

  test('are played unchanged, bit for bit', () => {
    const rig = new PlayoutRig({ format, sampleRate: RATE });
    const bytes = rig.encode(input[0]!);
    expect(rig.write(0, input[0]!)).toBe(FRAMES);
    rig.player.end(0);
    const output = rig.render(FRAMES, 128);
    const expected = [new Float32Array(FRAMES)];
    new SampleDecoder({ format, channels: 1 }).decode(bytes, 0, FRAMES, expected, 0);
    expect(largestError([input[0]!], expected, FRAMES)).toBeLessThanOrEqual(stepOf(format));
    expect(largestError(expected, [output], FRAMES)).toBe(0);
  });

  test('are received, and a lost packet is concealed', () => {
    const rig = new ReceiveRig({ format, sampleRate: RATE });
    const packets = 100;
    const signal = [tone(packets * 960)[0]!];
    rig.run(
      2,
      (sequence) => (sequence === 60 ? -1 : sequence / 50),
      (sequence) => rig.encode(signal, sequence),
    );
    expect(rig.report('decodeErrors')).toBe(0);
    expect(rig.states).toContain('playing');
    expect(rig.stats.concealedSamples).toBeGreaterThan(0);
    const output = rig.rendered().slice(-20 * 960);
    const loudest = output.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    expect(loudest).toBeGreaterThan(0.4);
    expect(loudest).toBeLessThan(0.6);
  });
});

describe.each(PAYLOAD_FORMATS)('the row of %s', (format) => {
  const { codec } = FORMATS[format];
  const own: StreamFormat =
    codec === undefined
      ? { format, sampleRate: 16_000, channels: 2 }
      : { format, sampleRate: PACKET_CODECS[codec].sampleRates[0]!, channels: 1 };

  test('is accepted by playouts and receivers, as a stream with nothing else', () => {
    expect(checkPlayoutOptions(own)).toMatchObject(own);
    expect(checkReceiverOptions(own)).toMatchObject(own);
    if (codec === undefined) return;
    const { maxChannels } = PACKET_CODECS[codec];
    const many = { ...own, channels: maxChannels + 1 };
    expect(() => checkReceiverOptions(many)).toThrow(RangeError);
    expect(() => checkPlayoutOptions({ ...own, sampleRate: 44_100 })).toThrow(RangeError);
  });

  test('has a code of its own in the binary framing, from 1 to 15', () => {
    const codes = PAYLOAD_FORMATS.map((other) => FORMATS[other].code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(Math.min(...codes)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...codes)).toBeLessThanOrEqual(15);
  });

  test('passes through every framing that supports it, with any packets', () => {
    const random = seededRandom(format.length);
    for (const framing of Object.values(FRAMINGS) as Framing[]) {
      if (!framing.formats.includes(format)) continue;
      const encoder = framing.createEncoder(own);
      const decoder = framing.createDecoder(own);
      for (const packet of randomPackets(own, 50, random)) {
        const decoded = decoder.decode(encoder.encode(packet)).at(-1)!;
        expect(decoded).toMatchObject({ ...own, frames: framesOf(packet.payload, own) });
        expect(Buffer.compare(decoded.payload, packet.payload)).toBe(0);
      }
    }
  });

  test('has an RTP name of its own, if RTP has the format', () => {
    const { rtp } = FORMATS[format];
    if (rtp === undefined) {
      expect(() => rtpMap(own)).toThrow(TypeError);
      return;
    }
    const others = PAYLOAD_FORMATS.filter((other) => other !== format);
    const types = others.flatMap((other) =>
      (FORMATS[other].rtp ?? []).map((map) => map.split(' ')[0]),
    );
    for (const map of rtp) expect(types).not.toContain(map.split(' ')[0]);
    expect(rtpPayloadType(own)).toBeGreaterThanOrEqual(96);
    expect(rtpClockRate(own)).toBe(isSampleFormat(format) ? own.sampleRate : 48_000);
    expect(rtpMap(own)).toMatch(/^[\w-]+\/\d+(\/2)?$/);
  });
});

function framesOf(payload: Uint8Array, { format, sampleRate, channels }: StreamFormat): number {
  if (isSampleFormat(format)) return payload.length / FORMATS[format].bytes / channels;
  return (opusPacketFrames(payload) * sampleRate) / OPUS_RATE;
}

test('only the table and the files of Opus compare with the name of Opus', async () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const folders = ['src', 'worklets', 'demo'].map(async (folder) => {
    const names = await readdir(join(root, folder), { recursive: true });
    return names.map((name) => join(folder, name));
  });
  const files = (await Promise.all(folders)).flat();
  const others = files.filter((file) => /\.ts$/.test(file) && !/^src.core.format|opus/.test(file));
  expect(others.length).toBeGreaterThan(500);
  const found = await Promise.all(
    others.map(async (file) =>
      /[!=]== 'opus'|'opus' [!=]==/.test(await readFile(join(root, file), 'utf8')),
    ),
  );
  expect(others.filter((_, i) => found[i])).toEqual([]);
});

test('the format codes on the wire never change', () => {
  const codes = Object.fromEntries(PAYLOAD_FORMATS.map((format) => [format, FORMATS[format].code]));
  expect(codes).toMatchObject({
    s16: 1,
    s24: 2,
    f32: 3,
    mulaw: 4,
    alaw: 5,
    opus: 6,
    s32: 7,
    u8: 8,
  });
});

test('RTP has L8 for u8 with its offset (RFC 3551 §4.5.10), and nothing for 32 bits', () => {
  const u8 = { format: 'u8', sampleRate: 8000, channels: 1 } as const;
  expect(rtpMap(u8)).toBe('L8/8000');
  const payload = Uint8Array.of(0x00, 0x80, 0xff);
  const packet = { ...u8, sequence: 0, frame: 0, frames: 3, timestamp: 0, dropped: 0, payload };
  expect([...rtpFraming.createEncoder(u8).encode(packet).subarray(-3)]).toEqual([0, 0x80, 0xff]);
  for (const format of ['s32', 'f32'] as const satisfies readonly PayloadFormat[]) {
    expect(() => rtpFraming.createEncoder({ ...u8, format })).toThrow(
      `RTP has no payload format for '${format}': format must be one of s16, s24, mulaw, alaw, opus, u8.`,
    );
  }
});

test('a file of unsigned 8 bits is silent at 128, and one of 32 bits is extensible (Microsoft, WAVEFORMATEX)', () => {
  const chunk = (frames: number, bytes: number) => ({
    bytes: new Uint8Array(frames * bytes).fill(7),
    frame: 800,
    frames,
  });
  const u8 = { format: 'u8', sampleRate: 8000, channels: 1 } as const;
  const options = { container: 'wav', preSkip: 0, chunkDurationMs: 100 } as const;
  const [head, silence] = [...recordingMuxer({ ...options, stream: u8 }, 1).add(chunk(800, 1))];
  const fmt = Buffer.from(head!).indexOf('fmt ');
  expect(Buffer.from(head!).readUInt32LE(fmt + 4)).toBe(16);
  expect(Buffer.from(head!).readUInt16LE(fmt + 8)).toBe(1);
  expect(silence!.every((byte) => byte === 0x80)).toBe(true);
  const s32 = { ...u8, format: 's32' } as const;
  const [wide] = [...recordingMuxer({ ...options, stream: s32 }, 1).add(chunk(800, 4))];
  const at = Buffer.from(wide!).indexOf('fmt ');
  expect(Buffer.from(wide!).readUInt16LE(at + 8)).toBe(0xfffe);
  // KSDATAFORMAT_SUBTYPE_PCM
  expect(Buffer.from(wide!).toString('hex', at + 32, at + 48)).toBe(
    '0100000000001000800000aa00389b71',
  );
});

test('32-bit samples are more exact than 16-bit ones, and 8-bit samples have the noise of 8 bits', () => {
  const input = tone(9600);
  const snr = (format: SampleFormat) => {
    const decoded = joined(captured(format, 'binary', input), 0);
    return snrDb(input[0]!, decoded);
  };
  expect(snr('s32')).toBeGreaterThan(snr('s16') + 40);
  // 6.02 dB a bit, and 1.76 of a full-scale sine, which this is half of (Bennett 1948).
  expect(snr('u8')).toBeGreaterThan(6.02 * 8 + 1.76 - 6.02 - 1);
  expect(snr('u8')).toBeLessThan(6.02 * 8 + 1.76 - 6.02 + 1);
});

test('a playout of integers accepts typed arrays of their width, and names the format of another array', () => {
  expect(toBytes(Int32Array.of(1, -1), 's32')).toEqual(
    Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255),
  );
  expect(toBytes(Uint8Array.of(128, 0), 'u8')).toEqual(Uint8Array.of(128, 0));
  expect(() => toBytes(Int32Array.of(1), 's16')).toThrow("Create the playout with format 's32'.");
  expect(() => toBytes(Int16Array.of(1), 's32')).toThrow("Create the playout with format 's16'.");
});
