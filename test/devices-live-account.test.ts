import { describe, expect, it } from 'vitest';
import type { Run } from '../bench/devices-live/drive.ts';
import type { Report } from '../bench/devices-live/page.ts';
import { accountOf, compareAudio } from '../bench/devices-live/recording.ts';
import type { ChunkFacts, RecordedCapture } from '../bench/devices-live/recording.ts';
import { judge } from '../bench/devices-live/verdict.ts';
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
  it('are exact to the sample: a source, silence, a fade, and the next source', () => {
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
  it('finds no fault in a good recording', () => {
    const account = accountOf(recording(100), reader);
    expect(account.faults).toEqual([]);
    expect(account.runs).toHaveLength(1);
    expect(account).toMatchObject({ deliveredFrames: 96_000, droppedFrames: 0, pausedFrames: 0 });
    expect(account.clock.every(([, ms]) => Math.abs(ms - 1_000_005) < 1e-3)).toBe(true);
  });

  it('recognizes a dropped gap: the audio after it has the number for its time', () => {
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

  it('recognizes a pause: time passes without new numbers', () => {
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

  it('compares two recordings frame by frame, by time, wherever their chunks begin', () => {
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

describe('the verdict on a run', () => {
  const SECONDS = 8;
  const CHUNKS = (SECONDS * RATE) / CHUNK;

  /** Source 0 for four seconds, a gap of 4,800 frames, then what `change` makes of it. */
  function runOf(
    fields: Partial<Report> = {},
    second: 'first' | 'second' = 'first',
    recorded: readonly string[] = ['first'],
  ): Run {
    const audio = recording(CHUNKS, ({ sequence, frame }, samples) => {
      if (sequence < CHUNKS / 2) return undefined;
      const isGap = sequence === CHUNKS / 2;
      const dropped = isGap ? 4800 : 0;
      if (second === 'second') fill(samples, 1, frame + dropped);
      return { dropped, frame: frame + dropped, contextTime: 1 + (frame + dropped) / RATE };
    });
    const account = accountOf(audio, reader);
    const stats = {
      capturedFrames: CHUNKS * CHUNK + 4800,
      deliveredFrames: CHUNKS * CHUNK,
      droppedFrames: 4800,
      queuedFrames: 0,
    };
    const moment = { wallMs: 0, contextTime: 0, state: 'live', device: 'first' };
    const report: Report = {
      worker: account,
      page: account,
      workerStats: stats,
      pageStats: stats,
      common: { frames: CHUNKS * CHUNK, different: 0 },
      before: { missingFrames: 100, pausedFrames: 256 },
      after: { missingFrames: 4900, pausedFrames: 256 },
      moments: [
        { ...moment, what: 'start', detail: null },
        { ...moment, what: 'gap', contextTime: 5.1, detail: { frames: 4800 } },
      ],
      ...fields,
    };
    const at = (seconds: number): number => 1e6 + seconds * 1000 + 25;
    return {
      names: ['first', 'second', 'third'],
      events: [
        {
          kind: 'device in use unplugged, and plugged in again',
          startMs: at(4.9),
          undoMs: at(6),
          notes: [],
        },
      ],
      views: [{ wallMs: at(1), defaultSource: 'first', recorded }],
      endMs: at(9),
      report,
    };
  }

  it('is good if every frame belongs to the device, and reports the gap', () => {
    const verdict = judge(runOf());
    expect(verdict.faults).toEqual([]);
    expect(verdict).toMatchObject({ unaccountedFrames: 0, foreignFrames: 0, jumps: [] });
    expect(verdict.rightFrames).toBe(CHUNKS * CHUNK);
    expect(verdict.effects).toHaveLength(1);
    expect(verdict.effects[0]!.droppedMs).toBeCloseTo(100, 6);
  });

  it('uses the first device for the time before the page named one', () => {
    const [start, gap] = runOf().report.moments;
    const late = [
      { ...start!, contextTime: 7 },
      { ...gap!, contextTime: 7.1 },
    ];
    expect(judge(runOf({ moments: late })).rightFrames).toBe(CHUNKS * CHUNK);
  });

  it('counts audio of another source to which the system has moved the stream', () => {
    const verdict = judge(runOf({}, 'second', ['second']));
    expect(verdict.faults).toEqual([]);
    expect(verdict.foreignFrames).toBe((CHUNKS / 2) * CHUNK);
  });

  it.each<[string, Run]>([
    ['audio of a device that nobody records', runOf({}, 'second')],
    [
      'a gap that the microphone counts otherwise',
      runOf({ after: { missingFrames: 4772, pausedFrames: 256 } }),
    ],
    ['a gap that no event tells', runOf({ moments: runOf().report.moments.slice(0, 1) })],
    [
      'a pause that the capture does not know',
      runOf({ after: { missingFrames: 4900, pausedFrames: 384 } }),
    ],
    ['captures that differ', runOf({ common: { frames: 1000, different: 1 } })],
    [
      'figures that do not add up',
      runOf({ workerStats: { ...runOf().report.workerStats, droppedFrames: 4799 } }),
    ],
  ])('finds %s', (_name, run) => {
    expect(judge(run).faults).not.toEqual([]);
  });
});
