import { describe, expect, it } from 'vitest';
import {
  PlayoutRig,
  firstDifference,
  firstSound,
  ramp,
  sine,
  steepest,
} from './helpers/playout-rig.ts';
import { seededRandom } from './helpers/random.ts';

/** Rendered ramps in steps of 2⁻²⁰: which frame of the ramp each sample is. */
const places = (samples: Float32Array): number[] => [...samples].map((sample) => sample * 2 ** 20);

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
      const output = rig.rendered();
      expect(firstDifference(output.subarray(0, total), signal)).toBe(-1);
      expect(firstSound(output.subarray(total))).toBe(-1);
      for (let c = 1; c < channels; c++) {
        expect(firstDifference(rig.rendered(c).map(Math.abs), output)).toBe(-1);
      }
      expect(rig.ended).toEqual([{ item: 0, frames: total, missed: 0, at: total }]);
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
      { item: 0, frames: 100, missed: 0, at: 100 },
      { item: 1, frames: 150, missed: 0, at: 250 },
    ]);
  });
});

describe('underrun', () => {
  it('plays every frame in full, fades out its mirror image and fades in the next audio', () => {
    const sampleRate = 24_000;
    const rig = new PlayoutRig({ sampleRate });
    const tone = sine(2400, 440, sampleRate);
    rig.write(0, tone.subarray(0, 1000));
    const before = rig.render(2000, 128);
    expect(firstDifference(before.subarray(0, 1000), tone.subarray(0, 1000))).toBe(-1);
    expect(firstSound(before.subarray(1120))).toBe(-1);
    expect(rig.underruns).toBe(1);
    rig.write(0, tone.subarray(1000));
    rig.player.end(0);
    const after = rig.render(2000, 128);
    expect(firstDifference(after.subarray(120, 1400), tone.subarray(1120))).toBe(-1);
    expect(steepest(rig.rendered())).toBeLessThan(steepest(tone) * 1.1);
    expect(rig.player.underrunFrames).toBe(1000);
    expect(rig.ended).toEqual([{ item: 0, frames: 2400, missed: 0, at: 3400 }]);
  });
});

describe('a gap', () => {
  it('that was reported, or left by a full buffer, is joined without a step above the signal’s own', () => {
    const sampleRate = 24_000;
    const tone = sine(9600, 440, sampleRate);
    for (const full of [false, true]) {
      const rig = new PlayoutRig({ sampleRate, capacityFrames: full ? 1000 : 9600 });
      // Half a period is missing: without smoothing the step would be the amplitude.
      expect(rig.write(0, tone.subarray(0, full ? 1027 : 1000))).toBe(1000);
      rig.render(500, 128);
      expect(rig.write(0, tone.subarray(1027, 1500), !full)).toBe(473);
      rig.render(400, 128);
      rig.player.end(0);
      const output = rig.rendered();
      expect(steepest(output.subarray(0, 900))).toBeLessThan(steepest(tone) * 1.5);
      rig.render(700, 128);
      expect(firstDifference(output.subarray(0, 900), tone.subarray(0, 900))).toBe(-1);
      expect(firstDifference(rig.rendered().subarray(1120, 1473), tone.subarray(1147, 1500))).toBe(
        -1,
      );
      expect(steepest(rig.rendered().subarray(0, 1473))).toBeLessThan(steepest(tone) * 1.5);
      expect(rig.player.timeline.heard).toBe(1473);
      expect(rig.player.dropped).toBe(full ? 27 : 0);
    }
  });
});

describe('position', () => {
  it('counts a frame as heard when its output frame was rendered', () => {
    for (const [sampleRate, contextRate] of [
      [24_000, 48_000],
      [16_000, 44_100],
      [48_000, 16_000],
      [8000, 48_000],
    ] as const) {
      const rig = new PlayoutRig({ sampleRate, contextRate });
      const step = 2 ** -16;
      rig.write(7, ramp(20_000, 0, step));
      const random = seededRandom(sampleRate);
      let rendered = 0;
      for (let i = 0; i < 20; i++) {
        const count = 1 + Math.floor(random() * 300);
        const output = rig.render(count);
        rendered += count;
        const { timeline } = rig.player;
        expect(timeline.itemFrames).toBe(Math.ceil((rendered * sampleRate) / contextRate));
        // The filter's edge needs some frames; its ripple is some 1e-5 of the value.
        if (rendered > 400 && rendered < 3000) {
          const place = ((rendered - 1) * sampleRate) / contextRate;
          expect(Math.abs(output.at(-1)! / step - place)).toBeLessThan(0.3);
        }
        expect(rig.unaccounted).toBe(0);
      }
    }
  });
});

describe('interrupt', () => {
  it('silences within the fade and reports to the frame how far the item was heard', () => {
    const rig = new PlayoutRig();
    rig.write(0, ramp(300, 1));
    rig.write(1, ramp(2000, 301));
    rig.render(1000, 128);
    rig.player.interrupt(120);
    const output = rig.render(512, 128);
    // The last frame of the fade is silent: it was not heard.
    expect(firstSound(output.subarray(119))).toBe(-1);
    expect(output[118]).toBeGreaterThan(0);
    expect(rig.interrupted).toEqual({ item: 1, frames: 819, missed: 0, at: 1119 });
    expect(rig.player.timeline.interrupted).toBe(1181);
    expect(rig.unaccounted).toBe(0);
    expect(rig.player.timeline.item).toBe(-1);
  });

  it('returns where it stopped when it is undone within a second, and not later', () => {
    const rig = new PlayoutRig();
    rig.write(0, ramp(4000, 1));
    rig.render(1000);
    rig.player.interrupt(100);
    rig.render(500);
    expect(rig.player.undo()).toBe(true);
    const output = rig.render(1000, 128);
    expect(places(output).slice(120)).toEqual(Array.from({ length: 880 }, (_, i) => i + 1220));
    expect(rig.player.timeline.interrupted).toBe(0);
    expect(rig.unaccounted).toBe(0);
    rig.player.interrupt(100);
    rig.render(100);
    rig.render(24_000, 128);
    expect(rig.player.undo()).toBe(false);
  });
});

describe('underruns', () => {
  it('are counted, and last as long as the frames rendered meanwhile, to the nearest frame of the wire', () => {
    const rig = new PlayoutRig({ sampleRate: 16_000, contextRate: 48_000 });
    rig.write(0, ramp(160, 1));
    rig.render(1000, 100);
    // 160 frames are 480 of the context's: 520 are missing, and then 521.
    expect([rig.underruns, rig.player.underruns, rig.player.underrunFrames]).toEqual([1, 1, 173]);
    rig.render(1);
    expect(rig.player.underrunFrames).toBe(174);
  });

  it('end with the item, as far as it is known then', () => {
    const rig = new PlayoutRig({ sampleRate: 8000 });
    rig.write(0, ramp(100, 1));
    rig.render(200, 100);
    rig.player.end(0);
    rig.render(500, 100);
    expect(rig.player.underrunFrames).toBe(100);
    const waiting = new PlayoutRig({ sampleRate: 8000, targetFrames: 1000, backlog: 'catch-up' });
    waiting.write(0, ramp(100, 1));
    waiting.render(1300, 100);
    expect(waiting.underruns).toBe(1);
    const { underrunFrames } = waiting.player;
    waiting.write(0, ramp(100, 1));
    waiting.player.end(0);
    waiting.render(300, 100);
    expect(waiting.player.underrunFrames).toBe(underrunFrames);
  });

  it('end once the first frame has waited for the target, including that of the ramp', () => {
    const rig = new PlayoutRig({ sampleRate: 8000, targetFrames: 60, backlog: 'catch-up' });
    const flat = new Float32Array(200).fill(0.5);
    rig.write(0, flat);
    const first = rig.render(260, 10);
    expect(firstSound(first)).toBe(60);
    // Ten frames of the ramp have been heard.
    rig.render(10);
    rig.write(0, flat);
    const next = rig.render(200, 10);
    // The other thirty, of which the last ten count for nothing, and forty of silence.
    expect(firstSound(next.subarray(30))).toBe(40);
  });
});

describe('earlier observations', () => {
  it('say nothing about the backlog when playing starts again', () => {
    const rig = new PlayoutRig({ sampleRate: 8000, targetFrames: 800, backlog: 'catch-up' });
    const chunk = sine(80, 200, 8000);
    for (let i = 0; i < 10; i++) rig.write(0, chunk);
    for (let i = 0; i < 60; i++) {
      rig.write(0, chunk);
      rig.render(80);
    }
    rig.render(4000, 80);
    expect([rig.underruns, rig.skipped.size]).toEqual([1, 0]);
    rig.player.targetFrames = 0;
    for (let i = 0; i < 20; i++) rig.write(0, chunk);
    // It is watched for half a second.
    for (let i = 0; i < 49; i++) {
      rig.write(0, chunk);
      rig.render(80);
    }
    expect(rig.skipped.size).toBe(0);
    for (let i = 0; i < 49; i++) {
      rig.write(0, chunk);
      rig.render(80);
    }
    expect(rig.skipped.size).toBe(1);
  });

  it('of audio removed by an interrupt do not count as waiting', () => {
    const rig = new PlayoutRig({ sampleRate: 8000, targetFrames: 100, backlog: 'catch-up' });
    rig.write(0, ramp(1000, 1));
    rig.render(200, 10);
    rig.player.interrupt(0);
    rig.write(1, ramp(60, 1));
    expect(rig.player.state).toBe('buffering');
    rig.render(10);
    expect(rig.player.state).toBe('buffering');
    rig.write(1, ramp(60, 61));
    rig.write(1, ramp(60, 121));
    rig.render(10);
    expect(rig.player.state).toBe('playing');
  });
});

it('do not delay playing when an interrupt is undone, if there is audio to play', () => {
  const rig = new PlayoutRig({ sampleRate: 8000, targetFrames: 500, backlog: 'catch-up' });
  rig.write(0, ramp(1000, 1));
  rig.render(600, 100);
  rig.player.interrupt(0);
  expect(rig.player.state).toBe('idle');
  expect(rig.player.undo()).toBe(true);
  expect(rig.player.state).toBe('playing');
  rig.render(2000, 100);
  expect([rig.player.state, rig.underruns]).toEqual(['idle', 1]);
  rig.player.interrupt(0);
  rig.player.undo();
  expect(rig.player.state).toBe('idle');
  // After a second it is too late.
  rig.write(0, ramp(1000, 1));
  for (const [frames, done] of [
    [7900, true],
    [8000, false],
  ] as const) {
    rig.player.interrupt(0);
    rig.render(frames, 100);
    expect(rig.player.undo()).toBe(done);
  }
});
