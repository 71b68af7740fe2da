/**
 * The nine filters of fast-fir.ts when each has twenty taps, as in `hq`: y[f][j] = Σ taps[f][k] · x[f][j + k] in single
 * precision, for two to four registers of j, without any loop over taps.
 *
 * Five taps that lie a register apart meet the same registers of inputs; such five for all j are a phase, and four phases make a
 * filter. V8 puts what has no effect of its own behind all loads that no store separates it from: in a row of phases it would
 * load everything first, run out of registers and spill. So the sums go to memory after each phase.
 */
import { LATE_FILTERS, FILTERS, STRIDE } from './fast-fir-tiles';
import { step } from './simd';

export const TWENTY = 20;

export function twentyTapsOf2(x: usize, taps: usize, y: usize): void {
  filters(2, x, taps, y);
}
export function twentyTapsOf3(x: usize, taps: usize, y: usize): void {
  filters(3, x, taps, y);
}
export function twentyTapsOf4(x: usize, taps: usize, y: usize): void {
  filters(4, x, taps, y);
}

// @ts-ignore: decorator
@inline
function filters(registers: i32, x: usize, tap: usize, y: usize): void {
  x += 4;
  for (let f = 0; f < FILTERS; f++) {
    phase(registers, false, x, tap, y);
    phase(registers, true, x + 4, tap + 4, y);
    phase(registers, true, x + 8, tap + 8, y);
    phase(registers, true, x + 12, tap + 12, y);
    tap += 4 * TWENTY;
    x += STRIDE;
    y += STRIDE;
    if (f == LATE_FILTERS - 1) x -= 4;
  }
}

/** Every fourth tap. With `more`, on top of what `y` holds. */
// @ts-ignore: decorator
@inline
function phase(registers: i32, more: bool, x: usize, tap: usize, y: usize): void {
  const w0 = v128.load32_splat(tap);
  const w1 = v128.load32_splat(tap, 16);
  const w2 = v128.load32_splat(tap, 32);
  const w3 = v128.load32_splat(tap, 48);
  const w4 = v128.load32_splat(tap, 64);
  const x0 = v128.load(x);
  const x1 = v128.load(x, 16);
  const x2 = v128.load(x, 32);
  const x3 = v128.load(x, 48);
  const x4 = v128.load(x, 64);
  put(y, more, sumOfFive(x0, x1, x2, x3, x4, w0, w1, w2, w3, w4));
  const x5 = v128.load(x, 80);
  put(y + 16, more, sumOfFive(x1, x2, x3, x4, x5, w0, w1, w2, w3, w4));
  if (registers == 2) return;
  const x6 = v128.load(x, 96);
  put(y + 32, more, sumOfFive(x2, x3, x4, x5, x6, w0, w1, w2, w3, w4));
  if (registers == 3) return;
  const x7 = v128.load(x, 112);
  put(y + 48, more, sumOfFive(x3, x4, x5, x6, x7, w0, w1, w2, w3, w4));
}

// @ts-ignore: decorator
@inline
function put(y: usize, more: bool, sum: v128): void {
  v128.store(y, more ? v128.add<f32>(v128.load(y), sum) : sum);
}

// @ts-ignore: decorator
@inline
function sumOfFive(
  x0: v128,
  x1: v128,
  x2: v128,
  x3: v128,
  x4: v128,
  w0: v128,
  w1: v128,
  w2: v128,
  w3: v128,
  w4: v128,
): v128 {
  let sum = v128.mul<f32>(x0, w0);
  sum = step<f32>(sum, x1, w1);
  sum = step<f32>(sum, x2, w2);
  sum = step<f32>(sum, x3, w3);
  return step<f32>(sum, x4, w4);
}
