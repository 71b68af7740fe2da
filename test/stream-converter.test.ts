import { describe, expect, it, test } from 'vitest';
import { opusCodec } from '../src/core/codec/opus-codec.ts';
import { ChannelMixer } from '../src/core/dsp/channel-mixer.ts';
import { MicwireError, PacketError } from '../src/core/errors.ts';
import { SAMPLE_FORMATS } from '../src/core/format/formats.ts';
import type { SampleFormat } from '../src/core/format/formats.ts';
import { SampleDecoder, SampleEncoder } from '../src/core/format/sample-format.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { resample } from '../src/core/resampler/resampler.ts';
import { StreamConverter } from '../src/core/resampler/stream-converter.ts';
import type { StreamConverterOptions } from '../src/core/resampler/stream-converter.ts';
import { opusLibrary } from './helpers/opus.ts';
import { installed, runProgram } from './helpers/programs.ts';
import { seededRandom } from './helpers/random.ts';
import { noise, sine } from './helpers/signals.ts';
import { snrDb } from './helpers/snr.ts';

/** One thing in three ways, so that neither a boundary of blocks nor one of bytes falls together with one of chunks. */
const FRAMES = 2501;

type Samples = StreamFormat<SampleFormat>;

/** Every format into every other, with the rates and channels taking turns. */
const RATES = [
  [8000, 24_000],
  [24_000, 8000],
  [16_000, 16_000],
  [48_000, 16_000],
  [44_100, 48_000],
  [8000, 7999],
] as const;
const CHANNELS = [
  [1, 1],
  [2, 1],
  [1, 2],
  [6, 2],
  [2, 3],
] as const;
const CASES = SAMPLE_FORMATS.flatMap((from, i) =>
  SAMPLE_FORMATS.map((to, j) => {
    const at = i * SAMPLE_FORMATS.length + j;
    const [inputRate, outputRate] = RATES[at % RATES.length]!;
    const [inputChannels, outputChannels] = CHANNELS[at % CHANNELS.length]!;
    const input: Samples = { format: from, sampleRate: inputRate, channels: inputChannels };
    const output: Samples = { format: to, sampleRate: outputRate, channels: outputChannels };
    return { name: `${nameOf(input)} to ${nameOf(output)}`, input, output };
  }),
);

function nameOf({ format, sampleRate, channels }: StreamFormat): string {
  return `${format} ${sampleRate} Hz ×${channels}`;
}

function encoded(stream: Samples, frames: number, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const channels = Array.from({ length: stream.channels }, () => noise(random, frames, 0.9));
  return encode(stream, channels, frames);
}

function encode(stream: Samples, channels: readonly Float32Array[], frames: number): Uint8Array {
  const encoder = new SampleEncoder(stream);
  const bytes = new Uint8Array(frames * encoder.bytesPerFrame);
  encoder.encode(channels, 0, frames, bytes, 0);
  return bytes;
}

function decode(stream: Samples, bytes: Uint8Array): Float32Array[] {
  const decoder = new SampleDecoder(stream);
  const frames = bytes.length / decoder.bytesPerFrame;
  const channels = Array.from({ length: stream.channels }, () => new Float32Array(frames));
  decoder.decode(bytes, 0, frames, channels, 0);
  return channels;
}

function mix(channels: readonly Float32Array[], outputChannels: number): Float32Array[] {
  const frames = channels[0]!.length;
  const mixed = Array.from({ length: outputChannels }, () => new Float32Array(frames));
  new ChannelMixer({ outputChannels }).mix(channels, 0, frames, mixed, 0);
  return mixed;
}

/** The same by the parts, the whole signal at once. */
function expected(bytes: Uint8Array, input: Samples, output: Samples): Uint8Array {
  const least = Math.min(input.channels, output.channels);
  const narrow = mix(decode(input, bytes), least);
  const rated =
    input.sampleRate === output.sampleRate
      ? narrow
      : resample(narrow, input.sampleRate, output.sampleRate);
  return encode(output, mix(rated, output.channels), rated[0]!.length);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

/** Cuts bytes: each length is asked for. */
function* pieces(bytes: Uint8Array, length: () => number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const next = Math.min(bytes.length, at + length());
    yield bytes.subarray(at, next);
    at = next;
  }
}

function converted(
  options: StreamConverterOptions,
  bytes: Uint8Array,
  length: () => number,
): Uint8Array[] {
  const converter = new StreamConverter(options);
  const chunks: Uint8Array[] = [];
  for (const piece of pieces(bytes, length)) chunks.push(...converter.convert(piece));
  chunks.push(...converter.finish());
  converter.close();
  return chunks;
}

describe.each(CASES)('$name', ({ input, output }) => {
  const bytes = encoded(input, FRAMES, 7);
  const wanted = expected(bytes, input, output);
  const frames = Math.round((FRAMES * output.sampleRate) / input.sampleRate);

  it('gives the same bits as its parts, however the bytes are cut', () => {
    expect(joined(converted({ input, output }, bytes, () => bytes.length))).toEqual(wanted);
    expect(joined(converted({ input, output }, bytes, () => 1))).toEqual(wanted);
    for (const seed of [1, 2, 3]) {
      const random = seededRandom(seed);
      const length = () => 1 + Math.floor(random() ** 3 * 3000);
      expect(joined(converted({ input, output }, bytes, length)), `seed ${seed}`).toEqual(wanted);
    }
  });

  it('outputs chunks of a fixed number of frames, and the rest at the end', () => {
    const chunkFrames = 160;
    const chunks = converted({ input, output, chunkFrames }, bytes, () => 333);
    expect(joined(chunks)).toEqual(wanted);
    const frameBytes = wanted.length / frames;
    expect(chunks.map((chunk) => chunk.length / frameBytes)).toEqual([
      ...Array.from({ length: Math.floor(frames / chunkFrames) }, () => chunkFrames),
      ...(frames % chunkFrames === 0 ? [] : [frames % chunkFrames]),
    ]);
  });

  it.each([undefined, 160, 4000])(
    'accounts for every frame at every step, with buffers of the caller: chunkFrames %s',
    (chunkFrames) => {
      const seed = 11;
      const random = seededRandom(seed);
      const converter = new StreamConverter({ input, output, chunkFrames });
      const target = new Uint8Array(converter.chunkBytesMax + 3).fill(0xa5);
      const read: Uint8Array[] = [];
      const frameBytes = wanted.length / frames;
      const inputBytes = bytes.length / FRAMES;
      let at = 0;
      let outputFrames = 0;
      const take = (): number => {
        const written = converter.read(target, 2);
        read.push(target.slice(2, 2 + written));
        outputFrames += written / frameBytes;
        return written;
      };
      while (at < bytes.length) {
        const end = Math.min(bytes.length, at + 1 + Math.floor(random() * 20_000));
        const took = converter.write(bytes.subarray(0, end), at);
        at += took;
        const { stats } = converter;
        expect(stats.inputFrames * inputBytes + stats.incompleteBytes, `seed ${seed}`).toBe(at);
        expect(stats.outputFrames).toBe(outputFrames);
        // What does not fit is taken after a read.
        if (took === 0 || random() < 0.3) {
          const had = take();
          expect(took + had).toBeGreaterThan(0);
          if (had > 0) {
            expect(stats.waitingFrames - converter.stats.waitingFrames).toBe(had / frameBytes);
          }
        }
      }
      converter.flush();
      while (take() > 0);
      expect(joined(read)).toEqual(wanted);
      expect(converter.stats).toEqual({
        inputFrames: FRAMES,
        incompleteBytes: 0,
        waitingFrames: 0,
        outputFrames: frames,
        paddedFrames: 0,
      });
      // The caller's bytes on both sides.
      expect([target[0], target[1], target.at(-1)]).toEqual([0xa5, 0xa5, 0xa5]);
      converter.close();
    },
  );
});

describe('a StreamConverter', () => {
  const phone = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
  const service = { format: 's16', sampleRate: 24_000, channels: 1 } as const;

  it('requires a reset for another stream, and then starts over', () => {
    const converter = new StreamConverter({ input: phone, output: service });
    const bytes = encoded(phone, FRAMES, 3);
    const first = joined([...converter.convert(bytes), ...converter.finish()]);
    expect(() => converter.convert(bytes)).toThrow(/flushed.*reset/);
    converter.reset();
    // Another stream, not to its end.
    converter.convert(bytes.subarray(100, 701));
    converter.reset();
    expect(converter.stats.inputFrames).toBe(0);
    expect(joined([...converter.convert(bytes), ...converter.finish()])).toEqual(first);
  });

  it('drops half a frame at the end, and reports it before', () => {
    const converter = new StreamConverter({ input: service, output: phone });
    converter.convert(new Uint8Array(2401));
    expect(converter.stats).toMatchObject({ inputFrames: 1200, incompleteBytes: 1 });
    expect(joined(converter.finish()).every((byte) => byte === 0xff)).toBe(true);
    expect(converter.stats).toMatchObject({ outputFrames: 400, incompleteBytes: 0 });
  });

  it('accepts bytes only while there is room, and all of them in the end', () => {
    const converter = new StreamConverter({ input: phone, output: service, chunkFrames: 480 });
    const bytes = encoded(phone, 20_000, 5);
    const took = converter.write(bytes);
    expect(took).toBeGreaterThan(0);
    expect(took).toBeLessThan(bytes.length);
    expect(converter.write(bytes, took)).toBe(0);
    const chunk = new Uint8Array(converter.chunkBytesMax);
    expect(converter.read(chunk)).toBe(960);
    while (converter.read(chunk) > 0);
    expect(converter.write(bytes, took)).toBeGreaterThan(0);
  });

  it('keeps a whole frame if its last byte arrived when there was no room', () => {
    const input = { ...service, sampleRate: 8000 };
    const converter = new StreamConverter({ input, output: input, chunkFrames: 1 });
    const bytes = encoded(input, 4000, 9);
    let at = 0;
    for (let took = -1; took !== 0; at += took)
      took = converter.write(bytes.subarray(0, at + 1), at);
    const chunks = [...converter.finish()];
    expect(converter.stats.inputFrames).toBe(Math.floor(at / 2));
    expect(joined(chunks)).toEqual(bytes.slice(0, converter.stats.inputFrames * 2));
  });

  it('refuses an output that is too small, and loses nothing', () => {
    const converter = new StreamConverter({ input: service, output: service, chunkFrames: 100 });
    const bytes = encoded(service, 100, 1);
    converter.write(bytes);
    expect(() => converter.read(new Uint8Array(200), 1)).toThrow(
      'output must have room for 200 bytes, got 199.',
    );
    const output = new Uint8Array(200);
    expect(converter.read(output)).toBe(200);
    expect(output).toEqual(bytes);
  });

  it('does nothing once it is closed', () => {
    const converter = new StreamConverter({ input: phone, output: service });
    converter.close();
    converter.close();
    for (const call of [
      () => converter.write(new Uint8Array(1)),
      () => converter.read(new Uint8Array(1)),
      () => converter.convert(new Uint8Array(1)),
      () => converter.finish(),
      () => converter.flush(),
      () => converter.reset(),
    ]) {
      expect(call).toThrow(MicwireError);
    }
  });

  it('refuses wrong options with the expected and the actual value', () => {
    const make = (options: object) => () =>
      new StreamConverter({ input: phone, output: service, ...options } as never);
    expect(make({ input: { ...phone, format: 'pcm' } })).toThrow(/format must be one of .*'pcm'/);
    expect(make({ output: { ...service, sampleRate: 1 } })).toThrow(RangeError);
    expect(make({ chunkFrames: 0 })).toThrow(/chunkFrames must lie between 1 and 240000, got 0/);
    expect(make({ chunkFrames: 1.5 })).toThrow(/chunkFrames must be an integer/);
    expect(make({ output: { ...service, format: 'opus' } })).toThrow(/give opusCodec\(library\)/);
    expect(make({ quality: 'best' })).toThrow(TypeError);
  });
});

describe('Opus', async () => {
  const library = await opusLibrary();
  const codec = opusCodec(library, { bitrate: 64_000, application: 'audio' });
  const opus = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
  const phone = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
  const tone = sine({ frequency: 440, sampleRate: 16_000, frames: 16_000, amplitude: 0.5 });

  it('is written as packets and read as packets, with every frame accounted for', () => {
    const out = new StreamConverter({ input: phone, output: opus, codec });
    expect(out.chunkFrames).toBe(960);
    expect(out.preSkip).toBeGreaterThan(0);
    const bytes = encode(phone, [tone], tone.length);
    const packets: Uint8Array[] = [];
    for (const piece of pieces(bytes, () => 777)) packets.push(...out.convert(piece));
    packets.push(...out.finish());
    // A second at 48 kHz and the look-ahead of the codec: 51 packets.
    expect(packets).toHaveLength(51);
    const { outputFrames, paddedFrames } = out.stats;
    expect(outputFrames - paddedFrames).toBe(48_000);
    expect(paddedFrames).toBe(960);

    const back = new StreamConverter({ input: opus, output: phone, codec, chunkFrames: 320 });
    const chunks = packets.flatMap((packet) => back.convert(packet));
    chunks.push(...back.finish());
    expect(back.stats).toMatchObject({ inputFrames: 51 * 960, outputFrames: 51 * 320 });
    const [heard] = decode(phone, joined(chunks));
    const skip = out.preSkip / 3;
    expect(Number.isInteger(skip)).toBe(true);
    expect(heard!.length).toBeGreaterThanOrEqual(skip + tone.length);
    const middle = heard!.subarray(skip + 4000, skip + 12_000);
    expect(snrDb(tone.slice(4000, 12_000), middle)).toBeGreaterThan(25);
    out.close();
    back.close();
  });

  it('is decoded at the output rate, if Opus has it', () => {
    const encoder = new StreamConverter({ input: phone, output: opus, codec });
    const packets = encoder.convert(encode(phone, [tone], tone.length));
    const back = new StreamConverter({ input: opus, output: phone, codec });
    expect(back.latencyFrames).toBe(0);
    const heard = joined(packets.flatMap((packet) => back.convert(packet)));
    const decoder = codec.createDecoder({ ...opus, sampleRate: 16_000 });
    const samples = [new Float32Array(320)];
    const alone = packets.map((packet) => {
      decoder.decode(packet, 0, packet.length, samples, 0);
      return encode(phone, samples, 320);
    });
    expect(Buffer.compare(heard, joined(alone))).toBe(0);
    // Opus has no 22.05 kHz, and nothing is won by a higher rate.
    const radio = { ...phone, sampleRate: 22_050 };
    expect(
      new StreamConverter({ input: opus, output: radio, codec }).latencyFrames,
    ).toBeGreaterThan(0);
    const narrow = { ...opus, sampleRate: 16_000 };
    const wide = { ...phone, sampleRate: 48_000 };
    expect(
      new StreamConverter({ input: narrow, output: wide, codec }).latencyFrames,
    ).toBeGreaterThan(0);
  });

  it('outputs no packet without input', () => {
    const out = new StreamConverter({ input: phone, output: opus, codec });
    expect(out.finish()).toEqual([]);
  });

  it('refuses bytes that are not a packet with a PacketError, and continues', () => {
    const back = new StreamConverter({ input: opus, output: phone, codec });
    expect(() => back.convert(new Uint8Array(0))).toThrow(PacketError);
    expect(() => back.convert(Uint8Array.of(3, 0xff))).toThrow(PacketError);
    expect(back.stats.inputFrames).toBe(0);
    const [packet] = new StreamConverter({ input: phone, output: opus, codec }).convert(
      encode(phone, [tone], tone.length),
    );
    back.convert(packet!);
    expect(back.stats.inputFrames).toBe(960);
  });

  it('accepts chunkFrames only if it is the length of a packet', () => {
    const make = (chunkFrames: number) => () =>
      new StreamConverter({ input: phone, output: opus, codec, chunkFrames });
    expect(make(480)).toThrow("chunkFrames must be 960, the codec's packet, or left out, got 480.");
    expect(make(960)).not.toThrow();
  });
});

describe.runIf(installed('ffmpeg'))('ffmpeg', () => {
  const FFMPEG = { mulaw: 'mulaw', alaw: 'alaw', s16: 's16le', s24: 's24le', f32: 'f32le' };
  type Known = keyof typeof FFMPEG;

  function byFfmpeg(bytes: Uint8Array, input: Samples, output: Samples): Uint8Array {
    const args = (stream: Samples) => [
      ...['-f', FFMPEG[stream.format as Known], '-ar', String(stream.sampleRate)],
      ...['-ac', String(stream.channels)],
    ];
    const { stdout } = runProgram(
      'ffmpeg',
      ['-v', 'error', ...args(input), '-i', '-', ...args(output), '-'],
      bytes,
    );
    return new Uint8Array(stdout);
  }

  test.each([
    ['mulaw', 's16'],
    ['alaw', 's16'],
    ['mulaw', 's24'],
    ['s16', 's24'],
    ['s24', 'f32'],
  ] as const)('converts to the same bytes as micwire from %s to %s at one rate', (from, to) => {
    const input = { format: from, sampleRate: 8000, channels: 1 };
    const output = { ...input, format: to };
    const bytes = encoded(input, FRAMES, 21);
    const ours = joined(converted({ input, output }, bytes, () => 97));
    expect(ours).toEqual(byFfmpeg(bytes, input, output));
  });

  test.each(['mulaw', 'alaw'] as const)(
    'converts s16 to the same bytes of %s, except for samples right at a decision value',
    (format) => {
      const input = { format: 's16', sampleRate: 8000, channels: 1 } as const;
      const output = { ...input, format };
      const bytes = encoded(input, FRAMES, 22);
      const ours = joined(converted({ input, output }, bytes, () => 97));
      const theirs = byFfmpeg(bytes, input, output);
      expect(ours).toHaveLength(FRAMES);
      // It rounds to the nearest level. Where segments meet, the decision value of G.711 is not in the middle between two
      // levels, but a quarter of the larger step off, which is a 64th of the sample.
      const [original] = decode(input, bytes);
      const [one] = decode(output, ours);
      const [other] = decode(output, theirs);
      let different = 0;
      for (let i = 0; i < FRAMES; i++) {
        if (ours[i] === theirs[i]) continue;
        different++;
        const errors = Math.abs(one![i]! - original![i]!) - Math.abs(other![i]! - original![i]!);
        expect(Math.abs(errors), `sample ${i}`).toBeLessThanOrEqual(
          Math.abs(original![i]!) / 60 + 8 / 32_768,
        );
      }
      expect(different).toBeLessThan(FRAMES / 40);
    },
  );

  test.each([
    [8000, 24_000],
    [24_000, 8000],
    [44_100, 16_000],
  ] as const)('agrees on a tone from µ-law at %i Hz to s16 at %i Hz', (inputRate, outputRate) => {
    const input = { format: 'mulaw', sampleRate: inputRate, channels: 1 } as const;
    const output = { format: 's16', sampleRate: outputRate, channels: 1 } as const;
    const frames = inputRate;
    const tone = sine({ frequency: 440, sampleRate: inputRate, frames, amplitude: 0.5 });
    const bytes = encode(input, [tone], frames);
    const [ours] = decode(output, joined(converted({ input, output }, bytes, () => 160)));
    const [theirs] = decode(output, byFfmpeg(bytes, input, output));
    expect(ours).toHaveLength(outputRate);
    // Not the ends: its filter differs. Its resampler has some 60 dB at such a rate by default.
    const middle = (all: Float32Array) => all.slice(outputRate / 4, (outputRate / 4) * 3);
    expect(snrDb(middle(theirs!), middle(ours!))).toBeGreaterThan(40);
  });
});
