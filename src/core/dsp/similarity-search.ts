/** Cuts reach from a period of 400 Hz … */
const SHORTEST_SECONDS = 0.0025;
/** … to one of 62.5 Hz: below the deepest voices. */
const LONGEST_SECONDS = 0.016;
/** Length of the piece that must be similar on both sides. */
const OVERLAP_SECONDS = 0.008;
/** The first search runs at about this rate, at which a period still has 15 samples or more. */
const COARSE_RATE = 6000;
/** The second search skips samples above this rate, so that its cost is the same at every rate. */
const FINE_RATE = 48_000;
/** Mean square at −60 dBFS: two pieces as quiet as this join well anywhere. */
const QUIET = 1e-6;

/** More work than there can be. */
const ALL = 2 ** 29;

/** Indices of the numbers that change during a search: the engine would allocate fields at every change. */
const TEMPLATE_ENERGY = 0;
const ENERGY = 1;
const BEST_SCORE = 2;
const STATE_SLOTS = 3;

/**
 * Finds where a piece of audio is most similar to another: the lag with the highest normalized correlation, which for voices is
 * a whole number of periods. Searches coarsely at 6 kHz, then finely around the best lag. {@link begin} copies the audio, and
 * {@link work} compares it in portions that the caller sets, so that no render quantum does all the work. Costs the same for
 * every signal and about the same at every rate. Allocates in its constructor only.
 */
export class SimilaritySearch {
  /** Frames of the piece that is compared, and of the cross-fade that joins the two. */
  readonly overlapFrames: number;
  /** Frames of the shortest cut, a period of 400 Hz. */
  readonly shortestFrames: number;
  /** The highest lag that can be compared: lags span from the shortest cut to a period of 62.5 Hz. */
  readonly reachFrames: number;
  /** The best lag, once {@link work} is done. */
  lag = 0;

  readonly #state = new Float64Array(STATE_SLOTS);
  readonly #template: Float32Array;
  readonly #candidates: Float32Array;
  readonly #coarseTemplate: Float32Array;
  readonly #coarseCandidates: Float32Array;
  /** Samples per coarse sample, and per sample of the fine search. */
  readonly #coarseStep: number;
  readonly #fineStep: number;
  /** Nothing to do; or in the coarse search; or in the fine one. */
  #phase: 'done' | 'coarse' | 'fine' = 'done';
  #reach = 0;
  /** The next lag to compare, the last one, and the best so far, in samples of the current search. */
  #next = 0;
  #last = 0;
  #best = 0;

  constructor(sampleRate: number) {
    this.overlapFrames = Math.ceil(OVERLAP_SECONDS * sampleRate);
    this.shortestFrames = Math.ceil(SHORTEST_SECONDS * sampleRate);
    this.reachFrames = Math.ceil(LONGEST_SECONDS * sampleRate) - this.shortestFrames;
    const candidates = this.reachFrames + this.overlapFrames;
    this.#template = new Float32Array(this.overlapFrames);
    this.#candidates = new Float32Array(candidates);
    this.#coarseStep = Math.max(1, Math.round(sampleRate / COARSE_RATE));
    this.#fineStep = Math.max(1, Math.floor(sampleRate / FINE_RATE));
    this.#coarseTemplate = new Float32Array(Math.floor(this.overlapFrames / this.#coarseStep));
    this.#coarseCandidates = new Float32Array(Math.floor(candidates / this.#coarseStep));
  }

  /** How similar the two pieces are at the best lag: 1 equal, 0 unrelated, −1 opposite. */
  get score(): number {
    return this.#state[BEST_SCORE]!;
  }

  /** Most multiplications that are left to do; {@link work} counts the same. */
  get workLeft(): number {
    if (this.#phase === 'done') return 0;
    const step = this.#fineStep;
    const fineCost = Math.ceil(this.overlapFrames / step);
    if (this.#phase === 'fine')
      return (Math.floor((this.#last - this.#next) / step) + 1) * fineCost;
    const fine = (Math.floor((2 * this.#coarseStep) / step) + 1) * fineCost;
    return (this.#last - this.#next + 1) * this.#coarseTemplate.length + fine;
  }

  /**
   * Starts a search. All channels count, with unequal weights, so that channels of opposite phase do not cancel.
   * @param template the search looks for its frames `at` … `at + overlapFrames`
   * @param candidates the search looks in its frames `from` … `from + reach + overlapFrames`
   * @param reach the highest lag to compare, at most `reachFrames`
   * @param whenQuiet the lag to return if both are nearly silent
   */
  begin(
    template: readonly Float32Array[],
    at: number,
    candidates: readonly Float32Array[],
    from: number,
    reach: number,
    whenQuiet: number,
  ): void {
    const { overlapFrames } = this;
    const state = this.#state;
    const candidateFrames = reach + overlapFrames;
    toMono(template, at, overlapFrames, this.#template);
    toMono(candidates, from, candidateFrames, this.#candidates);
    this.#reach = reach;
    if (isQuiet(this.#template, overlapFrames) && isQuiet(this.#candidates, candidateFrames)) {
      this.#phase = 'done';
      this.lag = whenQuiet;
      state[BEST_SCORE] = 1;
      return;
    }
    const step = this.#coarseStep;
    const coarse = this.#coarseTemplate.length;
    thin(this.#template, coarse, step, this.#coarseTemplate);
    const coarseCandidates = Math.floor(candidateFrames / step);
    thin(this.#candidates, coarseCandidates, step, this.#coarseCandidates);
    this.#phase = 'coarse';
    this.#start(0, coarseCandidates - coarse);
    storeEnergy(this.#coarseTemplate, coarse, 1, state, TEMPLATE_ENERGY);
    storeEnergy(this.#coarseCandidates, coarse, 1, state, ENERGY);
  }

  /** Completes the search. */
  finish(): void {
    if (this.#phase === 'coarse') this.#compareCoarse(ALL);
    if (this.#phase === 'fine') this.#compareFine(ALL);
  }

  /**
   * Continues the search.
   * @param amount multiplications to spend; exceeded by those of one lag at most
   * @returns whether the search is done: `lag` and `score` are then its result
   */
  work(amount: number): boolean {
    let left = amount;
    if (this.#phase === 'coarse') left = this.#compareCoarse(left);
    if (this.#phase === 'fine') this.#compareFine(left);
    return this.#phase === 'done';
  }

  #start(first: number, last: number): void {
    this.#next = first;
    this.#last = last;
    this.#best = first;
    this.#state[BEST_SCORE] = -2;
  }

  /** @returns the rest of `amount` */
  #compareCoarse(amount: number): number {
    const template = this.#coarseTemplate;
    const candidates = this.#coarseCandidates;
    const state = this.#state;
    const frames = template.length;
    const last = this.#last;
    const templateEnergy = state[TEMPLATE_ENERGY]!;
    let left = amount;
    let energy = state[ENERGY]!;
    let bestScore = state[BEST_SCORE]!;
    let lag = this.#next;
    for (; lag <= last && left > 0; lag++) {
      let product = 0;
      for (let i = 0; i < frames; i++) product += template[i]! * candidates[lag + i]!;
      const score = correlation(product, templateEnergy, energy);
      if (score > bestScore) {
        bestScore = score;
        this.#best = lag;
      }
      const gone = candidates[lag]!;
      const come = lag < last ? candidates[lag + frames]! : 0;
      energy += come * come - gone * gone;
      left -= frames;
    }
    state[ENERGY] = energy;
    state[BEST_SCORE] = bestScore;
    this.#next = lag;
    if (lag <= last) return 0;
    const step = this.#coarseStep;
    const near = this.#best;
    this.#phase = 'fine';
    this.#start(Math.max(0, (near - 1) * step), Math.min(this.#reach, (near + 1) * step));
    storeEnergy(this.#template, this.overlapFrames, this.#fineStep, state, TEMPLATE_ENERGY);
    return left;
  }

  #compareFine(amount: number): void {
    const template = this.#template;
    const candidates = this.#candidates;
    const state = this.#state;
    const frames = this.overlapFrames;
    const step = this.#fineStep;
    const last = this.#last;
    const templateEnergy = state[TEMPLATE_ENERGY]!;
    const cost = Math.ceil(frames / step);
    let left = amount;
    let bestScore = state[BEST_SCORE]!;
    let lag = this.#next;
    for (; lag <= last && left > 0; lag += step) {
      let product = 0;
      let energy = 0;
      for (let i = 0; i < frames; i += step) {
        const candidate = candidates[lag + i]!;
        product += template[i]! * candidate;
        energy += candidate * candidate;
      }
      const score = correlation(product, templateEnergy, energy);
      if (score > bestScore) {
        bestScore = score;
        this.#best = lag;
      }
      left -= cost;
    }
    state[BEST_SCORE] = bestScore;
    this.#next = lag;
    if (lag <= last) return;
    this.#phase = 'done';
    this.lag = this.#best;
  }
}

function correlation(product: number, energyA: number, energyB: number): number {
  const energy = energyA * energyB;
  return energy > 1e-18 ? product / Math.sqrt(energy) : 0;
}

/** Stores the energy of every `step`th of `frames` samples. (A returned fraction would be allocated.) */
function storeEnergy(
  samples: Float32Array,
  frames: number,
  step: number,
  state: Float64Array,
  slot: number,
): void {
  let energy = 0;
  for (let i = 0; i < frames; i += step) energy += samples[i]! * samples[i]!;
  state[slot] = energy;
}

/** Mixes to mono with unequal weights, as channels of opposite phase would otherwise cancel. */
function toMono(
  channels: readonly Float32Array[],
  from: number,
  frames: number,
  mono: Float32Array,
): void {
  const first = channels[0]!;
  for (let i = 0; i < frames; i++) mono[i] = first[from + i]!;
  for (let c = 1; c < channels.length; c++) {
    const channel = channels[c]!;
    const weight = 1 / (1 + c);
    for (let i = 0; i < frames; i++) mono[i]! += weight * channel[from + i]!;
  }
}

function isQuiet(samples: Float32Array, frames: number): boolean {
  let energy = 0;
  for (let i = 0; i < frames; i++) energy += samples[i]! * samples[i]!;
  return energy < QUIET * frames;
}

/** Replaces each `step` samples by their mean. */
function thin(samples: Float32Array, count: number, step: number, target: Float32Array): void {
  for (let i = 0, at = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0; j < step; j++) sum += samples[at++]!;
    target[i] = sum / step;
  }
}
