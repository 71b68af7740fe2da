/**
 * Low-pass kernels from the Kaiser window, as functions of continuous time, for filters whose prototype has thousands of
 * taps. J. F. Kaiser, "Nonrecursive Digital Filter Design Using the I₀-sinh Window Function" (IEEE ISCAS 1974).
 */

/** Frequencies are in cycles per frame of the input. */
export interface KaiserSpecification {
  /** End of the passband. */
  readonly pass: number;
  /** Start of the stopband. */
  readonly stop: number;
  /** Wanted attenuation and, equally, passband accuracy, in dB. */
  readonly attenuationDb: number;
}

/** How many frames the kernel must span (Kaiser's estimate, for window lengths in continuous time). */
export function kaiserSpan(specification: KaiserSpecification): number {
  const { pass, stop, attenuationDb } = specification;
  return (attenuationDb - 7.95) / (14.36 * (stop - pass));
}

/** The impulse response h(t), t in input frames, zero outside ±span/2, with ∫h = 1 up to the ripple. */
export function kaiserKernel(
  specification: KaiserSpecification,
  span: number,
): (t: number) => number {
  const { pass, stop } = specification;
  const cutoff = (pass + stop) / 2;
  // The span may be rounded up: spend what that gives on attenuation.
  const attenuationDb = 7.95 + 14.36 * (stop - pass) * span;
  const beta = kaiserBeta(attenuationDb);
  const scale = 1 / besselI0(beta);
  return (t) => {
    const u = (2 * t) / span;
    if (u <= -1 || u >= 1) return 0;
    const x = 2 * Math.PI * cutoff * t;
    const sinc = x === 0 ? 1 : Math.sin(x) / x;
    return 2 * cutoff * sinc * besselI0(beta * Math.sqrt(1 - u * u)) * scale;
  };
}

/** Kaiser's β for an attenuation in dB. */
export function kaiserBeta(attenuationDb: number): number {
  if (attenuationDb > 50) return 0.1102 * (attenuationDb - 8.7);
  if (attenuationDb < 21) return 0;
  return 0.5842 * (attenuationDb - 21) ** 0.4 + 0.07886 * (attenuationDb - 21);
}

/** Modified Bessel function of the first kind and order zero, by its power series. */
export function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}
