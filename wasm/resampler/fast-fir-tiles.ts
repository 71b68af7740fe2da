/**
 * The nine filters of fast-fir.ts: y[f][j] = Σ taps[f][k] · x[f][j + k] for some registers of j. Taps that lie a register apart
 * meet the same registers of inputs, so three or two of them share what is loaded; no more, since V8 would spill. `length`: of one
 * filter's taps in bytes.
 */
import { lanes, step } from './simd';

/** Streams, and results, lie this many bytes apart: an odd number of cache lines, which spreads them over the cache's sets. */
export const STRIDE: usize = 1984;
export const FILTERS = 9;
/** So many filters, the first ones, begin a group later. */
export const LATE_FILTERS = 4;

export function nineOf4<T>(x: usize, tap: usize, length: usize, y: usize): void {
  x += sizeof<T>();
  for (let f = 0; f < FILTERS; f++) {
    let from = x;
    const end = tap + length;
    let a0 = v128.splat<T>(<T>0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    while (tap + 48 <= end) {
      for (let s = 0; s < lanes<T>(); s++) {
        const w0 = v128.load_splat<T>(tap);
        const w1 = v128.load_splat<T>(tap, 16);
        const w2 = v128.load_splat<T>(tap, 32);
        const x0 = v128.load(from);
        const x1 = v128.load(from, 16);
        const x2 = v128.load(from, 32);
        const x3 = v128.load(from, 48);
        const x4 = v128.load(from, 64);
        const x5 = v128.load(from, 80);
        a0 = v128.add<T>(a0, step<T>(step<T>(v128.mul<T>(x0, w0), x1, w1), x2, w2));
        a1 = v128.add<T>(a1, step<T>(step<T>(v128.mul<T>(x1, w0), x2, w1), x3, w2));
        a2 = v128.add<T>(a2, step<T>(step<T>(v128.mul<T>(x2, w0), x3, w1), x4, w2));
        a3 = v128.add<T>(a3, step<T>(step<T>(v128.mul<T>(x3, w0), x4, w1), x5, w2));
        from += sizeof<T>();
        tap += sizeof<T>();
      }
      from += 32;
      tap += 32;
    }
    while (tap + 32 <= end) {
      for (let s = 0; s < lanes<T>(); s++) {
        const w0 = v128.load_splat<T>(tap);
        const w1 = v128.load_splat<T>(tap, 16);
        const x0 = v128.load(from);
        const x1 = v128.load(from, 16);
        const x2 = v128.load(from, 32);
        const x3 = v128.load(from, 48);
        const x4 = v128.load(from, 64);
        a0 = v128.add<T>(a0, step<T>(v128.mul<T>(x0, w0), x1, w1));
        a1 = v128.add<T>(a1, step<T>(v128.mul<T>(x1, w0), x2, w1));
        a2 = v128.add<T>(a2, step<T>(v128.mul<T>(x2, w0), x3, w1));
        a3 = v128.add<T>(a3, step<T>(v128.mul<T>(x3, w0), x4, w1));
        from += sizeof<T>();
        tap += sizeof<T>();
      }
      from += 16;
      tap += 16;
    }
    while (tap < end) {
      const w = v128.load_splat<T>(tap);
      a0 = step<T>(a0, v128.load(from), w);
      a1 = step<T>(a1, v128.load(from, 16), w);
      a2 = step<T>(a2, v128.load(from, 32), w);
      a3 = step<T>(a3, v128.load(from, 48), w);
      from += sizeof<T>();
      tap += sizeof<T>();
    }
    v128.store(y, a0);
    v128.store(y, a1, 16);
    v128.store(y, a2, 32);
    v128.store(y, a3, 48);
    x += STRIDE;
    y += STRIDE;
    if (f == LATE_FILTERS - 1) x -= sizeof<T>();
  }
}

export function nineOf3<T>(x: usize, tap: usize, length: usize, y: usize): void {
  x += sizeof<T>();
  for (let f = 0; f < FILTERS; f++) {
    let from = x;
    const end = tap + length;
    let a0 = v128.splat<T>(<T>0);
    let a1 = a0;
    let a2 = a0;
    while (tap + 48 <= end) {
      for (let s = 0; s < lanes<T>(); s++) {
        const w0 = v128.load_splat<T>(tap);
        const w1 = v128.load_splat<T>(tap, 16);
        const w2 = v128.load_splat<T>(tap, 32);
        const x0 = v128.load(from);
        const x1 = v128.load(from, 16);
        const x2 = v128.load(from, 32);
        const x3 = v128.load(from, 48);
        const x4 = v128.load(from, 64);
        a0 = v128.add<T>(a0, step<T>(step<T>(v128.mul<T>(x0, w0), x1, w1), x2, w2));
        a1 = v128.add<T>(a1, step<T>(step<T>(v128.mul<T>(x1, w0), x2, w1), x3, w2));
        a2 = v128.add<T>(a2, step<T>(step<T>(v128.mul<T>(x2, w0), x3, w1), x4, w2));
        from += sizeof<T>();
        tap += sizeof<T>();
      }
      from += 32;
      tap += 32;
    }
    while (tap + 32 <= end) {
      for (let s = 0; s < lanes<T>(); s++) {
        const w0 = v128.load_splat<T>(tap);
        const w1 = v128.load_splat<T>(tap, 16);
        const x0 = v128.load(from);
        const x1 = v128.load(from, 16);
        const x2 = v128.load(from, 32);
        const x3 = v128.load(from, 48);
        a0 = v128.add<T>(a0, step<T>(v128.mul<T>(x0, w0), x1, w1));
        a1 = v128.add<T>(a1, step<T>(v128.mul<T>(x1, w0), x2, w1));
        a2 = v128.add<T>(a2, step<T>(v128.mul<T>(x2, w0), x3, w1));
        from += sizeof<T>();
        tap += sizeof<T>();
      }
      from += 16;
      tap += 16;
    }
    while (tap < end) {
      const w = v128.load_splat<T>(tap);
      a0 = step<T>(a0, v128.load(from), w);
      a1 = step<T>(a1, v128.load(from, 16), w);
      a2 = step<T>(a2, v128.load(from, 32), w);
      from += sizeof<T>();
      tap += sizeof<T>();
    }
    v128.store(y, a0);
    v128.store(y, a1, 16);
    v128.store(y, a2, 32);
    x += STRIDE;
    y += STRIDE;
    if (f == LATE_FILTERS - 1) x -= sizeof<T>();
  }
}

export function nineOf2<T>(x: usize, tap: usize, length: usize, y: usize): void {
  x += sizeof<T>();
  for (let f = 0; f < FILTERS; f++) {
    let from = x;
    const end = tap + length;
    let a0 = v128.splat<T>(<T>0);
    let a1 = a0;
    while (tap + 48 <= end) {
      for (let s = 0; s < lanes<T>(); s++) {
        const w0 = v128.load_splat<T>(tap);
        const w1 = v128.load_splat<T>(tap, 16);
        const w2 = v128.load_splat<T>(tap, 32);
        const x0 = v128.load(from);
        const x1 = v128.load(from, 16);
        const x2 = v128.load(from, 32);
        const x3 = v128.load(from, 48);
        a0 = v128.add<T>(a0, step<T>(step<T>(v128.mul<T>(x0, w0), x1, w1), x2, w2));
        a1 = v128.add<T>(a1, step<T>(step<T>(v128.mul<T>(x1, w0), x2, w1), x3, w2));
        from += sizeof<T>();
        tap += sizeof<T>();
      }
      from += 32;
      tap += 32;
    }
    while (tap + 32 <= end) {
      for (let s = 0; s < lanes<T>(); s++) {
        const w0 = v128.load_splat<T>(tap);
        const w1 = v128.load_splat<T>(tap, 16);
        const x0 = v128.load(from);
        const x1 = v128.load(from, 16);
        const x2 = v128.load(from, 32);
        a0 = v128.add<T>(a0, step<T>(v128.mul<T>(x0, w0), x1, w1));
        a1 = v128.add<T>(a1, step<T>(v128.mul<T>(x1, w0), x2, w1));
        from += sizeof<T>();
        tap += sizeof<T>();
      }
      from += 16;
      tap += 16;
    }
    while (tap < end) {
      const w = v128.load_splat<T>(tap);
      a0 = step<T>(a0, v128.load(from), w);
      a1 = step<T>(a1, v128.load(from, 16), w);
      from += sizeof<T>();
      tap += sizeof<T>();
    }
    v128.store(y, a0);
    v128.store(y, a1, 16);
    x += STRIDE;
    y += STRIDE;
    if (f == LATE_FILTERS - 1) x -= sizeof<T>();
  }
}
