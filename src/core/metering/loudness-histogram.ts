import { powersToDb } from './decibels.ts';

/**
 * Powers of blocks of audio, gathered for gating: the number of blocks and the sum of their powers per 0.01 LU, so that
 * memory and work stay the same for days and only the one bin which a gate cuts is approximate.
 */
const PER_LU = 100;
/** Absolute gate: BS.1770-5 Annex 1, "the gating block loudness is above −70 LKFS"; Tech 3342 §3. */
const LOWEST_LUFS = -70;
const HIGHEST_LUFS = 20;
const BINS = (HIGHEST_LUFS - LOWEST_LUFS) * PER_LU;
/** Sums over so many bins are kept too, so that a search takes 90 + 100 steps. */
const GROUP = 100;
const GROUPS = BINS / GROUP;
/** The range of loudness lies between these percentiles (Tech 3342 §3). */
const RANGE_LOW = 0.1;
const RANGE_HIGH = 0.95;

/** Places in a histogram's numbers: what it found, its number of blocks and their power, and what it computes. */
export const MEAN = 0;
export const RANGE = 1;
const COUNT = 2;
const POWER = 3;
const FOUND = 4;
const LOUDNESS = 5;
const NUMBERS = 6;

/**
 * Makes of the weighted power at `values[at]` −0.691 + 10·log10 of it (BS.1770-5 Annex 1, equation 2), LUFS; −∞ for none. In
 * place, since engines may allocate the fractions that functions take and return.
 */
export function powersToLufs(values: Float64Array, at: number): void {
  powersToDb(values, at);
  values[at]! -= 0.691;
}

/** Gates by loudness. Allocates nothing after construction; 147 kB. */
export class LoudnessHistogram {
  /** Blocks and their powers per bin, and the same per group of bins. */
  readonly #counts: Float64Array = new Float64Array(BINS);
  readonly #powers: Float64Array = new Float64Array(BINS);
  readonly #groupCounts: Float64Array = new Float64Array(GROUPS);
  readonly #groupPowers: Float64Array = new Float64Array(GROUPS);
  /** By `MEAN`, LUFS, −∞ for no blocks, and `RANGE`, LU, what `findMean` and `findRange` found. */
  readonly numbers: Float64Array = new Float64Array(NUMBERS);

  constructor() {
    this.reset();
  }

  /** Adds a block whose power stands in `powers[index]`, if it is above −70 LUFS. */
  add(powers: Float64Array, index: number): void {
    const power = powers[index]!;
    const numbers = this.numbers;
    numbers[LOUDNESS] = power;
    powersToLufs(numbers, LOUDNESS);
    const loudness = numbers[LOUDNESS];
    if (!(loudness > LOWEST_LUFS)) return;
    const bin = Math.min(BINS - 1, Math.floor((loudness - LOWEST_LUFS) * PER_LU));
    const group = Math.floor(bin / GROUP);
    this.#counts[bin]! += 1;
    this.#powers[bin]! += power;
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
    const first = this.#firstAboveGate(below);
    let group = Math.ceil(first / GROUP);
    let count = 0;
    let power = 0;
    for (let bin = first; bin < group * GROUP; bin++) {
      count += this.#counts[bin]!;
      power += this.#powers[bin]!;
    }
    for (; group < GROUPS; group++) {
      count += this.#groupCounts[group]!;
      power += this.#groupPowers[group]!;
    }
    if (count === 0) return;
    numbers[MEAN] = power / count;
    powersToLufs(numbers, MEAN);
  }

  /**
   * Finds how far the loudness at the 95th of a hundred blocks in order lies above that at the 10th, among the blocks above a
   * gate `below` LU under the ungated mean: see `RANGE`. The percentiles are those of Tech 3342 §3 and annex A.
   */
  findRange(below: number): void {
    const numbers = this.numbers;
    numbers[RANGE] = 0;
    if (numbers[COUNT] === 0) return;
    const first = this.#firstAboveGate(below);
    let skipped = 0;
    const group = Math.floor(first / GROUP);
    for (let i = 0; i < group; i++) skipped += this.#groupCounts[i]!;
    for (let bin = group * GROUP; bin < first; bin++) skipped += this.#counts[bin]!;
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
    this.#powers.fill(0);
    this.#groupCounts.fill(0);
    this.#groupPowers.fill(0);
    this.numbers.fill(0);
    this.numbers[MEAN] = -Infinity;
  }

  /** The bin that the gate cuts counts as above when the mean of its blocks is. */
  #firstAboveGate(below: number): number {
    const numbers = this.numbers;
    numbers[LOUDNESS] = numbers[POWER]! / numbers[COUNT]!;
    powersToLufs(numbers, LOUDNESS);
    const gate = numbers[LOUDNESS] - below;
    if (gate < LOWEST_LUFS) return 0;
    const bin = Math.min(BINS - 1, Math.floor((gate - LOWEST_LUFS) * PER_LU));
    const count = this.#counts[bin]!;
    if (count === 0) return bin + 1;
    numbers[LOUDNESS] = this.#powers[bin]! / count;
    powersToLufs(numbers, LOUDNESS);
    return numbers[LOUDNESS] > gate ? bin : bin + 1;
  }

  /** Finds the mean loudness of the bin that holds the block with that place, counted from 0, in the order of loudness. */
  #findPlace(place: number): void {
    let passed = 0;
    let group = 0;
    while (group < GROUPS - 1 && passed + this.#groupCounts[group]! <= place) {
      passed += this.#groupCounts[group++]!;
    }
    let bin = group * GROUP;
    while (bin < BINS - 1 && passed + this.#counts[bin]! <= place) passed += this.#counts[bin++]!;
    this.numbers[FOUND] = this.#powers[bin]! / this.#counts[bin]!;
    powersToLufs(this.numbers, FOUND);
  }
}
