import { describe, expect, test } from 'vitest';
import { median } from '../bench/measure.ts';
import type { ClockAligner } from '../src/core/align/clock-aligner.ts';
import { ClockRig, apart, timeOf, timeSignal } from './helpers/clock-rig.ts';
import type { SimulatedContext, SimulatedSource } from './helpers/clock-rig.ts';
import { decibels } from './helpers/sine-fit.ts';
import { roughest, tones } from './helpers/tones.ts';

/** A low rate, for speed. */
const RATE = 8000;
const CONTEXT: SimulatedContext = { sampleRate: RATE, quantum: 32 };
/** A local and a remote path, with jitter. */
const NEAR: SimulatedSource = {
  sampleRate: RATE,
  ppm: 0,
  latencyMs: 3,
  jitterMs: 2,
  timestampJitterMs: 1,
  signal: timeSignal,
  seed: 1,
};
const FAR: SimulatedSource = { ...NEAR, latencyMs: 25, jitterMs: 4, blockMs: 20, seed: 2 };

/** How far two sources are apart at each quantum with audio of both, ms; and how many quanta have audio of one only. */
function offsets(
  rig: ClockRig,
  to: number,
): { readonly offsetsMs: number[]; readonly alone: number } {
  const offsetsMs: number[] = [];
  let alone = 0;
  rig.run(to, () => {
    const [a, b] = rig.feeds.map(({ output }) => timeOf(output, 0));
    const offset = 1000 * apart(a!, b!);
    if (Number.isFinite(offset)) offsetsMs.push(Math.abs(offset));
    else if (Number.isFinite(a!) || Number.isFinite(b!)) alone++;
  });
  return { offsetsMs, alone };
}

/** Every frame of the source is accounted for, and every frame of the context. */
function expectAccount(aligner: ClockAligner, contextFrames: number): void {
  const { receivedFrames, lostFrames, usedFrames, droppedFrames, bufferedFrames } = aligner;
  expect(receivedFrames + lostFrames).toBe(usedFrames + droppedFrames + bufferedFrames);
  expect(aligner.presentFrames + aligner.missingFrames).toBe(contextFrames);
  for (const count of [usedFrames, droppedFrames, bufferedFrames, lostFrames]) {
    expect(count).toBeGreaterThanOrEqual(0);
  }
}

describe('two sources with clocks of their own stay together', () => {
  test.each([
    [300, 0, 0],
    [500, -500, 0],
    [-500, 500, 400],
    [0, 0, -500],
    [37, -12, 5],
  ])('%i and %i ppm fast, on a context that is %i ppm fast', (a, b, context) => {
    const rig = new ClockRig({ ...CONTEXT, ppm: context }, [
      { ...NEAR, ppm: a },
      { ...FAR, ppm: b },
    ]);
    rig.run(0.5);
    const start = offsets(rig, 10);
    expect(Math.max(...start.offsetsMs)).toBeLessThan(5);
    const { offsetsMs } = offsets(rig, 60);
    expect(Math.max(...offsetsMs)).toBeLessThan(0.5);
    expect(offsetsMs.length).toBeGreaterThan(49 * (RATE / 32));
    for (const [i, { aligner }] of rig.feeds.entries()) {
      expectAccount(aligner, rig.frame);
      expect(Math.abs((aligner.ratio - 1) * 1e6 - ([a, b][i]! - context))).toBeLessThan(15);
      expect(aligner.lostFrames).toBe(0);
    }
  });

  test('with clocks that wander', () => {
    const rig = new ClockRig(CONTEXT, [
      { ...NEAR, ppm: 100, wanderPpm: 50, wanderSeconds: 300 },
      { ...FAR, ppm: -100, wanderPpm: 30, wanderSeconds: 170 },
    ]);
    rig.run(10);
    expect(Math.max(...offsets(rig, 200).offsetsMs)).toBeLessThan(5);
  });

  test.each([16, 100, 128, 1024, 2048])('in quanta of %i frames', (quantum) => {
    const rig = new ClockRig({ sampleRate: 48_000, quantum, burst: 1 }, [
      { ...NEAR, ppm: 500 },
      { ...FAR, sampleRate: 44_100, ppm: -500 },
    ]);
    rig.run(1);
    const { offsetsMs } = offsets(rig, 8);
    expect(offsetsMs.length).toBeGreaterThan(6.5 * (48_000 / quantum));
    expect(Math.max(...offsetsMs)).toBeLessThan(5);
    for (const { aligner } of rig.feeds) expectAccount(aligner, rig.frame);
  });
});

describe('timestamps', () => {
  test('of sources that are rendered in bursts are uneven, which loses nothing', () => {
    const bursts = { timestampGrainMs: 10.2 };
    const rig = new ClockRig(CONTEXT, [
      { ...NEAR, ...bursts, ppm: 300 },
      { ...NEAR, ...bursts, ppm: -300, seed: 3, latencyMs: 20 },
    ]);
    rig.run(3);
    expect(Math.max(...offsets(rig, 60).offsetsMs)).toBeLessThan(5);
    for (const { aligner } of rig.feeds) {
      expect(aligner.lostFrames).toBe(0);
      expectAccount(aligner, rig.frame);
    }
  });

  test.each([
    ['even', 0.1],
    ['uneven', 9],
  ])('that are %s still reveal a single lost block', (_, timestampJitterMs) => {
    const losses = [[20, 20.005]] as const;
    const rig = new ClockRig(CONTEXT, [NEAR, { ...NEAR, timestampJitterMs, losses, seed: 3 }]);
    rig.run(19);
    expect(rig.feeds[1]!.aligner.lostFrames).toBe(0);
    rig.run(21);
    expect(rig.feeds[1]!.aligner.lostFrames).toBe(RATE / 100);
    expect(Math.max(...offsets(rig, 40).offsetsMs)).toBeLessThan(2);
    expectAccount(rig.feeds[1]!.aligner, rig.frame);
  });

  test.each([-70, 15, 70, 700])(
    'that are wrong by %i ms for a moment have an effect for a moment only',
    (ms) => {
      const timestampErrors = [[20, 20.03, ms]] as const;
      const rig = new ClockRig(CONTEXT, [NEAR, { ...NEAR, timestampErrors, seed: 3 }]);
      rig.run(19);
      const { aligner } = rig.feeds[1]!;
      const { missingFrames } = aligner;
      rig.run(21);
      const { offsetsMs } = offsets(rig, 40);
      expect(offsetsMs.length).toBeGreaterThan(18.9 * (RATE / 32));
      expect(Math.max(...offsetsMs)).toBeLessThan(2);
      expect(aligner.missingFrames - missingFrames).toBeLessThan(0.25 * RATE);
      expectAccount(aligner, rig.frame);
    },
  );
});

describe('a tone stays a tone', () => {
  test.each([
    [48_000, 48_000, 300],
    [44_100, 48_000, -500],
    [48_000, 44_100, 500],
  ])('from %i to %i Hz at %i ppm', (from, to, ppm) => {
    const frequency = 997;
    const signal = (seconds: number): number => 0.5 * Math.sin(2 * Math.PI * frequency * seconds);
    const source = { ...NEAR, sampleRate: from, ppm, channels: 1, signal };
    const rig = new ClockRig({ sampleRate: to }, [source]);
    rig.run(10);
    const heard: number[] = [];
    const { aligner, output } = rig.feeds[0]!;
    const { missingFrames } = aligner;
    rig.run(20, () => heard.push(...output[0]!));
    expect(aligner.missingFrames).toBe(missingFrames);
    expect(roughest(heard, frequency / to)).toBeLessThan(1e-4);
    const found = tones(heard, frequency / to);
    for (const { amplitude } of found) expect(amplitude).toBeCloseTo(0.5, 2);
    const noise = found.map((tone) => decibels(tone.amplitude / Math.SQRT2 / tone.residual));
    expect(median(noise)).toBeGreaterThan(75);
    const cents = found.map(({ ratio }) => 1200 * Math.log2(ratio));
    expect(Math.max(...cents.map(Math.abs))).toBeLessThan(4);
    expect(Math.abs(cents.reduce((sum, value) => sum + value, 0) / cents.length)).toBeLessThan(0.5);
  });
});

/** Largest change from one frame to the next. */
function steepest(samples: readonly number[]): number {
  let most = 0;
  for (let i = 1; i < samples.length; i++) {
    most = Math.max(most, Math.abs(samples[i]! - samples[i - 1]!));
  }
  return most;
}

describe('what is missing', () => {
  test('lost blocks become silence of their length, and are counted', () => {
    const losses = [[20, 20.095]] as const;
    const rig = new ClockRig(CONTEXT, [NEAR, { ...FAR, ppm: 200, losses }]);
    rig.run(15);
    const [near, far] = rig.feeds.map(({ aligner }) => aligner);
    const before = far!.missingFrames + far!.silentFrames;
    const { offsetsMs, alone } = offsets(rig, 30);
    expect(Math.max(...offsetsMs)).toBeLessThan(0.5);
    // Blocks of 20 ms.
    expect(far!.missingFrames + far!.silentFrames - before).toBeGreaterThanOrEqual(0.08 * RATE);
    expect(alone).toBeLessThan((0.2 * RATE) / 32);
    expect(far!.lostFrames % 160).toBe(0);
    expect(far!.gaps).toBeGreaterThan(0);
    expect(near!.lostFrames).toBe(0);
    for (const { aligner } of rig.feeds) expectAccount(aligner, rig.frame);
  });

  test.each([3, 60])('a source that pauses for %i s returns at its place', (pause) => {
    const losses = [[20, 20 + pause]] as const;
    const rig = new ClockRig(CONTEXT, [NEAR, { ...FAR, ppm: -300, losses }]);
    rig.run(19);
    const far = rig.feeds[1]!.aligner;
    const { missingFrames } = far;
    rig.run(20 + pause + 0.5);
    expect(Math.abs(far.missingFrames - missingFrames - pause * RATE)).toBeLessThan(0.1 * RATE);
    const { offsetsMs } = offsets(rig, 40 + pause);
    expect(offsetsMs.length).toBeGreaterThan(19 * (RATE / 32));
    expect(Math.max(...offsetsMs)).toBeLessThan(5);
    for (const { aligner } of rig.feeds) expectAccount(aligner, rig.frame);
  });

  test('a stall of arrivals is missing for its length, and the sources stay together', () => {
    const rig = new ClockRig(CONTEXT, [NEAR, { ...FAR, stalls: [[20, 20.4]] }]);
    rig.run(19);
    const [near, far] = rig.feeds.map(({ aligner }) => aligner);
    const before = [near!.missingFrames, far!.missingFrames];
    const { offsetsMs } = offsets(rig, 40);
    expect(Math.max(...offsetsMs)).toBeLessThan(0.5);
    expect(near!.missingFrames).toBe(before[0]);
    const missed = far!.missingFrames - before[1]!;
    expect(missed).toBeGreaterThan(0.25 * RATE);
    expect(missed).toBeLessThan(0.45 * RATE);
    expectAccount(far!, rig.frame);
  });

  test('edges of gaps do not click', () => {
    const signal = (seconds: number): number => 0.5 * Math.sin(2 * Math.PI * 200 * seconds);
    const losses = [
      [4, 4.06],
      [5, 5.02],
      [6, 9],
    ] as const;
    const stalls = [[10, 10.2]] as const;
    const source = { ...NEAR, sampleRate: 48_000, ppm: 100, channels: 1, signal, losses, stalls };
    const rig = new ClockRig({ sampleRate: 48_000 }, [{ ...source, to: 11 }]);
    const heard: number[] = [];
    rig.run(12, () => heard.push(...rig.feeds[0]!.output[0]!));
    expect(rig.feeds[0]!.aligner.gaps).toBeGreaterThanOrEqual(4);
    // The tone's own slope is 0.013; a cut at its height would be 0.5.
    expect(steepest(heard)).toBeLessThan(0.03);
    expect(heard.at(-1)).toBe(0);
  });
});

describe('start and end', () => {
  test('a source that is added later is heard in its place at once', () => {
    const rig = new ClockRig(CONTEXT, [NEAR, { ...FAR, ppm: 400, from: 30 }]);
    rig.run(30.5);
    const { offsetsMs } = offsets(rig, 50);
    expect(Math.max(...offsetsMs)).toBeLessThan(5);
    expect(offsetsMs.length).toBeGreaterThan(18 * (RATE / 32));
  });

  test('buffered audio is heard before the silence at the end', () => {
    const rig = new ClockRig(CONTEXT, [{ ...NEAR, to: 5 }]);
    const times: number[] = [];
    rig.run(8, () => times.push(timeOf(rig.feeds[0]!.output, 0)));
    // Time counts in cycles of 2 s from −1 to 1.
    expect(Math.abs(apart(times.findLast(Number.isFinite)!, 5))).toBeLessThan(0.012);
    expectAccount(rig.feeds[0]!.aligner, rig.frame);
  });

  test.each([0.3, 5])(
    'a context that was suspended for %f s leaves out the audio of that time',
    (pause) => {
      const rig = new ClockRig(CONTEXT, [{ ...NEAR, ppm: 300 }, FAR]);
      rig.run(20);
      const delay = apart(rig.seconds, timeOf(rig.feeds[0]!.output, 0));
      rig.stand(pause);
      rig.run(rig.seconds + 0.5);
      const { offsetsMs } = offsets(rig, rig.seconds + 20);
      expect(Math.max(...offsetsMs)).toBeLessThan(5);
      expect(Math.abs(apart(rig.seconds, timeOf(rig.feeds[0]!.output, 0)) - delay)).toBeLessThan(
        0.05,
      );
      for (const { aligner } of rig.feeds) expectAccount(aligner, rig.frame);
      expect(rig.feeds[0]!.aligner.droppedFrames).toBeGreaterThan((pause - 0.1) * RATE);
    },
  );
});
