import { MarkList } from './mark-list.ts';

/**
 * Called when an item has been passed to its end. `frames` is its length, `missed` the number of frames that were left out.
 * `runFrame`: number of frames of the run that were heard before it, which gives the time; −1 if the end was not in this stretch of
 * the run.
 */
type ItemEnded = (item: number, frames: number, missed: number, runFrame: number) => void;

/** Called when `frames` of an item were left out. */
export type ItemSkipped = (item: number, frames: number) => void;

/** Called when a mark has been reached: `frames` frames of the item precede it. `runFrame` is as in {@link ItemEnded}. */
type MarkReached = (item: number, frames: number, name: string, runFrame: number) => void;

/** Notifications of a timeline. */
export interface TimelineListener {
  readonly ended: ItemEnded;
  readonly skipped: ItemSkipped;
  readonly marked: MarkReached;
}

/** Maximum number of waiting items; a power of two. */
export const MAX_ITEMS = 4096;
const ITEM_MASK = MAX_ITEMS - 1;
/** Maximum number of waiting marks per sender; a power of two. */
export const MAX_MARKS = 1024;
/** Senders of marks: the page, and a Worker that writes. */
const MARK_SENDERS = 2;
/** Maximum number of joins between reading and hearing: that is some milliseconds, and a join takes longer than one. */
const MAX_JUMPS = 64;
const JUMP_MASK = MAX_JUMPS - 1;

/**
 * Accounts for every frame: which item it belongs to, and whether it was heard, skipped, interrupted or still waits. Frames are
 * numbered at the wire rate from the first one received, across items, so that always `received = heard + skipped + interrupted +
 * buffered`. The caller chooses the numbers of items. Allocates only in its constructor.
 *
 * A *run* is a stretch of playback without a pause. Frames supplied during a run are counted from its start, without those left
 * out; the places of the latter are kept until they have been passed audibly.
 */
export class Timeline {
  /** Number of frames accepted so far, and number of the next one. */
  received = 0;
  heard = 0;
  skipped = 0;
  interrupted = 0;
  /** The next frame to be heard. */
  position = 0;

  /** Number of marks of each sender that were reached, or can no longer be reached. */
  readonly settledMarks: Float64Array = new Float64Array(MARK_SENDERS);

  readonly #listener: TimelineListener;
  readonly #items = new Float64Array(MAX_ITEMS);
  readonly #starts = new Float64Array(MAX_ITEMS);
  /** One past the last frame of each item; infinite while more may arrive. Only the newest item's may be. */
  readonly #ends = new Float64Array(MAX_ITEMS);
  readonly #missed = new Float64Array(MAX_ITEMS);
  /** 1 if an interrupt removed the item, or the rest of it. */
  readonly #taken = new Uint8Array(MAX_ITEMS);
  /** The item at `position`, counted from the first item ever; equal to `#next` if all have been passed. */
  #current = 0;
  #next = 0;

  readonly #jumpAt = new Float64Array(MAX_JUMPS);
  readonly #jumpFrames = new Float64Array(MAX_JUMPS);
  #firstJump = 0;
  #nextJump = 0;
  /** Frames of this run that have been heard. */
  #heardInRun = 0;
  /** Its value at the start of the current stretch without a jump; infinite if the position is not in a run. */
  #stretchFrom = Infinity;
  /** Whether frames are being heard or left out; whether they are being left out. */
  #advancing = false;
  #skipping = false;

  #marks = new MarkList(MARK_SENDERS * MAX_MARKS);
  /** Marks of items that the last cut removed, while it can be undone. */
  #takenMarks = new MarkList(MARK_SENDERS * MAX_MARKS);

  /** The end of the frames received before an interrupt; infinite without one in progress. */
  #cut = Infinity;
  /** One past the last item before the last cut; −1 if there was none or it was undone. */
  #cutItem = -1;
  /** Whether that item was still open, so that only the cut closed it. */
  #cutOpen = false;
  /** The first and last frames that the last cut removed, while it can be undone; otherwise −1. */
  #undoPosition = -1;
  #undoEnd = -1;
  #undoItem = 0;

  constructor(listener: TimelineListener) {
    this.#listener = listener;
  }

  /** Number of frames received and not yet heard, skipped or interrupted. */
  get buffered(): number {
    return this.received - this.position;
  }

  /** One past the last frame that may be played: during an interrupt, later frames must wait. */
  get playable(): number {
    return Math.min(this.received, this.#cut);
  }

  /** The lowest frame that may still be played: an interrupted one while it can be restored, otherwise `position`. */
  get floor(): number {
    return this.#undoPosition >= 0 ? this.#undoPosition : this.position;
  }

  /** The item at the position, or the last one if all have been passed; −1 before the first and after a cut. */
  get item(): number {
    return this.#hasNone ? -1 : this.#items[this.#shown & ITEM_MASK]!;
  }

  /** Distance of the position from the start of {@link item}, including frames left out. */
  get itemFrames(): number {
    if (this.#hasNone) return 0;
    const index = this.#shown & ITEM_MASK;
    return Math.min(this.position, this.#ends[index]!) - this.#starts[index]!;
  }

  /** Number of the {@link itemFrames} that were left out. */
  get itemMissed(): number {
    return this.#hasNone ? 0 : this.#missed[this.#shown & ITEM_MASK]!;
  }

  /** The newest item; −1 before the first. */
  get lastItem(): number {
    return this.#next === 0 ? -1 : this.#items[this.#last]!;
  }

  /** The newest item if its end is not known; otherwise −1. */
  get openItem(): number {
    return this.#next > 0 && this.#ends[this.#last] === Infinity ? this.lastItem : -1;
  }

  /** Whether no frames can follow the playable ones without a new item. */
  get complete(): boolean {
    return this.#cut !== Infinity || this.#next === 0 || this.#ends[this.#last] !== Infinity;
  }

  /** Whether an interrupt is in progress in the middle of an item. */
  get cutsShort(): boolean {
    return this.#cut !== Infinity && this.#cutOpen;
  }

  /** Whether the end of the item at the position is known. */
  get itemComplete(): boolean {
    return this.#current < this.#next && this.#ends[this.#current & ITEM_MASK] !== Infinity;
  }

  /**
   * Accepts `frames` more frames of `item`. A different item ends the last one.
   * @returns false if too many items wait; then nothing is accepted
   */
  receive(item: number, frames: number): boolean {
    if (!this.#open(item)) return false;
    this.received += frames;
    return true;
  }

  /** Completes `item`. An item without frames ends where it begins. */
  end(item: number): void {
    if (this.#open(item)) this.#close();
  }

  /**
   * Sets a mark in an item, which need not have begun. It is reported when that frame is output, or when the audio ends there for
   * now. A frame past the item's end counts as the end; a frame that was output already is reported at once. Marks of items that an
   * interrupt removed are reported only after an undo.
   * @param frames frames from the item's start; −1 for the end of its audio received so far
   * @param sender sender of the mark, 0 or 1
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

  /** Starts a run, of which no frame has been heard. */
  startRun(): void {
    this.#heardInRun = 0;
    this.#stretchFrom = 0;
    this.#firstJump = this.#nextJump;
  }

  /** Notes that after `at` frames of the run `frames` were left out. @returns false if too many such places wait */
  jump(at: number, frames: number): boolean {
    if (this.#nextJump - this.#firstJump === MAX_JUMPS) return false;
    this.#jumpAt[this.#nextJump & JUMP_MASK] = at;
    this.#jumpFrames[this.#nextJump & JUMP_MASK] = frames;
    this.#nextJump++;
    return true;
  }

  /** Notes that the first `frames` frames of the run have been heard. */
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

  /** Starts an interrupt: frames received up to here are cut off as soon as {@link cut} is called. */
  markCut(): void {
    this.#cut = this.received;
    this.#cutItem = this.#next;
    this.#cutOpen = this.#next > 0 && this.#ends[this.#last] === Infinity;
    if (this.#cutOpen) this.#ends[this.#last] = this.received;
  }

  /** Removes frames that were received before {@link markCut} and not heard. They can be restored until {@link forget}. */
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

  /** Restores the frames of the last {@link cut}. @returns false if there is none, or newer frames have been heard */
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

  /** Discards the frames of the last {@link cut} for good. */
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

  /** Ends the newest item with the frames received so far. */
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
      // An item without frames, which ends between two quanta, is unrelated to the audio heard last.
      const runFrame = end > start || this.#advancing ? this.#runFrame(end) : -1;
      while (this.#marks.count > 0 && this.#marks.item === item) this.#reach(end - start, runFrame);
      this.#current++;
      this.#listener.ended(item, end - start, this.#missed[index]!, runFrame);
    }
  }

  /** Passes the marks of `item` before its end, and those of earlier items without any frames. */
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

  /** Whether all frames before `place` were heard and none follow yet: such a mark is reported without waiting. */
  #isAudioEnd(place: number, itemFrames: number): boolean {
    return place === this.position && itemFrames > 0 && place === this.playable;
  }

  /** Reaches the first mark. */
  #reach(frames: number, runFrame: number): void {
    const marks = this.#marks;
    const { item, name } = marks;
    this.settledMarks[marks.sender]!++;
    marks.shift();
    this.#listener.marked(item, frames, name, runFrame);
  }

  /** Returns the number of frames of the run before `place`, which has been reached; −1 if it was not in this stretch. */
  #runFrame(place: number): number {
    if (this.#skipping) return this.#heardInRun;
    const runFrame = this.#heardInRun - (this.position - place);
    return runFrame >= this.#stretchFrom ? runFrame : -1;
  }

  #addMark(list: MarkList, item: number, frames: number, name: string, sender: number): void {
    if (!list.add(item, frames, name, sender)) this.settledMarks[sender]!++;
  }

  /** Returns the newest entry of `item`, counted from the first item ever; −1 if there is none. */
  #find(item: number): number {
    const oldest = Math.max(0, this.#next - MAX_ITEMS);
    for (let i = this.#next - 1; i >= oldest; i--) {
      const number = this.#items[i & ITEM_MASK]!;
      if (number === item) return i;
      if (number < item) return -1;
    }
    return -1;
  }

  /** Marks the items of the last cut as removed (1) or restored (0), together with their marks. */
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
