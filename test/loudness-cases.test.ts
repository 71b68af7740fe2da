import { expect, test } from 'vitest';
import { LoudnessMeter } from '../src/core/dsp/loudness-meter.ts';
import type { LoudnessReading } from '../src/core/dsp/loudness-meter.ts';
import { TruePeakMeter } from '../src/core/dsp/true-peak-meter.ts';
import {
  burstBetweenSamples,
  fadedSine,
  levelFor,
  repeated,
  stretches,
} from './helpers/loudness-signals.ts';
import type { Stretches } from './helpers/loudness-signals.ts';

const LU = 0.1;
/** Called after every 10 ms. */
type Watch = (reading: LoudnessReading, seconds: number) => void;

/** Meters whole channels; returns the last reading. */
function measure(
  channels: readonly Float32Array[],
  sampleRate: number,
  watch?: Watch,
): LoudnessReading {
  const meter = new LoudnessMeter({ sampleRate, channels: channels.length });
  const reading = meter.createReading();
  const { length } = channels[0]!;
  const block = watch ? Math.round(sampleRate / 100) : length;
  for (let at = 0; at < length; at += block) {
    const count = Math.min(block, length - at);
    meter.process(channels, at, count);
    meter.read(reading);
    watch?.(reading, (at + count) / sampleRate);
  }
  return reading;
}

/** A 1 kHz tone in phase on two channels: the form of nearly all cases. */
function stereo(sampleRate: number, parts: Stretches): readonly Float32Array[] {
  const tone = stretches(sampleRate, parts);
  return [tone, tone];
}

function near(value: number, expected: number, tolerance = LU): void {
  expect(value).toBeGreaterThanOrEqual(expected - tolerance);
  expect(value).toBeLessThanOrEqual(expected + tolerance);
}

/** All of them at the standards' own rate, a part at the others: the rest of the suite would take minutes. */
const RATES = [48000, 16000, 24000, 32000, 44100, 96000];
const OTHERS = RATES.filter((rate) => rate !== 48000).map((rate) => [rate] as const);

for (const rate of RATES) {
  test.each([
    ['1', -23],
    ['2', -33],
  ])(`Tech 3341 case %s at ${rate} Hz: M, S and I of a steady tone`, (_, level) => {
    const reading = measure(stereo(rate, [[20, level]]), rate);
    near(reading.momentaryLufs, level);
    near(reading.shortTermLufs, level);
    near(reading.integratedLufs, level);
    near(reading.maxMomentaryLufs, level);
    near(reading.maxShortTermLufs, level);
  });

  test(`Tech 3341 case 12 at ${rate} Hz: M stays at −23 after 1 s`, () => {
    measure(
      stereo(
        rate,
        repeated(25, [
          [0.18, -20],
          [0.22, -30],
        ]),
      ),
      rate,
      (reading, seconds) => {
        if (seconds >= 1) near(reading.momentaryLufs, -23);
      },
    );
  });

  test.each([
    ['15', 4, 0, 0.5, -6],
    ['16', 4, 45, 0.5, -6],
    ['17', 6, 60, 0.5, -6],
    ['18', 8, 67.5, 0.5, -6],
    ['19', 4, 45, 1.41, 3],
  ])(
    `Tech 3341 case %s at ${rate} Hz: true peak of a steady sine`,
    (_, divisor, degrees, amplitude, expected) => {
      const tone = fadedSine(rate, divisor, degrees, amplitude);
      expect(truePeak(tone, rate)).toBeGreaterThanOrEqual(expected - 0.4);
      expect(truePeak(tone, rate)).toBeLessThanOrEqual(expected + 0.2);
    },
  );

  test.each([0, 1, 2, 3])(
    `Tech 3341 cases 20 to 23 at ${rate} Hz: true peak of a burst between the samples, offset %i`,
    (offset) => {
      const peak = truePeak(burstBetweenSamples(rate, offset), rate);
      expect(peak).toBeGreaterThanOrEqual(-0.4);
      expect(peak).toBeLessThanOrEqual(0.2);
    },
  );
}

test.each([[48000], [16000]])(
  'Tech 3341 case 6 at %i Hz: the side channels of 5.0 weigh 1.41',
  (rate) => {
    const tone = (level: number): Float32Array => stretches(rate, [[20, level]]);
    const [front, side] = [tone(-28), tone(-30)];
    near(measure([front, front, tone(-24), side, side], rate).integratedLufs, -23);
  },
);

test.each([
  ['1', 48000, [-20, -30], 10],
  ['2', 48000, [-20, -15], 5],
  ['3', 48000, [-40, -20], 20],
  ['4', 48000, [-50, -35, -20, -35, -50], 15],
  ['4', 16000, [-50, -35, -20, -35, -50], 15],
  ['1', 44100, [-20, -30], 10],
])('Tech 3342 case %s at %i Hz: the loudness range', (_, rate, levels, range) => {
  const reading = measure(
    stereo(
      rate,
      levels.map((level) => [20, level] as const),
    ),
    rate,
  );
  near(reading.loudnessRangeLu, range, 1);
});

test.each([
  [
    '3',
    [
      [10, -36],
      [60, -23],
      [10, -36],
    ],
  ],
  [
    '4',
    [
      [10, -72],
      [10, -36],
      [60, -23],
      [10, -36],
      [10, -72],
    ],
  ],
  [
    '5',
    [
      [20, -26],
      [20.1, -20],
      [20, -26],
    ],
  ],
] satisfies [string, Stretches][])('Tech 3341 case %s: the gates of I', (_, parts) => {
  near(measure(stereo(48000, parts), 48000).integratedLufs, -23);
});

test('Tech 3341 case 9: S stays at −23 after 3 s', () => {
  const parts = repeated(5, [
    [1.34, -20],
    [1.66, -30],
  ]);
  const last = measure(stereo(48000, parts), 48000, (reading, seconds) => {
    if (seconds >= 3) near(reading.shortTermLufs, -23);
  });
  near(last.maxShortTermLufs, -23);
});

test('Tech 3341 case 10: max S of 3 s of tone after any silence', () => {
  for (let i = 0; i < 20; i++) {
    const parts: Stretches = [
      [i * 0.15, null],
      [3, -23],
      [1, null],
    ];
    near(measure(stereo(48000, parts), 48000).maxShortTermLufs, -23);
  }
});

test('Tech 3341 case 11: S reaches each of twenty rising tones', () => {
  const parts = Array.from({ length: 20 }, (_, i): Stretches => [
    [i * 0.15, null],
    [3, -38 + i],
    [3 - i * 0.15, null],
  ]).flat();
  expectMaxima(stereo(48000, parts), 6, (reading) => reading.shortTermLufs);
});

test('Tech 3341 case 13: max M of 0.4 s of tone after any silence, within 0.03 LU', () => {
  for (let i = 0; i < 20; i++) {
    const parts: Stretches = [
      [i * 0.02, null],
      [0.4, -23],
      [1, null],
    ];
    near(measure(stereo(48000, parts), 48000).maxMomentaryLufs, -23, 0.03);
  }
});

test('Tech 3341 case 14: M reaches each of twenty rising tones', () => {
  const parts = Array.from({ length: 20 }, (_, i): Stretches => [
    [i * 0.02, null],
    [0.4, -38 + i],
    [0.4 - i * 0.02, null],
  ]).flat();
  expectMaxima(stereo(48000, parts), 0.8, (reading) => reading.momentaryLufs);
});

test.each(OTHERS)('max M of 0.4 s of tone after any silence at %i Hz', (rate) => {
  for (let i = 0; i < 20; i += 4) {
    const parts: Stretches = [
      [i * 0.02, null],
      [0.4, -23],
      [1, null],
    ];
    near(measure(stereo(rate, parts), rate).maxMomentaryLufs, -23);
  }
});

test.each([25, 100, 500, 1000, 2000, 10000])(
  'in the manner of BS.2217: I of a tone at %i Hz, its level from the filters',
  (frequency) => {
    for (const lufs of [-23, -24]) {
      const tone = stretches(48000, [[20, levelFor(lufs, frequency, 48000, 2)]], frequency);
      near(measure([tone, tone], 48000).integratedLufs, lufs);
    }
  },
);

test('in the manner of BS.2217: each channel of 5.0 alone, by its weight', () => {
  const weights = [1, 1, 1, 1.41, 1.41];
  for (const lufs of [-23, -24]) {
    for (const [place, weight] of weights.entries()) {
      const level = levelFor(lufs, 1000, 48000, 1) - 10 * Math.log10(weight);
      const tone = stretches(48000, [[20, level]]);
      const silence = new Float32Array(tone.length);
      const channels = weights.map((_, channel) => (channel === place ? tone : silence));
      near(measure(channels, 48000).integratedLufs, lufs);
    }
  }
});

test.each([
  [
    'absolute',
    [
      [0.8, -90.3],
      [0.5, -69.5],
      [0.5, -90.3],
      [0.5, -69.5],
      [0.5, -90.3],
      [0.5, -69.5],
      [0.7, -90.3],
    ],
    -69.5,
  ],
  [
    'relative',
    [
      [0.5, -90.3],
      [0.9, -19.9],
      [1.3, -7.1],
      [0.8, -19.9],
      [0.5, -90.3],
    ],
    -10,
  ],
] satisfies [string, Stretches, number][])(
  'in the manner of BS.2217: the %s gate',
  (_, parts, expected) => {
    near(measure(stereo(48000, parts), 48000).integratedLufs, expected);
  },
);

/** The maximum within each `step` seconds rises from −38 by 1 LU. */
function expectMaxima(
  channels: readonly Float32Array[],
  step: number,
  value: (reading: LoudnessReading) => number,
): void {
  const maxima = new Array<number>(20).fill(-Infinity);
  measure(channels, 48000, (reading, seconds) => {
    const index = Math.ceil(seconds / step - 1e-9) - 1;
    maxima[index] = Math.max(maxima[index]!, value(reading));
  });
  for (const [index, maximum] of maxima.entries()) near(maximum, -38 + index);
}

function truePeak(samples: Float32Array, sampleRate: number): number {
  const meter = new TruePeakMeter({ sampleRate, channels: 1 });
  meter.process([samples], 0, samples.length);
  meter.process([], 0, meter.latencyFrames + 1);
  const reading = meter.createReading();
  meter.read(reading);
  return reading.maxTruePeakDbtp[0]!;
}
