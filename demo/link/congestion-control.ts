/**
 * How a sender's window reacts. Counts whole segments, as Linux does: with the few segments that speech has under way, rounding decides.
 */
export interface CongestionControl {
  /** The window after a loss. @param window the window before it, in segments */
  afterLoss(window: number): number;
  /**
   * How many acknowledged segments it takes to widen the window by one, when it is no longer in slow start.
   * @param acknowledged segments acknowledged just now
   * @param roundTripMs the least seen
   */
  segmentsPerStep(window: number, acknowledged: number, nowMs: number, roundTripMs: number): number;
}

/** Which reaction: CUBIC is what Linux, Windows, macOS, Android and iOS use unless told otherwise. */
export type CongestionControlName = 'cubic' | 'reno';

/** No window is smaller after a loss (RFC 5681 §3.1). */
const LEAST_WINDOW = 2;

/** RFC 5681: half after a loss, one more a round trip. */
class Reno implements CongestionControl {
  afterLoss(window: number): number {
    return Math.max(window >> 1, LEAST_WINDOW);
  }

  segmentsPerStep(window: number): number {
    return window;
  }
}

/** RFC 9438 §4.6: the share of the window that is left after a loss, as Linux has it. */
const BETA = 717 / 1024;
/** RFC 9438 §5, in segments a cubic second. */
const C = 0.4;
/** RFC 9438 §4.7: a bound between losses in a row lowers the last maximum further. */
const FAST_CONVERGENCE = (1 + BETA) / 2;
/** Acknowledged segments, in windows, for one step of the estimate of what Reno would have (RFC 9438 §4.3). */
const RENO_STEP = (1 + BETA) / (3 * (1 - BETA));

/** RFC 9438, with the friendliness to Reno that decides at small windows. */
class Cubic implements CongestionControl {
  /** The window before the last loss, or its value after fast convergence; 0 before the first. */
  #lastMaximum = 0;
  /** Since when the window has grown; -1 until the first growth after a loss. */
  #epochMs = -1;
  /** Seconds from the epoch to `origin`. */
  #secondsToOrigin = 0;
  #origin = 0;
  /** What Reno would have by now, and acknowledged segments not counted into it yet. */
  #renoWindow = 0;
  #renoCount = 0;

  afterLoss(window: number): number {
    this.#lastMaximum = window < this.#lastMaximum ? Math.floor(window * FAST_CONVERGENCE) : window;
    this.#epochMs = -1;
    return Math.max(Math.floor(window * BETA), LEAST_WINDOW);
  }

  segmentsPerStep(
    window: number,
    acknowledged: number,
    nowMs: number,
    roundTripMs: number,
  ): number {
    this.#renoCount += acknowledged;
    if (this.#epochMs < 0) {
      this.#epochMs = nowMs;
      this.#renoCount = acknowledged;
      this.#renoWindow = window;
      const below = this.#lastMaximum - window;
      this.#secondsToOrigin = below > 0 ? Math.cbrt(below / C) : 0;
      this.#origin = Math.max(this.#lastMaximum, window);
    }
    // One round trip ahead (RFC 9438 §4.2). Whole segments short of the maximum, or beyond it: a window of a few segments is back there
    // long before the curve is.
    const seconds = (nowMs - this.#epochMs + roundTripMs) / 1000 - this.#secondsToOrigin;
    const target = this.#origin + Math.trunc(C * seconds ** 3);
    let perStep = target > window ? Math.floor(window / (target - window)) : 100 * window;
    // Before the first loss there is no maximum to be wary of.
    if (this.#lastMaximum === 0) perStep = Math.min(perStep, 20);
    const renoStep = Math.floor(window * RENO_STEP);
    while (this.#renoCount > renoStep) {
      this.#renoCount -= renoStep;
      this.#renoWindow++;
    }
    if (this.#renoWindow > window) {
      perStep = Math.min(perStep, Math.floor(window / (this.#renoWindow - window)));
    }
    return Math.max(perStep, 2);
  }
}

/** A new congestion control for a connection. */
export function createCongestionControl(name: CongestionControlName): CongestionControl {
  return name === 'cubic' ? new Cubic() : new Reno();
}
