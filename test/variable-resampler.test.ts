import { describe, expect, test } from 'vitest';
import { planVariableResampler } from '../src/core/resampler/variable-resampler-planner.ts';
import { VariableResampler } from '../src/core/resampler/variable-resampler.ts';
import { seededRandom } from './helpers/random.ts';
import { cosine, decibels, fitSine } from './helpers/sine-fit.ts';

const PAIRS = [
  [48000, 48000],
  [16000, 48000],
  [24000, 48000],
  [44100, 48000],
  [48000, 44100],
  [8000, 44100],
  [48000, 16000],
] as const;

/** Plays `input` in quanta of `quantum` frames, with the speed that `speedAt` gives for each. */
function play(
  inputRate: number,
  outputRate: number,
  input: Float32Array,
  speedAt: (quantum: number) => number,
  quantum = 128,
  quality: 'hq' | 'vhq' = 'hq',
): { samples: number[]; positions: number[] } {
  const plan = planVariableResampler({ inputRate, outputRate, quality });
  const resampler = new VariableResampler(plan, 1);
  const samples: number[] = [];
  const positions: number[] = [];
  const one = [new Float32Array(quantum)];
  let written = 0;
  for (let block = 0; ; block++) {
    resampler.speed = speedAt(block);
    const needed = resampler.inputFramesFor(quantum);
    if (written + needed > input.length) return { samples, positions };
    expect(resampler.write([input], written, needed)).toBe(needed);
    written += needed;
    // One frame at a time, to learn each frame's position.
    for (let i = 0; i < quantum; i++) {
      positions.push(resampler.position);
      if (resampler.read(one, i, 1) !== 1) throw new Error(`No frame ${positions.length - 1}.`);
    }
    samples.push(...one[0]!);
  }
}

/** −(all that is not the tone) in dB, over frames that are clear of the input's start. */
function purity(
  heard: { samples: number[]; positions: number[] },
  frequency: number,
  from = 400,
): number {
  const { samples, positions } = heard;
  const fit = fitSine(samples, from, samples.length, frequency, (i) => positions[i]!);
  expect(Math.abs(fit.phase)).toBeLessThan(1e-4);
  return -decibels(fit.residual / (0.5 * Math.SQRT1_2));
}

test('plans are made for all pairs of usual rates, in every quality', () => {
  const rates = [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000];
  for (const quality of ['voice', 'hq', 'vhq'] as const) {
    for (const inputRate of rates) {
      for (const outputRate of rates) {
        const plan = planVariableResampler({ inputRate, outputRate, quality });
        expect(plan.latencyFrames).toBeGreaterThan(0);
      }
    }
  }
}, 60_000);

test.each([
  [24_000, 8000],
  [22_050, 8000],
  [44_100, 16_000],
])(
  'vhq from %i to %i Hz passes a tone cleanly, and blocks frequencies above',
  (inputRate, outputRate) => {
    const frames = Math.ceil((inputRate / outputRate) * 128 * 90) + 2000;
    const steady = (): number => 1;
    const inside = (0.85 * outputRate) / 2 / inputRate;
    const kept = play(inputRate, outputRate, cosine(frames, inside), steady, 128, 'vhq');
    expect(purity(kept, inside, 1000)).toBeGreaterThan(135);
    const outside = (1.06 * outputRate) / 2 / inputRate;
    const stopped = play(inputRate, outputRate, cosine(frames, outside), steady, 128, 'vhq');
    const loudest = Math.max(...stopped.samples.slice(1000).map(Math.abs));
    expect(-decibels(loudest / 0.5)).toBeGreaterThan(140);
  },
);

describe.each(PAIRS)('%i → about %i Hz', (inputRate, outputRate) => {
  const nyquist = Math.min(inputRate, outputRate) / 2;
  const frames = Math.ceil((inputRate / outputRate) * 128 * 90) + 600;

  test('a wobble of ±1500 ppm stays a pure tone at the reported positions', () => {
    for (const [hertz, least] of [
      [997, 120],
      [0.5 * nyquist, 118],
      [0.85 * nyquist, 115],
    ] as const) {
      const frequency = hertz / inputRate;
      const wobble = (block: number): number => 1 + 0.0015 * Math.sin(block / 7);
      const heard = play(inputRate, outputRate, cosine(frames, frequency), wobble);
      expect(heard.samples.length).toBeGreaterThan(9000);
      expect(purity(heard, frequency)).toBeGreaterThan(least);
    }
  });

  test('steps to ±5 % and back make no click', () => {
    const frequency = 997 / inputRate;
    const speed = (block: number): number => [1, 1.05, 0.95, 1][Math.floor(block / 20)] ?? 1.05;
    const heard = play(inputRate, outputRate, cosine(frames, frequency), speed);
    expect(purity(heard, frequency)).toBeGreaterThan(120);
    // Nor in any single sample: the tone told by the positions, point by point, but for the passband's ripple.
    const positionOf = (i: number): number => heard.positions[i]!;
    const { amplitude } = fitSine(heard.samples, 400, heard.samples.length, frequency, positionOf);
    expect(Math.abs(decibels(amplitude / 0.5))).toBeLessThan(0.006);
    let worst = 0;
    for (let i = 400; i < heard.samples.length; i++) {
      const tone = amplitude * Math.cos(2 * Math.PI * frequency * heard.positions[i]!);
      worst = Math.max(worst, Math.abs(heard.samples[i]! - tone));
    }
    expect(worst).toBeLessThan(4e-6);
  });

  test('positions advance exactly by the speed', () => {
    const speeds = [1, 1.05, 0.9, 1.0015];
    const { positions } = play(
      inputRate,
      outputRate,
      new Float32Array(frames),
      (block) => speeds[block % speeds.length]!,
      64,
    );
    expect(positions[0]).toBe(0);
    let worst = 0;
    for (let i = 1; i < positions.length; i++) {
      const speed = speeds[Math.floor((i - 1) / 64) % speeds.length]!;
      const step = (inputRate / outputRate) * speed;
      worst = Math.max(worst, Math.abs(positions[i]! - positions[i - 1]! - step));
    }
    expect(worst).toBeLessThan(5e-10);
  });

  test('produces the same frames however they are written and read', () => {
    const random = seededRandom(outputRate - inputRate);
    const plan = planVariableResampler({ inputRate, outputRate });
    const input = Float32Array.from({ length: 3000 }, () => random() - 0.5);
    const expected = new Float32Array(900);
    const whole = new VariableResampler(plan, 1);
    for (let made = 0, at = 0; made < 900;) {
      made += whole.read([expected], made, 900 - made);
      at += whole.write([input], at, Math.min(128, 3000 - at));
    }
    const cut = new VariableResampler(plan, 1);
    const output = new Float32Array(900);
    let read = 0;
    let written = 0;
    while (read < 900) {
      written += cut.write([input], written, Math.floor(random() * Math.min(90, 3000 - written)));
      read += cut.read([output], read, Math.min(900 - read, Math.floor(random() * 120)));
    }
    expect(output).toEqual(expected);
    cut.reset();
    expect(cut.position).toBe(0);
    let again = 0;
    for (let at = 0; again < 900;) {
      again += cut.read([output], again, 900 - again);
      at += cut.write([input], at, Math.min(500, 3000 - at));
    }
    expect(output).toEqual(expected);
  });

  test('no frame waits for more input than latencyFrames, and no input is requested in vain', () => {
    const plan = planVariableResampler({ inputRate, outputRate });
    const resampler = new VariableResampler(plan, 1);
    const output = [new Float32Array(1)];
    let written = 0;
    let longest = 0;
    for (let k = 0; k < 2000; k++) {
      const needed = resampler.inputFramesFor(1);
      if (needed > 0) expect(resampler.read(output, 0, 1)).toBe(0);
      written += resampler.writeSilence(needed);
      longest = Math.max(longest, written - 1 - resampler.position);
      expect(resampler.read(output, 0, 1)).toBe(1);
    }
    expect(longest).toBeLessThanOrEqual(plan.latencyFrames);
    expect(longest).toBeGreaterThan(plan.latencyFrames - 3 - Math.ceil(inputRate / outputRate));
  });
});

test('aliases stay below −115 dB when the output rate is the lower one', () => {
  for (const [inputRate, outputRate] of [
    [48000, 16000],
    [48000, 8000],
    [44100, 24000],
  ] as const) {
    for (const part of [1.13, 1.5, 1.9]) {
      const input = cosine(12000, (part * outputRate) / 2 / inputRate);
      const { samples } = play(inputRate, outputRate, input, () => 1.001);
      let square = 0;
      for (let i = 200; i < samples.length; i++) square += samples[i]! ** 2;
      const level = Math.sqrt(square / (samples.length - 200));
      expect(decibels(level / (0.5 * Math.SQRT1_2))).toBeLessThan(-115);
    }
  }
});

test('a speed beyond ±10 % is refused', () => {
  const plan = planVariableResampler({ inputRate: 48000, outputRate: 48000 });
  const resampler = new VariableResampler(plan, 2);
  for (const speed of [0.89, 1.11, Number.NaN, Infinity]) {
    expect(() => (resampler.speed = speed)).toThrow(RangeError);
  }
  expect(resampler.speed).toBe(1);
});

test('channels do not affect each other', () => {
  const plan = planVariableResampler({ inputRate: 24000, outputRate: 48000 });
  const left = cosine(600, 0.01);
  const right = cosine(600, 0.11);
  const both = [new Float32Array(900), new Float32Array(900)];
  const alone = [new Float32Array(900)];
  const stereo = new VariableResampler(plan, 2);
  const mono = new VariableResampler(plan, 1);
  stereo.write([left, right], 0, 512);
  mono.write([right], 0, 512);
  expect(stereo.read(both, 0, 900)).toBe(mono.read(alone, 0, 900));
  expect(both[1]).toEqual(alone[0]);
  expect(both[0]).not.toEqual(both[1]);
});
