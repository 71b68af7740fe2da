import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { WavWriter } from '../src/core/container/wav.ts';
import { SampleEncoder } from '../src/core/format/sample-format.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import type { SampleFormat } from '../src/core/format/formats.ts';
import { mixdown } from '../src/node/recording/mixdown.ts';
import { StreamRecorder } from '../src/node/recording/stream-recorder.ts';
import { opusLibrary } from './helpers/opus.ts';
import { seededRandom } from './helpers/random.ts';
import { wavSamples } from './helpers/wav-samples.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-mixdown-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function encode(stream: StreamFormat<SampleFormat>, planes: readonly Float32Array[]): Uint8Array {
  const encoder = new SampleEncoder(stream);
  const bytes = new Uint8Array(planes[0]!.length * encoder.bytesPerFrame);
  encoder.encode(planes, 0, planes[0]!.length, bytes, 0);
  return bytes;
}

/** A recording as a `StreamRecorder` makes it. */
async function record(
  path: string,
  stream: StreamFormat<SampleFormat>,
  startedAt: number,
  ...planes: Float32Array[]
): Promise<void> {
  const recorder = await StreamRecorder.open(path, { stream, startedAt });
  void recorder.write({ frame: 0, frames: planes[0]!.length, bytes: encode(stream, planes) });
  await recorder.close();
}

/** The channels of a mix. */
function channelsOf(path: string): Float32Array[] {
  const { samples, channels } = wavSamples(new Uint8Array(readFileSync(path)).buffer);
  return Array.from({ length: channels }, (_, c) =>
    samples.filter((_sample, i) => i % channels === c),
  );
}

const noise = (seed: number, frames: number): Float32Array => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: frames }, () => Math.round(random() * 8000 + 1) / 32_768);
};

const tone = (frames: number, sampleRate: number, from = 0): Float32Array =>
  Float32Array.from({ length: frames }, (_, i) =>
    i < from ? 0 : Math.sin((2 * Math.PI * 440 * (i - from)) / sampleRate) / 2,
  );

const F32_16K = { format: 'f32', sampleRate: 16_000, channels: 1 } as const;

describe('mixdown', () => {
  it('aligns both sides of a conversation in time, sample for sample', async () => {
    const folder = temporaryFolder();
    const [user, agent] = [noise(1, 40_000), noise(2, 20_000)];
    await record(join(folder, 'user.wav'), F32_16K, 1_000_000, user);
    await record(join(folder, 'agent.wav'), F32_16K, 1_001_234, agent);
    const path = join(folder, 'mix.wav');
    const mixed = await mixdown(
      [{ path: join(folder, 'user.wav') }, { path: join(folder, 'agent.wav') }],
      path,
      { format: 'f32' },
    );
    expect(mixed).toMatchObject({ path, channels: 2, frames: 40_000, sampleRate: 16_000 });
    const [left, right] = channelsOf(path);
    expect(left).toEqual(user);
    const offset = 1234 * 16;
    expect(right).toEqual(Float32Array.from({ length: 40_000 }, (_, i) => agent[i - offset] ?? 0));
    expect(mixed.peak).toBe(Math.max(...user.map(Math.abs), ...agent.map(Math.abs)));
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('mixes to one channel, with gains, and reports the peak', async () => {
    const folder = temporaryFolder();
    const parts = [0, 1].map((i) => ({ path: join(folder, `${i}.wav`), startMs: 0 }));
    const loud = new Float32Array(1000).fill(0.75);
    for (const { path } of parts) await record(path, F32_16K, 5, loud);
    const path = join(folder, 'mix.wav');
    const mixed = await mixdown([parts[0]!, { ...parts[1]!, gainDb: 20 * Math.log10(0.5) }], path, {
      layout: 'mono',
      format: 'f32',
    });
    expect(mixed).toMatchObject({ channels: 1, frames: 1000 });
    expect(mixed.peak).toBeCloseTo(1.125, 6);
    expect(channelsOf(path)[0]![500]).toBeCloseTo(1.125, 6);
    await mixdown(parts, path, { layout: 'mono', format: 's16' });
    const file = readFileSync(path);
    expect(file.readInt16LE(file.indexOf('data') + 8)).toBe(32_767);
  });

  it('mixes rates, channel counts and formats, aligned in time', async () => {
    const folder = temporaryFolder();
    const made: { path: string; startMs: number }[] = [];
    const kinds = [
      ['s16', 8000, 1],
      ['s24', 44_100, 2],
      ['mulaw', 8000, 1],
      ['f32', 48_000, 2],
      ['u8', 24_000, 1],
    ] as const;
    for (const [i, [format, sampleRate, channels]] of kinds.entries()) {
      const path = join(folder, `${i}.wav`);
      const plane = tone(sampleRate, sampleRate, sampleRate / 4);
      await record(
        path,
        { format, sampleRate, channels },
        0,
        ...Array.from({ length: channels }, () => plane),
      );
      made.push({ path, startMs: 250 * i });
    }
    const path = join(folder, 'mix.wav');
    const mixed = await mixdown(made, path, { format: 'f32', sampleRate: 48_000 });
    expect(mixed).toMatchObject({ channels: 5, frames: 48_000 + 4 * 12_000 });
    for (const [i, channel] of channelsOf(path).entries()) {
      const start = 12_000 * (i + 1);
      const expected = tone(48_000 - 12_000, 48_000);
      let difference = 0;
      // Away from the onset, where a filter rings.
      for (let j = 2000; j < 34_000; j++) {
        difference = Math.max(difference, Math.abs(channel[start + j]! - expected[j]!));
      }
      // What the format itself does: 8 bits, or those of G.711.
      expect(difference, kinds[i]![0]).toBeLessThan(
        ['u8', 'mulaw'].includes(kinds[i]![0]) ? 0.03 : 1e-3,
      );
      expect(Math.max(...channel.subarray(0, start - 500).map(Math.abs))).toBeLessThan(1e-3);
    }
  });

  it('mixes Opus without its look-ahead', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'x.ogg');
    const stream = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
    const library = await opusLibrary();
    const encoder = new OpusEncoder(library, {
      sampleRate: 48_000,
      channels: 1,
      bitrate: 128_000,
      application: 'audio',
    });
    const recorder = await StreamRecorder.open(path, { stream, preSkip: encoder.latencyFrames });
    const signal = tone(48_000, 48_000);
    const packet = new Uint8Array(encoder.maxBytes());
    for (let at = 0; at + 960 <= signal.length; at += 960) {
      const length = encoder.encode([signal], at, 960, packet, 0);
      void recorder.write({ frame: at, frames: 960, bytes: packet.slice(0, length) });
    }
    await recorder.close();
    const mix = join(folder, 'mix.wav');
    await expect(mixdown([{ path }], mix)).rejects.toMatchObject({ code: 'unsupported' });
    const mixed = await mixdown([{ path }], mix, { format: 'f32', opus: library });
    expect(mixed.frames).toBe(48_000);
    const [channel] = channelsOf(mix);
    let [together, squares, own] = [0, 0, 0];
    for (let i = 4000; i < 44_000; i++) {
      together += channel![i]! * signal[i]!;
      squares += channel![i]! ** 2;
      own += signal[i]! ** 2;
    }
    expect(together / Math.sqrt(squares * own)).toBeGreaterThan(0.99);
  });

  it('reads a file that is still being written, and names a file that it cannot read', async () => {
    const folder = temporaryFolder();
    const writer = new WavWriter({ format: 's16', sampleRate: 8000, channels: 1 });
    const cut = join(folder, 'cut.wav');
    writeFileSync(cut, Buffer.concat([writer.head(), new Uint8Array(1601)]));
    const mix = join(folder, 'mix.wav');
    expect(await mixdown([{ path: cut }], mix)).toMatchObject({ frames: 800, sampleRate: 8000 });
    const wrong = join(folder, 'wrong.wav');
    for (const content of [
      '',
      'RIFF',
      'RIFF\0\0\0\0WAVEfmt \u0010\0\0\0',
      'OggS',
      'hello, this is text',
    ]) {
      writeFileSync(wrong, content);
      await expect(mixdown([{ path: wrong }], mix)).rejects.toMatchObject({ code: 'recording' });
    }
    await expect(mixdown([{ path: join(folder, 'none.wav') }], mix)).rejects.toThrow(
      /none.wav cannot be read/,
    );
    await expect(mixdown([{ path: cut }], join(folder, 'no/mix.wav'))).rejects.toThrow(
      /cannot be written/,
    );
    await expect(mixdown([], mix)).rejects.toThrow(RangeError);
    await expect(mixdown([{ path: cut, gainDb: 99 }], mix)).rejects.toThrow(/gainDb/);
    // The mix before is still there.
    expect(await mixdown([{ path: mix }], join(folder, 'again.wav'))).toMatchObject({
      frames: 800,
    });
  });
});
