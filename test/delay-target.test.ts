import { describe, expect, test } from 'vitest';
import { DelayTarget } from '../src/core/receive/delay-target.ts';
import type { DelayTargetOptions } from '../src/core/receive/delay-target.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 48_000;
const FRAMES = 960;
const LEAD_MS = 5;

/** Normal deviates from a seed (Box and Muller). */
function normals(seed: number): () => number {
  const random = seededRandom(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Lets packets arrive `delay(n)` ms after they were sent, in the order of arrival; infinite: never. */
function feed(target: DelayTarget, from: number, to: number, delay: (n: number) => number): void {
  const packets = Array.from({ length: to - from }, (_, i) => from + i)
    .map((n) => ({ n, at: n * 20 + delay(n) }))
    .sort((a, b) => a.at - b.at);
  for (const { n, at } of packets) {
    if (at < Infinity) target.arrived(n * FRAMES, at, 0, false);
    else target.missed(1);
  }
}

const make = (options: Partial<DelayTargetOptions> = {}): DelayTarget =>
  new DelayTarget({ sampleRate: RATE, leadMs: LEAD_MS, ...options });

/** How long a packet that was sent at 0 would wait in all, ms. */
const waits = (target: DelayTarget, n: number): number => target.dueMs(n * FRAMES) - n * 20;

/** 1 less the normal distribution function (Abramowitz and Stegun 26.2.17; error below 1e-7). */
function tail(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const poly =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const upper = (poly * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
  return z >= 0 ? upper : 1 - upper;
}

/** Where `delay + price × share that is late` is least, for normal delays. */
function cheapest(meanMs: number, deviationMs: number, latencyCost: number): number {
  let best = Infinity;
  let at = 0;
  for (let d = 0; d < 500; d++) {
    const cost = d + (10_000 / latencyCost) * tail((d - meanMs) / deviationMs);
    if (cost < best) {
      best = cost;
      at = d;
    }
  }
  return at;
}

describe('the target is where waiting longer costs more than it saves', () => {
  test('without jitter the target is the lead', () => {
    const target = make();
    feed(target, 0, 500, () => 25);
    expect(target.targetMs).toBeLessThanOrEqual(LEAD_MS + 1);
    expect(waits(target, 500)).toBeCloseTo(25 + LEAD_MS + 1, 0);
  });

  test.each([
    [20, 0.5],
    [20, 5],
    [10, 20],
  ])('normal jitter of %i ms at a latency cost of %d', (deviation, latencyCost) => {
    const normal = normals(1);
    const target = make({ latencyCost });
    feed(target, 0, 6000, () => 100 + deviation * normal());
    const best = cheapest(100, deviation, latencyCost) + LEAD_MS;
    // The near memory holds 400 packets: what it knows of the tail is about so sure.
    expect(Math.abs(waits(target, 6000) - best)).toBeLessThan(deviation * 0.75);
  });

  test('the higher the latency cost, the shorter the wait', () => {
    const found = [0.1, 1, 10, 100].map((latencyCost) => {
      const normal = normals(2);
      const target = make({ latencyCost });
      feed(target, 0, 3000, () => 100 + 20 * normal());
      return target.targetMs;
    });
    expect(found).toEqual(found.toSorted((a, b) => b - a));
    expect(found[0]! - found[3]!).toBeGreaterThan(40);
  });

  test('packets that never arrive are not waited for', () => {
    const random = seededRandom(3);
    const target = make();
    feed(target, 0, 3000, () => (random() < 0.2 ? Infinity : 25));
    expect(target.targetMs).toBeLessThanOrEqual(LEAD_MS + 1);
  });

  test('copies of them are: they arrive a packet later', () => {
    const random = seededRandom(3);
    const target = make();
    feed(target, 0, 3000, () => (random() < 0.05 ? 45 : 25));
    expect(target.targetMs).toBeCloseTo(20 + LEAD_MS + 1, 0);
  });
});

describe('memory', () => {
  test('spikes every 5 s are covered between them, too', () => {
    const target = make();
    const held = (n: number): number => Math.max(25, 145 - 20 * (n % 250));
    feed(target, 0, 3000, held);
    for (let n = 3000; n < 4000; n += 50) {
      feed(target, n, n + 50, held);
      expect(target.targetMs).toBeGreaterThan(90);
    }
  });

  test.each([500, 3000])('one stall of 2 s, after %i packets, does not count as jitter', (from) => {
    const normal = normals(4);
    const target = make();
    const usual = (): number => 30 + Math.abs(2 * normal());
    feed(target, 0, from, usual);
    const before = target.targetMs;
    feed(target, from, from + 100, (n) => Math.max(usual(), 2000 - 20 * (n - from)));
    feed(target, from + 100, from + 110, usual);
    expect(target.targetMs).toBeLessThan(before + 10);
  });

  test.each([
    [500, 150],
    [1000, 80],
    [1000, 150],
    [1000, 300],
    [1500, 300],
  ])('the first %i ms in blocks of %i ms are forgotten within 5 s', (badMs, blockMs) => {
    const random = seededRandom(badMs + blockMs);
    const target = make();
    const delay = (n: number): number => {
      const sent = n * 20;
      return Math.max(20 + 3 * random(), sent < badMs ? blockMs - (sent % blockMs) : 0);
    };
    const bad = badMs / 20;
    feed(target, 0, bad, delay);
    expect(waits(target, bad)).toBeGreaterThan(blockMs - 20);
    feed(target, bad, bad + 250, delay);
    expect(waits(target, bad + 250)).toBeLessThan(23 + LEAD_MS + 5);
  });

  test('past jitter is forgotten, fast at first', () => {
    const normal = normals(5);
    const target = make();
    feed(target, 0, 3000, () => 100 + 30 * normal());
    const rough = target.targetMs;
    feed(target, 3000, 12_000, () => 100 + normal());
    expect(target.targetMs).toBeLessThan(rough / 3);
  });

  test.each([80, -80])('a route that is %i ms longer is followed', (change) => {
    const target = make();
    feed(target, 0, 3000, () => 120);
    feed(target, 3000, 9000, () => 120 + change);
    expect(waits(target, 9000)).toBeGreaterThanOrEqual(120 + change);
    expect(waits(target, 9000)).toBeLessThan(120 + change + 25);
  });

  test.each([300, -300])('follows a sender whose clock is off by %i ppm', (ppm) => {
    const normal = normals(6);
    const target = make();
    const drift = (n: number): number => n * 20 * ppm * 1e-6;
    feed(target, 0, 6000, (n) => 50 + drift(n) + Math.abs(2 * normal()));
    const early = waits(target, 6000) - drift(6000);
    feed(target, 6000, 60_000, (n) => 50 + drift(n) + Math.abs(2 * normal()));
    expect(waits(target, 60_000) - drift(60_000)).toBeCloseTo(early, -1);
    expect(target.drift.skew * 1e6).toBeCloseTo(ppm, -1);
  });
});

describe('the target counts from the fastest current packets', () => {
  test('of a device that is off by 2.5 %, once that is known', () => {
    const target = make();
    const slow = (n: number): number => 25 + n * 0.5;
    feed(target, 0, 150, slow);
    expect(target.drift.skew * 1e6).toBeCloseTo(24_390, -2);
    feed(target, 150, 400, slow);
    // Without jitter it is the lead, and a period of a voice to stretch by.
    expect(target.targetMs).toBeLessThan(LEAD_MS + 12 + 8);
    expect(waits(target, 399)).toBeCloseTo(slow(399) + target.targetMs, -1);
  });

  test('after an error of the scale smaller than the jitter, as by a restart', () => {
    const random = seededRandom(5);
    const target = make();
    feed(target, 0, 400, () => 20 + 110 * random());
    const before = target.targetMs;
    target.restarted();
    feed(target, 400, 800, () => 60 + 110 * random());
    expect(Math.abs(target.targetMs - before)).toBeLessThan(12);
    // What is waited in all has grown with the scale.
    expect(waits(target, 799)).toBeGreaterThan(20 + 40 + 100);
  });

  test('if earlier ones were faster by more than is remembered, and a silence follows', () => {
    const target = make();
    feed(target, 0, 300, () => 4000);
    // For 0.8 s packets come without any delay, and then none for 2 s.
    feed(target, 500, 540, () => 0);
    feed(target, 540, 640, () => 2000);
    expect(waits(target, 639)).toBeLessThan(2000 + 60);
    expect(waits(target, 639)).toBeGreaterThan(2000);
  });
});

describe('limits', () => {
  test('apply at once, and the free target stays known', () => {
    const target = make({ startDelayMs: 40, minDelayMs: 60 });
    expect(target.targetMs).toBe(60);
    feed(target, 0, 500, () => 25);
    expect(target.targetMs).toBe(60);
    expect(target.freeTargetMs).toBeLessThan(10);
    target.setLimits(0, 3);
    expect(target.targetMs).toBe(3);
    expect([target.minDelayMs, target.maxDelayMs]).toEqual([0, 3]);
  });

  test('that are invalid are refused', () => {
    expect(() => make({ minDelayMs: 10, maxDelayMs: 5 })).toThrow('maxDelayMs must lie between 10');
    expect(() => make({ latencyCost: 0 })).toThrow(RangeError);
    expect(() => make().setLimits(-1, 5)).toThrow(RangeError);
  });
});

test.each([600, 1500, 3000])(
  'a path that was shorter by %i ms for less than a second is forgotten once packets take the old path again',
  (shorterMs) => {
    const random = seededRandom(5);
    const target = make();
    // Bursts of five packets, whose order is any.
    const burst = (n: number): number => 20 * (4 - (n % 5)) + 9 * random();
    const usual = (n: number): number => shorterMs + 60 + burst(n);
    feed(target, 0, 1000, usual);
    feed(target, 1000, 1040, (n) => 60 + burst(n));
    // Nothing for two seconds; and the way is not quite what it was.
    feed(target, 1150, 1175, (n) => usual(n) - 45);
    let late = 0;
    for (let n = 1175; n < 1275; n++) {
      const delay = usual(n) - 45;
      if (delay > waits(target, n)) late++;
      feed(target, n, n + 1, () => delay);
    }
    expect(late).toBeLessThan(5);
    expect(waits(target, 1275) - shorterMs).toBeLessThan(200);
  },
);

describe('a clock that stops, as in a suspended context', () => {
  /** Packets that came meanwhile, all at one time of that clock. */
  function arriveAtOnce(target: DelayTarget, from: number, to: number, delay: number): void {
    for (let n = from; n < to; n++) target.arrived(n * FRAMES, from * 20 + delay, 0, false);
  }

  test.each([400, 1000, 3000])(
    'for %i ms changes neither the target nor the clocks’ ratio',
    (ms) => {
      const random = seededRandom(3);
      const jitter = (): number => 25 + 30 * random();
      const target = make();
      feed(target, 0, 500, jitter);
      const before = target.targetMs;
      const waited = waits(target, 500);
      const skew = target.drift.skew;
      const stood = ms / 20;
      arriveAtOnce(target, 500, 500 + stood, 25);
      expect(target.targetMs).toBe(before);
      // All but the last packet's length are known of.
      expect(waited - waits(target, 500)).toBeGreaterThan(ms - 21);
      expect(waited - waits(target, 500)).toBeLessThan(ms);
      feed(target, 500 + stood, 1000, () => jitter() - ms);
      expect(Math.abs(target.targetMs - before)).toBeLessThan(5);
      expect(Math.abs(target.drift.skew - skew)).toBeLessThan(100e-6);
    },
  );

  test('with packets of 5 ms meanwhile, some repeated or out of order, is recognized', () => {
    const target = make();
    feed(target, 0, 500, () => 25);
    for (let k = 0; k < 400; k++) {
      const frame = 500 * FRAMES + (k ^ 1) * 240;
      target.arrived(frame, 10_025, k % 3, false);
    }
    feed(target, 600, 700, () => 25 - 2000);
    expect(Math.abs(waits(target, 700) - (25 - 2000 + LEAD_MS))).toBeLessThan(10);
    expect(target.targetMs).toBeLessThan(LEAD_MS + 40);
  });

  test('is distinguished from a sender’s bursts and a stall', () => {
    const target = make();
    // Bursts of ten packets, of which the last is never late.
    const burst = (n: number): number => 25 + 20 * (9 - (n % 10));
    feed(target, 0, 500, burst);
    const before = waits(target, 499);
    // Two seconds' packets come at once, the last of them as usual.
    for (let n = 500; n < 600; n++) target.arrived(n * FRAMES, 599 * 20 + 25, 0, false);
    feed(target, 600, 1500, burst);
    expect(Math.abs(waits(target, 1500) - before)).toBeLessThan(25);
  });
});

test('successive pauses that lengthen the path leave nothing to wait for', () => {
  const target = make();
  feed(target, 0, 200, () => 20);
  for (let i = 1; i <= 3; i++) feed(target, 200 + 29 * i, 210 + 29 * i, () => 20 + 380 * i);
  feed(target, 300, 400, () => 20 + 3 * 380);
  expect(target.targetMs).toBeLessThan(LEAD_MS + 20);
});

test('a sender whose clock is off by 4 % is judged by its latest fastest packets, once that is known', () => {
  const random = seededRandom(9);
  const target = make();
  // Packets of 20 ms that take 20.8; bursts of six. The path was longer at first, and then not.
  const late = (n: number): number => 0.8 * n + 20 * (5 - (n % 6)) + 8 * random();
  feed(target, 0, 150, (n) => 150 + late(n));
  feed(target, 150, 900, late);
  const fastest = 0.8 * 900;
  expect(waits(target, 900) - target.targetMs - fastest).toBeGreaterThan(-10);
  expect(waits(target, 900) - target.targetMs - fastest).toBeLessThan(25);
});
