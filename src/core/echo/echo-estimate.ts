import { integerIn, numberIn } from '../arguments.ts';
import { checkObject, checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { findArrival } from './echo-arrival.ts';
import type { EchoArrival } from './echo-arrival.ts';
import { correlateSweep } from './echo-correlation.ts';
import { commonPower } from './echo-power.ts';
import type { EchoProbe } from './echo-probe.ts';

/** A recording of an {@link EchoProbe}, for `estimateEcho`. */
export interface EchoRecording {
  /** Mono samples at the probe's rate. */
  readonly samples: Float32Array;
  /** Position in the samples at which the probe began to play, in frames, not necessarily an integer. */
  readonly playedAtFrame: number;
  /** Longest delay to look for, in ms, 1–5000. @default 1000 */
  readonly maxDelayMs?: number;
}
const NAMES: OptionNames<EchoRecording> = { samples: 1, playedAtFrame: 1, maxDelayMs: 1 };

/** Estimate of an echo from a recorded probe. */
export interface EchoEstimate {
  /**
   * Delay from the speaker's node to the beginning of the echo in the recording, in frames and in ms; null if the echo was not
   * heard.
   */
  readonly delayFrames: number | null;
  readonly delayMs: number | null;
  /**
   * How much quieter the echo is than the played probe, in dB, over the probe's band and including reverberation. If
   * `isLowerBound`, it is at least this much quieter.
   */
  readonly returnLossDb: number;
  /** Whether `returnLossDb` is only a bound, because the probe was not heard clearly enough. */
  readonly isLowerBound: boolean;
  /** How far the probe stands out from other recorded audio after correlation, in dB. */
  readonly prominenceDb: number;
}

/** Lags before the earliest possible echo that show the noise, seconds. */
const BEFORE_SECONDS = 0.3;
/** How much of an echo and its reverberation counts, seconds. */
const REVERB_SECONDS = 0.3;
/** How much before its first sound counts too, seconds: the rise of its edge. */
const EDGE_SECONDS = 0.002;
/**
 * How far an echo must exceed the median of all lags, and its loudest rival, to count as heard, dB. In 600 rooms with speech up
 * to 45 dB louder than the echo, no other sound led by more than 4.6 dB, or by more than 2.7 dB after whitening.
 */
const MIN_PROMINENCE_DB = 6;
const MIN_LEAD_DB = 7;
const MIN_WHITENED_LEAD_DB = 6;
/** A level counts as measured up to this standard error of the power, as a fraction of it. */
const MAX_ERROR = 0.08;
/** Distance of the bound in standard errors otherwise. */
const BOUND_ERRORS = 5;

/**
 * Finds a probe in a recording. Has no clock: the caller says when the probe began to play.
 *
 * A confident answer is within 1 ms and 1 dB of the truth, even with reverberation, noise or speech about as loud as the echo,
 * and clocks that differ by up to 200 ppm. Takes about 100 ms.
 * @throws TypeError or RangeError for an invalid argument, and for a recording that ends before the longest delay
 */
export function estimateEcho(probe: EchoProbe, recording: EchoRecording): EchoEstimate {
  checkObject('probe must be an EchoProbe', probe, 'sweep', 'startFrames');
  checkOptions('estimateEcho', recording, NAMES);
  const { samples } = recording;
  checkObject('samples must be a Float32Array', samples, 'subarray');
  const { sampleRate, startFrames, sweep } = probe;
  const maxDelayMs = numberIn('maxDelayMs', recording.maxDelayMs ?? 1000, 1, 5000);
  const playedAt = numberIn('playedAtFrame', recording.playedAtFrame, 0, samples.length);
  const frames = (seconds: number): number => Math.round(seconds * sampleRate);
  const base = Math.round(playedAt);
  const reach = Math.ceil((maxDelayMs / 1000) * sampleRate);
  const least = base + probe.samples.length + reach;
  integerIn('samples.length', samples.length, least, Number.MAX_SAFE_INTEGER);
  if (samples.every((sample) => sample === 0)) return SILENCE;
  const { plain, whitened, bandShare } = correlateSweep(samples, sweep, sampleRate);
  const starts = startFrames.map((start) => base + start);
  const reverb = frames(REVERB_SECONDS);
  const before = frames(BEFORE_SECONDS);
  const span = { before, reach, reverb, sampleRate };
  // Whitening mirrors a loud echo's reflections in time: use it only if the plain correlation does not show the echo.
  const found = findArrival(plain, starts, span);
  const arrival = isHeard(found, MIN_LEAD_DB) ? found : findArrival(whitened, starts, span);
  const { lag, prominenceDb } = arrival;
  if (!isHeard(arrival, MIN_WHITENED_LEAD_DB)) {
    const most = loudestAnswer(plain, starts, reach, reverb);
    return {
      delayFrames: null,
      delayMs: null,
      returnLossDb: lossDb(most * bandShare),
      isLowerBound: true,
      prominenceDb,
    };
  }
  const edge = frames(EDGE_SECONDS);
  const answers = starts.map((start) => start + lag - edge);
  const { power, error } = commonPower(plain, answers, edge + reverb, sampleRate);
  const isMeasured = error <= MAX_ERROR * power;
  const delayFrames = lag + base - playedAt;
  return {
    delayFrames,
    delayMs: (1000 * delayFrames) / sampleRate,
    returnLossDb: lossDb(
      (isMeasured ? power : Math.max(0, power) + BOUND_ERRORS * error) * bandShare,
    ),
    isLowerBound: !isMeasured,
    prominenceDb,
  };
}

function isHeard({ prominenceDb, leadDb }: EchoArrival, minLeadDb: number): boolean {
  return prominenceDb >= MIN_PROMINENCE_DB && leadDb >= minLeadDb;
}

/** The estimate for a recording of zeros. */
const SILENCE: EchoEstimate = {
  delayFrames: null,
  delayMs: null,
  returnLossDb: Infinity,
  isLowerBound: true,
  prominenceDb: 0,
};

/** Returns the power of the loudest answer that is possible at any lag: everything recorded in its time. */
function loudestAnswer(
  correlation: Float64Array,
  starts: readonly number[],
  reach: number,
  reverb: number,
): number {
  const sums = new Float64Array(reach + reverb + 1);
  for (let i = 0; i < reach + reverb; i++) {
    let power = 0;
    for (const start of starts) power += (correlation[start + i] ?? 0) ** 2;
    sums[i + 1] = sums[i]! + power / starts.length;
  }
  let most = 0;
  for (let i = 0; i < reach; i++) most = Math.max(most, sums[i + reverb]! - sums[i]!);
  return most;
}

function lossDb(gainSquared: number): number {
  // Not −0.
  return gainSquared === 1 ? 0 : -10 * Math.log10(gainSquared);
}
