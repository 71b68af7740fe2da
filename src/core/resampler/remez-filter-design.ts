/**
 * Minimax design of linear-phase FIR filters: the Remez exchange of T. W. Parks and J. H. McClellan, "Chebyshev
 * Approximation for Nonrecursive Digital Filters with Linear Phase" (IEEE Trans. Circuit Theory CT-19, 1972).
 * Symmetric impulse responses only (types I and II). Allocates and takes milliseconds: never call it on the audio thread.
 */

/** One band of the specification. Frequencies are in cycles per sample, 0 to 0.5. */
export interface RemezBand {
  readonly from: number;
  readonly to: number;
  /** The amplitude to reach over the band. */
  readonly desired: number;
  /** How much an error in this band counts relative to the others. @default 1 */
  readonly weight?: number;
}

export interface RemezResult {
  /** The symmetric impulse response. */
  readonly taps: Float64Array;
  /** The largest weighted error over the bands. */
  readonly deviation: number;
}

/** Grid points per extremum. 16 is McClellan's; twice that keeps the peaks between points below 0.02 dB. */
const GRID_DENSITY = 32;
const MAX_ITERATIONS = 60;
/** The exchange has converged when peaks differ by less than this. */
const CONVERGED = 1e-6;
/** −180 dB. In double precision, much smaller errors have no extremes that could be exchanged. */
const NEGLIGIBLE = 1e-9;

/**
 * Designs the filter of `taps` coefficients with the smallest maximum weighted error over `bands`.
 * @throws RangeError if the exchange does not converge (too many taps for double precision, or bands that touch).
 */
export function designRemez(taps: number, bands: readonly RemezBand[]): RemezResult {
  const even = taps % 2 === 0;
  const terms = even ? taps / 2 : (taps + 1) / 2;
  const grid = makeGrid(bands, terms, even);
  const size = grid.x.length;
  let extremes: Int32Array = new Int32Array(terms + 1);
  for (let i = 0; i <= terms; i++) extremes[i] = Math.round((i * (size - 1)) / terms);

  const error = new Float64Array(size);
  let fit = interpolate(grid, extremes);
  for (let iteration = 0; ; iteration++) {
    let worst = 0;
    for (let i = 0; i < size; i++) {
      error[i] = grid.weight[i]! * (grid.desired[i]! - evaluate(fit, grid.x[i]!));
      worst = Math.max(worst, Math.abs(error[i]!));
    }
    if (worst < NEGLIGIBLE) {
      return { taps: impulseResponse(fit, taps, even), deviation: worst };
    }
    const next = pickExtremes(error, terms + 1);
    if (next === undefined || iteration === MAX_ITERATIONS) {
      throw new RangeError(`No minimax filter of ${taps} taps for these bands.`);
    }
    let smallest = Infinity;
    let largest = 0;
    for (const index of next) {
      smallest = Math.min(smallest, Math.abs(error[index]!));
      largest = Math.max(largest, Math.abs(error[index]!));
    }
    if (largest - smallest <= CONVERGED * largest) {
      return { taps: impulseResponse(fit, taps, even), deviation: largest };
    }
    extremes = next;
    fit = interpolate(grid, extremes);
  }
}

/** The specification sampled: x = cos ω, with type II's factor cos(ω/2) moved into `desired` and `weight`. */
interface Grid {
  readonly x: Float64Array;
  readonly desired: Float64Array;
  readonly weight: Float64Array;
}

function makeGrid(bands: readonly RemezBand[], terms: number, even: boolean): Grid {
  const step = 0.5 / (GRID_DENSITY * terms);
  const x: number[] = [];
  const desired: number[] = [];
  const weight: number[] = [];
  for (const band of bands) {
    // Type II is zero at 0.5 whatever the taps are: that point cannot be specified.
    const to = even ? Math.min(band.to, 0.5 - step) : band.to;
    const points = Math.max(2, Math.ceil((to - band.from) / step));
    for (let i = 0; i <= points; i++) {
      const omega = 2 * Math.PI * (band.from + ((to - band.from) * i) / points);
      const factor = even ? Math.cos(omega / 2) : 1;
      x.push(Math.cos(omega));
      desired.push(band.desired / factor);
      weight.push((band.weight ?? 1) * factor);
    }
  }
  return {
    x: Float64Array.from(x),
    desired: Float64Array.from(desired),
    weight: Float64Array.from(weight),
  };
}

/** A polynomial in cos ω in barycentric form: its nodes, its values at the nodes, and its weights. */
interface Fit {
  readonly nodes: Float64Array;
  readonly values: Float64Array;
  readonly weights: Float64Array;
}

/** Computes the polynomial whose error at the extremes is alternately +δ and −δ. */
function interpolate(grid: Grid, extremes: Int32Array): Fit {
  const count = extremes.length;
  const nodes = new Float64Array(count);
  const weights = new Float64Array(count);
  for (let i = 0; i < count; i++) nodes[i] = grid.x[extremes[i]!]!;
  for (let i = 0; i < count; i++) {
    // Factors of 2 keep the product near 1: the interval [-1, 1] has capacity 1/2.
    let product = 1;
    for (let j = 0; j < count; j++) if (j !== i) product *= 2 * (nodes[i]! - nodes[j]!);
    weights[i] = 1 / product;
  }
  let numerator = 0;
  let denominator = 0;
  let sign = 1;
  for (let i = 0; i < count; i++) {
    const index = extremes[i]!;
    numerator += weights[i]! * grid.desired[index]!;
    denominator += (sign * weights[i]!) / grid.weight[index]!;
    sign = -sign;
  }
  const delta = numerator / denominator;
  const values = new Float64Array(count);
  sign = 1;
  for (let i = 0; i < count; i++) {
    const index = extremes[i]!;
    values[i] = grid.desired[index]! - (sign * delta) / grid.weight[index]!;
    sign = -sign;
  }
  return { nodes, values, weights };
}

function evaluate(fit: Fit, x: number): number {
  const { nodes, values, weights } = fit;
  let numerator = 0;
  let denominator = 0;
  for (let i = 0; i < nodes.length; i++) {
    const distance = x - nodes[i]!;
    if (distance === 0) return values[i]!;
    const term = weights[i]! / distance;
    numerator += term * values[i]!;
    denominator += term;
  }
  return numerator / denominator;
}

/** Picks `count` alternating extremes of the error; undefined if there are fewer. */
function pickExtremes(error: Float64Array, count: number): Int32Array | undefined {
  const found: number[] = [];
  const last = error.length - 1;
  for (let i = 0; i <= last; i++) {
    const value = error[i]!;
    const size = Math.abs(value);
    const before = i > 0 ? error[i - 1]! * Math.sign(value) : -Infinity;
    const after = i < last ? error[i + 1]! * Math.sign(value) : -Infinity;
    if (size < before || size < after || size === before) continue;
    const previous = found.at(-1);
    if (previous === undefined || error[previous]! > 0 !== value > 0) found.push(i);
    else if (size > Math.abs(error[previous]!)) found[found.length - 1] = i;
  }
  while (found.length > count) {
    if (found.length === count + 1) {
      // One too many: drop the smaller of the two ends.
      const drop = Math.abs(error[found[0]!]!) < Math.abs(error[found.at(-1)!]!) ? 0 : count;
      found.splice(drop, 1);
      break;
    }
    // Two or more too many: drop the smallest with a neighbour, so that signs keep alternating.
    let least = 0;
    for (let i = 1; i < found.length; i++) {
      if (Math.abs(error[found[i]!]!) < Math.abs(error[found[least]!]!)) least = i;
    }
    if (least === 0 || least === found.length - 1) found.splice(least, 1);
    else {
      const left = Math.abs(error[found[least - 1]!]!);
      const right = Math.abs(error[found[least + 1]!]!);
      found.splice(left < right ? least - 1 : least, 2);
    }
  }
  return found.length === count ? Int32Array.from(found) : undefined;
}

/** The inverse cosine transform of the fitted amplitude. */
function impulseResponse(fit: Fit, taps: number, even: boolean): Float64Array {
  const half = Math.floor((taps - 1) / 2);
  const amplitude = new Float64Array(half + 1);
  for (let k = 0; k <= half; k++) {
    const omega = (2 * Math.PI * k) / taps;
    amplitude[k] = evaluate(fit, Math.cos(omega)) * (even ? Math.cos(omega / 2) : 1);
  }
  const response = new Float64Array(taps);
  const centre = (taps - 1) / 2;
  for (let n = 0; n < taps; n++) {
    let sum = amplitude[0]!;
    for (let k = 1; k <= half; k++) {
      sum += 2 * amplitude[k]! * Math.cos((2 * Math.PI * k * (n - centre)) / taps);
    }
    response[n] = sum / taps;
  }
  return response;
}
