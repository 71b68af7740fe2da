/** Values of type T in one 128-bit register. */
// @ts-ignore: decorator
@inline
export function lanes<T>(): i32 {
  return 16 / <i32>sizeof<T>();
}

// @ts-ignore: decorator
@inline
export function bytes<T>(values: i32): usize {
  return <usize>values * sizeof<T>();
}

/** Copies `values` values and up to one more register. Blocks may overlap when `to` is the lower address. */
export function copy<T>(to: usize, from: usize, values: i32): void {
  const end = to + bytes<T>(values);
  while (to < end) {
    v128.store(to, v128.load(from));
    to += 16;
    from += 16;
  }
}

/**
 * Where a line of `fill` values can take `more`: where it is, or else moved to the beginning of its room. A line that only
 * moves when it must leaves most blocks without that work.
 */
// @ts-ignore: decorator
@inline
export function roomFor<T>(line: usize, fill: i32, more: i32, from: usize, to: usize): usize {
  if (line + bytes<T>(fill + more) <= to) return line;
  copy<T>(from, line, fill);
  return from;
}

/** Writes zeros over `values` values and up to one more register. */
export function clear<T>(to: usize, values: i32): void {
  const end = to + bytes<T>(values);
  while (to < end) {
    v128.store(to, v128.splat<T>(<T>0));
    to += 16;
  }
}

/** sum + x · w. */
// @ts-ignore: decorator
@inline
export function step<T>(sum: v128, x: v128, w: v128): v128 {
  return v128.add<T>(sum, v128.mul<T>(x, w));
}

/** Writes a[0], b[0], a[1], b[1], … */
// @ts-ignore: decorator
@inline
export function alternate<T>(a: v128, b: v128, to: usize): void {
  if (sizeof<T>() == 4) {
    v128.store(to, v128.shuffle<f32>(a, b, 0, 4, 1, 5));
    v128.store(to, v128.shuffle<f32>(a, b, 2, 6, 3, 7), 16);
  } else {
    v128.store(to, v128.shuffle<f64>(a, b, 0, 2));
    v128.store(to, v128.shuffle<f64>(a, b, 1, 3), 16);
  }
}
