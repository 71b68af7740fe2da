import { describe, expect, test } from 'vitest';
import { playMicwire } from '../bench/jitter/micwire-player.ts';
import { DRIFTS, PLAIN, trace } from '../bench/jitter/traces.ts';
import { DriftEstimator, GRAIN } from '../src/core/dsp/drift-estimator.ts';
import { seededRandom } from './helpers/random.ts';

/** Packets of 20 ms on a receiver's clock that runs faster by `ppm`, each `extra(n)` ms later than the fastest. */
function feed(
  estimator: DriftEstimator,
  from: number,
  to: number,
  ppm: number,
  extra: (n: number) => number,
): void {
  for (let n = from; n < to; n++) {
    const offset = 40 + n * 20 * ppm * 1e-6 + extra(n);
    estimator.observe(n * 20 + offset, offset);
  }
}

const ppm = (estimator: DriftEstimator): number => estimator.skew * 1e6;
const MINUTE = 3000;

describe('the clocks’ ratio is found', () => {
  test.each([300, -300, 37, 0])('without jitter: %i ppm', (skew) => {
    const estimator = new DriftEstimator();
    feed(estimator, 0, MINUTE, skew, () => 0);
    expect(ppm(estimator)).toBeCloseTo(skew, 0);
    expect(estimator.ratio).toBeCloseTo(1 - skew * 1e-6, 6);
  });

  test.each([
    [2, 10],
    [20, 60],
  ])('under delays of %i ms on average within %i ppm, after 3 minutes', (mean, within) => {
    for (const seed of [1, 2, 3]) {
      const random = seededRandom(seed);
      const estimator = new DriftEstimator();
      feed(estimator, 0, 3 * MINUTE, 250, () => -mean * Math.log(1 - random()));
      expect(Math.abs(ppm(estimator) - 250)).toBeLessThan(within);
    }
  });

  // 60 ms at 4.2782 % less are 62.57 ms: all but two and a half quanta.
  test.each([
    [-42_782, 60, 25],
    [42_782, 60, 25],
    [-12_000, 40, 16],
    [4000, 20, 8],
    [100, 20, 16],
    [-100, 60, 110.25],
  ])('of %i ppm from packets of %i ms in quanta of %f ms', (skew, packetMs, quantumMs) => {
    const random = seededRandom(5);
    const estimator = new DriftEstimator();
    estimator.input[GRAIN] = quantumMs;
    // The receiver's clock runs on by so much while the sender's runs on by 1.
    const ratio = 1 / (1 - skew * 1e-6);
    for (let n = 0; n * packetMs < 30_000; n++) {
      const arrival = n * packetMs * ratio + 40 + 8 * random();
      const now = Math.ceil(arrival / quantumMs) * quantumMs;
      estimator.observe(now, now - n * packetMs);
    }
    expect(Math.abs(ppm(estimator) - skew)).toBeLessThan(600);
  });

  test('nothing is claimed before there is enough data', () => {
    const estimator = new DriftEstimator();
    feed(estimator, 0, 100, 1000, () => 0);
    expect(ppm(estimator)).toBe(0);
    expect(estimator.known).toBe(false);
    feed(estimator, 100, 125, 1000, () => 0);
    expect(ppm(estimator)).toBeCloseTo(1000, -2);
    expect(estimator.known).toBe(true);
  });

  test.each([50_000, -50_000, 5000])('a device that is off by %i ppm is found in 3 s', (skew) => {
    const random = seededRandom(8);
    const estimator = new DriftEstimator();
    // As much of the sender's time goes by in a second of the receiver's.
    const ratio = 1 / (1 + skew * 1e-6);
    feed(estimator, 0, 150, skew, () => 2 * random());
    expect(Math.abs(estimator.ratio - ratio)).toBeLessThan(0.002);
    feed(estimator, 150, MINUTE, skew, () => 2 * random());
    expect(estimator.ratio).toBeCloseTo(ratio, 4);
  });

  test('a ratio beyond any clock’s error is blamed on the network, unless it is certain', () => {
    const random = seededRandom(9);
    const estimator = new DriftEstimator();
    for (let n = 0; n < 10; n++) {
      feed(estimator, 100 * n, 100 * n + 100, 0, () => (n < 5 ? 0 : 40) + 40 * random());
      expect(Math.abs(ppm(estimator))).toBeLessThanOrEqual(1500);
    }
    const steep = new DriftEstimator();
    feed(steep, 0, MINUTE, 80_000, () => 0);
    expect(ppm(steep)).toBeLessThanOrEqual(1500);
  });

  test('an uncertain slope is weighted as by a normal distribution of 150 ppm', () => {
    const estimator = new DriftEstimator();
    // One packet a quarter of a second: each is a point, but for the last.
    const noise = [0, 0.4, 0.1, 0.9, 0.2, 0.6, 0.3, 0.8];
    const times = noise.map((_, i) => 1000 + 250 * i);
    const offsets = noise.map((extra, i) => 40 + extra + times[i]! * 400e-6);
    for (let i = 0; i < 8; i++) estimator.observe(times[i]!, offsets[i]!);
    estimator.observe(4000, 50);
    const middle = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / 8;
    const [time, offset] = [middle(times), middle(offsets)];
    const variance = times.reduce((sum, t) => sum + (t - time) ** 2, 0);
    const slope =
      times.reduce((sum, t, i) => sum + (t - time) * (offsets[i]! - offset), 0) / variance;
    // Unbiased: two degrees of freedom went into the line.
    const residual =
      times.reduce((sum, t, i) => sum + (offsets[i]! - offset - slope * (t - time)) ** 2, 0) / 6;
    const expected = slope / (1 + residual / variance / 150e-6 ** 2);
    expect(ppm(estimator)).toBeCloseTo(expected * 1e6, 3);
    expect(ppm(estimator)).toBeGreaterThan(100);
    expect(ppm(estimator)).toBeLessThan(slope * 0.9e6);
  });
});

describe('arrivals without drift', () => {
  test('a stall of 2 s', () => {
    const random = seededRandom(4);
    const estimator = new DriftEstimator();
    const stalled = (n: number): number => (n >= 6000 ? Math.max(0, 2000 - (n - 6000) * 20) : 0);
    feed(estimator, 0, 3 * MINUTE, 100, (n) => stalled(n) + random());
    expect(Math.abs(ppm(estimator) - 100)).toBeLessThan(10);
  });

  test.each([100, -100])('a route that becomes %i ms longer', (step) => {
    const random = seededRandom(5);
    const estimator = new DriftEstimator();
    feed(estimator, 0, 2 * MINUTE, 100, () => random());
    for (let n = 2 * MINUTE; n < 6 * MINUTE; n += 100) {
      feed(estimator, n, n + 100, 100, () => 200 + step + random() - 200);
      expect(Math.abs(ppm(estimator) - 100)).toBeLessThan(15);
    }
  });
});

test('a single early packet before a longer route does not affect the ratio', () => {
  const estimator = new DriftEstimator();
  feed(estimator, 0, 2 * MINUTE, 100, () => 0);
  const from = 2 * MINUTE;
  feed(estimator, from, from + 110, 100, () => -8);
  for (let n = from + 110; n < from + 3000; n += 100) {
    feed(estimator, n, n + 100, 100, () => 100);
    expect(Math.abs(ppm(estimator) - 100)).toBeLessThan(30);
  }
});

test('after another route the drift is still followed', () => {
  const estimator = new DriftEstimator();
  feed(estimator, 0, 2 * MINUTE, 100, () => 0);
  const at = 2 * MINUTE;
  // From here on the clock is off by 200 ppm more.
  feed(estimator, at, at + 4 * MINUTE, 100, (n) => 100 + (n - at) * 20 * 200e-6);
  expect(ppm(estimator)).toBeCloseTo(300, -1);
});

test('a step before the first estimate is left behind', () => {
  const estimator = new DriftEstimator();
  // A device that is off by 2.1 %, and a path that is longer by 1.2 s from 1.5 s on.
  feed(estimator, 0, 75, 21_000, () => 0);
  feed(estimator, 75, 75 + 250, 21_000, () => 1200);
  // In units of the receiver's clock.
  expect(ppm(estimator)).toBeCloseTo(21_000 / 1.021, -2);
});

test.each([1, -1])(
  'a path that changed gradually is not mistaken for drift 2 s later, sign %i',
  (sign) => {
    const random = seededRandom(4);
    const estimator = new DriftEstimator();
    let worst = 0;
    for (let n = 0; n < 800; n += 10) {
      // 80 ms within 1.5 s, from the second second on; then as before.
      feed(estimator, n, n + 10, 0, (m) => {
        const since = m * 20 - 1000;
        return 200 + sign * Math.min(80, Math.max(0, (80 * since) / 1500)) + 2 * random();
      });
      if (n * 20 > 4500) worst = Math.max(worst, Math.abs(ppm(estimator)));
    }
    expect(worst).toBeLessThanOrEqual(1500);
  },
);

test('reset forgets', () => {
  const estimator = new DriftEstimator();
  feed(estimator, 0, MINUTE, 300, () => 0);
  estimator.reset();
  expect(estimator.ratio).toBe(1);
});

test.each(DRIFTS.filter(({ settings }) => settings.jitterMs === 3))(
  'a third of $name: nothing runs dry, and the delay stays the same',
  (scenario) => {
    const outcome = playMicwire(trace({ ...scenario, seconds: 1200 }, 11), PLAIN, undefined);
    expect(outcome.concealed).toBe(0);
    // Unattended it would have grown, or run dry, by 360 ms.
    expect(Math.abs(outcome.creepMs)).toBeLessThan(8);
    expect(outcome.scaled).toBeLessThan(3e-4);
  },
);
