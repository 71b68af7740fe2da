import { largestBits, SIZE_BITS } from './block';

/** Taps of a phase, and by how many samples the points lag: see true-peak-filter.ts. */
const TAPS: usize = 32;
const LATENCY: usize = 16;
/** TRUE_PEAK_HEADROOM and TRUE_PEAK_NEIGHBOURS there. */
const HEADROOM: f32 = 1.082392200292394;
const NEIGHBOURS: f32 = 0.97;
/** Bytes of sixteen frames, which are looked at together. */
const STRETCH: usize = 64;

/**
 * Raises the 64-bit float at `result`, two places behind which the filter's norm stands, to the largest true peak of the `frames` frames from `input` on, before which TAPS + 3
 * samples stand. `halves`: weights of phase 2, per pair of samples, each four times; `quarters`: those of phases 1 and 3, even and
 * odd, each four times. `middle` has room for phase 2 of whole stretches, then for four values for each; up to fifteen samples
 * behind the block are read.
 */
export function truePeak(
  input: usize,
  frames: i32,
  halves: usize,
  quarters: usize,
  middle: usize,
  result: usize,
): void {
  const floor = <f32>load<f64>(result);
  const norm = <f32>load<f64>(result, 16);
  const bytes = <usize>frames << 2;
  const largest = reinterpret<f32>(largestBits(input - ((TAPS - 1) << 2), input + bytes));
  if (largest * norm * HEADROOM <= floor) return;
  const near = middle + ((bytes + STRETCH - 1) & ~(STRETCH - 1));
  let peak = max(floor, halve(input, bytes, halves, middle, near));
  known = -1;
  for (let at: usize = 0, beside = near; at < bytes; at += STRETCH, beside += 16) {
    const enough = f32x4.splat(peak * peak * NEIGHBOURS);
    if (!v128.any_true(f32x4.ge(v128.load(beside), enough))) continue;
    peak = refine(input, at, min(bytes, at + STRETCH), quarters, middle, peak);
  }
  if (peak > floor) store<f64>(result, <f64>peak);
}

/**
 * Makes phase 2, sixteen frames at a time, up to fifteen too many, and of each stretch the largest sums of the squares of two
 * points beside each other in phases 0 and 2; returns their largest |point|. Four taps on, the registers hold what the next
 * ones held before: of the eight that a tap needs two are loaded.
 */
function halve(input: usize, bytes: usize, halves: usize, middle: usize, near: usize): f32 {
  const end = input + bytes;
  let most = i32x4.splat(0);
  for (; input < end; input += STRETCH, middle += STRETCH, near += 16) {
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
      m0 = pair(m0, w0, n0, o0);
      m1 = pair(m1, w0, n1, o1);
      m2 = pair(m2, w0, n2, o2);
      m3 = pair(m3, w0, n3, o3);
      n3 = n2;
      n2 = n1;
      n1 = n0;
      n0 = v128.load(newer - 16);
      o0 = o1;
      o1 = o2;
      o2 = o3;
      o3 = v128.load(older, 64);
      const w1 = v128.load(taps, 64);
      m0 = pair(m0, w1, n0, o0);
      m1 = pair(m1, w1, n1, o1);
      m2 = pair(m2, w1, n2, o2);
      m3 = pair(m3, w1, n3, o3);
      n3 = n2;
      n2 = n1;
      n1 = n0;
      n0 = v128.load(newer - 32);
      o0 = o1;
      o1 = o2;
      o2 = o3;
      o3 = v128.load(older, 80);
      const w2 = v128.load(taps, 128);
      m0 = pair(m0, w2, n0, o0);
      m1 = pair(m1, w2, n1, o1);
      m2 = pair(m2, w2, n2, o2);
      m3 = pair(m3, w2, n3, o3);
      n3 = n2;
      n2 = n1;
      n1 = n0;
      n0 = v128.load(newer - 48);
      o0 = o1;
      o1 = o2;
      o2 = o3;
      o3 = v128.load(older, 96);
      const w3 = v128.load(taps, 192);
      m0 = pair(m0, w3, n0, o0);
      m1 = pair(m1, w3, n1, o1);
      m2 = pair(m2, w3, n2, o2);
      m3 = pair(m3, w3, n3, o3);
    }
    const left = <i32>(end - input) >> 2;
    if (left < 16) {
      // What lies behind the block must not count.
      m0 = v128.and(m0, valid(left));
      m1 = v128.and(m1, valid(left - 4));
      m2 = v128.and(m2, valid(left - 8));
      m3 = v128.and(m3, valid(left - 12));
    }
    v128.store(middle, m0);
    v128.store(middle, m1, 16);
    v128.store(middle, m2, 32);
    v128.store(middle, m3, 48);
    const exact = input - (LATENCY << 2);
    const size = i32x4.splat(SIZE_BITS);
    let z0 = v128.load(exact);
    let z1 = v128.load(exact, 16);
    let z2 = v128.load(exact, 32);
    let z3 = v128.load(exact, 48);
    if (left < 16) {
      z0 = v128.and(z0, valid(left));
      z1 = v128.and(z1, valid(left - 4));
      z2 = v128.and(z2, valid(left - 8));
      z3 = v128.and(z3, valid(left - 12));
    }
    most = i32x4.max_s(most, larger(v128.and(z0, size), v128.and(m0, size)));
    most = i32x4.max_s(most, larger(v128.and(z1, size), v128.and(m1, size)));
    most = i32x4.max_s(most, larger(v128.and(z2, size), v128.and(m2, size)));
    most = i32x4.max_s(most, larger(v128.and(z3, size), v128.and(m3, size)));
    const beside01 = f32x4.pmax(
      beside(z0, m0, v128.load(exact, 4)),
      beside(z1, m1, v128.load(exact, 20)),
    );
    const beside23 = f32x4.pmax(
      beside(z2, m2, v128.load(exact, 36)),
      beside(z3, m3, v128.load(exact, 52)),
    );
    v128.store(near, f32x4.pmax(beside01, beside23));
  }
  return largestLane(most);
}

/** All bits of the first `left` lanes. */
function valid(left: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left));
}

// @ts-ignore: decorator
@inline
function larger(a: v128, b: v128): v128 {
  return i32x4.max_s(a, b);
}

/** The larger sum of the squares of a point in phase 2 and one of its neighbours in phase 0. */
// @ts-ignore: decorator
@inline
function beside(before: v128, point: v128, after: v128): v128 {
  const neighbour = f32x4.pmax(f32x4.mul(before, before), f32x4.mul(after, after));
  return f32x4.add(f32x4.mul(point, point), neighbour);
}

// @ts-ignore: decorator
@inline
function largestLane(lanes: v128): f32 {
  return max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
}

// @ts-ignore: decorator
@inline
function pair(sum: v128, weight: v128, newer: v128, older: v128): v128 {
  return f32x4.add(sum, f32x4.mul(weight, f32x4.add(newer, older)));
}

/** Phases 1 and 3 of the four frames interpolated last. */
let one: v128 = f32x4.splat(0);
let three: v128 = f32x4.splat(0);

function interpolate(input: usize, quarters: usize): void {
  let sums0 = f32x4.splat(0);
  let sums1 = f32x4.splat(0);
  let differences0 = f32x4.splat(0);
  let differences1 = f32x4.splat(0);
  let newer = input;
  let older = input - ((TAPS - 1) << 2);
  for (let tap = quarters; older < newer; older += 8, newer -= 8, tap += 64) {
    const a0 = v128.load(newer);
    const b0 = v128.load(older);
    const a1 = v128.load(newer - 4);
    const b1 = v128.load(older, 4);
    sums0 = f32x4.add(sums0, f32x4.mul(v128.load(tap), f32x4.add(a0, b0)));
    sums1 = f32x4.add(sums1, f32x4.mul(v128.load(tap, 32), f32x4.add(a1, b1)));
    differences0 = f32x4.add(differences0, f32x4.mul(v128.load(tap, 16), f32x4.sub(a0, b0)));
    differences1 = f32x4.add(differences1, f32x4.mul(v128.load(tap, 48), f32x4.sub(a1, b1)));
  }
  const sums = f32x4.add(sums0, sums1);
  const differences = f32x4.add(differences0, differences1);
  one = f32x4.add(sums, differences);
  three = f32x4.sub(sums, differences);
}

/** Where the frames begin of which phases 1 and 3 are at hand. */
let known: usize = -1;

/** Raises `peak` to that of all phases and of the curve between them, from `at` to `bytes`, where the curve can rise above it. */
function refine(
  input: usize,
  at: usize,
  bytes: usize,
  quarters: usize,
  middle: usize,
  peak: f32,
): f32 {
  const exact = input - (LATENCY << 2);
  for (; at < bytes; at += 16) {
    const zero = v128.load(exact + at);
    const two = v128.load(middle + at);
    const next = v128.load(exact + at, 4);
    const left = min<usize>((bytes - at) >> 2, 4);
    const enough = f32x4.splat(peak * peak * NEIGHBOURS);
    const near = v128.or(steep(zero, two, enough), steep(two, next, enough));
    const valid = i32x4.bitmask(near) & ((1 << <i32>left) - 1);
    if (valid == 0) continue;
    // Of the frames before only the last point counts, and for the first frame alone.
    if ((valid & 1) != 0 && known != at - 16) interpolate(input + at - 16, quarters);
    const earlier = three;
    interpolate(input + at, quarters);
    known = at;
    const before = v128.shuffle<i32>(earlier, three, 3, 4, 5, 6);
    const candidate = f32x4.splat(peak / HEADROOM);
    peak = crest(before, zero, one, candidate, valid, peak);
    peak = crest(zero, one, two, candidate, valid, peak);
    peak = crest(one, two, three, candidate, valid, peak);
    peak = crest(two, three, next, candidate, valid, peak);
  }
  return peak;
}

/** Where two points, half a sample apart, may have a peak between them: not when it has to lie on either side of zero. */
// @ts-ignore: decorator
@inline
function steep(a: v128, b: v128, enough: v128): v128 {
  const squares = f32x4.add(f32x4.mul(a, a), f32x4.mul(b, b));
  return v128.and(f32x4.ge(squares, enough), f32x4.ge(f32x4.mul(a, b), f32x4.splat(0)));
}

/** The largest of `peak` and, in the valid lanes, the sinusoids through three points whose middle one is a maximum. */
// @ts-ignore: decorator
@inline
function crest(a: v128, b: v128, c: v128, candidate: v128, valid: i32, peak: f32): f32 {
  const size = f32x4.abs(b);
  let maxima = f32x4.gt(size, candidate);
  maxima = v128.and(maxima, f32x4.ge(size, f32x4.abs(a)));
  maxima = v128.and(maxima, f32x4.ge(size, f32x4.abs(c)));
  const mask = i32x4.bitmask(maxima) & valid;
  return mask == 0 ? peak : highestCrest(a, b, c, mask, peak);
}

function highestCrest(a: v128, b: v128, c: v128, mask: i32, peak: f32): f32 {
  if (mask & 1) {
    const top = peakOfThree(
      f32x4.extract_lane(a, 0),
      f32x4.extract_lane(b, 0),
      f32x4.extract_lane(c, 0),
    );
    peak = max(peak, top);
  }
  if (mask & 2) {
    const top = peakOfThree(
      f32x4.extract_lane(a, 1),
      f32x4.extract_lane(b, 1),
      f32x4.extract_lane(c, 1),
    );
    peak = max(peak, top);
  }
  if (mask & 4) {
    const top = peakOfThree(
      f32x4.extract_lane(a, 2),
      f32x4.extract_lane(b, 2),
      f32x4.extract_lane(c, 2),
    );
    peak = max(peak, top);
  }
  if (mask & 8) {
    const top = peakOfThree(
      f32x4.extract_lane(a, 3),
      f32x4.extract_lane(b, 3),
      f32x4.extract_lane(c, 3),
    );
    peak = max(peak, top);
  }
  return peak;
}

/** See `#crest` in true-peak-interpolator.ts. */
function peakOfThree(first: f32, middle: f32, last: f32): f32 {
  const sign: f64 = middle < 0 ? -1 : 1;
  const a = sign * <f64>first;
  const b = sign * <f64>middle;
  const c = sign * <f64>last;
  const cosine = (a + c) / (2 * b);
  const slope = (c - a) / 2;
  let peak = b;
  if (cosine > 0.9998 || cosine < 0.6) {
    const bend = 2 * b - a - c;
    if (bend > 0) peak = b + (slope * slope) / (2 * bend);
  } else {
    peak = sqrt(b * b + (slope * slope) / (1 - cosine * cosine));
  }
  return <f32>min(peak, b * <f64>HEADROOM);
}
