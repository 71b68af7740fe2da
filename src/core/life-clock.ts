/** Time that passes: the shell's clock may be the wall's, which can be set back. */
export class LifeClock {
  #nowMs = 0;
  #shellMs: number | null = null;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** @param shellMs what the shell's clock says */
  follow(shellMs: number): void {
    this.#nowMs += Math.max(0, shellMs - (this.#shellMs ?? shellMs));
    this.#shellMs = shellMs;
  }

  /** A time, by the shell's clock. */
  toShell(ms: number): number {
    return ms - this.#nowMs + (this.#shellMs ?? 0);
  }
}
