/** A queue whose ends cost the same, however long it is. */
export class Fifo<T> {
  #items: T[] = [];
  /** Where the queue begins in `#items`. Items before were taken out. */
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  /** The item at a place, counted from the oldest. */
  at(index: number): T | undefined {
    return this.#items[this.#start + index];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes out the oldest item. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#start]!;
    this.#items[this.#start++] = undefined as T;
    // For each item that is moved here, one was taken out before.
    if (this.#start > 32 && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return item;
  }

  /** Puts all items of another queue before those of this one, and empties it. */
  prepend(other: Fifo<T>): void {
    this.#items = [...other, ...this];
    this.#start = 0;
    other.clear();
  }

  clear(): void {
    this.#items = [];
    this.#start = 0;
  }

  *[Symbol.iterator](): Generator<T, void> {
    for (let i = this.#start; i < this.#items.length; i++) yield this.#items[i]!;
  }
}
