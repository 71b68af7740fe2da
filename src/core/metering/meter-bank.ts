import { ActivityDetector } from './activity-detector.ts';
import type { ActivityListener } from './activity-detector.ts';
import { LoudnessMeter } from './loudness-meter.ts';
import { meterInSlices } from './meter-kernel.ts';
import type { KernelMeter, MeterKernel } from './meter-kernel.ts';
import type { BlockMeter } from './meter-reading.ts';
import { createMeterReading, meterNames } from './meter-table.ts';
import type { MeterName, MeterReading, MeterSettings } from './meter-table.ts';
import { openKernel } from './open-meter-kernel.ts';
import type { StageOptions } from './open-meter-kernel.ts';
import { PeakMeter } from './peak-meter.ts';
import { PpmMeter } from './ppm-meter.ts';
import { RmsMeter } from './rms-meter.ts';
import { TruePeakMeter } from './true-peak-meter.ts';
import { VuMeter } from './vu-meter.ts';

interface Stage {
  readonly sampleRate: number;
  readonly channels: number;
  /** Shared by all meters: what is loaded once need not be loaded by each. */
  readonly kernel: MeterKernel;
  readonly onChange: ActivityListener | undefined;
}
type BankMeter = BlockMeter & KernelMeter;

/** How each meter of the table is made. */
const CREATE: {
  readonly [Name in MeterName]: (stage: Stage, settings: MeterSettings[Name]) => BankMeter;
} = {
  peak: (stage, settings) => new PeakMeter({ ...settings, ...stage }),
  rms: (stage, settings) => new RmsMeter({ ...settings, ...stage }),
  truePeak: (stage, settings) => new TruePeakMeter({ ...settings, ...stage }),
  loudness: (stage, settings) => new LoudnessMeter({ ...settings, ...stage }),
  ppm: (stage, settings) => new PpmMeter({ ...settings, ...stage }),
  vu: (stage, settings) => new VuMeter({ ...settings, ...stage }),
  activity: (stage, settings) => new ActivityDetector({ ...settings, ...stage }),
};

/** Which meters a {@link MeterBank} runs, and how. */
export interface MeterBankOptions<Name extends MeterName = MeterName> extends StageOptions {
  /** Hz; 8000 or more when loudness is metered. */
  readonly sampleRate: number;
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
  readonly #kernel: MeterKernel;
  readonly #meters: readonly BankMeter[];
  readonly #loudness: LoudnessMeter | undefined;
  #frame = 0;
  #present = 0;

  /** @throws RangeError or TypeError when an option is wrong. */
  constructor(options: MeterBankOptions<Name>) {
    const { settings = {}, onActivity: onChange } = options;
    const { sampleRate, channels, kernel } = openKernel(options);
    this.channels = channels;
    this.#kernel = kernel;
    this.names = meterNames(options.meters);
    const stage = { sampleRate, channels, kernel, onChange };
    this.#meters = this.names.map((name) => createMeter(name, stage, settings));
    if (this.#runs('loudness') && this.#runs('ppm')) kernel.chargeWithEnergy();
    this.#loudness = this.#meters.find((meter) => meter instanceof LoudnessMeter);
  }

  #runs(name: MeterName): boolean {
    return (this.names as readonly MeterName[]).includes(name);
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
    meterInSlices(this.#kernel, this, block, from, frames);
    this.#present = Math.min(block.length, this.channels);
  }

  /** @internal */
  meter(present: number, frames: number): void {
    for (let i = 0; i < this.#meters.length; i++) this.#meters[i]!.meter(present, frames);
    this.#frame += frames;
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
): BankMeter {
  return CREATE[name](stage, settings[name]);
}
