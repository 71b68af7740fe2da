import { describe, expect, it } from 'vitest';
import { BacklogPolicy } from '../src/core/playout/backlog-policy.ts';
import { GapList } from '../src/core/playout/source.ts';
import { Timeline } from '../src/core/playout/timeline.ts';
import { PlayoutRig, sine } from './helpers/playout-rig.ts';

const RATE = 24_000;

describe('the end of an item that is resampled', () => {
  it('is heard with the whole ringing of the filter, and then the run is over', () => {
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
  it('makes the next cut as soon as four times the last one’s length was played', () => {
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
  it('believes no trough that only one arrival has shown, however long it was watched', () => {
    const policy = new BacklogPolicy({ sampleRate: RATE, targetFrames: 1440, mode: 'catch-up' });
    policy.started();
    // Chunks of 0.6 s, every other of which comes 200 ms early.
    for (let i = 0; i < 6; i++) {
      policy.arrived(i % 2 === 0 ? 1440 + 4800 : 1440);
      policy.played(0.6 * RATE);
      expect(policy.surplus(RATE)).toBe(0);
    }
  });

  it('believes what all arrivals of a watch have shown', () => {
    const policy = new BacklogPolicy({ sampleRate: RATE, targetFrames: 1440, mode: 'catch-up' });
    policy.started();
    for (let i = 0; i < 4; i++) {
      policy.arrived(1440 + 4800);
      policy.played(0.3 * RATE);
    }
    expect(policy.surplus(RATE)).toBe(4800);
  });
});

describe('the timeline', () => {
  it('passes what was left out as soon as the frames before it were heard', () => {
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

describe('a mark that comes late', () => {
  it('has the place that it had in the run, unless frames were left out since', () => {
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
  it('counts a gap at the first frame of a stretch, and none at its end', () => {
    const gaps = new GapList();
    gaps.add(100);
    expect(gaps.within(100, 101)).toBe(true);
    expect(gaps.within(90, 100)).toBe(false);
    expect(gaps.within(90, 101)).toBe(true);
    expect(gaps.within(101, 200)).toBe(false);
  });
});
