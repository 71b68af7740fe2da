import { fastFir, INTERLEAVE, STORE } from './fast-fir';
import { alternate, bytes, clear, copy, lanes, roomFor } from './simd';
import { Stage } from './stage';
import { accumulateSymmetric, scale } from './symmetric';

/** How many pairs of outputs `frames` more inputs would give. */
function doubledPairs(stage: Stage, frames: i32): i32 {
  return max(0, stage.fill + frames - stage.before - stage.oddPairs - stage.done);
}

/** How many outputs `frames` more inputs would give. */
export function doubledFrames(stage: Stage, frames: i32): i32 {
  return 2 * doubledPairs(stage, frames);
}

/** Outputs at the inputs' instants and halfway between them. Returns how many there are. */
export function double<T>(stage: Stage, input: usize, frames: i32): i32 {
  const count = doubledPairs(stage, frames);
  stage.line = roomFor<T>(stage.line, stage.fill, frames, stage.lineFrom, stage.lineTo);
  copy<T>(stage.line + bytes<T>(stage.fill), input, frames);
  stage.fill += frames;
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
  stage.line += bytes<T>(used);
  return 2 * count;
}

function shortFilters<T>(stage: Stage, count: i32): void {
  const between = stage.scratch;
  const pairs = stage.oddPairs;
  const centre = stage.line + bytes<T>(stage.before);
  const first = centre - bytes<T>(pairs - 1);
  clear<T>(between, count);
  accumulateSymmetric<T>(first, 2 * pairs - 1, stage.oddTaps, pairs, between, count);

  let onGrid = centre;
  const evenPairs = stage.evenPairs;
  if (evenPairs > 0) {
    onGrid = between + bytes<T>(count + 16 * lanes<T>());
    scale<T>(centre, load<T>(stage.centre), onGrid, count);
    const left = centre - bytes<T>(evenPairs);
    accumulateSymmetric<T>(left, 2 * evenPairs, stage.evenTaps, evenPairs, onGrid, count);
  }
  interleave<T>(onGrid, between, stage.output, count);
}

/** Whole groups: those outputs of the first that have gone already are computed again, to the same place. */
function longFilters<T>(stage: Stage, outputs: i32): void {
  const pairs = stage.oddPairs;
  const quarter = pairs >> 1;
  const to = stage.output - bytes<T>(2 * stage.done);
  const centre = stage.line + bytes<T>(stage.before);
  const first = centre - bytes<T>(pairs - 1);
  let onGrid = centre;
  let rest = stage.scratch;
  if (stage.fastEven) {
    // One more tap on the left, of weight zero, makes four equal quarters.
    const left = centre - bytes<T>(pairs);
    const carry = stage.carry + bytes<T>(4);
    rest += bytes<T>(outputs + 16 * lanes<T>());
    onGrid = stage.scratch;
    fastFir<T>(left, stage.fastEven, quarter, carry, outputs, rest, STORE, onGrid, 0, <T>0);
  }
  const taps = stage.fastOdd;
  fastFir<T>(first, taps, quarter, stage.carry, outputs, rest, INTERLEAVE, to, onGrid, <T>0);
}

/** Writes a[0], b[0], a[1], b[1], … and up to two registers beyond. */
function interleave<T>(a: usize, b: usize, to: usize, count: i32): void {
  for (let left = count; left > 0; left -= lanes<T>()) {
    alternate<T>(v128.load(a), v128.load(b), to);
    a += 16;
    b += 16;
    to += 32;
  }
}
