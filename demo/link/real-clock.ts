import { performance } from 'node:perf_hooks';
import type { Clock, ClockTimer } from './clock.ts';
import { TimerQueue } from './clock.ts';
import { ErrorBoundary } from '../server/error-boundary.ts';

/**
 * A timer that is due within this time is done now: Node sleeps in steps of 1 ms, so that it would else be late by up to one.
 * What this makes early, nobody can tell from the clock's own fineness.
 */
const EARLY_MS = 0.25;

/**
 * Real time, ms since the process began. One timer of Node serves all: the whole queue of what is due runs at once.
 *
 * While timers run, time is what they were set for: a model that computes on from there is exact, however late the machine
 * is, and only what leaves the process is late. Lateness does not add up.
 */
export class RealClock implements Clock {
  readonly #timers = new TimerQueue();
  #armed: ReturnType<typeof setTimeout> | null = null;
  #armedForMs = Infinity;
  /** Where the model's time stands; it does not go back. */
  #modelMs = 0;
  /** Whether timers are running now. */
  #running = false;
  readonly #boundary: ErrorBoundary;

  /** @param boundary catches what timers throw: those of others run all the same */
  constructor(boundary: ErrorBoundary = new ErrorBoundary('clock')) {
    this.#boundary = boundary;
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

  /** Does what is due. Call it first when something arrives from outside, so that all happens in the order of time. */
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

  /** Lets no timer run any more. */
  close(): void {
    clearTimeout(this.#armed ?? undefined);
    this.#armed = null;
    this.#armedForMs = -Infinity;
  }

  #arm(): void {
    const next = this.#timers.nextMs;
    if (next === Infinity || next >= this.#armedForMs) return;
    clearTimeout(this.#armed ?? undefined);
    this.#armedForMs = next;
    // Rounded down: woken too early, it sleeps once more.
    this.#armed = setTimeout(
      () => {
        this.#armedForMs = Infinity;
        this.catchUp();
      },
      Math.floor(next - performance.now()),
    );
  }
}
