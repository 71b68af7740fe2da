import type { CongestionControl, CongestionControlName } from './congestion-control.ts';
import { createCongestionControl } from './congestion-control.ts';

/** RFC 6928. */
const FIRST_WINDOW = 10;

/** How many segments may be under way, as Linux keeps it. */
export class CongestionWindow {
  readonly #control: CongestionControl;
  #current = FIRST_WINDOW;
  /** Below it the window doubles each round trip (slow start). */
  #threshold = Infinity;
  /** Acknowledged segments towards the next step. */
  #towardsStep = 0;
  /** The window and the threshold before they were last reduced, for undo; 0 when there is nothing to undo. */
  #priorWindow = 0;
  #priorThreshold = Infinity;
  /** Proportional rate reduction: segments delivered and sent since it began; null when it is not active. */
  #reduction: { delivered: number; sent: number } | null = null;
  /** Whether the window, not the writer, held segments back in the last round trip. */
  #limited = false;
  /** The most segments under way in the last round trip, and the byte whose acknowledgement ends it. */
  #mostUsed = 0;
  #usageEnd = 0;

  constructor(control: CongestionControlName) {
    this.#control = createCongestionControl(control);
  }

  /** Segments that may be under way. */
  get segments(): number {
    return this.#current;
  }

  /** A loss: begins to reduce the window. */
  startReduction(): void {
    this.#remember();
    this.#threshold = this.#control.afterLoss(this.#current);
    this.#reduction = { delivered: 0, sent: 0 };
    this.#towardsStep = 0;
  }

  /**
   * An acknowledgement came while the window is being reduced (RFC 6937 §3.1, with the slow start of its successor).
   * @param delivered segments that it reports as arrived
   * @param progress whether it moved on without a further loss
   */
  reduce(inFlight: number, delivered: number, progress: boolean): void {
    const reduction = this.#reduction;
    const threshold = this.#threshold;
    if (reduction === null || delivered <= 0) return;
    reduction.delivered += delivered;
    const room = threshold - inFlight;
    let send;
    if (room < 0) {
      send = Math.ceil((threshold * reduction.delivered) / this.#priorWindow) - reduction.sent;
    } else {
      send = Math.max(reduction.delivered - reduction.sent, delivered) + (progress ? 1 : 0);
      send = Math.min(room, send);
    }
    // The first retransmission always goes.
    if (reduction.sent === 0) send = Math.max(send, 1);
    this.#current = inFlight + Math.max(send, 0);
  }

  /** Segments went out while the window is being reduced. */
  sent(segments: number): void {
    if (this.#reduction !== null) this.#reduction.sent += segments;
  }

  /** The loss is repaired. */
  endReduction(): void {
    this.#current = this.#threshold;
    this.#reduction = null;
  }

  /** Nothing came back for too long. @param first whether this loss has not reduced the window already */
  timeOut(inFlight: number, first: boolean): void {
    if (first) {
      this.#remember();
      this.#threshold = this.#control.afterLoss(this.#current);
    }
    this.#current = inFlight + 1;
    this.#towardsStep = 0;
    this.#reduction = null;
  }

  /** There was no loss. */
  undo(): void {
    if (this.#priorWindow > 0) {
      this.#current = Math.max(this.#current, this.#priorWindow);
      this.#threshold = Math.max(this.#threshold, this.#priorThreshold);
    }
    this.#priorWindow = 0;
    this.#reduction = null;
  }

  /** Segments were acknowledged, and none is missing. */
  grow(acknowledged: number, nowMs: number, roundTripMs: number): void {
    // An unused window is not known to be right (RFC 9293 §3.8.6, RFC 7661).
    const slow = this.#current < this.#threshold;
    if (!this.#limited && !(slow && this.#current < 2 * this.#mostUsed)) return;
    let left = acknowledged;
    if (slow) {
      const widened = Math.min(this.#current + left, this.#threshold);
      left -= widened - this.#current;
      this.#current = widened;
      if (left <= 0) return;
    }
    const perStep = this.#control.segmentsPerStep(this.#current, left, nowMs, roundTripMs);
    if (this.#towardsStep >= perStep) {
      this.#towardsStep = 0;
      this.#current++;
    }
    this.#towardsStep += left;
    if (this.#towardsStep >= perStep) {
      const steps = Math.floor(this.#towardsStep / perStep);
      this.#towardsStep -= steps * perStep;
      this.#current += steps;
    }
  }

  /** Segments have been sent, or could not be. @param limited whether the window is full */
  noteUse(limited: boolean, underWay: number, acknowledged: number, next: number): void {
    const over = acknowledged >= this.#usageEnd;
    if (over || limited || (!this.#limited && underWay > this.#mostUsed)) {
      this.#limited = limited;
      this.#mostUsed = underWay;
      this.#usageEnd = next;
    }
  }

  #remember(): void {
    this.#priorWindow = this.#current;
    this.#priorThreshold =
      this.#reduction !== null
        ? this.#threshold
        : Math.max(this.#threshold, (this.#current >> 1) + (this.#current >> 2));
  }
}
