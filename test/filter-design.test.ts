import { besselI0 } from '../src/core/dsp/windows.ts';
import { describe, expect, test } from 'vitest';
import { designImageFilter } from '../src/core/resampler/image-filter-design.ts';
import {
  kaiserKernel,
  kaiserSpan,
  designHalfBand,
  designLowPass,
  designSharpFilter,
  designedFilters,
  shortFilterSpecification,
  sidesOf,
} from '../src/core/resampler/resampler-filter-design.ts';
import { planResampler } from '../src/core/resampler/resampler-planner.ts';
import {
  bandFor,
  guardAttenuation,
  RESAMPLER_SPECIFICATIONS,
} from '../src/core/resampler/resampler-specification.ts';
import { interpolateBank, planStages } from '../src/core/resampler/resampler-stages.ts';
import type { ResamplerFilters } from '../src/core/resampler/resampler-stages.ts';
import { usualFilters } from '../src/core/resampler/usual-filters.ts';
import { planUsual, resamplerTask } from '../src/core/resampler/usual-planner.ts';
import { planUsualVariable } from '../src/core/resampler/usual-variable-planner.ts';
import { planVariableResampler } from '../src/core/resampler/variable-resampler-planner.ts';
import { designRemez } from '../src/core/resampler/remez-filter-design.ts';
import { decibels } from './helpers/sine-fit.ts';

/** Amplitude of a symmetric impulse response at `frequency`, cycles per sample. */
function amplitude(taps: ArrayLike<number>, frequency: number): number {
  const centre = (taps.length - 1) / 2;
  let sum = 0;
  for (let n = 0; n < taps.length; n++) {
    sum += taps[n]! * Math.cos(2 * Math.PI * frequency * (n - centre));
  }
  return sum;
}

/** The largest |amplitude − desired| over a band, on a grid ten times finer than the filter's ripples. */
function deviation(taps: ArrayLike<number>, from: number, to: number, desired: number): number {
  let worst = 0;
  const points = Math.ceil(20 * taps.length * (to - from)) + 20;
  for (let i = 0; i <= points; i++) {
    const value = amplitude(taps, from + ((to - from) * i) / points);
    worst = Math.max(worst, Math.abs(value - desired));
  }
  return worst;
}

describe('the Remez exchange', () => {
  test('finds the published optimum of McClellan, Parks and Rabiner', () => {
    // "A computer program for designing optimum FIR linear phase digital filters" (1973), example 1: 24 taps, pass to 0.08,
    // stop from 0.16: deviation 0.012434, on a coarser grid than ours.
    const { taps, deviation: delta } = designRemez(24, [
      { from: 0, to: 0.08, desired: 1 },
      { from: 0.16, to: 0.5, desired: 0 },
    ]);
    expect(delta).toBeCloseTo(0.012434, 4);
    expect(taps[0]).toBeCloseTo(0.003374, 4);
  });

  test('alternates: as many equal extremes as an optimum must have', () => {
    const { taps, deviation: delta } = designRemez(31, [
      { from: 0, to: 0.2, desired: 1, weight: 1 },
      { from: 0.25, to: 0.5, desired: 0, weight: 10 },
    ]);
    const error = (frequency: number): number =>
      frequency <= 0.2 ? amplitude(taps, frequency) - 1 : 10 * amplitude(taps, frequency);
    let extremes = 0;
    let sign = 0;
    for (let i = 0; i <= 20000; i++) {
      const frequency = i / 40000;
      if (frequency > 0.2 && frequency < 0.25) continue;
      const value = error(frequency);
      if (Math.abs(value) > 0.999 * delta && Math.sign(value) !== sign) {
        extremes++;
        sign = Math.sign(value);
      }
    }
    expect(extremes).toBeGreaterThanOrEqual(17);
  });

  test('its reported deviation is that of the response', () => {
    for (const taps of [40, 41, 120, 121]) {
      const { taps: response, deviation: told } = designRemez(taps, [
        { from: 0, to: 0.1, desired: 1 },
        { from: 0.14, to: 0.5, desired: 0, weight: 50 },
      ]);
      const stop = 50 * deviation(response, 0.14, 0.5, 0);
      const seen = Math.max(deviation(response, 0, 0.1, 1), stop);
      expect(Math.abs(decibels(seen / told))).toBeLessThan(0.1);
      for (let n = 0; n < taps; n++) expect(response[n]).toBeCloseTo(response[taps - 1 - n]!, 12);
    }
  });
});

test('a half-band filter has zeros at even distances, and both bands meet the attenuation', () => {
  for (const [pass, attenuation] of [
    [0.22, 80],
    [0.1, 120],
    [0.03, 150],
    [0.236, 145],
  ] as const) {
    const taps = designHalfBand(pass, attenuation);
    const centre = (taps.length - 1) / 2;
    for (let n = 0; n < taps.length; n++) {
      if ((n - centre) % 2 === 0) expect(taps[n]).toBe(n === centre ? 0.5 : 0);
    }
    expect(-decibels(deviation(taps, 0, pass, 1))).toBeGreaterThan(attenuation - 0.2);
    expect(-decibels(deviation(taps, 0.5 - pass, 0.5, 0))).toBeGreaterThan(attenuation - 0.2);
  }
});

test('a low-pass filter keeps its ripple and its attenuation', () => {
  const taps = designLowPass(0.2, 0.22, 110, 0.01);
  expect(decibels(1 + deviation(taps, 0, 0.2, 1))).toBeLessThan(0.0101);
  expect(-decibels(deviation(taps, 0.22, 0.5, 0))).toBeGreaterThan(109.8);
});

test.each([
  [0.0856, 0.0958],
  [0.0593, 0.0663],
])(
  'a low-pass filter that is too long for the exchange meets both as well: %f to %f',
  (pass, stop) => {
    const taps = designLowPass(pass, stop, 146, 0.0005);
    expect(taps.length % 16).toBe(15);
    expect(decibels(1 + deviation(taps, 0, pass, 1))).toBeLessThan(0.0005);
    expect(-decibels(deviation(taps, stop, 0.5, 0))).toBeGreaterThan(145.8);
  },
);

test('the sharp filters meet the specification of every quality', () => {
  for (const quality of ['voice', 'hq', 'vhq'] as const) {
    const { attenuationDb, pass, strictPass, strictRippleDb } = RESAMPLER_SPECIFICATIONS[quality];
    const fold = designSharpFilter(quality, false);
    expect(-decibels(deviation(fold, 0, pass / 4, 1))).toBeGreaterThan(attenuationDb - 0.2);
    expect(-decibels(deviation(fold, (2 - pass) / 4, 0.5, 0))).toBeGreaterThan(attenuationDb - 0.2);
    const strict = designSharpFilter(quality, true);
    const ripple = decibels(1 + deviation(strict, 0, strictPass / 4, 1));
    expect(ripple).toBeLessThan(1.02 * strictRippleDb);
    expect(-decibels(deviation(strict, 0.25, 0.5, 0))).toBeGreaterThan(attenuationDb - 0.2);
  }
});

/** Amplitude of a kernel in continuous time, by summing samples so dense that their own images lie far off. */
function kernelAmplitude(kernel: (t: number) => number, span: number, frequency: number): number {
  const density = 64;
  let sum = kernel(0);
  for (let i = 1; i < (span * density) / 2; i++) {
    sum += 2 * kernel(i / density) * Math.cos((2 * Math.PI * frequency * i) / density);
  }
  return sum / density;
}

test('an image filter passes its band and stops the images around the multiples of the rate', () => {
  for (const specification of [
    { pass: 0.2263, rate: 1, halfWidth: 0.2738, attenuationDb: 125, rippleDb: 0.002 },
    { pass: 0.4157, rate: 1.8375, halfWidth: 0.503, attenuationDb: 125, rippleDb: 0.002 },
    { pass: 0.1508, rate: 0.6667, halfWidth: 0.1825, attenuationDb: 150, rippleDb: 0.0002 },
  ]) {
    const { pass, rate, halfWidth, attenuationDb, rippleDb } = specification;
    const filter = designImageFilter(specification)!;
    expect(filter.span).toBeLessThan(kaiserSpan({ pass, stop: rate - halfWidth, attenuationDb }));
    for (let i = 0; i <= 200; i++) {
      const gain = kernelAmplitude(filter.kernel, filter.span, (pass * i) / 200);
      expect(Math.abs(decibels(gain))).toBeLessThan(1.05 * rippleDb);
      for (let n = 1; n <= 8; n++) {
        const frequency = n * rate + halfWidth * (i / 100 - 1);
        const level = decibels(kernelAmplitude(filter.kernel, filter.span, frequency));
        // The fit's grid may miss a peak by so much; the specification asks 4 dB more than is needed.
        expect(level).toBeLessThan(1.2 - attenuationDb);
      }
    }
  }
});

test('a Kaiser kernel keeps its attenuation', () => {
  const specification = { pass: 0.2, stop: 0.3, attenuationDb: 100 };
  const span = 2 * Math.ceil(kaiserSpan(specification) / 2);
  const kernel = kaiserKernel(specification, span);
  for (let f = 0; f <= 0.2; f += 0.001) {
    expect(Math.abs(kernelAmplitude(kernel, span, f) - 1)).toBeLessThan(1.2e-5);
  }
  for (let f = 0.3; f <= 3; f += 0.003) {
    expect(decibels(kernelAmplitude(kernel, span, f))).toBeLessThan(-98.5);
  }
});

test('I₀ agrees with the tables', () => {
  // Abramowitz and Stegun, table 9.8.
  expect(besselI0(0)).toBe(1);
  expect(besselI0(1)).toBeCloseTo(1.2660658778, 9);
  expect(besselI0(5)).toBeCloseTo(27.2398718236, 8);
});

test('cubics between stored phases err by less than −150 dB', () => {
  const filter = designImageFilter({
    pass: 0.2263,
    rate: 1,
    halfWidth: 0.2738,
    attenuationDb: 125,
    rippleDb: 0.002,
  })!;
  const phases = 128;
  const bank = interpolateBank(filter, phases);
  const { span, kernel } = filter;
  let square = 0;
  let count = 0;
  for (let phase = 0; phase < phases; phase++) {
    for (let i = 0; i < span; i++) {
      const row = phase * span * 4 + i;
      for (const distance of [0.25, 0.5, 0.77]) {
        let value = bank[row + 3 * span]!;
        for (let power = 2; power >= 0; power--)
          value = value * distance + bank[row + power * span]!;
        const exact = kernel(i - span / 2 + 1 - (phase + distance) / phases);
        square += (value - exact) ** 2;
        count++;
      }
    }
  }
  expect(10 * Math.log10((square / count) * span)).toBeLessThan(-150);
});

/** The rates whose conversions load no filter design. */
const USUAL_RATES = [48000, 44100, 24000, 16000, 8000];
const USUAL_PAIRS = USUAL_RATES.flatMap((from) =>
  USUAL_RATES.flatMap((to) => (from === to ? [] : [[from, to] as const])),
);

/** Designs everything again, with nothing from a table. */
const fresh: ResamplerFilters = {
  ...designedFilters,
  sharp: ({ quality, strict }) => sidesOf(designSharpFilter(quality, strict)),
  guard: (edge, { quality }) => sidesOf(designHalfBand(edge, guardAttenuation(quality))),
  short: (inputRate, sharpRate, band) =>
    designImageFilter(shortFilterSpecification(inputRate, sharpRate, band)),
};

/** How far apart the coefficients of two filters are at most. */
function largestDifference(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

test.each([
  ...USUAL_PAIRS.flatMap(([from, to]) => [
    { from, to, quality: 'voice' as const, strict: false },
    { from, to, quality: 'hq' as const, strict: false },
  ]),
  ...[16000, 44100].flatMap((to) => [
    { from: 48000, to, quality: 'hq' as const, strict: true },
    { from: 48000, to, quality: 'vhq' as const, strict: false },
  ]),
])(
  'stored filters are those of the design: $from → $to Hz, $quality, strict $strict',
  ({ from, to, quality, strict }) => {
    const band = bandFor(Math.min(from, to), quality, strict);
    const stored = planStages(
      from,
      to,
      band,
      strict || quality === 'vhq' ? designedFilters : usualFilters,
    )!;
    const designed = planStages(from, to, band, fresh)!;
    expect(stored.map(({ kind }) => kind)).toEqual(designed.map(({ kind }) => kind));
    stored.forEach((stage, i) => {
      const other = designed[i]!;
      if ('odd' in stage && 'odd' in other) {
        expect(largestDifference(stage.odd, other.odd)).toBeLessThan(1e-7);
        expect(largestDifference(stage.even, other.even)).toBeLessThan(1e-7);
      } else if ('coefficients' in stage && 'coefficients' in other) {
        expect(largestDifference(stage.coefficients, other.coefficients)).toBeLessThan(3e-7);
      } else {
        expect.fail('the stages differ');
      }
    });
  },
);

test('every usual conversion of voice and hq has a plan without the filter design, equal to the planner’s', () => {
  for (const [inputRate, outputRate] of USUAL_PAIRS) {
    for (const quality of ['voice', 'hq'] as const) {
      const options = { inputRate, outputRate, quality };
      const usual = planUsual(resamplerTask('test', options));
      expect(usual, `${inputRate} → ${outputRate}`).toBeDefined();
      expect(planResampler(options)).toBe(usual);
    }
  }
});

test('a conversion without stored filters has no plan without the filter design', () => {
  for (const options of [
    { inputRate: 11025, outputRate: 16000, quality: 'vhq' },
    { inputRate: 48000, outputRate: 16000, quality: 'vhq' },
    { inputRate: 48000, outputRate: 16000, strict: true },
    { inputRate: 48000, outputRate: 11025 },
  ] as const) {
    expect(planUsual(resamplerTask('test', options))).toBeUndefined();
    expect(planResampler(options).stages.length).toBeGreaterThan(0);
  }
});

test('a receiver of a usual rate at or below the context’s needs no filter design', () => {
  for (const outputRate of [48000, 44100]) {
    for (const inputRate of USUAL_RATES.filter((rate) => rate <= outputRate)) {
      const options = { inputRate, outputRate };
      const usual = planUsualVariable(options);
      expect(usual).toBeDefined();
      expect(planVariableResampler(options)).toBe(usual);
    }
  }
  expect(planUsualVariable({ inputRate: 48000, outputRate: 44100 })).toBeUndefined();
});
