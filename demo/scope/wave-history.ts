/**
 * The last seconds of a sound as lowest and highest sample of each column, columns being equal spans of time. Memory is
 * fixed; what is older than the history is overwritten.
 */
export class WaveHistory {
  readonly columns: number;
  readonly columnsPerSecond: number;
  readonly #lows: Float32Array;
  readonly #highs: Float32Array;
  /** Which column (counted from time 0) lies in each place; −1 where none does. */
  readonly #columnAt: Float64Array;

  constructor(seconds: number, columnsPerSecond: number) {
    this.columnsPerSecond = columnsPerSecond;
    this.columns = Math.ceil(seconds * columnsPerSecond);
    this.#lows = new Float32Array(this.columns);
    this.#highs = new Float32Array(this.columns);
    this.#columnAt = new Float64Array(this.columns).fill(-1);
  }

  /**
   * Takes `samples` from index `from` to the end.
   * @param endTime time in seconds just after the last sample
   */
  add(samples: Float32Array, from: number, endTime: number, sampleRate: number): void {
    const startTime = endTime - (samples.length - from) / sampleRate;
    for (let i = from; i < samples.length; i++) {
      const time = startTime + (i - from) / sampleRate;
      this.#addSample(Math.floor(time * this.columnsPerSecond), samples[i]!);
    }
  }

  /** Lowest sample of the column with this number; 0 where there is none. */
  low(column: number): number {
    const place = column % this.columns;
    return this.#columnAt[place] === column ? this.#lows[place]! : 0;
  }

  /** Highest sample of the column with this number; 0 where there is none. */
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
