import { bytes, copy, lanes } from './simd';
import { Stage } from './stage';
import { accumulateSymmetric, scale } from './symmetric';

/** How many outputs `frames` more inputs would give. */
export function halvedFrames(stage: Stage, frames: i32): i32 {
  const odd = (frames + stage.parity) >> 1;
  return max(0, stage.fill + odd - 2 * stage.oddPairs + 1);
}

/** Output j = centre · even[j] + Σ over the pairs around it. Returns how many outputs there are. */
export function halve<T>(stage: Stage, input: usize, frames: i32): i32 {
  const count = halvedFrames(stage, frames);
  // The first input and every second one go to one line, the others to the other.
  const first = (frames + 1) >> 1;
  const second = frames >> 1;
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
  if (count == 0) return 0;

  const evenPairs = stage.evenPairs;
  const output = stage.output;
  scale<T>(stage.evenLine + bytes<T>(evenPairs), load<T>(stage.centre), output, count);
  if (evenPairs > 0) {
    accumulateSymmetric<T>(stage.evenLine, 2 * evenPairs, stage.evenTaps, evenPairs, output, count);
  }
  const oddPairs = stage.oddPairs;
  accumulateSymmetric<T>(stage.line, 2 * oddPairs - 1, stage.oddTaps, oddPairs, output, count);

  stage.fill -= count;
  stage.evenFill -= count;
  copy<T>(stage.line, stage.line + bytes<T>(count), stage.fill);
  copy<T>(stage.evenLine, stage.evenLine + bytes<T>(count), stage.evenFill);
  return count;
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
