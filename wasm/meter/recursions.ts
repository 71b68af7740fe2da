/** Below this a filter's state is zero: it would fall into denormals, which are slow, and never end. */
const NEGLIGIBLE_STATE: f64 = 1e-30;
/** Below −300 dBFS an integrator is empty. */
const NEGLIGIBLE_LEVEL: f64 = 1e-15;

/** A frame of two channels as two 64-bit floats. */
// @ts-ignore: decorator
@inline
function frameOf(left: usize, right: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load_lane<f32>(right, v128.load32_zero(left), 1));
}

/**
 * Filters `frames` frames of all channels by BS.1770-5 Annex 1, two channels at a time, and writes the weighted sum of the
 * squares to `result`. `coefficients`: b0, b1, b2, a1, a2 of the shelf, a1, a2 of the high-pass, 64-bit floats. `state`: twelve per
 * pair of channels. `weights`: one per channel; a pair without weight is left out.
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
    integrators += 48;
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
  const b0 = v128.load64_splat(coefficients);
  const b1 = v128.load64_splat(coefficients, 8);
  const b2 = v128.load64_splat(coefficients, 16);
  const a1 = v128.load64_splat(coefficients, 24);
  const a2 = v128.load64_splat(coefficients, 32);
  const h1 = v128.load64_splat(coefficients, 40);
  const h2 = v128.load64_splat(coefficients, 48);
  // Direct form I: each output waits for a product and a sum of the one before, and for nothing else of it.
  let v1 = v128.load(state);
  let v2 = v128.load(state, 16);
  let y1 = v128.load(state, 32);
  let y2 = v128.load(state, 48);
  let z1 = v128.load(state, 64);
  let z2 = v128.load(state, 80);
  let sum = f64x2.splat(0);
  let slow = f64x2.splat(0);
  let fast = f64x2.splat(0);
  let most = f64x2.splat(0);
  if (sizeof<Task>() == sizeof<Charging>()) {
    slow = v128.load(integrators);
    fast = v128.load(integrators, 16);
    most = v128.load(integrators, 32);
  }
  const end = input + (<usize>frames << 2);
  for (; input < end; input += 4) {
    const v = frameOf(input, input + stride);
    const shelf = f64x2.add(f64x2.add(f64x2.mul(b2, v2), f64x2.mul(b1, v1)), f64x2.mul(b0, v));
    const y = f64x2.sub(f64x2.sub(shelf, f64x2.mul(a2, y2)), f64x2.mul(a1, y1));
    const known = f64x2.sub(f64x2.sub(y2, f64x2.add(y1, y1)), f64x2.mul(h2, z2));
    const z = f64x2.sub(f64x2.add(known, y), f64x2.mul(h1, z1));
    v2 = v1;
    v1 = v;
    y2 = y1;
    y1 = y;
    z2 = z1;
    z1 = z;
    sum = f64x2.add(sum, f64x2.mul(z, z));
    if (sizeof<Task>() == sizeof<Charging>()) {
      const size = f64x2.abs(v);
      slow = charged(slow, size, ballistics, 8);
      fast = charged(fast, size, ballistics, 24);
      most = f64x2.pmax(most, reading(slow, fast, ballistics));
    }
  }
  const loud = f64x2.ge(
    f64x2.pmax(f64x2.abs(v1), f64x2.pmax(f64x2.abs(y1), f64x2.abs(z1))),
    f64x2.splat(NEGLIGIBLE_STATE),
  );
  v128.store(state, v128.and(v1, loud));
  v128.store(state, v128.and(v2, loud), 16);
  v128.store(state, v128.and(y1, loud), 32);
  v128.store(state, v128.and(y2, loud), 48);
  v128.store(state, v128.and(z1, loud), 64);
  v128.store(state, v128.and(z2, loud), 80);
  if (sizeof<Task>() == sizeof<Charging>()) keep(integrators, slow, fast, most);
  return sum;
}

/**
 * Charges and empties the quasi-peak integrators of all channels, two at a time. `ballistics`: the numbers of PpmBallistics
 * in their order, each twice, 64-bit floats. `integrators`: six per pair of channels: slow, fast and the highest reading,
 * each of two channels.
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
    let slow = v128.load(integrators);
    let fast = v128.load(integrators, 16);
    let most = v128.load(integrators, 32);
    const end = input + (<usize>frames << 2);
    for (let at = input; at < end; at += 4) {
      const size = f64x2.abs(frameOf(at, at + stride));
      slow = charged(slow, size, ballistics, 8);
      fast = charged(fast, size, ballistics, 24);
      most = f64x2.pmax(most, reading(slow, fast, ballistics));
    }
    keep(integrators, slow, fast, most);
    input += 2 * stride;
    integrators += 48;
  }
}

/** An integrator after a frame. Charging is more than falling just when the input is above what has fallen. */
// @ts-ignore: decorator
@inline
function charged(level: v128, size: v128, ballistics: usize, index: usize): v128 {
  const fall = v128.load(ballistics);
  const kept = v128.load(ballistics + 2 * index);
  const take = v128.load(ballistics + 2 * index, 16);
  return f64x2.pmax(
    f64x2.mul(fall, level),
    f64x2.add(f64x2.mul(kept, level), f64x2.mul(take, size)),
  );
}

// @ts-ignore: decorator
@inline
function reading(slow: v128, fast: v128, ballistics: usize): v128 {
  return f64x2.add(
    f64x2.mul(slow, v128.load(ballistics, 80)),
    f64x2.mul(fast, v128.load(ballistics, 96)),
  );
}

// @ts-ignore: decorator
@inline
function keep(integrators: usize, slow: v128, fast: v128, most: v128): void {
  const negligible = f64x2.splat(NEGLIGIBLE_LEVEL);
  v128.store(integrators, v128.and(slow, f64x2.ge(slow, negligible)));
  v128.store(integrators, v128.and(fast, f64x2.ge(fast, negligible)), 16);
  v128.store(integrators, most, 32);
}
