import { MarkList } from './mark-list.ts';

/**
 * Told when an item has been passed to its end. `frames` is its length, `missed` how many of them were left out. `runFrame`:
 * how many frames of the run were heard before it, which tells when; −1 when it was not in this stretch of the run.
 */
type ItemEnded = (item: number, frames: number, missed: number, runFrame: number) => void;

/** `frames` of an item were left out. */
export type ItemSkipped = (item: number, frames: number) => void;

/** Told when a mark has been reached: `frames` of the item lie before it. `runFrame` is as in {@link ItemEnded}. */
type MarkReached = (item: number, frames: number, name: string, runFrame: number) => void;

/** What a timeline tells at once. */
export interface TimelineListener {
  readonly ended: ItemEnded;
  readonly skipped: ItemSkipped;
  readonly marked: MarkReached;
}

/** Items that may wait at a time; a power of two. */
export const MAX_ITEMS = 4096;
const ITEM_MASK = MAX_ITEMS - 1;
/** Marks that a sender may have waiting; a power of two. */
export const MAX_MARKS = 1024;
/** Senders of marks: the page, and a Worker that writes. */
const MARK_SENDERS = 2;
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

  /** Marks of each sender that were reached, or can not be reached any more. */
  readonly settledMarks: Float64Array = new Float64Array(MARK_SENDERS);

  readonly #listener: TimelineListener;
  readonly #items = new Float64Array(MAX_ITEMS);
  readonly #starts = new Float64Array(MAX_ITEMS);
  /** One past the last frame; infinite while more may come. Only the newest item's can be. */
  readonly #ends = new Float64Array(MAX_ITEMS);
  readonly #missed = new Float64Array(MAX_ITEMS);
  /** 1 where an interrupt took the item, or the rest of it. */
  readonly #taken = new Uint8Array(MAX_ITEMS);
  /** The item at `position`, counted from the first item ever; equal to `#next` when all were passed. */
  #current = 0;
  #next = 0;

  readonly #jumpAt = new Float64Array(MAX_JUMPS);
  readonly #jumpFrames = new Float64Array(MAX_JUMPS);
  #firstJump = 0;
  #nextJump = 0;
  /** Frames of this run that were heard. */
  #heardInRun = 0;
  /** What that was where the stretch without a jump began; infinite when the position is not in a run. */
  #stretchFrom = Infinity;
  /** Whether frames are being heard or left out; whether left out. */
  #advancing = false;
  #skipping = false;

  #marks = new MarkList(MARK_SENDERS * MAX_MARKS);
  /** Those of items that the last cut took, while it can be undone. */
  #takenMarks = new MarkList(MARK_SENDERS * MAX_MARKS);

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

  constructor(listener: TimelineListener) {
    this.#listener = listener;
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

  /** The newest item; −1 before the first. */
  get lastItem(): number {
    return this.#next === 0 ? -1 : this.#items[this.#last]!;
  }

  /** The newest item, unless its end is known; else −1. */
  get openItem(): number {
    return this.#next > 0 && this.#ends[this.#last] === Infinity ? this.lastItem : -1;
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

  /**
   * Sets a mark in an item, which need not have begun. It is told when that frame leaves, or when the audio ends there for now.
   * A frame beyond the item's end counts as the end; one that has left is told at once. Marks of items that an interrupt took
   * are told only after an undo.
   * @param frames from the item's start; −1 for the end of what was received of it
   * @param sender 0 or 1: who sets it
   */
  mark(item: number, frames: number, name: string, sender: number): void {
    const found = this.#find(item);
    if (found < 0) return this.#addMark(this.#marks, item, Math.max(0, frames), name, sender);
    const index = found & ITEM_MASK;
    const start = this.#starts[index]!;
    const length = Math.min(this.received, this.#ends[index]!) - start;
    const known = this.#ends[index] !== Infinity;
    const place = frames < 0 || (known && frames > length) ? length : frames;
    if (this.#taken[index] === 1) {
      if (this.#undoPosition < 0) this.settledMarks[sender]!++;
      else this.#addMark(this.#takenMarks, item, place, name, sender);
    } else if (found < this.#current) {
      this.settledMarks[sender]!++;
      this.#listener.marked(item, place, name, this.#runFrame(start + place));
    } else {
      this.#addMark(this.#marks, item, place, name, sender);
      this.#settle();
    }
  }

  /** A run begins: none of it has been heard. */
  startRun(): void {
    this.#heardInRun = 0;
    this.#stretchFrom = 0;
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
    this.#advancing = true;
    while (this.#firstJump < this.#nextJump) {
      const index = this.#firstJump & JUMP_MASK;
      const at = this.#jumpAt[index]!;
      if (at > frames) break;
      this.#firstJump++;
      this.#hear(at - this.#heardInRun);
      this.#skip(this.#jumpFrames[index]!);
    }
    this.#hear(frames - this.#heardInRun);
    this.#advancing = false;
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
    this.forget();
    this.#undoPosition = this.position;
    this.#undoEnd = this.#cut;
    this.#undoItem = this.#current;
    this.interrupted += this.#cut - this.position;
    this.position = this.#cut;
    this.#take(1);
    this.#current = this.#cutItem;
    this.#cut = Infinity;
    this.#stretchFrom = Infinity;
    this.#settle();
  }

  /** Brings back what the last {@link cut} took. @returns false when there is none, or newer frames have been heard */
  restore(): boolean {
    if (this.#undoPosition < 0 || this.position !== this.#undoEnd) return false;
    if (this.#current !== this.#cutItem || this.#next - this.#undoItem >= MAX_ITEMS) return false;
    this.interrupted -= this.position - this.#undoPosition;
    this.position = this.#undoPosition;
    this.#current = this.#undoItem;
    this.#take(0);
    this.#stretchFrom = Infinity;
    if (this.#cutOpen && this.#next === this.#cutItem) this.#ends[this.#last] = Infinity;
    this.#cutItem = -1;
    this.#undoPosition = -1;
    this.#settle();
    return true;
  }

  /** What the last {@link cut} took is gone for good. */
  forget(): void {
    this.#undoPosition = -1;
    const marks = this.#takenMarks;
    while (marks.count > 0) {
      this.settledMarks[marks.sender]!++;
      marks.shift();
    }
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
    this.#taken[index] = 0;
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
    this.#skipping = true;
    while (left > 0 && this.#current < this.#next) {
      const index = this.#current & ITEM_MASK;
      const part = Math.min(left, this.#ends[index]! - this.position);
      this.#missed[index]! += part;
      this.skipped += part;
      this.position += part;
      left -= part;
      this.#listener.skipped(this.#items[index]!, part);
      this.#settle();
    }
    this.#skipping = false;
    this.#stretchFrom = this.#heardInRun;
  }

  /** Passes every mark and every item's end that the position has reached. */
  #settle(): void {
    while (this.#current < this.#next) {
      const index = this.#current & ITEM_MASK;
      const item = this.#items[index]!;
      const start = this.#starts[index]!;
      const end = this.#ends[index]!;
      this.#passMarks(item, start, end);
      if (end > this.position) return;
      // An item that only the interrupt closes has not ended.
      if (this.#cut !== Infinity && this.#cutOpen && this.#current === this.#cutItem - 1) return;
      // One without frames, which ends between two quanta, has nothing to do with what was heard last.
      const runFrame = end > start || this.#advancing ? this.#runFrame(end) : -1;
      while (this.#marks.count > 0 && this.#marks.item === item) this.#reach(end - start, runFrame);
      this.#current++;
      this.#listener.ended(item, end - start, this.#missed[index]!, runFrame);
    }
  }

  /** Passes the marks of `item` before its end, and those of items before it of which nothing was received. */
  #passMarks(item: number, start: number, end: number): void {
    const marks = this.#marks;
    const { position } = this;
    while (marks.count > 0 && marks.item <= item) {
      const { frames } = marks;
      const place = start + frames;
      if (marks.item < item) this.#reach(frames, -1);
      else if (place < position ? place < end : this.#isAudioEnd(place, frames)) {
        this.#reach(frames, this.#runFrame(place));
      } else return;
    }
  }

  /** Whether all that was received before `place` was heard, and nothing follows yet: that is told without waiting for it. */
  #isAudioEnd(place: number, itemFrames: number): boolean {
    return place === this.position && itemFrames > 0 && place === this.playable;
  }

  /** The first mark is reached. */
  #reach(frames: number, runFrame: number): void {
    const marks = this.#marks;
    const { item, name } = marks;
    this.settledMarks[marks.sender]!++;
    marks.shift();
    this.#listener.marked(item, frames, name, runFrame);
  }

  /** How many frames of the run lie before `place`, which has been reached; −1 when it was not in this stretch of it. */
  #runFrame(place: number): number {
    if (this.#skipping) return this.#heardInRun;
    const runFrame = this.#heardInRun - (this.position - place);
    return runFrame >= this.#stretchFrom ? runFrame : -1;
  }

  #addMark(list: MarkList, item: number, frames: number, name: string, sender: number): void {
    if (!list.add(item, frames, name, sender)) this.settledMarks[sender]!++;
  }

  /** The newest entry of `item`, counted from the first item ever; −1 when there is none. */
  #find(item: number): number {
    const oldest = Math.max(0, this.#next - MAX_ITEMS);
    for (let i = this.#next - 1; i >= oldest; i--) {
      const number = this.#items[i & ITEM_MASK]!;
      if (number === item) return i;
      if (number < item) return -1;
    }
    return -1;
  }

  /** The items of the last cut are taken (1), or come back (0), and their marks with them. */
  #take(taken: 0 | 1): void {
    for (let i = this.#undoItem; i < this.#cutItem; i++) this.#taken[i & ITEM_MASK] = taken;
    const before = this.#marks;
    const after = this.#takenMarks;
    this.#marks = after;
    this.#takenMarks = before;
    const hasItems = taken === 1 && this.#cutItem > 0;
    before.moveAfter(hasItems ? this.#items[(this.#cutItem - 1) & ITEM_MASK]! : -Infinity, after);
  }
}
