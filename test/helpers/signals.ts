/** Test signals, made by formula. */

/** A sine: `sample[n] = amplitude · sin(2π·frequency·(n + from)/sampleRate + phase)`. */
export function sine(options: {
  readonly frequency: number;
  readonly sampleRate: number;
  readonly frames: number;
  readonly amplitude?: number;
  /** Radians. */
  readonly phase?: number;
  /** The first frame's number. */
  readonly from?: number;
}): Float32Array {
  const { frequency, sampleRate, frames, amplitude = 1, phase = 0, from = 0 } = options;
  const step = (2 * Math.PI * frequency) / sampleRate;
  return Float32Array.from(
    { length: frames },
    (_, n) => amplitude * Math.sin(step * (n + from) + phase),
  );
}

/** White noise, even between −amplitude and amplitude. */
export function noise(random: () => number, frames: number, amplitude = 1): Float32Array {
  return Float32Array.from({ length: frames }, () => amplitude * (2 * random() - 1));
}

/** One constant value. */
export function constant(value: number, frames: number): Float32Array {
  return new Float32Array(frames).fill(value);
}
