import { describe, expect, it } from 'vitest';
import { DelayTarget } from '../src/core/receive/delay-target.ts';
import type { DelayTargetOptions } from '../src/core/receive/delay-target.ts';

const FRAMES = 960;
const PACKET_MS = 20;
const LEAD_MS = 5;
/** Where all packets are equally fast they are waited for until the millisecond after, and the lead. */
const LEAST_MS = 1 + LEAD_MS;

/** A target, and a network whose packet n takes `delay(n)` ms; the order is that of arrival. */
function pathOf(options: Partial<DelayTargetOptions> = {}) {
  const target = new DelayTarget({ sampleRate: 48_000, leadMs: LEAD_MS, ...options });
  let sent = 0;
  const run = (
    count: number,
    delay: (n: number) => number,
    seen: (n: number) => void = () => undefined,
  ) => {
    const from = sent;
    sent += count;
    Array.from({ length: count }, (_, i) => ({
      n: from + i,
      at: (from + i) * PACKET_MS + delay(i),
    }))
      .sort((a, b) => a.at - b.at)
      .forEach(({ n, at }) => {
        target.arrived(n * FRAMES, at, 0, false);
        seen(n - from);
      });
  };
  /** Packets of which the `count`th and no earlier one changes `value`, while all take `ms`. */
  const packetsUntil = (ms: number, value: () => number) => {
    const before = value();
    for (let count = 1; count < 500; count++) {
      run(1, () => ms);
      if (Math.abs(value() - before) > 1) return count;
    }
    return Infinity;
  };
  /** What the fastest packets take, and what each waits for in all, ms. */
  const fastest = () => target.earliestMs(sent * FRAMES) - sent * PACKET_MS;
  const waits = () => target.dueMs(sent * FRAMES) - sent * PACKET_MS;
  /** Nothing is sent for so long. */
  const pause = (ms: number) => (sent += ms / PACKET_MS);
  return { target, run, packetsUntil, fastest, waits, pause };
}

describe('the first packets', () => {
  it('wait for the start delay, until 25 have arrived', () => {
    for (const startDelayMs of [undefined, 70]) {
      const { target, run, fastest, waits } = pathOf({
        ...(startDelayMs !== undefined && { startDelayMs }),
      });
      const start = startDelayMs ?? 40;
      expect(target.targetMs).toBe(start);
      run(24, () => 25);
      expect([target.targetMs, fastest(), waits()]).toEqual([start, 25, 25 + start]);
      run(1, () => 25);
      expect([target.targetMs, target.freeTargetMs, fastest(), waits()]).toEqual([
        LEAST_MS,
        LEAST_MS,
        25,
        25 + LEAST_MS,
      ]);
    }
  });

  it('count from the fastest packet so far', () => {
    const { run, fastest } = pathOf();
    run(1, () => 45);
    expect(fastest()).toBe(45);
    run(3, () => 30);
    expect(fastest()).toBe(30);
    run(3, () => 60);
    expect(fastest()).toBe(30);
    // By 20 ms and more they may be of another path.
    run(3, () => 9);
    expect(fastest()).toBe(30);
  });
});

describe('the target', () => {
  /** Each `nth` packet is 20 ms later than the others. */
  const withLate = (latencyCost: number, nth: number, missed = 0) => {
    const { target, run } = pathOf({ latencyCost });
    run(
      400,
      (n) => (n % nth === 0 ? 45 : 25),
      () => missed > 0 && target.missed(missed),
    );
    return target.targetMs;
  };

  it('covers late packets where concealing them costs more than waiting', () => {
    // A tenth, at a price of 10000 ms over the latency cost: 50 ms or 10 ms against 20 ms.
    expect(withLate(20, 10)).toBe(20 + LEAST_MS);
    expect(withLate(100, 10)).toBe(LEAST_MS);
    // A fifth: 40 ms.
    expect(withLate(50, 5)).toBe(20 + LEAST_MS);
  });

  it('counts missing packets, which lowers the share of late ones', () => {
    expect(withLate(25, 10)).toBe(20 + LEAST_MS);
    expect(withLate(25, 10, 3)).toBe(LEAST_MS);
  });

  it('is computed every 100 ms, or when a packet was late', () => {
    const { target, run } = pathOf({ latencyCost: 0.01 });
    run(26, () => 25);
    // The last time was with the 25th.
    const after = (late: boolean) => {
      target.arrived(26 * FRAMES, 26 * PACKET_MS + 40, 0, late);
      return target.targetMs;
    };
    expect(after(false)).toBe(LEAST_MS);
    expect(after(true)).toBe(15 + LEAST_MS);
    for (const [n, expected] of [
      [27, 15 + LEAST_MS],
      [31, 15 + LEAST_MS],
      [32, 18 + LEAST_MS],
    ] as const) {
      target.arrived(n * FRAMES, n * PACKET_MS + (n === 27 ? 43 : 25), 0, false);
      expect(target.targetMs).toBe(expected);
    }
  });

  it('counts packets that arrive together as one event: the first of them', () => {
    const { target, run } = pathOf({ latencyCost: 100 });
    // Five at a time, 80 to 0 ms late. Counted alike, a fifth at a price of 100 ms would be worth 60 ms, not 80.
    run(500, (n) => 25 + PACKET_MS * (4 - (n % 5)));
    expect(target.targetMs).toBe(80 + LEAST_MS);
  });

  it('gives past observations less weight after a restart', () => {
    const packetsToForget = (restarts: boolean) => {
      const { target, run, packetsUntil } = pathOf({ latencyCost: 25 });
      run(500, (n) => (n % 10 === 0 ? 45 : 25));
      expect(target.targetMs).toBe(20 + LEAST_MS);
      if (restarts) target.restarted();
      return packetsUntil(25, () => target.targetMs);
    };
    // The share of those that were late must halve: of 10 s the last six or so count.
    const plain = packetsToForget(false);
    expect(plain).toBeGreaterThan(240);
    // What was seen counts for e⁻² of that.
    expect(packetsToForget(true)).toBeGreaterThan(0.1 * plain);
    expect(packetsToForget(true)).toBeLessThan(0.25 * plain);
  });

  it('covers one more voice period for a sender whose clock is too slow for the resampler', () => {
    const { target, run, fastest } = pathOf();
    run(500, (n) => 25 + 0.4 * n);
    expect(target.drift.skew).toBeCloseTo(0.02 / 1.02, 3);
    expect(target.targetMs).toBeGreaterThanOrEqual(LEAST_MS + 12);
    expect(target.targetMs).toBeLessThanOrEqual(LEAST_MS + 12 + 2);
    expect(Math.abs(fastest() - (25 + 0.4 * 500))).toBeLessThan(2);
    const fast = pathOf();
    fast.run(500, (n) => 300 - 0.4 * n);
    expect(fast.target.targetMs).toBeLessThanOrEqual(LEAST_MS + 2);
  });
});

describe('packets that a stall held up', () => {
  /** Nothing comes for `ms`, then all at once. */
  const stall = ({ run }: ReturnType<typeof pathOf>, ms: number) =>
    run(Math.ceil(ms / PACKET_MS), (i) => 25 + ms - PACKET_MS * i);
  /** The target after stalls, ten seconds or so of calm between them. */
  const after = (calm: number, ...stalls: number[]) => {
    const path = pathOf();
    path.run(100, () => 25);
    for (const ms of stalls) {
      path.run(calm, () => 25);
      stall(path, ms);
      path.run(6, () => 25);
    }
    return path.target.targetMs;
  };

  it('for up to 250 ms are covered the next time', () => {
    expect(after(100, 100)).toBe(100 + LEAST_MS);
    expect(after(100, 250)).toBe(250 + LEAST_MS);
    expect(after(100, 251)).toBe(LEAST_MS);
  });

  it('for longer are covered after the second stall of such a length', () => {
    expect(after(200, 300)).toBe(LEAST_MS);
    expect(after(200, 300, 300)).toBe(300 + LEAST_MS);
    expect(after(200, 300, 280)).toBe(280 + LEAST_MS);
    expect(after(200, 300, 301)).toBe(LEAST_MS);
    expect(after(200, 300, 320, 310)).toBe(310 + LEAST_MS);
  });

  it('for longer are forgotten after a minute', () => {
    const minute = 60_000 / PACKET_MS;
    const twice = (apart: number) => {
      const path = pathOf();
      path.run(100, () => 25);
      stall(path, 300);
      path.run(6, () => 25);
      // It ended with the second of those; the next one ends with 15 packets.
      path.pause((apart - 4 - 26 - 15) * PACKET_MS);
      path.run(25, () => 25);
      stall(path, 300);
      path.run(6, () => 25);
      return path.target.targetMs;
    };
    expect(twice(minute - 1)).toBe(300 + LEAST_MS);
    expect(twice(minute + 1)).toBe(LEAST_MS);
  });
});

describe('a path that becomes longer', () => {
  /** Packets of the longer path until it is believed to be one. */
  const packets = (ms: number) => {
    const { run, packetsUntil, fastest } = pathOf();
    run(150, () => 25);
    const count = packetsUntil(25 + ms, fastest);
    if (count < Infinity) expect(Math.abs(fastest() - 25 - ms)).toBeLessThan(1);
    return count;
  };

  it('is accepted the sooner, the longer it is: for 100 ms after 2 s, which is the maximum', () => {
    expect(packets(100)).toBe(101);
    expect(packets(50)).toBe(101);
    expect(packets(21)).toBe(101);
    expect(packets(160)).toBe(1 + Math.ceil(1250 / PACKET_MS));
  });

  it('is accepted after 200 ms at the earliest, of which the silence before it counts as 60', () => {
    expect(packets(400)).toBe(1 + (500 - 60) / PACKET_MS);
    expect(packets(900)).toBe(1 + Math.ceil((222 - 60) / PACKET_MS));
    expect(packets(2000)).toBe(1 + (200 - 60) / PACKET_MS);
  });

  it('keeps the jitter of the old path', () => {
    const { target, run, waits } = pathOf();
    const jitter = (n: number) => (n % 5) * 3;
    run(300, (n) => 25 + jitter(n));
    expect([target.targetMs, waits()]).toEqual([12 + LEAST_MS, 25 + 12 + LEAST_MS]);
    run(110, (n) => 125 + jitter(n));
    expect(target.targetMs).toBe(12 + LEAST_MS);
    expect(Math.abs(waits() - (125 + 12 + LEAST_MS))).toBeLessThan(1);
  });

  it('is not assumed if one packet arrives as fast as before', () => {
    const { run, fastest } = pathOf();
    run(150, () => 25);
    run(300, (n) => (n % 60 === 59 ? 25 : 125));
    expect(Math.abs(fastest() - 25)).toBeLessThan(1);
  });

  it('by no more than the usual spread counts as jitter', () => {
    const { run, packetsUntil, fastest } = pathOf();
    // The middle is 50 ms above the fastest.
    run(150, (n) => (n % 5 === 0 ? 25 : 75));
    expect(packetsUntil(25 + 48, fastest)).toBeGreaterThan(101);
    const other = pathOf();
    other.run(150, (n) => (n % 5 === 0 ? 25 : 75));
    expect(other.packetsUntil(25 + 80, other.fastest)).toBe(101);
  });
});

describe('audio that is due meanwhile', () => {
  it('is lifted by the delay that all packets have had for more than 60 ms, up to the earlier target', () => {
    const { target, run } = pathOf({ maxDelayMs: 50 });
    run(150, () => 25);
    const lifts: number[] = [];
    run(
      101,
      () => 125,
      () => lifts.push(target.liftMs),
    );
    expect(lifts.slice(0, 3)).toEqual([0, 0, 0]);
    // 100 ms and the target, less the target as it is by then, which its limit holds at 50 ms.
    for (const lift of lifts.slice(10, 100)) expect(lift).toBeCloseTo(100 + LEAST_MS - 50, 0);
    expect(lifts[100]).toBe(0);
  });

  it('is lifted at once after a silence, by the delay of the least late packet', () => {
    const { target, run, pause } = pathOf({ maxDelayMs: LEAST_MS });
    run(150, () => 25);
    pause(400);
    run(1, () => 185);
    expect(target.liftMs).toBeCloseTo(160, 0);
    run(1, () => 170);
    expect(target.liftMs).toBeCloseTo(145, 0);
    run(1, () => 155);
    expect(target.liftMs).toBeCloseTo(130, 0);
    run(1, () => 165);
    expect(target.liftMs).toBeCloseTo(130, 0);
    // Limits hold for the target of before, too.
    target.setLimits(90, 90);
    expect(target.liftMs).toBeCloseTo(130, 0);
    target.setLimits(20, 50);
    expect(target.targetMs).toBe(50);
    expect(target.liftMs).toBeCloseTo(130 + 20 - 50, 0);
    target.setLimits(0, 3);
    expect(target.liftMs).toBeCloseTo(130, 0);
    run(1, () => 25);
    expect(target.liftMs).toBe(0);
  });

  it('is not lifted if the target covers it', () => {
    const { target, run } = pathOf();
    run(150, () => 25);
    run(50, () => 125);
    expect(target.targetMs).toBe(100 + LEAST_MS);
    expect(target.liftMs).toBe(0);
  });
});

describe('a path that becomes shorter', () => {
  it('is accepted once all packets have taken it for a second', () => {
    for (const ms of [40, 100, 400]) {
      const { target, run, packetsUntil, fastest, waits, pause } = pathOf();
      run(150, () => 25 + ms);
      // So that no packet overtakes another.
      pause(ms);
      expect(packetsUntil(25, fastest)).toBe(51);
      expect(Math.abs(fastest() - 25)).toBeLessThan(1);
      expect(target.targetMs).toBe(LEAST_MS);
      expect(Math.abs(waits() - 25 - LEAST_MS)).toBeLessThan(1);
    }
  });

  it('keeps the jitter of the old path', () => {
    const { target, run, waits } = pathOf();
    const jitter = (n: number) => (n % 5) * 3;
    run(300, (n) => 125 + jitter(n));
    run(60, (n) => 25 + jitter(n));
    expect(target.targetMs).toBe(12 + LEAST_MS);
    expect(Math.abs(waits() - (25 + 12 + LEAST_MS))).toBeLessThan(1);
  });

  it('by less than 20 ms counts as jitter of the same path', () => {
    const { run, fastest } = pathOf();
    run(150, () => 45);
    run(7, () => 26);
    expect(Math.abs(fastest() - 26)).toBeLessThan(1);
  });

  it('is not assumed if one packet arrives as slowly as before, unless faster ones are mixed in for five seconds', () => {
    const path = pathOf();
    path.run(150, () => 125);
    const fastest: number[] = [];
    path.run(
      300,
      (n) => (n % 10 < 3 ? 65 : 125),
      () => fastest.push(path.fastest()),
    );
    expect(fastest.slice(1, 249).every((ms) => Math.abs(ms - 125) < 1)).toBe(true);
    expect(fastest.slice(265).every((ms) => Math.abs(ms - 65) < 1)).toBe(true);
  });

  it('is not assumed if its packets are more than a second apart', () => {
    const { run, fastest } = pathOf();
    run(150, () => 125);
    run(600, (n) => (n % 60 < 3 ? 65 : 125));
    expect(Math.abs(fastest() - 125)).toBeLessThan(1);
  });
});

it('has limits of 0 and 2 s, and a price, that must lie within bounds', () => {
  const { minDelayMs, maxDelayMs } = pathOf().target;
  expect([minDelayMs, maxDelayMs]).toEqual([0, 2000]);
  for (const options of [
    { latencyCost: 100.5 },
    { latencyCost: 0.009 },
    { minDelayMs: -1 },
    { maxDelayMs: 10_001 },
    { leadMs: 1001 },
    { startDelayMs: 10_001 },
    { sampelRate: 8000 } as object,
  ]) {
    expect(() => pathOf(options)).toThrow();
  }
});

it('a reset restores everything but the limits', () => {
  const used = pathOf();
  used.target.setLimits(3, 90);
  used.run(150, () => 25);
  used.run(20, (n) => 425 - PACKET_MS * n);
  used.run(200, (n) => 60 + (n % 7) * 6 + 0.3 * n);
  used.pause(400);
  used.run(2, () => 380);
  expect(used.target.liftMs).toBeGreaterThan(0);
  used.target.reset();
  expect([used.target.liftMs, used.target.drift.skew, used.target.swings]).toEqual([0, 0, false]);
  const plain = pathOf();
  plain.target.setLimits(3, 90);
  const seen = [used, plain].map(({ target, run, fastest }) => {
    const rows: number[][] = [];
    const note = () => rows.push([fastest(), target.targetMs, target.liftMs, target.drift.skew]);
    // The stall is the first of its size again.
    run(100, (n) => 50 + (n % 4) * 5, note);
    run(15, (n) => 350 - PACKET_MS * n, note);
    run(100, (n) => 110 + (n % 4) * 5, note);
    return rows.slice(30);
  });
  expect(seen[0]!.length).toBeGreaterThan(100);
  for (const [i, row] of seen[0]!.entries()) {
    for (const [j, value] of row.entries()) expect(value).toBeCloseTo(seen[1]![i]![j]!, 5);
  }
});
