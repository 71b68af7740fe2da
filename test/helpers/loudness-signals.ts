import { kWeightingCoefficients } from '../../src/core/metering/k-weighting.ts';

/**
 * The signals of EBU Tech 3341 (2023) table 1 and Tech 3342 (2023) table 1, and some in the manner of BS.2217, made by
 * their descriptions. Not made: those from authentic programmes (3341 cases 7 and 8, 3342 cases 5 and 6).
 */

/** Stretches of tone one after the other: seconds, then dBFS (peak), or null for silence. The phase runs on. */
export type Stretches = readonly (readonly [seconds: number, level: number | null])[];

/** A tone of stepwise level. */
export function stretches(sampleRate: number, parts: Stretches, frequency = 1000): Float32Array {
  const lengths = parts.map(([seconds]) => Math.round(seconds * sampleRate));
  const tone = new Float32Array(lengths.reduce((sum, length) => sum + length, 0));
  const step = (2 * Math.PI * frequency) / sampleRate;
  const twice = 2 * Math.cos(step);
  let at = 0;
  let before = 0;
  let now = 0;
  for (const [index, [, level]] of parts.entries()) {
    const amplitude = level === null ? 0 : 10 ** (level / 20);
    for (const end = at + lengths[index]!; at < end; at++) {
      // sin((n + 1)w) = 2·cos(w)·sin(nw) − sin((n − 1)w), much faster than the sine, restarted before errors grow.
      if (at % 1024 === 0) {
        before = Math.sin(step * (at - 1));
        now = Math.sin(step * at);
      }
      tone[at] = amplitude * now;
      const next = twice * now - before;
      before = now;
      now = next;
    }
  }
  return tone;
}

/** The same stretches so many times over. */
export function repeated(times: number, parts: Stretches): Stretches {
  return Array.from({ length: times }, () => parts).flat();
}

/** Level in dBFS at which that many channels of weight 1, in phase, read `lufs`, by the filters of BS.1770-5. */
export function levelFor(
  lufs: number,
  frequency: number,
  sampleRate: number,
  channels: number,
): number {
  return lufs + 0.691 - kWeightingDb(frequency, sampleRate) + 10 * Math.log10(2 / channels);
}

/** Gain of the K-weighting filters in dB. */
export function kWeightingDb(frequency: number, sampleRate: number): number {
  const { shelf, highPass } = kWeightingCoefficients(sampleRate);
  const [b0, b1, b2, a1, a2] = shelf;
  const w = (2 * Math.PI * frequency) / sampleRate;
  return (
    10 * Math.log10(power(b0, b1, b2, w) / power(1, a1, a2, w)) +
    10 * Math.log10(power(1, -2, 1, w) / power(1, highPass[0], highPass[1], w))
  );
}

/** |c0 + c1·z⁻¹ + c2·z⁻²|² on the unit circle. */
function power(c0: number, c1: number, c2: number, w: number): number {
  const real = c0 + c1 * Math.cos(w) + c2 * Math.cos(2 * w);
  const imaginary = c1 * Math.sin(w) + c2 * Math.sin(2 * w);
  return real * real + imaginary * imaginary;
}

/** 3341 cases 15 to 19: a sine of sampleRate/`divisor`, with 10 ms fades. */
export function fadedSine(
  sampleRate: number,
  divisor: number,
  degrees: number,
  amplitude: number,
): Float32Array {
  const frames = Math.round(0.5 * sampleRate);
  const fade = 0.01 * sampleRate;
  return Float32Array.from({ length: frames }, (_, n) => {
    const gain = Math.min(1, n / fade, (frames - 1 - n) / fade);
    return gain * amplitude * Math.sin((2 * Math.PI * n) / divisor + (degrees * Math.PI) / 180);
  });
}

/**
 * 3341 cases 20 to 23: a sine of sampleRate/6 with amplitude 0.5 in which one period of sampleRate/4 has amplitude 1,
 * made at four times the rate, low-passed, and decimated from sample `offset` on.
 */
export function burstBetweenSamples(sampleRate: number, offset: number): Float32Array {
  const frames = Math.round(0.2 * sampleRate);
  const middle = Math.floor((frames * 4) / 2 / 24) * 24;
  const fade = 0.01 * sampleRate * 4;
  const fine = Float64Array.from({ length: 4 * frames }, (_, n) => {
    const gain = Math.min(1, n / fade, (4 * frames - 1 - n) / fade);
    if (n < middle) return gain * 0.5 * Math.sin((2 * Math.PI * n) / 24);
    if (n < middle + 16) return Math.sin((2 * Math.PI * (n - middle)) / 16);
    return gain * 0.5 * Math.sin((2 * Math.PI * (n - middle - 16)) / 24);
  });
  const taps = lowPass(513, 0.2375 / 2);
  return Float32Array.from({ length: frames - 1 }, (_, n) => {
    let sum = 0;
    for (let k = 0; k < taps.length; k++) sum += taps[k]! * (fine[4 * n + offset + k - 256] ?? 0);
    return sum;
  });
}

/** A Blackman-windowed sinc. */
function lowPass(length: number, cutoff: number): Float64Array {
  const middle = (length - 1) / 2;
  const taps = Float64Array.from({ length }, (_, k) => {
    const t = k - middle;
    const x = (2 * Math.PI * (k + 0.5)) / length;
    const window = 0.42 - 0.5 * Math.cos(x) + 0.08 * Math.cos(2 * x);
    return (t === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * t) / (Math.PI * t)) * window;
  });
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}
