import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, numberIn } from '../arguments.ts';
import { meterInSlices } from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';
import type { BlockMeter, Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { openKernel } from './open-meter-kernel.ts';
import type { SettingChecks, StageOptions } from './open-meter-kernel.ts';
import { EnergySpeechEstimator } from './speech-estimator.ts';
import type { SpeechEstimator } from './speech-estimator.ts';

/** Reading of speech or silence, over all channels together. */
export interface ActivityReading extends Reading {
  /** 1 while there is speech, otherwise 0. */
  readonly active: number;
  /** Likelihood that the last segment (10 ms, or the estimator's length) was speech, 0 to 1. */
  readonly activityLikelihood: number;
  /** Frame, counted from the meter's start or last reset, at which the speech or the silence began. */
  readonly activitySinceFrame: number;
}

export const ACTIVITY_FIELDS: Fields<ActivityReading> = {
  active: ['value', 0],
  activityLikelihood: ['value', 0],
  activitySinceFrame: ['value', 0],
};

/** Called at each change, within `process()`. It must not throw, nor allocate on an audio thread. */
export type ActivityListener = (
  /** True when speech began. */
  active: boolean,
  /** First frame of the speech, or of the silence, counted from the meter's start or last reset. */
  sinceFrame: number,
  /** The frame at which the change was detected. */
  frame: number,
) => void;

/** Options of an {@link ActivityDetector}. */
export interface ActivityDetectorOptions extends StageOptions {
  /** Number of channels, which are averaged. */
  readonly channels: number;
  /** Estimates the likelihood of speech for each segment. @default an `EnergySpeechEstimator` */
  readonly estimator?: SpeechEstimator;
  /** Likelihood at or above which a segment may begin speech. @default 0.5 */
  readonly onset?: number;
  /** Likelihood below which a segment may end speech. @default 0.1 */
  readonly release?: number;
  /** How long the likelihood must be at least `onset` before speech begins, in ms, rounded up to whole segments. @default 30 */
  readonly attackDurationMs?: number;
  /** How long the likelihood must stay below `release` before speech ends, in ms, rounded up to whole segments. @default 300 */
  readonly holdDurationMs?: number;
  /** Called at each change. */
  readonly onChange?: ActivityListener | undefined;
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  wasm: 1,
  kernel: 1,
  estimator: 1,
  onset: 1,
  release: 1,
  attackDurationMs: 1,
  holdDurationMs: 1,
  onChange: 1,
} satisfies OptionNames<ActivityDetectorOptions>;

const ONSET = 0.5;
/** Checks of the detector's settings. */
export const ACTIVITY_SETTINGS: SettingChecks<
  Omit<ActivityDetectorOptions, 'estimator' | 'onChange'>
> = {
  onset: (value) => numberIn('onset', value, 0, 1),
  release: (value, { onset = ONSET }) => numberIn('release', value, 0, onset),
  attackDurationMs: (value) => numberIn('attackDurationMs', value, 0, 60_000),
  holdDurationMs: (value) => numberIn('holdDurationMs', value, 0, 60_000),
};

/** Slots of the array of frames. */
const TAKEN = 0;
const SINCE = 1;

/**
 * Distinguishes speech from silence by the likelihoods of successive segments, with hysteresis, attack and hold. Uses the signal's
 * energy unless you pass another estimator.
 */
export class ActivityDetector implements BlockMeter {
  readonly channels: number;
  readonly #kernel: MeterKernel;
  readonly #estimator: SpeechEstimator;
  readonly #onset: number;
  readonly #release: number;
  /** Attack and hold, in segments. */
  readonly #attack: number;
  readonly #hold: number;
  readonly #onChange: ActivityListener | undefined;
  /** The segment being filled, with the mean of the channels. */
  readonly #stretch: Float32Array;
  #filled = 0;
  /** Frames metered since the start or the last reset, and where the speech or the silence began; in an array as in MeterBank. */
  readonly #frames: Float64Array = new Float64Array(2);
  #active = false;
  #likelihood = 0;
  /** Number of successive segments that suggest a change. */
  #turning = 0;

  /** @throws RangeError for options out of their range */
  constructor(options: ActivityDetectorOptions) {
    checkOptions('ActivityDetector', options, NAMES);
    const { sampleRate, channels, kernel } = openKernel(options);
    this.channels = channels;
    this.#kernel = kernel;
    if (options.estimator === undefined) {
      const estimator = new EnergySpeechEstimator({ sampleRate });
      estimator.useKernel(kernel);
      this.#estimator = estimator;
    } else this.#estimator = options.estimator;
    this.#onset = ACTIVITY_SETTINGS.onset(options.onset ?? ONSET, options);
    this.#release = ACTIVITY_SETTINGS.release(options.release ?? 0.1, options);
    const attack = ACTIVITY_SETTINGS.attackDurationMs(options.attackDurationMs ?? 30, options);
    const hold = ACTIVITY_SETTINGS.holdDurationMs(options.holdDurationMs ?? 300, options);
    this.#onChange = options.onChange;
    const frames = integerIn('estimator.frames', this.#estimator.frames, 1, 1_000_000);
    const stretchMs = (1000 * frames) / sampleRate;
    this.#attack = Math.max(1, Math.round(attack / stretchMs));
    this.#hold = Math.max(1, Math.round(hold / stretchMs));
    this.#stretch = kernel.mixTarget(frames);
  }

  /** True while there is speech. */
  get active(): boolean {
    return this.#active;
  }

  /** Creates a reading for `read()`. */
  createReading(): ActivityReading {
    return createReading<ActivityReading>(ACTIVITY_FIELDS, this.channels);
  }

  /** Fills a reading. */
  read(out: ActivityReading): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    meterInSlices(this.#kernel, this, block, from, frames);
  }

  /** @internal */
  meter(present: number, frames: number): void {
    const stretch = this.#stretch;
    for (let at = 0; at < frames;) {
      const count = Math.min(frames - at, stretch.length - this.#filled);
      this.#kernel.mix(present, at, count, stretch, this.#filled);
      at += count;
      this.#filled += count;
      this.#frames[TAKEN]! += count;
      if (this.#filled < stretch.length) continue;
      this.#filled = 0;
      this.#estimator.estimate(stretch);
      this.#likelihood = this.#estimator.likelihood;
      this.#decide();
    }
  }

  store(target: Float64Array, at: number): number {
    target[at] = this.#active ? 1 : 0;
    target[at + 1] = this.#likelihood;
    target[at + 2] = this.#frames[SINCE]!;
    return at + 3;
  }

  reset(): void {
    this.#kernel.reset();
    this.#estimator.reset();
    this.#frames.fill(0);
    this.#filled = this.#likelihood = this.#turning = 0;
    this.#active = false;
  }

  #decide(): void {
    const turns = this.#active ? this.#likelihood < this.#release : this.#likelihood >= this.#onset;
    this.#turning = turns ? this.#turning + 1 : 0;
    if (this.#turning < (this.#active ? this.#hold : this.#attack)) return;
    this.#active = !this.#active;
    this.#frames[SINCE] = this.#frames[TAKEN]! - this.#turning * this.#stretch.length;
    this.#turning = 0;
    this.#onChange?.(this.#active, this.#frames[SINCE]!, this.#frames[TAKEN]!);
  }
}
