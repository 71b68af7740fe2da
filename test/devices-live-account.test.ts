import { describe, expect, it } from 'vitest';
import { accountOf, compareAudio } from '../bench/devices-live/recording.ts';
import type { ChunkFacts, RecordedCapture } from '../bench/devices-live/recording.ts';
import { NumberedSignalReader, numberedSignal } from './helpers/numbered-signal.ts';
import { signalRuns } from './helpers/signal-runs.ts';

const RATE = 48000;
const CHUNK = 960;
const reader = new NumberedSignalReader(RATE);
const signals = [numberedSignal(0, RATE), numberedSignal(1, RATE)];

/** A recording of source 0 in chunks of 20 ms, each of which `change` may change. */
function recording(
  chunks: number,
  change: (chunk: ChunkFacts, samples: Float32Array) => Partial<ChunkFacts> | undefined = () =>
    undefined,
): RecordedCapture {
  const facts: ChunkFacts[] = [];
  const samples = new Float32Array(chunks * CHUNK);
  let droppedFrames = 0;
  for (let sequence = 0; sequence < chunks; sequence++) {
    const frame = sequence * CHUNK + droppedFrames;
    const part = samples.subarray(sequence * CHUNK, (sequence + 1) * CHUNK);
    const chunk = { sequence, frame, frames: CHUNK, dropped: 0, contextTime: 1 + frame / RATE };
    const changed = { ...chunk, ...change(chunk, part) };
    droppedFrames += changed.dropped;
    if (part.every((sample) => sample === 0)) {
      fill(part, 0, Math.round((changed.contextTime - 1) * RATE));
    }
    facts.push(changed);
  }
  const arrivedMs = facts.map(({ contextTime }) => 1e6 + contextTime * 1000 + 25);
  return { sampleRate: RATE, chunks: facts, arrivedMs, samples };
}

function fill(samples: Float32Array, source: number, from: number): void {
  const signal = signals[source]!;
  for (let n = 0; n < samples.length; n++) samples[n] = signal[(from + n) % signal.length]!;
}

describe('runs of a numbered signal', () => {
  it('are told to the sample: the device, silence, anything else, and the next device', () => {
    const samples = new Float32Array(RATE);
    fill(samples.subarray(0, 10_000), 0, 500);
    fill(samples.subarray(12_000, 30_000), 1, 7000);
    fill(samples.subarray(30_000), 1, 8000 + 18_000);
    for (let n = 12_000; n < 12_240; n++) samples[n] = samples[n]! * 0.4;
    const runs = signalRuns(samples, reader);
    expect(runs.map(({ source }) => source)).toEqual([0, 'zeros', 'other', 1, 1]);
    expect(runs.reduce((sum, { frames }) => sum + frames, 0)).toBe(samples.length);
    const ends = runs.map(({ from, frames }) => from + frames);
    for (const [index, end] of [10_000, 12_000, 12_240, 30_000].entries()) {
      expect(Math.abs(ends[index]! - end)).toBeLessThan(6);
    }
    expect(runs[4]!.seconds * RATE).toBeCloseTo(26_000 + runs[4]!.from - 30_000, 1);
  });
});

describe('the account of a recording', () => {
  it('finds nothing amiss in a good one', () => {
    const account = accountOf(recording(100), reader);
    expect(account.faults).toEqual([]);
    expect(account.runs).toHaveLength(1);
    expect(account).toMatchObject({ deliveredFrames: 96_000, droppedFrames: 0, pausedFrames: 0 });
    expect(account.clock.every(([, ms]) => Math.abs(ms - 1_000_005) < 1e-3)).toBe(true);
  });

  it('knows a gap that is dropped: audio after it has the number that its time demands', () => {
    const account = accountOf(
      recording(100, ({ sequence, frame }) =>
        sequence === 50
          ? { dropped: 1234, frame: frame + 1234, contextTime: 1 + (frame + 1234) / RATE }
          : undefined,
      ),
      reader,
    );
    expect(account.faults).toEqual([]);
    expect(account.gaps).toEqual([{ contextFrame: RATE + 48_000, frames: 1234 }]);
    expect(account.runs).toHaveLength(2);
    expect(account.runs[0]!.endOffset).toBeCloseTo(account.runs[1]!.offset, 6);
    expect(account.contextFrames).toBe(account.deliveredFrames + account.droppedFrames);
  });

  it('knows a pause: time passes, and no numbers', () => {
    const account = accountOf(
      recording(10, ({ sequence, contextTime }) =>
        sequence >= 5 ? { contextTime: contextTime + 0.5 } : undefined,
      ),
      reader,
    );
    expect(account.faults).toEqual([]);
    expect(account.pauses).toEqual([{ contextFrame: RATE + 5 * CHUNK, frames: RATE / 2 }]);
  });

  it.each<[string, Partial<ChunkFacts>]>([
    ['a number that is left out', { sequence: 6 }],
    ['frames that nobody counts', { frame: 5 * CHUNK + 1 }],
    ['frames that are counted twice', { dropped: 128 }],
    ['a time before the end of the chunk before', { contextTime: 1 + (5 * CHUNK - 64) / RATE }],
  ])('finds %s', (_name, fault) => {
    const faulty = recording(10, ({ sequence }) => (sequence === 5 ? fault : undefined));
    expect(accountOf(faulty, reader).faults).not.toEqual([]);
  });

  it('finds a frame that is lost in the middle of a chunk', () => {
    const account = accountOf(
      recording(100, ({ sequence, frame }, samples) => {
        if (sequence === 50) {
          fill(samples, 0, frame);
          fill(samples.subarray(300), 0, frame + 301);
        } else if (sequence > 50) fill(samples, 0, frame + 1);
        return undefined;
      }),
      reader,
    );
    const [before, after] = account.runs.filter(({ source }) => source === 0);
    expect((after!.offset - before!.endOffset) * RATE).toBeCloseTo(1, 1);
  });

  it('compares two recordings frame by frame, wherever their chunks begin', () => {
    const all = recording(20);
    const part: RecordedCapture = {
      ...all,
      chunks: all.chunks
        .slice(3)
        .map((chunk) => ({ ...chunk, contextTime: chunk.contextTime + 100 / RATE })),
      samples: all.samples.slice(3 * CHUNK + 100),
    };
    const shorter = { ...part, chunks: part.chunks.slice(0, -1) };
    expect(compareAudio(all, shorter)).toEqual({ frames: 16 * CHUNK, different: 0 });
    expect(compareAudio(shorter, all)).toEqual({ frames: 16 * CHUNK, different: 0 });
    shorter.samples[500] = 0.9;
    expect(compareAudio(all, shorter).different).toBe(1);
  });
});
