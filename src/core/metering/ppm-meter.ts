import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { numberIn, oneOf } from '../arguments.ts';
import { amplitudeToDb } from './decibels.ts';
import { meterInSlices } from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';
import type { BlockMeter, Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { openKernel } from './open-meter-kernel.ts';
import type { SettingChecks, StageOptions } from './open-meter-kernel.ts';
import { ppmBallistics, ppmScale } from './ppm-ballistics.ts';
import type { PpmType } from './ppm-ballistics.ts';

/**
 * Reading of quasi-peak levels. A steady sine reads its peak; the shorter a burst, the less it reads. Silence reads −∞, once the
 * pointer has fallen.
 */
export interface PpmReading extends Reading {
  /** Position of the pointer, as the peak of the steady sine that would hold it there, in dBFS per channel. */
  readonly ppmDbfs: Float64Array;
  /** Highest position of the pointer since the start or the last reset, in dBFS per channel. */
  readonly maxPpmDbfs: Float64Array;
  /** Position of the pointer on the type's own scale: see `ppmScale`. */
  readonly ppmScale: Float64Array;
}

export const PPM_FIELDS: Fields<PpmReading> = {
  ppmDbfs: ['channels', -Infinity],
  maxPpmDbfs: ['channels', -Infinity],
  ppmScale: ['channels', -Infinity],
};

/** Options of a {@link PpmMeter}. */
export interface PpmMeterOptions extends StageOptions {
  /** Sample rate in Hz. The burst table is met at 16000 Hz and above. */
  readonly sampleRate: number;
  /** Type of the meter. @default 'IIb' */
  readonly type?: PpmType;
  /** Level of the alignment tone, in dBFS. @default -18 (EBU R 68) */
  readonly alignmentDbfs?: number;
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  wasm: 1,
  kernel: 1,
  type: 1,
  alignmentDbfs: 1,
} satisfies OptionNames<PpmMeterOptions>;

/** Checks of the meter's settings. */
export const PPM_SETTINGS: SettingChecks<PpmMeterOptions> = {
  type: (value) => oneOf('type', value, ['I', 'IIa', 'IIb']),
  alignmentDbfs: (value) => numberIn('alignmentDbfs', value, -60, 0),
};

/** A quasi-peak programme meter of IEC 60268-10. */
export class PpmMeter implements BlockMeter {
  readonly channels: number;
  readonly type: PpmType;
  readonly #alignment: number;
  readonly #kernel: MeterKernel;

  /** @throws RangeError or TypeError for invalid options */
  constructor(options: PpmMeterOptions) {
    checkOptions('PpmMeter', options, NAMES);
    const { sampleRate, channels, kernel } = openKernel(options);
    this.channels = channels;
    this.type = PPM_SETTINGS.type(options.type ?? 'IIb', options);
    this.#alignment = PPM_SETTINGS.alignmentDbfs(options.alignmentDbfs ?? -18, options);
    this.#kernel = kernel;
    kernel.setBallistics(ppmBallistics(this.type, sampleRate));
  }

  /** Creates a reading for `read()`. */
  createReading(): PpmReading {
    return createReading<PpmReading>(PPM_FIELDS, this.channels);
  }

  /** Fills a reading of this meter's channel count. */
  read(out: PpmReading): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    meterInSlices(this.#kernel, this, block, from, frames);
  }

  /** @internal */
  meter(_present: number, frames: number): void {
    this.#kernel.charge(0, frames);
  }

  store(target: Float64Array, at: number): number {
    const channels = this.channels;
    for (let channel = 0; channel < channels; channel++) {
      this.#kernel.readQuasiPeak(channel);
      const level = amplitudeToDb(this.#kernel.result[0]!);
      target[at + channel] = level;
      target[at + channels + channel] = amplitudeToDb(this.#kernel.result[1]!);
      target[at + 2 * channels + channel] = ppmScale(this.type, level, this.#alignment);
    }
    return at + 3 * channels;
  }

  reset(): void {
    this.#kernel.reset();
  }
}
