import { describe, expect, it } from 'vitest';
import { PlayoutRig, ramp, sine, steepest } from './helpers/playout-rig.ts';
import { seededRandom } from './helpers/random.ts';

/** Rendered ramps in steps of 2⁻²⁰: which frame of the ramp each sample is. */
const places = (samples: readonly number[]): number[] => samples.map((sample) => sample * 2 ** 20);

describe('joins', () => {
  it('plays chunks of any size, rendered by any quantum, as one signal bit for bit', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const channels = 1 + Math.floor(random() * 3);
      const rig = new PlayoutRig({ channels, targetFrames: 50 });
      const total = 3000;
      const signal = ramp(total, 1);
      for (let at = 0; at < total;) {
        const count = Math.min(total - at, 1 + Math.floor(random() * 400));
        expect(rig.write(0, signal.subarray(at, at + count))).toBe(count);
        at += count;
      }
      rig.player.end(0);
      while (rig.ended.length === 0) rig.render(1 + Math.floor(random() * 300));
      const output = rig.rendered[0]!;
      expect(output.slice(0, total)).toEqual([...signal]);
      expect(output.slice(total).every((sample) => sample === 0)).toBe(true);
      for (let c = 1; c < channels; c++) {
        expect(rig.rendered[c]!.map(Math.abs)).toEqual(output);
      }
      expect(rig.ended).toEqual([{ item: 0, frames: total, missed: 0 }]);
      expect(rig.underruns).toBe(0);
    }
  });

  it('plays items after one another without a gap', () => {
    const rig = new PlayoutRig();
    rig.write(0, ramp(100, 1));
    rig.write(1, ramp(150, 101));
    rig.player.end(1);
    const output = rig.render(256, 60);
    expect(places(output).slice(0, 250)).toEqual(Array.from({ length: 250 }, (_, i) => i + 1));
    expect(rig.ended).toEqual([
      { item: 0, frames: 100, missed: 0 },
      { item: 1, frames: 150, missed: 0 },
    ]);
  });
});

describe('underrun', () => {
  it('plays every frame in full, fades its mirror image out and fades in what comes next', () => {
    const sampleRate = 24_000;
    const rig = new PlayoutRig({ sampleRate });
    const tone = sine(2400, 440, sampleRate);
    rig.write(0, tone.subarray(0, 1000));
    const before = rig.render(2000, 128);
    expect(before.slice(0, 1000)).toEqual([...tone.subarray(0, 1000)]);
    expect(before.slice(1130).every((sample) => sample === 0)).toBe(true);
    expect(rig.underruns).toBe(1);
    rig.write(0, tone.subarray(1000));
    rig.player.end(0);
    const after = rig.render(2000, 128);
    expect(after.slice(120, 1400)).toEqual([...tone.subarray(1120)]);
    expect(steepest(rig.rendered[0]!)).toBeLessThan(steepest(tone) * 1.1);
    expect(rig.player.underrunFrames).toBe(1000);
    expect(rig.ended).toEqual([{ item: 0, frames: 2400, missed: 0 }]);
  });
});

describe('position', () => {
  it('counts a frame as heard when the output frame that stands for it was rendered', () => {
    for (const [sampleRate, contextRate] of [
      [24_000, 48_000],
      [16_000, 44_100],
      [48_000, 16_000],
      [8000, 48_000],
    ] as const) {
      const rig = new PlayoutRig({ sampleRate, contextRate });
      const step = 2 ** -16;
      rig.write(7, ramp(8000, 0, step));
      const random = seededRandom(sampleRate);
      let rendered = 0;
      for (let i = 0; i < 20; i++) {
        const count = 1 + Math.floor(random() * 300);
        const output = rig.render(count);
        rendered += count;
        const { timeline } = rig.player;
        expect(timeline.itemFrames).toBe(Math.ceil((rendered * sampleRate) / contextRate));
        // The newest sample lies less than an output frame behind the newest frame.
        const heard = output.at(-1)! / step;
        if (rendered > 400) {
          expect(Math.abs(heard - ((rendered - 1) * sampleRate) / contextRate)).toBeLessThan(0.1);
        }
        expect(rig.unaccounted).toBe(0);
      }
    }
  });
});

describe('interrupt', () => {
  it('silences within the fade and tells to the frame how far the item was heard', () => {
    const rig = new PlayoutRig();
    rig.write(0, ramp(300, 1));
    rig.write(1, ramp(2000, 301));
    rig.render(1000, 128);
    rig.player.interrupt(120);
    const output = rig.render(512, 128);
    expect(output.slice(120).every((sample) => sample === 0)).toBe(true);
    expect(output[100]).toBeGreaterThan(0);
    expect(rig.interrupted).toEqual({ item: 1, frames: 820, missed: 0 });
    expect(rig.player.timeline.interrupted).toBe(1180);
    expect(rig.unaccounted).toBe(0);
    expect(rig.player.timeline.item).toBe(-1);
  });

  it('comes back where it stopped when it is undone within a second, and not later', () => {
    const rig = new PlayoutRig();
    rig.write(0, ramp(4000, 1));
    rig.render(1000);
    rig.player.interrupt(100);
    rig.render(500);
    expect(rig.player.undo()).toBe(true);
    const output = rig.render(1000, 128);
    expect(places(output).slice(120)).toEqual(Array.from({ length: 880 }, (_, i) => i + 1221));
    expect(rig.player.timeline.interrupted).toBe(0);
    expect(rig.unaccounted).toBe(0);
    rig.player.interrupt(100);
    rig.render(100);
    rig.render(24_000, 128);
    expect(rig.player.undo()).toBe(false);
  });
});
