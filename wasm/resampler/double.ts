import { fastFir } from './fast-fir';
import { bytes, clear, copy, lanes } from './simd';
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
  copy<T>(stage.line + bytes<T>(stage.fill), input, frames);
  stage.fill += frames;
  if (count == 0) return 0;
  let used: i32;
  if (stage.fastOdd) {
    const outputs = stage.done + count;
    longFilters<T>(stage, outputs, count);
    used = outputs & ~3;
    stage.done = outputs & 3;
  } else {
    shortFilters<T>(stage, count);
    used = count;
  }
  stage.fill -= used;
  copy<T>(stage.line, stage.line + bytes<T>(used), stage.fill);
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

/** Whole groups: those of the first outputs that have gone already are computed again and left out. */
function longFilters<T>(stage: Stage, outputs: i32, count: i32): void {
  const between = stage.scratch;
  const sum = between + bytes<T>(outputs + 16 * lanes<T>());
  const rest = sum + bytes<T>(outputs + 16 * lanes<T>());
  const pairs = stage.oddPairs;
  const quarter = pairs >> 1;
  const centre = stage.line + bytes<T>(stage.before);
  const first = centre - bytes<T>(pairs - 1);
  fastFir<T>(first, stage.fastOdd, quarter, stage.carry, between, outputs, rest);

  let onGrid = centre;
  if (stage.fastEven) {
    // One tap more on the left, of weight zero, makes four equal quarters.
    const left = centre - bytes<T>(pairs);
    const carry = stage.carry + bytes<T>(4);
    fastFir<T>(left, stage.fastEven, quarter, carry, sum, outputs, rest);
    onGrid = sum;
  }
  const skip = bytes<T>(stage.done);
  interleave<T>(onGrid + skip, between + skip, stage.output, count);
}

/** Writes a[0], b[0], a[1], b[1], … and up to two registers beyond. */
function interleave<T>(a: usize, b: usize, to: usize, count: i32): void {
  for (let left = count; left > 0; left -= lanes<T>()) {
    const x = v128.load(a);
    const y = v128.load(b);
    if (sizeof<T>() == 4) {
      v128.store(to, v128.shuffle<f32>(x, y, 0, 4, 1, 5));
      v128.store(to, v128.shuffle<f32>(x, y, 2, 6, 3, 7), 16);
    } else {
      v128.store(to, v128.shuffle<f64>(x, y, 0, 2));
      v128.store(to, v128.shuffle<f64>(x, y, 1, 3), 16);
    }
    a += 16;
    b += 16;
    to += 32;
  }
}
