/** Below this a filter's state is zero: it would fall into denormals, which are slow, and never end. */
const NEGLIGIBLE_STATE: f64 = 1e-30;
/** Below −300 dBFS an integrator is empty. */
const NEGLIGIBLE_LEVEL: f32 = 1e-15;

/** A frame of two channels. */
// @ts-ignore: decorator
@inline
function frameOf(left: usize, right: usize): v128 {
  return v128.load_lane<f32>(right, v128.load32_zero(left), 1);
}

/**
 * Filters `frames` frames of all channels by BS.1770-5 Annex 1, two channels at a time, and writes the weighted sum of the
 * squares to `result`. `coefficients`: b1, b2, a1, a2 of the shelf over its b0, which the
 * weights compensate for, then −1 − a1 and 1 + a1 + a2 of the high-pass, 64-bit floats. `state`: twelve per pair of channels.
 * `weights`: one per channel; a pair without weight is left out.
 */
export function energy(
  input: usize,
  stride: usize,
  channels: i32,
  frames: i32,
  coefficients: usize,
  state: usize,
  weights: usize,
  result: usize,
): void {
  let total: f64 = 0;
  for (let channel = 0; channel < channels; channel += 2) {
    const weight = v128.load(weights);
    if (v128.any_true(f64x2.ne(weight, f64x2.splat(0)))) {
      total += weighted(weight, run(input, stride, frames, coefficients, state));
    }
    input += 2 * stride;
    state += 96;
    weights += 16;
  }
  store<f64>(result, total);
}

// @ts-ignore: decorator
@inline
function weighted(weight: v128, sum: v128): f64 {
  const product = f64x2.mul(weight, sum);
  return f64x2.extract_lane(product, 0) + f64x2.extract_lane(product, 1);
}

/** The sums of the squares of two channels after the filters. */
// @ts-ignore: decorator
@inline
function run(
  input: usize,
  stride: usize,
  frames: i32,
  coefficients: usize,
  state: usize,
): v128 {
  const b1 = v128.load64_splat(coefficients);
  const b2 = v128.load64_splat(coefficients, 8);
  const a1 = v128.load64_splat(coefficients, 16);
  const a2 = v128.load64_splat(coefficients, 24);
  const keeps = v128.load64_splat(coefficients, 32);
  const gathers = v128.load64_splat(coefficients, 40);
  let v1 = v128.load(state);
  let v2 = v128.load(state, 16);
  let y1 = v128.load(state, 32);
  let y2 = v128.load(state, 48);
  let slope = v128.load(state, 64);
  let height = v128.load(state, 80);
  let sum = f64x2.splat(0);
  const end = input + (<usize>frames << 2);
  for (; input < end; input += 4) {
    const v = f64x2.promote_low_f32x4(frameOf(input, input + stride));
    // Direct form I: each output waits for a product and a sum of the one before, and for nothing else of it.
    const known = f64x2.add(f64x2.add(f64x2.mul(b2, v2), f64x2.mul(b1, v1)), v);
    const y = f64x2.sub(f64x2.sub(known, f64x2.mul(a2, y2)), f64x2.mul(a1, y1));
    v2 = v1;
    v1 = v;
    y2 = y1;
    y1 = y;
    // The high-pass as two sums, of which the second is a frame late.
    const next = f64x2.add(f64x2.sub(y, height), f64x2.mul(keeps, slope));
    height = f64x2.add(height, f64x2.mul(gathers, slope));
    const z = f64x2.sub(next, slope);
    slope = next;
    sum = f64x2.add(sum, f64x2.mul(z, z));
  }
  const loud = f64x2.ge(
    f64x2.pmax(
      f64x2.pmax(f64x2.abs(v1), f64x2.abs(y1)),
      f64x2.pmax(f64x2.abs(slope), f64x2.abs(height)),
    ),
    f64x2.splat(NEGLIGIBLE_STATE),
  );
  v128.store(state, v128.and(v1, loud));
  v128.store(state, v128.and(v2, loud), 16);
  v128.store(state, v128.and(y1, loud), 32);
  v128.store(state, v128.and(y2, loud), 48);
  v128.store(state, v128.and(slope, loud), 64);
  v128.store(state, v128.and(height, loud), 80);
  return sum;
}

/**
 * Charges and empties the quasi-peak integrators of all channels, two at a time. Levels and input are taken for as much larger
 * as integrators have fallen since the block's start: then what falls stays as it is, and charging is more just when the
 * input is above. Two frames at a time, since each waits for the one before.
 *
 * `ballistics`: what charging leaves of an integrator, the same twice over, and how much it takes in, for the slow ones of both
 * channels and then the fast ones, 32-bit floats. `rise`, `fall`: for each frame, twice, by how much all is taken for larger at its
 * end, and one over that. `loss`: by how much less than 1 that is, for any number of frames. `integrators`: two registers per pair of
 * channels: the slow and the fast ones in that order, each weighted with its share of the reading; the highest readings.
 */
export function charge(
  input: usize,
  stride: usize,
  channels: i32,
  frames: i32,
  ballistics: usize,
  rise: usize,
  fall: usize,
  loss: usize,
  integrators: usize,
): void {
  const bytes = <usize>frames << 2;
  const lost = v128.load32_splat(loss + bytes);
  const pairs = bytes & ~7;
  for (let channel = 0; channel < channels; channel += 2) {
    let levels = v128.load(integrators);
    let most = v128.load(integrators, 16);
    let at: usize = 0;
    for (; at < pairs; at += 8) {
      const sizes = sizesOf(input + at, stride, rise + 2 * at);
      const first = taken(v128.shuffle<f32>(sizes, sizes, 0, 1, 0, 1), ballistics);
      const second = taken(v128.shuffle<f32>(sizes, sizes, 2, 3, 2, 3), ballistics);
      const left = f32x4.mul(v128.load(ballistics), levels);
      const between = f32x4.pmax(levels, f32x4.add(left, first));
      // The integrators after both frames have charged in none of them or the first, in the second, or in both.
      const both = f32x4.add(
        f32x4.mul(v128.load(ballistics, 16), levels),
        f32x4.add(f32x4.mul(v128.load(ballistics), first), second),
      );
      levels = f32x4.pmax(between, f32x4.pmax(both, f32x4.add(left, second)));
      most = f32x4.pmax(most, readings(between, levels, fall + 2 * at));
    }
    if (at < bytes) {
      const sizes = sizesOf(input + at, stride, rise + 2 * at);
      const first = taken(v128.shuffle<f32>(sizes, sizes, 0, 1, 0, 1), ballistics);
      const left = f32x4.mul(v128.load(ballistics), levels);
      levels = f32x4.pmax(levels, f32x4.add(left, first));
      // Twice the same frame: the one behind the block does not count.
      const reading = readings(levels, levels, fall + 2 * at);
      most = f32x4.pmax(most, v128.shuffle<f32>(reading, reading, 0, 1, 0, 1));
    }
    // What is lost is so little that what is left could not be told exactly.
    levels = f32x4.sub(levels, f32x4.mul(lost, levels));
    const enough = f32x4.ge(levels, f32x4.splat(NEGLIGIBLE_LEVEL));
    v128.store(integrators, v128.and(levels, enough));
    v128.store(integrators, f32x4.pmax(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1)), 16);
    input += 2 * stride;
    integrators += 32;
  }
}

/** The sizes of two frames of two channels, made larger. */
// @ts-ignore: decorator
@inline
function sizesOf(left: usize, stride: usize, rise: usize): v128 {
  const frames = v128.shuffle<f32>(v128.load64_zero(left), v128.load64_zero(left + stride), 0, 4, 1, 5);
  return f32x4.mul(f32x4.abs(frames), v128.load(rise));
}

// @ts-ignore: decorator
@inline
function taken(sizes: v128, ballistics: usize): v128 {
  return f32x4.mul(v128.load(ballistics, 32), sizes);
}

/** Of both channels after one frame and after the next. */
// @ts-ignore: decorator
@inline
function readings(one: v128, next: v128, fall: usize): v128 {
  const slow = v128.shuffle<f32>(one, next, 0, 1, 4, 5);
  const fast = v128.shuffle<f32>(one, next, 2, 3, 6, 7);
  return f32x4.mul(v128.load(fall), f32x4.add(slow, fast));
}
