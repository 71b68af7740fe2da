import { describe, expect, it } from 'vitest';
import { SampleDecoder, SampleEncoder } from '../src/core/format/sample-format.ts';
import { BacklogPolicy } from '../src/core/playout/backlog-policy.ts';
import { FrameRing } from '../src/core/playout/frame-ring.ts';
import { GapList, Source } from '../src/core/playout/source.ts';
import { Timeline } from '../src/core/playout/timeline.ts';
import { ramp } from './helpers/playout-rig.ts';

const RATE = 8000;
/** Of the ramps: 5 ms. */
const RAMP = 40;

/** A source, what it supplied, and what the timeline heard of it. */
function sourceOf({ mode = 'catch-up' as 'keep' | 'catch-up', targetFrames = 0 } = {}) {
  const format = 'f32';
  const decoder = new SampleDecoder({ format, channels: 1 });
  const encoder = new SampleEncoder({ format, channels: 1 });
  const skipped: number[] = [];
  const timeline = new Timeline({
    ended: () => undefined,
    marked: () => undefined,
    skipped: (_, frames) => skipped.push(frames),
  });
  const ring = new FrameRing(decoder, new ArrayBuffer(4 * RATE * decoder.bytesPerFrame));
  const policy = new BacklogPolicy({ sampleRate: RATE, targetFrames, mode });
  const source = new Source({ sampleRate: RATE, channels: 1, ring, timeline, policy });
  const write = (samples: Float32Array, item = 0) => {
    const bytes = new Uint8Array(samples.length * 4);
    encoder.encode([samples], 0, samples.length, bytes, 0);
    policy.arrived(source.level);
    ring.write(timeline.received, bytes, samples.length);
    timeline.receive(item, samples.length);
  };
  const output: number[] = [];
  const pull = (frames: number) => {
    const block = new Float32Array(frames).fill(Number.NaN);
    source.pull([block], frames);
    output.push(...block);
    timeline.advance(source.supplied);
    return [...block];
  };
  return { source, timeline, policy, write, pull, output, skipped };
}

const places = (samples: readonly number[]) => samples.map((sample) => sample * 2 ** 20);
const count = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a run', () => {
  it('plays the frames in order, and silence after the end of an item', () => {
    const { source, timeline, write, pull } = sourceOf();
    write(ramp(100, 1));
    timeline.end(0);
    source.start(false);
    expect(source.level).toBe(100);
    expect(places(pull(30))).toEqual(count(1, 31));
    expect([source.level, source.supplied, source.dry]).toEqual([70, 30, 'no']);
    expect(places(pull(90))).toEqual([...count(31, 101), ...Array(20).fill(0)]);
    expect([source.level, source.supplied, source.dry, source.rampFrames]).toEqual([
      0,
      100,
      'ended',
      0,
    ]);
    // What comes now is another run's.
    write(ramp(10, 500), 1);
    expect(places(pull(5))).toEqual([0, 0, 0, 0, 0]);
    source.start(false);
    expect([source.supplied, source.dry, source.level]).toEqual([0, 'no', 10]);
    expect(places(pull(5))).toEqual(count(500, 505));
  });

  it('that runs out of audio ends with its mirror image, as a ramp; and the next one fades in', () => {
    const { source, write, pull } = sourceOf();
    write(new Float32Array(100).fill(0.5));
    source.start(false);
    expect(pull(100).every((sample) => sample === 0.5)).toBe(true);
    expect(source.dry).toBe('no');
    const tail = [...pull(15), ...pull(100)];
    expect([source.dry, source.rampFrames, source.supplied]).toEqual(['underrun', RAMP, 100]);
    for (let i = 1; i < RAMP; i++) expect(tail[i]).toBeLessThan(tail[i - 1]!);
    expect(tail[0]).toBeGreaterThan(0.49);
    const other = sourceOf();
    other.write(ramp(100, 1));
    other.source.start(false);
    const mirrored = places(other.pull(100 + RAMP)).slice(100);
    mirrored.forEach((place, i) => expect(place).toBeCloseTo((100 - i) * 2 * tail[i]!, 2));
    expect(tail.slice(RAMP).every((sample) => sample === 0)).toBe(true);
    write(new Float32Array(100).fill(0.5));
    source.start(true);
    const next = pull(100);
    expect(next[0]).toBeLessThan(0.01);
    for (let i = 1; i < RAMP - 1; i++) expect(next[i]).toBeGreaterThan(next[i - 1]!);
    expect(next.slice(RAMP).every((sample) => sample === 0.5)).toBe(true);
  });

  it('that is shorter than a ramp is mirrored as far as it reaches', () => {
    const { source, write, pull } = sourceOf();
    write(ramp(10, 100));
    source.start(false);
    const output = pull(60);
    expect(places(output.slice(0, 10))).toEqual(count(100, 110));
    expect(source.rampFrames).toBe(10);
    expect(places(output)[10]! / 109).toBeGreaterThan(0.95);
    expect(output.slice(20).every((sample) => sample === 0)).toBe(true);
  });
});

describe('a gap', () => {
  it('is bridged from the mirror image of the audio before it to the audio after it', () => {
    const { source, timeline, write, pull } = sourceOf();
    write(new Float32Array(100).fill(0.5));
    source.gap(timeline.received);
    write(new Float32Array(100).fill(-0.5));
    source.start(false);
    const output = [...pull(90), ...pull(25), ...pull(85)];
    expect(output.slice(0, 100).every((sample) => sample === 0.5)).toBe(true);
    const bridge = output.slice(100, 100 + RAMP);
    bridge.forEach((sample, i) => {
      expect(sample).toBeCloseTo(0.5 * Math.cos((Math.PI * (i + 0.5)) / RAMP), 6);
    });
    expect(output.slice(100 + RAMP).every((sample) => sample === -0.5)).toBe(true);
    expect(source.supplied).toBe(200);
    const other = sourceOf();
    other.write(ramp(100, 1));
    other.source.gap(100);
    other.write(ramp(100, 501));
    other.source.start(false);
    places(other.pull(140))
      .slice(100)
      .forEach((place, i) => {
        const rise = Math.sin((Math.PI * (i + 0.5)) / (2 * RAMP)) ** 2;
        expect(place).toBeCloseTo((100 - i) * (1 - rise) + (501 + i) * rise, 2);
      });
  });

  it('that is being bridged is not part of the next run', () => {
    const { source, timeline, write, pull } = sourceOf();
    write(ramp(100, 1));
    source.gap(timeline.received);
    write(ramp(100, 501));
    source.start(false);
    pull(110);
    timeline.markCut();
    timeline.cut();
    write(ramp(50, 901), 1);
    source.start(false);
    expect(places(pull(50))).toEqual(count(901, 951));
  });

  it('at the beginning of a run needs no bridge', () => {
    const { source, write, pull } = sourceOf();
    source.gap(0);
    write(ramp(100, 1));
    source.start(false);
    expect(places(pull(100))).toEqual(count(1, 101));
  });

  it('soon after the beginning is bridged with the few frames before it', () => {
    const { source, timeline, write, pull } = sourceOf();
    write(new Float32Array(6).fill(0.5));
    source.gap(timeline.received);
    write(new Float32Array(100).fill(-0.5));
    source.start(false);
    const output = pull(100);
    expect(output.slice(0, 6).every((sample) => sample === 0.5)).toBe(true);
    expect(output[6]).toBeGreaterThan(0.45);
    expect(output.slice(12).every((sample) => sample === -0.5)).toBe(true);
  });

  it('is tracked until it has passed; more than sixteen are not', () => {
    const gaps = new GapList();
    expect(gaps.distance(0)).toBe(Infinity);
    for (let i = 1; i <= 17; i++) gaps.add(10 * i);
    expect([gaps.distance(3), gaps.distance(10), gaps.distance(11)]).toEqual([7, 0, 9]);
    gaps.pass();
    expect(gaps.distance(11)).toBe(19);
    expect([gaps.within(20, 30), gaps.within(30, 31), gaps.within(31, 40)]).toEqual([
      false,
      true,
      false,
    ]);
    expect([gaps.within(160, 161), gaps.within(161, 1000), gaps.distance(161)]).toEqual([
      true,
      false,
      Infinity,
    ]);
    gaps.add(500);
    expect(gaps.distance(400)).toBe(100);
  });
});

describe('too much buffered audio', () => {
  /** A tone of whole periods of 40 frames. */
  const tone = (frames: number, from: number) =>
    Float32Array.from({ length: frames }, (_, i) => 0.5 * Math.sin((Math.PI * (from + i)) / 20));
  /** `waiting` frames wait, and as many arrive as are played; `watched` after half a second. */
  const run = (waiting: number, seconds: number, piece = 80, signal = tone, targetFrames = 0) => {
    const all = sourceOf({ targetFrames });
    let written = 0;
    const write = (frames: number) => {
      all.write(signal(frames, written));
      written += frames;
    };
    write(waiting);
    all.source.start(false);
    all.policy.started();
    const cuts: [at: number, frames: number][] = [];
    for (let at = 0; at < seconds * RATE; at += piece) {
      const before = all.skipped.length;
      write(piece);
      all.pull(piece);
      for (const frames of all.skipped.slice(before)) cuts.push([at, frames]);
    }
    const removed = cuts.reduce((sum, [, frames]) => sum + frames, 0);
    return { ...all, cuts, removed };
  };

  it('is cut by whole periods, inaudibly, until the target level is reached', () => {
    for (const piece of [80, 33]) {
      const { cuts, removed, output, source } = run(800, 2.2, piece);
      expect(cuts.every(([, frames]) => frames % 40 === 0)).toBe(true);
      // To look for a cut, 240 frames must wait.
      expect(removed).toBeGreaterThanOrEqual(800 - 240);
      expect(removed).toBeLessThanOrEqual(800);
      const heard = tone(output.length, 0);
      expect(Math.max(...output.map((sample, i) => Math.abs(sample - heard[i]!)))).toBeLessThan(
        1e-6,
      );
      expect(source.level).toBeLessThan(800 - removed + piece + 1);
    }
  });

  it('is observed for half a second first, and a cut is followed by four times its length', () => {
    const { cuts } = run(1600, 1.4);
    expect(cuts[0]![0]).toBeGreaterThanOrEqual(RATE / 2);
    expect(cuts[0]![0]).toBeLessThan(RATE / 2 + 400);
    for (let i = 1; i < cuts.length; i++) {
      const frames = cuts[i]![0] - cuts[i - 1]![0];
      expect(frames).toBeGreaterThanOrEqual(4 * cuts[i - 1]![1] - 160);
      expect(frames).toBeLessThanOrEqual(4 * cuts[i - 1]![1] + 240);
    }
  });

  it('is also cut out of noise, if no better place was found for a tenth of a second', () => {
    let seed = 1;
    const random = Float32Array.from({ length: 4 * RATE }, () => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed / 0x7fff_ffff - 0.5;
    });
    const { cuts } = run(1600, 1.5, 80, (frames, from) => random.slice(from, from + frames));
    expect(cuts.length).toBeGreaterThan(2);
    expect(cuts[0]![0]).toBeGreaterThan(RATE / 2 + 200);
    expect(cuts[0]![0]).toBeLessThan(RATE / 2 + 1200);
  });

  it('of seconds is skipped in one go', () => {
    const { cuts, source } = run(3 * RATE, 1, 80, tone, 400);
    expect(cuts.length).toBeLessThan(4);
    expect(cuts[0]![1]).toBeGreaterThan(2.5 * RATE);
    expect(source.level).toBeGreaterThan(400);
    expect(source.level).toBeLessThan(400 + 160);
  });

  it('is not cut across a gap', () => {
    const all = sourceOf();
    all.write(tone(800, 0));
    all.source.start(false);
    all.policy.started();
    for (let at = 0; at < RATE; at += 80) {
      all.source.gap(all.timeline.received);
      all.write(tone(80, at));
      all.pull(80);
    }
    // Gaps lie closer together than the two sides of a cut.
    expect(all.skipped).toEqual([]);
  });
});
