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
import { nineOf2, nineOf3, nineOf4, STRIDE } from './fast-fir-tiles';
import { TWENTY, twentyTapsOf2, twentyTapsOf3, twentyTapsOf4 } from './fast-fir-twenty';
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
  split<T>(x, scratch, padded + quarter + 1);

  const sums = scratch + 9 * STRIDE + 64;
  for (let f = 0; f < 4; f++) {
    store<T>(sums + <usize>f * STRIDE - sizeof<T>(), load<T>(carry + bytes<T>(f)));
  }
  filter<T>(scratch, taps, bytes<T>(quarter), sums, registers);
  const complete = outputs >> 2;
  if (complete > 0) {
    for (let f = 0; f < 4; f++) {
      const value = load<T>(sums + <usize>f * STRIDE + bytes<T>(complete - 1));
      store<T>(carry + bytes<T>(f), value);
    }
  }
  join<T>(sums, registers, mode, y, other, v128.splat<T>(factor));
}

/** The nine input streams, in the filters' order; those of the carried filters begin a group later. */
function split<T>(x: usize, to: usize, groups: i32): void {
  const end = to + bytes<T>(groups);
  if (sizeof<T>() == 4) {
    let a = v128.load(x);
    let b = v128.load(x, 16);
    let c = v128.load(x, 32);
    let d = v128.load(x, 48);
    let ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
    let cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
    let p0 = v128.shuffle<f32>(ab, cd, 0, 1, 4, 5);
    let p1 = v128.shuffle<f32>(ab, cd, 2, 3, 6, 7);
    ab = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
    cd = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
    let p2 = v128.shuffle<f32>(ab, cd, 0, 1, 4, 5);
    let p3 = v128.shuffle<f32>(ab, cd, 2, 3, 6, 7);
    for (; to < end; to += 16) {
      x += 64;
      a = v128.load(x);
      b = v128.load(x, 16);
      c = v128.load(x, 32);
      d = v128.load(x, 48);
      ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
      const n0 = v128.shuffle<f32>(ab, cd, 0, 1, 4, 5);
      const n1 = v128.shuffle<f32>(ab, cd, 2, 3, 6, 7);
      ab = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
      cd = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
      const n2 = v128.shuffle<f32>(ab, cd, 0, 1, 4, 5);
      const n3 = v128.shuffle<f32>(ab, cd, 2, 3, 6, 7);
      const q0 = v128.shuffle<f32>(p0, n0, 1, 2, 3, 4);
      const q1 = v128.shuffle<f32>(p1, n1, 1, 2, 3, 4);
      const q2 = v128.shuffle<f32>(p2, n2, 1, 2, 3, 4);
      store9<T>(to, p0, p1, p2, p3, q0, q1, q2);
      p0 = n0;
      p1 = n1;
      p2 = n2;
      p3 = n3;
    }
  } else {
    let a = v128.load(x);
    let b = v128.load(x, 32);
    let c = v128.load(x, 16);
    let d = v128.load(x, 48);
    let p0 = v128.shuffle<f64>(a, b, 0, 2);
    let p1 = v128.shuffle<f64>(a, b, 1, 3);
    let p2 = v128.shuffle<f64>(c, d, 0, 2);
    let p3 = v128.shuffle<f64>(c, d, 1, 3);
    for (; to < end; to += 16) {
      x += 64;
      a = v128.load(x);
      b = v128.load(x, 32);
      c = v128.load(x, 16);
      d = v128.load(x, 48);
      const n0 = v128.shuffle<f64>(a, b, 0, 2);
      const n1 = v128.shuffle<f64>(a, b, 1, 3);
      const n2 = v128.shuffle<f64>(c, d, 0, 2);
      const n3 = v128.shuffle<f64>(c, d, 1, 3);
      const q0 = v128.shuffle<f64>(p0, n0, 1, 2);
      const q1 = v128.shuffle<f64>(p1, n1, 1, 2);
      const q2 = v128.shuffle<f64>(p2, n2, 1, 2);
      store9<T>(to, p0, p1, p2, p3, q0, q1, q2);
      p0 = n0;
      p1 = n1;
      p2 = n2;
      p3 = n3;
    }
  }
}

// @ts-ignore: decorator
@inline
function store9<T>(
  to: usize,
  p0: v128,
  p1: v128,
  p2: v128,
  p3: v128,
  q0: v128,
  q1: v128,
  q2: v128,
): void {
  const v30 = v128.add<T>(p3, q0);
  v128.store(to, p0, F0 * STRIDE);
  v128.store(to, p2, F1 * STRIDE);
  v128.store(to, p1, G0 * STRIDE);
  v128.store(to, v128.add<T>(p1, p2), E0 * STRIDE);
  v128.store(to, p3, G1 * STRIDE);
  v128.store(to, v30, E1 * STRIDE);
  v128.store(to, v128.add<T>(p2, q0), FS * STRIDE);
  v128.store(to, v128.add<T>(p3, q1), GS * STRIDE);
  v128.store(to, v128.add<T>(v30, v128.add<T>(q1, q2)), ES * STRIDE);
}

/** All nine filters over `registers` registers of groups. */
function filter<T>(x: usize, taps: usize, length: usize, y: usize, registers: i32): void {
  if (sizeof<T>() == 8) {
    // Double precision takes two registers where single takes one: the plainest tile will do.
    for (; registers > 0; registers -= 4, x += 64, y += 64) nineOf4<T>(x, taps, length, y);
  } else if (length == 4 * TWENTY) {
    for (; registers > 4; registers -= 4, x += 64, y += 64) twentyTapsOf4(x, taps, y);
    if (registers == 4) twentyTapsOf4(x, taps, y);
    else if (registers == 3) twentyTapsOf3(x, taps, y);
    else twentyTapsOf2(x, taps, y);
  } else {
    for (; registers > 4; registers -= 4, x += 64, y += 64) nineOf4<T>(x, taps, length, y);
    if (registers == 4) nineOf4<T>(x, taps, length, y);
    else if (registers == 3) nineOf3<T>(x, taps, length, y);
    else nineOf2<T>(x, taps, length, y);
  }
}

/** The four outputs of each group from the nine sums. */
function join<T>(
  sums: usize,
  registers: i32,
  mode: i32,
  y: usize,
  other: usize,
  factor: v128,
): void {
  for (let i = 0; i < registers; i++) {
    const at = sums + (<usize>i << 4);
    const before = at - sizeof<T>();
    const f0next = v128.load(at, F0 * STRIDE);
    const f1next = v128.load(at, F1 * STRIDE);
    const g0next = v128.load(at, G0 * STRIDE);
    const e0next = v128.load(at, E0 * STRIDE);
    const f0 = v128.load(before, F0 * STRIDE);
    const f1 = v128.load(before, F1 * STRIDE);
    const g0 = v128.load(before, G0 * STRIDE);
    const e0 = v128.load(before, E0 * STRIDE);
    const g1 = v128.load(at, G1 * STRIDE);
    const e1 = v128.load(at, E1 * STRIDE);
    const fs = v128.load(at, FS * STRIDE);
    const gs = v128.load(at, GS * STRIDE);
    const es = v128.load(at, ES * STRIDE);

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
