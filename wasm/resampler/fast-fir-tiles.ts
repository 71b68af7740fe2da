/**
 * The tiles of fast-fir.ts: y[f][j] = Σ taps[f][k] · x[f][j + k] for one to three successive filters and some registers of j, streams and
 * results `apart` bytes apart. Two taps a turn, and no more registers than this: V8 keeps these sums in registers and spills
 * those of many a variant. Tiles that are called from one place Binaryen would merge into it, with the same effect: hence the
 * calls written out, and two loops, above.
 */
import { step } from './simd';

/** One filter, eight registers. */
export function tile8<T>(x: usize, taps: usize, length: usize, y: usize): void {
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let a4 = a0;
  let a5 = a0;
  let a6 = a0;
  let a7 = a0;
  const end = taps + length;
  while (taps < end) {
    let w = v128.load_splat<T>(taps);
    a0 = step<T>(a0, v128.load(x), w);
    a1 = step<T>(a1, v128.load(x, 16), w);
    a2 = step<T>(a2, v128.load(x, 32), w);
    a3 = step<T>(a3, v128.load(x, 48), w);
    a4 = step<T>(a4, v128.load(x, 64), w);
    a5 = step<T>(a5, v128.load(x, 80), w);
    a6 = step<T>(a6, v128.load(x, 96), w);
    a7 = step<T>(a7, v128.load(x, 112), w);
    w = v128.load_splat<T>(taps, sizeof<T>());
    a0 = step<T>(a0, v128.load(x, sizeof<T>()), w);
    a1 = step<T>(a1, v128.load(x, 16 + sizeof<T>()), w);
    a2 = step<T>(a2, v128.load(x, 32 + sizeof<T>()), w);
    a3 = step<T>(a3, v128.load(x, 48 + sizeof<T>()), w);
    a4 = step<T>(a4, v128.load(x, 64 + sizeof<T>()), w);
    a5 = step<T>(a5, v128.load(x, 80 + sizeof<T>()), w);
    a6 = step<T>(a6, v128.load(x, 96 + sizeof<T>()), w);
    a7 = step<T>(a7, v128.load(x, 112 + sizeof<T>()), w);
    x += 2 * sizeof<T>();
    taps += 2 * sizeof<T>();
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  v128.store(y, a2, 32);
  v128.store(y, a3, 48);
  v128.store(y, a4, 64);
  v128.store(y, a5, 80);
  v128.store(y, a6, 96);
  v128.store(y, a7, 112);
}

/** Two filters, four registers. */
export function tile4<T>(x: usize, apart: usize, taps: usize, length: usize, y: usize): void {
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  let x1 = x + apart;
  let taps1 = taps + length;
  const end = taps + length;
  while (taps < end) {
    let w = v128.load_splat<T>(taps);
    a0 = step<T>(a0, v128.load(x), w);
    a1 = step<T>(a1, v128.load(x, 16), w);
    a2 = step<T>(a2, v128.load(x, 32), w);
    a3 = step<T>(a3, v128.load(x, 48), w);
    w = v128.load_splat<T>(taps1);
    b0 = step<T>(b0, v128.load(x1), w);
    b1 = step<T>(b1, v128.load(x1, 16), w);
    b2 = step<T>(b2, v128.load(x1, 32), w);
    b3 = step<T>(b3, v128.load(x1, 48), w);
    w = v128.load_splat<T>(taps, sizeof<T>());
    a0 = step<T>(a0, v128.load(x, sizeof<T>()), w);
    a1 = step<T>(a1, v128.load(x, 16 + sizeof<T>()), w);
    a2 = step<T>(a2, v128.load(x, 32 + sizeof<T>()), w);
    a3 = step<T>(a3, v128.load(x, 48 + sizeof<T>()), w);
    w = v128.load_splat<T>(taps1, sizeof<T>());
    b0 = step<T>(b0, v128.load(x1, sizeof<T>()), w);
    b1 = step<T>(b1, v128.load(x1, 16 + sizeof<T>()), w);
    b2 = step<T>(b2, v128.load(x1, 32 + sizeof<T>()), w);
    b3 = step<T>(b3, v128.load(x1, 48 + sizeof<T>()), w);
    x += 2 * sizeof<T>();
    taps += 2 * sizeof<T>();
    x1 += 2 * sizeof<T>();
    taps1 += 2 * sizeof<T>();
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  v128.store(y, a2, 32);
  v128.store(y, a3, 48);
  y += apart;
  v128.store(y, b0);
  v128.store(y, b1, 16);
  v128.store(y, b2, 32);
  v128.store(y, b3, 48);
}

/** One filter, four registers. */
export function tile4single<T>(x: usize, taps: usize, length: usize, y: usize): void {
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  const end = taps + length;
  while (taps < end) {
    let w = v128.load_splat<T>(taps);
    a0 = step<T>(a0, v128.load(x), w);
    a1 = step<T>(a1, v128.load(x, 16), w);
    a2 = step<T>(a2, v128.load(x, 32), w);
    a3 = step<T>(a3, v128.load(x, 48), w);
    w = v128.load_splat<T>(taps, sizeof<T>());
    a0 = step<T>(a0, v128.load(x, sizeof<T>()), w);
    a1 = step<T>(a1, v128.load(x, 16 + sizeof<T>()), w);
    a2 = step<T>(a2, v128.load(x, 32 + sizeof<T>()), w);
    a3 = step<T>(a3, v128.load(x, 48 + sizeof<T>()), w);
    x += 2 * sizeof<T>();
    taps += 2 * sizeof<T>();
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  v128.store(y, a2, 32);
  v128.store(y, a3, 48);
}

/** Two filters, three registers. */
export function tile3<T>(x: usize, apart: usize, taps: usize, length: usize, y: usize): void {
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let a2 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let x1 = x + apart;
  let taps1 = taps + length;
  const end = taps + length;
  while (taps < end) {
    let w = v128.load_splat<T>(taps);
    a0 = step<T>(a0, v128.load(x), w);
    a1 = step<T>(a1, v128.load(x, 16), w);
    a2 = step<T>(a2, v128.load(x, 32), w);
    w = v128.load_splat<T>(taps1);
    b0 = step<T>(b0, v128.load(x1), w);
    b1 = step<T>(b1, v128.load(x1, 16), w);
    b2 = step<T>(b2, v128.load(x1, 32), w);
    w = v128.load_splat<T>(taps, sizeof<T>());
    a0 = step<T>(a0, v128.load(x, sizeof<T>()), w);
    a1 = step<T>(a1, v128.load(x, 16 + sizeof<T>()), w);
    a2 = step<T>(a2, v128.load(x, 32 + sizeof<T>()), w);
    w = v128.load_splat<T>(taps1, sizeof<T>());
    b0 = step<T>(b0, v128.load(x1, sizeof<T>()), w);
    b1 = step<T>(b1, v128.load(x1, 16 + sizeof<T>()), w);
    b2 = step<T>(b2, v128.load(x1, 32 + sizeof<T>()), w);
    x += 2 * sizeof<T>();
    taps += 2 * sizeof<T>();
    x1 += 2 * sizeof<T>();
    taps1 += 2 * sizeof<T>();
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  v128.store(y, a2, 32);
  y += apart;
  v128.store(y, b0);
  v128.store(y, b1, 16);
  v128.store(y, b2, 32);
}

/** One filter, three registers. */
export function tile3single<T>(x: usize, taps: usize, length: usize, y: usize): void {
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let a2 = a0;
  const end = taps + length;
  while (taps < end) {
    let w = v128.load_splat<T>(taps);
    a0 = step<T>(a0, v128.load(x), w);
    a1 = step<T>(a1, v128.load(x, 16), w);
    a2 = step<T>(a2, v128.load(x, 32), w);
    w = v128.load_splat<T>(taps, sizeof<T>());
    a0 = step<T>(a0, v128.load(x, sizeof<T>()), w);
    a1 = step<T>(a1, v128.load(x, 16 + sizeof<T>()), w);
    a2 = step<T>(a2, v128.load(x, 32 + sizeof<T>()), w);
    x += 2 * sizeof<T>();
    taps += 2 * sizeof<T>();
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  v128.store(y, a2, 32);
}

/** Three filters, two registers. */
export function tile2<T>(x: usize, apart: usize, taps: usize, length: usize, y: usize): void {
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let x1 = x + apart;
  let taps1 = taps + length;
  let x2 = x1 + apart;
  let taps2 = taps1 + length;
  const end = taps + length;
  while (taps < end) {
    let w = v128.load_splat<T>(taps);
    a0 = step<T>(a0, v128.load(x), w);
    a1 = step<T>(a1, v128.load(x, 16), w);
    w = v128.load_splat<T>(taps1);
    b0 = step<T>(b0, v128.load(x1), w);
    b1 = step<T>(b1, v128.load(x1, 16), w);
    w = v128.load_splat<T>(taps2);
    c0 = step<T>(c0, v128.load(x2), w);
    c1 = step<T>(c1, v128.load(x2, 16), w);
    w = v128.load_splat<T>(taps, sizeof<T>());
    a0 = step<T>(a0, v128.load(x, sizeof<T>()), w);
    a1 = step<T>(a1, v128.load(x, 16 + sizeof<T>()), w);
    w = v128.load_splat<T>(taps1, sizeof<T>());
    b0 = step<T>(b0, v128.load(x1, sizeof<T>()), w);
    b1 = step<T>(b1, v128.load(x1, 16 + sizeof<T>()), w);
    w = v128.load_splat<T>(taps2, sizeof<T>());
    c0 = step<T>(c0, v128.load(x2, sizeof<T>()), w);
    c1 = step<T>(c1, v128.load(x2, 16 + sizeof<T>()), w);
    x += 2 * sizeof<T>();
    taps += 2 * sizeof<T>();
    x1 += 2 * sizeof<T>();
    taps1 += 2 * sizeof<T>();
    x2 += 2 * sizeof<T>();
    taps2 += 2 * sizeof<T>();
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  y += apart;
  v128.store(y, b0);
  v128.store(y, b1, 16);
  y += apart;
  v128.store(y, c0);
  v128.store(y, c1, 16);
}

/** One filter, two registers. */
export function tile2single<T>(x: usize, taps: usize, length: usize, y: usize): void {
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  const end = taps + length;
  while (taps < end) {
    let w = v128.load_splat<T>(taps);
    a0 = step<T>(a0, v128.load(x), w);
    a1 = step<T>(a1, v128.load(x, 16), w);
    w = v128.load_splat<T>(taps, sizeof<T>());
    a0 = step<T>(a0, v128.load(x, sizeof<T>()), w);
    a1 = step<T>(a1, v128.load(x, 16 + sizeof<T>()), w);
    x += 2 * sizeof<T>();
    taps += 2 * sizeof<T>();
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
}

