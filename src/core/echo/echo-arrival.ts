/** What lies within this many seconds of a lag counts as that lag. */
const SMOOTH_SECONDS = 0.000_25;
/** The first sound of an echo may come this long before its loudest. */
const EARLIER_SECONDS = 0.03;
/** As loud beside the loudest, as power, an earlier peak counts as the first sound. */
const EARLIER_SHARE = 0.1;
/** As loud beside what is not an echo, as power. */
const EARLIER_TIMES = 2;

/** Where the echo of several sweeps begins. */
export interface EchoArrival {
  /** Frames after a sweep has begun to play. */
  readonly lag: number;
  /** How far its loudest sound stands out from the median of all lags, dB. */
  readonly prominenceDb: number;
  /** And from the loudest lag that cannot belong to it, dB. */
  readonly leadDb: number;
}

/**
 * Finds the lag at which all sweeps are heard again.
 * @param correlation by frame
 * @param starts frames at which the sweeps began to play
 * @param before lags below 0 to look at, for the noise
 * @param reach the highest lag
 * @param reverb how long an echo may last
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
 * By lag, the mean power of all sweeps but the loudest: what is heard after one sweep only is not an echo. Sweeps follow each
 * other at different distances, so another sweep's echo is such a thing as well.
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
