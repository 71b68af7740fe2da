import { bytes, lanes } from './simd';

/** sum + (near + far) · weight. */
// @ts-ignore: decorator
@inline
function pair<T>(sum: v128, near: v128, far: v128, weight: v128): v128 {
  return v128.add<T>(sum, v128.mul<T>(v128.add<T>(near, far), weight));
}

/**
 * For short filters and few outputs: y[j] += Σ taps[k] · (x[j + k] + x[j + last − k]), k < pairs, for j < count. Each lane sums
 * up one output, farthest tap first, in whichever tile. Reads and writes up to 31 values beyond the last.
 */
export function accumulateSymmetric<T>(
  x: usize,
  last: i32,
  taps: usize,
  pairs: i32,
  y: usize,
  count: i32,
): void {
  const tapsEnd = taps + bytes<T>(pairs);
  const reach = bytes<T>(last);
  let rest = count;
  while (rest > 4 * lanes<T>()) {
    let a0 = v128.load(y);
    let a1 = v128.load(y, 16);
    let a2 = v128.load(y, 32);
    let a3 = v128.load(y, 48);
    let a4 = v128.load(y, 64);
    let a5 = v128.load(y, 80);
    let a6 = v128.load(y, 96);
    let a7 = v128.load(y, 112);
    let left = x;
    let right = x + reach;
    for (let tap = taps; tap < tapsEnd; tap += sizeof<T>()) {
      const w = v128.load_splat<T>(tap);
      a0 = pair<T>(a0, v128.load(left), v128.load(right), w);
      a1 = pair<T>(a1, v128.load(left, 16), v128.load(right, 16), w);
      a2 = pair<T>(a2, v128.load(left, 32), v128.load(right, 32), w);
      a3 = pair<T>(a3, v128.load(left, 48), v128.load(right, 48), w);
      a4 = pair<T>(a4, v128.load(left, 64), v128.load(right, 64), w);
      a5 = pair<T>(a5, v128.load(left, 80), v128.load(right, 80), w);
      a6 = pair<T>(a6, v128.load(left, 96), v128.load(right, 96), w);
      a7 = pair<T>(a7, v128.load(left, 112), v128.load(right, 112), w);
      left += sizeof<T>();
      right -= sizeof<T>();
    }
    v128.store(y, a0);
    v128.store(y, a1, 16);
    v128.store(y, a2, 32);
    v128.store(y, a3, 48);
    v128.store(y, a4, 64);
    v128.store(y, a5, 80);
    v128.store(y, a6, 96);
    v128.store(y, a7, 112);
    x += 128;
    y += 128;
    rest -= 8 * lanes<T>();
  }
  while (rest > 0) {
    let a0 = v128.load(y);
    let a1 = v128.load(y, 16);
    let a2 = v128.load(y, 32);
    let a3 = v128.load(y, 48);
    let left = x;
    let right = x + reach;
    for (let tap = taps; tap < tapsEnd; tap += sizeof<T>()) {
      const w = v128.load_splat<T>(tap);
      a0 = pair<T>(a0, v128.load(left), v128.load(right), w);
      a1 = pair<T>(a1, v128.load(left, 16), v128.load(right, 16), w);
      a2 = pair<T>(a2, v128.load(left, 32), v128.load(right, 32), w);
      a3 = pair<T>(a3, v128.load(left, 48), v128.load(right, 48), w);
      left += sizeof<T>();
      right -= sizeof<T>();
    }
    v128.store(y, a0);
    v128.store(y, a1, 16);
    v128.store(y, a2, 32);
    v128.store(y, a3, 48);
    x += 64;
    y += 64;
    rest -= 4 * lanes<T>();
  }
}

/** y[j] = x[j] · factor. Writes up to one register beyond. */
export function scale<T>(x: usize, factor: T, y: usize, count: i32): void {
  const w = v128.splat<T>(factor);
  const end = y + bytes<T>(count);
  while (y < end) {
    v128.store(y, v128.mul<T>(v128.load(x), w));
    x += 16;
    y += 16;
  }
}
