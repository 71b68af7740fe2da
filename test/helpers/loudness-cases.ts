import {
  burstBetweenSamples,
  fadedSine,
  levelFor,
  repeated,
  stretches,
} from './loudness-signals.ts';
import type { Stretches } from './loudness-signals.ts';

/** What a meter says about a signal. What it does not offer is left out. */
export interface Measurement {
  /** Highest M and S, LUFS. */
  readonly maxMomentary?: number;
  readonly maxShortTerm?: number;
  /** I, LUFS. */
  readonly integrated?: number;
  /** LRA, LU. */
  readonly range?: number;
  /** Highest true peak, dBTP. */
  readonly truePeak?: number;
  /** M and S at the times `step`, 2·`step` … in seconds. */
  readonly series?: {
    readonly step: number;
    readonly momentary: ArrayLike<number>;
    readonly shortTerm: ArrayLike<number>;
  };
}
type Single = Exclude<keyof Measurement, 'series'>;

/** One reading that a case asks for: `expected` −`below` … +`above`. */
type Check = {
  readonly expected: number;
  readonly below: number;
  readonly above: number;
} & (
  | { readonly what: Single }
  /** The series stays at the value after so many seconds. */
  | { readonly what: 'momentary' | 'shortTerm'; readonly after: number }
  /** The series' maximum within each stretch of so many seconds rises from the value by 1 from stretch to stretch. */
  | { readonly what: 'momentary' | 'shortTerm'; readonly every: number }
);

export interface LoudnessCase {
  /** 'Tech 3341', 'Tech 3342' (both EBU, 2023) or 'BS.2217', in whose manner a signal is made. */
  readonly source: string;
  readonly name: string;
  /** Highest frequency in it, as a part of the rate or in Hz. */
  readonly highestHz: number;
  readonly signal: (sampleRate: number) => readonly Float32Array[];
  readonly checks: readonly Check[];
}

/** The verdict on one case. */
export interface Verdict {
  /** Null when the meter offers none of the readings. */
  readonly passed: boolean | null;
  /** The reading furthest from what is expected, less that. */
  readonly worst: number;
}

const at = (what: Single, expected: number, below = 0.1, above = below): Check => ({
  what,
  expected,
  below,
  above,
});
const steady = (what: 'momentary' | 'shortTerm', after: number): Check => ({
  what,
  after,
  expected: -23,
  below: 0.1,
  above: 0.1,
});
const rising = (what: 'momentary' | 'shortTerm', every: number): Check => ({
  what,
  every,
  expected: -38,
  below: 0.1,
  above: 0.1,
});

function made(
  source: string,
  name: string,
  signal: LoudnessCase['signal'],
  checks: readonly Check[],
  highestHz = 1000,
): LoudnessCase {
  return { source, name, highestHz, signal, checks };
}

/** A tone in phase on two channels: the form of nearly all cases. */
function stereo(parts: Stretches, frequency?: number): LoudnessCase['signal'] {
  return (sampleRate) => {
    const tone = stretches(sampleRate, parts, frequency);
    return [tone, tone];
  };
}

const tech3341 = (
  name: string,
  signal: LoudnessCase['signal'],
  ...checks: readonly Check[]
): LoudnessCase => made('Tech 3341', name, signal, checks);

const twenty = Array.from({ length: 20 }, (_, i) => i);
const truePeaks: readonly (readonly [string, number, number, number, number])[] = [
  ['15', 4, 0, 0.5, -6],
  ['16', 4, 45, 0.5, -6],
  ['17', 6, 60, 0.5, -6],
  ['18', 8, 67.5, 0.5, -6],
  ['19', 4, 45, 1.41, 3],
];
const ranges: readonly (readonly [string, readonly number[], number])[] = [
  ['1', [-20, -30], 10],
  ['2', [-20, -15], 5],
  ['3', [-40, -20], 20],
  ['4', [-50, -35, -20, -35, -50], 15],
];

function fiveChannels(place: number, lufs: number): LoudnessCase {
  const weights = [1, 1, 1, 1.41, 1.41];
  const signal = (sampleRate: number): readonly Float32Array[] => {
    const level = levelFor(lufs, 1000, sampleRate, 1) - 10 * Math.log10(weights[place]!);
    const tone = stretches(sampleRate, [[20, level]]);
    const silence = new Float32Array(tone.length);
    return weights.map((_, channel) => (channel === place ? tone : silence));
  };
  return made('BS.2217', `${lufs} in channel ${place}`, signal, [at('integrated', lufs)]);
}

function toneOfLoudness(lufs: number, frequency: number): LoudnessCase {
  const signal = (sampleRate: number): readonly Float32Array[] =>
    stereo([[20, levelFor(lufs, frequency, sampleRate, 2)]], frequency)(sampleRate);
  const name = `${lufs} at ${frequency} Hz`;
  return made('BS.2217', name, signal, [at('integrated', lufs)], frequency);
}

/** 59 cases of Tech 3341, 4 of Tech 3342, 24 in the manner of BS.2217. */
export const LOUDNESS_CASES: readonly LoudnessCase[] = [
  ...[
    ['1', -23],
    ['2', -33],
  ].map(([name, level]) =>
    tech3341(
      name as string,
      stereo([[20, level as number]]),
      at('maxMomentary', level as number),
      at('maxShortTerm', level as number),
      at('integrated', level as number),
    ),
  ),
  tech3341('3', stereo(levels([10, -36], [60, -23], [10, -36])), at('integrated', -23)),
  tech3341(
    '4',
    stereo(levels([10, -72], [10, -36], [60, -23], [10, -36], [10, -72])),
    at('integrated', -23),
  ),
  tech3341('5', stereo(levels([20, -26], [20.1, -20], [20, -26])), at('integrated', -23)),
  tech3341(
    '6',
    (sampleRate) => {
      const tone = (level: number): Float32Array => stretches(sampleRate, [[20, level]]);
      const [front, side] = [tone(-28), tone(-30)];
      return [front, front, tone(-24), side, side];
    },
    at('integrated', -23),
  ),
  tech3341(
    '9',
    stereo(repeated(5, levels([1.34, -20], [1.66, -30]))),
    steady('shortTerm', 3),
    at('maxShortTerm', -23),
  ),
  ...twenty.map((i) =>
    tech3341(
      `10-${i + 1}`,
      stereo(levels([i * 0.15, null], [3, -23], [1, null])),
      at('maxShortTerm', -23),
    ),
  ),
  tech3341(
    '11',
    stereo(twenty.flatMap((i) => levels([i * 0.15, null], [3, -38 + i], [3 - i * 0.15, null]))),
    rising('shortTerm', 6),
  ),
  tech3341(
    '12',
    stereo(repeated(25, levels([0.18, -20], [0.22, -30]))),
    steady('momentary', 1),
    at('maxMomentary', -23),
  ),
  ...twenty.map((i) =>
    tech3341(
      `13-${i + 1}`,
      stereo(levels([i * 0.02, null], [0.4, -23], [1, null])),
      at('maxMomentary', -23),
    ),
  ),
  tech3341(
    '14',
    stereo(twenty.flatMap((i) => levels([i * 0.02, null], [0.4, -38 + i], [0.4 - i * 0.02, null]))),
    rising('momentary', 0.8),
  ),
  ...truePeaks.map(([name, divisor, degrees, amplitude, expected]) =>
    tech3341(
      name,
      (sampleRate) => {
        const tone = fadedSine(sampleRate, divisor, degrees, amplitude);
        return [tone, tone];
      },
      at('truePeak', expected, 0.4, 0.2),
    ),
  ),
  ...[0, 1, 2, 3].map((offset) =>
    tech3341(
      String(20 + offset),
      (sampleRate) => {
        const burst = burstBetweenSamples(sampleRate, offset);
        return [burst, burst];
      },
      at('truePeak', 0, 0.4, 0.2),
    ),
  ),
  ...ranges.map(([name, steps, range]) =>
    made('Tech 3342', name, stereo(steps.map((level) => [20, level] as const)), [
      at('range', range, 1),
    ]),
  ),
  ...[-23, -24].flatMap((lufs) =>
    [25, 100, 500, 1000, 2000, 10_000].map((frequency) => toneOfLoudness(lufs, frequency)),
  ),
  made(
    'BS.2217',
    'absolute gate',
    stereo([
      [0.8, -90.3],
      ...repeated(2, levels([0.5, -69.5], [0.5, -90.3])),
      [0.5, -69.5],
      [0.7, -90.3],
    ]),
    [at('integrated', -69.5)],
  ),
  made(
    'BS.2217',
    'relative gate',
    stereo(levels([0.5, -90.3], [0.9, -19.9], [1.3, -7.1], [0.8, -19.9], [0.5, -90.3])),
    [at('integrated', -10)],
  ),
  ...[-23, -24].flatMap((lufs) => [0, 1, 2, 3, 4].map((place) => fiveChannels(place, lufs))),
];

/** Holds a measurement of a case's signal against it. */
export function judge({ checks }: LoudnessCase, measured: Measurement): Verdict {
  let passed: boolean | null = null;
  let worst = 0;
  for (const check of checks) {
    for (const error of errors(check, measured)) {
      passed = (passed ?? true) && error <= check.above && error >= -check.below;
      if (!(Math.abs(error) <= Math.abs(worst))) worst = error;
    }
  }
  return { passed, worst };
}

/** Readings less what is expected; none when the meter does not offer the reading. */
function errors(check: Check, measured: Measurement): readonly number[] {
  if (!('after' in check) && !('every' in check)) {
    const value = measured[check.what];
    return value === undefined ? [] : [value - check.expected];
  }
  if (measured.series === undefined) return [];
  const { step } = measured.series;
  const values = Array.from(measured.series[check.what]);
  if ('after' in check) {
    const later = values.filter((_, i) => (i + 1) * step >= check.after - 1e-9);
    return later.map((value) => value - check.expected);
  }
  const maxima = twenty.map(() => -Infinity);
  for (const [i, value] of values.entries()) {
    const index = Math.ceil(((i + 1) * step) / check.every - 1e-9) - 1;
    if (index < maxima.length) maxima[index] = Math.max(maxima[index]!, value);
  }
  return maxima.map((maximum, index) => maximum - check.expected - index);
}

function levels(...parts: Stretches): Stretches {
  return parts;
}
