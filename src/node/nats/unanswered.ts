/**
 * Unanswered requests to a server that answers in order, as JetStream does. Finds those that will never be answered; waits for a slow
 * server, since repeated requests would make it slower still.
 */
export class Unanswered<T> {
  /** Requests by number, in the order in which they were sent. */
  readonly #asked = new Map<number, { readonly item: T; readonly atMs: number }>();
  #next = 0;
  /** The highest number that was answered, and when the last answer arrived. */
  #newest = -1;
  #answeredMs = -Infinity;

  get size(): number {
    return this.#asked.size;
  }

  /** @returns the number that the answer must contain */
  add(item: T, nowMs: number): number {
    const number = this.#next++;
    this.#asked.set(number, { item, atMs: nowMs });
    return number;
  }

  /**
   * Removes a request that was answered.
   * @param isDone whether the server has carried out the request, in order; a refusal may overtake earlier requests
   * @returns undefined if the request was already given up; the answer still shows that the server is alive
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
   * Removes requests that have waited for `timeoutMs` in vain: those that later requests have overtaken, and all of that age if nothing
   * was answered for as long.
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
