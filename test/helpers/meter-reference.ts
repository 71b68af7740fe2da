import { seededRandom } from './random.ts';
import { noise } from './signals.ts';

export const REFERENCE_RATE = 48_000;
/** 6.6 s and a part of a gating hop, within which it does not matter when a reading is taken. */
export const REFERENCE_FRAMES: number = 6.6 * REFERENCE_RATE + 3000;
/** A reading of any later frame is the reference's. */
export const REFERENCE_SETTLED: number = REFERENCE_FRAMES - 2000;

/**
 * Stereo made of integers and products, the same bits in every engine: noise at levels that change, clipped samples, a pause, and
 * from 3 s on a wave that repeats every millisecond, about which every reading has settled by the end.
 */
export function referenceProgramme(): Float32Array[] {
  const random = seededRandom(20);
  return [0.8, 0.3].map((level) => {
    const samples = noise(random, REFERENCE_FRAMES, level);
    const gains = [0.03, 0.4, 1, 0.1, 0, 0.6];
    for (let n = 0; n < 3 * REFERENCE_RATE; n++) samples[n]! *= gains[Math.floor(n / 24_000)]!;
    samples.fill(1, 50_000, 50_005);
    const wave = noise(random, 48, level).map((value) => 0.5 * value + 0.01);
    for (let n = 3 * REFERENCE_RATE; n < REFERENCE_FRAMES; n++) samples[n] = wave[n % 48]!;
    return samples;
  });
}

/** What every engine reads at the end, by the reading's field. */
export const REFERENCE_READINGS: Readonly<Record<string, number | readonly number[]>> = {
  channels: 2,
  peakDbfs: [-8.2899, -16.6379],
  heldPeakDbfs: [-8.2899, -16.6379],
  maxPeakDbfs: [0, 0],
  clips: [5, 5],
  clipRuns: [1, 1],
  nonFinite: [0, 0],
  clipRunFrame: [50000, 50000, -1, -1, -1, -1, -1, -1],
  clipRunFrames: [5, 5, 0, 0, 0, 0, 0, 0],
  clipRunChannel: [1, 0, -1, -1, -1, -1, -1, -1],
  rmsDbfs: [-12.4763, -22.0127],
  crestDb: [4.1864, 5.3747],
  dcOffset: [0.0252, 0.0018],
  noiseFloorDbfs: [-Infinity, -Infinity],
  truePeakDbtp: [-5.7746, -15.089],
  heldTruePeakDbtp: [-5.7746, -15.089],
  maxTruePeakDbtp: [2.7903, 0.8392],
  momentaryLufs: -8.8999,
  shortTermLufs: -8.8999,
  integratedLufs: -8.141,
  loudnessRangeLu: 1.58,
  maxMomentaryLufs: -2.9571,
  maxShortTermLufs: -8.009,
  measuring: 1,
  ppmDbfs: [-8.4046, -16.9403],
  maxPpmDbfs: [-2.2975, -10.1279],
  ppmScale: [9.5954, 1.0597],
  vu: [8.3561, -1.811],
  maxVu: [14.1101, 5.4723],
  active: 0,
  activityLikelihood: 0.011,
  activitySinceFrame: 201120,
};

/** Which readings differ from the reference by more than 0.01, and by how much. */
export function readingMismatches(reading: object): string[] {
  const fields = reading as Readonly<Record<string, number | Float64Array>>;
  return Object.entries(REFERENCE_READINGS).flatMap(([name, reference]) => {
    const field = fields[name];
    const values = typeof field === 'object' ? [...field] : [field];
    return [reference].flat().flatMap((wanted, index) => {
      const value = values[index];
      const agrees = value === wanted || Math.abs(value! - wanted) <= 0.01;
      return agrees ? [] : [`${name}[${index}] is ${value} instead of ${wanted}`];
    });
  });
}
