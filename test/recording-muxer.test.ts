import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { CapturePipeline } from '../src/core/capture/capture-pipeline.ts';
import type { ChunkSink, ChunkSlot } from '../src/core/capture/chunk-sinks.ts';
import { Chunk, HEADER_BYTES, slotIn } from '../src/core/capture/chunk.ts';
import { OpusChunkWriter } from '../src/core/capture/opus-chunk-writer.ts';
import type { PayloadFormat } from '../src/core/format/formats.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { recordingMuxer } from '../src/core/container/recording-muxer.ts';
import type { RecordedChunk, RecordingOptions } from '../src/core/container/recording-muxer.ts';
import { planResampler } from '../src/core/resampler/resampler-planner.ts';
import { opusLibrary } from './helpers/opus.ts';
import { installed, planarFloats, runProgram } from './helpers/programs.ts';
import { seededRandom } from './helpers/random.ts';
import { noise } from './helpers/signals.ts';

const library = await opusLibrary();
const folder = mkdtempSync(join(tmpdir(), 'micwire-muxer-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(format: RecordingOptions, chunks: readonly RecordedChunk[]): Uint8Array {
  const muxer = recordingMuxer(format, 7);
  const parts = chunks.flatMap((chunk) => [...muxer.add(chunk)].map((bytes) => bytes.slice()));
  parts.push(...muxer.end(true));
  const file = Buffer.concat(parts);
  const head = muxer.finishedHead();
  if (head !== undefined) file.set(head);
  return file;
}

function pathOf(bytes: Uint8Array): string {
  const path = join(folder, String(Math.round(performance.now() * 1000)));
  writeFileSync(path, bytes);
  return path;
}

/** Keeps chunks; while it is full, what comes is dropped. */
class ListSink implements ChunkSink {
  readonly chunks: Chunk<PayloadFormat>[] = [];
  full = false;
  readonly #options: RecordingOptions;
  readonly #slot: ChunkSlot = slotIn(new ArrayBuffer(HEADER_BYTES + 4000), 0, 4000);

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  acquire(): ChunkSlot | undefined {
    return this.full ? undefined : this.#slot;
  }

  commit(): void {
    this.chunks.push(new Chunk({ ...this.#options, encoding: 'binary' }, this.#slot));
  }

  end(): void {}
}

interface Case {
  readonly container: 'ogg' | 'webm';
  readonly packetDurationMs: number;
  readonly inputRate: number;
  readonly sampleRate: number;
  readonly dropping: boolean;
}

/** Some 1.5 s in pieces of any length, with pauses between them; where `dropping`, whole packets get lost. */
function record(
  seed: number,
  { container, packetDurationMs, inputRate, sampleRate, dropping }: Case,
) {
  const random = seededRandom(seed);
  const encoder = new OpusEncoder(library, { sampleRate, channels: 1, packetDurationMs });
  const format: RecordingOptions = {
    container,
    stream: { format: 'opus', sampleRate, channels: 1 },
    preSkip: encoder.latencyFrames,
    chunkDurationMs: packetDurationMs,
  };
  const sink = new ListSink(format);
  const writer = new OpusChunkWriter({ encoder, encoding: 'binary', sink });
  const resampler =
    inputRate === sampleRate ? null : planResampler({ inputRate, outputRate: sampleRate });
  const pipeline = new CapturePipeline({ channels: 1, inputRate, resampler, writer });
  const input = noise(random, inputRate * 2, 0.3);
  let contextFrame = 0;
  let at = 0;
  while (at < inputRate * 1.5) {
    for (let quanta = 1 + Math.floor(random() * 80); quanta > 0; quanta--) {
      sink.full = dropping && random() < 0.05;
      pipeline.process([input.subarray(at, at + 128)], 128, contextFrame);
      contextFrame += 128;
      at += 128;
    }
    sink.full = false;
    pipeline.hold();
    contextFrame += 128 * Math.floor(random() * 2000);
  }
  pipeline.flush();
  encoder.close();
  const { captured } = pipeline;
  const { chunks } = sink;
  return { file: fileOf(format, chunks), frames: (captured * 48_000) / sampleRate, chunks };
}

const CASES: readonly Case[] = (['ogg', 'webm'] as const).flatMap((container) =>
  [
    { packetDurationMs: 20, inputRate: 48_000, sampleRate: 48_000 },
    { packetDurationMs: 120, inputRate: 44_100, sampleRate: 48_000 },
    { packetDurationMs: 2.5, inputRate: 48_000, sampleRate: 16_000 },
  ].flatMap((rest) => [
    { container, ...rest, dropping: false },
    { container, ...rest, dropping: true },
  ]),
);

describe.runIf(installed('ffmpeg'))('recordings with pauses', () => {
  test.each(CASES)(
    'last as long as the captured audio: $container of $packetDurationMs ms, $inputRate to $sampleRate Hz, packets lost: $dropping',
    (options) => {
      for (let seed = 1; seed <= 2; seed++) {
        const { file, frames, chunks } = record(seed, options);
        const args = ['-v', 'warning', '-c:a', 'libopus', '-i', pathOf(file), '-f', 'f32le', '-'];
        const { stdout, stderr } = runProgram('ffmpeg', args);
        expect(stderr.replace(/.*Guessed Channel Layout.*\n/g, '')).toBe('');
        const last = chunks.at(-1)!;
        const written = ((last.frame + last.frames) * 48_000) / options.sampleRate;
        if (!options.dropping) expect(written).toBe(frames);
        expect(planarFloats(stdout, 1)[0]!.length).toBe(written);
      }
    },
  );
});

test('a packet that spans a pause has the time of its first frame', () => {
  const random = seededRandom(1);
  const { chunks } = record(1, {
    container: 'ogg',
    packetDurationMs: 20,
    inputRate: 48_000,
    sampleRate: 48_000,
    dropping: false,
  });
  // The signal, and then the first run, as `record` has them.
  noise(random, 96_000, 0.3);
  const frames = (1 + Math.floor(random() * 80)) * 128;
  const spanning = chunks.find((chunk) => chunk.frame + chunk.frames > frames)!;
  expect(spanning.frames).toBe(960);
  expect(spanning.contextTime).toBeCloseTo(spanning.frame / 48_000, 9);
});

const WAV: RecordingOptions = {
  container: 'wav',
  stream: { format: 'mulaw', sampleRate: 8000, channels: 1 },
  preSkip: 0,
  chunkDurationMs: 100,
};

test.each(['mulaw', 'alaw'] as const)(
  'WAV of %s and odd length gets its pad byte only with a head that has the length',
  (format) => {
    const chunk: RecordedChunk = { bytes: new Uint8Array(801), frame: 0, frames: 801 };
    const make = (mendable: boolean) => {
      const muxer = recordingMuxer({ ...WAV, stream: { ...WAV.stream, format } }, 1);
      const [head, ...data] = [...muxer.add(chunk), ...muxer.end(mendable)];
      return { head: head!, data: Buffer.concat(data), mended: muxer.finishedHead()! };
    };
    const stream = make(false);
    expect(stream.data.length).toBe(801);
    expect(make(true).data.length).toBe(802);
    if (!installed('ffmpeg')) return;
    const frames = (file: Uint8Array) =>
      runProgram('ffmpeg', ['-v', 'error', '-i', pathOf(file), '-f', 'f32le', '-']).stdout.length /
      4;
    expect(frames(Buffer.concat([stream.head, stream.data]))).toBe(801);
    const { mended, data } = make(true);
    expect(frames(Buffer.concat([mended, data]))).toBe(801);
  },
);

test('audio missing before a chunk of WAV becomes silence of its length, in pieces', () => {
  const muxer = recordingMuxer({ ...WAV, stream: { ...WAV.stream, format: 's16' } }, 1);
  const chunk = (frame: number) => ({ bytes: new Uint8Array(1600).fill(1), frame, frames: 800 });
  const [, ...first] = muxer.add(chunk(0));
  expect(first.map(({ length }) => length)).toEqual([1600]);
  const pieces = [...muxer.add(chunk(100_800))];
  expect(pieces.map(({ length }) => length)).toEqual([96_000, 96_000, 8000, 1600]);
  expect(pieces.slice(0, 3).every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
});
