/**
 * The ratios 2 : 3 and 3 : 2, between 48 kHz and the rates of speech: lanes are periods. Output p of period m is
 * Σ table[d][k][p] · x[down · (m + k) + d]; with the inputs split by their place in the period, the same registers of inputs
 * serve all outputs, and nothing is summed across lanes.
 */
import { appendHalves } from './halve';
import { append, drop, rationalFrames, settle } from './polyphase';
import { bytes, step } from './simd';
import { Stage } from './stage';

/** Streams of inputs, three of them, and then of results, lie this many bytes apart: an odd number of cache lines. */
const APART: usize = 3136;
const RESULTS: usize = 3 * APART;

/** 3 : 2. Returns how many outputs there are. */
export function periodicUp<T>(stage: Stage, input: usize, frames: i32): i32 {
  // Periods of which some outputs have gone are computed again: their values go to where they were.
  const done = stage.done;
  const count = filters<T>(stage, 3, 2, input, frames);
  if (count == 0) return 0;
  join<T>(stage.scratch + RESULTS, stage.output - bytes<T>(done), done + count);
  return count;
}

/** 2 : 3, whose outputs go straight to the two lines of `next`, a stage of kind HALVE. */
export function periodicDown<T>(stage: Stage, input: usize, frames: i32, next: Stage): void {
  const done = stage.done;
  const outputs = done + filters<T>(stage, 2, 3, input, frames);
  const results = stage.scratch + RESULTS;
  // Of the first period one output may have gone: that at the even instant.
  const evens = ((outputs + 1) >> 1) - done;
  appendHalves<T>(next, results + bytes<T>(done), evens, results + APART, outputs >> 1);
}

/** Computes whole periods; returns how many new outputs are in them. */
// @ts-ignore: decorator
@inline
function filters<T>(stage: Stage, up: i32, down: i32, input: usize, frames: i32): i32 {
  const count = rationalFrames(stage, frames);
  append<T>(stage, input, frames);
  if (count == 0) return 0;
  const outputs = stage.done + count;
  const periods = (outputs + up - 1) / up;
  const streams = stage.scratch;
  split<T>(stage.line + bytes<T>(stage.start), down, streams, periods + stage.rows + 1);
  const end = streams + bytes<T>(periods);
  if (up == 2) {
    for (let at = streams; at < end; at += 64) tileOfTwo<T>(stage.table, stage.rows, at);
  } else {
    for (let at = streams; at < end; at += 32) tileOfThree<T>(stage.table, stage.rows, at);
  }
  const whole = outputs / up;
  settle(stage, count, outputs - whole * up, stage.start + whole * down);
  drop<T>(stage);
  return count;
}

/** Every `down`-th value to a stream of its own; writes up to a register beyond in each. */
// @ts-ignore: decorator
@inline
function split<T>(x: usize, down: i32, to: usize, count: i32): void {
  for (const end = to + bytes<T>(count); to < end; to += 16) {
    const a = v128.load(x);
    const b = v128.load(x, 16);
    if (down == 2) {
      if (sizeof<T>() == 4) {
        v128.store(to, v128.shuffle<f32>(a, b, 0, 2, 4, 6));
        v128.store(to, v128.shuffle<f32>(a, b, 1, 3, 5, 7), APART);
      } else {
        v128.store(to, v128.shuffle<f64>(a, b, 0, 2));
        v128.store(to, v128.shuffle<f64>(a, b, 1, 3), APART);
      }
      x += 32;
    } else {
      const c = v128.load(x, 32);
      if (sizeof<T>() == 4) {
        const ab0 = v128.shuffle<f32>(a, b, 0, 3, 6, 6);
        const ab1 = v128.shuffle<f32>(a, b, 1, 4, 7, 7);
        const ab2 = v128.shuffle<f32>(a, b, 2, 5, 5, 5);
        v128.store(to, v128.shuffle<f32>(ab0, c, 0, 1, 2, 5));
        v128.store(to, v128.shuffle<f32>(ab1, c, 0, 1, 2, 6), APART);
        v128.store(to, v128.shuffle<f32>(ab2, c, 0, 1, 4, 7), 2 * APART);
      } else {
        v128.store(to, v128.shuffle<f64>(a, b, 0, 3));
        v128.store(to, v128.shuffle<f64>(a, c, 1, 2), APART);
        v128.store(to, v128.shuffle<f64>(b, c, 0, 3), 2 * APART);
      }
      x += 48;
    }
  }
}

/** The outputs of whole periods of three in order; writes up to three registers beyond `count`. */
function join<T>(from: usize, to: usize, count: i32): void {
  for (const end = to + bytes<T>(count); to < end; to += 48) {
    const a = v128.load(from);
    const b = v128.load(from, APART);
    const c = v128.load(from, 2 * APART);
    if (sizeof<T>() == 4) {
      const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
      const bc = v128.shuffle<f32>(b, c, 1, 5, 2, 6);
      const ca = v128.shuffle<f32>(c, a, 2, 7, 3, 3);
      v128.store(to, v128.shuffle<f32>(ab, c, 0, 1, 4, 2));
      v128.store(to, v128.shuffle<f32>(bc, v128.shuffle<f32>(a, b, 2, 6, 2, 6), 0, 1, 4, 5), 16);
      v128.store(to, v128.shuffle<f32>(ca, b, 0, 1, 7, 2), 32);
    } else {
      v128.store(to, v128.shuffle<f64>(a, b, 0, 2));
      v128.store(to, v128.shuffle<f64>(c, a, 0, 3), 16);
      v128.store(to, v128.shuffle<f64>(b, c, 1, 3), 32);
    }
    from += 16;
  }
}

/** Two outputs for three inputs, four registers of periods. */
function tileOfTwo<T>(table: usize, rows: i32, streams: usize): void {
  const y = streams + RESULTS;
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  const length = bytes<T>(2 * rows);
  for (let d = 0; d < 3; d++) {
    let x = streams;
    for (const end = table + length; table < end; table += 2 * sizeof<T>()) {
      const w = v128.load_splat<T>(table);
      const v = v128.load_splat<T>(table, sizeof<T>());
      const x0 = v128.load(x);
      a0 = step<T>(a0, x0, w);
      b0 = step<T>(b0, x0, v);
      const x1 = v128.load(x, 16);
      a1 = step<T>(a1, x1, w);
      b1 = step<T>(b1, x1, v);
      const x2 = v128.load(x, 32);
      a2 = step<T>(a2, x2, w);
      b2 = step<T>(b2, x2, v);
      const x3 = v128.load(x, 48);
      a3 = step<T>(a3, x3, w);
      b3 = step<T>(b3, x3, v);
      x += sizeof<T>();
    }
    streams += APART;
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  v128.store(y, a2, 32);
  v128.store(y, a3, 48);
  v128.store(y, b0, APART);
  v128.store(y, b1, APART + 16);
  v128.store(y, b2, APART + 32);
  v128.store(y, b3, APART + 48);
}

/** Three outputs for two inputs, two registers of periods. */
function tileOfThree<T>(table: usize, rows: i32, streams: usize): void {
  const y = streams + RESULTS;
  let a0 = v128.splat<T>(<T>0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  const length = bytes<T>(3 * rows);
  for (let d = 0; d < 2; d++) {
    let x = streams;
    for (const end = table + length; table < end; table += 3 * sizeof<T>()) {
      const x0 = v128.load(x);
      const x1 = v128.load(x, 16);
      const u = v128.load_splat<T>(table);
      const v = v128.load_splat<T>(table, sizeof<T>());
      const w = v128.load_splat<T>(table, 2 * sizeof<T>());
      a0 = step<T>(a0, x0, u);
      a1 = step<T>(a1, x1, u);
      b0 = step<T>(b0, x0, v);
      b1 = step<T>(b1, x1, v);
      c0 = step<T>(c0, x0, w);
      c1 = step<T>(c1, x1, w);
      x += sizeof<T>();
    }
    streams += APART;
  }
  v128.store(y, a0);
  v128.store(y, a1, 16);
  v128.store(y, b0, APART);
  v128.store(y, b1, APART + 16);
  v128.store(y, c0, 2 * APART);
  v128.store(y, c1, 2 * APART + 16);
}
