/** Power within this many seconds of a lag counts for that lag. */
const SMOOTH_SECONDS = 0.000_25;
/** The first sound of an echo may come this many seconds before its loudest. */
const EARLIER_SECONDS = 0.03;
/** An earlier peak counts as the first sound if it has this fraction of the power of the loudest … */
const EARLIER_SHARE = 0.1;
/** … and this multiple of the power of anything that is not the echo. */
const EARLIER_TIMES = 2;

/** The beginning of the echo of several sweeps. */
export interface EchoArrival {
  /** Frames from the start of a sweep's playback. */
  readonly lag: number;
  /** By how many dB its loudest sound exceeds the median of all lags. */
  readonly prominenceDb: number;
  /** By how many dB it exceeds the loudest lag that cannot belong to it. */
  readonly leadDb: number;
}

/**
 * Finds the lag at which all sweeps are heard again.
 * @param correlation one value per frame
 * @param starts frames at which the sweeps began to play
 * @param before how many lags below 0 to look at, for the noise
 * @param reach the highest lag
 * @param reverb how long an echo may last, in frames
 */
export function findArrival(
  correlation: Float64Array,
  starts: readonly number[],
  {
    before,
    reach,
    reverb,
    sampleRate,
  }: {
    readonly before: number;
    readonly reach: number;
    readonly reverb: number;
    readonly sampleRate: number;
  },
): EchoArrival {
  const half = Math.max(1, Math.round(SMOOTH_SECONDS * sampleRate));
  const score = scoreOf(correlation, starts, before, reach + reverb, half);
  const noise = median(score, half);
  let best = before;
  for (let i = before; i < before + reach; i++) if (score[i]! > score[best]!) best = i;
  const top = score[best]!;
  const from = Math.max(0, best - Math.round(EARLIER_SECONDS * sampleRate));
  let rival = 0;
  for (let i = 0; i < score.length; i++) {
    if (i < from || i > best + reverb) rival = Math.max(rival, score[i]!);
  }
  const enough = Math.max(top * EARLIER_SHARE, rival * EARLIER_TIMES);
  let first = Math.max(before, from);
  while (first < best && !(score[first]! >= enough && isPeak(score, first))) first++;
  return {
    lag: first - before,
    prominenceDb: 10 * Math.log10(top / noise),
    leadDb: 10 * Math.log10(top / rival),
  };
}

/**
 * Computes for each lag the mean power of all sweeps but the loudest: audio after only one sweep is not an echo. Sweeps follow
 * each other at different distances, so the echo of another sweep does not count either.
 */
function scoreOf(
  correlation: Float64Array,
  starts: readonly number[],
  before: number,
  behind: number,
  half: number,
): Float64Array {
  const lags = before + behind;
  const sum = new Float64Array(lags);
  const most = new Float64Array(lags);
  for (const start of starts) {
    const at = (i: number): number => (correlation[start - before + i] ?? 0) ** 2;
    let near = 0;
    for (let i = -half; i < half; i++) near += at(i);
    for (let i = 0; i < lags; i++) {
      near += at(i + half);
      const power = Math.max(0, near);
      sum[i]! += power;
      if (power > most[i]!) most[i] = power;
      near -= at(i - half);
    }
  }
  for (let i = 0; i < lags; i++) sum[i] = (sum[i]! - most[i]!) / (starts.length - 1);
  return sum;
}

function isPeak(values: Float64Array, i: number): boolean {
  return values[i]! >= (values[i - 1] ?? 0) && values[i]! > (values[i + 1] ?? 0);
}

function median(values: Float64Array, step: number): number {
  const some = new Float64Array(Math.floor(values.length / step));
  for (let i = 0; i < some.length; i++) some[i] = values[i * step]!;
  some.sort();
  return some[some.length >> 1]!;
}
