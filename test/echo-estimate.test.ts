import { describe, expect, test } from 'vitest';
import { correlateSweep } from '../src/core/echo/echo-correlation.ts';
import { estimateEcho } from '../src/core/echo/echo-estimate.ts';
import type { EchoEstimate } from '../src/core/echo/echo-estimate.ts';
import { EchoProbe } from '../src/core/echo/echo-probe.ts';
import { echoOf, powerDb } from './helpers/echo-room.ts';
import type { EchoRoom } from './helpers/echo-room.ts';
import { seededRandom } from './helpers/random.ts';
import { speech } from './helpers/speech.ts';

const DRY: EchoRoom = {
  sampleRate: 16_000,
  delayMs: 50,
  gainDb: -20,
  reflections: [],
  reverbSeconds: 0,
  reverbDb: -Infinity,
  driftPpm: 0,
};

/** What the microphone hears beside the echo. */
interface Disturbance {
  readonly noiseDbfs: number;
  readonly speechDbfs: number;
}

interface Measured {
  readonly estimate: EchoEstimate;
  /** How much quieter the echo is than the probe. */
  readonly lossDb: number;
}

const SPEECH = speech();
const SPEECH_RMS = Math.sqrt(SPEECH.reduce((sum, each) => sum + each * each, 0) / SPEECH.length);

function measure(
  room: EchoRoom,
  { noiseDbfs, speechDbfs }: Disturbance,
  random: () => number,
  probe: EchoProbe = new EchoProbe({ sampleRate: room.sampleRate }),
): Measured {
  const rate = room.sampleRate;
  const maxDelayMs = 500;
  const playedAtFrame = Math.round((0.25 + 0.1 * random()) * rate);
  const played = new Float32Array(playedAtFrame + probe.samples.length + Math.ceil(0.8 * rate));
  played.set(probe.samples, playedAtFrame);
  const echo = echoOf(played, room, random);
  const samples = Float32Array.from(echo);
  const amplitude = Math.sqrt(3) * 10 ** (noiseDbfs / 20);
  const loudness = 10 ** (speechDbfs / 20) / SPEECH_RMS;
  const from = Math.floor(random() * SPEECH.length);
  for (let i = 0; i < samples.length; i++) {
    const voice = SPEECH[(from + Math.round((i * 48_000) / rate)) % SPEECH.length]!;
    samples[i]! += amplitude * (2 * random() - 1) + loudness * voice;
  }
  const estimate = estimateEcho(probe, { samples, playedAtFrame, maxDelayMs });
  return { estimate, lossDb: -powerDb(echo, played) };
}

function randomRoom(seed: number, random: () => number): EchoRoom {
  const between = (least: number, most: number): number => least + (most - least) * random();
  return {
    sampleRate: seed % 10 === 0 ? 48_000 : seed % 10 === 5 ? 44_100 : 16_000,
    delayMs: between(0, 480),
    gainDb: between(-50, 0),
    reflections: Array.from({ length: Math.floor(between(0, 6)) }, () => ({
      afterMs: between(0.5, 25),
      gainDb: between(-20, -4),
    })),
    reverbSeconds: between(0.1, 0.7),
    reverbDb: between(-20, 0),
    driftPpm: between(-100, 100),
  };
}

/** What is wrong with an answer; empty when it keeps its promise. */
function fault({ estimate, lossDb }: Measured, room: EchoRoom): string {
  const { delayMs, returnLossDb, isLowerBound } = estimate;
  const late = delayMs === null ? 0 : delayMs - room.delayMs;
  if (Math.abs(late) >= 1) return `the delay is ${late.toFixed(2)} ms wrong`;
  const off = returnLossDb - lossDb;
  if (isLowerBound) return off <= 0 ? '' : `the bound is ${off.toFixed(2)} dB too high`;
  return Math.abs(off) < 1 ? '' : `the loss is ${off.toFixed(2)} dB wrong`;
}

describe('a confident answer is within 1 ms and 1 dB, and a bound is one', () => {
  const measured = new Map<string, { heard: number; levelled: number }>();
  test.each(Array.from({ length: 8 }, (_, i) => [i * 25 + 1, (i + 1) * 25] as const))(
    'in rooms %i to %i of all sorts, with noise, speech and drift',
    (first, last) => {
      const faults: string[] = [];
      const count = { heard: 0, levelled: 0 };
      for (let seed = first; seed <= last; seed++) {
        const random = seededRandom(seed);
        const room = randomRoom(seed, random);
        const answer = measure(
          room,
          {
            noiseDbfs: -90 + 50 * random(),
            speechDbfs: random() < 0.5 ? -Infinity : -60 + 30 * random(),
          },
          random,
        );
        const words = fault(answer, room);
        if (words !== '') faults.push(`room ${seed}: ${words}`);
        if (answer.estimate.delayMs !== null) count.heard++;
        if (!answer.estimate.isLowerBound) count.levelled++;
      }
      measured.set(String(first), count);
      expect(faults).toEqual([]);
    },
    60_000,
  );

  test('and most rooms get a confident one', () => {
    let heard = 0;
    let levelled = 0;
    for (const each of measured.values()) {
      heard += each.heard;
      levelled += each.levelled;
    }
    expect(heard).toBeGreaterThan(140);
    expect(levelled).toBeGreaterThan(110);
  });
});

describe('the estimate', () => {
  test('of a dry echo without noise is exact', () => {
    for (const delayMs of [0, 0.5, 3, 250.0625]) {
      const random = seededRandom(1);
      const room = { ...DRY, delayMs };
      const { estimate, lossDb } = measure(
        room,
        { noiseDbfs: -Infinity, speechDbfs: -Infinity },
        random,
      );
      expect(Math.abs(estimate.delayMs! - delayMs)).toBeLessThan(0.3);
      expect(estimate.isLowerBound).toBe(false);
      expect(Math.abs(estimate.returnLossDb - lossDb)).toBeLessThan(0.05);
    }
  });

  test('detects an echo 15 dB below stationary noise', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { estimate, lossDb } = measure(
        DRY,
        { noiseDbfs: -41, speechDbfs: -Infinity },
        seededRandom(seed),
      );
      expect(Math.abs(estimate.delayMs! - DRY.delayMs)).toBeLessThan(1);
      const off = estimate.returnLossDb - lossDb;
      expect(estimate.isLowerBound ? off <= 0 : Math.abs(off) < 1).toBe(true);
    }
  });

  test('detects the delay of an echo 15 dB below speech', () => {
    let heard = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const { estimate } = measure(DRY, { noiseDbfs: -90, speechDbfs: -41 }, seededRandom(seed));
      if (estimate.delayMs === null) continue;
      heard++;
      expect(Math.abs(estimate.delayMs - DRY.delayMs)).toBeLessThan(1);
    }
    expect(heard).toBeGreaterThan(6);
  });

  test('uses the first arrival for the delay, even if a reflection is louder', () => {
    const room = { ...DRY, reflections: [{ afterMs: 9, gainDb: 3 }] };
    const { estimate } = measure(room, { noiseDbfs: -80, speechDbfs: -Infinity }, seededRandom(3));
    expect(Math.abs(estimate.delayMs! - DRY.delayMs)).toBeLessThan(1);
  });

  test('of a room without an echo is a bound that grows as the noise falls', () => {
    const room = { ...DRY, gainDb: -Infinity };
    const bounds = [-40, -60, -80].map((noiseDbfs) => {
      const { estimate } = measure(room, { noiseDbfs, speechDbfs: -Infinity }, seededRandom(4));
      expect(estimate).toMatchObject({ delayMs: null, delayFrames: null, isLowerBound: true });
      return estimate.returnLossDb;
    });
    expect(bounds[0]).toBeGreaterThan(0);
    expect(bounds[1]! - bounds[0]!).toBeCloseTo(20, 3);
    expect(bounds[2]! - bounds[1]!).toBeCloseTo(20, 3);
  });

  test('of digital silence is an infinite return loss, as a bound', () => {
    const probe = new EchoProbe({ sampleRate: 16_000 });
    const samples = new Float32Array(16_000 * 4);
    expect(estimateEcho(probe, { samples, playedAtFrame: 4000 })).toEqual({
      delayFrames: null,
      delayMs: null,
      returnLossDb: Infinity,
      isLowerBound: true,
      prominenceDb: 0,
    });
  });

  test('does not mistake the echo of another sweep for its own', () => {
    // With so long a reach every sweep finds the echoes of the others.
    const probe = new EchoProbe({ sampleRate: 8000, sweeps: 9 });
    const samples = new Float32Array(8000 * 10);
    for (let i = 0; i < probe.samples.length; i++) samples[8000 + i] = 0.1 * probe.samples[i]!;
    const estimate = estimateEcho(probe, { samples, playedAtFrame: 8000 - 800, maxDelayMs: 5000 });
    expect(Math.abs(estimate.delayMs! - 100)).toBeLessThan(0.3);
    expect(Math.abs(estimate.returnLossDb - 20)).toBeLessThan(0.05);
  });

  test('resolves fractions of a frame', () => {
    const probe = new EchoProbe({ sampleRate: 16_000 });
    const samples = new Float32Array(16_000 * 4);
    samples.set(probe.samples, 4800);
    const whole = estimateEcho(probe, { samples, playedAtFrame: 4000 });
    expect(whole.delayFrames).toBe(800);
    expect(whole.delayMs).toBe(50);
    const part = estimateEcho(probe, { samples, playedAtFrame: 4000.25 });
    expect(part.delayFrames).toBe(799.75);
    expect(whole.returnLossDb).toBeCloseTo(0, 2);
  });

  test('refuses wrong arguments', () => {
    const probe = new EchoProbe({ sampleRate: 16_000 });
    const samples = new Float32Array(16_000);
    const wrong =
      (recording: object): (() => unknown) =>
      () =>
        estimateEcho(probe, recording as never);
    expect(wrong({ samples, playedAtFrame: 0 })).toThrow(
      /^samples.length must lie between 46\d{3} and/,
    );
    expect(wrong({ samples, playedAtFrame: -1 })).toThrow(RangeError);
    expect(wrong({ samples, playedAtFrame: 0, maxDelayMs: 0 })).toThrow(RangeError);
    expect(wrong({ samples, playedAt: 0 })).toThrow("estimateEcho has no option 'playedAt'");
    expect(wrong({ samples: [], playedAtFrame: 0 })).toThrow('samples must be a Float32Array');
    expect(() => estimateEcho({} as never, { samples, playedAtFrame: 0 })).toThrow(
      'probe must be an EchoProbe',
    );
  });
});

describe('the probe', () => {
  test.each([8000, 16_000, 44_100, 48_000, 96_000])('has its level and length at %i Hz', (rate) => {
    const probe = new EchoProbe({ sampleRate: rate });
    expect(probe.startFrames.length).toBe(5);
    expect(10 * Math.log10(energyOf(probe.sweep) / probe.sweep.length)).toBeCloseTo(-36, 2);
    expect(probe.durationMs).toBeCloseTo(1877, 0);
    for (const start of probe.startFrames) {
      expect(probe.samples.subarray(start, start + probe.sweep.length)).toEqual(probe.sweep);
    }
    // It begins and ends at zero: no click.
    expect(Math.abs(probe.samples[0]!)).toBeLessThan(1e-4);
    expect(Math.abs(probe.samples.at(-1)!)).toBeLessThan(1e-4);
    expect(Math.max(...probe.samples)).toBeLessThan(10 ** (-32 / 20));
  });

  test('has an autocorrelation as short as its band allows', () => {
    const { sweep } = new EchoProbe({ sampleRate: 48_000 });
    const samples = new Float32Array(48_000);
    samples.set(sweep, 20_000);
    const { plain, bandShare } = correlateSweep(samples, sweep, 48_000);
    expect(plain[20_000]).toBeCloseTo(1, 6);
    expect(bandShare).toBeGreaterThan(0.22);
    expect(bandShare).toBeLessThan(0.28);
    let beyond = 0;
    for (let i = 0; i < 48_000; i++) {
      if (Math.abs(i - 20_000) > 96) beyond = Math.max(beyond, Math.abs(plain[i]!));
    }
    expect(20 * Math.log10(beyond)).toBeLessThan(-25);
  });

  test('has a different distance between every two sweeps', () => {
    const { startFrames } = new EchoProbe({ sampleRate: 48_000, sweeps: 9 });
    const distances = startFrames.flatMap((to, i) =>
      startFrames.slice(0, i).map((from) => to - from),
    );
    distances.sort((a, b) => a - b);
    const least = Math.min(...distances.slice(1).map((each, i) => each - distances[i]!));
    expect(least).toBeGreaterThan(0.007 * 48_000);
  });

  test.each([
    [{ sampleRate: 7999 }, 'sampleRate must lie between 8000 and 768000, got 7999.'],
    [{ sampleRate: 48_000, levelDbfs: 0 }, 'levelDbfs must lie between -80 and -6, got 0.'],
    [{ sampleRate: 48_000, sweeps: 2 }, 'sweeps must lie between 3 and 9, got 2.'],
    [{ sampleRate: 48_000, level: 2 }, "EchoProbe has no option 'level'."],
  ])('refuses %j', (options, message) => {
    expect(() => new EchoProbe(options as never)).toThrow(message);
  });
});

function energyOf(samples: Float32Array): number {
  return samples.reduce((sum, each) => sum + each * each, 0);
}
