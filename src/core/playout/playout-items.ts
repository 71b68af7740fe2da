import { MAX_ITEMS } from './timeline.ts';

/** How long an interrupt can be undone, ms; the processor's own count decides, this one only bounds what is held. */
const UNDO_MS = 1000;
/** Interrupted names that are remembered. The oldest are forgotten. */
const MAX_INTERRUPTED = 64;
/** Ended names that are remembered, and marks of items that have not begun. The oldest are forgotten. */
const MAX_ENDED = 64;
const MAX_EARLY_MARKS = 256;

/** A mark of an item: so many frames from its start; −1: the end of what was written of it so far. */
export interface ItemMark {
  readonly name: string;
  readonly frames: number;
}

/** Whole frames of an item that the processor has sent back. */
interface LateBlock {
  readonly block: Uint8Array;
}

/** A call that is kept: a write, the item's end, or a mark. */
export type HeldCall = Uint8Array | LateBlock | 'end' | ItemMark;

/**
 * Items by number and name: every run of writes under one name has a number. An interrupted item that has a name stays
 * silent: audio of it that comes late is held while the interrupt can be undone, and then dropped.
 */
export class PlayoutItems {
  /** Number of the open item; −1 when the next write begins one. */
  open = -1;
  readonly #names = new Map<number, string | undefined>();
  #next = 0;
  /** The first item that has neither ended nor been interrupted; and what it was before the last interrupt. */
  #first = 0;
  #undoFirst = 0;
  readonly #interrupted = new Set<string>();
  /** Number of the newest item when the last interrupt came; −1 when there was none or it was undone. */
  #undoLast = -1;
  /** What the last interrupt closed: its number or −1, and the names that it added to the interrupted ones. */
  #undoOpen = -1;
  #undoNames: readonly string[] = [];
  #heldUntil = 0;
  #held: HeldCall[] = [];
  /** Calls before those, which the processor has sent back. */
  #late: HeldCall[] = [];
  /** Numbers of the items that ended last, by name. */
  readonly #ended = new Map<string | undefined, number>();
  #early: { readonly item: string | undefined; readonly mark: ItemMark }[] = [];

  /** Name of an item that has not ended. */
  name(item: number): string | undefined {
    return this.#names.get(item);
  }

  /** Name of an item that was not interrupted, or not for good, also when it has ended. */
  markedName(item: number): string | undefined {
    for (const [name, number] of this.#ended) if (number === item) return name;
    return this.#names.get(item);
  }

  isOpen(name: string | undefined): boolean {
    return this.open >= 0 && this.#names.get(this.open) === name;
  }

  /** Whether as many items wait as the processor can number: another one has to wait. */
  get full(): boolean {
    return this.#next - this.#first >= MAX_ITEMS - 1;
  }

  /** @returns the marks that waited for the item */
  begin(name: string | undefined): readonly ItemMark[] {
    this.open = this.#next++;
    this.#names.set(this.open, name);
    // What was interrupted cannot continue after something newer.
    this.#undoOpen = -1;
    this.#held = [];
    this.#late = [];
    return this.#takeEarly(name);
  }

  /** Another writer has begun an item. @returns the marks that waited for it */
  learn(item: number, name: string | undefined): readonly ItemMark[] {
    this.#next = item + 1;
    this.#names.set(item, name);
    this.release(name);
    return this.#takeEarly(name);
  }

  /** `item` and those before it are over. */
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

  /** Number of the newest item of that name that was not interrupted; −1 for one that has not begun. */
  find(name: string | undefined): number {
    let found = this.#ended.get(name) ?? -1;
    for (const [number, other] of this.#names) {
      if (other === name && number > this.#undoLast) found = number;
    }
    return found;
  }

  /** Marks of items that have not begun. */
  get waitingMarks(): number {
    return this.#early.length;
  }

  /** Keeps a mark of an item that has not begun. */
  await(item: string | undefined, mark: ItemMark): void {
    if (this.#early.length === MAX_EARLY_MARKS) this.#early.shift();
    this.#early.push({ item, mark });
  }

  isInterrupted(name: string | undefined): boolean {
    return name !== undefined && this.#interrupted.has(name) && !this.isOpen(name);
  }

  /** Keeps a call of the item that the last interrupt closed, in case it is undone; others are forgotten. */
  hold(name: string | undefined, call: HeldCall, now: number): void {
    const open = this.#undoOpen;
    if (open < 0 || this.#names.get(open) !== name) return;
    if (now > this.#heldUntil) this.#held = [];
    else this.#held.push(call instanceof Uint8Array ? call.slice() : call);
  }

  /** Keeps a call of an item as {@link hold} does, which was made before all those. */
  holdLate(item: number, call: HeldCall, now: number): void {
    if (item !== this.#undoOpen || item < 0) return;
    if (now > this.#heldUntil) this.#late = [];
    else this.#late.push(call);
  }

  /** An interrupted item is over for its sender too: what comes under its name now is a new item. */
  release(name: string | undefined): void {
    if (name !== undefined) this.#interrupted.delete(name);
  }

  /**
   * The items up to number `last` are interrupted, which are all of them unless a Worker has begun another meanwhile.
   * @param open the one of them that more may come of; −1: none
   */
  interrupt(now: number, last: number = this.#next - 1, open: number = this.open): void {
    // Those of the interrupt before cannot come back any more.
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

  /** Names of the interrupted items after `item`. */
  unheard(item: number): string[] {
    return this.#namesAfter(item).filter((name) => this.#undoNames.includes(name));
  }

  /** The last interrupt is undone. @returns the calls to repeat */
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

  /** Names of the items after `item` that the last interrupt may have reached. */
  #namesAfter(item: number): string[] {
    const names: string[] = [];
    for (const [number, name] of this.#names) {
      if (number > item && number <= this.#undoLast && name !== undefined) names.push(name);
    }
    return names;
  }
}
