/**
 * What was asked of a server that answers in order, as JetStream does, and is not answered yet. Tells which of it will never be: a
 * server that is slow is waited for, since asking it again would make it slower still.
 */
export class Unanswered<T> {
  /** By number, in the order in which they were asked. */
  readonly #asked = new Map<number, { readonly item: T; readonly atMs: number }>();
  #next = 0;
  /** The highest number that was answered, and when the last answer came. */
  #newest = -1;
  #answeredMs = -Infinity;

  get size(): number {
    return this.#asked.size;
  }

  /** @returns the number that the answer has to name */
  add(item: T, nowMs: number): number {
    const number = this.#next++;
    this.#asked.set(number, { item, atMs: nowMs });
    return number;
  }

  /**
   * Takes out what was answered.
   * @param isDone the server has done what it was asked, in its turn; a refusal may overtake what waits there
   * @returns undefined when nobody waits for it any more: a sign of life all the same
   */
  take(number: number, isDone: boolean, nowMs: number): T | undefined {
    if (!(number < this.#next)) return undefined;
    this.#answeredMs = nowMs;
    if (isDone) this.#newest = Math.max(this.#newest, number);
    const asked = this.#asked.get(number);
    this.#asked.delete(number);
    return asked?.item;
  }

  /**
   * Takes out what has waited for `timeoutMs` in vain: what later questions have overtaken, and all of that age where nothing was
   * answered for as long.
   */
  overdue(timeoutMs: number, nowMs: number): T[] {
    const isSilent = nowMs - this.#answeredMs >= timeoutMs;
    const items: T[] = [];
    for (const [number, { item, atMs }] of this.#asked) {
      if (nowMs - atMs < timeoutMs || (!isSilent && number > this.#newest)) break;
      this.#asked.delete(number);
      items.push(item);
    }
    return items;
  }

  clear(): void {
    this.#asked.clear();
  }
}
