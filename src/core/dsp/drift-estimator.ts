/** Each point of the envelope is the fastest packet of a span: short at first, to learn quickly, and this long in the end. */
const FIRST_SPAN_MS = 250;
const SPAN_MS = 2000;
/** Number of points that are kept: two minutes of them in the end. */
const POINTS = 64;
/** With fewer points, nothing is known. */
const ENOUGH = 8;
/** No quartz is this far off: a larger skew comes from the network, unless it is certain … */
export const USUAL_MAX_SKEW = 1500e-6;
/** … by this many standard deviations: then it comes from a device that loses or repeats some of its audio. */
const CERTAIN_DEVIATIONS = 8;
/** A larger skew than this is never accepted. */
const MAX_SKEW = 0.06;
/** For such a device, each half of the points alone has the same slope, to within this fraction. */
const STRAIGHT_SHARE = 0.5;
/** How far off clocks usually are: the more a slope's error exceeds this, the less the slope counts. */
const USUAL_SKEW = 150e-6;
/** A point this far from the line, in ms, in grains and in standard deviations, comes from a stall or another route. */
const OUTLIER_MS = 5;
const OUTLIER_GRAINS = 1.5;
const OUTLIER_DEVIATIONS = 4;
/** This many outliers in a row, as close together as points of a line, come from another route. */
const CONFIRMED = 3;
/** After this many that are not so close together, the line is dropped. */
const LEFT_OUT = 12;
/**
 * If points lie this far from the line, in ms, and the newer half lies closer to a line of its own by this factor, there are two
 * lines.
 */
const BROKEN_MS = 20;
const BROKEN_RATIO = 4;
const DEVICE_BROKEN_MS = 10;
const DEVICE_BROKEN_RATIO = 3;

/** Indices of the state. */
const SPAN_END = 0;
const LEAST = 1;
const LEAST_AT = 2;
const SKEW = 3;
/** The line: its middle, its slope, and how far points lie from it. */
const MEAN_TIME = 4;
const MEAN_OFFSET = 5;
const SLOPE = 6;
const DEVIATION = 7;
/** The outlier nearest to the line, of the current row. */
const NEAREST = 8;
/** The current span of a point, ms. */
const SPAN = 9;
/** The variance of the points' times, multiplied by their number. */
const VARIANCE = 10;
const SLOTS = 11;

/** Places in {@link DriftEstimator.input}. */
export const NOW = 0;
export const OFFSET = 1;
export const GRAIN = 2;

/**
 * Estimates the ratio of the sender's clock to the receiver's from arrivals. The network only ever delays packets: the fastest
 * packets of each quarter of a second, later of each two seconds, lie along a line, whose slope is the clocks' difference.
 * Leaves out stalls, and removes the steps that other routes make.
 */
export class DriftEstimator {
  /**
   * Input of {@link observeInput}: a packet's time of arrival and its offset, in ms; and the grain, the resolution of arrival
   * times in ms, 0 if they are exact. An array, since the numbers of a call would be allocated if it is not inlined.
   */
  readonly input: Float64Array = new Float64Array(3);
  readonly #times: Float64Array = new Float64Array(POINTS);
  readonly #offsets: Float64Array = new Float64Array(POINTS);
  readonly #state: Float64Array = new Float64Array(SLOTS);
  #count = 0;
  /** Outliers in a row that lie close together; and how often in a row they have not. */
  #outliers = 0;
  #leftOut = 0;

  constructor() {
    this.reset();
  }

  /**
   * By how much the receiver's clock gains on the sender's per unit of its own time: 100e-6 is 100 ppm. −0.06 to 0.06; 0 until
   * known.
   */
  get skew(): number {
    return this.#state[SKEW]!;
  }

  /** The sender's clock divided by the receiver's: the speed at which received audio must be played. */
  get ratio(): number {
    return 1 - this.#state[SKEW]!;
  }

  /**
   * Converts a time on the receiver's clock, ms, to the sender's clock by the line of the fastest packets, in place. Only while
   * {@link known}. @internal
   */
  translate(times: Float64Array): void {
    const state = this.#state;
    const now = times[0]!;
    times[0] = now - state[MEAN_OFFSET]! - state[SKEW]! * (now - state[MEAN_TIME]!);
  }

  /** Whether there are enough points for an estimate. */
  get known(): boolean {
    return this.#count >= ENOUGH;
  }

  /**
   * Takes the arrival of a packet.
   * @param nowMs time of arrival on the receiver's clock
   * @param offsetMs `nowMs` minus the packet's time on the sender's clock
   */
  observe(nowMs: number, offsetMs: number): void {
    this.input[NOW] = nowMs;
    this.input[OFFSET] = offsetMs;
    this.observeInput();
  }

  /** Forgets everything. */
  reset(): void {
    this.#count = 0;
    this.#outliers = 0;
    this.#leftOut = 0;
    this.#state.fill(0);
    this.#state[LEAST] = Infinity;
    this.#state[SPAN_END] = -Infinity;
    this.#state[SPAN] = FIRST_SPAN_MS;
  }

  /** Does the same as {@link observe}, with the numbers in {@link input}. */
  observeInput(): void {
    const state = this.#state;
    const { input } = this;
    if (input[NOW]! >= state[SPAN_END]!) {
      if (state[LEAST]! < Infinity) this.#close();
      state[SPAN_END] = input[NOW]! + state[SPAN]!;
      state[LEAST] = Infinity;
    }
    if (input[OFFSET]! < state[LEAST]!) {
      state[LEAST] = input[OFFSET]!;
      state[LEAST_AT] = input[NOW]!;
    }
  }

  /** Ends the span: its fastest packet becomes a point, or is an outlier. */
  #close(): void {
    const state = this.#state;
    if (this.#count >= ENOUGH && this.#isOutlier()) return;
    this.#outliers = 0;
    this.#leftOut = 0;
    if (this.#count === POINTS && state[SPAN]! < SPAN_MS) this.#thin();
    if (this.#count === POINTS) this.#leaveOldest(1);
    this.#times[this.#count] = state[LEAST_AT]!;
    this.#offsets[this.#count++] = state[LEAST]!;
    if (this.#count < ENOUGH) return;
    this.#fit();
    if (this.#count >= 2 * ENOUGH && this.#isBroken()) this.#leaveOldHalf();
  }

  /** Keeps the faster of each two points: from now on a point's span is twice as long. */
  #thin(): void {
    const times = this.#times;
    const offsets = this.#offsets;
    for (let i = 0; i < POINTS / 2; i++) {
      const from = offsets[2 * i]! <= offsets[2 * i + 1]! ? 2 * i : 2 * i + 1;
      times[i] = times[from]!;
      offsets[i] = offsets[from]!;
    }
    this.#count = POINTS / 2;
    this.#state[SPAN] = 2 * this.#state[SPAN]!;
  }

  /** Returns whether to leave out the new point. If it confirms a step, moves the earlier points by that step. */
  #isOutlier(): boolean {
    const state = this.#state;
    const line = state[MEAN_OFFSET]! + state[SLOPE]! * (state[LEAST_AT]! - state[MEAN_TIME]!);
    const error = state[LEAST]! - line;
    const size = error < 0 ? -error : error;
    const grains = OUTLIER_GRAINS * this.input[GRAIN]!;
    const usual = grains > OUTLIER_MS ? grains : OUTLIER_MS;
    if (size < usual || size < OUTLIER_DEVIATIONS * state[DEVIATION]!) return false;
    const nearest = state[NEAREST]!;
    const apart = error - nearest;
    const most = usual + OUTLIER_DEVIATIONS * state[DEVIATION]!;
    if (this.#outliers === 0 || apart > most || apart < -most) {
      this.#outliers = 1;
      state[NEAREST] = error;
      if (++this.#leftOut < LEFT_OUT) return true;
      this.#forgetLine();
      return false;
    }
    if (size < (nearest < 0 ? -nearest : nearest)) state[NEAREST] = error;
    if (++this.#outliers < CONFIRMED) return true;
    this.#leftOut = 0;
    if (!isPossible(state[SLOPE]!)) {
      // The earlier slope came from a path that changed, not from the clocks.
      this.#forgetLine();
      return false;
    }
    const step = state[NEAREST]!;
    const offsets = this.#offsets;
    for (let i = 0; i < POINTS; i++) offsets[i] = offsets[i]! + step;
    return false;
  }

  #forgetLine(): void {
    this.#count = 0;
    this.#state[SKEW] = 0;
  }

  /**
   * Returns whether the newer half of the points lies on a line, but not all of them: a step came before there was a line to
   * reveal it. Smaller limits apply if the newer line is that of a device that is off by percent.
   */
  #isBroken(): boolean {
    const state = this.#state;
    const whole = state[DEVIATION]!;
    if (whole < DEVICE_BROKEN_MS) return false;
    this.#draw(this.#count - (this.#count >> 1));
    const newer = state[DEVIATION]!;
    const isDevice = isPossible(state[SLOPE]!) && !isUsual(state[SLOPE]!);
    this.#draw(0);
    if (isDevice) return newer < whole / DEVICE_BROKEN_RATIO;
    return whole >= BROKEN_MS && newer < whole / BROKEN_RATIO;
  }

  #leaveOldHalf(): void {
    const half = this.#count >> 1;
    this.#leaveOldest(this.#count - half);
    this.#fit();
  }

  #leaveOldest(count: number): void {
    this.#times.copyWithin(0, count, this.#count);
    this.#offsets.copyWithin(0, count, this.#count);
    this.#count -= count;
  }

  /** Computes the skew. */
  #fit(): void {
    this.#draw(0);
    const state = this.#state;
    const slope = state[SLOPE]!;
    // The most likely skew if the clocks' differences and the slope's errors are both normally distributed.
    const error = (state[DEVIATION]! * state[DEVIATION]!) / state[VARIANCE]!;
    const skew = slope / (1 + error / (USUAL_SKEW * USUAL_SKEW));
    const certain = CERTAIN_DEVIATIONS * CERTAIN_DEVIATIONS * error < slope * slope;
    if (certain && isPossible(slope) && (isUsual(slope) || this.#isStraight())) state[SKEW] = slope;
    else if (skew > USUAL_MAX_SKEW) state[SKEW] = USUAL_MAX_SKEW;
    else state[SKEW] = skew < -USUAL_MAX_SKEW ? -USUAL_MAX_SKEW : skew;
  }

  /** Returns whether both halves of the points have the same slope: a path that changes gradually bends the line. */
  #isStraight(): boolean {
    const state = this.#state;
    const whole = state[SLOPE]!;
    const count = this.#count;
    const half = count >> 1;
    this.#draw(count - half);
    const newer = state[SLOPE]!;
    this.#count = half;
    this.#draw(0);
    const older = state[SLOPE]!;
    this.#count = count;
    this.#draw(0);
    const most = STRAIGHT_SHARE * (whole < 0 ? -whole : whole);
    return (
      newer - whole < most && whole - newer < most && older - whole < most && whole - older < most
    );
  }

  /** Fits the line to the points from `first` on, by least squares. */
  #draw(first: number): void {
    const times = this.#times;
    const offsets = this.#offsets;
    const state = this.#state;
    const end = this.#count;
    const count = end - first;
    const firstTime = times[first]!;
    let sumTime = 0;
    let sumOffset = 0;
    for (let i = first; i < end; i++) {
      sumTime += times[i]! - firstTime;
      sumOffset += offsets[i]!;
    }
    const meanTime = firstTime + sumTime / count;
    const meanOffset = sumOffset / count;
    let covariance = 0;
    let variance = 0;
    let spread = 0;
    for (let i = first; i < end; i++) {
      const time = times[i]! - meanTime;
      const offset = offsets[i]! - meanOffset;
      covariance += time * offset;
      variance += time * time;
      spread += offset * offset;
    }
    const slope = covariance / variance;
    const left = (spread - slope * covariance) / (count - 2);
    // If the packets' spacing is in step with the grain, points lie exactly along another line.
    const grain = this.input[GRAIN]!;
    const least = (grain * grain) / 12;
    state[MEAN_TIME] = meanTime;
    state[MEAN_OFFSET] = meanOffset;
    state[SLOPE] = slope;
    state[VARIANCE] = variance;
    state[DEVIATION] = Math.sqrt(left > least ? left : least);
  }
}

function isPossible(slope: number): boolean {
  return slope > -MAX_SKEW && slope < MAX_SKEW;
}

function isUsual(slope: number): boolean {
  return slope > -USUAL_MAX_SKEW && slope < USUAL_MAX_SKEW;
}
