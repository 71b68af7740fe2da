import type { CallStep } from 'micwire';

/** Where a bar begins and ends, 0 to 1 of the scale. */
export interface BarPlace {
  readonly from: number;
  readonly to: number;
}

/** What a step shows on the scale. */
export interface StepBars {
  /** Waiting for the other side, as a broken bar: it has no length on the scale. */
  readonly wait: BarPlace | null;
  readonly bar: BarPlace | null;
}

/** The share of the scale for what happens before the other side joins. */
const BEFORE = 0.16;
/** The part of that share for what happens before the wait. */
const MADE = 0.04;
/** A wait up to this length, ms, does not count as one. */
const NO_WAIT_MS = 50;

/**
 * The scale of a call's steps. Where one side waited for the other, it begins when both are there: the time that a person takes would make
 * the rest too small to see.
 */
export class StepScale {
  /** How long the wait has lasted, ms; null: it is not over. 0: there was none. */
  readonly waitedMs: number | null;
  /** ms since the call was made, at which the times shown begin. */
  readonly originMs: number;
  readonly #endMs: number;

  constructor(steps: readonly CallStep[]) {
    const signal = steps.find(({ name }) => name === 'signal');
    const start = signal?.startMs ?? 0;
    const waited = signal === undefined || signal.startMs === null ? 0 : signal.waitedMs;
    const isOver = waited === null && signal?.state !== 'active';
    this.waitedMs = isOver || (waited !== null && waited <= NO_WAIT_MS) ? 0 : waited;
    this.originMs = this.waitedMs === 0 ? 0 : start + (this.waitedMs ?? 0);
    // Once it is up a call may last long: its end does not belong on the scale of its start.
    const ends = steps.flatMap(({ name, startMs, endMs }) =>
      name === 'close' ? [] : [endMs ?? startMs ?? 0],
    );
    this.#endMs = Math.max(this.originMs + 1, ...ends);
  }

  /** Where a step lies. */
  place({ name, startMs, endMs }: CallStep): StepBars {
    const nothing = { wait: null, bar: null };
    if (startMs === null || name === 'close') return nothing;
    const { waitedMs } = this;
    if (waitedMs === 0) return { wait: null, bar: this.#bar(startMs, endMs) };
    if (name === 'create') return { wait: null, bar: { from: 0, to: MADE } };
    if (name !== 'signal') return { wait: null, bar: this.#bar(startMs, endMs) };
    const wait = { from: MADE, to: waitedMs === null ? 1 : BEFORE };
    return { wait, bar: waitedMs === null ? null : this.#bar(this.originMs, endMs) };
  }

  /** ms since both sides are there, or since the call was made where nobody waited. */
  since(ms: number): number {
    return ms - this.originMs;
  }

  #bar(startMs: number, endMs: number | null): BarPlace {
    return { from: this.#at(startMs), to: this.#at(endMs ?? this.#endMs) };
  }

  #at(ms: number): number {
    const begin = this.waitedMs === 0 ? 0 : BEFORE;
    const share = (ms - this.originMs) / (this.#endMs - this.originMs);
    return begin + (1 - begin) * Math.min(1, Math.max(0, share));
  }
}
