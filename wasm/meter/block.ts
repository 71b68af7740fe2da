/** Samples are cut to ±2⁵⁰: see LARGEST_SAMPLE. */
const LARGEST: f32 = 1125899906842624;
/** The same as bits. Of sizes the bits are in the order of the values, those of infinity and NaN behind. */
const LARGEST_BITS: i32 = 0x58800000;
/** All bits of a 32-bit float but the sign. */
export const SIZE_BITS: i32 = 0x7fffffff;

/** Moves `bytes` bytes of each channel from one place to another before it. */
export function move(from: usize, to: usize, stride: usize, channels: i32, bytes: usize): void {
  for (let channel = 0; channel < channels; channel++, from += stride, to += stride) {
    for (let at: usize = 0; at < bytes; at += 16) v128.store(to + at, v128.load(from + at));
  }
}

/** The bits of the largest |sample|; looks at up to seven samples more. */
// @ts-ignore: decorator
@inline
export function largestBits(from: usize, end: usize): i32 {
  const size = i32x4.splat(SIZE_BITS);
  let even = i32x4.splat(0);
  let odd = even;
  for (; from < end; from += 32) {
    even = i32x4.max_s(even, v128.and(v128.load(from), size));
    odd = i32x4.max_s(odd, v128.and(v128.load(from, 16), size));
  }
  const most = i32x4.max_s(even, odd);
  const half = i32x4.max_s(most, v128.shuffle<i32>(most, most, 2, 3, 0, 1));
  return max(i32x4.extract_lane(half, 0), i32x4.extract_lane(half, 1));
}

/**
 * Cuts samples to ±2⁵⁰ and makes those that are not finite 0; writes how many were not, a 64-bit float per channel, to
 * `counts`. Looks at up to 28 bytes more.
 */
export function clean(
  input: usize,
  stride: usize,
  channels: i32,
  frames: i32,
  counts: usize,
): void {
  for (let channel = 0; channel < channels; channel++, input += stride, counts += 8) {
    const end = input + (<usize>frames << 2);
    const clear = largestBits(input, end) <= LARGEST_BITS;
    store<f64>(counts, clear ? 0 : <f64>cleanChannel(input, end));
  }
}

function cleanChannel(from: usize, end: usize): i32 {
  let broken: i32 = 0;
  for (let at = from; at < end; at += 4) {
    const value = load<f32>(at);
    const finite = value - value == 0;
    if (!finite) broken++;
    store<f32>(at, finite ? min(max(value, -LARGEST), LARGEST) : 0);
  }
  return broken;
}

/** Sum of the lanes. */
// @ts-ignore: decorator
@inline
function total(lanes: v128): f64 {
  const low = f64x2.promote_low_f32x4(lanes);
  const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(lanes, lanes, 2, 3, 2, 3));
  const pairs = f64x2.add(low, high);
  return f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
}

/**
 * Writes, per channel, four 64-bit floats to `results`: the largest |sample|, the sum of the squares, of the samples and of
 * their sizes.
 */
export function scan(
  input: usize,
  stride: usize,
  channels: i32,
  frames: i32,
  results: usize,
): void {
  for (let channel = 0; channel < channels; channel++, input += stride, results += 32) {
    // Single precision errs by 1e-6 over so few frames. Two of each sum hide the latency of the additions.
    let peaks0 = f32x4.splat(0);
    let peaks1 = f32x4.splat(0);
    let squares0 = f32x4.splat(0);
    let squares1 = f32x4.splat(0);
    let sums0 = f32x4.splat(0);
    let sums1 = f32x4.splat(0);
    let sizes0 = f32x4.splat(0);
    let sizes1 = f32x4.splat(0);
    let at = input;
    const groupsEnd = input + (<usize>(frames & ~7) << 2);
    for (; at < groupsEnd; at += 32) {
      const value0 = v128.load(at);
      const value1 = v128.load(at, 16);
      const size0 = f32x4.abs(value0);
      const size1 = f32x4.abs(value1);
      peaks0 = f32x4.pmax(peaks0, size0);
      peaks1 = f32x4.pmax(peaks1, size1);
      squares0 = f32x4.add(squares0, f32x4.mul(value0, value0));
      squares1 = f32x4.add(squares1, f32x4.mul(value1, value1));
      sums0 = f32x4.add(sums0, value0);
      sums1 = f32x4.add(sums1, value1);
      sizes0 = f32x4.add(sizes0, size0);
      sizes1 = f32x4.add(sizes1, size1);
    }
    const peaks = f32x4.pmax(peaks0, peaks1);
    let peak = max(
      max(f32x4.extract_lane(peaks, 0), f32x4.extract_lane(peaks, 1)),
      max(f32x4.extract_lane(peaks, 2), f32x4.extract_lane(peaks, 3)),
    );
    let square = total(squares0) + total(squares1);
    let sum = total(sums0) + total(sums1);
    let size = total(sizes0) + total(sizes1);
    const end = input + (<usize>frames << 2);
    for (; at < end; at += 4) {
      const value = load<f32>(at);
      const wide = <f64>value;
      peak = max(peak, abs(value));
      square += wide * wide;
      sum += wide;
      size += abs(wide);
    }
    store<f64>(results, <f64>peak);
    store<f64>(results, square, 8);
    store<f64>(results, sum, 16);
    store<f64>(results, size, 24);
  }
}

/** Writes the mean of the first `present` channels, at least one, to `target`; up to 12 bytes more. */
export function mix(
  input: usize,
  stride: usize,
  present: i32,
  frames: i32,
  target: usize,
): void {
  const scale = f32x4.splat(1 / <f32>present);
  const end = input + (<usize>frames << 2);
  for (let at = input; at < end; at += 16, target += 16) {
    let sum = v128.load(at);
    for (let channel = 1; channel < present; channel++) {
      sum = f32x4.add(sum, v128.load(at + <usize>channel * stride));
    }
    v128.store(target, f32x4.mul(sum, scale));
  }
}

/** Writes the means of `count` groups of `factor` samples each to `target`. */
export function thin(source: usize, factor: i32, count: i32, target: usize): void {
  const bytes = <usize>factor << 2;
  const scale: f32 = 1 / <f32>factor;
  for (const end = target + (<usize>count << 2); target < end; target += 4) {
    const last = source + bytes;
    // Two sums: each addition waits for the one before.
    let even: f32 = 0;
    let odd: f32 = 0;
    for (; source + 4 < last; source += 8) {
      even += load<f32>(source);
      odd += load<f32>(source, 4);
    }
    if (source < last) even += load<f32>(source);
    source = last;
    store<f32>(target, (even + odd) * scale);
  }
}
