import { expect, test } from 'vitest';
import { channelWeights, kWeightingCoefficients } from '../src/core/metering/k-weighting.ts';
import { LoudnessHistogram, MEAN, RANGE } from '../src/core/metering/loudness-histogram.ts';
import { LoudnessMeter } from '../src/core/metering/loudness-meter.ts';
import type { LoudnessReading } from '../src/core/metering/loudness-meter.ts';
import { feed } from './helpers/feed.ts';
import { kWeightingDb, stretches } from './helpers/loudness-signals.ts';
import { seededRandom } from './helpers/random.ts';
import { noise, sine } from './helpers/signals.ts';

const RATE = 48000;

function read(meter: LoudnessMeter): LoudnessReading {
  const reading = meter.createReading();
  meter.read(reading);
  return reading;
}

test('the filters at 48 kHz are those of BS.1770-5 Annex 1, tables 1 and 2', () => {
  const { shelf, highPass } = kWeightingCoefficients(48000);
  const tables = [
    1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585,
    -1.99004745483398, 0.99007225036621,
  ];
  for (const [index, value] of [...shelf, ...highPass].entries()) {
    expect(Math.abs(value - tables[index]!)).toBeLessThan(1e-14);
  }
});

test.each([
  [16000, 0.07],
  [22050, 0.04],
  [24000, 0.03],
  [32000, 0.02],
  [44100, 0.01],
  [96000, 0.01],
  [192000, 0.01],
])(
  'the response at %i Hz is that at 48 kHz, within %f dB up to 0.4 of the rate',
  (rate, margin) => {
    for (let frequency = 10; frequency < Math.min(0.4 * rate, 20000); frequency *= 1.05) {
      const difference = kWeightingDb(frequency, rate) - kWeightingDb(frequency, 48000);
      expect(Math.abs(difference)).toBeLessThan(margin);
    }
  },
);

test('a 997 Hz sine of full scale in one channel reads −3.01 LUFS (BS.1770-5 Annex 1)', () => {
  const tone = sine({ frequency: 997, sampleRate: RATE, frames: 4 * RATE });
  for (const channel of [0, 1, 2]) {
    const meter = new LoudnessMeter({ sampleRate: RATE, channels: 6 });
    const silence = new Float32Array(tone.length);
    const channels = Array.from({ length: 6 }, (_, c) => (c === channel ? tone : silence));
    feed(meter, channels, 4096);
    expect(Math.abs(read(meter).integratedLufs + 3.01)).toBeLessThan(0.005);
  }
});

test('the LFE counts for nothing, the sides for 1.41, channels beyond 5.1 for 1', () => {
  expect(channelWeights(6)).toEqual([1, 1, 1, 0, 1.41, 1.41]);
  expect(channelWeights(8)).toEqual(new Array(8).fill(1));
  const meter = new LoudnessMeter({ sampleRate: RATE, channels: 6 });
  const silence = new Float32Array(RATE);
  const loud = sine({ frequency: 60, sampleRate: RATE, frames: RATE });
  feed(meter, [silence, silence, silence, loud, silence, silence], 4096);
  expect(read(meter).momentaryLufs).toBe(-Infinity);
});

test('weights can be given', () => {
  const tone = sine({ frequency: 997, sampleRate: RATE, frames: RATE });
  const meter = new LoudnessMeter({ sampleRate: RATE, channels: 2, weights: [0, 0.5] });
  feed(meter, [tone, tone], 4096);
  expect(Math.abs(read(meter).momentaryLufs + 6.02)).toBeLessThan(0.01);
  const refused = (weights: number[]) => () =>
    new LoudnessMeter({ sampleRate: RATE, channels: 2, weights });
  expect(refused([1])).toThrow('weights must be an array of 2 numbers');
  expect(refused([1, NaN])).toThrow(RangeError);
});

test('how the audio is cut into blocks changes nothing', () => {
  const random = seededRandom(1);
  const tone = stretches(44100, [
    [3, -20],
    [2, -45],
    [4, -23],
  ]);
  const channels = [tone, noise(random, tone.length, 0.05)];
  const whole = new LoudnessMeter({ sampleRate: 44100, channels: 2 });
  feed(whole, channels, tone.length);
  for (const largest of [1, 7, 128, 1000, 30_000]) {
    const cut = new LoudnessMeter({ sampleRate: 44100, channels: 2 });
    feed(cut, channels, largest, random);
    for (const [index, value] of read(cut).values.entries()) {
      expect(value).toBeCloseTo(read(whole).values[index]!, 9);
    }
  }
});

test.each([8000, 11025, 16000, 44100, 48000])(
  'max M of a 0.4 s burst at %i Hz is that of a window that slides by single frames, within 0.02 LU',
  (sampleRate) => {
    const random = seededRandom(sampleRate);
    for (let round = 0; round < 12; round++) {
      const offset = Math.round((0.4 + random()) * sampleRate);
      const frames = Math.round(0.4 * sampleRate);
      const burst = new Float32Array(offset + frames + sampleRate);
      const phase = 7 * random();
      burst.set(sine({ frequency: 1000, sampleRate, frames, amplitude: 0.1, phase }), offset);
      const meter = new LoudnessMeter({ sampleRate, channels: 1 });
      feed(meter, [burst], burst.length);
      const difference = read(meter).maxMomentaryLufs - slidingMaximum(burst, sampleRate);
      expect(difference).toBeGreaterThan(-0.02);
      expect(difference).toBeLessThan(1e-6);
    }
  },
);

test('max M and max S wait until their windows are full', () => {
  const meter = new LoudnessMeter({ sampleRate: RATE, channels: 1 });
  const tone = sine({ frequency: 1000, sampleRate: RATE, frames: 3 * RATE });
  meter.process([tone], 0, 0.39 * RATE);
  expect(read(meter).maxMomentaryLufs).toBe(-Infinity);
  expect(read(meter).momentaryLufs).toBeGreaterThan(-3.2);
  meter.process([tone], 0.39 * RATE, 2.6 * RATE);
  expect(read(meter).maxMomentaryLufs).toBeCloseTo(-3, 1);
  expect(read(meter).maxShortTermLufs).toBe(-Infinity);
  expect(read(meter).shortTermLufs).toBeGreaterThan(-3.1);
  meter.process([tone], 0, 0.01 * RATE);
  expect(read(meter).maxShortTermLufs).toBeCloseTo(-3, 1);
});

test('silence after audio reads −∞ again, and never NaN', () => {
  const meter = new LoudnessMeter({ sampleRate: RATE, channels: 2 });
  const loud = noise(seededRandom(2), RATE);
  feed(meter, [loud, loud], 500, seededRandom(3));
  const silence = new Float32Array(RATE);
  const heard: number[] = [];
  for (let second = 0; second < 8; second++) {
    feed(meter, [silence, silence], 480);
    for (const value of read(meter).values) expect(value).not.toBeNaN();
    heard.push(read(meter).momentaryLufs);
  }
  expect(heard.at(-1)).toBe(-Infinity);
  expect(read(meter).shortTermLufs).toBe(-Infinity);
  expect(read(meter).integratedLufs).toBeGreaterThan(-10);
});

test('samples that are not finite count as silence at any position', () => {
  const random = seededRandom(4);
  for (const channels of [1, 2, 3]) {
    const clean = Array.from({ length: channels }, () => noise(random, 2 * RATE, 0.3));
    const dirty = clean.map((samples) => samples.slice());
    for (let i = 0; i < 20; i++) {
      const channel = Math.floor(random() * channels);
      const place = Math.floor(random() * 2 * RATE);
      clean[channel]![place] = 0;
      dirty[channel]![place] = [NaN, Infinity, -Infinity][i % 3]!;
    }
    const [a, b] = [clean, dirty].map((samples) => {
      const meter = new LoudnessMeter({ sampleRate: RATE, channels });
      feed(meter, samples, 700, seededRandom(5));
      return [...read(meter).values];
    });
    for (const [index, value] of b!.entries()) expect(value).toBeCloseTo(a![index]!, 9);
  }
});

test('channels may be added and removed: the weights follow, and nothing rings on', () => {
  const meter = new LoudnessMeter({ sampleRate: RATE, channels: 6 });
  const tone = sine({ frequency: 1000, sampleRate: RATE, frames: RATE, amplitude: 0.1 });
  const reads = (count: number): number => {
    feed(
      meter,
      Array.from({ length: count }, () => tone),
      1000,
    );
    if (count === 0) meter.process([], 0, RATE);
    return read(meter).momentaryLufs;
  };
  expect(reads(1)).toBeCloseTo(-23, 1);
  expect(reads(2)).toBeCloseTo(-19.99, 1);
  expect(reads(6)).toBeCloseTo(-23 + 10 * Math.log10(3 + 2 * 1.41), 1);
  expect(reads(9)).toBeCloseTo(-23 + 10 * Math.log10(3 + 2 * 1.41), 1);
  expect(reads(0)).toBe(-Infinity);
  expect(reads(1)).toBeCloseTo(-23, 1);
});

test('pause excludes the audio of the pause, and windows that reach into it', () => {
  const meter = new LoudnessMeter({ sampleRate: RATE, channels: 1 });
  const at = (seconds: number, level: number): void =>
    feed(meter, [stretches(RATE, [[seconds, level]])], 480);
  at(5, -30);
  expect(read(meter).measuring).toBe(1);
  meter.pause();
  at(5, -10);
  expect(read(meter).measuring).toBe(0);
  expect(read(meter).momentaryLufs).toBeCloseTo(-13, 1);
  at(0.1, -30);
  meter.resume();
  at(5, -30);
  const reading = read(meter);
  expect(reading.integratedLufs).toBeCloseTo(-33, 1);
  expect(reading.maxMomentaryLufs).toBeCloseTo(-33, 1);
  expect(reading.maxShortTermLufs).toBeCloseTo(-33, 1);
  expect(reading.loudnessRangeLu).toBeLessThan(0.1);
  expect(reading.measuredSeconds).toBeCloseTo(10, 6);
  meter.reset();
  expect([...read(meter).values]).toEqual([...meter.createReading().values]);
});

/** A day of gating blocks, 0.1 s apart. */
const DAY = 864_000;
test.each([
  ['steady', () => () => -23.04],
  [
    'speech with pauses',
    () => {
      const random = seededRandom(6);
      let level = -26;
      let pause = 0;
      return () => {
        if (pause-- > 0) return -62 + random();
        if (random() < 0.02) pause = 5 + random() * 20;
        return (level += 0.3 * (-24 - level) + 5 * (random() - 0.5));
      };
    },
  ],
  [
    'two levels, one at the gate',
    () => {
      const random = seededRandom(7);
      return () => (random() < 0.5 ? -23 : -33 + random() - 0.5);
    },
  ],
])('after a day I is exact within 0.001 LU and LRA within 0.02: %s', (_, program) => {
  const next = program();
  const powers = Float64Array.from({ length: DAY }, () => 10 ** ((next() + 0.691) / 10));
  const blocks = new LoudnessHistogram(20);
  const shortTerms = new LoudnessHistogram(50);
  for (const index of powers.keys()) {
    blocks.add(powers, index);
    shortTerms.add(powers, index);
  }
  blocks.findMean(10);
  shortTerms.findRange(20);
  expect(Math.abs(blocks.numbers[MEAN]! - exactMean(powers))).toBeLessThan(0.001);
  expect(Math.abs(shortTerms.numbers[RANGE]! - exactRange(powers))).toBeLessThan(0.02);
});

test('blocks at the ends of the histogram are gated like any other', () => {
  const histogram = new LoudnessHistogram(20);
  const mean = (...powers: number[]): number => {
    for (const index of powers.keys()) histogram.add(Float64Array.from(powers), index);
    histogram.findMean(10);
    return histogram.numbers[MEAN]!;
  };
  expect(mean()).toBe(-Infinity);
  histogram.findRange(20);
  expect(histogram.numbers[RANGE]!).toBe(0);
  expect(mean(0, -1e-20, NaN, 10 ** (-70.6 / 10))).toBe(-Infinity);
  expect(mean(1e12, 1e30)).toBeCloseTo(10 * Math.log10(5e29) - 0.691, 6);
  histogram.reset();
  expect(mean(10 ** ((-69.995 + 0.691) / 10))).toBeCloseTo(-69.995, 9);
});

/** BS.1770-5 Annex 1, over all blocks. */
function exactMean(powers: Float64Array): number {
  const above = powers.filter((power) => lufs(power) > -70);
  const gate = mean(above) / 10;
  return lufs(mean(above.filter((power) => power > gate)));
}

/** Tech 3342 annex A, over all blocks. */
function exactRange(powers: Float64Array): number {
  const above = powers.filter((power) => lufs(power) >= -70);
  const gate = mean(above) / 100;
  const sorted = above.filter((power) => power >= gate).toSorted();
  const at = (part: number): number => lufs(sorted[Math.round((sorted.length - 1) * part)]!);
  return at(0.95) - at(0.1);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function lufs(power: number): number {
  return -0.691 + 10 * Math.log10(power);
}

/** Max M of one channel by a window of 0.4 s at every frame. */
function slidingMaximum(samples: Float32Array, sampleRate: number): number {
  const { shelf, highPass } = kWeightingCoefficients(sampleRate);
  const [b0, b1, b2, a1, a2] = shelf;
  const [h1, h2] = highPass;
  const sums = new Float64Array(samples.length + 1);
  let [s1, s2, t1, t2] = [0, 0, 0, 0];
  for (const [index, x] of samples.entries()) {
    const y = b0 * x + s1;
    s1 = b1 * x - a1 * y + s2;
    s2 = b2 * x - a2 * y;
    const z = y + t1;
    t1 = t2 - 2 * y - h1 * z;
    t2 = y - h2 * z;
    sums[index + 1] = sums[index]! + z * z;
  }
  const window = Math.round(0.4 * sampleRate);
  let most = 0;
  for (let end = window; end < sums.length; end++) {
    most = Math.max(most, sums[end]! - sums[end - window]!);
  }
  return lufs(most / window);
}
