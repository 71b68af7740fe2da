/** Each point of the envelope is the fastest packet of this long: at first, so that much is known soon, and in the end. */
const FIRST_SPAN_MS = 250;
const SPAN_MS = 2000;
/** Points that are looked at: two minutes, in the end. */
const POINTS = 64;
/** Fewer say nothing. */
const ENOUGH = 8;
/** No quartz is as far off: more than this is the network, unless it is certain … */
export const USUAL_MAX_SKEW = 1500e-6;
/** … by so many standard deviations: then it is a device that loses or repeats some of its audio. */
const CERTAIN_DEVIATIONS = 8;
/** More than this is not believed in any case. */
const MAX_SKEW = 0.06;
/** Then each half of the points alone slopes alike, to within this share. */
const STRAIGHT_SHARE = 0.5;
/** How far off clocks usually are: an uncertain slope counts the less, the more its error exceeds this. */
const USUAL_SKEW = 150e-6;
/** A point this far from the line, in ms, in grains and in standard deviations, is a stall or another route. */
const OUTLIER_MS = 5;
const OUTLIER_GRAINS = 1.5;
const OUTLIER_DEVIATIONS = 4;
/** So many of them in a row, as close together as points of a line, are another route. */
const CONFIRMED = 3;
/** After so many that are not, the line means nothing. */
const LEFT_OUT = 12;
/** Points this far from the line, in ms, of which the newer half are nearer to one of their own by this factor, are two lines. */
const BROKEN_MS = 20;
const BROKEN_RATIO = 4;
const DEVICE_BROKEN_MS = 10;
const DEVICE_BROKEN_RATIO = 3;

/** The slots of changing numbers. */
const SPAN_END = 0;
const LEAST = 1;
const LEAST_AT = 2;
const SKEW = 3;
/** The line: its middle, its slope, and how far points lie from it. */
const MEAN_TIME = 4;
const MEAN_OFFSET = 5;
const SLOPE = 6;
const DEVIATION = 7;
/** The outlier nearest to the line, of those in a row. */
const NEAREST = 8;
/** How long a point's time is at present. */
const SPAN = 9;
/** Of the points' times, times their number. */
const VARIANCE = 10;
const SLOTS = 11;

/** Places in {@link DriftEstimator.input}. */
export const NOW = 0;
export const OFFSET = 1;
export const GRAIN = 2;

/**
 * The ratio of the sender's clock to the receiver's, from arrivals. The network only ever delays: the fastest packets of each
 * quarter of a second, later of each two seconds, lie along a line, whose slope is the clocks' difference. Stalls are left out, and a step, which another route
 * makes, is taken out.
 */
export class DriftEstimator {
  /**
   * What {@link observeInput} takes: when a packet came, and its offset, in ms; and the grain: arrivals are told in steps of so
   * much, ms, 0 for exactly. In an array, as the numbers of a call would be allocated wherever it is not inlined.
   */
  readonly input: Float64Array = new Float64Array(3);
  readonly #times: Float64Array = new Float64Array(POINTS);
  readonly #offsets: Float64Array = new Float64Array(POINTS);
  readonly #state: Float64Array = new Float64Array(SLOTS);
  #count = 0;
  /** Outliers in a row that lie close together; and how often in a row they did not. */
  #outliers = 0;
  #leftOut = 0;

  constructor() {
    this.reset();
  }

  /** By how much the receiver's clock runs ahead of the sender's in a unit of its own: 100e-6 is 100 ppm. −0.06 to 0.06; 0 until known. */
  get skew(): number {
    return this.#state[SKEW]!;
  }

  /** The sender's clock over the receiver's: the speed at which what was received has to be played. */
  get ratio(): number {
    return 1 - this.#state[SKEW]!;
  }

  /**
   * Turns a time on the receiver's clock, ms, into that on the sender's by the line of the fastest packets, in place. Only
   * while {@link known}. @internal
   */
  translate(times: Float64Array): void {
    const state = this.#state;
    const now = times[0]!;
    times[0] = now - state[MEAN_OFFSET]! - state[SKEW]! * (now - state[MEAN_TIME]!);
  }

  /** Whether there has been enough to go by. */
  get known(): boolean {
    return this.#count >= ENOUGH;
  }

  /**
   * A packet came.
   * @param nowMs when, on the receiver's clock
   * @param offsetMs that less its time on the sender's clock
   */
  observe(nowMs: number, offsetMs: number): void {
    this.input[NOW] = nowMs;
    this.input[OFFSET] = offsetMs;
    this.observeInput();
  }

  /** As new. */
  reset(): void {
    this.#count = 0;
    this.#outliers = 0;
    this.#leftOut = 0;
    this.#state.fill(0);
    this.#state[LEAST] = Infinity;
    this.#state[SPAN_END] = -Infinity;
    this.#state[SPAN] = FIRST_SPAN_MS;
  }

  /** As {@link observe}, of what {@link input} holds. */
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

  /** The span is over: its fastest packet is a point, or an outlier. */
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

  /** Makes one point of two, the faster: from now on each stands for twice the time. */
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

  /** Whether the new point is to be left out. Where it confirms a step, the points before are moved by it. */
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
      // A path that changed made the slope before, not the clocks.
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
   * Whether the newer half of the points lies on a line, and all of them do not: a step came before a line was known that it would
   * have stood out from. Where the newer line is that of a device that is off by percent, less will do.
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

  /** Works the skew out. */
  #fit(): void {
    this.#draw(0);
    const state = this.#state;
    const slope = state[SLOPE]!;
    // The likeliest skew, where clocks' differences and the slope's errors are both normal.
    const error = (state[DEVIATION]! * state[DEVIATION]!) / state[VARIANCE]!;
    const skew = slope / (1 + error / (USUAL_SKEW * USUAL_SKEW));
    const certain = CERTAIN_DEVIATIONS * CERTAIN_DEVIATIONS * error < slope * slope;
    if (certain && isPossible(slope) && (isUsual(slope) || this.#isStraight())) state[SKEW] = slope;
    else if (skew > USUAL_MAX_SKEW) state[SKEW] = USUAL_MAX_SKEW;
    else state[SKEW] = skew < -USUAL_MAX_SKEW ? -USUAL_MAX_SKEW : skew;
  }

  /** Whether both halves of the points slope alike: a path that changed gradually bends the line. Leaves the line of all. */
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

  /** Draws the line through the points from `first` on: least squares. */
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
    // Where the grain and the packets' spacing keep step, points lie along another line, and exactly so.
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
