import { largestBits, SIZE_BITS } from './block';

/** Taps of a phase, and by how many samples the points lag: see true-peak-filter.ts. */
const TAPS: usize = 32;
const LATENCY: usize = 16;
/** TRUE_PEAK_HEADROOM and TRUE_PEAK_STEP there. */
const HEADROOM: f32 = 1.082392200292394;
const STEP: f32 = 1.000001;
/** Bytes of sixteen frames, whose points are made together. */
const STRETCH: usize = 64;

/**
 * Raises the 64-bit float at `result`, two places behind which the filter's norm stands, to the largest true peak of the `frames` frames from `input` on, before which TAPS + 3
 * samples stand. `halves`: weights of phase 2, per pair of samples, each four times; `quarter`: the taps of phase 1, for the
 * oldest sample first, then those of phase 3, then of phase 2. `middle` has room for phase 2 of whole stretches, and for one value before; up to
 * fifteen samples behind the block are read.
 */
export function truePeak(
  input: usize,
  frames: i32,
  halves: usize,
  quarter: usize,
  middle: usize,
  result: usize,
): void {
  const floor = <f32>load<f64>(result);
  const norm = <f32>load<f64>(result, 16);
  const bytes = <usize>frames << 2;
  const largest = reinterpret<f32>(largestBits(input - ((TAPS - 1) << 2), input + bytes));
  if (largest * norm * HEADROOM <= floor) return;
  const top = halve(input, bytes, halves, middle);
  store<f32>(middle - 4, phase(input - 4, quarter + 256));
  const peak = refine(input, bytes, quarter, middle, max(floor, top));
  if (peak > floor) store<f64>(result, <f64>peak);
}

/**
 * Makes phase 2, sixteen frames at a time, up to fifteen too many; returns the largest |point| of phases 0 and 2. Four taps
 * on, the registers hold what the next ones held before: of the eight that a tap needs two are loaded. Engines keep the sums
 * m0 to m3 in memory, where each addition takes several times as long: few are made.
 */
function halve(input: usize, bytes: usize, halves: usize, middle: usize): f32 {
  const end = input + bytes;
  const size = i32x4.splat(SIZE_BITS);
  let most = i32x4.splat(0);
  for (; input < end; input += STRETCH, middle += STRETCH) {
    let m0 = f32x4.splat(0);
    let m1 = f32x4.splat(0);
    let m2 = f32x4.splat(0);
    let m3 = f32x4.splat(0);
    for (let shift: usize = 0; shift < 16; shift += 4) {
      const newer = input - shift;
      const older = input - ((TAPS - 1) << 2) + shift;
      const taps = halves + (shift << 2);
      let n0 = v128.load(newer);
      let n1 = v128.load(newer, 16);
      let n2 = v128.load(newer, 32);
      let n3 = v128.load(newer, 48);
      let o0 = v128.load(older);
      let o1 = v128.load(older, 16);
      let o2 = v128.load(older, 32);
      let o3 = v128.load(older, 48);
      const w0 = v128.load(taps, 0);
      let t0 = pair(w0, n0, o0);
      let t1 = pair(w0, n1, o1);
      let t2 = pair(w0, n2, o2);
      let t3 = pair(w0, n3, o3);
      n3 = n2;
      n2 = n1;
      n1 = n0;
      n0 = v128.load(newer - 16);
      o0 = o1;
      o1 = o2;
      o2 = o3;
      o3 = v128.load(older, 64);
      const w1 = v128.load(taps, 64);
      t0 = f32x4.add(t0, pair(w1, n0, o0));
      t1 = f32x4.add(t1, pair(w1, n1, o1));
      t2 = f32x4.add(t2, pair(w1, n2, o2));
      t3 = f32x4.add(t3, pair(w1, n3, o3));
      n3 = n2;
      n2 = n1;
      n1 = n0;
      n0 = v128.load(newer - 32);
      o0 = o1;
      o1 = o2;
      o2 = o3;
      o3 = v128.load(older, 80);
      const w2 = v128.load(taps, 128);
      t0 = f32x4.add(t0, pair(w2, n0, o0));
      t1 = f32x4.add(t1, pair(w2, n1, o1));
      t2 = f32x4.add(t2, pair(w2, n2, o2));
      t3 = f32x4.add(t3, pair(w2, n3, o3));
      n3 = n2;
      n2 = n1;
      n1 = n0;
      n0 = v128.load(newer - 48);
      o0 = o1;
      o1 = o2;
      o2 = o3;
      o3 = v128.load(older, 96);
      const w3 = v128.load(taps, 192);
      m0 = f32x4.add(m0, f32x4.add(t0, pair(w3, n0, o0)));
      m1 = f32x4.add(m1, f32x4.add(t1, pair(w3, n1, o1)));
      m2 = f32x4.add(m2, f32x4.add(t2, pair(w3, n2, o2)));
      m3 = f32x4.add(m3, f32x4.add(t3, pair(w3, n3, o3)));
    }
    v128.store(middle, m0);
    v128.store(middle, m1, 16);
    v128.store(middle, m2, 32);
    v128.store(middle, m3, 48);
    const exact = input - (LATENCY << 2);
    let most0 = i32x4.max_s(v128.and(v128.load(exact), size), v128.and(m0, size));
    let most1 = i32x4.max_s(v128.and(v128.load(exact, 16), size), v128.and(m1, size));
    let most2 = i32x4.max_s(v128.and(v128.load(exact, 32), size), v128.and(m2, size));
    let most3 = i32x4.max_s(v128.and(v128.load(exact, 48), size), v128.and(m3, size));
    const left = <i32>(end - input) >> 2;
    if (left < 16) {
      most0 = v128.and(most0, first(left));
      most1 = v128.and(most1, first(left - 4));
      most2 = v128.and(most2, first(left - 8));
      most3 = v128.and(most3, first(left - 12));
    }
    most = i32x4.max_s(most, i32x4.max_s(i32x4.max_s(most0, most1), i32x4.max_s(most2, most3)));
  }
  return max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
}

/** All bits of the first `left` lanes. */
function first(left: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left));
}

// @ts-ignore: decorator
@inline
function pair(weight: v128, newer: v128, older: v128): v128 {
  return f32x4.mul(weight, f32x4.add(newer, older));
}

/** Raises `peak` to that of the curve around those points of phases 0 and 2 where it can rise above it. */
function refine(input: usize, bytes: usize, quarter: usize, middle: usize, peak: f32): f32 {
  const exact = input - (LATENCY << 2);
  const six = f32x4.splat(6);
  let enough = squared(4 * STEP * peak);
  // Eight frames at a time: few of them hold a point that is high enough.
  for (let at: usize = 0; at < bytes; at += 32) {
    const zero0 = v128.load(exact + at);
    const zero1 = v128.load(exact + at, 16);
    const two0 = v128.load(middle + at);
    const two1 = v128.load(middle + at, 16);
    const reach0 = f32x4.pmax(
      reach(v128.load(middle + at - 4), zero0, two0, six),
      reach(zero0, two0, v128.load(exact + at, 4), six),
    );
    const reach1 = f32x4.pmax(
      reach(v128.load(middle + at, 12), zero1, two1, six),
      reach(zero1, two1, v128.load(exact + at, 20), six),
    );
    if (!v128.any_true(f32x4.gt(f32x4.pmax(reach0, reach1), enough))) continue;
    peak = raise(input, at, bytes, quarter, middle, peak);
    if (at + 16 < bytes) peak = raise(input, at + 16, bytes, quarter, middle, peak);
    enough = squared(4 * STEP * peak);
  }
  return peak;
}

// @ts-ignore: decorator
@inline
function squared(value: f32): v128 {
  return f32x4.splat(value * value);
}

/** The same around the points of four frames, `at` bytes behind `input`. */
function raise(
  input: usize,
  at: usize,
  bytes: usize,
  quarter: usize,
  middle: usize,
  peak: f32,
): f32 {
  const exact = input - (LATENCY << 2);
  const six = f32x4.splat(6);
  const enough = squared(4 * STEP * peak);
  const before = v128.load(middle + at - 4);
  const zero = v128.load(exact + at);
  const two = v128.load(middle + at);
  const next = v128.load(exact + at, 4);
  const between = f32x4.mul(zero, two);
  const zeros = v128.and(
    f32x4.gt(reach(before, zero, two, six), enough),
    f32x4.ge(f32x4.mul(zero, zero), f32x4.pmax(f32x4.mul(before, zero), between)),
  );
  const twos = v128.and(
    f32x4.gt(reach(zero, two, next, six), enough),
    f32x4.ge(f32x4.mul(two, two), f32x4.pmax(f32x4.mul(two, next), between)),
  );
  const left = min<i32>(<i32>(bytes - at) >> 2, 4);
  let bits = (i32x4.bitmask(zeros) | (i32x4.bitmask(twos) << 4)) & (0x11 * ((1 << left) - 1));
  for (; bits != 0; bits &= bits - 1) {
    const bit = ctz(bits);
    const frame = at + (<usize>(bit & 3) << 2);
    const newest = input + frame;
    const a = load<f32>(exact + frame);
    const b = load<f32>(middle + frame);
    const first = phase(newest, quarter);
    const last = phase(bit < 4 ? newest - 4 : newest, quarter + 128);
    const highest = max(bit < 4 ? abs(a) : abs(b), max(abs(first), abs(last)));
    if (highest * HEADROOM <= peak) continue;
    peak =
      bit < 4
        ? around(load<f32>(middle + frame - 4), last, a, first, b, peak)
        : around(a, first, b, last, load<f32>(exact + frame, 4), peak);
  }
  return peak;
}

/**
 * The square of four times as much as the curve around b may rise to, where b is the highest of three points, half a sample
 * apart: see true-peak-filter.ts.
 */
// @ts-ignore: decorator
@inline
function reach(a: v128, b: v128, c: v128, six: v128): v128 {
  const around = f32x4.sub(f32x4.mul(b, six), f32x4.add(a, c));
  return f32x4.mul(around, around);
}

/** A point between samples: the sum of the TAPS samples up to `newest` times `taps`. */
function phase(newest: usize, taps: usize): f32 {
  let x = newest - ((TAPS - 1) << 2);
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  for (const end = taps + (TAPS << 2); taps < end; taps += 32, x += 32) {
    even = f32x4.add(even, f32x4.mul(v128.load(taps), v128.load(x)));
    odd = f32x4.add(odd, f32x4.mul(v128.load(taps, 16), v128.load(x, 16)));
  }
  const lanes = f32x4.add(even, odd);
  const pairs = f32x4.add(lanes, v128.shuffle<f32>(lanes, lanes, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The largest of `peak` and the sinusoids through three of five points, a quarter of a sample apart. */
function around(a: f32, b: f32, c: f32, d: f32, e: f32, peak: f32): f32 {
  return crest(a, b, c, crest(b, c, d, crest(c, d, e, peak)));
}

/** See `#crest` in true-peak-filter.ts. */
function crest(first: f32, middle: f32, last: f32, peak: f32): f32 {
  const size = abs(middle);
  if (size * HEADROOM <= peak || abs(first) > size || abs(last) > size) return peak;
  const sign: f64 = middle < 0 ? -1 : 1;
  const a = sign * <f64>first;
  const b = sign * <f64>middle;
  const c = sign * <f64>last;
  const cosine = (a + c) / (2 * b);
  const slope = (c - a) / 2;
  let top = b;
  if (cosine > 0.9998 || cosine < 0.6) {
    const bend = 2 * b - a - c;
    if (bend > 0) top = b + (slope * slope) / (2 * bend);
  } else {
    top = sqrt(b * b + (slope * slope) / (1 - cosine * cosine));
  }
  return max(peak, <f32>min(top, b * <f64>HEADROOM));
}
