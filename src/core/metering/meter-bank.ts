import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { ActivityDetector } from './activity-detector.ts';
import type { ActivityListener } from './activity-detector.ts';
import { LoudnessMeter } from './loudness-meter.ts';
import { meterInSlices } from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';
import type { BlockMeter } from './meter-reading.ts';
import { checkMeterSettings, createMeterReading, meterNames } from './meter-table.ts';
import type { MeterName, MeterReading, MeterSettings } from './meter-table.ts';
import { openKernel } from './open-meter-kernel.ts';
import type { StageOptions } from './open-meter-kernel.ts';
import { PeakMeter } from './peak-meter.ts';
import { PpmMeter } from './ppm-meter.ts';
import { RmsMeter } from './rms-meter.ts';
import { TruePeakMeter } from './true-peak-meter.ts';
import { VuMeter } from './vu-meter.ts';

/** Options of a {@link MeterBank}. */
export interface MeterBankOptions<Name extends MeterName = MeterName> extends StageOptions {
  /** Sample rate in Hz; 8000 or more if loudness is metered. */
  readonly sampleRate: number;
  /** Which meters to run. */
  readonly meters: readonly Name[];
  /** Settings of individual meters, by name. */
  readonly settings?: MeterSettings | undefined;
  /** Called at each change between speech and silence, if `activity` is metered. */
  readonly onActivity?: ActivityListener;
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  wasm: 1,
  kernel: 1,
  meters: 1,
  settings: 1,
  onActivity: 1,
} satisfies OptionNames<MeterBankOptions>;

/** Runs several meters over the same audio. Allocates nothing after construction. */
export class MeterBank<Name extends MeterName = MeterName> implements BlockMeter {
  readonly channels: number;
  /** The meters that run, in the order of the table. */
  readonly names: readonly Name[];
  readonly #kernel: MeterKernel;
  /** The running meters in the order of the table. */
  readonly #meters: readonly BlockMeter[];
  // One field per meter, so that each call on the audio thread has a single target type, which engines can inline.
  readonly #peak: PeakMeter | undefined;
  readonly #rms: RmsMeter | undefined;
  readonly #truePeak: TruePeakMeter | undefined;
  readonly #loudness: LoudnessMeter | undefined;
  readonly #ppm: PpmMeter | undefined;
  readonly #vu: VuMeter | undefined;
  readonly #activity: ActivityDetector | undefined;
  /** In an array: a field would change its representation at 2³¹ frames, half a day, and engines would discard the compiled code. */
  readonly #frame: Float64Array = new Float64Array(1);
  #present = 0;
  /** @throws RangeError or TypeError for invalid options */
  constructor(options: MeterBankOptions<Name>) {
    checkOptions('MeterBank', options, NAMES);
    const { settings = {}, onActivity: onChange } = options;
    const { sampleRate, channels, kernel } = openKernel(options);
    checkMeterSettings(settings, channels);
    this.channels = channels;
    this.#kernel = kernel;
    this.names = meterNames(options.meters);
    const stage = { sampleRate, channels, kernel };
    const runs = new Set<MeterName>(this.names);
    if (runs.has('peak')) this.#peak = new PeakMeter({ ...settings.peak, ...stage });
    if (runs.has('rms')) this.#rms = new RmsMeter({ ...settings.rms, ...stage });
    if (runs.has('truePeak')) {
      this.#truePeak = new TruePeakMeter({ ...settings.truePeak, ...stage });
    }
    if (runs.has('loudness')) {
      this.#loudness = new LoudnessMeter({ ...settings.loudness, ...stage });
    }
    if (runs.has('ppm')) this.#ppm = new PpmMeter({ ...settings.ppm, ...stage });
    if (runs.has('vu')) this.#vu = new VuMeter({ ...settings.vu, ...stage });
    if (runs.has('activity')) {
      this.#activity = new ActivityDetector({ ...settings.activity, ...stage, onChange });
    }
    const meters = {
      peak: this.#peak,
      rms: this.#rms,
      truePeak: this.#truePeak,
      loudness: this.#loudness,
      ppm: this.#ppm,
      vu: this.#vu,
      activity: this.#activity,
    };
    this.#meters = this.names.map((name) => meters[name]!);
  }

  /** Number of frames metered since the start or the last reset. */
  get frame(): number {
    return this.#frame[0]!;
  }

  /** Creates a reading for `read()`, with the fields of all running meters. */
  createReading(): MeterReading<Name> {
    return createMeterReading(this.names, this.channels);
  }

  /** Fills a reading from a bank with the same meters and channels. */
  read(out: MeterReading<Name>): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    meterInSlices(this.#kernel, this, block, from, frames);
    this.#present = Math.min(block.length, this.channels);
  }

  /** @internal */
  meter(present: number, frames: number): void {
    this.#peak?.meter(present, frames);
    this.#rms?.meter(present, frames);
    this.#truePeak?.meter(present, frames);
    this.#loudness?.meter(present, frames);
    this.#ppm?.meter(present, frames);
    this.#vu?.meter(present, frames);
    this.#activity?.meter(present, frames);
    this.#frame[0]! += frames;
  }

  store(target: Float64Array, at: number): number {
    target[at] = this.#frame[0]!;
    target[at + 1] = this.#present;
    let to = at + 2;
    for (let i = 0; i < this.#meters.length; i++) to = this.#meters[i]!.store(target, to);
    return to;
  }

  /** Continues the measurement of integrated loudness, loudness range and their maxima after `pause()`. */
  resume(): void {
    this.#loudness?.resume();
  }

  /** Pauses the measurement of integrated loudness, loudness range and their maxima; all other readings continue. */
  pause(): void {
    this.#loudness?.pause();
  }

  /**
   * Runs the rarely executed code of all meters, and resets them. Engines compile code at its first call, which takes longer than a
   * render quantum allows. Intended for the constructor of a processor, which also calls `process()` a few times before this.
   */
  warmUp(): void {
    this.#kernel.warmUp?.();
    this.#rms?.warmUp();
    this.#loudness?.warmUp();
    this.reset();
  }

  /** Releases the kernel's memory to other banks of this scope. Do not call any method afterwards. */
  close(): void {
    this.#kernel.release?.();
  }

  /**
   * Restarts all meters, and their frame count too; a paused measurement stays paused.
   * @param continues whether the same signal continues. The filters then keep their state: a meter that joins a signal in the
   *   middle would see a step, whose true peak may be 0.9 dB above that of a tone
   */
  reset(continues = false): void {
    const kernel = this.#kernel;
    kernel.continues = continues;
    this.#frame[0] = 0;
    this.#present = 0;
    for (const meter of this.#meters) meter.reset();
    kernel.continues = false;
  }
}
