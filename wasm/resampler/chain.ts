/** Runs a chain of stages over one channel. Both modules contain it: single precision, and double. */
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


/** Takes `frames` values of type T at `input`; returns how many then are at the last stage's output. */
export function chain<T>(first: usize, stages: i32, input: usize, frames: i32): i32 {
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
