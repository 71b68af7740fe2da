/** Entry of the resampler's WebAssembly module: runs a chain of stages over one channel. */
import { double, doubledFrames } from './double';
import { halve, halvedFrames, halveLines } from './halve';
import { interpolated, polyphase, rationalFrames } from './polyphase';
import { periodicDown, periodicUp } from './periodic';
import { DOUBLE, HALVE, PERIODIC_DOWN, PERIODIC_UP, POLYPHASE, Stage } from './stage';

/** How many outputs `frames` more inputs would give the chain of `stages` that begins at `first`. */
export function outputFrames(first: usize, stages: i32, frames: i32): i32 {
  for (let at = first; stages > 0; stages--, at += offsetof<Stage>()) {
    const stage = changetype<Stage>(at);
    if (stage.kind == HALVE) frames = halvedFrames(stage, frames);
    else if (stage.kind == DOUBLE) frames = doubledFrames(stage, frames);
    else frames = rationalFrames(stage, frames);
  }
  return frames;
}

/** Single precision: takes `frames` values at `input`, in slices; returns how many stand at `output`. */
export function run32(
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

/** The same in double precision within: `wide` has room for one slice of input, the last stage's output for one of its own. */
export function run64(
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

function chain<T>(first: usize, stages: i32, input: usize, frames: i32): i32 {
  for (let at = first; stages > 0; stages--, at += offsetof<Stage>()) {
    const stage = changetype<Stage>(at);
    if (stage.kind == HALVE) frames = halve<T>(stage, input, frames);
    else if (stage.kind == DOUBLE) frames = double<T>(stage, input, frames);
    else if (stage.kind == POLYPHASE) frames = polyphase<T>(stage, input, frames);
    else if (stage.kind == PERIODIC_UP) frames = periodicUp<T>(stage, input, frames);
    else if (stage.kind == PERIODIC_DOWN) {
      at += offsetof<Stage>();
      stages--;
      const next = changetype<Stage>(at);
      periodicDown<T>(stage, input, frames, next);
      frames = halveLines<T>(next);
      input = next.output;
      continue;
    } else frames = interpolated<T>(stage, input, frames);
    input = stage.output;
  }
  return frames;
}
