import { describe, expect, test } from 'vitest';
import { playMicwire } from '../bench/jitter/micwire-player.ts';
import { DRIFTS, PLAIN, trace } from '../bench/jitter/traces.ts';
import { DriftEstimator } from '../src/core/playout/drift-estimator.ts';
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

  test('nothing is claimed before there is enough to go by', () => {
    const estimator = new DriftEstimator();
    feed(estimator, 0, 500, 1000, () => 0);
    expect(ppm(estimator)).toBe(0);
  });

  test('more than any clock is off by is the network', () => {
    const estimator = new DriftEstimator();
    feed(estimator, 0, MINUTE, 20_000, () => 0);
    expect(ppm(estimator)).toBeCloseTo(1500, 0);
  });
});

describe('what is no drift', () => {
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

test('after another route the drift is followed on', () => {
  const estimator = new DriftEstimator();
  feed(estimator, 0, 2 * MINUTE, 100, () => 0);
  const at = 2 * MINUTE;
  // From here on the clock is off by 200 ppm more.
  feed(estimator, at, at + 4 * MINUTE, 100, (n) => 100 + (n - at) * 20 * 200e-6);
  expect(ppm(estimator)).toBeCloseTo(300, -1);
});

test('reset forgets', () => {
  const estimator = new DriftEstimator();
  feed(estimator, 0, MINUTE, 300, () => 0);
  estimator.reset();
  expect(estimator.ratio).toBe(1);
});

test.each(DRIFTS.filter(({ settings }) => settings.jitterMs === 3))(
  'a third of $name: nothing runs dry, and the delay stays what it was',
  (scenario) => {
    const outcome = playMicwire(trace({ ...scenario, seconds: 1200 }, 11), PLAIN, undefined);
    expect(outcome.concealed).toBe(0);
    // Unattended it would have grown, or run dry, by 360 ms.
    expect(Math.abs(outcome.creepMs)).toBeLessThan(8);
    expect(outcome.scaled).toBeLessThan(3e-4);
  },
);
