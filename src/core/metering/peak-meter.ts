import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, numberIn } from '../arguments.ts';
import { LARGEST_SAMPLE, PEAK, meterInSlices } from './meter-kernel.ts';
import type { MeterKernel } from './meter-kernel.ts';
import type { BlockMeter, Fields, Reading } from './meter-reading.ts';
import { createReading } from './meter-reading.ts';
import { openKernel } from './open-meter-kernel.ts';
import type { SettingChecks, StageOptions } from './open-meter-kernel.ts';
import { PEAK_HOLD_SETTINGS, PeakHold } from './peak-hold.ts';
import type { PeakHoldOptions } from './peak-hold.ts';

/** The largest sample of 16-bit PCM, which a clipping converter delivers. */
const FULL_SCALE_16: number = 32767 / 32768;
/** Number of latest clip runs that a reading lists. */
const CLIP_RUNS_LISTED = 8;

/** Reading of sample peaks and clipping. dBFS here is 20·log10 of the amplitude, so that 1.0 is 0 dBFS; silence reads −∞. */
export interface PeakReading extends Reading {
  /**
   * Highest |sample| of the last 50 ms (option `intervalMs`; up to a tenth longer), dBFS per channel. A reader that reads at least
   * that often misses no peak.
   */
  readonly peakDbfs: Float64Array;
  /** The peak, held for 1.5 s (option `holdDurationMs`) after it was last reached, dBFS per channel. */
  readonly heldPeakDbfs: Float64Array;
  /** Highest |sample| since the start or the last reset, dBFS per channel. */
  readonly maxPeakDbfs: Float64Array;
  /** Samples at or above the clip level since the start or the last reset, per channel. */
  readonly clips: Float64Array;
  /** Runs of at least 3 (option `clipRun`) successive such samples, per channel. */
  readonly clipRuns: Float64Array;
  /** Samples that were NaN or infinite, per channel. They count as silence in every reading. */
  readonly nonFinite: Float64Array;
  /**
   * First frame of each of the latest 8 clip runs, newest first, counted from the meter's start or last reset; −1 if there are
   * fewer runs.
   */
  readonly clipRunFrame: Float64Array;
  /** Length in frames of each of those runs; the newest one may still be growing. */
  readonly clipRunFrames: Float64Array;
  /** Channel of each of those runs. */
  readonly clipRunChannel: Float64Array;
}

export const PEAK_FIELDS: Fields<PeakReading> = {
  peakDbfs: ['channels', -Infinity],
  heldPeakDbfs: ['channels', -Infinity],
  maxPeakDbfs: ['channels', -Infinity],
  clips: ['channels', 0],
  clipRuns: ['channels', 0],
  nonFinite: ['channels', 0],
  clipRunFrame: [CLIP_RUNS_LISTED, -1],
  clipRunFrames: [CLIP_RUNS_LISTED, 0],
  clipRunChannel: [CLIP_RUNS_LISTED, -1],
};

/** Options of a {@link PeakMeter}: how long it holds peaks, and what counts as a clip. */
export interface PeakMeterOptions extends StageOptions, PeakHoldOptions {
  /** Absolute value at or above which a sample counts as clipped. @default 32767/32768 */
  readonly clipLevel?: number;
  /** Number of successive clipped samples that form a run. @default 3 */
  readonly clipRun?: number;
}
const NAMES = {
  sampleRate: 1,
  channels: 1,
  wasm: 1,
  kernel: 1,
  intervalMs: 1,
  holdDurationMs: 1,
  clipLevel: 1,
  clipRun: 1,
} satisfies OptionNames<PeakMeterOptions>;

/** Checks of the meter's settings. */
export const PEAK_SETTINGS: SettingChecks<PeakMeterOptions> = {
  ...PEAK_HOLD_SETTINGS,
  clipLevel: (value) => numberIn('clipLevel', value, 0, LARGEST_SAMPLE),
  clipRun: (value) => integerIn('clipRun', value, 1, 1_000_000),
};

/** 5 ms by default: the step of the RMS and the VU meter, which then scan the same frames. */
const PARTS = 10;

/** Measures the sample peak with hold, and counts clipped samples, with the positions of their runs, and non-finite samples. */
export class PeakMeter implements BlockMeter {
  readonly channels: number;
  readonly #kernel: MeterKernel;
  readonly #peaks: PeakHold;
  readonly #clipLevel: number;
  readonly #clipRun: number;
  /** Frames taken since the start or the last reset; in an array as in MeterBank. */
  readonly #frame: Float64Array = new Float64Array(1);
  readonly #clips: Float64Array;
  readonly #runs: Float64Array;
  readonly #nonFinite: Float64Array;
  /** Length of the clip run in progress. */
  readonly #runLength: Float64Array;
  /** Slot in which that run is listed; −1 while it is too short. */
  readonly #runSlot: Int32Array;
  readonly #listFrame = new Float64Array(CLIP_RUNS_LISTED);
  readonly #listFrames = new Float64Array(CLIP_RUNS_LISTED);
  readonly #listChannel = new Float64Array(CLIP_RUNS_LISTED);
  /** Slot of the newest listed run. */
  #newest = 0;

  /** @throws RangeError for options out of their range */
  constructor(options: PeakMeterOptions) {
    checkOptions('PeakMeter', options, NAMES);
    const { sampleRate, channels, kernel } = openKernel(options);
    this.channels = channels;
    this.#kernel = kernel;
    this.#peaks = new PeakHold(sampleRate, channels, options, PARTS);
    this.#clipLevel = PEAK_SETTINGS.clipLevel(options.clipLevel ?? FULL_SCALE_16, options);
    this.#clipRun = PEAK_SETTINGS.clipRun(options.clipRun ?? 3, options);
    this.#clips = new Float64Array(channels);
    this.#runs = new Float64Array(channels);
    this.#nonFinite = new Float64Array(channels);
    this.#runLength = new Float64Array(channels);
    this.#runSlot = new Int32Array(channels);
    this.reset();
  }

  /** Creates a reading for `read()`. */
  createReading(): PeakReading {
    return createReading<PeakReading>(PEAK_FIELDS, this.channels);
  }

  /** Fills a reading of this meter's channel count. */
  read(out: PeakReading): void {
    this.store(out.values, 0);
  }

  process(block: readonly Float32Array[], from: number, frames: number): void {
    meterInSlices(this.#kernel, this, block, from, frames);
  }

  /** @internal */
  meter(_present: number, frames: number): void {
    const kernel = this.#kernel;
    for (let channel = 0; channel < this.channels; channel++) {
      this.#nonFinite[channel]! += kernel.nonFinite(channel);
    }
    for (let at = 0; at < frames;) {
      const count = Math.min(frames - at, this.#peaks.framesLeft);
      kernel.scan(at, count);
      for (let channel = 0; channel < this.channels; channel++) {
        kernel.result[0] = kernel.scanned[kernel.scanAt(channel) + PEAK]!;
        this.#peaks.take(channel, kernel.result);
        if (kernel.result[0] >= this.#clipLevel) this.#countClips(channel, at, count);
        else this.#endRun(channel);
      }
      at += count;
      this.#frame[0]! += count;
      this.#peaks.advance(count);
    }
  }

  store(target: Float64Array, at: number): number {
    const channels = this.channels;
    let to = this.#peaks.store(target, at);
    for (let c = 0; c < channels; c++) target[to++] = this.#clips[c]!;
    for (let c = 0; c < channels; c++) target[to++] = this.#runs[c]!;
    for (let c = 0; c < channels; c++) target[to++] = this.#nonFinite[c]!;
    to = this.#storeList(this.#listFrame, target, to);
    to = this.#storeList(this.#listFrames, target, to);
    return this.#storeList(this.#listChannel, target, to);
  }

  reset(): void {
    this.#kernel.reset();
    this.#frame[0] = 0;
    this.#peaks.reset();
    this.#clips.fill(0);
    this.#runs.fill(0);
    this.#nonFinite.fill(0);
    this.#runLength.fill(0);
    this.#runSlot.fill(-1);
    this.#listFrame.fill(-1);
    this.#listFrames.fill(0);
    this.#listChannel.fill(-1);
    this.#newest = 0;
  }

  #countClips(channel: number, from: number, count: number): void {
    const samples = this.#kernel.samples(channel);
    const first = this.#kernel.sampleAt(channel) + from;
    for (let i = 0; i < count; i++) {
      const size = Math.abs(samples[first + i]!);
      if (size >= this.#clipLevel) this.#clip(channel, i);
      else this.#endRun(channel);
    }
  }

  /** @param at frames after those already taken */
  #clip(channel: number, at: number): void {
    this.#clips[channel]! += 1;
    const length = this.#runLength[channel]! + 1;
    this.#runLength[channel] = length;
    if (length === this.#clipRun) {
      this.#runs[channel]! += 1;
      const slot = (this.#newest + 1) % CLIP_RUNS_LISTED;
      // Another channel's run may still be growing in the slot that is reused.
      for (let c = 0; c < this.channels; c++) if (this.#runSlot[c] === slot) this.#runSlot[c] = -1;
      this.#newest = slot;
      this.#runSlot[channel] = slot;
      this.#listFrame[slot] = this.#frame[0]! + at - length + 1;
      this.#listChannel[slot] = channel;
    }
    const slot = this.#runSlot[channel]!;
    if (slot >= 0) this.#listFrames[slot] = length;
  }

  #endRun(channel: number): void {
    this.#runLength[channel] = 0;
    this.#runSlot[channel] = -1;
  }

  #storeList(list: Float64Array, target: Float64Array, at: number): number {
    for (let i = 0; i < CLIP_RUNS_LISTED; i++) {
      target[at + i] = list[(this.#newest - i + CLIP_RUNS_LISTED) % CLIP_RUNS_LISTED]!;
    }
    return at + CLIP_RUNS_LISTED;
  }
}
