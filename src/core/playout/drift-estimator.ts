/** Each point of the envelope is the fastest packet of this long. */
const SPAN_MS = 2000;
/** Points that are looked at: two minutes. */
const POINTS = 64;
/** Fewer tell nothing. */
const ENOUGH = 8;
/** No quartz is as far off; more than this is the network. */
const MAX_SKEW = 1500e-6;

const SPAN_END = 0;
const LEAST = 1;
const LEAST_AT = 2;
const SKEW = 3;
const SLOTS = 4;

/**
 * The ratio of the sender's clock to the receiver's, from arrivals. The network only ever delays: the fastest packets of each
 * two seconds lie along a line, whose slope is the clocks' difference. A route that changes makes a step, which is taken out.
 */
export class DriftEstimator {
  readonly #times: Float64Array = new Float64Array(POINTS);
  readonly #offsets: Float64Array = new Float64Array(POINTS);
  readonly #state: Float64Array = new Float64Array(SLOTS);
  #count = 0;
  #oldest = 0;

  constructor() {
    this.reset();
  }

  /** By how much the receiver's clock runs faster than the sender's: 100e-6 is 100 ppm. −1500e-6 to 1500e-6; 0 until known. */
  get skew(): number {
    return this.#state[SKEW]!;
  }

  /** The sender's clock over the receiver's: the speed at which what was received has to be played. */
  get ratio(): number {
    return 1 / (1 + this.#state[SKEW]!);
  }

  /**
   * A packet came.
   * @param nowMs when, on the receiver's clock
   * @param offsetMs that less its time on the sender's clock
   */
  observe(nowMs: number, offsetMs: number): void {
    const state = this.#state;
    if (nowMs >= state[SPAN_END]!) {
      if (state[LEAST]! < Infinity) this.#close();
      state[SPAN_END] = nowMs + SPAN_MS;
      state[LEAST] = Infinity;
    }
    if (offsetMs < state[LEAST]!) {
      state[LEAST] = offsetMs;
      state[LEAST_AT] = nowMs;
    }
  }

  /** As new. */
  reset(): void {
    this.#count = 0;
    this.#oldest = 0;
    this.#state.fill(0);
    this.#state[LEAST] = Infinity;
    this.#state[SPAN_END] = -Infinity;
  }

  #close(): void {
    const at = (this.#oldest + this.#count) % POINTS;
    this.#times[at] = this.#state[LEAST_AT]!;
    this.#offsets[at] = this.#state[LEAST]!;
    if (this.#count < POINTS) this.#count++;
    else this.#oldest = (this.#oldest + 1) % POINTS;
    if (this.#count >= ENOUGH) this.#fit();
  }

  /** Least squares through the points. */
  #fit(): void {
    const times = this.#times;
    const offsets = this.#offsets;
    const count = this.#count;
    const t0 = times[this.#oldest]!;
    let sumT = 0;
    let sumX = 0;
    for (let i = 0; i < count; i++) {
      const at = (this.#oldest + i) % POINTS;
      sumT += times[at]! - t0;
      sumX += offsets[at]!;
    }
    const meanT = sumT / count;
    const meanX = sumX / count;
    let top = 0;
    let bottom = 0;
    for (let i = 0; i < count; i++) {
      const at = (this.#oldest + i) % POINTS;
      const t = times[at]! - t0 - meanT;
      top += t * (offsets[at]! - meanX);
      bottom += t * t;
    }
    const skew = bottom > 0 ? top / bottom : 0;
    const limit = count < POINTS / 2 ? MAX_SKEW / 5 : MAX_SKEW;
    this.#state[SKEW] = skew > limit ? limit : skew < -limit ? -limit : skew;
  }
}
