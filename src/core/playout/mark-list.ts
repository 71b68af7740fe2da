/**
 * Marks in the order in which they are reached: by item, then by frame, then by the order of the calls. Items are ascending
 * numbers. Allocates only in its constructor.
 */
export class MarkList {
  readonly #mask: number;
  readonly #items: Float64Array;
  readonly #frames: Float64Array;
  readonly #senders: Uint8Array;
  readonly #names: string[];
  #first = 0;
  #next = 0;

  /** @param capacity maximum number of marks; a power of two */
  constructor(capacity: number) {
    this.#mask = capacity - 1;
    this.#items = new Float64Array(capacity);
    this.#frames = new Float64Array(capacity);
    this.#senders = new Uint8Array(capacity);
    this.#names = Array<string>(capacity).fill('');
  }

  get count(): number {
    return this.#next - this.#first;
  }

  /** The item of the first mark, if there is one. */
  get item(): number {
    return this.#items[this.#first & this.#mask]!;
  }

  /** The position of the first mark, in frames from the item's start. */
  get frames(): number {
    return this.#frames[this.#first & this.#mask]!;
  }

  get name(): string {
    return this.#names[this.#first & this.#mask]!;
  }

  /** The sender of the first mark. */
  get sender(): number {
    return this.#senders[this.#first & this.#mask]!;
  }

  /** @returns false if there is no room */
  add(item: number, frames: number, name: string, sender: number): boolean {
    if (this.count > this.#mask) return false;
    let at = this.#next++;
    for (; at > this.#first; at--) {
      const before = (at - 1) & this.#mask;
      const beforeItem = this.#items[before]!;
      if (beforeItem < item || (beforeItem === item && this.#frames[before]! <= frames)) break;
      const slot = at & this.#mask;
      this.#items[slot] = beforeItem;
      this.#frames[slot] = this.#frames[before]!;
      this.#senders[slot] = this.#senders[before]!;
      this.#names[slot] = this.#names[before]!;
    }
    const slot = at & this.#mask;
    this.#items[slot] = item;
    this.#frames[slot] = frames;
    this.#senders[slot] = sender;
    this.#names[slot] = name;
    return true;
  }

  /** Removes the first mark. */
  shift(): void {
    this.#names[this.#first++ & this.#mask] = '';
  }

  /** Moves the marks of items after `item` to `other`, which has room for them. */
  moveAfter(item: number, other: MarkList): void {
    let from = this.#next;
    while (from > this.#first && this.#items[(from - 1) & this.#mask]! > item) from--;
    for (let i = from; i < this.#next; i++) {
      const slot = i & this.#mask;
      other.add(this.#items[slot]!, this.#frames[slot]!, this.#names[slot]!, this.#senders[slot]!);
      this.#names[slot] = '';
    }
    this.#next = from;
  }
}
