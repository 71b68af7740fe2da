import { numberIn } from '../arguments.ts';
import { amplitudeToDb } from './decibels.ts';
import type { SettingChecks } from './open-meter-kernel.ts';

/** Options of meters that hold peaks. */
export interface PeakHoldOptions {
  /** Length of the interval over which the peak is taken, in ms. @default 50 */
  readonly intervalMs?: number;
  /** How long a peak is held, in ms. @default 1500 */
  readonly holdDurationMs?: number;
}

/** Checks of the settings of meters that hold peaks. */
export const PEAK_HOLD_SETTINGS: SettingChecks<PeakHoldOptions> = {
  intervalMs: (value) => numberIn('intervalMs', value, 1, 10_000),
  holdDurationMs: (value) => numberIn('holdDurationMs', value, 0, 3_600_000),
};

/**
 * Tracks, per channel, the peak of the last interval, the held peak and the highest peak so far. The interval slides in parts, so
 * that a reader never misses a peak if it reads at least once per interval, however many readers there are.
 */
export class PeakHold {
  readonly #channels: number;
  /** Number of parts of the interval, including the one being filled. */
  readonly #slots: number;
  readonly #partFrames: number;
  readonly #holdFrames: number;
  /** Frames taken in the current part, and the part's slot. */
  #inPart = 0;
  #part = 0;
  /** Peaks of the parts, channel after channel; that of the current part can rise. */
  readonly #parts: Float64Array;
  /** Result of `#findRecent`. */
  #recent = 0;
  readonly #held: Float64Array;
  /** Frames since the held peak was last reached. */
  readonly #age: Float64Array;
  readonly #max: Float64Array;

  /**
   * @param parts number of parts of the interval
   * @throws RangeError for options out of their range
   */
  constructor(sampleRate: number, channels: number, options: PeakHoldOptions, parts: number) {
    const interval = PEAK_HOLD_SETTINGS.intervalMs(options.intervalMs ?? 50, options);
    const hold = PEAK_HOLD_SETTINGS.holdDurationMs(options.holdDurationMs ?? 1500, options);
    this.#channels = channels;
    this.#slots = parts + 1;
    this.#partFrames = Math.max(1, Math.round((sampleRate * interval) / 1000 / parts));
    this.#holdFrames = Math.round((sampleRate * hold) / 1000);
    this.#parts = new Float64Array(channels * this.#slots);
    this.#held = new Float64Array(channels);
    this.#age = new Float64Array(channels);
    this.#max = new Float64Array(channels);
  }

  /** Number of frames until the current part ends: take the peak of at most this many frames before `advance`. */
  get framesLeft(): number {
    return this.#partFrames - this.#inPart;
  }

  /** Writes the peak of the current part to `target[0]`; lower peaks have no effect. */
  readPart(channel: number, target: Float64Array): void {
    target[0] = this.#parts[channel * this.#slots + this.#part]!;
  }

  /** Takes the peak amplitude of the frames of the next `advance` from `source[0]`. */
  take(channel: number, source: Float64Array): void {
    const peak = source[0]!;
    const part = channel * this.#slots + this.#part;
    if (peak > this.#parts[part]!) this.#parts[part] = peak;
    if (peak > this.#max[channel]!) this.#max[channel] = peak;
    if (peak > 0 && peak >= this.#held[channel]!) {
      this.#held[channel] = peak;
      // The peak may be as late as the end of the part.
      this.#age[channel] = -this.#partFrames;
    }
  }

  /** Advances by at most `framesLeft` frames. */
  advance(frames: number): void {
    for (let channel = 0; channel < this.#channels; channel++) this.#age[channel]! += frames;
    this.#inPart += frames;
    if (this.#inPart < this.#partFrames) return;
    this.#inPart = 0;
    this.#part = (this.#part + 1) % this.#slots;
    for (let channel = 0; channel < this.#channels; channel++) {
      this.#parts[channel * this.#slots + this.#part] = 0;
      if (this.#age[channel]! < this.#holdFrames) continue;
      this.#findRecent(channel);
      this.#held[channel] = this.#recent;
    }
  }

  /** Writes the peaks of all channels, then the held ones, then the highest, in dB; returns the index after them. */
  store(target: Float64Array, at: number): number {
    const channels = this.#channels;
    for (let channel = 0; channel < channels; channel++) {
      this.#findRecent(channel);
      target[at + channel] = amplitudeToDb(this.#recent);
      target[at + channels + channel] = amplitudeToDb(this.#held[channel]!);
      target[at + 2 * channels + channel] = amplitudeToDb(this.#max[channel]!);
    }
    return at + 3 * channels;
  }

  /** Forgets every peak. */
  reset(): void {
    this.#inPart = 0;
    this.#part = 0;
    this.#parts.fill(0);
    this.#held.fill(0);
    this.#age.fill(0);
    this.#max.fill(0);
  }

  /** Finds the peak of the interval. */
  #findRecent(channel: number): void {
    let peak = 0;
    const first = channel * this.#slots;
    for (let i = first; i < first + this.#slots; i++) {
      if (this.#parts[i]! > peak) peak = this.#parts[i]!;
    }
    this.#recent = peak;
  }
}
