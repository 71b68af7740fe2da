import type { Clock } from './invariants.ts';
import type { World } from './schedule.ts';

/** Timers of a hidden page come at multiples of this. */
const THROTTLE_MS = 1000;
const LEAST_MS = 0.25;

/** The client's machine and its page: whether they run, their clock, their timers. */
export class Machine {
  readonly #world: World;
  readonly #time: Clock;
  readonly #random: () => number;
  #stopped = 0;
  #asleep = 0;
  #asleepSince = 0;
  /** So far the machine's clock is behind: it stood still while it slept, or was set. */
  #behindMs = 0;
  hidden = 0;
  /** What waits until the page runs. */
  readonly #backlog: (() => void)[] = [];

  constructor(world: World, time: Clock, random: () => number) {
    this.#world = world;
    this.#time = time;
    this.#random = random;
  }

  get runs(): boolean {
    return this.#stopped === 0;
  }

  get isAwake(): boolean {
    return this.#asleep === 0;
  }

  /** Ms of the page's clock. */
  get now(): number {
    return this.#time.now - this.#behindMs;
  }

  setClock(by: number): void {
    this.#behindMs -= by;
  }

  /** Runs it now, or as soon as the page runs. */
  post(run: () => void): void {
    if (this.runs) run();
    else this.#backlog.push(run);
  }

  freeze(): void {
    this.#stopped++;
  }

  thaw(): void {
    if (--this.#stopped > 0) return;
    // What comes of it may stop the page again.
    for (const run of this.#backlog.splice(0)) this.post(run);
  }

  sleep(): void {
    if (this.#asleep++ === 0) this.#asleepSince = this.#time.now;
    this.freeze();
  }

  wake(): void {
    if (--this.#asleep === 0 && this.#world.clockSleeps) {
      this.#behindMs += this.#time.now - this.#asleepSince;
    }
    this.thaw();
  }

  /** As `setTimeout`. @returns cancels it */
  setTimer(ms: number, run: () => void): () => void {
    let isCancelled = false;
    const { timerLateMs } = this.#world;
    // Engines round: a timer of a part of a ms takes some time nevertheless.
    const leastMs = Math.max(0, Math.min(LEAST_MS, ms));
    let at = this.#time.now + Math.max(leastMs, ms + timerLateMs * this.#random());
    if (this.hidden > 0) at = Math.ceil(at / THROTTLE_MS) * THROTTLE_MS;
    this.#time.at(at, () => {
      this.post(() => {
        if (!isCancelled) run();
      });
    });
    return () => {
      isCancelled = true;
    };
  }
}
