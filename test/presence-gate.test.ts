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

describe('the presence signal decides what a capture counts', () => {
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

/** Chunks as `frame: first context frame + frames`, with what was dropped before in brackets. */
function told({ chunks }: CollectingSink): string[] {
  return chunks.map(({ frame, frames, dropped, contextTime }) => {
    const gap = dropped > 0 ? `(${dropped}) ` : '';
    return `${gap}${frame}: ${Math.round(contextTime * RATE)} + ${frames}`;
  });
}

/** Quanta of `QUANTUM` frames that follow each other. */
class Feed {
  frame = 0;
  readonly rig: Rig;
  constructor(rig: Rig) {
    this.rig = rig;
  }
  quanta(count: number, presence: number, frames = QUANTUM): void {
    for (let i = 0; i < count; i++) {
      this.rig.gate.process([numbered(this.frame, frames)], frames, this.frame, presence);
      this.frame += frames;
    }
  }
}
const QUANTUM = 120;

describe('missing audio', () => {
  test('is counted with the chunk after it, and the audio before it is sent at once', () => {
    const feed = new Feed(rig({}));
    feed.quanta(3, PRESENT);
    expect(told(feed.rig.sink)).toEqual(['0: 0 + 240']);
    feed.quanta(1, MISSING);
    expect(told(feed.rig.sink)).toEqual(['0: 0 + 240', '240: 240 + 120']);
    expect(feed.rig.pipeline.captured).toBe(480);
    feed.quanta(9, MISSING);
    expect(feed.rig.pipeline.captured).toBe(13 * QUANTUM);
    feed.quanta(2, PRESENT);
    expect(told(feed.rig.sink).at(-1)).toBe('(1200) 1560: 1560 + 240');
  });

  test('is counted up to the end of a capture', () => {
    const { pipeline, sink, gate } = rig({ sampleRate: 16_000 });
    for (let i = 0; i < 4; i++) gate.process([], 100, i * 100, i === 0 ? PRESENT : MISSING);
    gate.settle();
    pipeline.flush();
    expect(sink.chunks.map(({ frames }) => frames)).toEqual([33]);
    expect([pipeline.captured, pipeline.dropped]).toEqual([133, 100]);
  });

  test('is counted before the first audio, and between two pauses', () => {
    const feed = new Feed(rig({}));
    feed.quanta(2, MISSING);
    feed.quanta(5, PAUSED);
    feed.quanta(1, MISSING);
    feed.quanta(5, PAUSED_MISSING);
    feed.quanta(2, PRESENT);
    expect(told(feed.rig.sink)).toEqual(['(360) 360: 1560 + 240']);
  });
});

describe('a pre-roll', () => {
  test('comes first, at four times real time, and later audio joins it without a gap', () => {
    const feed = new Feed(rig({ preRollFrames: 4800 }));
    feed.quanta(100, PAUSED);
    expect(feed.rig.pipeline.captured).toBe(0);
    // Frames that each quantum adds: never more than four quanta and its own.
    const added: number[] = [];
    for (let i = 0; i < 30; i++) {
      const before = feed.rig.pipeline.captured;
      feed.quanta(1, PRESENT);
      added.push(feed.rig.pipeline.captured - before);
    }
    expect(added.slice(0, 12)).toEqual(Array(12).fill(4 * QUANTUM));
    expect(added[12]).toBe(5 * QUANTUM);
    expect(added.slice(13)).toEqual(Array(17).fill(QUANTUM));
    expect(feed.rig.pipeline.captured).toBe(4800 + 30 * QUANTUM);
    expect(told(feed.rig.sink)[0]).toBe('0: 7200 + 240');
    expect(told(feed.rig.sink).at(-1)).toBe(`${8400 - 240}: ${15_600 - 240} + 240`);
  });

  test('is sent completely after a short press', () => {
    const feed = new Feed(rig({ preRollFrames: 2400 }));
    feed.quanta(50, PAUSED);
    feed.quanta(1, PRESENT);
    feed.quanta(10, PAUSED);
    expect(feed.rig.pipeline.captured).toBe(2400 + QUANTUM);
    expect(feed.rig.pipeline.captured).toBe(feed.rig.pipeline.delivered);
    // What was said between the presses is the next one's pre-roll.
    feed.quanta(4, PRESENT);
    const starts = feed.rig.sink.chunks.map(({ contextTime }) => Math.round(contextTime * RATE));
    expect(starts).toContain(51 * QUANTUM);
  });

  test('contains no audio from before a gap, a jump of the context or a pause of the capture', () => {
    for (const disturb of [
      (feed: Feed) => feed.quanta(1, PAUSED_MISSING),
      (feed: Feed) => void (feed.frame += QUANTUM),
      (feed: Feed) => {
        feed.rig.gate.settle();
        feed.rig.pipeline.flush();
      },
    ]) {
      const feed = new Feed(rig({ preRollFrames: 2400 }));
      feed.quanta(10, PAUSED);
      disturb(feed);
      feed.quanta(3, PAUSED);
      const from = feed.frame - 3 * QUANTUM;
      feed.quanta(5, PRESENT);
      expect(told(feed.rig.sink)[0]).toBe(`0: ${from} + 240`);
      expect(feed.rig.pipeline.dropped).toBe(0);
    }
  });

  test('is collected from a pause of the capture on, even an empty one', () => {
    const feed = new Feed(rig({ preRollFrames: 2400 }));
    feed.quanta(10, PAUSED);
    feed.rig.gate.settle();
    feed.quanta(2, PRESENT);
    expect(told(feed.rig.sink)).toEqual(['0: 1200 + 240']);
  });

  test.each([
    ['missing', MISSING, 40],
    ['paused', PAUSED_MISSING, 20],
  ])('is dropped and counted if audio is %s every other frame', (_, presence, frames) => {
    const feed = new Feed(rig({ preRollFrames: 4800 }));
    feed.quanta(50, PAUSED);
    for (let i = 0; i < 20; i++) {
      feed.quanta(1, PRESENT, 1);
      feed.quanta(1, presence, 1);
    }
    feed.quanta(60, PAUSED);
    const { pipeline, sink } = feed.rig;
    expect(pipeline.captured).toBe(4800 + frames);
    expect(pipeline.captured).toBe(pipeline.delivered + pipeline.dropped);
    expect(pipeline.dropped).toBeGreaterThan(4000);
    feed.quanta(60, PRESENT);
    let next = 0;
    for (const { frame, frames, dropped } of sink.chunks) {
      expect(frame).toBe(next + dropped);
      next = frame + frames;
    }
  });
});

describe('a pause that holds', () => {
  test('fills the unfinished chunk with later audio', () => {
    const feed = new Feed(rig({ holdPauses: true }));
    feed.quanta(3, PRESENT);
    feed.quanta(10, PAUSED);
    expect(feed.rig.sink.chunks.length).toBe(1);
    feed.quanta(3, PRESENT);
    expect(told(feed.rig.sink)).toEqual(['0: 0 + 240', '240: 240 + 240', '480: 1680 + 240']);
    expect(samplesOf(feed.rig.sink.chunks[1]!)[0]!.slice(119, 121)).toEqual(
      Float32Array.of(360, 1561),
    );
  });

  test('ends with the unfinished chunk if audio is missing after it', () => {
    const feed = new Feed(rig({ holdPauses: true }));
    feed.quanta(1, PRESENT);
    feed.quanta(1, PAUSED);
    feed.quanta(1, MISSING);
    feed.quanta(2, PRESENT);
    expect(told(feed.rig.sink)).toEqual(['0: 0 + 120', '(120) 240: 360 + 240']);
  });
});

/** Hz. */
const TONE = 1000;

/** A tone whose phase is 0 at context time 0: what time a sample comes from can be heard in it. */
function tone(contextFrame: number, frames: number): Float32Array {
  return Float32Array.from({ length: frames }, (_, i) =>
    Math.cos((2 * Math.PI * TONE * (contextFrame + i)) / RATE),
  );
}

describe('resampled audio', () => {
  test.each([16_000, 44_100, 96_000])(
    'matches the time of its chunk, after gaps and pre-rolls too: 48000 → %i Hz',
    (sampleRate) => {
      const random = seededRandom(sampleRate);
      const { gate, pipeline, sink } = rig({ sampleRate, preRollFrames: 3000 });
      let frame = 777;
      let counted = 0;
      for (let run = 0; run < 40; run++) {
        const presence = [PRESENT, PAUSED, MISSING, PAUSED_MISSING][run % 4]!;
        const begun = frame;
        for (let quantum = 20 + Math.floor(random() * 40); quantum > 0; quantum--) {
          const frames = 100 + Math.floor(random() * 100);
          gate.process([tone(frame, frames)], frames, frame, presence);
          frame += frames;
        }
        // The device goes in the moment of the press: its pre-roll comes all the same.
        if (presence === PAUSED) counted += Math.min(3000, frame - begun);
        if (presence === PRESENT || presence === MISSING) counted += frame - begun;
      }
      gate.settle();
      pipeline.flush();
      expect(pipeline.captured).toBe(pipeline.delivered + pipeline.dropped);
      let next = 0;
      let heard = 0;
      for (const chunk of sink.chunks) {
        expect(chunk.frame).toBe(next + chunk.dropped);
        next = chunk.frame + chunk.frames;
        const samples = samplesOf(chunk)[0]!;
        samples.forEach((sample, i) => {
          // At the edges of a run the resampler sees the silence around it.
          const time = chunk.contextTime + i / sampleRate;
          const exact = Math.cos(2 * Math.PI * TONE * time);
          if (Math.abs(sample - exact) < 1e-4) heard++;
        });
      }
      // Ten runs, with a few ms at either end that are not the tone.
      expect(heard).toBeGreaterThan(pipeline.delivered - 20 * 0.005 * sampleRate);
      expect(Math.abs(pipeline.captured - (counted * sampleRate) / RATE)).toBeLessThan(20);
    },
  );
});
