import { bytes, clear, copy, lanes } from './simd';
import { Stage } from './stage';
import { accumulateSymmetric, scale } from './symmetric';

/** How many outputs `frames` more inputs would give. */
export function doubledFrames(stage: Stage, frames: i32): i32 {
  return 2 * max(0, stage.fill + frames - 2 * stage.oddPairs + 1);
}

/** Outputs at the inputs' instants and halfway between them. Returns how many there are. */
export function double<T>(stage: Stage, input: usize, frames: i32): i32 {
  const count = doubledFrames(stage, frames) >> 1;
  copy<T>(stage.line + bytes<T>(stage.fill), input, frames);
  stage.fill += frames;
  if (count == 0) return 0;

  const pairs = stage.oddPairs;
  const between = stage.scratch;
  clear<T>(between, count);
  accumulateSymmetric<T>(stage.line, 2 * pairs - 1, stage.oddTaps, pairs, between, count);

  const evenPairs = stage.evenPairs;
  let onGrid = stage.line + bytes<T>(pairs - 1);
  if (evenPairs > 0) {
    const sum = between + bytes<T>(count + 8 * lanes<T>());
    scale<T>(onGrid, load<T>(stage.centre), sum, count);
    onGrid -= bytes<T>(evenPairs);
    accumulateSymmetric<T>(onGrid, 2 * evenPairs, stage.evenTaps, evenPairs, sum, count);
    onGrid = sum;
  }
  interleave<T>(onGrid, between, stage.output, count);

  stage.fill -= count;
  copy<T>(stage.line, stage.line + bytes<T>(count), stage.fill);
  return 2 * count;
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
