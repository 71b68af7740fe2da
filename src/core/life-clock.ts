/** A clock that never runs backwards: the shell's may be the wall clock, which can be set back. */
export class LifeClock {
  #nowMs = 0;
  #shellMs: number | null = null;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** @param shellMs the time by the shell's clock */
  follow(shellMs: number): void {
    this.#nowMs += Math.max(0, shellMs - (this.#shellMs ?? shellMs));
    this.#shellMs = shellMs;
  }

  /** Converts a time to the shell's clock. */
  toShell(ms: number): number {
    return ms - this.#nowMs + (this.#shellMs ?? 0);
  }
}
