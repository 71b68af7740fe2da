import { numberIn, MAX_SAMPLE_RATE } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';

/** Options of a {@link WaveHistory}. */
export interface WaveHistoryOptions {
  /** Length of the history in seconds, 0.1–3600. */
  readonly seconds: number;
  /** Columns per second, 1–1000. */
  readonly columnsPerSecond: number;
  /** Sample rate of the audio, in Hz. */
  readonly sampleRate: number;
}
const NAMES: OptionNames<WaveHistoryOptions> = { seconds: 1, columnsPerSecond: 1, sampleRate: 1 };

/**
 * The shape of the last seconds of audio: the lowest and highest sample of each column, where columns are equal spans of time
 * counted from time 0. Memory is fixed; older columns are overwritten. Only the constructor allocates.
 */
export class WaveHistory {
  /** Number of columns in the history. */
  readonly columns: number;
  /** Columns per second. */
  readonly columnsPerSecond: number;
  readonly #lows: Float32Array;
  readonly #highs: Float32Array;
  readonly #sampleRate: number;
  /** Time directly after the last sample, in s. */
  #until = -Infinity;
  /** The column stored in each place; −1 without a column. */
  readonly #columnAt: Float64Array;

  /** @throws TypeError or RangeError for invalid options */
  constructor(options: WaveHistoryOptions) {
    checkOptions('WaveHistory', options, NAMES);
    const seconds = numberIn('seconds', options.seconds, 0.1, 3600);
    this.columnsPerSecond = numberIn('columnsPerSecond', options.columnsPerSecond, 1, 1000);
    this.#sampleRate = numberIn('sampleRate', options.sampleRate, 1, MAX_SAMPLE_RATE);
    this.columns = Math.ceil(seconds * this.columnsPerSecond);
    this.#lows = new Float32Array(this.columns);
    this.#highs = new Float32Array(this.columns);
    this.#columnAt = new Float64Array(this.columns).fill(-1);
  }

  /**
   * Adds the new part of the latest samples, as an `AnalyserNode` returns them: samples before the last call's `endTime` are
   * skipped.
   * @param endTime time directly after the last sample, in seconds
   */
  add(samples: Float32Array, endTime: number): void {
    const { length } = samples;
    const frames = Math.min(length, Math.round((endTime - this.#until) * this.#sampleRate));
    for (let i = Math.max(0, length - frames); i < length; i++) {
      const time = endTime - (length - i) / this.#sampleRate;
      this.#addSample(Math.floor(time * this.columnsPerSecond), samples[i]!);
    }
    if (frames > 0) this.#until = endTime;
  }

  /** Returns the lowest sample of the column with this number; 0 if the column does not exist. */
  low(column: number): number {
    const place = column % this.columns;
    return this.#columnAt[place] === column ? this.#lows[place]! : 0;
  }

  /** Returns the highest sample of the column with this number; 0 if the column does not exist. */
  high(column: number): number {
    const place = column % this.columns;
    return this.#columnAt[place] === column ? this.#highs[place]! : 0;
  }

  #addSample(column: number, sample: number): void {
    if (column < 0) return;
    const place = column % this.columns;
    if (this.#columnAt[place] !== column) {
      this.#columnAt[place] = column;
      this.#lows[place] = sample;
      this.#highs[place] = sample;
      return;
    }
    if (sample < this.#lows[place]!) this.#lows[place] = sample;
    if (sample > this.#highs[place]!) this.#highs[place] = sample;
  }
}
