/** Samples are cut to ±2⁶⁰: see LARGEST_SAMPLE. */
const LARGEST: f32 = 1152921504606846976;

/** Moves `bytes` bytes of each channel from `by` bytes further on to the channel's beginning. */
export function shift(input: usize, stride: usize, channels: i32, by: usize, bytes: usize): void {
  for (let channel = 0; channel < channels; channel++, input += stride) {
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(input + at, v128.load(input + by + at));
    }
  }
}

/**
 * Cuts samples to ±2⁶⁰ and makes those that are not finite 0; writes how many were not, a 64-bit float per channel, to
 * `counts`. Touches up to 12 bytes more.
 */
export function clean(
  input: usize,
  stride: usize,
  channels: i32,
  frames: i32,
  counts: usize,
): void {
  const most = f32x4.splat(LARGEST);
  const least = f32x4.splat(-LARGEST);
  const infinity = f32x4.splat(Infinity);
  for (let channel = 0; channel < channels; channel++, input += stride, counts += 8) {
    const end = input + (<usize>frames << 2);
    let broken: i32 = 0;
    for (let at = input; at < end; at += 16) {
      const value = v128.load(at);
      // False for NaN too.
      const finite = f32x4.lt(f32x4.abs(value), infinity);
      const cut = f32x4.pmin(f32x4.pmax(value, least), most);
      v128.store(at, v128.and(cut, finite));
      if (!v128.all_true<i32>(finite)) {
        const left = min<i32>(<i32>((end - at) >> 2), 4);
        const mask = ~i32x4.bitmask(finite) & ((1 << left) - 1);
        broken += popcnt(mask);
      }
    }
    store<f64>(counts, <f64>broken);
  }
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
    let peaks = f32x4.splat(0);
    let squares = f64x2.splat(0);
    let sums = f64x2.splat(0);
    let sizes = f32x4.splat(0);
    let at = input;
    const groupsEnd = input + (<usize>(frames & ~3) << 2);
    for (; at < groupsEnd; at += 16) {
      const value = v128.load(at);
      const size = f32x4.abs(value);
      peaks = f32x4.pmax(peaks, size);
      sizes = f32x4.add(sizes, size);
      const low = f64x2.promote_low_f32x4(value);
      const high = f64x2.promote_low_f32x4(v128.shuffle<i32>(value, value, 2, 3, 2, 3));
      squares = f64x2.add(squares, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
      sums = f64x2.add(sums, f64x2.add(low, high));
    }
    let peak = max(
      max(f32x4.extract_lane(peaks, 0), f32x4.extract_lane(peaks, 1)),
      max(f32x4.extract_lane(peaks, 2), f32x4.extract_lane(peaks, 3)),
    );
    let square = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
    let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
    let size: f64 =
      <f64>f32x4.extract_lane(sizes, 0) +
      <f64>f32x4.extract_lane(sizes, 1) +
      <f64>f32x4.extract_lane(sizes, 2) +
      <f64>f32x4.extract_lane(sizes, 3);
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
