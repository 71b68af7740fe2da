import { ADD, fastFir, STORE } from './fast-fir';
import { bytes, copy, lanes, roomFor } from './simd';
import { Stage } from './stage';
import { accumulateSymmetric, scale } from './symmetric';

/** How many outputs `frames` more inputs would give. */
export function halvedFrames(stage: Stage, frames: i32): i32 {
  const odd = (frames + stage.parity) >> 1;
  return max(0, stage.fill + odd - 2 * stage.oddPairs + 1 - stage.done);
}

/** Output j = Σ over the even line around j + Σ over the odd one. Returns how many outputs there are. */
export function halve<T>(stage: Stage, input: usize, frames: i32): i32 {
  split<T>(stage, input, frames);
  return halveLines<T>(stage);
}

/** The same for inputs that lie in the lines already. */
export function halveLines<T>(stage: Stage): i32 {
  const count = halvedFrames(stage, 0);
  if (count == 0) return 0;
  let used: i32;
  if (stage.fastOdd) {
    const outputs = stage.done + count;
    longFilters<T>(stage, outputs);
    used = outputs & ~3;
    stage.done = outputs & 3;
  } else {
    shortFilters<T>(stage, count);
    used = count;
  }
  stage.fill -= used;
  stage.evenFill -= used;
  stage.line += bytes<T>(used);
  stage.evenLine += bytes<T>(used);
  return count;
}

function shortFilters<T>(stage: Stage, count: i32): void {
  const evenPairs = stage.evenPairs;
  const oddPairs = stage.oddPairs;
  const output = stage.output;
  const centre = stage.evenLine + bytes<T>(stage.before);
  scale<T>(centre, load<T>(stage.centre), output, count);
  if (evenPairs > 0) {
    const first = centre - bytes<T>(evenPairs);
    accumulateSymmetric<T>(first, 2 * evenPairs, stage.evenTaps, evenPairs, output, count);
  }
  accumulateSymmetric<T>(stage.line, 2 * oddPairs - 1, stage.oddTaps, oddPairs, output, count);
}

/** Whole groups: those outputs of the first that have gone already are computed again, to the same place. */
function longFilters<T>(stage: Stage, outputs: i32): void {
  const quarter = stage.oddPairs >> 1;
  const to = stage.output - bytes<T>(stage.done);
  let other = stage.evenLine + bytes<T>(stage.before);
  let factor = load<T>(stage.centre);
  let rest = stage.scratch;
  if (stage.fastEven) {
    const carry = stage.carry + bytes<T>(4);
    const x = stage.evenLine;
    rest += bytes<T>(outputs + 16 * lanes<T>());
    other = stage.scratch;
    fastFir<T>(x, stage.fastEven, quarter, carry, outputs, rest, STORE, other, 0, factor);
    factor = <T>1;
  }
  const taps = stage.fastOdd;
  fastFir<T>(stage.line, taps, quarter, stage.carry, outputs, rest, ADD, to, other, factor);
}

/** Appends the inputs to the line of even instants and that of odd ones. */
function split<T>(stage: Stage, input: usize, frames: i32): void {
  const first = (frames + 1) >> 1;
  const second = frames >> 1;
  stage.evenLine = roomFor<T>(stage.evenLine, stage.evenFill, first, stage.evenFrom, stage.evenTo);
  stage.line = roomFor<T>(stage.line, stage.fill, first, stage.lineFrom, stage.lineTo);
  const even = stage.evenLine + bytes<T>(stage.evenFill);
  const odd = stage.line + bytes<T>(stage.fill);
  if (stage.parity) {
    deinterleave<T>(input, odd, even, first);
    stage.fill += first;
    stage.evenFill += second;
  } else {
    deinterleave<T>(input, even, odd, first);
    stage.evenFill += first;
    stage.fill += second;
  }
  stage.parity ^= frames & 1;
}

/** The same for inputs that are split already; the first of them all is where the last block ended. */
export function appendHalves<T>(
  stage: Stage,
  even: usize,
  evens: i32,
  odd: usize,
  odds: i32,
): void {
  stage.evenLine = roomFor<T>(stage.evenLine, stage.evenFill, evens, stage.evenFrom, stage.evenTo);
  stage.line = roomFor<T>(stage.line, stage.fill, odds, stage.lineFrom, stage.lineTo);
  copy<T>(stage.evenLine + bytes<T>(stage.evenFill), even, evens);
  copy<T>(stage.line + bytes<T>(stage.fill), odd, odds);
  stage.evenFill += evens;
  stage.fill += odds;
  stage.parity ^= (evens + odds) & 1;
}

/** Sends 2 · `count` values alternately to `a` and `b`; writes up to one register beyond in each. */
function deinterleave<T>(from: usize, a: usize, b: usize, count: i32): void {
  for (let left = count; left > 0; left -= lanes<T>()) {
    const low = v128.load(from);
    const high = v128.load(from, 16);
    if (sizeof<T>() == 4) {
      v128.store(a, v128.shuffle<f32>(low, high, 0, 2, 4, 6));
      v128.store(b, v128.shuffle<f32>(low, high, 1, 3, 5, 7));
    } else {
      v128.store(a, v128.shuffle<f64>(low, high, 0, 2));
      v128.store(b, v128.shuffle<f64>(low, high, 1, 3));
    }
    from += 32;
    a += 16;
    b += 16;
  }
}
