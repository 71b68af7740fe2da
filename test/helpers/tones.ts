import { fitSine } from './sine-fit.ts';
import type { SineFit } from './sine-fit.ts';

/** A stretch of a tone whose frequency is not quite the expected one. */
export interface Tone extends SineFit {
  /** The frequency over the expected one. */
  readonly ratio: number;
}

/** Fits a tone to each stretch of 50 cycles. @param frequency as expected, in cycles per frame */
export function tones(signal: ArrayLike<number>, frequency: number): readonly Tone[] {
  const frames = Math.round(50 / frequency);
  const found: Tone[] = [];
  for (let from = 0; from + frames <= signal.length; from += frames) {
    let ratio = 1;
    // The phase of the second half tells how far off the frequency is.
    for (let round = 0; round < 3; round++) {
      const half = from + (frames >> 1);
      const before = fitSine(signal, from, half, frequency * ratio);
      const after = fitSine(signal, half, from + frames, frequency * ratio);
      const turned = Math.atan2(
        Math.sin(after.phase - before.phase),
        Math.cos(after.phase - before.phase),
      );
      ratio += turned / (2 * Math.PI * frequency * (frames / 2));
    }
    found.push({ ...fitSine(signal, from, from + frames, frequency * ratio), ratio });
  }
  return found;
}

/**
 * The largest part of three successive frames that no tone of this frequency has: clicks and steps stand out, a
 * slightly different frequency does not. @param frequency in cycles per frame
 */
export function roughest(signal: ArrayLike<number>, frequency: number): number {
  const factor = 2 * Math.cos(2 * Math.PI * frequency);
  let most = 0;
  for (let i = 1; i + 1 < signal.length; i++) {
    most = Math.max(most, Math.abs(signal[i - 1]! - factor * signal[i]! + signal[i + 1]!));
  }
  return most;
}
