import { describe, expect, it } from 'vitest';
import { LinkModel } from '../demo/link/link-model.ts';
import { formatLinkTrace, parseLinkTrace } from '../demo/link/link-trace.ts';
import type { LinkSettings } from '../demo/link/settings.ts';
import { checkLinkSettings, CLEAN, isClear, LINK_RANGES, PRESETS } from '../demo/link/settings.ts';

const PACKETS = 100_000;
const PERIOD_MS = 20;

/** What a link does to packets of 160 bytes each 20 ms: delays in ms, -1 for those lost. */
function delays(settings: Partial<LinkSettings>, seed = 1, packets: number = PACKETS): number[] {
  const link = new LinkModel({ ...CLEAN, ...settings }, seed);
  return Array.from({ length: packets }, (_, index) => {
    const now = index * PERIOD_MS;
    const arrival = link.fate(160, now);
    return arrival < 0 ? -1 : arrival - now;
  });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - middle) ** 2)));
};

/** Lengths of the runs of lost packets. */
function bursts(fates: readonly number[]): number[] {
  const runs: number[] = [];
  let run = 0;
  for (const fate of fates) {
    if (fate < 0) run++;
    else if (run > 0) {
      runs.push(run);
      run = 0;
    }
  }
  return runs;
}

describe('LinkModel', () => {
  it('lets everything through at once when clean', () => {
    expect(new Set(delays({}, 1, 1000))).toEqual(new Set([0]));
  });

  it('gives the same fates for the same seed, and others for another seed', () => {
    const settings = { delayMs: 60, jitterMs: 30, lossRatio: 0.05, reorderRatio: 0.1 };
    const fates = delays(settings, 7, 2000);
    expect(delays(settings, 7, 2000)).toEqual(fates);
    expect(delays(settings, 8, 2000)).not.toEqual(fates);
    // Neighbouring seeds must not lose the same packets: chance allows 5 % of 5 %.
    const other = delays(settings, 8, PACKETS);
    const both = delays(settings, 7, PACKETS).filter((fate, i) => fate < 0 && other[i]! < 0);
    expect(both.length / PACKETS).toBeGreaterThan(0.002);
    expect(both.length / PACKETS).toBeLessThan(0.003);
  });

  it('loses the same packets with any delays', () => {
    const lost = (settings: Partial<LinkSettings>) =>
      delays({ ...settings, lossRatio: 0.1 }, 3, 5000).flatMap((fate, i) => (fate < 0 ? [i] : []));
    const plain = lost({});
    expect(plain.length).toBeGreaterThan(400);
    expect(lost({ delayMs: 50, jitterMs: 40, reorderRatio: 0.2 })).toEqual(plain);
  });

  it.each([
    { lossRatio: 0.01, burstLength: 1 },
    { lossRatio: 0.05, burstLength: 1 },
    { lossRatio: 0.05, burstLength: 4 },
    { lossRatio: 0.2, burstLength: 10 },
    { lossRatio: 0.6, burstLength: 1 },
  ])(
    'loses $lossRatio in bursts of $burstLength, or of the length that chance gives',
    (settings) => {
      const { lossRatio } = settings;
      const meanBurst = Math.max(settings.burstLength, 1 / (1 - lossRatio));
      const fates = delays(settings);
      const runs = bursts(fates);
      // The runs are independent; four standard errors.
      expect(Math.abs(mean(runs) - meanBurst)).toBeLessThan(
        (4 * Math.max(deviation(runs), 0.1)) / Math.sqrt(runs.length),
      );
      const ratio = fates.filter((fate) => fate < 0).length / PACKETS;
      // The variance of a Gilbert chain's mean: p (1 - p) / n × (1 + r) / (1 - r), r = 1 - 1 / (burst (1 - p)).
      const correlation = 1 - 1 / (meanBurst * (1 - lossRatio));
      const error = Math.sqrt(
        ((lossRatio * (1 - lossRatio)) / PACKETS) * ((1 + correlation) / (1 - correlation)),
      );
      expect(Math.abs(ratio - lossRatio)).toBeLessThan(4 * error);
    },
  );

  it('loses nothing at a ratio of 0 and everything at 1', () => {
    expect(delays({ lossRatio: 0 }, 1, 5000).every((fate) => fate === 0)).toBe(true);
    expect(delays({ lossRatio: 1 }, 1, 5000).every((fate) => fate === -1)).toBe(true);
  });

  it('spreads delays normally around their mean', () => {
    const values = delays({ delayMs: 200, jitterMs: 30 });
    expect(mean(values)).toBeCloseTo(200, 0);
    expect(deviation(values)).toBeCloseTo(30, 0);
    const within = (sigmas: number) =>
      values.filter((value) => Math.abs(value - 200) < sigmas * 30).length / PACKETS;
    expect(within(1)).toBeCloseTo(0.6827, 2);
    expect(within(2)).toBeCloseTo(0.9545, 2);
  });

  it('spreads delays evenly', () => {
    const values = delays({ delayMs: 100, jitterMs: 40, jitterDistribution: 'uniform' });
    expect(Math.min(...values)).toBeGreaterThanOrEqual(60);
    expect(Math.max(...values)).toBeLessThan(140);
    expect(deviation(values)).toBeCloseTo(80 / Math.sqrt(12), 0);
  });

  it('spreads delays with a long tail, bounded', () => {
    const values = delays({ delayMs: 50, jitterMs: 10, jitterDistribution: 'pareto' }).map(
      (value) => value - 50,
    );
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBe(80);
    // The mean of what is cut off at 8 times: 10 (1 - (1 + 8 / 1.5)^-1.5).
    expect(mean(values)).toBeCloseTo(10 * (1 - (1 + 8 / 1.5) ** -1.5), 0);
    const sorted = values.toSorted((a, b) => a - b);
    expect(sorted[PACKETS / 2]).toBeCloseTo(15 * (2 ** 0.4 - 1), 0);
  });

  it('never delivers before the packet was sent', () => {
    const values = delays({ delayMs: 5, jitterMs: 50 });
    expect(Math.min(...values)).toBe(0);
  });

  it('keeps the order on request', () => {
    const arrivals = (keepOrder: boolean) =>
      delays({ delayMs: 60, jitterMs: 30, keepOrder }).map((delay, i) => delay + i * PERIOD_MS);
    const inOrder = (times: readonly number[]) =>
      times.every((time, i) => i === 0 || time >= times[i - 1]!);
    expect(inOrder(arrivals(false))).toBe(false);
    expect(inOrder(arrivals(true))).toBe(true);
  });

  it('holds back the given share of packets, and no others', () => {
    for (const keepOrder of [false, true]) {
      const values = delays({ delayMs: 25, reorderRatio: 0.1, reorderMs: 40, keepOrder });
      expect(new Set(values)).toEqual(new Set([25, 65]));
      expect(values.filter((value) => value === 65).length / PACKETS).toBeCloseTo(0.1, 2);
    }
  });

  it('sends at its rate, queues faster traffic, and drops packets that would wait too long', () => {
    // 160 bytes each 20 ms are 64 kbit/s: half of that leaves every other packet, at 40 ms each.
    const link = new LinkModel({ ...CLEAN, rateKbps: 32, queueMs: 200 }, 1);
    const arrivals = Array.from({ length: 1000 }, (_, i) => link.fate(160, i * PERIOD_MS)).filter(
      (time) => time >= 0,
    );
    expect(arrivals[0]).toBe(40);
    expect(arrivals.every((time, i) => i === 0 || time - arrivals[i - 1]! >= 40 - 1e-9)).toBe(true);
    expect(arrivals.length / 1000).toBeCloseTo(0.5, 1);
    expect(link.counts.queueDropped).toBe(1000 - arrivals.length);
    const full = new LinkModel({ ...CLEAN, rateKbps: 64, queueMs: 200 }, 1);
    const waits = Array.from({ length: 20 }, () => full.fate(160, 0));
    // One in service, ten that begin within 200 ms.
    expect(waits.filter((time) => time >= 0)).toEqual(
      Array.from({ length: 11 }, (_, i) => 20 * (i + 1)),
    );
  });

  it('stalls at the given times, then releases waiting packets in order', () => {
    const link = new LinkModel({ ...CLEAN, stallEveryMs: 1000, stallForMs: 100, delayMs: 5 }, 1);
    const times = [0, 50, 999, 1000, 1050, 1099, 1100, 2001];
    expect(times.map((time) => link.fate(100, time))).toEqual([
      5, 55, 1004, 1105, 1105, 1105, 1105, 2105,
    ]);
  });

  it('accepts new settings while it runs', () => {
    const link = new LinkModel({ ...CLEAN, delayMs: 10 }, 1);
    expect(link.fate(100, 0)).toBe(10);
    link.settings = { ...CLEAN, delayMs: 300 };
    expect(link.fate(100, 20)).toBe(320);
    link.settings = { ...CLEAN, lossRatio: 1 };
    expect(link.fate(100, 40)).toBe(-1);
    expect(link.counts).toEqual({
      packets: 3,
      lost: 1,
      queueDropped: 0,
      heldBack: 0,
      bytes: 300,
    });
  });

  it('replays a trace, again and again, on top of its own delay', () => {
    const trace = parseLinkTrace('0 10\n20 lost\n40 30\n60 end');
    const link = new LinkModel({ ...CLEAN, delayMs: 5, trace }, 1);
    const times = [0, 19, 20, 39, 40, 59, 60, 85, 119, 120];
    expect(times.map((time) => link.fate(100, time))).toEqual([
      15, 34, -1, -1, 75, 94, 75, -1, 154, 135,
    ]);
  });
});

describe('parseLinkTrace', () => {
  it('reads times, delays, losses, comments and separators', () => {
    const trace = parseLinkTrace('# a probe\r\n1000 12.5\n1020, lost # gone\n\n1040\t3\r');
    expect(trace).toEqual({
      durationMs: 60,
      points: [
        { atMs: 0, delayMs: 12.5 },
        { atMs: 20, delayMs: -1 },
        { atMs: 40, delayMs: 3 },
      ],
    });
    expect(parseLinkTrace(formatLinkTrace(trace))).toEqual(trace);
    expect(parseLinkTrace('5 40').durationMs).toBe(1000);
  });

  it.each([
    ['', TypeError],
    ['end', SyntaxError],
    ['0 end', TypeError],
    ['0', SyntaxError],
    ['0 -3', SyntaxError],
    ['0 NaN', SyntaxError],
    ['0 1 2', SyntaxError],
    ['0 1\n5 end\n6 1', SyntaxError],
    ['0 1\n0 2', RangeError],
    ['10 1\n0 2', RangeError],
    ['0 1\n10 2\n10 end', RangeError],
    ['0 70000', RangeError],
    ['x 1', SyntaxError],
  ])('refuses %j', (text, kind) => {
    expect(() => parseLinkTrace(text)).toThrow(kind);
  });
});

describe('isClear', () => {
  it('is true of a link that delays and loses nothing, and of no other', () => {
    const clear = Object.values(PRESETS).filter(({ settings }) => isClear(settings));
    expect(clear).toEqual([PRESETS.clean]);
    expect(isClear({ ...CLEAN, burstLength: 5, queueMs: 10, keepOrder: true })).toBe(true);
    const acting: Partial<LinkSettings>[] = [
      { delayMs: 1 },
      { jitterMs: 1 },
      { lossRatio: 0.001 },
      { reorderRatio: 0.001 },
      { rateKbps: 64 },
      { stallEveryMs: 1000 },
      { trace: parseLinkTrace('0 20') },
    ];
    for (const setting of acting) expect(isClear({ ...CLEAN, ...setting })).toBe(false);
  });
});

describe('checkLinkSettings', () => {
  it('accepts every preset, and fills in missing settings', () => {
    for (const { settings } of Object.values(PRESETS)) {
      expect(checkLinkSettings(JSON.parse(JSON.stringify(settings)))).toEqual(settings);
    }
    expect(checkLinkSettings({ delayMs: 3 })).toEqual({ ...CLEAN, delayMs: 3 });
    const checked = checkLinkSettings({ trace: parseLinkTrace('0 1') });
    expect(checkLinkSettings(checked)).toBe(checked);
    expect(Object.isFrozen(checked)).toBe(true);
  });

  it.each(Object.entries(LINK_RANGES))('bounds %s', (name, { min, max }) => {
    for (const value of [min, max]) {
      const stall = name === 'stallForMs' ? { stallEveryMs: max + 1 } : {};
      expect(checkLinkSettings({ ...stall, [name]: value })).toMatchObject({ [name]: value });
    }
    for (const value of [min - 0.001, max + 0.001, NaN, Infinity]) {
      expect(() => checkLinkSettings({ [name]: value })).toThrow(RangeError);
    }
    for (const value of ['1', null, undefined, {}, true]) {
      expect(() => checkLinkSettings({ [name]: value })).toThrow(TypeError);
    }
  });

  it.each([
    [null, /must be an object, got null/],
    [[], /must be an object, got an array of 0/],
    ['clean', /must be an object, got a string of 5 characters/],
    [{ delay: 3 }, /have the fields delayMs, .*, got a string of 5 characters/],
    [{ ['__proto__']: 3 }, /got a string of 9 characters/],
    [
      { jitterDistribution: 'gauss' },
      /one of 'normal', 'pareto', 'uniform', got a string of 5 characters/,
    ],
    [{ keepOrder: 1 }, /keepOrder must be a boolean, got 1/],
    [{ trace: 3 }, /trace.points must be an array of 1 to \d+, got undefined/],
    [{ trace: { durationMs: 5, points: [] } }, /got 0/],
    [{ trace: { durationMs: 5, points: [null] } }, /points\[0\].atMs must be a number/],
    [{ trace: { durationMs: 5, points: [{ atMs: 1, delayMs: 1 }] } }, /atMs must be 0, got 1/],
    [{ trace: { durationMs: 0, points: [{ atMs: 0, delayMs: 1 }] } }, /durationMs must be above 0/],
    [{ stallEveryMs: 100, stallForMs: 100 }, /stallForMs must be below stallEveryMs/],
  ])('refuses %j', (value, message) => {
    expect(() => checkLinkSettings(value)).toThrow(message);
  });
});
