import type { Clock, ClockTimer } from './clock.ts';
import { TimerQueue } from './clock.ts';
import { ErrorBoundary } from '../server/error-boundary.ts';

/**
 * A timer that is due within this time runs now: Node sleeps in steps of 1 ms, so it would otherwise be up to 1 ms late. Running this early
 * is within the clock's own resolution.
 */
const EARLY_MS = 0.25;

/** Rings once, after that many ms. @returns cancels it */
export type Alarm = (ms: number, ring: () => void) => () => void;

const timeoutAlarm: Alarm = (ms, ring) => {
  const timer = setTimeout(ring, ms);
  return () => clearTimeout(timer);
};

/**
 * Real time, ms since the process began, or the Worker. One system timer serves all: everything that is due runs at once.
 *
 * While timers run, time is what they were set for: a model that computes on from there is exact, however late the machine
 * is, and only what leaves the process is late. Lateness does not add up.
 */
export class RealClock implements Clock {
  readonly #timers = new TimerQueue();
  /** Cancels the alarm; null while none is set. */
  #disarm: (() => void) | null = null;
  #armedForMs = Infinity;
  /** The model's time; it does not go back. */
  #modelMs = 0;
  /** Whether timers are running now. */
  #running = false;
  readonly #boundary: ErrorBoundary;
  readonly #alarm: Alarm;

  /**
   * @param boundary catches what timers throw, so that those of others still run
   * @param alarm @default `setTimeout`
   */
  constructor(boundary: ErrorBoundary = new ErrorBoundary('clock'), alarm: Alarm = timeoutAlarm) {
    this.#boundary = boundary;
    this.#alarm = alarm;
  }

  get nowMs(): number {
    if (this.#running) return this.#modelMs;
    this.#modelMs = Math.max(this.#modelMs, performance.now());
    return this.#modelMs;
  }

  at(timeMs: number, action: () => void): ClockTimer {
    const timer = this.#timers.add(Math.max(timeMs, this.#modelMs), action);
    if (!this.#running) this.#arm();
    return timer;
  }

  /** Runs what is due. Call it first when something arrives from outside, so that everything happens in order of time. */
  catchUp(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#timers.nextMs <= performance.now() + EARLY_MS) {
        this.#modelMs = this.#timers.nextMs;
        this.#boundary.run(this.#timers.take());
      }
    } finally {
      this.#running = false;
      this.#arm();
    }
  }

  /** This clock for one user of it. @param end ends that user when one of its timers throws */
  guarded(end: () => void): Clock {
    const now = (): number => this.nowMs;
    return {
      get nowMs() {
        return now();
      },
      at: (timeMs, action) => this.at(timeMs, () => this.#boundary.run(action, end)),
    };
  }

  /** Stops all timers. */
  close(): void {
    this.#disarm?.();
    this.#disarm = null;
    this.#armedForMs = -Infinity;
  }

  #arm(): void {
    const next = this.#timers.nextMs;
    if (next === Infinity || next >= this.#armedForMs) return;
    this.#disarm?.();
    this.#armedForMs = next;
    // Rounded down: woken too early, it sleeps once more.
    this.#disarm = this.#alarm(Math.floor(next - performance.now()), () => {
      this.#armedForMs = Infinity;
      this.catchUp();
    });
  }
}
