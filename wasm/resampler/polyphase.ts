/**
 * Rational ratios. Outputs are computed a register at a time: lane l of group g is output g · lanes + l. Their windows start a
 * few inputs apart, so each group has `rows` registers of coefficients, zero where a lane's window does not reach:
 * group sum = Σ splat(x[start + r]) · table[g][r]. No sums across lanes, and the table is read in order.
 */
import { bytes, clear, copy, lanes, roomFor, step } from './simd';
import { Stage } from './stage';

/** How many outputs `frames` more inputs would give. */
export function rationalFrames(stage: Stage, frames: i32): i32 {
  const last = stage.fill + frames - stage.start - stage.lead - stage.taps;
  if (last < 0) return 0;
  const reach = <i64>(last + 1) * stage.up - stage.phase - 1;
  return <i32>(reach / stage.down) + 1;
}

/** Moves the place of the next output on by `count`; returns by how many inputs its window moved. */
function advance(stage: Stage, count: i32): i32 {
  const phase = <i64>count * stage.down + stage.phase;
  const moved = phase / stage.up;
  stage.phase = <i32>(phase - moved * stage.up);
  return <i32>moved;
}

/** After `count` outputs: `done` of the group that now starts at `start` have gone. */
export function settle(stage: Stage, count: i32, done: i32, start: i32): void {
  stage.lead = stage.start + stage.lead + advance(stage, count) - start;
  stage.done = done;
  stage.start = start;
}

export function append<T>(stage: Stage, input: usize, frames: i32): void {
  stage.line = roomFor<T>(stage.line, stage.fill, frames, stage.lineFrom, stage.lineTo);
  const end = stage.line + bytes<T>(stage.fill);
  copy<T>(end, input, frames);
  stage.fill += frames;
  // Zero coefficients meet what lies behind the last input: it must be finite.
  clear<T>(end + bytes<T>(frames), stage.rows);
}

/** Drops what lies before the window that starts at `stage.start`. */
export function drop<T>(stage: Stage): void {
  const used = min(stage.start, stage.fill);
  stage.start -= used;
  stage.fill -= used;
  stage.line += bytes<T>(used);
}

export function polyphase<T>(stage: Stage, input: usize, frames: i32): i32 {
  const count = rationalFrames(stage, frames);
  append<T>(stage, input, frames);
  if (count == 0) return 0;
  const rowBytes = <usize>stage.rows << 4;
  let group = stage.group;
  let start = stage.start;
  // A group of which some outputs have gone is computed again, to the same values in the same place.
  let output = stage.output - bytes<T>(stage.done);
  let left = stage.done + count;
  let table = stage.table + <usize>group * rowBytes;
  while (left > 0) {
    let x = stage.line + bytes<T>(start);
    let even = v128.splat<T>(<T>0);
    let odd = even;
    const end = table + rowBytes;
    let row = table;
    if (stage.rows & 2) {
      even = v128.mul<T>(v128.load_splat<T>(x), v128.load(row));
      odd = v128.mul<T>(v128.load_splat<T>(x, sizeof<T>()), v128.load(row, 16));
      x += 2 * sizeof<T>();
      row += 32;
    }
    while (row < end) {
      if (sizeof<T>() == 4) {
        const v = v128.load(x);
        even = step<T>(even, v128.shuffle<f32>(v, v, 0, 0, 0, 0), v128.load(row));
        odd = step<T>(odd, v128.shuffle<f32>(v, v, 1, 1, 1, 1), v128.load(row, 16));
        even = step<T>(even, v128.shuffle<f32>(v, v, 2, 2, 2, 2), v128.load(row, 32));
        odd = step<T>(odd, v128.shuffle<f32>(v, v, 3, 3, 3, 3), v128.load(row, 48));
      } else {
        even = step<T>(even, v128.load_splat<T>(x), v128.load(row));
        odd = step<T>(odd, v128.load_splat<T>(x, sizeof<T>()), v128.load(row, 16));
        even = step<T>(even, v128.load_splat<T>(x, 2 * sizeof<T>()), v128.load(row, 32));
        odd = step<T>(odd, v128.load_splat<T>(x, 3 * sizeof<T>()), v128.load(row, 48));
      }
      x += 4 * sizeof<T>();
      row += 64;
    }
    v128.store(output, v128.add<T>(even, odd));
    if (left < lanes<T>()) break;
    left -= lanes<T>();
    output += 16;
    start += load<i32>(stage.moves + (<usize>group << 2));
    table = end;
    if (++group == stage.groups) {
      group = 0;
      table = stage.table;
    }
  }
  stage.group = group;
  settle(stage, count, left, start);
  drop<T>(stage);
  return count;
}

/** The coefficients of any phase, from cubics between the stored ones: see the plan's InterpolatedStage. */
export function interpolated<T>(stage: Stage, input: usize, frames: i32): i32 {
  const count = rationalFrames(stage, frames);
  append<T>(stage, input, frames);
  const taps = stage.rows;
  const row = bytes<T>(taps);
  const scale = <f64>stage.phases / <f64>stage.up;
  let output = stage.output;
  for (let left = count; left > 0; left--) {
    const place = <f64>stage.phase * scale;
    const stored = <i32>place;
    const distance = v128.splat<T>(<T>(place - <f64>stored));
    let x = stage.line + bytes<T>(stage.start);
    let at = stage.table + <usize>(4 * stored) * row;
    let c0 = v128.splat<T>(<T>0);
    let c1 = c0;
    let c2 = c0;
    let c3 = c0;
    for (const end = at + row; at < end; at += 16) {
      const value = v128.load(x);
      c0 = v128.add<T>(c0, v128.mul<T>(value, v128.load(at)));
      c1 = v128.add<T>(c1, v128.mul<T>(value, v128.load(at + row)));
      c2 = v128.add<T>(c2, v128.mul<T>(value, v128.load(at + 2 * row)));
      c3 = v128.add<T>(c3, v128.mul<T>(value, v128.load(at + 3 * row)));
      x += 16;
    }
    c2 = v128.add<T>(c2, v128.mul<T>(c3, distance));
    c1 = v128.add<T>(c1, v128.mul<T>(c2, distance));
    c0 = v128.add<T>(c0, v128.mul<T>(c1, distance));
    store<T>(output, sumOfLanes<T>(c0));
    output += sizeof<T>();
    stage.start += advance(stage, 1);
  }
  drop<T>(stage);
  return count;
}

// @ts-ignore: decorator
@inline
function sumOfLanes<T>(value: v128): T {
  let sum = v128.extract_lane<T>(value, 0) + v128.extract_lane<T>(value, 1);
  if (sizeof<T>() == 4) {
    sum += v128.extract_lane<T>(value, 2) + v128.extract_lane<T>(value, 3);
  }
  return sum;
}
