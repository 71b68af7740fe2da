/** Entry of the resampler's WebAssembly module in double precision, for `vhq`. */
import { chain } from './chain';
import { Stage } from './stage';

export { outputFrames } from './chain';

/** Takes `frames` values at `input`, in slices; `wide` has room for one slice of input, the last stage's output for one of its own. */
export function run(
  first: usize,
  stages: i32,
  input: usize,
  frames: i32,
  slice: i32,
  output: usize,
  wide: usize,
): i32 {
  const last = changetype<Stage>(first + <usize>(stages - 1) * offsetof<Stage>());
  let made = 0;
  while (frames > 0) {
    const count = min(frames, slice);
    for (let i = 0; i < count; i++) {
      store<f64>(wide + (<usize>i << 3), <f64>load<f32>(input + (<usize>i << 2)));
    }
    const due = chain<f64>(first, stages, wide, count);
    for (let i = 0; i < due; i++) {
      const value = <f32>load<f64>(last.output + (<usize>i << 3));
      store<f32>(output + (<usize>(made + i) << 2), value);
    }
    made += due;
    input += <usize>count << 2;
    frames -= count;
  }
  return made;
}

