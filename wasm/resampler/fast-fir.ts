/**
 * A long filter at 9/16 of its multiplications: y[j] = Σ taps[k] · x[j + k], by the two-parallel fast FIR algorithm used
 * twice (Z.-J. Mou and P. Duhamel, "Short-length FIR filters and their use in fast nonrecursive filtering", IEEE Trans.
 * Signal Processing 39, 1991). Four outputs make a group, and lanes are groups, so nothing is summed across lanes.
 *
 * With p0 … p3 the inputs at 4m … 4m + 3, c0 … c3 the taps likewise, and ′ for the value of the next group, nine filters of a
 * quarter of the length give
 *
 *     F0 = c0 ∗ p0         G0 = c1 ∗ p1         E0 = (c0 + c1) ∗ (p1 + p2)
 *     F1 = c2 ∗ p2         G1 = c3 ∗ p3         E1 = (c2 + c3) ∗ (p3 + p0′)
 *     Fs = (c0+c2)∗(p2+p0′) Gs = (c1+c3)∗(p3+p1′) Es = (c0+c1+c2+c3) ∗ (p3 + p0′ + p1′ + p2′)
 *
 *     y0 = F0 + F1 + G0 + G1                     y2 = Fs − F1 − F0′ + Gs − G1 − G0′
 *     y1 = E0 + E1 − G0 − G1 − (Fs − F1 − F0′)   y3 = Es − E1 − E0′ − (Gs − G1 − G0′) − F0′ − F1′
 *
 * F0, F1, G0 and E0 are computed for the next group; the values of the present one are left over from before ("carry").
 */
import { tile2, tile2single, tile3, tile3single, tile4, tile4single, tile8 } from './fast-fir-tiles';
import { alternate, bytes, lanes, step } from './simd';

/** Filters by their place in the tables; the first four are the ones that are carried. */
const F0: usize = 0;
const F1: usize = 1;
const G0: usize = 2;
const E0: usize = 3;
const G1: usize = 4;
const E1: usize = 5;
const FS: usize = 6;
const GS: usize = 7;
const ES: usize = 8;

/** A step's results, or inputs, lie this many bytes apart. */
// @ts-ignore: decorator
@inline
function strideFor<T>(values: i32): usize {
  // An odd number of cache lines spreads the streams over the cache's sets.
  return (((bytes<T>(values) + 191) >> 6) | 1) << 6;
}

/** What becomes of the filter's outputs: y[j], y[j] + factor · other[j], or other[j] and y[j] in turn. */
export const STORE: i32 = 0;
export const ADD: i32 = 1;
export const INTERLEAVE: i32 = 2;

/**
 * `outputs` values from `x` on, whose first belongs to a whole group; writes up to 4 · lanes − 1 more (twice that when they are
 * interleaved). `taps`: nine filters of `quarter` taps. `carry`: four values, advanced by the groups that are complete.
 * `scratch`: room for 18 streams.
 */
export function fastFir<T>(
  x: usize,
  taps: usize,
  quarter: i32,
  carry: usize,
  outputs: i32,
  scratch: usize,
  mode: i32,
  y: usize,
  other: usize,
  factor: T,
): void {
  const groups = (outputs + 3) >> 2;
  const registers = (groups + lanes<T>() - 1) / lanes<T>();
  const padded = registers * lanes<T>();
  const stride = strideFor<T>(padded + quarter + 4 * lanes<T>());
  split<T>(x, scratch, stride, padded + quarter + 1);

  const sums = scratch + 9 * stride + 64;
  for (let f = 0; f < 4; f++) {
    store<T>(sums + <usize>f * stride - sizeof<T>(), load<T>(carry + bytes<T>(f)));
  }
  filter<T>(scratch, taps, quarter, sums, stride, registers);
  const complete = outputs >> 2;
  if (complete > 0) {
    for (let f = 0; f < 4; f++) {
      const value = load<T>(sums + <usize>f * stride + bytes<T>(complete - 1));
      store<T>(carry + bytes<T>(f), value);
    }
  }
  join<T>(sums, stride, registers, mode, y, other, v128.splat<T>(factor));
}

/** The nine input streams, in the filters' order; those of the carried filters begin a group later. */
function split<T>(x: usize, to: usize, stride: usize, groups: i32): void {
  // p0, p2, p1 and p3, from the present group on.
  const p0 = to + F0 * stride;
  const p2 = to + F1 * stride;
  const p1 = to + G0 * stride;
  const p3 = to + G1 * stride;
  const end = bytes<T>(groups);
  for (let at: usize = 0; at < end; at += 16) {
    if (sizeof<T>() == 4) {
      const a = v128.load(x);
      const b = v128.load(x, 16);
      const c = v128.load(x, 32);
      const d = v128.load(x, 48);
      const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      v128.store(p0 + at, v128.shuffle<f32>(ab0, cd0, 0, 1, 4, 5));
      v128.store(p1 + at, v128.shuffle<f32>(ab0, cd0, 2, 3, 6, 7));
      v128.store(p2 + at, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5));
      v128.store(p3 + at, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7));
    } else {
      const a = v128.load(x);
      const b = v128.load(x, 32);
      const c = v128.load(x, 16);
      const d = v128.load(x, 48);
      v128.store(p0 + at, v128.shuffle<f64>(a, b, 0, 2));
      v128.store(p1 + at, v128.shuffle<f64>(a, b, 1, 3));
      v128.store(p2 + at, v128.shuffle<f64>(c, d, 0, 2));
      v128.store(p3 + at, v128.shuffle<f64>(c, d, 1, 3));
    }
    x += 64;
  }
  for (let at: usize = 0; at < end; at += 16) {
    const q0 = v128.load(p0 + at, sizeof<T>());
    const q1 = v128.load(p1 + at, sizeof<T>());
    const q2 = v128.load(p2 + at, sizeof<T>());
    const v1 = v128.load(p1 + at);
    const v2 = v128.load(p2 + at);
    const v3 = v128.load(p3 + at);
    const v30 = v128.add<T>(v3, q0);
    const q12 = v128.add<T>(q1, q2);
    v128.store(to + E0 * stride + at, v128.add<T>(v1, v2));
    v128.store(to + E1 * stride + at, v30);
    v128.store(to + FS * stride + at, v128.add<T>(v2, q0));
    v128.store(to + GS * stride + at, v128.add<T>(v3, q1));
    v128.store(to + ES * stride + at, v128.add<T>(v30, q12));
  }
}

/** All nine filters over `registers` registers of groups. */
function filter<T>(
  x: usize,
  taps: usize,
  quarter: i32,
  y: usize,
  stride: usize,
  registers: i32,
): void {
  const length = bytes<T>(quarter);
  // The first four streams begin a group later.
  let next = x + sizeof<T>();
  if (sizeof<T>() == 8) {
    // Double precision takes two registers where single takes one: the plainest tile will do.
    const end = y + (<usize>registers << 4);
    for (let at = y; at < end; at += 64) {
      for (let f: usize = 0; f < 9; f++) {
        const from = (f < 4 ? next : x) + (at - y) + f * stride;
        tile4single<T>(from, taps + f * length, length, at + f * stride);
      }
    }
    return;
  }
  let left = registers;
  while (left > 4) {
    for (let f = 0; f < 4; f++) {
      const at = <usize>f * stride;
      tile8<T>(x + at + sizeof<T>(), taps + <usize>f * length, length, y + at);
    }
    for (let f = 4; f < 9; f++) {
      const at = <usize>f * stride;
      tile8<T>(x + at, taps + <usize>f * length, length, y + at);
    }
    x += 128;
    y += 128;
    left -= 8;
  }
  if (left <= 0) return;
  next = x + sizeof<T>();
  if (left == 4) {
    tile4<T>(next, stride, taps, length, y);
    tile4<T>(next + 2 * stride, stride, taps + 2 * length, length, y + 2 * stride);
    tile4<T>(x + 4 * stride, stride, taps + 4 * length, length, y + 4 * stride);
    tile4<T>(x + 6 * stride, stride, taps + 6 * length, length, y + 6 * stride);
    tile4single<T>(x + 8 * stride, taps + 8 * length, length, y + 8 * stride);
  } else if (left < 3) {
    const e = 3 * stride;
    const g = 4 * stride;
    const h = 7 * stride;
    tile2<T>(next, stride, taps, length, y);
    tile2single<T>(next + e, taps + 3 * length, length, y + e);
    tile2<T>(x + g, stride, taps + 4 * length, length, y + g);
    tile2single<T>(x + h, taps + 7 * length, length, y + h);
    tile2single<T>(x + h + stride, taps + 8 * length, length, y + h + stride);
  } else {
    tile3<T>(next, stride, taps, length, y);
    tile3<T>(next + 2 * stride, stride, taps + 2 * length, length, y + 2 * stride);
    tile3<T>(x + 4 * stride, stride, taps + 4 * length, length, y + 4 * stride);
    tile3<T>(x + 6 * stride, stride, taps + 6 * length, length, y + 6 * stride);
    tile3single<T>(x + 8 * stride, taps + 8 * length, length, y + 8 * stride);
  }
}

/** The four outputs of each group from the nine sums. */
function join<T>(
  sums: usize,
  stride: usize,
  registers: i32,
  mode: i32,
  y: usize,
  other: usize,
  factor: v128,
): void {
  for (let i = 0; i < registers; i++) {
    const at = sums + (<usize>i << 4);
    const f0next = v128.load(at + F0 * stride);
    const f1next = v128.load(at + F1 * stride);
    const g0next = v128.load(at + G0 * stride);
    const e0next = v128.load(at + E0 * stride);
    const f0 = v128.load(at + F0 * stride - sizeof<T>());
    const f1 = v128.load(at + F1 * stride - sizeof<T>());
    const g0 = v128.load(at + G0 * stride - sizeof<T>());
    const e0 = v128.load(at + E0 * stride - sizeof<T>());
    const g1 = v128.load(at + G1 * stride);
    const e1 = v128.load(at + E1 * stride);
    const fs = v128.load(at + FS * stride);
    const gs = v128.load(at + GS * stride);
    const es = v128.load(at + ES * stride);

    const g = v128.add<T>(g0, g1);
    const f = v128.sub<T>(v128.sub<T>(fs, f1), f0next);
    const h = v128.sub<T>(v128.sub<T>(gs, g1), g0next);
    const y0 = v128.add<T>(v128.add<T>(f0, f1), g);
    const y1 = v128.sub<T>(v128.sub<T>(v128.add<T>(e0, e1), g), f);
    const y2 = v128.add<T>(f, h);
    const e = v128.sub<T>(v128.sub<T>(es, e1), e0next);
    const y3 = v128.sub<T>(v128.sub<T>(e, h), v128.add<T>(f0next, f1next));

    let a: v128;
    let b: v128;
    let c: v128;
    let d: v128;
    if (sizeof<T>() == 4) {
      const low01 = v128.shuffle<f32>(y0, y1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(y2, y3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(y0, y1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(y2, y3, 2, 6, 3, 7);
      a = v128.shuffle<f32>(low01, low23, 0, 1, 4, 5);
      b = v128.shuffle<f32>(low01, low23, 2, 3, 6, 7);
      c = v128.shuffle<f32>(high01, high23, 0, 1, 4, 5);
      d = v128.shuffle<f32>(high01, high23, 2, 3, 6, 7);
    } else {
      a = v128.shuffle<f64>(y0, y1, 0, 2);
      b = v128.shuffle<f64>(y2, y3, 0, 2);
      c = v128.shuffle<f64>(y0, y1, 1, 3);
      d = v128.shuffle<f64>(y2, y3, 1, 3);
    }
    if (mode == INTERLEAVE) {
      alternate<T>(v128.load(other), a, y);
      alternate<T>(v128.load(other, 16), b, y + 32);
      alternate<T>(v128.load(other, 32), c, y + 64);
      alternate<T>(v128.load(other, 48), d, y + 96);
      y += 64;
    } else {
      if (mode == ADD) {
        a = step<T>(a, v128.load(other), factor);
        b = step<T>(b, v128.load(other, 16), factor);
        c = step<T>(c, v128.load(other, 32), factor);
        d = step<T>(d, v128.load(other, 48), factor);
      }
      v128.store(y, a);
      v128.store(y, b, 16);
      v128.store(y, c, 32);
      v128.store(y, d, 48);
    }
    other += 64;
    y += 64;
  }
}
