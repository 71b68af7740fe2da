import {
  DriftEstimator,
  NOW as DRIFT_NOW,
  OFFSET as DRIFT_OFFSET,
} from '../dsp/drift-estimator.ts';

/** Places in {@link ClockLine.input}. */
export const NOW = 0;
export const OFFSET = 1;

/** Indices of the state. */
const LEAST = 0;
const LEAST_AT = 1;
const HELD_SKEW = 2;
const SLOTS = 3;

/**
 * Follows one clock by a reference clock: estimates the offset between them at any time, from observations that are late by a
 * varying amount and never early. Uses the earliest observation at first, and later the line of a {@link DriftEstimator}.
 */
export class ClockLine {
  /** Input of {@link observe}: the time on the reference clock, and that time minus the other clock's, in ms. */
  readonly input: Float64Array = new Float64Array(2);
  readonly #drift = new DriftEstimator();
  readonly #state: Float64Array = new Float64Array(SLOTS);
  readonly #times: Float64Array = new Float64Array(1);

  constructor() {
    this.#state[LEAST] = Infinity;
  }

  /** Whether there has been an observation. */
  get begun(): boolean {
    return this.#state[LEAST]! < Infinity;
  }

  /** By how much the reference clock gains on the other one per unit of its own time: 100e-6 is 100 ppm. */
  get skew(): number {
    return this.#drift.known ? this.#drift.skew : this.#state[HELD_SKEW]!;
  }

  /** Returns the least offset that an observation at `nowMs` can have. Only once {@link begun}. */
  offsetAt(nowMs: number): number {
    const times = this.#times;
    times[0] = nowMs;
    this.translate(times);
    return nowMs - times[0]!;
  }

  /**
   * Converts a time on the reference clock to the other clock, in place. Only once {@link begun}.
   * @param times an array, since a number would be allocated if this is not inlined
   */
  translate(times: Float64Array): void {
    if (this.#drift.known) {
      this.#drift.translate(times);
      return;
    }
    const state = this.#state;
    const now = times[0]!;
    times[0] = now - state[LEAST]! - state[HELD_SKEW]! * (now - state[LEAST_AT]!);
  }

  /** Takes the observation in {@link input}. */
  observe(): void {
    const now = this.input[NOW]!;
    const offset = this.input[OFFSET]!;
    const state = this.#state;
    const held = state[LEAST]! + state[HELD_SKEW]! * (now - state[LEAST_AT]!);
    if (!(offset >= held)) {
      state[LEAST] = offset;
      state[LEAST_AT] = now;
    }
    this.#drift.input[DRIFT_NOW] = now;
    this.#drift.input[DRIFT_OFFSET] = offset;
    this.#drift.observeInput();
  }

  /** Forgets the offset, which has jumped, but not the clocks' speeds. */
  restart(): void {
    const state = this.#state;
    state[HELD_SKEW] = this.skew;
    state[LEAST] = Infinity;
    state[LEAST_AT] = 0;
    this.#drift.reset();
  }
}
