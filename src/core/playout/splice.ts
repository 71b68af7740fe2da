import { planar } from '../dsp/planar.ts';
import { raisedCosine } from '../dsp/windows.ts';
import type { FrameRing } from './frame-ring.ts';
import { SimilaritySearch } from '../dsp/similarity-search.ts';

/**
 * Leaves out a piece of audio inaudibly: of all allowed lengths it chooses the one whose two sides are most similar, and
 * cross-fades them with a raised cosine. The synchronized overlap-add of Roucos and Wilgus (1985), one piece at a time. The work
 * can be spread over quanta. Allocates only in its constructor.
 */
export class Splice {
  /** Frames of the cross-fade. */
  readonly overlapFrames: number;
  /** The shortest piece that a search from `shortestFrames` can leave out. */
  readonly shortestFrames: number;
  /** Number of frames from the shortest to the longest piece of a search. */
  readonly reachFrames: number;
  /** The cross-faded join that the search found, after {@link join}. One array per channel. */
  readonly overlap: readonly Float32Array[];

  readonly #search: SimilaritySearch;
  readonly #candidates: readonly Float32Array[];
  /** Weight of the side that fades in. */
  readonly #rise: Float32Array;
  #shortest = 0;

  constructor(sampleRate: number, channels: number) {
    this.#search = new SimilaritySearch(sampleRate);
    const { overlapFrames, shortestFrames, reachFrames } = this.#search;
    this.overlapFrames = overlapFrames;
    this.shortestFrames = shortestFrames;
    this.reachFrames = reachFrames;
    this.overlap = planar(channels, overlapFrames);
    this.#candidates = planar(channels, reachFrames + overlapFrames);
    this.#rise = Float32Array.from({ length: overlapFrames }, (_, i) => {
      return raisedCosine((i + 0.5) / overlapFrames);
    });
  }

  /** Number of frames that the last search would leave out. */
  get length(): number {
    return this.#shortest + this.#search.lag;
  }

  /** Similarity of the two sides: 1 identical, 0 unrelated, −1 opposite. */
  get score(): number {
    return this.#search.score;
  }

  /** Remaining work of the search, in the unit of {@link work}. */
  get workLeft(): number {
    return this.#search.workLeft;
  }

  /** Returns the frames from the place of a cut that must be in the ring for a search from `shortest`. */
  neededFrames(shortest: number): number {
    return shortest + this.reachFrames + this.overlapFrames;
  }

  /**
   * Starts a search for the best piece to leave out at frame `frame` of the ring: `shortest` … `longest` frames, at most
   * `reachFrames` apart. The compared audio is copied from the ring.
   */
  begin(ring: FrameRing, frame: number, shortest: number, longest: number): void {
    const { overlapFrames } = this;
    const reach = Math.max(0, Math.min(longest - shortest, this.reachFrames));
    this.#shortest = shortest;
    ring.decode(frame, overlapFrames, this.overlap, 0);
    ring.decode(frame + shortest, reach + overlapFrames, this.#candidates, 0);
    this.#search.begin(this.overlap, 0, this.#candidates, 0, reach, reach);
  }

  /** Continues the search: see `SimilaritySearch.work`. @returns whether `length` and `score` are known */
  work(amount: number): boolean {
    return this.#search.work(amount);
  }

  /** Completes the search. */
  finish(): void {
    this.#search.finish();
  }

  /** Computes {@link overlap} for the result of the last search. */
  join(): void {
    const at = this.#search.lag;
    const rise = this.#rise;
    for (let c = 0; c < this.overlap.length; c++) {
      const out = this.overlap[c]!;
      const next = this.#candidates[c]!;
      for (let i = 0; i < out.length; i++) out[i]! += (next[at + i]! - out[i]!) * rise[i]!;
    }
  }
}
