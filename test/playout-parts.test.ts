import { describe, expect, it } from 'vitest';
import { SampleDecoder } from '../src/core/format/sample-format.ts';
import type { PlayoutFigures } from '../src/core/messages.ts';
import { BacklogPolicy } from '../src/core/playout/backlog-policy.ts';
import type { BacklogMode } from '../src/core/playout/backlog-policy.ts';
import { FrameRing } from '../src/core/playout/frame-ring.ts';
import { MarkList } from '../src/core/playout/mark-list.ts';
import { PlayoutItems } from '../src/core/playout/playout-items.ts';
import { statsOf } from '../src/core/playout/playout-position.ts';
import { GapList } from '../src/core/playout/source.ts';
import { MAX_ITEMS, Timeline } from '../src/core/playout/timeline.ts';
import { PlayoutRig, sine } from './helpers/playout-rig.ts';

const RATE = 24_000;

describe('the end of an item that is resampled', () => {
  it('is heard with the full decay of the filter, and then the run is over', () => {
    for (const [sampleRate, contextRate] of [
      [24_000, 48_000],
      [48_000, 16_000],
      [16_000, 44_100],
    ] as const) {
      const rig = new PlayoutRig({ sampleRate, contextRate });
      const click = new Float32Array(1000);
      click[999] = 0.5;
      rig.write(0, click);
      rig.player.end(0);
      const output = rig.render(contextRate, 8);
      const sum = output.reduce((total, sample) => total + sample);
      // A filter of gain 1 at 0 Hz keeps the sum; half of it comes behind the last frame's instant.
      expect((sum * sampleRate) / contextRate).toBeCloseTo(0.5, 2);
      expect(rig.player.state).toBe('idle');
    }
  });
});

describe('catching up', () => {
  it('makes the next cut as soon as four times the length of the last one was played', () => {
    const rig = new PlayoutRig({ backlog: 'catch-up', targetFrames: 0 });
    const { timeline } = rig.player;
    const tone = sine(4 * RATE, 200, RATE);
    let written = 0;
    const cuts: { at: number; length: number }[] = [];
    let skipped = 0;
    for (let now = 0; now < 3 * RATE; now++) {
      // Real time, 0.7 s ahead.
      if (now % 240 === 0) {
        const to = Math.min(tone.length, now + 240 + 0.7 * RATE);
        if (to > written) rig.write(0, tone.subarray(written, to));
        written = to;
      }
      rig.render(1);
      if (timeline.skipped > skipped) cuts.push({ at: now, length: timeline.skipped - skipped });
      ({ skipped } = timeline);
    }
    expect(cuts.length).toBeGreaterThan(10);
    const pauses = cuts.slice(1, 11).map(({ at }, i) => (at - cuts[i]!.at) / cuts[i]!.length);
    // Of it all but the cross-fade is untouched: 25 % faster, to a few frames.
    for (const pause of pauses) {
      expect(pause).toBeGreaterThanOrEqual(4);
      expect(pause).toBeLessThan(4.25);
    }
  });
});

describe('a backlog policy', () => {
  it('does not trust a trough that only one arrival has shown, however long it was watched', () => {
    const policy = new BacklogPolicy({ sampleRate: RATE, targetFrames: 1440, mode: 'catch-up' });
    policy.started();
    // Chunks of 0.6 s, every other of which comes 200 ms early.
    for (let i = 0; i < 6; i++) {
      policy.arrived(i % 2 === 0 ? 1440 + 4800 : 1440);
      policy.played(0.6 * RATE);
      expect(policy.surplus(RATE)).toBe(0);
    }
  });

  it('trusts a surplus that all arrivals of a watch have shown', () => {
    const policy = new BacklogPolicy({ sampleRate: RATE, targetFrames: 1440, mode: 'catch-up' });
    policy.started();
    for (let i = 0; i < 4; i++) {
      policy.arrived(1440 + 4800);
      policy.played(0.3 * RATE);
    }
    expect(policy.surplus(RATE)).toBe(4800);
  });
});

describe('a backlog policy of 60 ms', () => {
  const policyOf = (mode: BacklogMode = 'catch-up') =>
    new BacklogPolicy({ sampleRate: RATE, targetFrames: 1440, mode });

  it('starts playing at the target, by level or by waiting time, and at once with the end', () => {
    const policy = policyOf();
    expect(policy.ready(9999, 1439, 1439, false)).toBe(false);
    expect(policy.ready(0, 1440, 0, false)).toBe(true);
    expect(policy.ready(0, 0, 1440, false)).toBe(true);
    expect(policy.ready(0, 0, 0, true)).toBe(true);
    const keeping = policyOf('keep');
    expect(keeping.ready(1440, 0, 0, false)).toBe(true);
    expect(keeping.ready(1439, 0, 0, false)).toBe(false);
  });

  it('trusts a watch of half a second, and the next only when that is over too', () => {
    const policy = policyOf();
    const watch = (trough: number) => {
      policy.arrived(1440 + trough);
      policy.arrived(1440 + trough + 10);
    };
    watch(4800);
    policy.played(11_999);
    expect(policy.surplus(RATE)).toBe(0);
    policy.played(1);
    expect(policy.surplus(RATE)).toBe(4800);
    watch(5800);
    policy.played(11_999);
    expect(policy.surplus(RATE)).toBe(4800);
    policy.played(1);
    expect(policy.surplus(RATE)).toBe(5800);
    // Less is believed at once: of what arrives, and of what is there.
    policy.arrived(1440 + 900);
    expect(policy.surplus(RATE)).toBe(900);
    expect(policy.surplus(1440 + 300)).toBe(300);
    // Playing begins again: nothing is known, for a whole watch.
    policy.played(6000);
    policy.started();
    watch(4800);
    policy.played(6000);
    expect(policy.surplus(RATE)).toBe(0);
    policy.played(6000);
    expect(policy.surplus(RATE)).toBe(4800);
    policy.removed(800);
    expect(policy.surplus(RATE)).toBe(4000);
  });

  it('starts above 10 ms of surplus and stops at 2.5; above a second it skips', () => {
    const policy = policyOf();
    const surplusOf = (trough: number) => {
      policy.started();
      policy.arrived(1440 + trough);
      policy.arrived(1440 + trough);
      policy.played(12_000);
      return policy.surplus(RATE);
    };
    expect(surplusOf(240)).toBe(0);
    expect(surplusOf(241)).toBe(241);
    policy.removed(180);
    expect(policy.surplus(RATE)).toBe(61);
    policy.removed(1);
    expect(policy.surplus(RATE)).toBe(0);
    policy.removed(-100);
    expect(policy.surplus(RATE)).toBe(0);
    expect([policy.skips(RATE), policy.skips(RATE + 1)]).toEqual([false, true]);
  });
});

describe('the timeline', () => {
  it('passes skipped frames as soon as the frames before them were heard', () => {
    const skips: [number, number][] = [];
    const timeline = new Timeline({
      ended: () => {},
      marked: () => {},
      skipped: (item, frames) => skips.push([item, frames]),
    });
    timeline.receive(7, 1000);
    timeline.startRun();
    timeline.jump(100, 50);
    timeline.advance(99);
    expect([timeline.position, timeline.skipped]).toEqual([99, 0]);
    timeline.advance(100);
    expect([timeline.position, timeline.skipped, timeline.itemMissed]).toEqual([150, 50, 50]);
    expect(skips).toEqual([[7, 50]]);
  });
});

describe('the timeline of items', () => {
  function timelineOf() {
    const told: unknown[][] = [];
    const timeline = new Timeline({
      ended: (...values) => told.push(['ended', ...values]),
      skipped: (...values) => told.push(['skipped', ...values]),
      marked: (...values) => told.push(['marked', ...values]),
    });
    return { timeline, told };
  }

  it('knows which item is open, and which one is heard', () => {
    const { timeline } = timelineOf();
    const { openItem, lastItem, item, complete, itemComplete } = timeline;
    expect([openItem, lastItem, item, complete, itemComplete]).toEqual([-1, -1, -1, true, false]);
    timeline.receive(3, 100);
    expect([timeline.openItem, timeline.lastItem, timeline.item]).toEqual([3, 3, 3]);
    expect([timeline.complete, timeline.itemComplete, timeline.itemFrames]).toEqual([
      false,
      false,
      0,
    ]);
    timeline.end(3);
    expect([timeline.openItem, timeline.lastItem]).toEqual([-1, 3]);
    expect([timeline.complete, timeline.itemComplete]).toEqual([true, true]);
    timeline.startRun();
    timeline.advance(100);
    // The last one, when all were passed.
    expect([timeline.item, timeline.itemFrames, timeline.buffered]).toEqual([3, 100, 0]);
  });

  it('accepts as many as it can number, and another when one has ended', () => {
    const { timeline } = timelineOf();
    timeline.startRun();
    let item = 0;
    while (timeline.receive(item, 1)) item++;
    expect(item).toBe(MAX_ITEMS - 1);
    expect(timeline.received).toBe(item);
    timeline.advance(1);
    expect(timeline.receive(item, 1)).toBe(true);
    expect(timeline.receive(item + 1, 1)).toBe(false);
  });

  it('holds interrupted frames until they are forgotten, from the first frame on', () => {
    const { timeline, told } = timelineOf();
    timeline.receive(0, 100);
    timeline.mark(0, 50, 'x', 1);
    timeline.markCut();
    expect([timeline.cutsShort, timeline.playable]).toEqual([true, 100]);
    timeline.receive(1, 30);
    expect(timeline.playable).toBe(100);
    timeline.cut();
    expect([timeline.position, timeline.interrupted, timeline.floor]).toEqual([100, 100, 0]);
    timeline.mark(0, 60, 'late', 0);
    expect([...timeline.settledMarks]).toEqual([0, 0]);
    timeline.forget();
    expect(timeline.floor).toBe(100);
    expect([...timeline.settledMarks]).toEqual([1, 1]);
    timeline.mark(0, 70, 'too late', 1);
    expect([...timeline.settledMarks]).toEqual([1, 2]);
    expect(timeline.restore()).toBe(false);
    expect(told).toEqual([]);
  });

  it('restores an interrupted item, open as it was, with its marks', () => {
    const { timeline, told } = timelineOf();
    timeline.receive(0, 40);
    timeline.receive(1, 60);
    timeline.startRun();
    timeline.advance(10);
    timeline.mark(1, 20, 'x', 0);
    timeline.markCut();
    timeline.cut();
    expect([timeline.item, timeline.buffered]).toEqual([-1, 0]);
    expect(timeline.restore()).toBe(true);
    expect([timeline.position, timeline.interrupted, timeline.floor]).toEqual([10, 0, 10]);
    expect([timeline.item, timeline.openItem]).toEqual([0, 1]);
    expect(timeline.restore()).toBe(false);
    timeline.startRun();
    timeline.advance(60);
    expect(told).toEqual([
      ['ended', 0, 40, 0, 30],
      ['marked', 1, 20, 'x', 50],
    ]);
    expect([...timeline.settledMarks]).toEqual([1, 0]);
  });

  it('restores nothing if newer audio has begun', () => {
    const { timeline } = timelineOf();
    timeline.receive(0, 40);
    timeline.markCut();
    timeline.cut();
    timeline.receive(1, 5);
    timeline.startRun();
    timeline.advance(1);
    expect(timeline.restore()).toBe(false);
    expect([timeline.item, timeline.itemFrames]).toEqual([1, 1]);
  });
});

describe('a late mark', () => {
  it('has its original place in the run, unless frames were left out since', () => {
    const marks: [number, number][] = [];
    const timeline = new Timeline({
      ended: () => {},
      skipped: () => {},
      marked: (_item, frames, _name, runFrame) => marks.push([frames, runFrame]),
    });
    timeline.receive(7, 1000);
    timeline.startRun();
    timeline.jump(100, 50);
    timeline.advance(120);
    for (const frames of [160, 150, 149, 60]) timeline.mark(7, frames, '', 0);
    expect(marks).toEqual([
      [160, 110],
      [150, 100],
      [149, -1],
      [60, -1],
    ]);
  });
});

describe('a list of gaps', () => {
  it('includes a gap at the first frame of a stretch, but not at its end', () => {
    const gaps = new GapList();
    gaps.add(100);
    expect(gaps.within(100, 101)).toBe(true);
    expect(gaps.within(90, 100)).toBe(false);
    expect(gaps.within(90, 101)).toBe(true);
    expect(gaps.within(101, 200)).toBe(false);
  });

  it('forgets past gaps, and holds sixteen, again and again', () => {
    const gaps = new GapList();
    for (let round = 0; round < 5; round++) {
      const from = round * 1000;
      for (let i = 0; i < 17; i++) gaps.add(from + i * 10);
      expect(gaps.distance(from - 5)).toBe(5);
      expect(gaps.distance(from)).toBe(0);
      gaps.pass();
      expect(gaps.distance(from)).toBe(10);
      expect(gaps.distance(from + 141)).toBe(9);
      expect(gaps.within(from, from + 150)).toBe(false);
      expect(gaps.within(from, from + 151)).toBe(true);
      expect(gaps.distance(from + 151)).toBe(Infinity);
    }
  });
});

describe('a list of marks', () => {
  it('keeps them sorted by item and frame, those of one place in the order of the calls, in a ring', () => {
    const marks = new MarkList(4);
    for (let round = 0; round < 6; round++) {
      expect(marks.add(2, 10, 'c', 0)).toBe(true);
      expect(marks.add(1, 99, 'a', 1)).toBe(true);
      expect(marks.add(2, 10, 'd', 1)).toBe(true);
      expect(marks.add(2, 9, 'b', 0)).toBe(true);
      expect(marks.add(0, 0, 'none', 0)).toBe(false);
      const later = new MarkList(4);
      marks.moveAfter(1, later);
      expect([marks.count, later.count]).toEqual([1, 3]);
      const order: unknown[] = [];
      for (const list of [marks, later]) {
        for (; list.count > 0; list.shift()) {
          order.push([list.item, list.frames, list.name, list.sender]);
        }
      }
      expect(order).toEqual([
        [1, 99, 'a', 1],
        [2, 9, 'b', 0],
        [2, 10, 'c', 0],
        [2, 10, 'd', 1],
      ]);
      expect(marks.name).toBe('');
    }
  });
});

describe('a ring of frames', () => {
  it('keeps its frames when it moves to other memory, wherever they wrap', () => {
    const decoder = new SampleDecoder({ format: 's16', channels: 1 });
    for (const [capacity, larger] of [
      [5, 7],
      [6, 6],
      [4, 9],
    ] as const) {
      const ring = new FrameRing(decoder, new ArrayBuffer(2 * capacity + 1));
      expect(ring.capacityFrames).toBe(capacity);
      for (let from = 0; from < 20; from++) {
        const samples = Int16Array.from({ length: capacity }, (_, i) => (from + i) * 256);
        ring.write(from, new Uint8Array(samples.buffer), capacity);
        const other = new FrameRing(decoder, new ArrayBuffer(2 * capacity));
        // One frame at a time, out of a longer source.
        for (let i = 0; i < capacity; i++) {
          other.write(from + i, new Uint8Array(samples.buffer, 2 * i), 1);
        }
        expect(other.adopt(new ArrayBuffer(2 * larger), from, from + capacity).byteLength).toBe(
          2 * capacity,
        );
        expect(other.capacityFrames).toBe(larger);
        for (const each of [ring, other]) {
          const output = [new Float32Array(capacity + 2)];
          each.decode(from, capacity, output, 1);
          const expected = Array.from(samples, (sample) => sample / 32_768);
          expect([...output[0]!]).toEqual([0, ...expected, 0]);
        }
      }
    }
  });
});

describe('items', () => {
  it('are as many as the processor can number, until some have ended', () => {
    const items = new PlayoutItems();
    for (let i = 0; i < MAX_ITEMS - 2; i++) items.begin(`item ${i}`);
    expect(items.full).toBe(false);
    items.begin('the last');
    expect(items.full).toBe(true);
    items.ended(1);
    expect(items.full).toBe(false);
    items.begin('a');
    items.ended(0); // told late
    items.begin('b');
    expect(items.full).toBe(true);
    items.interrupt(0);
    expect([items.full, items.open]).toEqual([false, -1]);
    items.undo();
    expect([items.full, items.open]).toEqual([true, MAX_ITEMS]);
  });

  it('keep their names until they have ended, for marks even longer', () => {
    const items = new PlayoutItems();
    items.begin('a');
    items.begin('b');
    items.ended(0);
    expect([items.name(0), items.name(1), items.markedName(0)]).toEqual([undefined, 'b', 'a']);
    expect([items.find('a'), items.find('b'), items.find('c')]).toEqual([0, 1, -1]);
    expect([items.isOpen('b'), items.isOpen('a')]).toEqual([true, false]);
    for (let i = 0; i < 64; i++) {
      items.begin(`next ${i}`);
      items.ended(1 + i);
    }
    expect([items.find('a'), items.markedName(1)]).toEqual([-1, 'b']);
  });

  it('get their own marks when they begin, out of the newest 256', () => {
    const items = new PlayoutItems();
    for (let frames = 0; frames < 257; frames++) {
      items.await(frames === 9 ? 'other' : 'a', { name: 'x', frames });
    }
    expect(items.waitingMarks).toBe(256);
    const marks = items.begin('a');
    expect([marks.length, marks[0]!.frames, items.waitingMarks]).toEqual([255, 1, 1]);
    expect(items.begin('none')).toEqual([]);
    expect(items.learn(7, 'other')).toEqual([{ name: 'x', frames: 9 }]);
    expect(items.waitingMarks).toBe(0);
  });

  it('that were interrupted hold late commands for a second, and return them in order', () => {
    const items = new PlayoutItems();
    items.begin('a');
    items.interrupt(100);
    expect([items.isInterrupted('a'), items.isInterrupted('b'), items.unheard(-1)]).toEqual([
      true,
      false,
      ['a'],
    ]);
    const bytes = Uint8Array.of(1, 2);
    items.hold('a', bytes, 1100);
    items.hold('b', 'end', 1100);
    items.holdLate(0, 'end', 1100);
    items.holdLate(1, 'end', 1100);
    bytes.fill(9);
    expect(items.undo()).toEqual(['end', Uint8Array.of(1, 2)]);
    expect([items.open, items.isInterrupted('a'), items.unheard(-1)]).toEqual([0, false, []]);
    expect(items.undo()).toEqual([]);
    items.interrupt(2000);
    items.hold('a', bytes, 2500);
    items.hold('a', bytes, 3001);
    items.holdLate(0, 'end', 2500);
    items.holdLate(0, 'end', 3001);
    expect(items.undo()).toEqual([]);
  });

  it('that the Worker began before it knew of the interrupt stay open', () => {
    const items = new PlayoutItems();
    items.begin('a');
    items.begin('b');
    items.interrupt(0, 0, -1);
    expect([items.open, items.isInterrupted('a'), items.isInterrupted('b')]).toEqual([
      1,
      true,
      false,
    ]);
    items.holdLate(-1, 'end', 0);
    expect(items.undo()).toEqual([]);
    expect(items.open).toBe(1);
  });
});

describe('the figures of a playout', () => {
  it('add up, and are zero before the first report', () => {
    const feed = { receivedFrames: 1000, droppedFrames: 5, lostFrames: 7 };
    expect(statsOf(null, feed, 8000)).toMatchObject({
      playedFrames: 0,
      bufferedFrames: 1000,
      bufferedMs: 125,
      droppedFrames: 5,
      lostFrames: 7,
      underruns: 0,
      underrunFrames: 0,
    });
    const figures = {
      heard: 100,
      skipped: 20,
      interrupted: 3,
      dropped: 4,
      underruns: 2,
      underrunFrames: 90,
    } as PlayoutFigures;
    expect(statsOf(figures, feed, 8000)).toEqual({
      receivedFrames: 1000,
      playedFrames: 100,
      skippedFrames: 20,
      interruptedFrames: 3,
      bufferedFrames: 877,
      bufferedMs: 109.625,
      droppedFrames: 9,
      lostFrames: 7,
      underruns: 2,
      underrunFrames: 90,
    });
  });
});
