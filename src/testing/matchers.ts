import { describe, integerIn, numberIn } from '../core/arguments.ts';
import { findClicks } from './clicks.ts';
import type { ClickOptions, Step } from './clicks.ts';
import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { accountOf } from './frame-account.ts';
import { amplitudeOf, channelsOf, dbfs } from './signal.ts';
import type { Signal } from './signal.ts';

/** Options of `toBeSilent`. */
export interface SilenceOptions {
  /** Level below which every sample must be, in dBFS, −400 to 0. @default exactly zero */
  readonly belowDbfs?: number;
}
const SILENCE_NAMES = { belowDbfs: 1 } satisfies OptionNames<SilenceOptions>;

/** Options of `toMatchSignal`. */
export interface MatchOptions {
  /**
   * Level of the largest allowed difference, in dB relative to the largest expected sample (to full scale, if silence is expected),
   * −400 to 0. `-60` allows a difference of a thousandth.
   * @default no difference
   */
  readonly toleranceDb?: number;
  /**
   * Frames by which the received signal is late, such as a processor's latency: frame `n + delayFrames` is compared with frame `n`
   * of the expected signal, as far as both exist.
   * @default 0
   */
  readonly delayFrames?: number;
}
const MATCH_NAMES = { toleranceDb: 1, delayFrames: 1 } satisfies OptionNames<MatchOptions>;

/** What a matcher returns to `expect`. */
export interface MatcherResult {
  readonly pass: boolean;
  /** Why the matcher failed; for a matcher that passed, why it fails with `.not`. */
  readonly message: () => string;
}

/** The matchers as methods of `expect(…)`. Extend the `Matchers` interface of your test runner with it. */
export interface AudioMatchers<Result = unknown> {
  /** Every sample is zero, or below a level. */
  toBeSilent(options?: SilenceOptions): Result;
  /** The samples are the expected ones, exactly or within a tolerance. */
  toMatchSignal(expected: Signal, options?: MatchOptions): Result;
  /** No step from one frame to the next is larger than the signal's own and breaks its curve: see {@link ClickOptions}. */
  toHaveNoClicks(options?: ClickOptions): Result;
  /**
   * The `stats` of a `Capture`, `Playout`, `Session` or `Microphone` account for exactly this many frames: the frames that went in
   * are the sum of those that came out, are waiting, or were lost.
   */
  toAccountFor(frames: number): Result;
}

/**
 * Matchers for audio: `expect.extend(audioMatchers)` in Vitest and Jest. Where a runner has no `expect.extend`, call them as
 * functions: `audioMatchers.toBeSilent(samples).pass`. Invalid arguments throw a TypeError or RangeError, even with `.not`.
 */
export const audioMatchers: {
  readonly toBeSilent: (received: unknown, options?: SilenceOptions) => MatcherResult;
  readonly toMatchSignal: (
    received: unknown,
    expected: Signal,
    options?: MatchOptions,
  ) => MatcherResult;
  readonly toHaveNoClicks: (received: unknown, options?: ClickOptions) => MatcherResult;
  readonly toAccountFor: (received: unknown, frames: number) => MatcherResult;
} = { toBeSilent, toMatchSignal, toHaveNoClicks, toAccountFor };

function toBeSilent(received: unknown, options: SilenceOptions = {}): MatcherResult {
  checkOptions('toBeSilent', options, SILENCE_NAMES);
  const { belowDbfs } = options;
  const limit =
    belowDbfs === undefined ? 0 : amplitudeOf(numberIn('belowDbfs', belowDbfs, -400, 0));
  const channels = channelsOf('The received value', received);
  const asked = belowDbfs === undefined ? 'silence' : `silence below ${belowDbfs} dBFS`;
  const isSilent = (sample: number): boolean =>
    belowDbfs === undefined ? sample === 0 : Math.abs(sample) < limit;
  let first: Place | undefined;
  let loudest: Place | undefined;
  let count = 0;
  for (const [channel, samples] of channels.entries()) {
    for (let frame = 0; frame < samples.length; frame++) {
      const sample = samples[frame]!;
      if (isSilent(sample)) continue;
      count++;
      if (first === undefined || frame < first.frame) first = { channel, frame, sample };
      if (loudest === undefined || exceeds(Math.abs(sample), Math.abs(loudest.sample))) {
        loudest = { channel, frame, sample };
      }
    }
  }
  return {
    pass: first === undefined,
    message: () =>
      first === undefined
        ? `Expected a signal that is not ${asked}, got ${sizeOf(channels)} of it.`
        : `Expected ${asked}, but ${samplesOf(count)} not silent. First: ${placed(first)}. Loudest: ${placed(loudest!)}.`,
  };
}

function toMatchSignal(
  received: unknown,
  expected: Signal,
  options: MatchOptions = {},
): MatcherResult {
  checkOptions('toMatchSignal', options, MATCH_NAMES);
  const { toleranceDb } = options;
  const delay = integerIn('delayFrames', options.delayFrames ?? 0, 0, Number.MAX_SAFE_INTEGER);
  if (toleranceDb !== undefined) numberIn('toleranceDb', toleranceDb, -400, 0);
  const got = channelsOf('The received value', received);
  const want = channelsOf('The expected signal', expected);
  const sizes = misfit(got, want, delay);
  if (sizes !== undefined) return { pass: false, message: () => sizes };
  const reference = peakOf(want) || 1;
  const limit = toleranceDb === undefined ? 0 : reference * amplitudeOf(toleranceDb);
  let first: Difference | undefined;
  let largest: Difference | undefined;
  let count = 0;
  for (const [channel, samples] of want.entries()) {
    const others = got[channel]!;
    const frames = Math.min(samples.length, others.length - delay);
    for (let frame = 0; frame < frames; frame++) {
      const difference = Math.abs(others[frame + delay]! - samples[frame]!);
      if (largest === undefined || exceeds(difference, largest.difference)) {
        largest = { channel, frame, difference };
      }
      if (difference <= limit) continue;
      count++;
      if (first === undefined || frame < first.frame) first = { channel, frame, difference };
    }
  }
  const spell = ({ channel, frame, difference }: Difference): string => {
    const at = delay === 0 ? '' : ` (received frame ${frame + delay})`;
    const was = got[channel]![frame + delay]!;
    return `channel ${channel}, frame ${frame}${at}: expected ${want[channel]![frame]!}, got ${was}, a difference of ${relative(difference / reference)}`;
  };
  const within = toleranceDb === undefined ? 'exactly' : `within ${toleranceDb} dB`;
  return {
    pass: first === undefined,
    message: () =>
      first === undefined
        ? `Expected another signal, but all samples match ${within}. Largest difference: ${largest ? spell(largest) : 'there are no frames'}.`
        : `Expected the signal to match ${within}, but ${samplesOf(count)} different. First: ${spell(first)}. Largest: ${spell(largest!)}.`,
  };
}

function toHaveNoClicks(received: unknown, options: ClickOptions = {}): MatcherResult {
  const channels = channelsOf('The received value', received);
  const { ratio, count, first, worst } = findClicks(channels, options);
  const spell = (step: Step): string =>
    `channel ${step.channel}, frame ${step.frame}: a step of ${dbfs(step.step)} that breaks the curve ${step.ratio.toFixed(1)} times as much as the signal around it`;
  return {
    pass: first === undefined,
    message: () => {
      if (first !== undefined) {
        return `Expected no clicks, got ${count}. First: ${spell(first)} (limit ${ratio}). Largest: ${spell(worst!)}.`;
      }
      const nearest = worst
        ? `The nearest is in ${spell(worst)} (limit ${ratio}).`
        : "No step is larger than the signal's own.";
      return `Expected a click, got none. ${nearest}`;
    },
  };
}

function toAccountFor(received: unknown, frames: number): MatcherResult {
  integerIn('frames', frames, 0, Number.MAX_SAFE_INTEGER);
  const { total, sum, words } = accountOf(received);
  const pass = sum === frames && (total === undefined || total === sum);
  return {
    pass,
    message: () => {
      if (pass) return `Expected stats that do not account for ${frames} frames, got ${words}.`;
      const missing = frames - sum;
      const verdict =
        missing === 0
          ? `the parts do, but the total says ${total}`
          : missing > 0
            ? `${missing} frames are missing`
            : `there are ${-missing} frames too many`;
      return `Expected the stats to account for ${frames} frames, got ${words}: ${verdict}.`;
    },
  };
}

interface Place {
  readonly channel: number;
  readonly frame: number;
  readonly sample: number;
}

interface Difference {
  readonly channel: number;
  readonly frame: number;
  readonly difference: number;
}

/** Returns true if one amplitude is larger than another; NaN is larger than any value. */
function exceeds(one: number, other: number): boolean {
  return one > other || (Number.isNaN(one) && !Number.isNaN(other));
}

function placed({ channel, frame, sample }: Place): string {
  return `channel ${channel}, frame ${frame}: ${sample} (${dbfs(Math.abs(sample))})`;
}

function samplesOf(count: number): string {
  return count === 1 ? '1 sample is' : `${count} samples are`;
}

function sizeOf(channels: readonly Float32Array[]): string {
  const frames = channels[0]?.length ?? 0;
  return `${channels.length} ${channels.length === 1 ? 'channel' : 'channels'} of ${frames} frames`;
}

/** Returns why two signals cannot be compared; undefined if they can. */
function misfit(
  got: readonly Float32Array[],
  want: readonly Float32Array[],
  delay: number,
): string | undefined {
  const frames = got[0]?.length ?? 0;
  const wanted = want[0]?.length ?? 0;
  const late = delay === 0 ? '' : `, or up to ${delay} frames more`;
  if (got.length === want.length && frames >= wanted && frames <= wanted + delay) return undefined;
  return `Expected ${sizeOf(want)}${late}, got ${sizeOf(got)}.`;
}

function peakOf(channels: readonly Float32Array[]): number {
  let peak = 0;
  for (const samples of channels) {
    for (let i = 0; i < samples.length; i++) peak = Math.max(peak, Math.abs(samples[i]!));
  }
  if (Number.isFinite(peak)) return peak;
  throw new TypeError(`The expected signal must have finite samples, got ${describe(peak)}.`);
}

function relative(ratio: number): string {
  return ratio === 0 ? 'nothing' : `${(20 * Math.log10(ratio)).toFixed(1)} dB`;
}
