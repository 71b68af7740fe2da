import { powersToDb } from './decibels.ts';

/** Absolute gate: BS.1770-5 Annex 1, "the gating block loudness is above −70 LKFS"; Tech 3342 §3. */
const LOWEST_LUFS = -70;
const HIGHEST_LUFS = 20;
const GROUPS = HIGHEST_LUFS - LOWEST_LUFS;
/** The loudness range lies between these percentiles (Tech 3342 §3). */
const RANGE_LOW = 0.1;
const RANGE_HIGH = 0.95;

/** Slots of a histogram's numbers: its results, the number of blocks and their power, and intermediate values. */
export const MEAN = 0;
export const RANGE = 1;
const COUNT = 2;
const POWER = 3;
const FOUND = 4;
const LOUDNESS = 5;
const GATE = 6;
const NUMBERS = 7;

/**
 * Converts the weighted power in `values[at]` to LUFS: −0.691 + 10·log10 (BS.1770-5 Annex 1, equation 2); −∞ for zero. In place,
 * because engines may allocate fractions that functions take and return.
 */
export function powersToLufs(values: Float64Array, at: number): void {
  powersToDb(values, at);
  values[at]! -= 0.691;
}

/**
 * Gates blocks of audio by loudness. Counts the blocks in each bin, a fraction of an LU, and keeps the exact sum of powers per LU,
 * so that memory and work stay constant for days. For the LU that a gate cuts, the sum is derived from the counts of its bins.
 * Allocates only in its constructor.
 */
export class LoudnessHistogram {
  readonly #binsPerLu: number;
  /** Ratio of a bin's power to that of the bin below. */
  readonly #step: number;
  readonly #counts: Uint32Array;
  readonly #groupCounts: Uint32Array = new Uint32Array(GROUPS);
  readonly #groupPowers: Float64Array = new Float64Array(GROUPS);
  /** The results of `findMean` in `MEAN`, in LUFS, −∞ without blocks; and of `findRange` in `RANGE`, in LU. */
  readonly numbers: Float64Array = new Float64Array(NUMBERS);

  /** @param binsPerLu 50 for a range within 0.02 LU, in 20 kB; 20 for a mean within 0.001 LU, in 8 kB */
  constructor(binsPerLu: number) {
    this.#binsPerLu = binsPerLu;
    this.#step = 10 ** (0.1 / binsPerLu);
    this.#counts = new Uint32Array(GROUPS * binsPerLu);
    this.reset();
  }

  /** Adds a block whose power is in `powers[index]`, if it is above −70 LUFS. */
  add(powers: Float64Array, index: number): void {
    const power = powers[index]!;
    const numbers = this.numbers;
    numbers[LOUDNESS] = power;
    powersToLufs(numbers, LOUDNESS);
    const loudness = numbers[LOUDNESS];
    if (!(loudness > LOWEST_LUFS)) return;
    const last = this.#counts.length - 1;
    const bin = Math.min(last, Math.floor((loudness - LOWEST_LUFS) * this.#binsPerLu));
    const group = Math.floor(bin / this.#binsPerLu);
    this.#counts[bin]! += 1;
    this.#groupCounts[group]! += 1;
    this.#groupPowers[group]! += power;
    numbers[COUNT]! += 1;
    numbers[POWER]! += power;
  }

  /** Finds the mean loudness of the blocks above a gate that lies `below` LU under their ungated mean: see `MEAN`. */
  findMean(below: number): void {
    const numbers = this.numbers;
    numbers[MEAN] = -Infinity;
    if (numbers[COUNT] === 0) return;
    this.#findGate(below);
    const first = Math.floor(numbers[GATE]!);
    const part = 1 - (numbers[GATE]! - first);
    const binsPerLu = this.#binsPerLu;
    const step = this.#step;
    let group = Math.floor(first / binsPerLu);
    // The powers in the LU that the gate cuts, as multiples of the power of its first bin.
    let whole = 0;
    let power = 0;
    let count = 0;
    let unit = 1;
    for (let bin = group * binsPerLu; bin < (group + 1) * binsPerLu; bin++) {
      const blocks = this.#counts[bin]!;
      whole += blocks * unit;
      if (bin >= first) {
        const above = bin === first ? part * blocks : blocks;
        count += above;
        power += above * unit;
      }
      unit *= step;
    }
    power = whole === 0 ? 0 : (power / whole) * this.#groupPowers[group]!;
    for (group++; group < GROUPS; group++) {
      count += this.#groupCounts[group]!;
      power += this.#groupPowers[group]!;
    }
    if (count === 0) return;
    numbers[MEAN] = power / count;
    powersToLufs(numbers, MEAN);
  }

  /**
   * Finds the loudness range: the distance between the 10th and the 95th percentile of the blocks above a gate `below` LU under
   * their ungated mean (Tech 3342 §3 and annex A). See `RANGE`.
   */
  findRange(below: number): void {
    const numbers = this.numbers;
    numbers[RANGE] = 0;
    if (numbers[COUNT] === 0) return;
    this.#findGate(below);
    const first = Math.round(numbers[GATE]!);
    let skipped = 0;
    const group = Math.floor(first / this.#binsPerLu);
    for (let i = 0; i < group; i++) skipped += this.#groupCounts[i]!;
    for (let bin = group * this.#binsPerLu; bin < first; bin++) skipped += this.#counts[bin]!;
    const above = numbers[COUNT]! - skipped;
    if (above === 0) return;
    this.#findPlace(skipped + Math.round((above - 1) * RANGE_LOW));
    const low = numbers[FOUND]!;
    this.#findPlace(skipped + Math.round((above - 1) * RANGE_HIGH));
    numbers[RANGE] = numbers[FOUND]! - low;
  }

  /** Forgets every block. */
  reset(): void {
    this.#counts.fill(0);
    this.#groupCounts.fill(0);
    this.#groupPowers.fill(0);
    this.numbers.fill(0);
    this.numbers[MEAN] = -Infinity;
  }

  /** Finds the gate in bins: see `GATE`. The last bin is always above it. */
  #findGate(below: number): void {
    const numbers = this.numbers;
    numbers[LOUDNESS] = numbers[POWER]! / numbers[COUNT]!;
    powersToLufs(numbers, LOUDNESS);
    const at = (numbers[LOUDNESS] - below - LOWEST_LUFS) * this.#binsPerLu;
    numbers[GATE] = Math.max(0, Math.min(this.#counts.length - 1, at));
  }

  /** Finds the middle of the bin that contains the block of this rank, counted from 0, in the order of loudness. */
  #findPlace(place: number): void {
    let passed = 0;
    let group = 0;
    while (group < GROUPS - 1 && passed + this.#groupCounts[group]! <= place) {
      passed += this.#groupCounts[group++]!;
    }
    let bin = group * this.#binsPerLu;
    while (bin < this.#counts.length - 1 && passed + this.#counts[bin]! <= place)
      passed += this.#counts[bin++]!;
    this.numbers[FOUND] = LOWEST_LUFS + (bin + 0.5) / this.#binsPerLu;
  }
}
