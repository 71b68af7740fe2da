import { powerToDb } from './decibels.ts';

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

/** −0.691 + 10·log10 of the weighted power (BS.1770-5 Annex 1, equation 2), in LUFS; −∞ for none. */
export function powerToLufs(power: number): number {
  return -0.691 + powerToDb(power);
}

/** Gates by loudness. Allocates nothing after construction; 147 kB. */
export class LoudnessHistogram {
  /** Blocks and their powers per bin, and the same per group of bins. */
  readonly #counts: Float64Array = new Float64Array(BINS);
  readonly #powers: Float64Array = new Float64Array(BINS);
  readonly #groupCounts: Float64Array = new Float64Array(GROUPS);
  readonly #groupPowers: Float64Array = new Float64Array(GROUPS);
  #count = 0;
  #power = 0;
  /** What `#findPlace` found. */
  #found = 0;
  /** What `findMean` found, LUFS; −∞ for no blocks. Results are fields: those of functions would be allocated. */
  mean: number = -Infinity;
  /** What `findRange` found, LU; 0 for no blocks. */
  range = 0;

  /** Adds a block whose power stands in `powers[index]`, if it is above −70 LUFS. */
  add(powers: Float64Array, index: number): void {
    const power = powers[index]!;
    const loudness = powerToLufs(power);
    if (!(loudness > LOWEST_LUFS)) return;
    const bin = Math.min(BINS - 1, Math.floor((loudness - LOWEST_LUFS) * PER_LU));
    const group = Math.floor(bin / GROUP);
    this.#counts[bin]! += 1;
    this.#powers[bin]! += power;
    this.#groupCounts[group]! += 1;
    this.#groupPowers[group]! += power;
    this.#count += 1;
    this.#power += power;
  }

  /** Finds the mean loudness of the blocks above a gate that lies `below` LU under their ungated mean: see `mean`. */
  findMean(below: number): void {
    this.mean = -Infinity;
    if (this.#count === 0) return;
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
    if (count > 0) this.mean = powerToLufs(power / count);
  }

  /**
   * Finds how far the loudness at the 95th of a hundred blocks in order lies above that at the 10th, among the blocks above a
   * gate `below` LU under the ungated mean: see `range`. The percentiles are those of Tech 3342 §3 and annex A.
   */
  findRange(below: number): void {
    this.range = 0;
    if (this.#count === 0) return;
    const first = this.#firstAboveGate(below);
    let skipped = 0;
    const group = Math.floor(first / GROUP);
    for (let i = 0; i < group; i++) skipped += this.#groupCounts[i]!;
    for (let bin = group * GROUP; bin < first; bin++) skipped += this.#counts[bin]!;
    const above = this.#count - skipped;
    if (above === 0) return;
    this.#findPlace(skipped + Math.round((above - 1) * RANGE_LOW));
    const low = this.#found;
    this.#findPlace(skipped + Math.round((above - 1) * RANGE_HIGH));
    this.range = this.#found - low;
  }

  /** Forgets every block. */
  reset(): void {
    this.#counts.fill(0);
    this.#powers.fill(0);
    this.#groupCounts.fill(0);
    this.#groupPowers.fill(0);
    this.#count = 0;
    this.#power = 0;
    this.mean = -Infinity;
    this.range = 0;
  }

  /** The bin that the gate cuts counts as above when the mean of its blocks is. */
  #firstAboveGate(below: number): number {
    const gate = powerToLufs(this.#power / this.#count) - below;
    if (gate < LOWEST_LUFS) return 0;
    const bin = Math.min(BINS - 1, Math.floor((gate - LOWEST_LUFS) * PER_LU));
    const count = this.#counts[bin]!;
    return count > 0 && powerToLufs(this.#powers[bin]! / count) > gate ? bin : bin + 1;
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
    this.#found = powerToLufs(this.#powers[bin]! / this.#counts[bin]!);
  }
}
