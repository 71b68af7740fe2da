import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { describe, numberIn, MAX_SAMPLE_RATE } from '../arguments.ts';
import { channelWeights } from './k-weighting.ts';
import { LoudnessHistogram, MEAN, RANGE, powersToLufs } from './loudness-histogram.ts';
import { meterInSlices } from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';
import type { BlockMeter, Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { openKernel } from './open-meter-kernel.ts';
import type { SettingChecks, StageOptions } from './open-meter-kernel.ts';

/** Reading of loudness by Recommendation ITU-R BS.1770-5 and EBU Tech 3341 (2023) and 3342 (2023). Silence reads −∞. */
export interface LoudnessReading extends Reading {
  /** Momentary loudness M: of the last 0.4 s, not gated, LUFS (Tech 3341 §2.2). Updated every 2.5 ms; silence before the start. */
  readonly momentaryLufs: number;
  /** Short-term loudness S: of the last 3 s, not gated, LUFS. */
  readonly shortTermLufs: number;
  /** Integrated loudness I: gated at −70 LUFS and at 10 LU below the mean, LUFS (BS.1770-5 Annex 1). */
  readonly integratedLufs: number;
  /** Loudness range LRA, LU (Tech 3342). Unstable for the first 60 s of `measuredSeconds`. */
  readonly loudnessRangeLu: number;
  /** Highest M of the measurement, LUFS. */
  readonly maxMomentaryLufs: number;
  /** Highest S of the measurement, LUFS. */
  readonly maxShortTermLufs: number;
  /** How long the measurement has run, without pauses, in seconds. */
  readonly measuredSeconds: number;
  /** 1 while the measurement of I, LRA and the maxima runs, 0 while it is paused. */
  readonly measuring: number;
}

export const LOUDNESS_FIELDS: Fields<LoudnessReading> = {
  momentaryLufs: ['value', -Infinity],
  shortTermLufs: ['value', -Infinity],
  integratedLufs: ['value', -Infinity],
  loudnessRangeLu: ['value', 0],
  maxMomentaryLufs: ['value', -Infinity],
  maxShortTermLufs: ['value', -Infinity],
  measuredSeconds: ['value', 0],
  measuring: ['value', 1],
};

/** Options of a {@link LoudnessMeter}. */
export interface LoudnessMeterOptions extends StageOptions {
  /** Sample rate in Hz, 8000 or more: K-weighting needs the band up to 4 kHz. */
  readonly sampleRate: number;
  /**
   * Weight of each channel's power, 0 to leave it out. @default the weights of BS.1770-5 for the number of channels in a block: 1
   * for fronts, 1.41 for the sides of 4.0, 5.0 (L R C Ls Rs) and 5.1 (L R C LFE Ls Rs), 0 for the LFE
   */
  readonly weights?: readonly number[];
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  wasm: 1,
  kernel: 1,
  weights: 1,
} satisfies OptionNames<LoudnessMeterOptions>;

/** Checks of the meter's settings. */
export const LOUDNESS_SETTINGS: SettingChecks<LoudnessMeterOptions> = { weights: checkWeights };

/** The power is summed over steps of 1/400 s; M and S are sums of steps. A burst between two steps loses 1.25 ms of M: 0.014 LU. */
const STEPS_PER_SECOND = 400;
/** Steps in the windows of M and S, and from one gating block to the next: 75 % overlap (BS.1770-5 Annex 1). */
const M_STEPS = 0.4 * STEPS_PER_SECOND;
const S_STEPS = 3 * STEPS_PER_SECOND;
const HOP_STEPS = 0.1 * STEPS_PER_SECOND;
/** Number of windows of S that `warmUp` completes. */
const WARM_UP_HOPS = 8;
/** Minimum sample rate in Hz. */
export const LOUDNESS_MIN_RATE = 8000;
/** Relative gates: BS.1770-5 Annex 1; Tech 3342 §3. */
const GATE_LU = 10;
const RANGE_GATE_LU = 20;

/**
 * Measures momentary, short-term and integrated loudness, loudness range, and the maxima. Memory and work are bounded, even over
 * days.
 */
export class LoudnessMeter implements BlockMeter {
  readonly channels: number;
  readonly #sampleRate: number;
  readonly #kernel: MeterKernel;
  /** Weights by the number of channels in a block; 0 for missing channels. */
  readonly #weights: readonly Float64Array[];
  /** Channels in the last block. */
  #present = 0;
  /** Power of each step in the window of S. */
  readonly #ring: Float32Array = new Float32Array(S_STEPS);
  /** Index of the next step. */
  #at = 0;
  /** Steps taken in the current second, and the frame of that second at which the current step ends. */
  #stepInSecond = 0;
  #stepEnd = 0;
  #frameInSecond = 0;
  /** Power accumulated in the current step. */
  #power = 0;
  /**
   * Running sums over the windows, and the same sums restarted at the start of the ring: these replace the former each round, so
   * that rounding errors never accumulate.
   */
  #m = 0;
  #s = 0;
  #mAnew = 0;
  #sAnew = 0;
  #mAge = 0;
  #hopAge = 0;
  /** Steps since the start or the last `resume()`, at most as many as S needs: a window must lie entirely in the measurement. */
  #running = 0;
  #paused = false;
  /** In an array: a field would change its representation at 2³¹ frames, half a day, and engines would discard the compiled code. */
  readonly #measuredFrames: Float64Array = new Float64Array(1);
  #maxM = 0;
  #maxS = 0;
  readonly #blocks: LoudnessHistogram = new LoudnessHistogram(20);
  readonly #shortTerms: LoudnessHistogram = new LoudnessHistogram(50);
  /** Mean power of the windows added to the histograms. */
  readonly #means: Float64Array = new Float64Array(2);

  /** @throws RangeError for options out of their range */
  constructor(options: LoudnessMeterOptions) {
    checkOptions('LoudnessMeter', options, NAMES);
    numberIn('sampleRate', options.sampleRate, LOUDNESS_MIN_RATE, MAX_SAMPLE_RATE);
    const { sampleRate, channels, kernel } = openKernel(options);
    this.#sampleRate = sampleRate;
    this.channels = channels;
    this.#kernel = kernel;
    const { weights } = options;
    if (weights !== undefined) checkWeights(weights, { channels });
    this.#weights = Array.from({ length: channels + 1 }, (_, present) => {
      const padded = new Float64Array(channels);
      padded.set(weights === undefined ? channelWeights(present) : weights.slice(0, present));
      return padded;
    });
    this.reset();
  }

  /** Creates a reading for `read()`. */
  createReading(): LoudnessReading {
    return createReading<LoudnessReading>(LOUDNESS_FIELDS, this.channels);
  }

  /** Fills a reading. */
  read(out: LoudnessReading): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    meterInSlices(this.#kernel, this, block, from, frames);
  }

  /** @internal */
  meter(present: number, frames: number): void {
    if (present < this.#present) this.#kernel.silence(present);
    this.#present = present;
    const weights = this.#weights[present]!;
    for (let at = 0; at < frames;) {
      const count = Math.min(frames - at, this.#stepEnd - this.#frameInSecond);
      this.#kernel.energy(weights, at, count);
      this.#power += this.#kernel.result[0]!;
      at += count;
      this.#frameInSecond += count;
      if (!this.#paused) this.#measuredFrames[0]! += count;
      if (this.#frameInSecond === this.#stepEnd) this.#endStep();
    }
  }

  /** Continues the measurement of I, LRA and the maxima after `pause()`: see Tech 3341 §2.4. A new meter is running. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#running = 0;
  }

  /** Pauses the measurement of I, LRA and the maxima; M and S continue. */
  pause(): void {
    this.#paused = true;
  }

  /** @internal Completes windows of M and of S, which take seconds of audio. Only `reset()` may follow. */
  warmUp(): void {
    for (let step = 0; step < S_STEPS + WARM_UP_HOPS * HOP_STEPS; step++) {
      this.#power = 1e-3 * (1 + (step % 7));
      this.#endStep();
    }
  }

  /** Restarts all measurements; a paused measurement stays paused. */
  reset(): void {
    this.#kernel.reset();
    this.#ring.fill(0);
    this.#at = this.#stepInSecond = this.#frameInSecond = this.#power = 0;
    this.#m = this.#s = this.#mAnew = this.#sAnew = this.#mAge = this.#hopAge = 0;
    this.#running = this.#maxM = this.#maxS = 0;
    this.#measuredFrames[0] = 0;
    this.#blocks.reset();
    this.#shortTerms.reset();
    this.#stepEnd = this.#endOfStep();
  }

  store(target: Float64Array, at: number): number {
    target[at] = this.#m / (0.4 * this.#sampleRate);
    target[at + 1] = this.#s / (3 * this.#sampleRate);
    target[at + 2] = this.#blocks.numbers[MEAN]!;
    target[at + 3] = this.#shortTerms.numbers[RANGE]!;
    target[at + 4] = this.#maxM / (0.4 * this.#sampleRate);
    target[at + 5] = this.#maxS / (3 * this.#sampleRate);
    powersToLufs(target, at);
    powersToLufs(target, at + 1);
    powersToLufs(target, at + 4);
    powersToLufs(target, at + 5);
    target[at + 6] = this.#measuredFrames[0]! / this.#sampleRate;
    target[at + 7] = this.#paused ? 0 : 1;
    return at + 8;
  }

  /** Returns the end of the current step: steps end at whole frames, as evenly as possible within a second. */
  #endOfStep(): number {
    return Math.floor(((this.#stepInSecond + 1) * this.#sampleRate) / STEPS_PER_SECOND);
  }

  #endStep(): void {
    const ring = this.#ring;
    const at = this.#at;
    const leavingM = ring[at < M_STEPS ? at - M_STEPS + S_STEPS : at - M_STEPS]!;
    const leavingS = ring[at]!;
    ring[at] = this.#power;
    // As it will be subtracted: rounded to 24 bits, which is a hundred-thousandth of 1 dB.
    const power = ring[at];
    this.#m += power - leavingM;
    this.#s += power - leavingS;
    this.#mAnew += power;
    this.#sAnew += power;
    this.#power = 0;
    this.#at = at + 1;
    if (this.#at === S_STEPS) {
      this.#at = 0;
      this.#s = this.#sAnew;
      this.#sAnew = 0;
    }
    if (++this.#mAge === M_STEPS) {
      this.#mAge = 0;
      this.#m = this.#mAnew;
      this.#mAnew = 0;
    }
    if (++this.#stepInSecond === STEPS_PER_SECOND) this.#stepInSecond = this.#frameInSecond = 0;
    this.#stepEnd = this.#endOfStep();
    this.#gather();
  }

  /** Adds the windows that end here to the measurement. */
  #gather(): void {
    const hop = ++this.#hopAge === HOP_STEPS;
    if (hop) this.#hopAge = 0;
    if (this.#paused) return;
    if (this.#running < S_STEPS) this.#running++;
    if (this.#running < M_STEPS) return;
    if (this.#m > this.#maxM) this.#maxM = this.#m;
    const whole = this.#running === S_STEPS;
    if (whole && this.#s > this.#maxS) this.#maxS = this.#s;
    if (!hop) return;
    this.#means[0] = this.#m / (0.4 * this.#sampleRate);
    this.#blocks.add(this.#means, 0);
    this.#blocks.findMean(GATE_LU);
    if (!whole) return;
    this.#means[1] = this.#s / (3 * this.#sampleRate);
    this.#shortTerms.add(this.#means, 1);
    this.#shortTerms.findRange(RANGE_GATE_LU);
  }
}

function checkWeights(
  weights: unknown,
  { channels }: { readonly channels: number },
): readonly number[] {
  if (!Array.isArray(weights) || weights.length !== channels) {
    const got = Array.isArray(weights) ? `${weights.length} numbers` : describe(weights);
    throw new TypeError(`weights must be an array of ${channels} numbers, got ${got}.`);
  }
  for (const weight of weights as readonly unknown[]) numberIn('weights', weight, 0, 100);
  return weights as readonly number[];
}
