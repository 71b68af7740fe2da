import { expect, test } from 'vitest';
import { LoudnessMeter } from '../src/core/metering/loudness-meter.ts';
import { meterModule } from '../src/core/metering/meter-module.ts';
import { TruePeakMeter } from '../src/core/metering/true-peak-meter.ts';
import { LOUDNESS_CASES, judge } from './helpers/loudness-cases.ts';
import type { LoudnessCase, Measurement } from './helpers/loudness-cases.ts';

type Execution = 'wasm' | 'typescript';

/** Meters what a case asks for: true peak or loudness, with M and S every 10 ms. */
function measure(kase: LoudnessCase, sampleRate: number, execution: Execution): Measurement {
  const channels = kase.signal(sampleRate);
  const options = {
    sampleRate,
    channels: channels.length,
    wasm: execution === 'wasm' ? meterModule() : undefined,
  };
  if (kase.checks.some(({ what }) => what === 'truePeak')) {
    const meter = new TruePeakMeter(options);
    meter.process(channels, 0, channels[0]!.length);
    meter.process([], 0, meter.latencyFrames + 1);
    const reading = meter.createReading();
    meter.read(reading);
    return { truePeak: Math.max(...reading.maxTruePeakDbtp) };
  }
  const meter = new LoudnessMeter(options);
  const reading = meter.createReading();
  const momentary: number[] = [];
  const shortTerm: number[] = [];
  const block = Math.round(sampleRate / 100);
  for (let at = 0; at < channels[0]!.length; at += block) {
    meter.process(channels, at, Math.min(block, channels[0]!.length - at));
    meter.read(reading);
    momentary.push(reading.momentaryLufs);
    shortTerm.push(reading.shortTermLufs);
  }
  return {
    maxMomentary: reading.maxMomentaryLufs,
    maxShortTerm: reading.maxShortTermLufs,
    integrated: reading.integratedLufs,
    range: reading.loudnessRangeLu,
    series: { step: block / sampleRate, momentary, shortTerm },
  };
}

/** Of the cases that take long, and of those that differ by an offset alone, one in so many at the other rates. */
const SOME = 8;
const ALL_AT = 48000;

for (const [index, kase] of LOUDNESS_CASES.entries()) {
  const rates = [ALL_AT];
  const seconds =
    kase.source === 'Tech 3342' || ['3', '4', '5', '11'].includes(kase.name) ? 80 : 20;
  if (seconds < 80) {
    for (const [i, rate] of [16000, 24000, 32000, 44100, 96000].entries()) {
      if (kase.highestHz < rate / 2 && (index + i) % SOME === 0) rates.push(rate);
    }
  }
  test(`${kase.source} ${kase.name} at ${rates.join(', ')} Hz`, () => {
    for (const rate of rates) {
      const execution = (index + rate) % 3 === 0 ? 'typescript' : 'wasm';
      const { passed, worst } = judge(kase, measure(kase, rate, execution));
      expect(passed, `${execution} at ${rate} Hz is off by ${worst}`).toBe(true);
    }
  });
}

test('there are 87 cases, and each fails for a wrong reading', () => {
  expect(LOUDNESS_CASES.length).toBe(87);
  const series = { step: 0.01, momentary: [], shortTerm: [] };
  for (const kase of LOUDNESS_CASES) {
    expect(judge(kase, {}).passed).toBeNull();
    const wrong: Measurement = {
      maxMomentary: -22,
      maxShortTerm: -22,
      integrated: -20.5,
      range: 7.5,
      truePeak: -3,
      series: { ...series, momentary: [-23], shortTerm: [-24] },
    };
    expect(judge(kase, wrong).passed, kase.name).toBe(false);
  }
});

test('max M of 0.4 s of tone is within 0.03 LU wherever it begins', () => {
  for (const kase of LOUDNESS_CASES.filter(({ name }) => name.startsWith('13-'))) {
    const { worst } = judge(kase, measure(kase, ALL_AT, 'wasm'));
    expect(Math.abs(worst)).toBeLessThan(0.03);
  }
});
