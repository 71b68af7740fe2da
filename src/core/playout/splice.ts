import type { FrameRing } from './frame-ring.ts';

/** Length of the cross-fade, and of the piece that must look alike on both sides. */
const OVERLAP_SECONDS = 0.008;
/** Cuts reach from a period of 400 Hz … */
const SHORTEST_SECONDS = 0.0025;
/** … to one of 62.5 Hz: below the deepest voices. */
const LONGEST_SECONDS = 0.016;
/** The first search runs at about this rate, where a period is still 15 samples and more. */
const COARSE_RATE = 6000;
/** The second search skips samples above this rate, so that its cost is the same at every rate. */
const FINE_RATE = 48_000;
/** Mean square of −60 dBFS: two such pieces join well anywhere. */
const QUIET = 1e-6;

/**
 * Leaves out a piece of the audio so that the join is not heard: of all allowed lengths it takes the one whose two sides look
 * most alike (normalised cross-correlation: for voices a whole number of periods) and cross-fades them along a raised cosine.
 * The synchronised overlap-add of Roucos and Wilgus (1985), one piece at a time. The search costs the same for every signal
 * and about the same at every rate. Allocates in its constructor only.
 */
export class Splice {
  /** Frames of the cross-fade. */
  readonly overlapFrames: number;
  /** The shortest piece that {@link search} leaves out. */
  readonly shortestFrames: number;
  /** How many frames `search` reaches from its shortest piece to its longest. */
  readonly reachFrames: number;
  /** The cross-faded join that `search` found, after {@link join}. One array per channel. */
  readonly overlap: readonly Float32Array[];
  /** How many frames the last search would leave out. */
  length = 0;
  /** How alike the two sides are: 1 the same, 0 unrelated, −1 opposite. */
  score = 0;

  readonly #candidates: readonly Float32Array[];
  readonly #monoTemplate: Float32Array;
  readonly #monoCandidates: Float32Array;
  readonly #coarseTemplate: Float32Array;
  readonly #coarseCandidates: Float32Array;
  /** Samples per coarse sample, and per sample of the second search. */
  readonly #coarseStep: number;
  readonly #fineStep: number;
  /** Weight of the side that fades in. */
  readonly #rise: Float32Array;
  #shortest = 0;

  constructor(sampleRate: number, channels: number) {
    const planar = (frames: number) =>
      Array.from({ length: channels }, () => new Float32Array(frames));
    this.overlapFrames = Math.ceil(OVERLAP_SECONDS * sampleRate);
    this.shortestFrames = Math.ceil(SHORTEST_SECONDS * sampleRate);
    this.reachFrames = Math.ceil(LONGEST_SECONDS * sampleRate) - this.shortestFrames;
    const candidates = this.reachFrames + this.overlapFrames;
    this.overlap = planar(this.overlapFrames);
    this.#candidates = planar(candidates);
    this.#monoTemplate = new Float32Array(this.overlapFrames);
    this.#monoCandidates = new Float32Array(candidates);
    this.#coarseStep = Math.max(1, Math.round(sampleRate / COARSE_RATE));
    this.#fineStep = Math.max(1, Math.floor(sampleRate / FINE_RATE));
    this.#coarseTemplate = new Float32Array(Math.floor(this.overlapFrames / this.#coarseStep));
    this.#coarseCandidates = new Float32Array(Math.floor(candidates / this.#coarseStep));
    this.#rise = Float32Array.from({ length: this.overlapFrames }, (_, i) => {
      return Math.sin((Math.PI / 2) * ((i + 0.5) / this.overlapFrames)) ** 2;
    });
  }

  /** Frames from the place of a cut that must be in the ring for a search from `shortest`. */
  neededFrames(shortest: number): number {
    return shortest + this.reachFrames + this.overlapFrames;
  }

  /**
   * Looks for the best piece to leave out at frame `frame` of the ring: `shortest` … `longest` frames, at most
   * `reachFrames` apart. Sets `length` and `score`.
   */
  search(ring: FrameRing, frame: number, shortest: number, longest: number): void {
    const { overlapFrames } = this;
    const reach = Math.max(0, Math.min(longest - shortest, this.reachFrames));
    this.#shortest = shortest;
    ring.decode(frame, overlapFrames, this.overlap, 0);
    ring.decode(frame + shortest, reach + overlapFrames, this.#candidates, 0);
    toMono(this.overlap, overlapFrames, this.#monoTemplate);
    toMono(this.#candidates, reach + overlapFrames, this.#monoCandidates);
    if (
      isQuiet(this.#monoTemplate, overlapFrames) &&
      isQuiet(this.#monoCandidates, reach + overlapFrames)
    ) {
      this.length = shortest + reach;
      this.score = 1;
      return;
    }
    const step = this.#coarseStep;
    thin(this.#monoTemplate, this.#coarseTemplate.length, step, this.#coarseTemplate);
    const coarseCandidates = Math.floor((reach + overlapFrames) / step);
    thin(this.#monoCandidates, coarseCandidates, step, this.#coarseCandidates);
    const near = this.#best(
      this.#coarseTemplate,
      this.#coarseCandidates,
      this.#coarseTemplate.length,
      0,
      coarseCandidates - this.#coarseTemplate.length,
      1,
    );
    const from = Math.max(0, (near - 1) * step);
    const to = Math.min(reach, (near + 1) * step);
    const best = this.#best(
      this.#monoTemplate,
      this.#monoCandidates,
      overlapFrames,
      from,
      to,
      this.#fineStep,
    );
    this.length = shortest + best;
  }

  /** Makes {@link overlap} of what the last search found. */
  join(): void {
    const at = this.length - this.#shortest;
    const rise = this.#rise;
    for (let c = 0; c < this.overlap.length; c++) {
      const out = this.overlap[c]!;
      const next = this.#candidates[c]!;
      for (let i = 0; i < out.length; i++) out[i]! += (next[at + i]! - out[i]!) * rise[i]!;
    }
  }

  /** The lag in `from` … `to` with the highest normalised correlation; sets `score`. */
  #best(
    template: Float32Array,
    candidates: Float32Array,
    frames: number,
    from: number,
    to: number,
    step: number,
  ): number {
    let templateEnergy = 0;
    for (let i = 0; i < frames; i += step) templateEnergy += template[i]! * template[i]!;
    let best = from;
    let bestScore = -2;
    for (let lag = from; lag <= to; lag += step) {
      let product = 0;
      let energy = 0;
      for (let i = 0; i < frames; i += step) {
        const candidate = candidates[lag + i]!;
        product += template[i]! * candidate;
        energy += candidate * candidate;
      }
      const score = product / Math.sqrt(templateEnergy * energy + Number.MIN_VALUE);
      if (score > bestScore) {
        bestScore = score;
        best = lag;
      }
    }
    this.score = bestScore;
    return best;
  }
}

/** Unequal weights, or channels of opposite phase would cancel. */
function toMono(channels: readonly Float32Array[], frames: number, mono: Float32Array): void {
  const first = channels[0]!;
  for (let i = 0; i < frames; i++) mono[i] = first[i]!;
  for (let c = 1; c < channels.length; c++) {
    const channel = channels[c]!;
    const weight = 1 / (1 + c);
    for (let i = 0; i < frames; i++) mono[i]! += weight * channel[i]!;
  }
}

function isQuiet(samples: Float32Array, frames: number): boolean {
  let energy = 0;
  for (let i = 0; i < frames; i++) energy += samples[i]! * samples[i]!;
  return energy < QUIET * frames;
}

/** Each `step` samples become their mean. */
function thin(samples: Float32Array, count: number, step: number, target: Float32Array): void {
  for (let i = 0, at = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0; j < step; j++) sum += samples[at++]!;
    target[i] = sum / step;
  }
}
