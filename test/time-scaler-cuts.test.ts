import { describe, expect, it } from 'vitest';
import { PlanarLine, TimeScaler } from '../src/core/receive/time-scaler.ts';
import { ramp } from './helpers/playout-rig.ts';

const RATE = 8000;
const PERIOD = 40;
/** Frames from the decision for a cut to the cut, and at least: 6 ms and 1 ms. */
const LEAD = 48;
const MIN_LEAD = 8;
/** Of a cross-fade, and of the shortest piece: 8 ms and 2.5 ms. The longest is 16 ms. */
const OVERLAP = 64;
const SHORTEST = 20;
const LONGEST = 128;

/** Of whole periods: any of them may go or come twice, and nobody notices. */
const tone = (frames: number, from = 0) =>
  Float32Array.from(
    { length: frames },
    (_, i) => 0.5 * Math.sin((2 * Math.PI * (from + i)) / PERIOD),
  );

describe('a line of frames', () => {
  it('keeps those read last, and moves all frames when there is no room', () => {
    const line = new PlanarLine(2, 4, 10);
    expect([line.read, line.end, line.available, line.room]).toEqual([4, 4, 0, 24]);
    for (const channel of line.channels) channel.set(ramp(20, 1, 1), line.end);
    line.end += 20;
    line.read += 13;
    expect([line.available, line.room]).toEqual([7, 4]);
    expect(line.makeRoom(4)).toBe(0);
    expect(line.makeRoom(5)).toBe(13);
    expect([line.read, line.end, line.available, line.room]).toEqual([4, 11, 7, 17]);
    for (const channel of line.channels) {
      expect([...channel.subarray(0, 11)]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    }
    // Nothing has been read since: there is nothing to give up.
    expect(line.makeRoom(18)).toBe(0);
    line.reset();
    expect([line.read, line.end, line.room]).toEqual([4, 4, 24]);
    expect(line.channels.every((channel) => channel.every((sample) => sample === 0))).toBe(true);
  });
});

function scalerOf(options: { limit?: number; aheadFrames?: number; channels?: number } = {}) {
  const scaler = new TimeScaler({ sampleRate: RATE, channels: 1, ...options });
  const output: number[] = [];
  const read = (frames: number) => {
    const block = new Float32Array(frames);
    const count = scaler.read([block], 0, frames);
    output.push(...block.subarray(0, count));
    return count;
  };
  let written = 0;
  const write = (frames: number) => {
    const count = scaler.write([tone(frames, written)], 0, frames);
    written += count;
    return count;
  };
  return { scaler, output, read, write };
}

it('gives the frames that were written, as many as there are', () => {
  const { scaler, output, read } = scalerOf();
  expect([scaler.lookAheadFrames, scaler.shortestFrames]).toEqual([
    LEAD + LONGEST + OVERLAP,
    SHORTEST,
  ]);
  expect(scaler.line.historyFrames).toBe(LONGEST);
  expect(scaler.write([ramp(100, 0, 1)], 10, 60)).toBe(60);
  expect([read(40), read(40), read(40)]).toEqual([40, 20, 0]);
  expect(output).toEqual(Array.from({ length: 60 }, (_, i) => 10 + i));
});

it('accepts no more than there is room for', () => {
  const { scaler, read, write } = scalerOf({ aheadFrames: 100 });
  const frames = 2 * LONGEST + 2 * (100 + LEAD + LONGEST + OVERLAP);
  expect(scaler.line.channels[0]!.length).toBe(frames);
  expect(write(5000)).toBe(frames - LONGEST);
  expect(write(10)).toBe(0);
  read(70);
  expect(write(100)).toBe(70);
  expect(
    new TimeScaler({ sampleRate: RATE, channels: 1, historyFrames: 500 }).line.historyFrames,
  ).toBe(500);
});

describe.each([
  ['leaves out', 1],
  ['repeats', -1],
] as const)('a scaler that %s', (_, sign) => {
  const done = (scaler: TimeScaler) => (sign > 0 ? scaler.removedFrames : scaler.insertedFrames);

  it('cuts whole periods, no more than wanted, inaudibly', () => {
    for (const piece of [16, 50, 200]) {
      const { scaler, output, read, write } = scalerOf();
      scaler.wanted = sign * (3 * PERIOD + 0.9);
      let in_ = 0;
      for (let i = 0; i < 60; i++) {
        in_ += write(400 - scaler.line.available);
        read(piece);
      }
      expect(done(scaler)).toBe(3 * PERIOD);
      expect(scaler.removedFrames + scaler.insertedFrames).toBe(3 * PERIOD);
      expect(scaler.wanted).toBe(0);
      expect(in_ - sign * 3 * PERIOD - scaler.line.available).toBe(output.length);
      const heard = tone(output.length);
      expect(Math.max(...output.map((sample, i) => Math.abs(sample - heard[i]!)))).toBeLessThan(
        1e-6,
      );
    }
  });

  it('does nothing for less than the shortest piece', () => {
    const { scaler, read, write } = scalerOf();
    scaler.wanted = sign * (SHORTEST - 0.5);
    for (let i = 0; i < 40; i++) {
      write(400 - scaler.line.available);
      read(32);
    }
    expect([scaler.removedFrames, scaler.insertedFrames]).toEqual([0, 0]);
    expect(scaler.wanted).toBe(sign * (SHORTEST - 1));
  });

  it('waits for as long as the limit requires, and the cross-fade, from one cut to the next', () => {
    for (const limit of [0.25, 0.5, 0.1]) {
      const { scaler, read, write } = scalerOf({ limit });
      scaler.wanted = sign * PERIOD;
      const cuts: number[] = [];
      for (let at = 0; cuts.length < 4; at += 8) {
        write(400 - scaler.line.available);
        const before = done(scaler);
        read(8);
        if (done(scaler) > before) {
          expect(done(scaler) - before).toBe(PERIOD);
          cuts.push(at);
          scaler.wanted = sign * PERIOD;
        }
      }
      const spacing = Math.max(OVERLAP, PERIOD / limit - LEAD) + LEAD + (sign < 0 ? PERIOD : 0);
      for (let i = 1; i < cuts.length; i++) {
        expect(Math.abs(cuts[i]! - cuts[i - 1]! - spacing)).toBeLessThanOrEqual(16);
      }
    }
  });

  it('cuts if the least lead is left, and not without it', () => {
    for (const [spare, cuts] of [
      [MIN_LEAD, true],
      [MIN_LEAD - 1, false],
    ] as const) {
      const { scaler, read, write } = scalerOf();
      write(1000);
      read(1000 - spare - OVERLAP - (sign > 0 ? PERIOD : 0));
      scaler.wanted = sign * PERIOD;
      read(spare);
      read(1);
      expect(done(scaler)).toBe(cuts ? PERIOD : 0);
    }
  });

  it('waits for similarity, which matters less and less, and not at all after 100 ms', () => {
    const { scaler } = scalerOf();
    let seed = 1;
    const noise = Float32Array.from({ length: 3000 }, () => {
      seed = (seed * 48_271) % 0x7fff_ffff;
      return seed / 0x7fff_ffff - 0.5;
    });
    let written = scaler.write([noise], 0, 1000);
    scaler.wanted = sign * 30;
    let at = 0;
    for (; done(scaler) === 0 && at < 2000; at += 8) {
      scaler.read([new Float32Array(8)], 0, 8);
      written += scaler.write([noise], written, 8);
    }
    expect(at).toBeGreaterThan(2 * LEAD);
    expect(at).toBeLessThanOrEqual(RATE / 10 + 2 * LEAD);
    expect(done(scaler)).toBeGreaterThanOrEqual(SHORTEST);
    expect(done(scaler)).toBeLessThanOrEqual(30);
    expect(scaler.wanted).toBe(sign * (30 - done(scaler)));
  });

  it('is like new after a reset, except for its counts', () => {
    const { scaler, read, write } = scalerOf();
    scaler.wanted = sign * 2 * PERIOD;
    write(600);
    while (done(scaler) === 0) read(8);
    read(8);
    scaler.reset();
    const counted = done(scaler);
    expect([scaler.wanted, scaler.line.available, counted % PERIOD]).toEqual([0, 0, 0]);
    // No rest is left from the cut before: the next one is a lead away.
    scaler.wanted = sign * PERIOD;
    scaler.write([tone(600)], 0, 600);
    let at = 0;
    for (; done(scaler) === counted; at += 8) read(8);
    expect(at).toBe(LEAD);
  });
});
