import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { FORMATS, SAMPLE_FORMATS } from '../src/core/format/formats.ts';
import type { SampleFormat } from '../src/core/format/formats.ts';
import { StreamRecorder, readRecording } from '../src/node/recording/stream-recorder.ts';
import type { StreamRecorderOptions } from '../src/node/recording/stream-recorder.ts';
import { readOggPages } from './helpers/ogg-pages.ts';
import { opusLibrary } from './helpers/opus.ts';
import { installed, runProgram } from './helpers/programs.ts';
import { seededRandom } from './helpers/random.ts';
import { PCM, bytesAt } from './helpers/stream-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-recorder-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The samples of a WAV file, as they are. */
function dataOf(path: string): Uint8Array {
  const file = readFileSync(path);
  return new Uint8Array(file.subarray(file.indexOf('data') + 8));
}

const chunk = (frame: number, frames: number, frameBytes = 2) => ({
  frame,
  frames,
  bytes: bytesAt('r', frame, frames, frameBytes),
});

/** written = stored + waiting + duplicate + refused. */
function expectAccount({ stats }: StreamRecorder): void {
  const { writtenFrames, storedFrames, waitingFrames, duplicateFrames, refusedFrames } = stats;
  expect(storedFrames + waitingFrames + duplicateFrames + refusedFrames).toBe(writtenFrames);
}

/** Frames in a random order, some twice, some in part, some not at all. */
function disorder(
  random: () => number,
  frames: number,
): (readonly [frame: number, frames: number])[] {
  const pieces: (readonly [number, number])[] = [];
  for (let at = 0; at < frames;) {
    const size = 1 + Math.floor(random() * 700);
    const back = random() < 0.2 ? Math.floor(random() * Math.min(at, 900)) : 0;
    if (random() > 0.1) pieces.push([at - back, size + back]);
    if (random() < 0.1) pieces.push([at, size]);
    at += size;
  }
  for (let i = 1; i < pieces.length; i++) {
    const j = Math.max(0, i - Math.floor(random() * 6));
    [pieces[i], pieces[j]] = [pieces[j]!, pieces[i]!];
  }
  return pieces;
}

describe('a stream recorder of samples', () => {
  it('is full while more than 1 MiB waits for the disk', async () => {
    const path = join(temporaryFolder(), 'full.wav');
    const recorder = await StreamRecorder.open(path, { stream: PCM, flushMs: 1000 });
    const half = { frames: 2 ** 18, bytes: new Uint8Array(2 ** 19) };
    void recorder.write({ frame: 0, ...half });
    void recorder.write({ frame: 2 ** 18, ...half });
    expect(recorder.isFull).toBe(false);
    const written = recorder.write(chunk(2 ** 19, 1));
    expect(recorder.isFull).toBe(true);
    await written;
    expect(recorder.isFull).toBe(false);
    await recorder.close();
  });

  it('has each frame at its place, whether repeated, late, partial or missing', async () => {
    const folder = temporaryFolder();
    for (let seed = 0; seed < 40; seed++) {
      const random = seededRandom(seed);
      const path = join(folder, `${seed}.wav`);
      const recorder = await StreamRecorder.open(path, { stream: PCM, flushMs: seed % 3 });
      const there = new Set<number>();
      const writing: Promise<void>[] = [];
      for (const [frame, frames] of disorder(random, 8000)) {
        writing.push(recorder.write(chunk(frame, frames)));
        for (let i = frame; i < frame + frames; i++) there.add(i);
        if (random() < 0.1) await writing.at(-1);
        expectAccount(recorder);
      }
      await Promise.all(writing);
      const recording = await recorder.close();
      expectAccount(recorder);
      expect(recorder.stats).toMatchObject({ waitingFrames: 0, storedFrames: there.size });
      const end = Math.max(...there) + 1;
      const expected = bytesAt('r', 0, end);
      for (let i = 0; i < end; i++) if (!there.has(i)) expected.fill(0, i * 2, i * 2 + 2);
      expect(dataOf(path)).toEqual(expected);
      expect(recording.frames).toBe(end);
      const missing = recording.gaps.flatMap(({ frame, frames }) =>
        Array.from({ length: frames }, (_, i) => frame + i),
      );
      expect(missing).toEqual(
        Array.from({ length: end }, (_, i) => i).filter((i) => !there.has(i)),
      );
      expect(await readRecording(path)).toEqual(recording);
    }
    expect(readdirSync(folder)).toHaveLength(80);
  });

  it.each(SAMPLE_FORMATS)(
    'writes %s so that other programs read it, with gaps as silence',
    async (format: SampleFormat) => {
      const path = join(temporaryFolder(), 'x.wav');
      const stream = { format, sampleRate: 8000, channels: 2 };
      const frameBytes = FORMATS[format].bytes * 2;
      const recorder = await StreamRecorder.open(path, { stream });
      void recorder.write({
        frame: 0,
        frames: 800,
        bytes: new Uint8Array(800 * frameBytes).fill(0x40),
      });
      void recorder.write({
        frame: 1600,
        frames: 801,
        bytes: new Uint8Array(801 * frameBytes).fill(0x40),
      });
      const recording = await recorder.close();
      expect(recording).toMatchObject({ frames: 2401, gaps: [{ frame: 800, frames: 800 }] });
      const silence = FORMATS[format].silence ?? 0;
      expect(new Set(dataOf(path).subarray(800 * frameBytes, 1600 * frameBytes))).toEqual(
        new Set([silence]),
      );
      if (!installed('ffmpeg')) return;
      const { stdout } = runProgram('ffmpeg', ['-v', 'error', '-i', path, '-f', 'f32le', '-']);
      expect(stdout.length).toBe(2401 * 2 * 4);
      const samples = new Float32Array(new Uint8Array(stdout).buffer);
      // A-law has no 0: its least step is 2⁻¹².
      expect(Math.max(...samples.subarray(1600, 3200).map(Math.abs))).toBeLessThanOrEqual(2 ** -12);
      expect(Math.abs(samples[0]!)).toBeGreaterThan(0);
    },
  );

  it('does not report a repeated chunk as stored while the first one waits', async () => {
    const path = join(temporaryFolder(), 'x.wav');
    const recorder = await StreamRecorder.open(path, { stream: PCM, flushMs: 60_000 });
    const settled: number[] = [];
    const first = recorder.write(chunk(0, 320)).then(() => settled.push(1));
    const second = recorder.write(chunk(0, 320)).then(() => settled.push(2));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(settled).toEqual([]);
    expect(recorder.storedFrame).toBe(0);
    await recorder.flush();
    await Promise.all([first, second]);
    expect(recorder.storedFrame).toBe(320);
    await recorder.close();
  });

  it('begins at its origin, and refuses chunks before it or too far ahead of it', async () => {
    const path = join(temporaryFolder(), 'x.wav');
    const recorder = await StreamRecorder.open(path, { stream: PCM, origin: 1000, maxGapMs: 1000 });
    expect(recorder.storedFrame).toBe(1000);
    await recorder.write(chunk(900, 200));
    await recorder.write(chunk(500, 100));
    expect(recorder.storedFrame).toBe(1100);
    expect(() => recorder.write(chunk(1100 + 16_001, 10))).toThrow(/maxGapMs \(1000\) ahead/);
    expect(() => recorder.write({ ...chunk(1100, 10), frames: 11 })).toThrow(
      /bytes must be 22 for 11 frames/,
    );
    await recorder.write(chunk(1100 + 16_000, 10));
    expect(recorder.stats).toMatchObject({ refusedFrames: 200, storedFrames: 110 });
    expectAccount(recorder);
    expect(await recorder.close()).toMatchObject({ origin: 1000, frames: 16_110 });
    expect(dataOf(path).subarray(0, 200)).toEqual(bytesAt('r', 1000, 100));
    await expect(recorder.write(chunk(1, 1))).rejects.toMatchObject({ code: 'closed' });
  });

  it('becomes RF64 above 4 GiB', async () => {
    const path = join(temporaryFolder(), 'x.wav');
    const stream = { format: 'f32', sampleRate: 768_000, channels: 32 } as const;
    const recorder = await StreamRecorder.open(path, { stream });
    const frame = 34_000_000;
    await recorder.write(chunk(frame, 8, 128));
    await recorder.close();
    const { size } = statSync(path);
    expect(size).toBeGreaterThan(2 ** 32);
    // It has holes: only what was written takes room.
    expect(statSync(path).blocks * 512).toBeLessThan(2 ** 24);
    if (!installed('ffmpeg')) return;
    const told = runProgram('ffprobe', [
      '-v',
      'error',
      '-show_entries',
      'stream=duration_ts',
      '-of',
      'csv=p=0',
      path,
    ]);
    expect(Number(String(told.stdout))).toBe(frame + 8);
  });
});

describe('a stream recorder of Opus', () => {
  const stream = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;

  /** Packets of 20 ms of a tone. */
  async function packets(count: number): Promise<Uint8Array[]> {
    const encoder = new OpusEncoder(await opusLibrary(), {
      sampleRate: 48_000,
      channels: 1,
      packetDurationMs: 20,
    } as never);
    const made: Uint8Array[] = [];
    const input = new Float32Array(960);
    const output = new Uint8Array(4000);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < 960; j++)
        input[j] = Math.sin((2 * Math.PI * 440 * (i * 960 + j)) / 48_000) / 2;
      const length = encoder.encode([input], 0, 960, output, 0);
      made.push(output.slice(0, length));
    }
    return made;
  }

  it('makes an Ogg file of packets that arrive in any order, with concealment for missing ones', async () => {
    const made = await packets(100);
    for (let seed = 0; seed < 5; seed++) {
      const random = seededRandom(seed);
      const path = join(temporaryFolder(), 'x.ogg');
      const recorder = await StreamRecorder.open(path, { stream });
      const order = made.map((_, i) => i).filter((i) => i < 40 || i >= 45);
      for (let i = 1; i < order.length; i++) {
        const j = Math.max(0, i - Math.floor(random() * 5));
        [order[i], order[j]] = [order[j]!, order[i]!];
      }
      for (const i of [...order, 3, 50])
        void recorder.write({ frame: i * 960, frames: 960, bytes: made[i]! });
      const recording = await recorder.close();
      expectAccount(recorder);
      expect(recorder.stats.duplicateFrames).toBe(2 * 960);
      expect(recording).toMatchObject({ frames: 96_000, gaps: [{ frame: 38_400, frames: 4800 }] });
      const pages = readOggPages(readFileSync(path));
      expect(pages.every(({ checksumIsRight }) => checksumIsRight)).toBe(true);
      // The last one says where the sound ends: pre-skip and 100 packets.
      expect(pages.at(-1)!.granule).toBe(96_000 + 312);
      const inside = pages.slice(2).flatMap((page) => page.packets);
      const kept = inside.filter(({ length }) => length > 3);
      expect(kept.slice(0, 40)).toEqual(made.slice(0, 40));
      expect(kept.slice(40, 95)).toEqual(made.slice(45));
      const decoder = new OpusDecoder(await opusLibrary(), { sampleRate: 48_000, channels: 1 });
      const output = [new Float32Array(5760)];
      let frames = 0;
      for (const packet of inside) frames += decoder.decode(packet, 0, packet.length, output, 0);
      expect(frames).toBeGreaterThanOrEqual(96_000 + 312);
      if (installed('opusinfo'))
        expect(String(runProgram('opusinfo', [path]).stdout)).not.toMatch(/WARNING|ERROR/);
    }
  });
});

describe('a stream recorder after a crash', () => {
  const opus = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;

  it.each([
    ['x.wav', PCM],
    ['x.ogg', opus],
  ] as const)(
    'has in %s all audio for which write has resolved, wherever the journal was cut',
    async (name, stream) => {
      const folder = temporaryFolder();
      const path = join(folder, name);
      const options: StreamRecorderOptions = { stream, flushMs: 0 };
      const recorder = await StreamRecorder.open(path, options);
      // A packet of 20 ms that holds nothing: enough for its file.
      const piece = (i: number) =>
        stream === PCM
          ? chunk(i * 320, 320)
          : { frame: i * 960, frames: 960, bytes: Uint8Array.of(0xf8, 0xff, i) };
      const size = stream === PCM ? 320 : 960;
      for (let i = 0; i < 20; i++) await recorder.write(piece(i));
      const before = statSync(`${path}.part`).size;
      await recorder.write(piece(20));
      const after = statSync(`${path}.part`).size;
      for (let cut = before; cut <= after; cut += stream === PCM ? 1 : 3) {
        const copy = mkdtempSync(join(folder, 'cut-'));
        if (stream === PCM) cpSync(path, join(copy, name));
        cpSync(`${path}.part`, join(copy, `${name}.part`));
        truncateSync(join(copy, `${name}.part`), cut);
        const there = cut === after ? 21 : 20;
        expect(await StreamRecorder.storedFrame(join(copy, name))).toBe(there * size);
        const again = await StreamRecorder.open(join(copy, name), options);
        for (let i = 19; i < 25; i++) await again.write(piece(i));
        expect(again.stats.duplicateFrames).toBe((there - 19) * size);
        const recording = await again.close();
        expect(recording).toMatchObject({ frames: 25 * size, gaps: [] });
        if (stream === PCM) expect(dataOf(join(copy, name))).toEqual(bytesAt('r', 0, 25 * 320));
        else {
          const inside = readOggPages(readFileSync(join(copy, name)))
            .slice(2)
            .flatMap(({ packets }) => packets);
          expect(inside.map((packet) => packet[2]).slice(0, 25)).toEqual(
            Array.from({ length: 25 }, (_, i) => i),
          );
        }
        rmSync(copy, { recursive: true });
      }
      await recorder.close();
    },
  );

  it('is completed by recover, but only once', async () => {
    const path = join(temporaryFolder(), 'x.wav');
    const recorder = await StreamRecorder.open(path, { stream: PCM });
    await recorder.write(chunk(0, 320));
    expect(await StreamRecorder.recover(path)).toBeUndefined();
    await recorder.suspend();
    await expect(recorder.close()).rejects.toMatchObject({ code: 'closed' });
    expect(await StreamRecorder.recover(path)).toMatchObject({ frames: 320, gaps: [] });
    expect(await StreamRecorder.recover(path)).toBeUndefined();
    expect(dataOf(path)).toEqual(bytesAt('r', 0, 320));
  });

  it('treats an empty or invalid journal as missing', async () => {
    for (const text of ['', 'x', '{}\n', '{"micwire":1}\n', '\0\0\0\0']) {
      const path = join(temporaryFolder(), 'x.wav');
      writeFileSync(`${path}.part`, text);
      expect(await StreamRecorder.storedFrame(path)).toBeUndefined();
      const recorder = await StreamRecorder.open(path, { stream: PCM });
      await recorder.write(chunk(0, 10));
      await recorder.close();
      expect(dataOf(path)).toEqual(bytesAt('r', 0, 10));
    }
  });
});

describe('errors of a stream recorder', () => {
  it('have a code and a cure', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'x.wav');
    const recording = { code: 'recording', name: 'MicwireError' };
    await expect(
      StreamRecorder.open(join(folder, 'no/x.wav'), { stream: PCM }),
    ).rejects.toMatchObject(recording);
    await expect(StreamRecorder.open(join(folder, 'x.ogg'), { stream: PCM })).rejects.toThrow(
      /path must end in .wav for s16/,
    );
    await expect(StreamRecorder.open(path, { stream: PCM, flushMs: -1 })).rejects.toThrow(
      /flushMs/,
    );
    await expect(StreamRecorder.open(path, { stream: PCM, nothing: 1 } as never)).rejects.toThrow(
      /nothing/,
    );
    const recorder = await StreamRecorder.open(path, { stream: PCM });
    await expect(StreamRecorder.open(path, { stream: PCM })).rejects.toThrow(
      /is being recorded to/,
    );
    await recorder.suspend();
    const other = { ...PCM, sampleRate: 8000 };
    await expect(StreamRecorder.open(path, { stream: other })).rejects.toThrow(/of another stream/);
    await StreamRecorder.recover(path);
    await expect(StreamRecorder.open(path, { stream: PCM })).rejects.toThrow(/is there already/);
    await expect(readRecording(join(folder, 'y.wav'))).rejects.toMatchObject(recording);
  });
});
