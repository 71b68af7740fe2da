/** A short kernel in continuous time, as a sum of cosines; image-filter-design.ts designs it. */
export interface ImageFilter {
  /** Weights of the basis functions cos(π (2m + 1) t / span), whose sum is the filter. */
  readonly weights: Float64Array;
  /** The impulse response h(t), t in input frames, zero outside ±`span` / 2, with ∫h = 1 up to the ripple. */
  readonly kernel: (t: number) => number;
  /** An even number of input frames. */
  readonly span: number;
}

/** Returns the filter with these weights and this span. */
export function imageFilter(weights: Float64Array, span: number): ImageFilter {
  const kernel = (t: number): number => (Math.abs(2 * t) >= span ? 0 : response(weights, t, span));
  return { weights, kernel, span };
}

function response(weights: Float64Array, t: number, span: number): number {
  let sum = 0;
  for (let m = 0; m < weights.length; m++) {
    sum += weights[m]! * Math.cos((Math.PI * (2 * m + 1) * t) / span);
  }
  return sum;
}
