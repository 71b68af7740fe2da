import { integerIn, numberIn, MAX_SAMPLE_RATE } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';

/** Options of an {@link EchoProbe}. */
export interface EchoProbeOptions {
  /** Sample rate of the context that plays the probe, Hz, at least 8000. */
  readonly sampleRate: number;
  /** RMS of the sweeps, dBFS, −80 to −6. @default -36 */
  readonly levelDbfs?: number | undefined;
  /** Number of sweeps, 3–9, each about a third of a second. More sweeps are heard through louder noise. @default 5 */
  readonly sweeps?: number | undefined;
}
const NAMES: OptionNames<EchoProbeOptions> = { sampleRate: 1, levelDbfs: 1, sweeps: 1 };

const MIN_RATE = 8000;
const SWEEP_SECONDS = 0.3;
/** From the start of one sweep to that of the next, seconds: all distances between any two sweeps differ by 8 ms or more. */
const STEPS_SECONDS = [0.383, 0.436, 0.411, 0.347, 0.391, 0.325, 0.403, 0.364] as const;
/** Band of the sweeps, Hz: that of a voice. */
const LOW_HZ = 200;
const HIGH_HZ = 6500;
/** Upper limit of the band, as a fraction of the sample rate. */
const HIGH_SHARE = 0.42;
/** Rise and fall of a sweep, seconds. */
const EDGE_SECONDS = 0.02;

/**
 * A quiet test signal for the path from a loudspeaker to a microphone: linear sweeps from 200 to 6500 Hz. After correlation a
 * sweep is as short as noise of its band, even with clock drift, and noise suppressors treat it as a signal.
 */
export class EchoProbe {
  readonly sampleRate: number;
  /** RMS of the sweeps, dBFS. */
  readonly levelDbfs: number;
  /** The samples to play. */
  readonly samples: Float32Array<ArrayBuffer>;
  /** The samples of one sweep. */
  readonly sweep: Float32Array<ArrayBuffer>;
  /** First frame of each sweep. */
  readonly startFrames: readonly number[];

  /** @throws TypeError or RangeError for an invalid option */
  constructor(options: EchoProbeOptions) {
    checkOptions('EchoProbe', options, NAMES);
    const rate = integerIn('sampleRate', options.sampleRate, MIN_RATE, MAX_SAMPLE_RATE);
    const levelDbfs = numberIn('levelDbfs', options.levelDbfs ?? -36, -80, -6);
    const sweeps = integerIn('sweeps', options.sweeps ?? 5, 3, STEPS_SECONDS.length + 1);
    this.sampleRate = rate;
    this.levelDbfs = levelDbfs;
    this.sweep = makeSweep(rate, levelDbfs);
    const startFrames = [0];
    let seconds = 0;
    for (const step of STEPS_SECONDS.slice(0, sweeps - 1)) {
      seconds += step;
      startFrames.push(Math.round(seconds * rate));
    }
    this.startFrames = startFrames;
    this.samples = new Float32Array(startFrames.at(-1)! + this.sweep.length);
    for (const start of startFrames) this.samples.set(this.sweep, start);
  }

  /** Duration in milliseconds. */
  get durationMs(): number {
    return (1000 * this.samples.length) / this.sampleRate;
  }
}

function makeSweep(rate: number, levelDbfs: number): Float32Array<ArrayBuffer> {
  const frames = Math.round(SWEEP_SECONDS * rate);
  const edge = Math.round(EDGE_SECONDS * rate);
  const high = Math.min(HIGH_HZ, HIGH_SHARE * rate);
  const sweep = new Float32Array(frames);
  let energy = 0;
  for (let n = 0; n < frames; n++) {
    const seconds = n / rate;
    const phase = LOW_HZ * seconds + ((high - LOW_HZ) / 2) * (seconds * (seconds / SWEEP_SECONDS));
    const near = Math.min(n + 0.5, frames - n - 0.5);
    const shape = near < edge ? Math.sin((Math.PI / 2) * (near / edge)) ** 2 : 1;
    const sample = shape * Math.sin(2 * Math.PI * phase);
    sweep[n] = sample;
    energy += sample * sample;
  }
  const scale = 10 ** (levelDbfs / 20) / Math.sqrt(energy / frames);
  for (let n = 0; n < frames; n++) sweep[n]! *= scale;
  return sweep;
}
