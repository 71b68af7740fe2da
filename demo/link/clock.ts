/** A scheduled action that can still be cancelled. */
export interface ClockTimer {
  cancel(): void;
}

/** The clock of a network model: simulated or real time. */
export interface Clock {
  /** ms from the clock's beginning. While a timer runs, its due time: anything computed from it is never late. */
  readonly nowMs: number;
  /** Runs `action` at a time, after everything set earlier for that time or before. A time that has passed means now. */
  at(timeMs: number, action: () => void): ClockTimer;
}

class Timer implements ClockTimer {
  readonly timeMs: number;
  /** Which of two at the same time was set first. */
  readonly order: number;
  /** null when cancelled or done. */
  action: (() => void) | null;

  constructor(timeMs: number, order: number, action: () => void) {
    this.timeMs = timeMs;
    this.order = order;
    this.action = action;
  }

  cancel(): void {
    this.action = null;
  }
}

const before = (a: Timer, b: Timer): boolean =>
  a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);

/** Timers in the order in which they are due: a binary heap. */
export class TimerQueue {
  readonly #heap: Timer[] = [];
  #count = 0;

  /** When the first one is due; Infinity when there is none. */
  get nextMs(): number {
    while (this.#heap[0]?.action === null) this.#removeFirst();
    return this.#heap[0]?.timeMs ?? Infinity;
  }

  /** How many are waiting, including some that are cancelled. */
  get length(): number {
    return this.#heap.length;
  }

  add(timeMs: number, action: () => void): ClockTimer {
    const timer = new Timer(timeMs, this.#count++, action);
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent]!, timer)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = timer;
    return timer;
  }

  /** Takes the first one out; call it only while `nextMs` is finite. */
  take(): () => void {
    const timer = this.#heap[0]!;
    this.#removeFirst();
    const action = timer.action!;
    timer.action = null;
    return action;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

/** Time that passes only on request: an hour takes as long as what happens in it. */
export class VirtualClock implements Clock {
  nowMs = 0;
  readonly #timers = new TimerQueue();

  at(timeMs: number, action: () => void): ClockTimer {
    return this.#timers.add(Math.max(timeMs, this.nowMs), action);
  }

  /** Lets time pass until `timeMs`, and runs everything that is due by then. */
  runUntil(timeMs: number): void {
    while (this.#timers.nextMs <= timeMs) {
      this.nowMs = this.#timers.nextMs;
      this.#timers.take()();
    }
    this.nowMs = Math.max(this.nowMs, timeMs);
  }
}
