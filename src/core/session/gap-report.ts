import type { SessionGap } from './session-messages.ts';

/** Gaps are told together, so many ms after the first of them: where an outbox overflows each chunk is one. */
const GATHER_MS = 100;
/** So many wait at most; what comes then counts as part of the last one of its cause. */
const MAX_GAPS = 8;

interface OpenGap extends SessionGap {
  frames: number;
}

/** Gathers gaps: neighbours become one, and a storm of them becomes a few. */
export class GapReport {
  #gaps: OpenGap[] = [];
  #dueMs = Infinity;

  /** When `take` has something to tell. */
  get dueMs(): number {
    return this.#dueMs;
  }

  add(gap: SessionGap, nowMs: number): void {
    const last = this.#gaps.findLast(({ cause }) => cause === gap.cause);
    const isNext = last !== undefined && last.frame + last.frames === gap.frame;
    if (last !== undefined && (isNext || this.#gaps.length >= MAX_GAPS)) last.frames += gap.frames;
    else this.#gaps.push({ ...gap });
    if (this.#dueMs === Infinity) this.#dueMs = nowMs + GATHER_MS;
  }

  /** All gaps that were added since the last call. */
  take(): readonly SessionGap[] {
    const gaps = this.#gaps;
    this.#gaps = [];
    this.#dueMs = Infinity;
    return gaps;
  }
}
