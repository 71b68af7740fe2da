import { describe, expect, it } from 'vitest';
import { laneFigures } from '../demo/lanes/lane-figures.ts';
import { delayImpairment, equipmentImpairment, ratingFactor } from '../demo/measure/e-model.ts';
import type { LaneTotals } from '../demo/measure/metrics.ts';
import { NO_FIGURES } from '../demo/measure/metrics.ts';

/*
 * The E-model, against the values that ITU-T Recommendations and a paper print.
 */

describe('the E-model', () => {
  it('gives R = 93.2 for the default values, as G.107 states below its table 2', () => {
    expect(ratingFactor()).toBeCloseTo(93.2, 1);
  });

  it('subtracts nothing up to 100 ms, hardly anything at 150, and 24 at 400 ms, without echo', () => {
    expect(delayImpairment(0)).toBe(0);
    expect(delayImpairment(100)).toBe(0);
    expect(delayImpairment(150)).toBeCloseTo(0.16, 2);
    // X = 2: 25 (65^(1/6) − 3 (1 + (2/3)^6)^(1/6) + 2).
    expect(delayImpairment(400)).toBeCloseTo(24.07, 2);
    expect(ratingFactor({ ta: 400 })).toBeCloseTo(93.2 - 24.07, 1);
  });

  // Cole and Rosenbluth, "Voice over IP performance monitoring", ACM SIGCOMM CCR 31 (2), 2001, which fits the recommendation's curve:
  // Id = 0.024 d + 0.11 (d − 177.3) H(d − 177.3), with the echo of TELR = 65 dB.
  it.each([50, 100, 150, 200, 250, 300])(
    'with the default echo at %d ms is within 1 of the published fit',
    (d) => {
      const fit = 0.024 * d + (d > 177.3 ? 0.11 * (d - 177.3) : 0);
      const r = ratingFactor({ t: d, ta: d, tr: 2 * d });
      expect(Math.abs(93.2 - fit - r)).toBeLessThan(1);
    },
  );

  it('rates codecs by their impairment and their robustness against loss (G.113 Appendix I)', () => {
    // G.729A with VAD at 0, 2 and 4 % of random loss; G.711 without concealment at 1 %.
    const g729 = { ie: 11, bpl: 19, burstR: 1 };
    expect(equipmentImpairment({ ...g729, ppl: 0 })).toBe(11);
    expect(equipmentImpairment({ ...g729, ppl: 2 })).toBeCloseTo(19, 9);
    expect(equipmentImpairment({ ...g729, ppl: 4 })).toBeCloseTo(25.6, 1);
    expect(equipmentImpairment({ ie: 0, bpl: 4.3, burstR: 1, ppl: 1 })).toBeCloseTo(17.9, 1);
    expect(ratingFactor({ ...g729 })).toBeCloseTo(82.2, 1);
    // Bursts are worse than as many losses at random.
    expect(ratingFactor({ ...g729, ppl: 2, burstR: 2 })).toBeLessThan(
      ratingFactor({ ...g729, ppl: 2 }),
    );
  });

  it('includes echo, noise, quantising and advantage if they are given', () => {
    expect(ratingFactor({ telr: 45, t: 100, ta: 100, tr: 200 })).toBeLessThan(75);
    expect(ratingFactor({ pr: 60 })).toBeLessThan(90);
    expect(ratingFactor({ qdu: 14 })).toBeLessThan(70);
    expect(ratingFactor({ a: 10 })).toBeCloseTo(103.2, 1);
  });
});

describe('a lane’s R', () => {
  const totals = (concealedSamples: number | null): LaneTotals => ({
    atMs: 0,
    totalSamplesReceived: 48_000,
    concealedSamples,
  });
  const before: LaneTotals = { atMs: 0, totalSamplesReceived: 0, concealedSamples: 0 };
  const heard = (latency: number | null) => ({
    figures: { ...NO_FIGURES, latency_p50_ms: latency },
    firstSoundMs: null,
    firstSoundFrame: null,
    soughtMs: 0,
  });
  const rating = (latency: number | null, concealed: number | null) =>
    laneFigures(before, totals(concealed), heard(latency), 'between').r_factor;

  it('follows from its latency and its concealed audio', () => {
    expect(rating(60, 0)).toBeCloseTo(93.2, 1);
    expect(rating(400, 0)).toBeCloseTo(69.1, 1);
    // 2 % concealed: 95 · 2 / (2 + 25.1).
    expect(rating(60, 960)).toBeCloseTo(93.2 - 7.01, 1);
  });

  it('is unknown where one of them is', () => {
    expect(rating(null, 0)).toBeNull();
    expect(rating(60, null)).toBeNull();
  });
});
