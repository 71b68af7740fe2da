/** Least time between restarts: a restart takes several round trips over a slow network, and another one would end it. */
const SPACING_MS = 2000;
/** Longest time between restarts that do not help: the intervals grow up to this. */
const LONGEST_WAIT_MS = 8000;
/** A path that has worked for this long is good: earlier restarts no longer count. */
const STEADY_MS = 10_000;

/** A step that is due, and when. */
export interface IceRestartStep {
  readonly act: 'restart' | 'fail';
  readonly atMs: number;
}

/**
 * Decides when ICE restarts (RFC 8445 §9), and when a call whose path is lost fails. Spaces restarts, so that neither an unstable
 * path nor a peer that asks repeatedly causes a storm. Has no clock: times are ms on any one scale. Read `next` again after each
 * call.
 */
export class IceRestartPlan {
  readonly #recoverTimeoutMs: number;
  /** null while the path works. */
  #lostAtMs: number | null = null;
  #worksSinceMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Restarts since the path was last steady. */
  #tries = 0;
  /** When a restart was requested that has not begun; null: there is no such request. */
  #askedAtMs: number | null = null;

  /** @param recoverTimeoutMs how long to try to recover a lost path; 0: not at all */
  constructor(recoverTimeoutMs: number) {
    this.#recoverTimeoutMs = recoverTimeoutMs;
  }

  /** Whether a lost path is being recovered. */
  get isRecovering(): boolean {
    return this.#lostAtMs !== null && this.#recoverTimeoutMs > 0;
  }

  /** Called when packets get through. */
  works(nowMs: number): void {
    if (this.#lostAtMs !== null || this.#worksSinceMs > nowMs) this.#worksSinceMs = nowMs;
    this.#lostAtMs = null;
  }

  /** Called when packets no longer get through. */
  lost(nowMs: number): void {
    if (this.#lostAtMs !== null) return;
    this.#lostAtMs = nowMs;
    if (nowMs - this.#worksSinceMs >= STEADY_MS) this.#tries = 0;
  }

  /** Called when the other side asks for a restart. */
  ask(nowMs: number): void {
    this.#askedAtMs ??= nowMs;
  }

  /** Called when this machine has another network, or its network is back: an attempt that failed before may succeed now. */
  networkChanged(nowMs: number): void {
    if (this.#recoverTimeoutMs === 0) return;
    this.#tries = 0;
    this.ask(nowMs);
  }

  /** Called when a restart has begun, or the other side was asked for one: its offer then belongs to that restart. */
  restarted(nowMs: number): void {
    if (nowMs - this.#lastMs >= SPACING_MS) this.#tries++;
    this.#lastMs = nowMs;
    this.#askedAtMs = null;
  }

  /** The next step if nothing happens until then; null: no step is due. */
  get next(): IceRestartStep | null {
    const asked =
      this.#askedAtMs === null ? Infinity : Math.max(this.#askedAtMs, this.#lastMs + SPACING_MS);
    if (this.#lostAtMs === null || this.#recoverTimeoutMs === 0) {
      return asked === Infinity ? null : { act: 'restart', atMs: asked };
    }
    const waitMs = Math.min(LONGEST_WAIT_MS, SPACING_MS * 2 ** Math.max(0, this.#tries - 1));
    const restart = Math.min(asked, Math.max(this.#lostAtMs, this.#lastMs + waitMs));
    const fail = this.#lostAtMs + this.#recoverTimeoutMs;
    return restart < fail ? { act: 'restart', atMs: restart } : { act: 'fail', atMs: fail };
  }
}
