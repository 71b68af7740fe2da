import { expect, it } from 'vitest';
import { SAMPLE_FORMATS } from '../src/core/format/formats.ts';
import { PlayoutRig, sine, steepest } from './helpers/playout-rig.ts';
import { seededRandom } from './helpers/random.ts';

const RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];

interface ModelMark {
  readonly item: number;
  readonly frames: number;
  readonly name: string;
  /** Whether an interrupt has taken it, and no undo has brought it back. */
  taken: boolean;
}

/** What must be true of marks, without a timeline: where items begin and end, and what was interrupted. */
class MarkModel {
  readonly #rig: PlayoutRig;
  readonly #starts = new Map<number, number>();
  readonly #ends = new Map<number, number>();
  readonly #marks: ModelMark[] = [];
  readonly #takenItems = new Set<number>();
  /** Items of the last interrupt, while that can be undone. */
  #undoable: number[] = [];
  #cutAfter = -1;
  #interrupted: unknown;
  #last = -1;

  constructor(rig: PlayoutRig) {
    this.#rig = rig;
  }

  begin(item: number, start: number): void {
    if (this.#starts.has(item)) return;
    if (this.#last >= 0 && !this.#ends.has(this.#last)) this.#ends.set(this.#last, start);
    this.#starts.set(item, start);
    this.#last = item;
  }

  /** `player.end(item)` is called now. */
  end(item: number): void {
    const { received } = this.#rig.player.timeline;
    this.begin(item, received);
    this.#ends.set(item, received);
  }

  set(item: number, frames: number): void {
    const start = this.#starts.get(item);
    const end = this.#ends.get(item) ?? this.#rig.player.timeline.received;
    const place = frames >= 0 ? frames : start === undefined ? 0 : end - start;
    const name = `${this.#marks.length}`;
    this.#marks.push({ item, frames: place, name, taken: this.#takenItems.has(item) });
    this.#rig.player.mark(item, frames, name, 0);
  }

  /** `player.interrupt()` is called now. */
  interrupt(): void {
    this.#see();
    if (this.#cutAfter < 0) this.#cutAfter = this.#last;
  }

  undone(): void {
    for (const item of this.#undoable) {
      this.#takenItems.delete(item);
      for (const mark of this.#marks) if (mark.item === item) mark.taken = false;
    }
    this.#undoable = [];
  }

  check(seed: number): void {
    this.#see();
    const { marked, ended, player } = this.#rig;
    const told = new Set(marked.map(({ name }) => name));
    const over = new Set(ended.map(({ item }) => item));
    expect(told.size, `told once, seed ${seed}`).toBe(marked.length);
    for (const mark of this.#marks) {
      const start = this.#starts.get(mark.item);
      if (start === undefined) continue;
      const end = this.#ends.get(mark.item) ?? Infinity;
      const place = Math.min(start + mark.frames, end);
      const message = `seed ${seed}, mark ${mark.name} at ${place} of item ${mark.item}`;
      if (mark.taken) expect(told.has(mark.name), message).toBe(false);
      else if (place < player.timeline.position || over.has(mark.item)) {
        expect(told.has(mark.name), message).toBe(true);
      } else if (place > player.timeline.position) {
        expect(told.has(mark.name), message).toBe(false);
      }
    }
  }

  /** An interrupt may have been completed. */
  #see(): void {
    if (this.#rig.interrupted === this.#interrupted) return;
    this.#interrupted = this.#rig.interrupted;
    const told = new Set(this.#rig.marked.map(({ name }) => name));
    const over = new Set(this.#rig.ended.map(({ item }) => item));
    this.#undoable = [...this.#starts.keys()].filter((item) => {
      return item <= this.#cutAfter && !over.has(item) && !this.#takenItems.has(item);
    });
    for (const item of this.#undoable) this.#takenItems.add(item);
    for (const mark of this.#marks) {
      if (this.#undoable.includes(mark.item) && !told.has(mark.name)) mark.taken = true;
    }
    this.#cutAfter = -1;
  }
}

/** Everything a player can be told, in random order, in a random set-up. */
function play(seed: number): void {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const upTo = (max: number): number => Math.floor(random() * max);
  const sampleRate = pick(RATES);
  const contextRate = random() < 0.4 ? sampleRate : pick(RATES);
  const capacityFrames = Math.ceil(sampleRate * (0.2 + random() * 3));
  const rig = new PlayoutRig({
    format: pick(SAMPLE_FORMATS),
    channels: 1 + upTo(3),
    sampleRate,
    contextRate,
    targetFrames: upTo(sampleRate * 0.1),
    backlog: pick(['catch-up', 'keep'] as const),
    capacityFrames,
  });
  const { player } = rig;
  const { timeline } = player;
  let item = 0;
  let sent = 0;
  let offered = 0;
  let capacity = capacityFrames;
  const newItem = (): void => {
    item++;
  };
  const marks = new MarkModel(rig);
  for (let i = 0; i < 150; i++) {
    const action = random();
    if (action < 0.45) {
      const frames = 1 + upTo(random() < 0.1 ? sampleRate : sampleRate * 0.05);
      offered += frames;
      const start = timeline.received;
      const taken = rig.write(item, sine(frames, 300, sampleRate, offered), random() < 0.05);
      sent += taken;
      if (taken > 0) marks.begin(item, start);
    } else if (action < 0.47) {
      player.pause(pick([0, 1, 50, 240]));
    } else if (action < 0.5) {
      player.resume();
    } else if (action < 0.85) {
      rig.render(1 + upTo(random() < 0.1 ? contextRate : contextRate * 0.03), 1 + upTo(600));
    } else if (action < 0.87) {
      marks.set(item + upTo(3) - 1, random() < 0.3 ? -1 : upTo(sampleRate * 0.2));
    } else if (action < 0.89) {
      marks.end(item);
      player.end(item);
      newItem();
    } else if (action < 0.92) {
      newItem();
    } else if (action < 0.95) {
      marks.interrupt();
      player.interrupt(pick([0, 1, 50, 240]));
      newItem();
    } else if (action < 0.98) {
      if (player.undo()) marks.undone();
    } else if (action < 0.99) {
      player.targetFrames = upTo(sampleRate * 0.2);
    } else {
      capacity += upTo(sampleRate);
      player.adopt(new ArrayBuffer(capacity * rig.encoder.bytesPerFrame));
    }
    expect(rig.unaccounted).toBe(0);
    expect(timeline.received).toBe(sent);
    expect(player.dropped).toBe(offered - sent);
    expect(timeline.buffered).toBeGreaterThanOrEqual(0);
    expect(timeline.buffered).toBeLessThanOrEqual(capacity);
    expect(timeline.received - timeline.floor).toBeLessThanOrEqual(capacity);
    expect(timeline.itemMissed).toBeLessThanOrEqual(timeline.itemFrames);
    marks.check(seed);
  }
  // All that is left is heard or left out, item by item, when the last one is complete.
  marks.end(item);
  player.end(item);
  player.resume();
  for (let i = 0; i < 600 && timeline.buffered > 0; i++) rig.render(contextRate / 10, 333);
  rig.render(contextRate / 10, 128);
  expect(timeline.buffered).toBe(0);
  expect(player.state).toBe('idle');
  marks.check(seed);
  expect(timeline.received).toBe(timeline.heard + timeline.skipped + timeline.interrupted);
  const items = rig.ended.map((ended) => ended.item);
  expect(items).toEqual(items.toSorted((a, b) => a - b));
  for (const { frames, missed } of rig.ended) expect(missed).toBeLessThanOrEqual(frames);
  const output = rig.rendered();
  expect(output.every((sample) => Number.isFinite(sample) && Math.abs(sample) < 1)).toBe(true);
}

it.each([[1], [2], [3], [4]])(
  'accounts for every frame in any sequence of commands, format, rate, layout and quantum (block %i of seeds)',
  (block) => {
    for (let i = 0; i < 12; i++) play(block * 1000 + i);
  },
);

it('makes no step above the signal’s own in a stream that stalls, is interrupted or paused, and returns', () => {
  for (let seed = 1; seed <= 16; seed++) {
    const random = seededRandom(seed);
    const sampleRate = 24_000;
    const contextRate = seed % 2 ? 24_000 : 48_000;
    const rig = new PlayoutRig({
      sampleRate,
      contextRate,
      targetFrames: 960,
      backlog: 'catch-up',
      capacityFrames: 2 * sampleRate,
    });
    let item = 0;
    let at = 0;
    let pauses = 0;
    for (let i = 0; i < 300; i++) {
      const frames = 120 + Math.floor(random() * 600);
      const lost = i > 0 && random() < 0.03;
      if (lost) at += Math.floor(random() * 500);
      if (rig.player.timeline.buffered < sampleRate) {
        rig.write(item, sine(frames, 300, sampleRate, at), lost);
        at += frames;
      }
      const rendered = random() < 0.05 ? 6000 : Math.floor(random() * 720);
      rig.render(Math.max(1, (rendered * contextRate) / sampleRate), 128);
      const action = random();
      if (action < 0.03) {
        rig.player.interrupt(contextRate * 0.005);
        item++;
      } else if (action < 0.06) rig.player.undo();
      else if (action < 0.09) {
        rig.player.pause(contextRate * 0.005);
        pauses++;
      } else if (action < 0.15) rig.player.resume();
    }
    expect(rig.underruns).toBeGreaterThan(0);
    expect(pauses).toBeGreaterThan(0);
    expect(rig.player.timeline.interrupted).toBeGreaterThan(0);
    // The tone rises 0.0393 a frame at most; a fade of 5 ms over its peak adds 0.5 · π / 2 / 120.
    const own = steepest(sine(1000, 300, sampleRate)) * (sampleRate / contextRate);
    const fade = (0.5 * Math.PI) / 2 / (contextRate * 0.005);
    const first = rig.rendered().findIndex((sample) => sample !== 0) + 1;
    expect(steepest(rig.rendered().subarray(first))).toBeLessThan(own + fade);
  }
});
