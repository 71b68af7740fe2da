/**
 * Least squares with the frequency known (IEEE Std 1057, three-parameter fit): what of a signal is one tone, and what is
 * not. No window, so no leakage.
 */
export interface SineFit {
  readonly amplitude: number;
  /** Of amplitude · cos(2π · frequency · t + phase), radians. */
  readonly phase: number;
  /** Root mean square of all that is not the tone. */
  readonly residual: number;
}

/** Fits values `from`..`to` of `signal`. `instant(i)` is where value i stands; `frequency` is in cycles per unit of it. */
export function fitSine(
  signal: ArrayLike<number>,
  from: number,
  to: number,
  frequency: number,
  instant: (index: number) => number = (index) => index,
): SineFit {
  let cc = 0;
  let cs = 0;
  let ss = 0;
  let cy = 0;
  let sy = 0;
  for (let i = from; i < to; i++) {
    const angle = 2 * Math.PI * frequency * instant(i);
    const c = Math.cos(angle);
    const s = Math.sin(angle);
    cc += c * c;
    cs += c * s;
    ss += s * s;
    cy += c * signal[i]!;
    sy += s * signal[i]!;
  }
  const determinant = cc * ss - cs * cs;
  const a = (cy * ss - sy * cs) / determinant;
  const b = (sy * cc - cy * cs) / determinant;
  let square = 0;
  for (let i = from; i < to; i++) {
    const angle = 2 * Math.PI * frequency * instant(i);
    square += (signal[i]! - a * Math.cos(angle) - b * Math.sin(angle)) ** 2;
  }
  return {
    amplitude: Math.hypot(a, b),
    phase: Math.atan2(-b, a),
    residual: Math.sqrt(square / (to - from)),
  };
}

/** `frames` of amplitude · cos(2π · frequency · i), frequency in cycles per frame. */
export function cosine(frames: number, frequency: number, amplitude = 0.5): Float32Array {
  const signal = new Float32Array(frames);
  for (let i = 0; i < frames; i++) {
    signal[i] = amplitude * Math.cos(2 * Math.PI * frequency * i);
  }
  return signal;
}

export function decibels(ratio: number): number {
  return 20 * Math.log10(Math.abs(ratio));
}

/** Root mean square of values `from`..`to`. */
export function rootMeanSquare(signal: ArrayLike<number>, from: number, to: number): number {
  let square = 0;
  for (let i = from; i < to; i++) square += signal[i]! ** 2;
  return Math.sqrt(square / (to - from));
}
