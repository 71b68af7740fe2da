import { frameOf } from './pair';

/** Below this a filter's state is zero: it would fall into denormals, which are slow, and never end. */
const NEGLIGIBLE: f64 = 1e-30;

/**
 * Filters `frames` frames of all channels by BS.1770-5 Annex 1, two channels at a time, and returns the weighted sum of the
 * squares. `coefficients`: b0, b1, b2, a1, a2 of the shelf, a1, a2 of the high-pass, 64-bit floats. `state`: eight per pair
 * of channels. `weights`: one per channel; a pair without weight is left out.
 */
export function energy(
  input: usize,
  stride: usize,
  channels: i32,
  frames: i32,
  coefficients: usize,
  state: usize,
  weights: usize,
): f64 {
  let total: f64 = 0;
  for (let channel = 0; channel < channels; channel += 2) {
    const weight = v128.load(weights);
    if (v128.any_true(f64x2.ne(weight, f64x2.splat(0)))) {
      const sum = f64x2.mul(weight, filter(input, stride, frames, coefficients, state));
      total += f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
    }
    input += 2 * stride;
    state += 64;
    weights += 16;
  }
  return total;
}

/** The sums of the squares of two channels. */
// @ts-ignore: decorator
@inline
function filter(
  input: usize,
  stride: usize,
  frames: i32,
  coefficients: usize,
  state: usize,
): v128 {
  const b0 = v128.load64_splat(coefficients);
  const b1 = v128.load64_splat(coefficients, 8);
  const b2 = v128.load64_splat(coefficients, 16);
  const a1 = v128.load64_splat(coefficients, 24);
  const a2 = v128.load64_splat(coefficients, 32);
  const h1 = v128.load64_splat(coefficients, 40);
  const h2 = v128.load64_splat(coefficients, 48);
  let s1 = v128.load(state);
  let s2 = v128.load(state, 16);
  let t1 = v128.load(state, 32);
  let t2 = v128.load(state, 48);
  let sum = f64x2.splat(0);
  const end = input + (<usize>frames << 2);
  for (; input < end; input += 4) {
    const v = frameOf(input, input + stride);
    const y = f64x2.add(f64x2.mul(b0, v), s1);
    s1 = f64x2.sub(f64x2.add(f64x2.mul(b1, v), s2), f64x2.mul(a1, y));
    s2 = f64x2.sub(f64x2.mul(b2, v), f64x2.mul(a2, y));
    const z = f64x2.add(y, t1);
    t1 = f64x2.sub(f64x2.sub(t2, f64x2.add(y, y)), f64x2.mul(h1, z));
    t2 = f64x2.sub(y, f64x2.mul(h2, z));
    sum = f64x2.add(sum, f64x2.mul(z, z));
  }
  const loud = f64x2.ge(
    f64x2.max(f64x2.abs(s1), f64x2.abs(t1)),
    f64x2.splat(NEGLIGIBLE),
  );
  v128.store(state, v128.and(s1, loud));
  v128.store(state, v128.and(s2, loud), 16);
  v128.store(state, v128.and(t1, loud), 32);
  v128.store(state, v128.and(t2, loud), 48);
  return sum;
}
