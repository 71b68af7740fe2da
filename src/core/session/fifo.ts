/** A queue with constant-time access to both ends, however long it is. */
export class Fifo<T> {
  #items: T[] = [];
  /** Index in `#items` where the queue begins. Earlier items were taken out. */
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  /** Returns the item at a position, counted from the oldest. */
  at(index: number): T | undefined {
    return this.#items[this.#start + index];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Removes and returns the oldest item. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#start]!;
    this.#items[this.#start++] = undefined as T;
    // For each item that is moved here, another one was removed before.
    if (this.#start > 32 && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start);
      this.#start = 0;
    }
    return item;
  }

  /** Moves all items of another queue before those of this one. */
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
