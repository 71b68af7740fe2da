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

  /** Adds a block of that power, if it is above −70 LUFS. */
  add(power: number): void {
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

  /** Mean loudness of the blocks above a gate that lies `below` LU under their ungated mean, in LUFS; −∞ for none. */
  gatedMean(below: number): number {
    if (this.#count === 0) return -Infinity;
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
    return count > 0 ? powerToLufs(power / count) : -Infinity;
  }

  /**
   * How far the loudness at `high` (0 to 1, of the blocks in order) lies above that at `low`, among the blocks above a
   * gate `below` LU under the ungated mean, in LU; 0 for none. The percentiles are those of Tech 3342 annex A.
   */
  gatedRange(below: number, low: number, high: number): number {
    if (this.#count === 0) return 0;
    const first = this.#firstAboveGate(below);
    let skipped = 0;
    const group = Math.floor(first / GROUP);
    for (let i = 0; i < group; i++) skipped += this.#groupCounts[i]!;
    for (let bin = group * GROUP; bin < first; bin++) skipped += this.#counts[bin]!;
    const above = this.#count - skipped;
    if (above === 0) return 0;
    const lowest = this.#loudnessAt(skipped + Math.round((above - 1) * low));
    return this.#loudnessAt(skipped + Math.round((above - 1) * high)) - lowest;
  }

  /** Forgets every block. */
  reset(): void {
    this.#counts.fill(0);
    this.#powers.fill(0);
    this.#groupCounts.fill(0);
    this.#groupPowers.fill(0);
    this.#count = 0;
    this.#power = 0;
  }

  /** The bin that the gate cuts counts as above when the mean of its blocks is. */
  #firstAboveGate(below: number): number {
    const gate = powerToLufs(this.#power / this.#count) - below;
    if (gate < LOWEST_LUFS) return 0;
    const bin = Math.min(BINS - 1, Math.floor((gate - LOWEST_LUFS) * PER_LU));
    const count = this.#counts[bin]!;
    return count > 0 && powerToLufs(this.#powers[bin]! / count) > gate ? bin : bin + 1;
  }

  /** Mean loudness of the bin that holds the block with that place, counted from 0, in the order of loudness. */
  #loudnessAt(place: number): number {
    let passed = 0;
    let group = 0;
    while (group < GROUPS - 1 && passed + this.#groupCounts[group]! <= place) {
      passed += this.#groupCounts[group++]!;
    }
    let bin = group * GROUP;
    while (bin < BINS - 1 && passed + this.#counts[bin]! <= place) passed += this.#counts[bin++]!;
    return powerToLufs(this.#powers[bin]! / this.#counts[bin]!);
  }
}
