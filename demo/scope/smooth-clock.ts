/**
 * A context's time that moves evenly. `currentTime` moves by whole render quanta, or by several at once, which makes a
 * picture that follows it tremble.
 */
export class SmoothClock {
  /** Context time minus page time, in seconds, averaged. */
  #offset = Number.NaN;

  /** @param pageTime seconds by `performance.now()` */
  read(contextTime: number, pageTime: number): number {
    const offset = contextTime - pageTime;
    const jumped = !(Math.abs(offset - this.#offset) < 0.1);
    this.#offset = jumped ? offset : this.#offset + (offset - this.#offset) * 0.05;
    return pageTime + this.#offset;
  }
}
