/** Frames after which the second number of a signal goes up. */
const TURN = 32_000;

/**
 * Sample at a frame of a signal in which every frame has a number of its own, for 12 h at 24 kHz. Frames go in pairs: the first
 * of a pair is positive and counts to TURN, the second is negative and counts the turns. s16 holds both exactly; none is 0.
 */
export function numberedSample(frame: number): number {
  const pair = Math.floor(frame / 2);
  return frame % 2 === 0 ? 1 + (pair % TURN) : -1 - Math.floor(pair / TURN);
}

/** A stretch of audio: silence, and then frames of the signal. */
export interface ReadAudio {
  /** Frames of silence at its front. */
  readonly silence: number;
  /** The number of the first frame behind the silence; -1 if there is none. */
  readonly first: number;
  readonly frames: number;
  /** Samples that are not what the frames before them make them. */
  readonly wrong: number;
}

/** Reads the numbers of s16 samples; silence may only come first. */
export function readNumbers(bytes: Uint8Array): ReadAudio {
  // A copy: a Buffer may begin at an odd byte of its memory, and its own `slice` copies nothing.
  const samples = new Int16Array(new Uint8Array(bytes).buffer);
  const silence = samples.findIndex((sample) => sample !== 0);
  if (silence < 0) return { silence: samples.length, first: -1, frames: 0, wrong: 0 };
  const frames = samples.length - silence;
  const at = samples[silence]! > 0 ? silence : silence + 1;
  const [low = 0, turns = -1] = [samples[at], samples[at + 1]];
  const first = 2 * ((-1 - turns) * TURN + low - 1) - (at - silence);
  let wrong = 0;
  for (let i = 0; i < frames; i++) {
    if (samples[silence + i] !== numberedSample(first + i)) wrong++;
  }
  return { silence, first, frames, wrong };
}
