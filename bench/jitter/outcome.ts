import { PACKET_MS } from './traces.ts';
import type { Trace } from './traces.ts';

/** The beginning is not counted, ms: every subject starts from a guess. */
const WARM_UP_MS = 10_000;

/** What one run came to. */
export interface Outcome {
  /** From capture of a packet's first frame to the moment it is heard, transit included, ms. */
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Shares of the time. */
  readonly concealed: number;
  readonly scaled: number;
  readonly skipped: number;
  /** From the stall's end until the delay stays within 20 ms of what it was before, s; NaN if there is none. */
  readonly recoveryS: number;
  /** Runs of concealed sound per minute. */
  readonly eventsPerMinute: number;
  /** Delay's mean over the last minute less that over the first after the warm-up, ms. */
  readonly creepMs: number;
}

/** Takes down what a subject plays, the same for all subjects. */
export class Recorder {
  readonly #trace: Trace;
  readonly #at: number[] = [];
  readonly #delays: number[] = [];
  #totalMs = 0;
  #concealedMs = 0;
  #scaledMs = 0;
  #skippedMs = 0;
  #events = 0;
  #concealedUntil = -1;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** Packet n's first frame is heard at `heardMs`. */
  played(n: number, heardMs: number): void {
    if (heardMs < WARM_UP_MS) return;
    this.#at.push(heardMs);
    this.#delays.push(heardMs - this.#trace.sent[n]!);
  }

  concealed(ms: number, heardMs: number): void {
    if (heardMs < WARM_UP_MS) return;
    if (heardMs > this.#concealedUntil + 0.01) this.#events++;
    this.#concealedUntil = heardMs + ms;
    this.#concealedMs += ms;
  }

  /** Sound was made shorter or longer by `ms`. */
  scaled(ms: number, heardMs: number): void {
    if (heardMs >= WARM_UP_MS) this.#scaledMs += Math.abs(ms);
  }

  skipped(ms: number, heardMs: number): void {
    if (heardMs >= WARM_UP_MS) this.#skippedMs += ms;
  }

  /** The run ended. */
  finish(endMs: number, stallEndMs: number | undefined): Outcome {
    this.#totalMs = endMs - WARM_UP_MS;
    const delays = this.#delays;
    const sorted = Float64Array.from(delays).sort();
    const share = (p: number): number => sorted[Math.floor(p * (sorted.length - 1))] ?? NaN;
    return {
      meanMs: mean(delays),
      p50Ms: share(0.5),
      p95Ms: share(0.95),
      concealed: this.#concealedMs / this.#totalMs,
      scaled: this.#scaledMs / this.#totalMs,
      skipped: this.#skippedMs / this.#totalMs,
      recoveryS: stallEndMs === undefined ? NaN : this.#recovery(stallEndMs),
      eventsPerMinute: (this.#events * 60_000) / this.#totalMs,
      creepMs: this.#creep(endMs),
    };
  }

  #recovery(stallEndMs: number): number {
    const before: number[] = [];
    let back = stallEndMs;
    for (let i = 0; i < this.#at.length; i++) {
      if (this.#at[i]! < stallEndMs - 3000) before.push(this.#delays[i]!);
    }
    const usual = mean(before);
    for (let i = 0; i < this.#at.length; i++) {
      const at = this.#at[i]!;
      if (at >= stallEndMs && this.#delays[i]! > usual + 20) back = at + PACKET_MS;
    }
    return (back - stallEndMs) / 1000;
  }

  #creep(endMs: number): number {
    const first = this.#delays.filter((_, i) => this.#at[i]! < WARM_UP_MS + 60_000);
    const last = this.#delays.filter((_, i) => this.#at[i]! > endMs - 60_000);
    return mean(last) - mean(first);
  }
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
