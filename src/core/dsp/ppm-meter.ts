import { integerIn, numberIn, oneOf } from '../arguments.ts';
import { amplitudeToDb } from './decibels.ts';
import type { BlockMeter, Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from './sample-rate.ts';

/** Quasi-peak programme meters of IEC 60268-10: I (DIN), IIa (BBC), IIb (EBU). */
export type PpmType = 'I' | 'IIa' | 'IIb';

/** Quasi-peak levels. A steady sine reads its own peak; a burst reads less, the shorter it is. Silence reads −∞, after the fall. */
export interface PpmReading extends Reading {
  /** Where the pointer stands, as the peak of the steady sine that would hold it there, dBFS per channel. */
  readonly ppmDbfs: Float64Array;
  /** The highest that it stood since the start or the last reset, dBFS per channel. */
  readonly maxPpmDbfs: Float64Array;
  /** Where the pointer stands on the type's own scale: see `ppmScale`. */
  readonly ppmScale: Float64Array;
}

export const PPM_FIELDS: Fields<PpmReading> = {
  ppmDbfs: ['channels', -Infinity],
  maxPpmDbfs: ['channels', -Infinity],
  ppmScale: ['channels', -Infinity],
};

export interface PpmMeterOptions {
  /** Hz. The burst table is met from 16000 on. */
  readonly sampleRate: number;
  /** Channels to meter. */
  readonly channels: number;
  /** @default 'IIb' */
  readonly type?: PpmType;
  /** Level of the alignment tone, dBFS. @default -18 (EBU R 68) */
  readonly alignmentDbfs?: number;
}

/**
 * Two integrators that charge at different rates and fall together, mixed: fitted to the tone bursts of IEC 60268-10
 * (5 kHz; type I: 10, 5, 3, 0.4 ms read −1, −2, −4, −15 dB; type II: 100, 10, 5, 1.5, 0.5 ms read 0, −2, −4, −9, −17)
 * and its return times (type I: 20 dB in 1.7 s; type II: 24 dB in 2.8 s).
 */
interface Ballistics {
  /** Charging rates of the two integrators, 1/s, and the first one's share. */
  readonly slow: number;
  readonly fast: number;
  readonly slowShare: number;
  /** dB per second. */
  readonly fall: number;
  /** What a steady sine of amplitude 1 reads before scaling. */
  readonly sine: number;
}
const TYPE_I: Ballistics = {
  slow: 353.3,
  fast: 1042,
  slowShare: 0.369,
  fall: 20 / 1.7,
  sine: 0.9775,
};
const TYPE_II: Ballistics = {
  slow: 177.3,
  fast: 816,
  slowShare: 0.432,
  fall: 24 / 2.8,
  sine: 0.973,
};
const MAX_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;
/** Below −300 dBFS an integrator is empty: it would fall into denormals, which are slow. */
const NEGLIGIBLE = 1e-15;

/**
 * A level on the scale of a programme meter of IEC 60268-10. Type I: dB, 0 being 9 dB above alignment (permitted
 * maximum level). Type IIa: the marks 1 to 7, alignment at 4, 4 dB from mark to mark but 6 from 1 to 2. Type IIb: dB
 * from alignment ("TEST").
 */
export function ppmScale(type: PpmType, levelDbfs: number, alignmentDbfs = -18): number {
  const level = levelDbfs - alignmentDbfs;
  if (type === 'I') return level - 9;
  if (type === 'IIb') return level;
  return level >= -8 ? 4 + level / 4 : 2 + (level + 8) / 6;
}

/** A quasi-peak programme meter. */
export class PpmMeter implements BlockMeter {
  readonly channels: number;
  readonly type: PpmType;
  readonly #alignment: number;
  /** What is left of an integrator after a frame of falling. */
  readonly #fall: number;
  /** Per integrator: what is left when it charges, and how much of the input comes in. */
  readonly #slowKeep: number;
  readonly #slowTake: number;
  readonly #fastKeep: number;
  readonly #fastTake: number;
  /** The integrators' weights in the reading. */
  readonly #slowShare: number;
  readonly #fastShare: number;
  /** Per channel: slow and fast integrator. */
  readonly #state: Float64Array;
  readonly #max: Float64Array;

  /** @throws RangeError or TypeError when an option is wrong. */
  constructor(options: PpmMeterOptions) {
    const rate = numberIn('sampleRate', options.sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
    this.channels = integerIn('channels', options.channels, 1, MAX_CHANNELS);
    this.type = oneOf('type', options.type ?? 'IIb', ['I', 'IIa', 'IIb']);
    this.#alignment = numberIn('alignmentDbfs', options.alignmentDbfs ?? -18, -60, 0);
    const { slow, fast, slowShare, fall, sine } = this.type === 'I' ? TYPE_I : TYPE_II;
    this.#fall = 10 ** (-fall / 20 / rate);
    this.#slowTake = 1 - Math.exp(-slow / rate);
    this.#fastTake = 1 - Math.exp(-fast / rate);
    this.#slowKeep = (1 - this.#slowTake) * this.#fall;
    this.#fastKeep = (1 - this.#fastTake) * this.#fall;
    this.#slowShare = slowShare / sine;
    this.#fastShare = (1 - slowShare) / sine;
    this.#state = new Float64Array(2 * this.channels);
    this.#max = new Float64Array(this.channels);
  }

  /** Makes a reading to hand to `read()`. */
  createReading(): PpmReading {
    return createReading<PpmReading>(PPM_FIELDS, this.channels);
  }

  /** Fills a reading of this meter's channel count. */
  read(out: PpmReading): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    for (let channel = 0; channel < this.channels; channel++) {
      if (channel < block.length) this.#integrate(channel, block[channel]!, from, frames);
      else this.#fallBy(channel, frames);
      const at = 2 * channel;
      if (this.#state[at]! < NEGLIGIBLE) this.#state[at] = 0;
      if (this.#state[at + 1]! < NEGLIGIBLE) this.#state[at + 1] = 0;
    }
  }

  store(target: Float64Array, at: number): number {
    const channels = this.channels;
    for (let channel = 0; channel < channels; channel++) {
      const slow = this.#state[2 * channel]! * this.#slowShare;
      const level = amplitudeToDb(slow + this.#state[2 * channel + 1]! * this.#fastShare);
      target[at + channel] = level;
      target[at + channels + channel] = amplitudeToDb(this.#max[channel]!);
      target[at + 2 * channels + channel] = ppmScale(this.type, level, this.#alignment);
    }
    return at + 3 * channels;
  }

  reset(): void {
    this.#state.fill(0);
    this.#max.fill(0);
  }

  #integrate(channel: number, samples: Float32Array, from: number, frames: number): void {
    const fall = this.#fall;
    const slowKeep = this.#slowKeep;
    const slowTake = this.#slowTake;
    const fastKeep = this.#fastKeep;
    const fastTake = this.#fastTake;
    const slowShare = this.#slowShare;
    const fastShare = this.#fastShare;
    let slow = this.#state[2 * channel]!;
    let fast = this.#state[2 * channel + 1]!;
    let max = this.#max[channel]!;
    for (let i = from, end = from + frames; i < end; i++) {
      const value = samples[i]!;
      let size = value < 0 ? -value : value;
      if (!(size <= MAX_FLOAT32)) size = 0;
      // Charging from what has fallen since is the larger of the two just when the input is above it.
      const slowCharged = slowKeep * slow + slowTake * size;
      const fastCharged = fastKeep * fast + fastTake * size;
      slow *= fall;
      fast *= fall;
      if (slowCharged > slow) slow = slowCharged;
      if (fastCharged > fast) fast = fastCharged;
      const level = slow * slowShare + fast * fastShare;
      if (level > max) max = level;
    }
    this.#state[2 * channel] = slow;
    this.#state[2 * channel + 1] = fast;
    this.#max[channel] = max;
  }

  #fallBy(channel: number, frames: number): void {
    const left = this.#fall ** frames;
    this.#state[2 * channel]! *= left;
    this.#state[2 * channel + 1]! *= left;
  }
}
