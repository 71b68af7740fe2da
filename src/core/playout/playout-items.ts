import { MAX_ITEMS } from './timeline.ts';

/** How long an interrupt can be undone, in ms. The processor's own count decides; this only limits what is held. */
const UNDO_MS = 1000;
/** Maximum number of interrupted names remembered; the oldest are forgotten. */
const MAX_INTERRUPTED = 64;
/** Maximum number of ended names remembered, and of marks of items that have not begun; the oldest are forgotten. */
const MAX_ENDED = 64;
const MAX_EARLY_MARKS = 256;

/** A mark of an item, in frames from its start; −1 for the end of its audio written so far. */
export interface ItemMark {
  readonly name: string;
  readonly frames: number;
}

/** Whole frames of an item that the processor has sent back. */
interface LateBlock {
  readonly block: Uint8Array;
}

/** A call that is held: a write, the item's end, or a mark. */
export type HeldCall = Uint8Array | LateBlock | 'end' | ItemMark;

/**
 * Assigns numbers to named items: every run of writes under one name has a number. An interrupted item with a name stays silent:
 * its late audio is held while the interrupt can be undone, and then dropped.
 */
export class PlayoutItems {
  /** Number of the open item; −1 if the next write begins one. */
  open = -1;
  readonly #names = new Map<number, string | undefined>();
  #next = 0;
  /** The first item that has neither ended nor been interrupted; and its value before the last interrupt. */
  #first = 0;
  #undoFirst = 0;
  readonly #interrupted = new Set<string>();
  /** Number of the newest item at the last interrupt; −1 if there was none or it was undone. */
  #undoLast = -1;
  /** The item that the last interrupt closed, by number or −1, and the names that it added to the interrupted ones. */
  #undoOpen = -1;
  #undoNames: readonly string[] = [];
  #heldUntil = 0;
  #held: HeldCall[] = [];
  /** Earlier calls that the processor has returned. */
  #late: HeldCall[] = [];
  /** Numbers of the items that ended most recently, by name. */
  readonly #ended = new Map<string | undefined, number>();
  #early: { readonly item: string | undefined; readonly mark: ItemMark }[] = [];

  /** Returns the name of an item that has not ended. */
  name(item: number): string | undefined {
    return this.#names.get(item);
  }

  /** Returns the name of an item that was not interrupted, or not for good, even after its end. */
  markedName(item: number): string | undefined {
    for (const [name, number] of this.#ended) if (number === item) return name;
    return this.#names.get(item);
  }

  isOpen(name: string | undefined): boolean {
    return this.open >= 0 && this.#names.get(this.open) === name;
  }

  /** Whether as many items wait as the processor can number: another one must wait. */
  get full(): boolean {
    return this.#next - this.#first >= MAX_ITEMS - 1;
  }

  /** @returns the marks that waited for the item */
  begin(name: string | undefined): readonly ItemMark[] {
    this.open = this.#next++;
    this.#names.set(this.open, name);
    // An interrupted item cannot continue after a newer one.
    this.#undoOpen = -1;
    this.#held = [];
    this.#late = [];
    return this.#takeEarly(name);
  }

  /** Notes that another writer has begun an item. @returns the marks that waited for it */
  learn(item: number, name: string | undefined): readonly ItemMark[] {
    this.#next = item + 1;
    this.#names.set(item, name);
    this.release(name);
    return this.#takeEarly(name);
  }

  /** Notes that `item` and those before it have ended. */
  ended(item: number): void {
    if (item >= this.#first) this.#first = item + 1;
    for (const [number, name] of this.#names) {
      if (number > item || number === this.open) continue;
      this.#names.delete(number);
      this.#ended.delete(name);
      if (number > this.#undoLast) this.#ended.set(name, number);
    }
    for (const name of this.#ended.keys()) {
      if (this.#ended.size <= MAX_ENDED) break;
      this.#ended.delete(name);
    }
  }

  /** Returns the number of the newest item of that name that was not interrupted; −1 if it has not begun. */
  find(name: string | undefined): number {
    let found = this.#ended.get(name) ?? -1;
    for (const [number, other] of this.#names) {
      if (other === name && number > this.#undoLast) found = number;
    }
    return found;
  }

  /** Number of marks of items that have not begun. */
  get waitingMarks(): number {
    return this.#early.length;
  }

  /** Holds a mark of an item that has not begun. */
  await(item: string | undefined, mark: ItemMark): void {
    if (this.#early.length === MAX_EARLY_MARKS) this.#early.shift();
    this.#early.push({ item, mark });
  }

  isInterrupted(name: string | undefined): boolean {
    return name !== undefined && this.#interrupted.has(name) && !this.isOpen(name);
  }

  /** Holds a call of the item that the last interrupt closed, in case it is undone; calls of other items are forgotten. */
  hold(name: string | undefined, call: HeldCall, now: number): void {
    const open = this.#undoOpen;
    if (open < 0 || this.#names.get(open) !== name) return;
    if (now > this.#heldUntil) this.#held = [];
    else this.#held.push(call instanceof Uint8Array ? call.slice() : call);
  }

  /** Holds a call like {@link hold}, but one made before all others. */
  holdLate(item: number, call: HeldCall, now: number): void {
    if (item !== this.#undoOpen || item < 0) return;
    if (now > this.#heldUntil) this.#late = [];
    else this.#late.push(call);
  }

  /** Notes that the sender has ended an interrupted item: the next audio under its name is a new item. */
  release(name: string | undefined): void {
    if (name !== undefined) this.#interrupted.delete(name);
  }

  /**
   * Interrupts the items up to number `last`: all items, unless a Worker has begun another one meanwhile.
   * @param open the item among them that may still receive audio; −1 for none
   */
  interrupt(now: number, last: number = this.#next - 1, open: number = this.open): void {
    // Items of the previous interrupt can no longer be restored.
    this.ended(this.#undoLast);
    this.#undoLast = last;
    this.#undoFirst = this.#first;
    this.#first = Math.max(this.#first, last + 1);
    this.#undoOpen = this.#next - 1 <= last ? open : -1;
    if (this.open <= last) this.open = -1;
    this.#undoNames = this.#namesAfter(-1).filter((name) => !this.#interrupted.has(name));
    this.#heldUntil = now + UNDO_MS;
    this.#held = [];
    this.#late = [];
    for (const name of this.#undoNames) this.#interrupted.add(name);
    for (const name of this.#interrupted) {
      if (this.#interrupted.size <= MAX_INTERRUPTED) break;
      this.#interrupted.delete(name);
    }
  }

  /** Returns the names of the interrupted items after `item`. */
  unheard(item: number): string[] {
    return this.#namesAfter(item).filter((name) => this.#undoNames.includes(name));
  }

  /** Undoes the last interrupt. @returns the calls to repeat */
  undo(): readonly HeldCall[] {
    for (const name of this.#undoNames) this.#interrupted.delete(name);
    this.#undoNames = [];
    this.#undoLast = -1;
    this.#first = this.#undoFirst;
    if (this.#undoOpen >= 0) this.open = this.#undoOpen;
    const calls = [...this.#late, ...this.#held];
    this.#held = [];
    this.#late = [];
    return calls;
  }

  #takeEarly(name: string | undefined): readonly ItemMark[] {
    const marks = this.#early.filter(({ item }) => item === name).map(({ mark }) => mark);
    if (marks.length > 0) this.#early = this.#early.filter(({ item }) => item !== name);
    return marks;
  }

  /** Returns the names of the items after `item` that the last interrupt may have reached. */
  #namesAfter(item: number): string[] {
    const names: string[] = [];
    for (const [number, name] of this.#names) {
      if (number > item && number <= this.#undoLast && name !== undefined) names.push(name);
    }
    return names;
  }
}
