import { describe, expect, it } from 'vitest';
import { DelaySwings } from '../src/core/receive/delay-swings.ts';

/** The level is that of the fastest packet of so long, ms. */
const WINDOW_MS = 200;

/** Tells of packets window by window; each window is looked at when the next one begins. */
function swingsOf({ latencyCost = 1, spread = 20 } = {}) {
  const swings = new DelaySwings(latencyCost);
  let now = 1000;
  const observe = (late: number, elapsed = 0) => {
    now += elapsed;
    swings.input.set([now, late, spread]);
    swings.observe();
  };
  /** Three packets a window, the second of which is the fastest. @returns what the window before was taken for */
  const level = (ms: number) => {
    observe(ms + 7);
    const { heldMs, aheadMs } = swings;
    observe(ms, 90);
    observe(ms + 3, 90);
    now += WINDOW_MS - 180;
    return { heldMs, aheadMs };
  };
  /** @returns what is held, and what is ahead, once the last window is over */
  const levels = (...all: number[]) => {
    for (const one of all) level(one);
    observe(1000);
    return { held: swings.heldMs, ahead: swings.aheadMs };
  };
  return { swings, observe, level, levels };
}

const held = (...levels: number[]) => swingsOf().levels(...levels).held;
const ahead = (...levels: number[]) => swingsOf().levels(...levels).ahead;

describe('a delay swings', () => {
  it('when its level has risen twice by more than 100 ms, and fallen by as much between', () => {
    expect(held(0, 101, 0)).toBe(-Infinity);
    expect(held(0, 101, 0, 101)).toBe(101);
    expect(held(0, 100, 0, 101)).toBe(-Infinity);
    expect(held(0, 101, 0, 100)).toBe(-Infinity);
    expect(held(0, 101, 1, 102)).toBe(-Infinity);
    expect(held(0, 101, 0.5, 101)).toBe(101);
  });

  it('measured from its highest level since it rose, and its lowest since it fell', () => {
    expect(held(0, 101, 150, 49, 150)).toBe(150);
    expect(held(0, 101, 150, 50, 151)).toBe(-Infinity);
    expect(held(0, 101, 150, 120, 49, 150)).toBe(150);
    expect(held(50, 151, 50, 20, 121)).toBe(151);
    expect(held(50, 151, 50, 20, 120)).toBe(-Infinity);
    expect(held(50, 20, 121, 20, 121)).toBe(121);
  });

  it('but a few late packets are not a swing: the fastest of 200 ms counts', () => {
    const { swings, observe } = swingsOf();
    for (let n = 0; n < 200; n++) observe(n % 20 < 9 ? 500 : 0, 20);
    expect([swings.swings, swings.heldMs]).toEqual([false, -Infinity]);
    for (let n = 0; n < 80; n++) observe(n % 20 < 10 ? 500 : 0, 20);
    expect([swings.swings, swings.heldMs]).toEqual([true, 500]);
  });

  it('until a minute after the second last rise', () => {
    const { level } = swingsOf({ latencyCost: 0.01 });
    for (const one of [0, 200, 0, 200]) level(one);
    // The rise was noted when the third window began; this is the fifth.
    let windows = 0;
    while (level(200).heldMs === 200 && windows < 1000) windows++;
    expect(windows).toBe(60_000 / WINDOW_MS - 1);
    expect(level(200).heldMs).toBe(-Infinity);
    expect(level(0).heldMs).toBe(-Infinity);
    level(200);
    expect(level(200).heldMs).toBe(-Infinity);
    level(0);
    level(200);
    expect(level(0).heldMs).toBe(200);
  });
});

describe('the highest level', () => {
  it.each([
    [0.5, 12_000],
    [1, 6000],
    [2, 3000],
  ])('is held, at a latency cost of %f, for about %i ms', (latencyCost, holdMs) => {
    const { level } = swingsOf({ latencyCost });
    for (const one of [0, 300, 0, 200]) level(one);
    let windows = 0;
    while (level(120).heldMs === 300 && windows < 1000) windows++;
    // It was seen two windows before; and is forgotten by sixteenths.
    const heldMs = (windows + 2) * WINDOW_MS;
    expect(heldMs).toBeGreaterThan(holdMs * (15 / 16) - WINDOW_MS);
    expect(heldMs).toBeLessThanOrEqual(holdMs + WINDOW_MS);
    for (let n = 0; n < 3; n++) level(120);
    expect(level(120).heldMs).toBe(120);
  });

  it('is held for as long if no packet arrives meanwhile', () => {
    for (const [silenceMs, expected] of [
      [5000, 300],
      [5500, 250],
      [6500, 250],
    ] as const) {
      const { swings, level, observe } = swingsOf();
      for (const one of [0, 300, 0, 250]) level(one);
      observe(120, silenceMs);
      // It ended the last window.
      expect(swings.heldMs).toBe(expected);
    }
  });
});

describe('a level that climbs from window to window', () => {
  it('is expected to climb by three times as much again', () => {
    expect(ahead(0, 15, 30, 45, 60)).toBe(60 + 3 * 60);
    expect(ahead(5, 19, 33, 47)).toBe(47 + 3 * 42);
    expect(ahead(0, 15, 30, 45, 44)).toBe(-Infinity);
    expect(ahead(60, 0, 15, 30, 45)).toBe(45 + 3 * 45);
    expect(ahead(0, 0, 21, 42)).toBe(42 + 3 * 42);
  });

  it('has climbed three windows in a row, with no step of 60 % of it or more', () => {
    expect(ahead(0, 30, 60)).toBe(-Infinity);
    expect(ahead(0, 20, 40, 60)).toBe(60 + 3 * 60);
    expect(ahead(0, 9, 18, 45)).toBe(-Infinity);
    expect(ahead(0, 10, 19, 45)).toBe(45 + 3 * 45);
    expect(ahead(0, 27, 36, 45)).toBe(-Infinity);
    expect(ahead(0, 26, 36, 45)).toBe(45 + 3 * 45);
  });

  it('has climbed more than the usual spread, of 40 to 80 ms', () => {
    const climbed = (spread: number, ms: number) =>
      swingsOf({ spread }).levels(0, ms / 3, (2 * ms) / 3, ms).ahead > 0;
    expect([climbed(20, 40), climbed(20, 41)]).toEqual([false, true]);
    expect([climbed(60, 60), climbed(60, 61)]).toEqual([false, true]);
    expect([climbed(200, 80), climbed(200, 81)]).toEqual([false, true]);
  });

  it('is followed over eight windows', () => {
    expect(ahead(...Array.from({ length: 8 }, (_, i) => 10 * i))).toBe(70 + 3 * 70);
    expect(ahead(...Array.from({ length: 12 }, (_, i) => 10 * i))).toBe(110 + 3 * 70);
  });
});

describe('the scale of delays', () => {
  const LEVELS = [0, 15, 30, 45, 160, 30, 0, 120, 130, 140, 155, 170, 60, 0, 20, 40, 60, 200, 20];

  it('may move, also between packets: past observations move with it', () => {
    for (let at = 1; at < LEVELS.length; at += 3) {
      const moved = swingsOf();
      const plain = swingsOf();
      for (const one of LEVELS.slice(0, at)) {
        moved.level(one);
        plain.level(one + 50);
      }
      moved.observe(LEVELS[at]! + 1);
      plain.observe(LEVELS[at]! + 51);
      moved.swings.shift(50);
      expect(moved.swings.heldMs).toBe(plain.swings.heldMs);
      expect(moved.swings.aheadMs).toBe(plain.swings.aheadMs);
      const rest = LEVELS.slice(at).map((one) => one + 55);
      expect(rest.map(moved.level)).toEqual(rest.map(plain.level));
    }
  });

  it('is forgotten by a reset, with everything else', () => {
    for (let at = 1; at < LEVELS.length; at += 3) {
      const again = swingsOf();
      for (const one of LEVELS.slice(0, at)) again.level(one);
      again.observe(90);
      again.swings.reset();
      expect([again.swings.heldMs, again.swings.aheadMs]).toEqual([-Infinity, -Infinity]);
      const plain = swingsOf();
      expect(LEVELS.map(again.level)).toEqual(LEVELS.map(plain.level));
    }
  });
});
