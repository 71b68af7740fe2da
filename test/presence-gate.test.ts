import { describe, expect, test } from 'vitest';
import { CapturePipeline } from '../src/core/capture/capture-pipeline.ts';
import { ChunkWriter } from '../src/core/capture/chunk-writer.ts';
import { PresenceGate } from '../src/core/capture/presence-gate.ts';
import { MISSING, PAUSED, PAUSED_MISSING, PRESENT } from '../src/core/microphone/presence.ts';
import { planResampler } from '../src/core/resampler/resampler-planner.ts';
import { CollectingSink, samplesOf } from './helpers/chunks.ts';
import { ExpectedCapture } from './helpers/expected-capture.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 48_000;

interface Rig {
  readonly pipeline: CapturePipeline;
  readonly gate: PresenceGate;
  readonly sink: CollectingSink;
}

function rig(options: {
  readonly preRollFrames?: number;
  readonly holdPauses?: boolean;
  readonly sampleRate?: number;
  readonly chunkDurationMs?: number;
}): Rig {
  const { preRollFrames = 0, holdPauses = false, sampleRate = RATE, chunkDurationMs = 5 } = options;
  const chunks = {
    stream: { sampleRate, channels: 1, format: 'f32' },
    encoding: 'binary',
  } as const;
  const sink = new CollectingSink(chunks, chunkDurationMs);
  const writer = new ChunkWriter({ ...chunks, chunkDurationMs, sink, dither: 'none' });
  const resampler =
    sampleRate === RATE ? null : planResampler({ inputRate: RATE, outputRate: sampleRate });
  const pipeline = new CapturePipeline({ channels: 1, inputRate: RATE, resampler, writer });
  const gate = new PresenceGate(pipeline, { channels: 1, preRollFrames, holdPauses });
  return { pipeline, gate, sink };
}

/** Samples that say which frame of the context they are of. A float32 holds whole numbers up to 2²⁴. */
function numbered(contextFrame: number, frames: number): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) => contextFrame + i + 1);
}

interface Schedule {
  readonly seed: number;
  readonly preRollFrames: number;
  readonly holdPauses: boolean;
  /** How long presence stays as it is, quanta. */
  readonly steadiness: number;
  /** Whether the sink is full at times. */
  readonly starved: boolean;
}

function schedules(count: number): Schedule[] {
  return Array.from({ length: count }, (_, seed) => {
    const random = seededRandom(1000 + seed);
    const preRollFrames = random() < 0.25 ? 0 : Math.floor(random() ** 2 * 12_000);
    return {
      seed,
      preRollFrames,
      holdPauses: random() < 0.3,
      steadiness: [1, 4, 30, 200][Math.floor(random() * 4)]!,
      starved: random() < 0.3,
    };
  });
}

/** @returns how many frames that were there were not delivered */
function run(schedule: Schedule): number {
  const { preRollFrames, steadiness } = schedule;
  const random = seededRandom(schedule.seed);
  const { pipeline, gate, sink } = rig(schedule);
  const expected = new ExpectedCapture(preRollFrames);
  let contextFrame = Math.floor(random() * 1000);
  expected.idle(contextFrame);
  let presence = random() < 0.5 ? PRESENT : PAUSED;
  let delivered = 0;
  let chunks = 0;
  for (let step = 0; step < 300; step++) {
    if (random() < 1 / steadiness) {
      const weights = [PRESENT, PRESENT, PAUSED, PAUSED, MISSING, PAUSED_MISSING];
      presence = weights[Math.floor(random() * weights.length)]!;
    }
    const event = random();
    if (event < 0.01 && step > 2) {
      const missed = 1 + Math.floor(random() * 2000);
      contextFrame += missed;
    } else if (event < 0.02) {
      gate.settle();
      if (random() < 0.5) pipeline.flush();
      else pipeline.hold();
      expected.pause();
      const idle = Math.floor(random() * 3000);
      contextFrame += idle;
      while (expected.numbers.length < contextFrame) expected.idle(1);
    } else if (schedule.starved && event < 0.05) sink.free = !sink.free;
    const frames =
      random() < 0.1 ? 1 + Math.floor(random() * 3000) : 1 + Math.floor(random() * 256);
    const there = presence === PRESENT || presence === PAUSED;
    gate.process(there ? [numbered(contextFrame, frames)] : [], frames, contextFrame, presence);
    expected.quantum(contextFrame, frames, presence);
    contextFrame += frames;
    for (; chunks < sink.chunks.length; chunks++) delivered += sink.chunks[chunks]!.frames;
    const queued = pipeline.captured - pipeline.delivered - pipeline.dropped;
    if (pipeline.delivered !== delivered) throw new Error('delivered is not what came');
    if (queued < 0 || queued >= 0.005 * RATE) throw new Error(`${queued} frames are queued`);
    // What waits behind a pre-roll is not captured yet.
    const late = expected.captured - pipeline.captured;
    if (late < 0 || late > preRollFrames + 3000) throw new Error(`captured is ${late} behind`);
  }
  gate.settle();
  pipeline.flush();
  expect(pipeline.captured).toBe(expected.captured);
  expect(pipeline.captured).toBe(pipeline.delivered + pipeline.dropped);

  const seen = new Set<number>();
  let next = 0;
  let told = 0;
  for (const chunk of sink.chunks) {
    if (chunk.frame !== next + chunk.dropped)
      throw new Error(`chunk ${chunk.sequence} is misplaced`);
    next = chunk.frame + chunk.frames;
    told += chunk.dropped;
    const samples = samplesOf(chunk)[0]!;
    const first = Math.round(chunk.contextTime * RATE);
    samples.forEach((sample, i) => {
      const from = sample - 1;
      if (expected.numbers[from] !== chunk.frame + i) {
        throw new Error(
          `frame ${from} is number ${chunk.frame + i}, not ${expected.numbers[from]}`,
        );
      }
      // A chunk that was held over a pause keeps the time of its first frame.
      if (!schedule.holdPauses && steadiness > 0 && i === 0 && from !== first) {
        throw new Error(`frame ${from} is said to be of ${first}`);
      }
      if (seen.has(from)) throw new Error(`frame ${from} came twice`);
      seen.add(from);
    });
  }
  expect(pipeline.dropped - told).toBe(pipeline.captured - next);
  let lost = 0;
  expected.present.forEach((present, frame) => {
    if (present && !seen.has(frame)) lost++;
  });
  const missing = expected.numbers.filter(
    (number, frame) => number >= 0 && !expected.present[frame],
  );
  expect(pipeline.dropped).toBe(missing.length + lost);
  return lost;
}

describe('presence decides what a capture counts', () => {
  const all = schedules(400);
  const batches = Array.from({ length: 8 }, (_, batch) => batch);

  test.each(batches)(
    'every frame is delivered under its number, or counted as dropped: random schedules, batch %i of 8',
    (batch) => {
      let withLoss = 0;
      for (const schedule of all) {
        if (schedule.seed % batches.length !== batch) continue;
        try {
          const lost = run(schedule);
          if (lost > 0) withLoss++;
          // Only a full sink costs audio, and presence that changes all the time.
          if (!schedule.starved && schedule.steadiness > 4) expect(lost).toBe(0);
        } catch (error) {
          throw new Error(`with ${JSON.stringify(schedule)}: ${String(error)}`, { cause: error });
        }
      }
      expect(withLoss).toBeGreaterThan(1);
    },
  );
});
