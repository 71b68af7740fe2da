/** Told when an item has been passed to its end. `frames` is its length, `missed` how many of them were left out. */
export type ItemEnded = (item: number, frames: number, missed: number) => void;

/** `frames` of an item were left out. */
export type ItemSkipped = (item: number, frames: number) => void;

/** Items that may wait at a time; a power of two. */
export const MAX_ITEMS = 4096;
const ITEM_MASK = MAX_ITEMS - 1;
/** Joins that may lie between reading and hearing at a time: some milliseconds, and a join takes longer than one. */
const MAX_JUMPS = 64;
const JUMP_MASK = MAX_JUMPS - 1;

/**
 * The account of every frame: which item it belongs to, and whether it was heard, skipped, interrupted or still waits. Frames
 * are numbered at the wire rate from the first one received, across items, so that at any time
 * `received = heard + skipped + interrupted + buffered`. Items are the caller's numbers. Allocates in its constructor only.
 *
 * A *run* is a stretch of playing without pause. What is supplied for hearing during a run is counted from its start, without
 * the frames that were left out; the places where some were left out are kept until they have been heard past.
 */
export class Timeline {
  /** Frames accepted so far; the number of the next one. */
  received = 0;
  heard = 0;
  skipped = 0;
  interrupted = 0;
  /** The next frame to be heard. */
  position = 0;

  readonly #onEnded: ItemEnded;
  readonly #onSkipped: ItemSkipped;
  readonly #items = new Float64Array(MAX_ITEMS);
  readonly #starts = new Float64Array(MAX_ITEMS);
  /** One past the last frame; infinite while more may come. Only the newest item's can be. */
  readonly #ends = new Float64Array(MAX_ITEMS);
  readonly #missed = new Float64Array(MAX_ITEMS);
  /** The item at `position`, counted from the first item ever; equal to `#next` when all were passed. */
  #current = 0;
  #next = 0;

  readonly #jumpAt = new Float64Array(MAX_JUMPS);
  readonly #jumpFrames = new Float64Array(MAX_JUMPS);
  #firstJump = 0;
  #nextJump = 0;
  /** Frames of this run that were heard. */
  #heardInRun = 0;

  /** Where an interrupt ends what was received before it; infinite unless one is under way. */
  #cut = Infinity;
  /** One past the last item before the last cut; −1 when there was none or it was undone. */
  #cutItem = -1;
  /** Whether that last item was still open; only the cut closed it. */
  #cutOpen = false;
  /** From where and up to where the last cut took frames, while it can be undone; else −1. */
  #undoPosition = -1;
  #undoEnd = -1;
  #undoItem = 0;

  constructor(onEnded: ItemEnded, onSkipped: ItemSkipped) {
    this.#onEnded = onEnded;
    this.#onSkipped = onSkipped;
  }

  /** Frames received and not yet heard, skipped or interrupted. */
  get buffered(): number {
    return this.received - this.position;
  }

  /** One past the last frame that may be played: during an interrupt what came after it must wait. */
  get playable(): number {
    return Math.min(this.received, this.#cut);
  }

  /** The lowest frame that may still be played: an interrupted one while it can be brought back, else `position`. */
  get floor(): number {
    return this.#undoPosition >= 0 ? this.#undoPosition : this.position;
  }

  /** The item at the position, or the last one when all were passed; −1 before the first and after a cut. */
  get item(): number {
    return this.#hasNone ? -1 : this.#items[this.#shown & ITEM_MASK]!;
  }

  /** How far the position lies from the start of {@link item}, frames left out included. */
  get itemFrames(): number {
    if (this.#hasNone) return 0;
    const index = this.#shown & ITEM_MASK;
    return Math.min(this.position, this.#ends[index]!) - this.#starts[index]!;
  }

  /** How many of the {@link itemFrames} were left out. */
  get itemMissed(): number {
    return this.#hasNone ? 0 : this.#missed[this.#shown & ITEM_MASK]!;
  }

  /** Whether nothing more can follow what is playable without a new item. */
  get complete(): boolean {
    return this.#cut !== Infinity || this.#next === 0 || this.#ends[this.#last] !== Infinity;
  }

  /** Whether an interrupt is under way in the middle of an item. */
  get cutsShort(): boolean {
    return this.#cut !== Infinity && this.#cutOpen;
  }

  /** Whether the end of the item at the position is known. */
  get itemComplete(): boolean {
    return this.#current < this.#next && this.#ends[this.#current & ITEM_MASK] !== Infinity;
  }

  /**
   * Accepts `frames` more of `item`. Another item than the last one ends the last one.
   * @returns false when too many items wait; nothing was accepted then
   */
  receive(item: number, frames: number): boolean {
    if (!this.#open(item)) return false;
    this.received += frames;
    return true;
  }

  /** `item` is complete. An item without frames ends where it begins. */
  end(item: number): void {
    if (this.#open(item)) this.#close();
  }

  /** A run begins: nothing of it has been heard. */
  startRun(): void {
    this.#heardInRun = 0;
    this.#firstJump = this.#nextJump;
  }

  /** After `at` frames of the run `frames` were left out. @returns false when too many such places wait */
  jump(at: number, frames: number): boolean {
    if (this.#nextJump - this.#firstJump === MAX_JUMPS) return false;
    this.#jumpAt[this.#nextJump & JUMP_MASK] = at;
    this.#jumpFrames[this.#nextJump & JUMP_MASK] = frames;
    this.#nextJump++;
    return true;
  }

  /** The first `frames` frames of the run have been heard. */
  advance(frames: number): void {
    while (this.#firstJump < this.#nextJump) {
      const index = this.#firstJump & JUMP_MASK;
      const at = this.#jumpAt[index]!;
      if (at > frames) break;
      this.#firstJump++;
      this.#hear(at - this.#heardInRun);
      this.#skip(this.#jumpFrames[index]!);
    }
    this.#hear(frames - this.#heardInRun);
  }

  /** An interrupt begins: what was received up to here is cut off as soon as {@link cut} is called. */
  markCut(): void {
    this.#cut = this.received;
    this.#cutItem = this.#next;
    this.#cutOpen = this.#next > 0 && this.#ends[this.#last] === Infinity;
    if (this.#cutOpen) this.#ends[this.#last] = this.received;
  }

  /** Takes away what was received before {@link markCut} and not heard. It can be brought back until {@link forget}. */
  cut(): void {
    this.#undoPosition = this.position;
    this.#undoEnd = this.#cut;
    this.#undoItem = this.#current;
    this.interrupted += this.#cut - this.position;
    this.position = this.#cut;
    this.#current = this.#cutItem;
    this.#cut = Infinity;
    this.#settle();
  }

  /** Brings back what the last {@link cut} took. @returns false when there is none, or newer frames have been heard */
  restore(): boolean {
    if (this.#undoPosition < 0 || this.position !== this.#undoEnd) return false;
    if (this.#current !== this.#cutItem || this.#next - this.#undoItem >= MAX_ITEMS) return false;
    this.interrupted -= this.position - this.#undoPosition;
    this.position = this.#undoPosition;
    this.#current = this.#undoItem;
    if (this.#cutOpen && this.#next === this.#cutItem) this.#ends[this.#last] = Infinity;
    this.#cutItem = -1;
    this.#undoPosition = -1;
    this.#settle();
    return true;
  }

  /** What the last {@link cut} took is gone for good. */
  forget(): void {
    this.#undoPosition = -1;
  }

  get #hasNone(): boolean {
    return this.#current === this.#next && (this.#next === 0 || this.#next === this.#cutItem);
  }

  get #last(): number {
    return (this.#next - 1) & ITEM_MASK;
  }

  get #shown(): number {
    return this.#current < this.#next ? this.#current : this.#next - 1;
  }

  /** Makes `item` the newest, open one. */
  #open(item: number): boolean {
    if (this.#current < this.#next && this.#items[this.#last] === item) {
      this.#ends[this.#last] = Infinity;
      return true;
    }
    if (this.#next - this.#current >= MAX_ITEMS - 1) return false;
    if (this.#next > 0) this.#close();
    const index = this.#next & ITEM_MASK;
    this.#items[index] = item;
    this.#starts[index] = this.received;
    this.#ends[index] = Infinity;
    this.#missed[index] = 0;
    this.#next++;
    return true;
  }

  /** The newest item ends with what was received. */
  #close(): void {
    if (this.#ends[this.#last] === Infinity) this.#ends[this.#last] = this.received;
    this.#settle();
  }

  #hear(frames: number): void {
    this.heard += frames;
    this.position += frames;
    this.#heardInRun += frames;
    this.#settle();
  }

  #skip(frames: number): void {
    let left = frames;
    while (left > 0 && this.#current < this.#next) {
      const index = this.#current & ITEM_MASK;
      const part = Math.min(left, this.#ends[index]! - this.position);
      this.#missed[index]! += part;
      this.skipped += part;
      this.position += part;
      left -= part;
      this.#onSkipped(this.#items[index]!, part);
      this.#settle();
    }
  }

  /** Passes every item that the position has reached the end of. */
  #settle(): void {
    while (this.#current < this.#next) {
      const index = this.#current & ITEM_MASK;
      const end = this.#ends[index]!;
      if (end > this.position) return;
      // An item that only the interrupt closes has not ended.
      if (this.#cut !== Infinity && this.#cutOpen && this.#current === this.#cutItem - 1) return;
      this.#current++;
      this.#onEnded(this.#items[index]!, end - this.#starts[index]!, this.#missed[index]!);
    }
  }
}
