import type { HeardItem, ServiceEvent } from '../../src/core/services/service.ts';
import type { Clock } from './invariants.ts';
import type { Machine } from './machine.ts';
import { Samples } from './samples.ts';
import { SAMPLE_RATE } from './recovery.ts';

/** What a player tells the session. */
interface PlayerEnd {
  readonly played: (item: string, name: string | null, frames: number) => void;
  readonly playing: (playing: boolean) => void;
}

interface PlayerItem {
  readonly name: string;
  /** Frames that came, those that were lost on the way included. */
  received: number;
  played: number;
  isEnded: boolean;
  isInterrupted: boolean;
  readonly marks: { readonly name: string; readonly frame: number }[];
  /** All that came, heard or not. */
  readonly markNames: Set<string>;
}

/** Step of the player, ms. */
const STEP_MS = 20;
const STEP_FRAMES = (STEP_MS * SAMPLE_RATE) / 1000;

/** Frames that the samples of an item begin with: by its number, so that those of another item are others. */
export function firstFrameOf(item: string): number {
  return Number(item.slice(item.indexOf('-') + 1)) * 12_345;
}

/** Plays the items of a service as a playout does, and checks that each came once and whole. */
export class Player {
  readonly #time: Clock;
  readonly #machine: Machine;
  readonly #end: PlayerEnd;
  readonly #samples = new Samples('s16');
  readonly #items = new Map<string, PlayerItem>();
  readonly #queue: PlayerItem[] = [];
  /** All that was told to the session, for the server's end to compare with. */
  readonly heard: HeardItem[] = [];
  /** Frames of items that came. */
  frames = 0;
  /** Frames that were told as lost on the way. */
  lostFrames = 0;
  #isPlaying = false;

  constructor(time: Clock, machine: Machine, end: PlayerEnd) {
    this.#time = time;
    this.#machine = machine;
    this.#end = end;
  }

  item(name: string): PlayerItem | undefined {
    return this.#items.get(name);
  }

  take(event: ServiceEvent): void {
    if (event.type === 'audio') this.#takeAudio(event.item, event.bytes, event.lostFrames ?? 0);
    else if (event.type === 'item-end') {
      const item = this.#begin(event.item);
      if (item.isEnded) this.#time.fail('replies exactly once', `${item.name} ended twice.`);
      item.isEnded = true;
      this.#start();
    } else if (event.type === 'mark') {
      const item = this.#begin(event.item);
      if (item.markNames.has(event.name)) {
        this.#time.fail('replies exactly once', `The mark ${event.name} came twice.`);
      }
      item.markNames.add(event.name);
      item.marks.push({ name: event.name, frame: event.frame ?? item.received });
    }
  }

  /** Silences what plays. */
  interrupt(): HeardItem {
    const [current, ...others] = this.#queue.splice(0);
    for (const item of [current, ...others]) if (item !== undefined) item.isInterrupted = true;
    const frames = current?.played ?? 0;
    const heard = {
      item: current?.name,
      frames,
      ms: Math.floor((frames / SAMPLE_RATE) * 1000),
      unheard: others.map(({ name }) => name),
    };
    this.heard.push(heard);
    this.#tellPlaying();
    return heard;
  }

  #takeAudio(name: string, bytes: Uint8Array, lostFrames: number): void {
    const item = this.#begin(name);
    const fail = (what: string): never =>
      this.#time.fail('replies exactly once', `${name} ${what}`);
    if (item.isEnded) fail('continues after its end.');
    item.received += lostFrames;
    this.lostFrames += lostFrames;
    const frames = bytes.length / 2;
    if (!this.#samples.isAudio(firstFrameOf(name) + item.received, frames, bytes)) {
      fail(`has other samples than were said, from frame ${item.received} on.`);
    }
    item.received += frames;
    this.frames += frames;
    this.#start();
  }

  #begin(name: string): PlayerItem {
    let item = this.#items.get(name);
    if (item === undefined) {
      item = {
        name,
        received: 0,
        played: 0,
        isEnded: false,
        isInterrupted: false,
        marks: [],
        markNames: new Set(),
      };
      this.#items.set(name, item);
      this.#queue.push(item);
    }
    return item;
  }

  #start(): void {
    if (this.#isPlaying || this.#queue.length === 0) return;
    this.#tellPlaying();
    if (this.#isPlaying) this.#time.after(STEP_MS, () => this.#step());
  }

  #step(): void {
    if (this.#machine.isAwake) {
      let left = STEP_FRAMES;
      for (let item = this.#queue[0]; item !== undefined; item = this.#queue[0]) {
        left -= this.#play(item, left);
        if (item.played < item.received) break;
        // One whose end never came, because its connection was lost, is over when another one begins.
        if (!item.isEnded && this.#queue.length === 1) break;
        this.#queue.shift();
        const { name, played } = item;
        this.#machine.post(() => this.#end.played(name, null, played));
      }
    }
    this.#tellPlaying();
    if (this.#isPlaying) this.#time.after(STEP_MS, () => this.#step());
  }

  #play(item: PlayerItem, most: number): number {
    const frames = Math.min(most, item.received - item.played);
    item.played += frames;
    for (const mark of item.marks.filter(({ frame }) => frame <= item.played)) {
      item.marks.splice(item.marks.indexOf(mark), 1);
      this.#machine.post(() => this.#end.played(item.name, mark.name, mark.frame));
    }
    return frames;
  }

  #tellPlaying(): void {
    const isPlaying = this.#queue.some(
      ({ played, received, isEnded }) => played < received || isEnded,
    );
    if (isPlaying === this.#isPlaying) return;
    this.#isPlaying = isPlaying;
    this.#machine.post(() => this.#end.playing(isPlaying));
  }
}
