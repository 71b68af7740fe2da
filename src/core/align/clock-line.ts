import {
  DriftEstimator,
  NOW as DRIFT_NOW,
  OFFSET as DRIFT_OFFSET,
} from '../dsp/drift-estimator.ts';

/** Places in {@link ClockLine.input}. */
export const NOW = 0;
export const OFFSET = 1;

/** The slots of changing numbers. */
const LEAST = 0;
const LEAST_AT = 1;
const HELD_SKEW = 2;
const SLOTS = 3;

/**
 * One clock as another one shows it: the offset between both at any time, from observations that are late by a varying
 * amount and never early. While little is known, the earliest observation counts; then the line of a
 * {@link DriftEstimator} does.
 */
export class ClockLine {
  /** What {@link observe} takes: the time on the clock that shows, and the offset of the other one to it, in ms. */
  readonly input: Float64Array = new Float64Array(2);
  readonly #drift = new DriftEstimator();
  readonly #state: Float64Array = new Float64Array(SLOTS);
  readonly #times: Float64Array = new Float64Array(1);

  constructor() {
    this.#state[LEAST] = Infinity;
  }

  /** Whether anything was observed. */
  get begun(): boolean {
    return this.#state[LEAST]! < Infinity;
  }

  /** By how much the clock that shows runs ahead in a unit of the other one: 100e-6 is 100 ppm. */
  get skew(): number {
    return this.#drift.known ? this.#drift.skew : this.#state[HELD_SKEW]!;
  }

  /** The least offset that an observation at `nowMs` can have. Only once {@link begun}. */
  offsetAt(nowMs: number): number {
    const times = this.#times;
    times[0] = nowMs;
    this.translate(times);
    return nowMs - times[0]!;
  }

  /**
   * Turns a time on the clock that shows into one on the other clock, in place. Only once {@link begun}.
   * @param times in an array, as the number would be allocated where this is not inlined
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

  /** Takes {@link input}. */
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

  /** The offset has jumped: it is learned again. The clocks run as before. */
  restart(): void {
    const state = this.#state;
    state[HELD_SKEW] = this.skew;
    state[LEAST] = Infinity;
    state[LEAST_AT] = 0;
    this.#drift.reset();
  }
}
