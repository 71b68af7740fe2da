/** Taps of a phase, and by how many samples the points lag: see true-peak-filter.ts. */
const TAPS: usize = 32;
const LATENCY: usize = 16;
/** How far the curve can rise above its points, 1/cos(π/8): TRUE_PEAK_HEADROOM. */
const HEADROOM: f32 = 1.082392200292394;

/**
 * The largest of `floor` and the true peaks of the `frames` frames from `input` on, before which TAPS + 1 samples stand.
 * `last` holds the point before the first, and is given the last one. `taps`: per pair of samples the weights even, odd and
 * half, each four times. `points` has room for three runs of points, `run` bytes apart, each with 16 bytes before it.
 */
export function truePeak(
  input: usize,
  frames: i32,
  floor: f32,
  norm: f32,
  last: usize,
  taps: usize,
  points: usize,
  run: usize,
): f32 {
  const bytes = <usize>frames << 2;
  // Where nothing can rise above the floor, only the point is needed that the next call looks back at.
  if (largest(input - ((TAPS - 1) << 2), input + bytes) * norm * HEADROOM <= floor) {
    interpolate(input + bytes - 4, 4, taps, points, run);
    store<f32>(last, load<f32>(points + 2 * run));
    return floor;
  }
  interpolate(input, bytes, taps, points, run);
  store<f32>(points + 2 * run - 4, load<f32>(last));
  store<f32>(last, load<f32>(points + 2 * run + bytes - 4));
  const exact = input - (LATENCY << 2);
  const top = highest(exact, bytes, points, run);
  return top * HEADROOM <= floor ? floor : refine(exact, bytes, points, run, max(floor, top));
}

/** Largest |sample|; looks at up to three samples more. */
function largest(from: usize, end: usize): f32 {
  let most = f32x4.splat(0);
  for (; from < end; from += 16) most = f32x4.pmax(most, f32x4.abs(v128.load(from)));
  return largestLane(most);
}

// @ts-ignore: decorator
@inline
function largestLane(lanes: v128): f32 {
  return max(
    max(f32x4.extract_lane(lanes, 0), f32x4.extract_lane(lanes, 1)),
    max(f32x4.extract_lane(lanes, 2), f32x4.extract_lane(lanes, 3)),
  );
}

/** Makes the points between the samples, eight frames at a time: up to seven too many. */
function interpolate(input: usize, bytes: usize, taps: usize, points: usize, run: usize): void {
  const end = input + bytes;
  for (; input < end; input += 32, points += 32) {
    let sums0 = f32x4.splat(0);
    let sums1 = f32x4.splat(0);
    let differences0 = f32x4.splat(0);
    let differences1 = f32x4.splat(0);
    let middle0 = f32x4.splat(0);
    let middle1 = f32x4.splat(0);
    let newer = input;
    let older = input - ((TAPS - 1) << 2);
    let tap = taps;
    for (; older < newer; older += 4, newer -= 4, tap += 48) {
      const even = v128.load(tap);
      const odd = v128.load(tap, 16);
      const half = v128.load(tap, 32);
      const a0 = v128.load(newer);
      const b0 = v128.load(older);
      const a1 = v128.load(newer, 16);
      const b1 = v128.load(older, 16);
      const sum0 = f32x4.add(a0, b0);
      const sum1 = f32x4.add(a1, b1);
      sums0 = f32x4.add(sums0, f32x4.mul(even, sum0));
      sums1 = f32x4.add(sums1, f32x4.mul(even, sum1));
      differences0 = f32x4.add(differences0, f32x4.mul(odd, f32x4.sub(a0, b0)));
      differences1 = f32x4.add(differences1, f32x4.mul(odd, f32x4.sub(a1, b1)));
      middle0 = f32x4.add(middle0, f32x4.mul(half, sum0));
      middle1 = f32x4.add(middle1, f32x4.mul(half, sum1));
    }
    v128.store(points, f32x4.add(sums0, differences0));
    v128.store(points, f32x4.add(sums1, differences1), 16);
    v128.store(points + run, middle0);
    v128.store(points + run, middle1, 16);
    v128.store(points + 2 * run, f32x4.sub(sums0, differences0));
    v128.store(points + 2 * run, f32x4.sub(sums1, differences1), 16);
  }
}

/** The largest |point|. */
function highest(exact: usize, bytes: usize, points: usize, run: usize): f32 {
  let most = f32x4.splat(0);
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) {
    const inner = f32x4.pmax(
      f32x4.abs(v128.load(points + at)),
      f32x4.abs(v128.load(points + run + at)),
    );
    const outer = f32x4.pmax(
      f32x4.abs(v128.load(exact + at)),
      f32x4.abs(v128.load(points + 2 * run + at)),
    );
    most = f32x4.pmax(most, f32x4.pmax(inner, outer));
  }
  let top = largestLane(most);
  for (; at < bytes; at += 4) {
    top = max(top, abs(load<f32>(exact + at)));
    top = max(top, abs(load<f32>(points + at)));
    top = max(top, abs(load<f32>(points + run + at)));
    top = max(top, abs(load<f32>(points + 2 * run + at)));
  }
  return top;
}

/** The peak of the curve between the points, where it can rise above `floor`. */
function refine(exact: usize, bytes: usize, points: usize, run: usize, floor: f32): f32 {
  let peak = floor;
  for (let at: usize = 0; at < bytes; at += 16) {
    const zero = v128.load(exact + at);
    const one = v128.load(points + at);
    const two = v128.load(points + run + at);
    const three = v128.load(points + 2 * run + at);
    const most = f32x4.pmax(
      f32x4.pmax(f32x4.abs(zero), f32x4.abs(one)),
      f32x4.pmax(f32x4.abs(two), f32x4.abs(three)),
    );
    const left = min<usize>((bytes - at) >> 2, 4);
    const mask = i32x4.bitmask(f32x4.gt(most, f32x4.splat(peak / HEADROOM)));
    if ((mask & ((1 << <i32>left) - 1)) == 0) continue;
    const before = v128.load(points + 2 * run + at - 4);
    const after = v128.load(exact + at + 4);
    peak = crest(before, zero, one, left, peak);
    peak = crest(zero, one, two, left, peak);
    peak = crest(one, two, three, left, peak);
    peak = crest(two, three, after, left, peak);
  }
  return peak;
}

/** The largest of `peak` and, of the first `lanes` lanes, the sinusoids through three points whose middle one is a maximum. */
// @ts-ignore: decorator
@inline
function crest(a: v128, b: v128, c: v128, lanes: usize, peak: f32): f32 {
  const size = f32x4.abs(b);
  let maxima = f32x4.gt(size, f32x4.splat(peak / HEADROOM));
  maxima = v128.and(maxima, f32x4.ge(size, f32x4.abs(a)));
  maxima = v128.and(maxima, f32x4.ge(size, f32x4.abs(c)));
  let mask = i32x4.bitmask(maxima) & ((1 << <i32>lanes) - 1);
  if (mask == 0) return peak;
  if (mask & 1) {
    peak = max(peak, peakOfThree(f32x4.extract_lane(a, 0), f32x4.extract_lane(b, 0), f32x4.extract_lane(c, 0)));
  }
  if (mask & 2) {
    peak = max(peak, peakOfThree(f32x4.extract_lane(a, 1), f32x4.extract_lane(b, 1), f32x4.extract_lane(c, 1)));
  }
  if (mask & 4) {
    peak = max(peak, peakOfThree(f32x4.extract_lane(a, 2), f32x4.extract_lane(b, 2), f32x4.extract_lane(c, 2)));
  }
  if (mask & 8) {
    peak = max(peak, peakOfThree(f32x4.extract_lane(a, 3), f32x4.extract_lane(b, 3), f32x4.extract_lane(c, 3)));
  }
  return peak;
}

/** See true-peak-filter.ts; the middle point may be negative. */
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
