/** Entry of the resampler's WebAssembly module in single precision, for `voice` and `hq`. */
import { chain } from './chain';
import { Stage } from './stage';

export { outputFrames } from './chain';

/** Takes `frames` values at `input`, in slices; returns how many are at `output`. */
export function run(
  first: usize,
  stages: i32,
  input: usize,
  frames: i32,
  slice: i32,
  output: usize,
  _wide: usize,
): i32 {
  const last = changetype<Stage>(first + <usize>(stages - 1) * offsetof<Stage>());
  let made = 0;
  while (frames > 0) {
    const count = min(frames, slice);
    last.output = output + (<usize>made << 2);
    made += chain<f32>(first, stages, input, count);
    input += <usize>count << 2;
    frames -= count;
  }
  return made;
}

