/**
 * Short kernels in continuous time whose stopbands lie only around the multiples of a rate. Between these bands a neighbouring
 * sharp filter leaves nothing, or removes what is left, so the kernel's response there does not matter, and it needs about half
 * the length of a Kaiser window. Weighted least squares in a cosine basis, reweighted towards the minimax (C. L. Lawson's
 * algorithm: "Contributions to the Theory of Linear Least Maximum Approximation", 1961). Not for the audio thread.
 */

import { imageFilter } from './image-filter.ts';
import type { ImageFilter } from './image-filter.ts';

/** Specification of an image filter. Frequencies are in cycles per input frame. */
export interface ImageFilterSpecification {
  /** End of the passband. */
  readonly pass: number;
  /** The stopbands reach from n · `rate` − `halfWidth` to n · `rate` + `halfWidth`, n = 1, 2, … */
  readonly rate: number;
  readonly halfWidth: number;
  /** Attenuation of the first stopband, dB; later ones have more, in proportion to their frequency, so that their sum counts little. */
  readonly attenuationDb: number;
  /** Largest deviation in the passband, dB. */
  readonly rippleDb: number;
}

const MAX_SPAN = 48;
const ITERATIONS = 24;
/** Number of stopbands in the fit. Beyond them the basis decays by itself: its functions are continuous at the ends. */
const STOPBANDS = 6;

/** Designs the shortest filter of even span that meets the specification; undefined if it would be longer than 48 frames. */
export function designImageFilter(
  specification: ImageFilterSpecification,
): ImageFilter | undefined {
  const { pass, rate, halfWidth, attenuationDb } = specification;
  // Two thirds of Kaiser's estimate are always too few.
  const kaiser = (attenuationDb - 7.95) / (14.36 * (rate - halfWidth - pass));
  for (let span = 2 * Math.max(2, Math.floor(kaiser / 3)); span <= MAX_SPAN; span += 2) {
    const weights = fit(specification, span);
    if (weights !== undefined) return imageFilter(weights, span);
  }
  return undefined;
}

/** Computes the weights of the basis functions; undefined if they do not meet the specification. */
function fit(specification: ImageFilterSpecification, span: number): Float64Array | undefined {
  const { pass, rate, halfWidth, attenuationDb, rippleDb } = specification;
  const terms = Math.ceil(span * (rate - halfWidth / 2)) + 2;
  const passTolerance = 10 ** (rippleDb / 20) - 1;
  const stopTolerance = 10 ** (-attenuationDb / 20);
  const frequencies: number[] = [];
  const tolerances: number[] = [];
  const passPoints = 4 * Math.ceil(span * pass) + 8;
  for (let i = 0; i <= passPoints; i++) {
    frequencies.push((pass * i) / passPoints);
    tolerances.push(passTolerance);
  }
  const stopPoints = 8 * Math.ceil(span * halfWidth) + 8;
  for (let n = 1; n <= STOPBANDS; n++) {
    for (let i = 0; i <= stopPoints; i++) {
      const frequency = n * rate + halfWidth * ((2 * i) / stopPoints - 1);
      frequencies.push(frequency);
      tolerances.push((stopTolerance * (rate - halfWidth)) / frequency);
    }
  }
  const rows = frequencies.length;
  const basis = new Float64Array(rows * terms);
  const target = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    // Scale each row so that an error of 1 is just allowed.
    for (let m = 0; m < terms; m++) {
      basis[r * terms + m] = spectrum(m, frequencies[r]!, span) / tolerances[r]!;
    }
    target[r] = r <= passPoints ? 1 / tolerances[r]! : 0;
  }
  const emphasis = new Float64Array(rows).fill(1);
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const weights = leastSquares(basis, target, emphasis, terms);
    let worst = 0;
    let mean = 0;
    for (let r = 0; r < rows; r++) {
      let error = -target[r]!;
      for (let m = 0; m < terms; m++) error += weights[m]! * basis[r * terms + m]!;
      worst = Math.max(worst, Math.abs(error));
      emphasis[r]! *= Math.abs(error) + 1e-3;
      mean += emphasis[r]! / rows;
    }
    if (worst <= 1) return weights;
    for (let r = 0; r < rows; r++) emphasis[r]! /= mean;
  }
  return undefined;
}

/** The transform of cos(π (2m + 1) t / span) over ±span / 2, at `frequency`. */
function spectrum(m: number, frequency: number, span: number): number {
  const x = frequency * span;
  return (span / 2) * (sinc(x - m - 0.5) + sinc(x + m + 0.5));
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Minimizes Σ emphasis · (basis · w − target)² by modified Gram–Schmidt on the weighted rows. */
function leastSquares(
  basis: Float64Array,
  target: Float64Array,
  emphasis: Float64Array,
  terms: number,
): Float64Array {
  const rows = target.length;
  const columns: Float64Array[] = [];
  for (let m = 0; m <= terms; m++) {
    const column = new Float64Array(rows);
    for (let r = 0; r < rows; r++) {
      const value = m < terms ? basis[r * terms + m]! : target[r]!;
      column[r] = value * Math.sqrt(emphasis[r]!);
    }
    columns.push(column);
  }
  const triangle = new Float64Array((terms + 1) * (terms + 1));
  for (let m = 0; m < terms; m++) {
    const column = columns[m]!;
    const norm = Math.sqrt(dot(column, column));
    triangle[m * (terms + 1) + m] = norm;
    for (let r = 0; r < rows; r++) column[r]! /= norm;
    for (let other = m + 1; other <= terms; other++) {
      const projection = dot(column, columns[other]!);
      triangle[m * (terms + 1) + other] = projection;
      for (let r = 0; r < rows; r++) columns[other]![r]! -= projection * column[r]!;
    }
  }
  const weights = new Float64Array(terms);
  for (let m = terms - 1; m >= 0; m--) {
    let sum = triangle[m * (terms + 1) + terms]!;
    for (let other = m + 1; other < terms; other++) {
      sum -= triangle[m * (terms + 1) + other]! * weights[other]!;
    }
    weights[m] = sum / triangle[m * (terms + 1) + m]!;
  }
  return weights;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
