import { afterEach, describe, expect, it } from 'vitest';
import type { PlayoutOptions } from '../src/web/playout-options.ts';
import type { PlayoutMark } from '../src/web/playout-position.ts';
import { SampleEncoder } from '../src/core/format/sample-format.ts';
import { PlayoutPage, counting } from './helpers/playout-page.ts';
import { PlayoutRig, ramp } from './helpers/playout-rig.ts';
import type { Marked } from './helpers/playout-rig.ts';
import { NumberedSignalReader, numberedSignal } from './helpers/numbered-signal.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 24_000;
const STEP = 2 ** -20;

const pages: PlayoutPage[] = [];
afterEach(() => {
  for (const page of pages.splice(0)) page.close();
});

async function open(options: Partial<PlayoutOptions> = {}, contextRate = RATE) {
  const page = await PlayoutPage.open({ sampleRate: RATE, ...options }, contextRate);
  pages.push(page);
  const marks: PlayoutMark[] = [];
  /** Marks and ends, in the order in which they are told. */
  const told: string[] = [];
  page.playout.addEventListener('mark', ({ detail }) => {
    marks.push(detail);
    told.push(`${detail.name}@${detail.contextFrame}`);
  });
  page.playout.addEventListener('ended', ({ detail }) => {
    told.push(`${detail.item} ended@${detail.contextFrame}`);
  });
  return { page, playout: page.playout, marks, told };
}

/** Whether a mark was told in the quantum in which its frame left. */
function onTime({ at, quantum }: Marked, quantumFrames: number): boolean {
  return at >= quantum && at <= quantum + quantumFrames;
}

describe('a mark', () => {
  it('names the output frame of the marked frame, with any chunks and quanta', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const rig = new PlayoutRig({ targetFrames: 300 });
      const signal = ramp(6000, 1, STEP);
      const places = Array.from({ length: 40 }, () => Math.floor(random() * 6000));
      for (const place of places.slice(0, 20)) rig.player.mark(0, place, `${place}`, 0);
      const quantum = 1 + Math.floor(random() * 400);
      for (let at = 0; at < 6000;) {
        const count = Math.min(6000 - at, 1 + Math.floor(random() * 700));
        rig.write(0, signal.subarray(at, at + count));
        at += count;
      }
      for (const place of places.slice(20)) rig.player.mark(0, place, `${place}`, 0);
      rig.player.end(0);
      rig.render(7000, quantum);
      const output = rig.rendered();
      expect(rig.marked.map(({ frames }) => frames)).toEqual(places.toSorted((a, b) => a - b));
      for (const mark of rig.marked) {
        expect(mark.name).toBe(`${mark.frames}`);
        expect(output[mark.at]! / STEP, `seed ${seed}`).toBe(mark.frames + 1);
        expect(onTime(mark, quantum)).toBe(true);
      }
    }
  });

  it('names the right frame through underruns and through audio skipped to catch up', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = seededRandom(seed);
      const rig = new PlayoutRig({ targetFrames: 1440, backlog: 'catch-up' });
      const frames = 8 * RATE;
      const signal = ramp(frames, 1, STEP);
      for (let place = 0; place < frames; place += 997) rig.player.mark(0, place, '', 0);
      let sent = 0;
      // Two stalls: the backlog of one is worked off bit by bit, that of the other is skipped at once.
      const stalls = [1 + random(), 4 + random()].map((at, i) => [at, at + 0.4 + i * 1.4] as const);
      for (let now = 0; now < frames; now += 128) {
        const stalled = stalls.some(([from, to]) => now >= from * RATE && now < to * RATE);
        for (; !stalled && sent <= now; sent += 480) {
          rig.write(0, signal.subarray(sent, sent + 480));
        }
        rig.render(128);
      }
      rig.player.end(0);
      rig.render(2 * RATE, 128);
      const { skipped } = rig.player.timeline;
      expect(skipped).toBeGreaterThan(RATE);
      expect(rig.underruns).toBe(2);
      expect(rig.marked.map((mark) => mark.frames)).toEqual(
        Array.from({ length: Math.ceil(frames / 997) }, (_, i) => i * 997),
      );
      const output = rig.rendered();
      let exact = 0;
      for (const [i, { at, frames: place }] of rig.marked.entries()) {
        const heard = output[at]! / STEP - 1;
        if (heard === place) exact++;
        // One that was left out is told with what is heard in its stead; ramps and cross-fades are neither.
        else if (Number.isInteger(heard)) expect(heard).toBeGreaterThan(place);
        if (i > 0) expect(at).toBeGreaterThanOrEqual(rig.marked[i - 1]!.at);
      }
      expect(exact).toBeGreaterThan(0.5 * rig.marked.length);
    }
  });

  it('names the place of a numbered signal in the output, at any pair of rates', async () => {
    for (const [sampleRate, contextRate] of [
      [24_000, 48_000],
      [16_000, 44_100],
      [8000, 48_000],
      [48_000, 16_000],
    ] as const) {
      const { page, playout, marks } = await open({ sampleRate }, contextRate);
      const random = seededRandom(sampleRate);
      const signal = numberedSignal(0, sampleRate).subarray(0, 3 * sampleRate);
      const bytes = new Uint8Array(2 * signal.length);
      new SampleEncoder({ format: 's16', channels: 1 }).encode(
        [signal],
        0,
        signal.length,
        bytes,
        0,
      );
      const places = Array.from({ length: 30 }, () => {
        return Math.floor(sampleRate * (0.1 + 2.7 * random()));
      });
      for (const frames of places) playout.mark('', { item: 'a', frames });
      playout.write(bytes, { item: 'a' });
      playout.end('a');
      const output = page.render(3.5 * contextRate);
      expect(marks.map(({ frames }) => frames)).toEqual(places.toSorted((a, b) => a - b));
      const reader = new NumberedSignalReader(contextRate);
      for (const { frames, contextFrame } of marks) {
        const { source, seconds } = reader.read(output, contextFrame);
        expect(source).toBe(0);
        // The output frame at or before its instant: never a whole one early.
        const early = frames / sampleRate - seconds;
        expect(early * contextRate).toBeGreaterThan(-0.05);
        expect(early * contextRate).toBeLessThan(1.05);
      }
    }
  });

  it('without a frame is at the end of the audio written so far, and is reported there although more follows', async () => {
    const { page, playout, marks } = await open();
    playout.write(counting(1000), { item: 'a' });
    playout.mark('first', { item: 'a' });
    playout.write(counting(777), { item: 'a' });
    playout.mark('second', { item: 'a' });
    playout.write(counting(2000), { item: 'a' });
    page.render(3000);
    expect(marks).toEqual([
      { name: 'first', item: 'a', frames: 1000, contextFrame: 1000 },
      { name: 'second', item: 'a', frames: 1777, contextFrame: 1777 },
    ]);
  });

  it('at the end of the audio is reported when that was heard, although nothing follows', async () => {
    const { page, playout, marks } = await open();
    playout.write(counting(2000), { item: 'a' });
    playout.mark('heard', { item: 'a' });
    page.render(1920);
    expect(marks).toEqual([]);
    page.render(128);
    expect(marks).toEqual([{ name: 'heard', item: 'a', frames: 2000, contextFrame: 2000 }]);
    // Again, when it was heard long ago.
    page.render(RATE);
    playout.mark('late', { item: 'a' });
    page.render(128);
    expect(marks.slice(1)).toEqual([{ name: 'late', item: 'a', frames: 2000, contextFrame: 2000 }]);
  });

  it('on the first frame is reported when that leaves, after the wait for the target delay', async () => {
    const { page, playout, told } = await open({ backlog: 'catch-up' });
    playout.mark('early', { item: 'a', frames: 0 });
    playout.write(counting(480), { item: 'a' });
    playout.mark('late', { item: 'a', frames: 0 });
    page.render(1024);
    expect(told).toEqual([]);
    page.render(512 + 128);
    // The first quantum after 60 ms of waiting: frame 1440, rounded up.
    expect(told).toEqual(['early@1536', 'late@1536']);
  });

  it('beyond the end of its item is reported with the end, before it', async () => {
    const { page, playout, marks, told } = await open();
    playout.write(counting(2000), { item: 'a' });
    playout.mark('far', { item: 'a', frames: 2001 });
    playout.mark('near', { item: 'a', frames: 100 });
    playout.write(counting(1500), { item: 'b' });
    playout.mark('next', { item: 'b', frames: 0 });
    page.render(2100);
    expect(told).toEqual(['near@100', 'far@2000', 'a ended@2000', 'next@2000']);
    expect(marks[1]).toMatchObject({ item: 'a', frames: 2000 });
    // Its end was heard before it was known.
    page.render(2000);
    playout.mark('last', { item: 'b', frames: 99_999 });
    page.render(2000);
    playout.end('b');
    page.render(128);
    expect(told.slice(4)).toEqual(['last@3500', 'b ended@3500']);
  });

  it('on a frame that has left is reported at once, with its frame of the context', async () => {
    const { page, playout, marks } = await open();
    playout.write(counting(5000), { item: 'a' });
    page.render(2048);
    playout.mark('late', { item: 'a', frames: 700 });
    page.render(128);
    expect(marks).toEqual([{ name: 'late', item: 'a', frames: 700, contextFrame: 700 }]);
    playout.end('a');
    page.render(5000);
    playout.mark('later', { item: 'a', frames: 9000 });
    playout.mark('latest', { item: 'a' });
    page.render(128);
    expect(marks.slice(1)).toEqual([
      { name: 'later', item: 'a', frames: 5000, contextFrame: 5000 },
      { name: 'latest', item: 'a', frames: 5000, contextFrame: 5000 },
    ]);
  });

  it('on a frame that left before an underrun is reported with the present frame', async () => {
    const { page, playout, marks } = await open();
    playout.write(counting(2000), { item: 'a' });
    page.render(4096);
    playout.write(counting(2000), { item: 'a' });
    page.render(1024);
    playout.mark('late', { item: 'a', frames: 700 });
    page.render(128);
    expect(marks).toEqual([{ name: 'late', item: 'a', frames: 700, contextFrame: 5120 }]);
  });

  it('of audio without a name counts from its start', async () => {
    const { page, playout, marks } = await open();
    playout.write(counting(1000), { item: 'a' });
    playout.write(counting(1000));
    playout.mark('x', { frames: 500 });
    playout.mark('y');
    page.render(3000);
    expect(marks).toEqual([
      { name: 'x', item: undefined, frames: 500, contextFrame: 1500 },
      { name: 'y', item: undefined, frames: 1000, contextFrame: 2000 },
    ]);
  });

  it('of an item without frames is reported with its end', async () => {
    const { page, playout, told } = await open();
    playout.write(counting(2000), { item: 'a' });
    playout.mark('a', { item: 'a', frames: 1999 });
    // Half a frame: it never becomes a whole one.
    playout.write(counting(1).subarray(1), { item: 'b' });
    playout.mark('b', { item: 'b', frames: 10 });
    playout.end('b');
    playout.write(counting(2000), { item: 'c' });
    playout.mark('c', { item: 'c', frames: 1 });
    page.render(3000);
    expect(told).toEqual(['a@1999', 'a ended@2000', 'b@2000', 'b ended@2000', 'c@2001']);
  });
});

describe('ended', () => {
  it('reports when the last frame left, even if the end is known later; without frames the present one', async () => {
    const { page, playout, told } = await open();
    playout.write(counting(2000), { item: 'a' });
    page.render(3072);
    playout.end('a');
    // Half a frame.
    playout.write(counting(1).subarray(1), { item: 'b' });
    playout.end('b');
    page.render(128);
    expect(told).toEqual(['a ended@2000', 'b ended@3072']);
  });
});

describe('marks and an interrupt', () => {
  it('marks that were not reached are not reported, and those of later items are', async () => {
    const { page, playout, marks } = await open();
    playout.write(counting(5000), { item: 'a' });
    for (let frames = 0; frames < 5000; frames += 100) {
      playout.mark('a', { item: 'a', frames });
    }
    playout.write(counting(5000), { item: 'b' });
    playout.mark('b', { item: 'b', frames: 0 });
    page.render(1920);
    const interruption = playout.interrupt();
    playout.write(counting(5000), { item: 'c' });
    playout.mark('c', { item: 'c', frames: 10 });
    expect(playout.mark('late', { item: 'a', frames: 10 })).toBe(false);
    page.render(9000);
    const heard = await interruption;
    const told = marks.filter(({ name }) => name === 'a');
    // To the frame: those before the first that was not heard.
    expect(told).toHaveLength(Math.ceil(heard.frames / 100));
    expect(heard.frames).toBe(heard.contextFrame);
    expect(marks.slice(told.length).map(({ name }) => name)).toEqual(['c']);
  });

  it('an undo restores them, with late ones', async () => {
    const { page, playout, marks, told } = await open();
    playout.write(counting(3000), { item: 'a' });
    playout.mark('heard', { item: 'a', frames: 500 });
    playout.mark('taken', { item: 'a', frames: 2500 });
    page.render(1024);
    const interruption = playout.interrupt();
    page.render(1024);
    const { frames } = await interruption;
    playout.write(counting(1000), { item: 'a' });
    playout.mark('late', { item: 'a' });
    playout.end('a');
    playout.mark('after its end', { item: 'a', frames: 100 });
    const undone = playout.undo();
    await Promise.resolve();
    const from = page.scope.currentFrame;
    page.render(6000);
    expect(await undone).toBe(true);
    expect(marks.map(({ name, frames }) => [name, frames])).toEqual([
      ['heard', 500],
      ['taken', 2500],
      ['late', 4000],
    ]);
    const shift = from - frames;
    expect(told.slice(1)).toEqual([
      `taken@${shift + 2500}`,
      `late@${shift + 4000}`,
      `a ended@${shift + 4000}`,
    ]);
  });

  it('those that cannot be undone any more are forgotten, and make room', async () => {
    const { page, playout, marks } = await open();
    playout.write(counting(9000), { item: 'a' });
    for (let i = 0; i < 1024; i++) {
      expect(playout.mark('a', { item: 'a', frames: 5000 })).toBe(true);
    }
    expect(playout.mark('one too many', { item: 'a', frames: 6000 })).toBe(false);
    page.render(256);
    const interruption = playout.interrupt();
    page.render(512);
    await interruption;
    playout.write(counting(9000), { item: 'b' });
    expect(playout.mark('b', { item: 'b', frames: 0 })).toBe(false);
    page.render(RATE + 1024);
    expect(playout.mark('b', { item: 'b', frames: 0 })).toBe(true);
    page.render(128);
    // It plays since the quantum after it was written.
    expect(marks).toEqual([{ name: 'b', item: 'b', frames: 0, contextFrame: 768 }]);
  });
});

describe('mark', () => {
  it('refuses wrong arguments, and every call after close', async () => {
    const { playout } = await open();
    expect(() => playout.mark(5 as unknown as string)).toThrow(TypeError);
    expect(() => playout.mark('x', { frames: -1 })).toThrow(RangeError);
    expect(() => playout.mark('x', { frames: 0.5 })).toThrow(RangeError);
    expect(() => playout.mark('x', { frame: 5 } as object)).toThrow(TypeError);
    void playout.close();
    expect(() => playout.mark('x')).toThrow('closed');
  });

  it('waits for items that have not begun, up to the newest 256', async () => {
    const { page, playout, marks } = await open();
    for (let i = 0; i < 300; i++) expect(playout.mark(`${i}`, { item: `${i}` })).toBe(true);
    playout.write(counting(2000), { item: '43' });
    playout.write(counting(2000), { item: '44' });
    playout.write(counting(2000), { item: '299' });
    page.render(7000);
    expect(marks.map(({ name, item, contextFrame }) => [name, item, contextFrame])).toEqual([
      ['44', '44', 2000],
      ['299', '299', 4000],
    ]);
  });
});
