import type { Clock, ClockTimer } from './clock.ts';

/** Linux's bounds of the time-out. RFC 6298 asks for at least 1 s, but nobody follows that. */
const LEAST_TIMEOUT_MS = 200;
const MOST_TIMEOUT_MS = 120_000;
/** Before the first round trip is known (RFC 6298 §2.1). */
const FIRST_TIMEOUT_MS = 1000;
/** What Linux adds where a timer must not fire before its time: two ticks of 1 ms. */
const TICKS_MS = 2;

/** What a timer calls. */
export interface RetransmissionTimerEvents {
  onprobe(): void;
  ontimeout(): void;
  onreorder(): void;
}

/** The round-trip time and the timers that depend on it: the probe (RFC 8985 §7), the time-out (RFC 6298), the reordering timer. */
export class RetransmissionTimer {
  readonly #clock: Clock;
  readonly #events: RetransmissionTimerEvents;
  #smoothed = 0;
  #variation = 0;
  #timeoutMs = FIRST_TIMEOUT_MS;
  #main: ClockTimer | null = null;
  #reorder: ClockTimer | null = null;
  /** Whether the main timer is for a probe. */
  #forProbe = false;

  constructor(clock: Clock, events: RetransmissionTimerEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** Smoothed round-trip time; 0 while unknown. */
  get smoothedMs(): number {
    return this.#smoothed;
  }

  /** Whether a probe is due next. */
  get probing(): boolean {
    return this.#main !== null && this.#forProbe;
  }

  /** Takes a round trip's duration. Ends the back-off. */
  measure(roundTripMs: number): void {
    if (this.#smoothed === 0) {
      this.#smoothed = Math.max(roundTripMs, 0.001);
      this.#variation = roundTripMs / 2;
    } else {
      this.#variation += (Math.abs(roundTripMs - this.#smoothed) - this.#variation) / 4;
      this.#smoothed += (roundTripMs - this.#smoothed) / 8;
    }
    // Linux bounds the variation's part, not the sum, from below.
    this.#timeoutMs = Math.min(
      MOST_TIMEOUT_MS,
      this.#smoothed + Math.max(LEAST_TIMEOUT_MS, 4 * this.#variation),
    );
  }

  /** Nothing came back: the next time-out takes twice as long (RFC 6298 §5.5). */
  backOff(): void {
    this.#timeoutMs = Math.min(MOST_TIMEOUT_MS, 2 * this.#timeoutMs);
    this.#set(this.#timeoutMs, false);
  }

  /**
   * Arms the time-out.
   * @param headSentMs when the oldest segment was sent
   * @param afterProbe whether a probe's timer that is replaced counts from that segment on
   */
  timeOutIn(headSentMs: number, afterProbe: boolean): void {
    const fromHead = afterProbe && this.probing;
    const left = headSentMs + this.#timeoutMs - this.#clock.nowMs;
    this.#set(fromHead ? Math.max(left, 1) : this.#timeoutMs, false);
  }

  /** Arms the probe. @param underWay segments not acknowledged: a lone one may wait for a delayed acknowledgement */
  probeIn(underWay: number, headSentMs: number): void {
    const wait = underWay === 1 ? LEAST_TIMEOUT_MS : TICKS_MS;
    const delay = this.#smoothed > 0 ? 2 * this.#smoothed + wait : FIRST_TIMEOUT_MS;
    const left = headSentMs + this.#timeoutMs - this.#clock.nowMs;
    this.#set(Math.min(delay, Math.max(left, 1)), true);
  }

  /** Asks again about segments that may have been overtaken, after that many ms; Infinity: not at all. */
  reorderIn(ms: number): void {
    this.#reorder?.cancel();
    this.#reorder = null;
    if (ms === Infinity) return;
    this.#reorder = this.#clock.at(this.#clock.nowMs + ms + TICKS_MS, () => {
      this.#reorder = null;
      this.#events.onreorder();
    });
  }

  /** All is acknowledged. */
  stop(): void {
    this.#main?.cancel();
    this.#main = null;
  }

  close(): void {
    this.stop();
    this.#reorder?.cancel();
  }

  #set(delayMs: number, forProbe: boolean): void {
    this.stop();
    this.#forProbe = forProbe;
    this.#main = this.#clock.at(this.#clock.nowMs + delayMs, () => {
      this.#main = null;
      if (forProbe) this.#events.onprobe();
      else this.#events.ontimeout();
    });
  }
}
