import { integerIn, numberIn } from '../arguments.ts';
import { ActivityDetector } from './activity-detector.ts';
import type { ActivityListener } from './activity-detector.ts';
import { LoudnessMeter } from './loudness-meter.ts';
import type { BlockMeter } from './meter-reading.ts';
import { createMeterReading, meterNames } from './meter-table.ts';
import type { MeterName, MeterReading, MeterSettings } from './meter-table.ts';
import { PeakMeter } from './peak-meter.ts';
import { PpmMeter } from './ppm-meter.ts';
import { RmsMeter } from './rms-meter.ts';
import { MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from './sample-rate.ts';
import { TruePeakMeter } from './true-peak-meter.ts';
import { VuMeter } from './vu-meter.ts';

interface Stage {
  readonly sampleRate: number;
  readonly channels: number;
  readonly onChange: ActivityListener | undefined;
}

/** How each meter of the table is made. */
const CREATE: {
  readonly [Name in MeterName]: (stage: Stage, settings: MeterSettings[Name]) => BlockMeter;
} = {
  peak: (stage, settings) => new PeakMeter({ ...settings, ...stage }),
  rms: (stage, settings) => new RmsMeter({ ...settings, ...stage }),
  truePeak: (stage, settings) => new TruePeakMeter({ ...settings, ...stage }),
  loudness: (stage, settings) => new LoudnessMeter({ ...settings, ...stage }),
  ppm: (stage, settings) => new PpmMeter({ ...settings, ...stage }),
  vu: (stage, settings) => new VuMeter({ ...settings, ...stage }),
  activity: (stage, settings) => new ActivityDetector({ ...settings, ...stage }),
};

export interface MeterBankOptions<Name extends MeterName = MeterName> {
  /** Hz; 8000 or more when loudness is metered. */
  readonly sampleRate: number;
  /** Channels to meter. */
  readonly channels: number;
  /** Which meters to run. */
  readonly meters: readonly Name[];
  /** Settings of single meters, by name. */
  readonly settings?: MeterSettings | undefined;
  /** Told of each change between speech and silence, when `activity` is metered. */
  readonly onActivity?: ActivityListener;
}

/** Several meters over the same audio. Allocates nothing after construction. */
export class MeterBank<Name extends MeterName = MeterName> implements BlockMeter {
  readonly channels: number;
  /** The meters that run, in the order of the table. */
  readonly names: readonly Name[];
  readonly #meters: readonly BlockMeter[];
  readonly #loudness: LoudnessMeter | undefined;
  #frame = 0;
  #present = 0;

  /** @throws RangeError or TypeError when an option is wrong. */
  constructor(options: MeterBankOptions<Name>) {
    const { settings = {}, onActivity: onChange } = options;
    const sampleRate = numberIn('sampleRate', options.sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE);
    const channels = integerIn('channels', options.channels, 1, MAX_CHANNELS);
    this.channels = channels;
    this.names = meterNames(options.meters);
    const stage = { sampleRate, channels, onChange };
    this.#meters = this.names.map((name) => createMeter(name, stage, settings));
    this.#loudness = this.#meters.find((meter) => meter instanceof LoudnessMeter);
  }

  /** Frames metered since the start or the last reset. */
  get frame(): number {
    return this.#frame;
  }

  /** Makes a reading to hand to `read()`; its fields are those of all the meters that run. */
  createReading(): MeterReading<Name> {
    return createMeterReading(this.names, this.channels);
  }

  /** Fills a reading made by a bank of the same meters and channels. */
  read(out: MeterReading<Name>): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    for (let i = 0; i < this.#meters.length; i++) this.#meters[i]!.process(block, from, frames);
    this.#frame += frames;
    this.#present = Math.min(block.length, this.channels);
  }

  store(target: Float64Array, at: number): number {
    target[at] = this.#frame;
    target[at + 1] = this.#present;
    let to = at + 2;
    for (let i = 0; i < this.#meters.length; i++) to = this.#meters[i]!.store(target, to);
    return to;
  }

  /** Goes on with the measurement of integrated loudness, loudness range and their maxima after `pause()`. */
  start(): void {
    this.#loudness?.start();
  }

  /** Halts the measurement of integrated loudness, loudness range and their maxima; all else goes on. */
  pause(): void {
    this.#loudness?.pause();
  }

  /** Starts all meters anew, and their frame count too; a paused measurement stays paused. */
  reset(): void {
    this.#frame = 0;
    for (let i = 0; i < this.#meters.length; i++) this.#meters[i]!.reset();
  }
}

function createMeter<Name extends MeterName>(
  name: Name,
  stage: Stage,
  settings: MeterSettings,
): BlockMeter {
  return CREATE[name](stage, settings[name]);
}
