import { TimeScaler } from '../../src/core/receive/time-scaler.ts';
import { Quality } from '../../demo/measure/quality.ts';

/** What a scaler made of a signal, and which frame of the signal each of its frames stands for. */
export interface Scaled {
  readonly output: readonly Float32Array[];
  /** Per 10 ms of output: the input frame at its start. */
  readonly places: readonly number[];
  readonly stepFrames: number;
  readonly removedFrames: number;
  readonly insertedFrames: number;
}

/** Plays `input` at `speed` (1.05: 5 % faster), in pieces of `piece` frames, written by packets of 20 ms. */
export function scaleTime(
  input: readonly Float32Array[],
  sampleRate: number,
  speed: number,
  piece: number = 128,
): Scaled {
  const frames = input[0]!.length;
  const scaler = new TimeScaler({ sampleRate, channels: input.length });
  const packet = sampleRate / 50;
  const most = Math.ceil(frames / Math.min(1, speed)) + sampleRate;
  const output = input.map(() => new Float32Array(most));
  const stepFrames = Math.round(sampleRate / 100);
  const places: number[] = [];
  let written = 0;
  let read = 0;
  let owed = 0;
  for (;;) {
    while (scaler.line.available < piece + scaler.lookAheadFrames && written < frames) {
      written += scaler.write(input, written, Math.min(packet, frames - written));
    }
    const count = scaler.read(output, read, piece);
    if (count === 0) break;
    while (places.length * stepFrames < read + count) {
      places.push(places.length * stepFrames + scaler.removedFrames - scaler.insertedFrames);
    }
    read += count;
    owed = read * (speed - 1) - scaler.removedFrames + scaler.insertedFrames;
    scaler.wanted = owed;
  }
  return {
    output: output.map((samples) => samples.subarray(0, read)),
    places,
    stepFrames,
    removedFrames: scaler.removedFrames,
    insertedFrames: scaler.insertedFrames,
  };
}

/** Log-spectral distance in dB between each piece of the output and the piece of the input that it stands for, on average. */
export function scaledDistanceDb(
  input: Float32Array,
  { output, places, stepFrames }: Scaled,
  sampleRate: number,
): number {
  const quality = new Quality(sampleRate);
  const frames = Math.round(sampleRate / 40);
  let sum = 0;
  let count = 0;
  for (let i = 0; i < places.length; i++) {
    const at = i * stepFrames;
    const place = places[i]!;
    if (place < 0 || place + frames > input.length || at + frames > output[0]!.length) continue;
    const reference = input.subarray(place, place + frames);
    if (powerOf(reference) < 1e-5) continue;
    sum += quality.logSpectralDistance(reference, output[0]!.subarray(at, at + frames), frames);
    count++;
  }
  return sum / count;
}

/** Errors of the pitch of voiced pieces of the output against the input's, as parts of it. */
export function pitchErrors(
  input: Float32Array,
  { output, places, stepFrames }: Scaled,
  sampleRate: number,
): number[] {
  const errors: number[] = [];
  const window = Math.round(0.04 * sampleRate);
  for (let i = 0; i < places.length; i += 2) {
    const expected = pitchHz(input, places[i]!, window, sampleRate);
    if (expected === 0) continue;
    const actual = pitchHz(output[0]!, i * stepFrames, window, sampleRate);
    if (actual > 0) errors.push(actual / expected - 1);
  }
  return errors;
}

/** By autocorrelation, 70–400 Hz; 0 where there is no clear pitch. */
function pitchHz(samples: Float32Array, from: number, frames: number, sampleRate: number): number {
  const longest = Math.floor(sampleRate / 70);
  const shortest = Math.ceil(sampleRate / 400);
  if (from < 0 || from + frames + longest >= samples.length) return 0;
  const scores: number[] = [];
  for (let lag = shortest - 1; lag <= longest + 1; lag++) {
    let product = 0;
    let a = 0;
    let b = 0;
    for (let i = from; i < from + frames; i += 2) {
      product += samples[i]! * samples[i + lag]!;
      a += samples[i]! ** 2;
      b += samples[i + lag]! ** 2;
    }
    if (a < 1e-5 * frames) return 0;
    scores.push(product / Math.sqrt(a * b));
  }
  const best = Math.max(...scores.slice(1, -1));
  if (best < 0.85) return 0;
  // The first peak that is nearly as high: a multiple of the period is as alike.
  const at = scores.findIndex((score, i) => {
    return i > 0 && score > 0.95 * best && score >= scores[i - 1]! && score >= scores[i + 1]!;
  });
  if (at < 1) return 0;
  const [left, middle, right] = [scores[at - 1]!, scores[at]!, scores[at + 1]!];
  const offset = (left - right) / (2 * (left - 2 * middle + right) || 1);
  return sampleRate / (shortest - 1 + at + offset);
}

function powerOf(samples: Float32Array): number {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
}
