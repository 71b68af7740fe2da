/** Between two restarts at least: a restart takes several round trips over a slow network, and another would end it. */
const SPACING_MS = 2000;
/** Restarts that do not help come further apart, up to this. */
const LONGEST_WAIT_MS = 8000;
/** A path that has worked for so long is a good one: what it took to find it is forgotten. */
const STEADY_MS = 10_000;

/** What is due, and when. */
export interface IceRestartStep {
  readonly act: 'restart' | 'fail';
  readonly atMs: number;
}

/**
 * Decides when ICE restarts (RFC 8445 §9), and when a call whose path is lost fails. Restarts are spaced, so that neither a path that
 * comes and goes nor a peer that asks again and again causes a storm. It has no clock: times are ms on any one scale, and `next` is
 * asked again after each call.
 */
export class IceRestartPlan {
  readonly #recoverTimeoutMs: number;
  /** null while the path works. */
  #lostAtMs: number | null = null;
  #worksSinceMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;
  /** Restarts since the path was last steady. */
  #tries = 0;
  /** When somebody asked for a restart that has not begun; null: nobody has. */
  #askedAtMs: number | null = null;

  /** @param recoverTimeoutMs a path that is lost for so long is given up; 0: nothing is done about it */
  constructor(recoverTimeoutMs: number) {
    this.#recoverTimeoutMs = recoverTimeoutMs;
  }

  /** Whether a lost path is being looked for. */
  get isRecovering(): boolean {
    return this.#lostAtMs !== null && this.#recoverTimeoutMs > 0;
  }

  /** Packets get through. */
  works(nowMs: number): void {
    if (this.#lostAtMs !== null || this.#worksSinceMs > nowMs) this.#worksSinceMs = nowMs;
    this.#lostAtMs = null;
  }

  /** They do not any more. */
  lost(nowMs: number): void {
    if (this.#lostAtMs !== null) return;
    this.#lostAtMs = nowMs;
    if (nowMs - this.#worksSinceMs >= STEADY_MS) this.#tries = 0;
  }

  /** The other side asks for a restart. */
  ask(nowMs: number): void {
    this.#askedAtMs ??= nowMs;
  }

  /** This machine has another network, or its network is back: what failed before may work now. */
  networkChanged(nowMs: number): void {
    if (this.#recoverTimeoutMs === 0) return;
    this.#tries = 0;
    this.ask(nowMs);
  }

  /** A restart has begun; or the other side was asked for one, and its offer then belongs to the same. */
  restarted(nowMs: number): void {
    if (nowMs - this.#lastMs >= SPACING_MS) this.#tries++;
    this.#lastMs = nowMs;
    this.#askedAtMs = null;
  }

  /** What comes next unless something happens; null: nothing. */
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
