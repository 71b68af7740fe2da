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
 * weights make up for, then −1 − a1 and 1 + a1 + a2 of the high-pass, 64-bit floats. `state`: twelve per pair of channels.
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
      total += weighted(weight, run<Alone>(input, stride, frames, coefficients, state, 0, 0));
    }
    input += 2 * stride;
    state += 96;
    weights += 16;
  }
  store<f64>(result, total);
}

/** Both `energy` and `charge` in one loop: each alone waits for its own results most of the time. */
export function energyAndCharge(
  input: usize,
  stride: usize,
  channels: i32,
  frames: i32,
  coefficients: usize,
  state: usize,
  weights: usize,
  ballistics: usize,
  integrators: usize,
  result: usize,
): void {
  let total: f64 = 0;
  for (let channel = 0; channel < channels; channel += 2) {
    const sum = run<Charging>(input, stride, frames, coefficients, state, ballistics, integrators);
    total += weighted(v128.load(weights), sum);
    input += 2 * stride;
    state += 96;
    weights += 16;
    integrators += 32;
  }
  store<f64>(result, total);
}

// @ts-ignore: decorator
@inline
function weighted(weight: v128, sum: v128): f64 {
  const product = f64x2.mul(weight, sum);
  return f64x2.extract_lane(product, 0) + f64x2.extract_lane(product, 1);
}

/** What `run` does beside filtering: tells the compiler, by its size, which of two loops to make. */
type Alone = u8;
type Charging = u16;

/** The sums of the squares of two channels after the filters; their integrators are charged on the way, or not. */
// @ts-ignore: decorator
@inline
function run<Task>(
  input: usize,
  stride: usize,
  frames: i32,
  coefficients: usize,
  state: usize,
  ballistics: usize,
  integrators: usize,
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
  let levels = f32x4.splat(0);
  let most = f32x4.splat(0);
  if (sizeof<Task>() == sizeof<Charging>()) {
    levels = v128.load(integrators);
    most = v128.load(integrators, 16);
  }
  const end = input + (<usize>frames << 2);
  for (; input < end; input += 4) {
    const frame = frameOf(input, input + stride);
    const v = f64x2.promote_low_f32x4(frame);
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
    if (sizeof<Task>() == sizeof<Charging>()) {
      levels = charged(levels, frame, ballistics);
      most = f32x4.pmax(most, reading(levels));
    }
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
  if (sizeof<Task>() == sizeof<Charging>()) keep(integrators, levels, most);
  return sum;
}

/**
 * Charges and empties the quasi-peak integrators of all channels, two at a time. `ballistics`: how much an integrator
 * loses that falls, what is left of one that charges, and how much it takes in, for the slow ones of both channels and then the fast ones,
 * 32-bit floats. `integrators`: two registers per pair of channels: the slow and the fast ones in that order, each weighted
 * with its share of the reading; the highest readings.
 */
export function charge(
  input: usize,
  stride: usize,
  channels: i32,
  frames: i32,
  ballistics: usize,
  integrators: usize,
): void {
  for (let channel = 0; channel < channels; channel += 2) {
    let levels = v128.load(integrators);
    let most = v128.load(integrators, 16);
    const end = input + (<usize>frames << 2);
    for (let at = input; at < end; at += 4) {
      levels = charged(levels, frameOf(at, at + stride), ballistics);
      most = f32x4.pmax(most, reading(levels));
    }
    keep(integrators, levels, most);
    input += 2 * stride;
    integrators += 32;
  }
}

/** The integrators after a frame. Charging is more than falling just when the input is above what has fallen. */
// @ts-ignore: decorator
@inline
function charged(levels: v128, frame: v128, ballistics: usize): v128 {
  const sizes = f32x4.abs(v128.shuffle<f32>(frame, frame, 0, 1, 0, 1));
  return f32x4.pmax(
    // What is lost is so little that what is left could not be told exactly.
    f32x4.sub(levels, f32x4.mul(v128.load(ballistics), levels)),
    f32x4.add(
      f32x4.mul(v128.load(ballistics, 32), sizes),
      f32x4.mul(v128.load(ballistics, 16), levels),
    ),
  );
}

/** Of both channels, in the first lanes. */
// @ts-ignore: decorator
@inline
function reading(levels: v128): v128 {
  return f32x4.add(levels, v128.shuffle<f32>(levels, levels, 2, 3, 2, 3));
}

// @ts-ignore: decorator
@inline
function keep(integrators: usize, levels: v128, most: v128): void {
  const enough = f32x4.ge(levels, f32x4.splat(NEGLIGIBLE_LEVEL));
  v128.store(integrators, v128.and(levels, enough));
  v128.store(integrators, most, 16);
}
