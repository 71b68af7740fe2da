/**
 * A timer that detects a late peer. It runs after pending data has been read from the sockets: if this process was busy for longer than
 * the peer may take, data that arrived meanwhile still counts. (Node runs due timers before it reads its sockets, and immediates
 * after.)
 */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  /** Whether the timer is set, and has neither run nor been cleared. */
  get isSet(): boolean {
    return this.#timer !== undefined;
  }

  /** Sets the timer; replaces an earlier one. */
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
