import { describe, expect, it } from 'vitest';
import { PlayoutRig, firstDifference, firstSound, ramp, steepest } from './helpers/playout-rig.ts';
import type { RigOptions } from './helpers/playout-rig.ts';
import { seededRandom } from './helpers/random.ts';

const RATE = 24_000;
const QUANTUM = 128;
const CHUNK = 480;
const TARGET = 1440;

/** A voice as far as pitch goes: a gliding fundamental with falling harmonics, and pauses. */
function voice(frames: number): Float32Array {
  const samples = new Float32Array(frames);
  let phase = 0;
  for (let i = 0; i < frames; i++) {
    const seconds = i / RATE;
    phase += (2 * Math.PI * (130 + 40 * Math.sin(2 * Math.PI * 0.7 * seconds))) / RATE;
    const loudness = Math.max(0, Math.sin(2 * Math.PI * 1.1 * seconds) + 0.6) / 1.6;
    let sample = 0;
    for (let k = 1; k <= 12; k++) sample += Math.sin(k * phase) / (k * k);
    samples[i] = 0.4 * loudness * sample;
  }
  return samples;
}

function noise(frames: number): Float32Array {
  const random = seededRandom(7);
  return Float32Array.from({ length: frames }, () => random() - 0.5);
}

interface Arrival {
  readonly at: number;
  readonly frames: number;
}

/** Chunks in real time; those that fall into a stall arrive together at its end. */
function arrivals(seconds: number, stalls: readonly (readonly [number, number])[]): Arrival[] {
  return Array.from({ length: Math.floor((seconds * RATE) / CHUNK) }, (_, i) => {
    const at = i * CHUNK;
    const stall = stalls.find(([from, to]) => at >= from * RATE && at < to * RATE);
    return { at: stall ? stall[1] * RATE : at, frames: CHUNK };
  });
}

/** Renders a live stream; notes the delay of each second's last quantum and the heard frames after each quantum. */
function live(signal: Float32Array, list: readonly Arrival[], options: RigOptions = {}) {
  const rig = new PlayoutRig({
    sampleRate: RATE,
    targetFrames: TARGET,
    backlog: 'catch-up',
    capacityFrames: 20 * RATE,
    ...options,
  });
  const positions: number[] = [];
  const levels: number[] = [];
  let next = 0;
  let sent = 0;
  for (let now = 0; sent < signal.length && now < signal.length; now += QUANTUM) {
    for (; next < list.length && list[next]!.at <= now; next++) {
      const { frames } = list[next]!;
      rig.write(0, signal.subarray(sent, sent + frames));
      sent += frames;
    }
    rig.render(QUANTUM);
    positions.push(rig.player.timeline.position);
    levels.push(rig.player.timeline.buffered);
    expect(rig.unaccounted).toBe(0);
  }
  const at = (seconds: number): number => Math.round((seconds * RATE) / QUANTUM);
  return { rig, positions, levels, at };
}

describe('a backlog', () => {
  it('of a short stall is removed in seconds, at most 25 % faster, without a step above the signal’s own', () => {
    const signal = voice(12 * RATE);
    const { rig, positions, levels, at } = live(signal, arrivals(12, [[2, 2.5]]));
    expect(rig.underruns).toBe(1);
    // The stall ate the target of 60 ms and then starved for 440 ms.
    expect(Math.min(...levels.slice(at(2.6), at(2.7)))).toBeGreaterThan(0.4 * RATE);
    expect(Math.max(...levels.slice(at(6)))).toBeLessThan(TARGET + CHUNK + 0.02 * RATE);
    expect(Math.min(...levels.slice(at(6)))).toBeGreaterThan(TARGET - CHUNK);
    const { skipped } = rig.player.timeline;
    expect(skipped).toBeGreaterThan(0.35 * RATE);
    expect(skipped).toBeLessThan(0.46 * RATE);
    const half = at(0.5);
    for (let i = at(2.6); i + half < positions.length; i++) {
      const consumed = positions[i + half]! - positions[i]!;
      expect(consumed / (half * QUANTUM)).toBeLessThan(1.25 + 0.04);
    }
    expect(steepest(rig.rendered())).toBeLessThan(steepest(signal) * 1.02);
    expect(rig.player.timeline.interrupted).toBe(0);
  });

  it('of more than a second is skipped at once, without a step above the signal’s own', () => {
    const signal = voice(10 * RATE);
    const { rig, levels, at } = live(signal, arrivals(10, [[2, 5]]));
    expect(levels[at(5.1)]!).toBeGreaterThan(2.7 * RATE);
    expect(Math.max(...levels.slice(at(6.2)))).toBeLessThan(TARGET + CHUNK + 0.03 * RATE);
    expect(steepest(rig.rendered())).toBeLessThan(steepest(signal) * 1.02);
  });

  it('of noise, which repeats nowhere, is removed too', () => {
    const { levels, at } = live(noise(12 * RATE), arrivals(12, [[2, 2.5]]));
    expect(Math.max(...levels.slice(at(10)))).toBeLessThan(TARGET + CHUNK + 0.02 * RATE);
  });

  it('of silence is removed as fast as any', () => {
    const { levels, at } = live(new Float32Array(8 * RATE), arrivals(8, [[2, 2.5]]));
    expect(Math.max(...levels.slice(at(6)))).toBeLessThan(TARGET + CHUNK + 0.02 * RATE);
  });

  it('is kept with backlog: keep', () => {
    const { rig, levels, at } = live(voice(6 * RATE), arrivals(6, [[2, 2.5]]), { backlog: 'keep' });
    expect(rig.player.timeline.skipped).toBe(0);
    expect(levels[at(5.9)]!).toBeGreaterThan(0.4 * RATE);
  });
});

describe('no backlog', () => {
  it('is assumed with jitter below the target: every sample is played unchanged', () => {
    for (let seed = 1; seed <= 3; seed++) {
      const random = seededRandom(seed);
      const signal = noise(4 * RATE);
      const jittered = arrivals(4, []).map(({ at, frames }) => {
        return { at: at + Math.floor(random() * (TARGET - QUANTUM)), frames };
      });
      for (let i = 1; i < jittered.length; i++) {
        jittered[i] = { ...jittered[i]!, at: Math.max(jittered[i]!.at, jittered[i - 1]!.at) };
      }
      const { rig } = live(signal, jittered);
      expect(rig.player.timeline.skipped + rig.underruns).toBe(0);
      const output = rig.rendered();
      const played = output.subarray(firstSound(output));
      expect(played.length).toBeGreaterThan(3.8 * RATE);
      expect(firstDifference(played, signal.subarray(0, played.length))).toBe(-1);
    }
  });

  it('is assumed with chunks that are longer than the target and the watch', () => {
    const frames = 2 * RATE;
    const list = [0, 1, 2, 3, 4].map((i) => ({ at: i * frames, frames }));
    const { rig } = live(noise(10 * RATE), list);
    expect(rig.player.timeline.skipped + rig.underruns).toBe(0);
  });
});

describe('the position', () => {
  it('reports the frame that was rendered last, through cuts, skips and underruns', () => {
    // A ramp: each sample tells which frame it is.
    const step = 2 ** -22;
    const signal = ramp(16 * RATE, 1, step);
    for (const stalls of [
      [[2, 2.4]],
      [[2, 5]],
      [
        [2, 2.3],
        [6, 6.9],
        [10, 12.5],
      ],
    ] as const) {
      const { rig, positions } = live(signal, arrivals(16, stalls));
      const output = rig.rendered();
      let compared = 0;
      for (let i = 1; i < positions.length; i++) {
        const last = output[(i + 1) * QUANTUM - 1]! / step;
        const heard = positions[i]! - positions[i - 1]!;
        // A quantum of plain playing: neither a fade nor a join ends in it.
        if (heard !== QUANTUM || !Number.isInteger(last)) continue;
        const from = output[i * QUANTUM]! / step;
        if (last - from !== QUANTUM - 1) continue;
        compared++;
        expect(last).toBe(positions[i]);
      }
      expect(compared).toBeGreaterThan(positions.length * 0.4);
      expect(rig.player.timeline.skipped).toBeGreaterThan(0);
    }
  });
});
