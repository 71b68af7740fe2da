/**
 * A timer for something that a peer may be late with. It runs after what lies in the sockets has been read: if this process was busy
 * for longer than the peer may take, what arrived meanwhile still counts. (Node runs timers that are due before it reads its sockets,
 * and immediates after.)
 */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  /** Whether it has been set, and has neither run nor been cleared. */
  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  /** Replaces what was set before. */
  set(ms: number, run: () => void): void {
    this.clear();
    this.#timer = setTimeout(() => {
      this.#immediate = setImmediate(() => {
        this.clear();
        run();
      });
    }, ms);
  }

  clear(): void {
    clearTimeout(this.#timer);
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }
}
