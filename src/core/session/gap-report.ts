import type { SessionGap } from './session-messages.ts';

/** Time from the first gap until all are reported, in ms. If the outbox overflows, every chunk is a gap. */
const GATHER_MS = 100;
/** If this many gaps wait, they are reported at once. */
const MAX_GAPS = 8;

interface OpenGap extends SessionGap {
  frames: number;
}

/** Collects gaps, so that apps get few reports: neighbouring gaps are merged. */
export class GapReport {
  #gaps: OpenGap[] = [];
  #dueMs = Infinity;

  /** When `take` is due. */
  get dueMs(): number {
    return this.#dueMs;
  }

  add(gap: SessionGap, nowMs: number): void {
    const last = this.#gaps.findLast(({ cause }) => cause === gap.cause);
    if (last !== undefined && last.frame + last.frames === gap.frame) last.frames += gap.frames;
    else this.#gaps.push({ ...gap });
    if (this.#gaps.length >= MAX_GAPS) this.#dueMs = nowMs;
    else if (this.#dueMs === Infinity) this.#dueMs = nowMs + GATHER_MS;
  }

  /** Returns all gaps that were added since the last call. */
  take(): readonly SessionGap[] {
    const gaps = this.#gaps;
    this.#gaps = [];
    this.#dueMs = Infinity;
    return gaps;
  }
}
