import { integerIn, numberIn } from '../arguments.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { PlayoutCommand, PlayoutFigures, PlayoutWrite } from '../messages.ts';
import { checkOptions, checkText } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { PacketReader } from './packet-reader.ts';
import { toBytes } from './playout-data.ts';
import type { PlayoutData } from './playout-data.ts';
import { PlayoutFeed } from './playout-feed.ts';
import { PlayoutItems } from './playout-items.ts';
import type { ItemMark } from './playout-items.ts';
import { MAX_MARKS } from './timeline.ts';

/** Options of a write. */
export interface PlayoutWriteOptions {
  /**
   * Name of the item that the audio belongs to, such as a reply. A new name ends the last item. An interrupted item with a name
   * takes no more audio until its `end`: give each reply its own name.
   */
  readonly item?: string | undefined;
  /**
   * Frames missing before the data: a chunk's `dropped`. PCM does not conceal them, but the join does not click.
   * @default 0
   */
  readonly lostFrames?: number | undefined;
}
const WRITE_NAMES = { item: 1, lostFrames: 1 } satisfies OptionNames<PlayoutWriteOptions>;

/** Options of a mark. */
export interface PlayoutMarkOptions {
  /** Name of the item; undefined for audio without one. It need not have begun. */
  readonly item?: string | undefined;
  /**
   * Position of the mark in frames from the item's start, at the rate of the written audio; a position past the item's end counts
   * as the end.
   * @default the end of the item's audio written so far
   */
  readonly frames?: number | undefined;
}
const MARK_NAMES = { item: 1, frames: 1 } satisfies OptionNames<PlayoutMarkOptions>;

export interface PlayoutWriterOptions extends StreamFormat {
  /** Bytes per frame of the samples that reach the processor. */
  readonly bytesPerFrame: number;
  readonly maxBufferMs: number;
  /** Decodes the written packets, if the playout takes packets. */
  readonly reader?: PacketReader | undefined;
  /** Whether the processor must learn the names of items, because another thread than the page writes. */
  readonly tellsNames: boolean;
  /** Returns the current time in ms. */
  readonly now: () => number;
  readonly send: (command: PlayoutCommand, transfer: ArrayBuffer[]) => void;
  /** Called when frames of an item found no room. */
  readonly noRoom: (item: string | undefined, frames: number) => void;
}

/** Writes to a playout's processor from any thread: maps names to numbers, and keeps interrupted items silent. */
export class PlayoutWriter {
  readonly items: PlayoutItems = new PlayoutItems();
  readonly feed: PlayoutFeed;
  readonly #options: PlayoutWriterOptions;
  #sentMarks = 0;
  #settledMarks = 0;
  /** Number of interrupts reported by the processor, and of those whose late audio may still come back. */
  #interrupts = 0;
  #returning = 0;
  /** Whether an interrupt was undone while its late audio may still come back. */
  #resuming = false;

  constructor(options: PlayoutWriterOptions) {
    this.#options = options;
    this.feed = new PlayoutFeed(options);
  }

  /**
   * Queues audio.
   * @returns the number of frames taken
   * @throws PacketError `'bad-base64'`; TypeError or RangeError
   */
  write(data: PlayoutData, options: PlayoutWriteOptions): number {
    checkOptions('playout.write', options, WRITE_NAMES);
    const { items, feed } = this;
    const { item, lostFrames = 0 } = options;
    numberIn('lostFrames', lostFrames, 0, Number.MAX_SAFE_INTEGER);
    const bytes = this.#read(toBytes(data, this.#options.format), lostFrames, item);
    if (items.isInterrupted(item)) {
      feed.drop(bytes);
      items.hold(item, bytes, this.#options.now());
      return 0;
    }
    if (!items.isOpen(item)) {
      feed.reset();
      if (items.full) {
        feed.drop(bytes);
        this.#noRoom(item, feed.framesWith(bytes));
        return 0;
      }
      this.#begin(item);
    }
    return this.#put(bytes);
  }

  /** Sets a mark. @returns whether it was taken @throws TypeError or RangeError */
  mark(name: string, options: PlayoutMarkOptions): boolean {
    checkText('name', name);
    checkOptions('playout.mark', options, MARK_NAMES);
    const { item, frames: place } = options;
    const frames =
      place === undefined ? -1 : integerIn('frames', place, 0, Number.MAX_SAFE_INTEGER);
    const mark = { name, frames };
    const { items } = this;
    if (items.isInterrupted(item)) {
      items.hold(item, mark, this.#options.now());
      return false;
    }
    if (this.#marksFull) return false;
    const number = items.find(item);
    if (number < 0) items.await(item, mark);
    else this.#mark(number, mark);
    return true;
  }

  /** Completes an item. */
  end(item: string | undefined): void {
    const { items } = this;
    if (items.isInterrupted(item)) {
      items.hold(item, 'end', this.#options.now());
      items.release(item);
    } else if (items.isOpen(item)) {
      this.#end();
    }
  }

  /** Takes a report of the processor. */
  report(figures: PlayoutFigures): void {
    this.feed.report(figures);
    this.#settledMarks = figures.settledMarks;
  }

  /** Notes that another writer has begun an item. */
  learn(item: number, name: string | undefined): void {
    for (const mark of this.items.learn(item, name)) this.#mark(item, mark);
  }

  /** Interrupts all items from this side. */
  interrupt(): void {
    this.items.interrupt(this.#options.now());
  }

  /**
   * Notes that the items up to number `last` were interrupted; commands sent for them meanwhile will come back.
   * @param open the item among them whose end the processor has not seen; −1 for none
   */
  interrupted(last: number, open: number): void {
    // Earlier held commands come back as well, then.
    if (this.#resuming) this.#resume();
    this.items.interrupt(this.#options.now(), last, open);
    this.#interrupts++;
    this.#returning++;
    this.#options.send({ type: 'noted' }, []);
  }

  /** Takes back a command of an interrupted item. */
  takeBack(command: PlayoutWrite): void {
    const now = this.#options.now();
    switch (command.type) {
      case 'write':
        this.feed.takeBack(command.bytes, command.afterGap);
        this.items.holdLate(command.item, { block: command.bytes }, now);
        break;
      case 'end':
        this.items.holdLate(command.item, 'end', now);
        break;
      case 'mark':
        this.#sentMarks--;
        this.items.holdLate(command.item, command, now);
    }
  }

  /** Notes that all commands of the oldest interrupt have come back. */
  allBack(): void {
    this.#returning--;
    if (this.#returning > 0 || !this.#resuming) return;
    this.#accept();
    this.#resume();
  }

  /** Takes the answer to an undo: if it succeeded, the held audio is written. */
  undone(done: boolean): void {
    this.feed.reserve(0);
    if (!done) return;
    this.#resuming = true;
    if (this.#returning > 0) return;
    this.#accept();
    this.#resume();
  }

  /** Closes the decoder. */
  close(): void {
    this.#options.reader?.close();
  }

  /** Asks the processor to accept the open item again. */
  #accept(): void {
    if (!this.#options.tellsNames) return;
    this.#options.send({ type: 'rejoin', interrupts: this.#interrupts }, []);
  }

  #resume(): void {
    this.#resuming = false;
    const { items, feed } = this;
    for (const call of items.undo()) {
      // Audio after the item's end stays dropped.
      if (items.open < 0) break;
      if (call === 'end') this.#end();
      else if (call instanceof Uint8Array) this.#put(call, true);
      else if ('block' in call) {
        const { length } = call.block;
        const taken = feed.resend(items.open, call.block);
        this.#noRoom(items.name(items.open), length / this.#options.bytesPerFrame - taken);
      } else if (!this.#marksFull) this.#mark(items.open, call);
    }
  }

  /** Returns the samples to send; those of a packet are decoded. */
  #read(payload: Uint8Array, lostFrames: number, item: string | undefined): Uint8Array {
    const { items, feed } = this;
    const { reader } = this.#options;
    if (reader === undefined) {
      feed.lose(lostFrames);
      return payload;
    }
    const open = items.isOpen(item) || items.isInterrupted(item);
    if (!open) reader.reset();
    const { bytes, missing } = reader.read(payload, open ? lostFrames : 0);
    feed.lose(missing);
    return bytes;
  }

  #begin(name: string | undefined): void {
    const { items } = this;
    const marks = items.begin(name);
    if (this.#options.tellsNames) {
      this.#options.send({ type: 'begin', item: items.open, name }, []);
    }
    for (const mark of marks) this.#mark(items.open, mark);
  }

  /** Sends bytes of the open item. @param again whether they were dropped before */
  #put(bytes: Uint8Array, again = false): number {
    const { feed } = this;
    const { open } = this.items;
    const offered = feed.framesWith(bytes);
    const taken = again ? feed.retry(open, bytes) : feed.write(open, bytes);
    this.#noRoom(this.items.name(open), offered - taken);
    return taken;
  }

  #noRoom(item: string | undefined, frames: number): void {
    if (frames > 0) this.#options.noRoom(item, frames);
  }

  get #marksFull(): boolean {
    return this.#sentMarks - this.#settledMarks + this.items.waitingMarks >= MAX_MARKS;
  }

  #mark(item: number, { name, frames }: ItemMark): void {
    this.#sentMarks++;
    this.#options.send({ type: 'mark', item, frames, name }, []);
  }

  #end(): void {
    const { items } = this;
    this.#options.send({ type: 'end', item: items.open }, []);
    items.open = -1;
    this.feed.reset();
  }
}
