import { describe, expect, test } from 'vitest';
import { planResampler } from '../src/core/resampler/resampler-planner.ts';
import { createResampler } from '../src/core/resampler/resampler-stream.ts';
import { Resampler, resample } from '../src/core/resampler/resampler.ts';
import { seededRandom } from './helpers/random.ts';
import { cosine, decibels, fitSine, rootMeanSquare } from './helpers/sine-fit.ts';

/** The pairs that voice needs, and odd ones: long ratios, ratios near 1, powers of two. */
const PAIRS = [
  [48000, 16000],
  [48000, 24000],
  [44100, 16000],
  [44100, 48000],
  [48000, 44100],
  [16000, 48000],
  [24000, 48000],
  [48000, 8000],
  [11025, 16000],
  [22050, 48000],
  [96000, 16000],
  [192000, 44100],
  [37800, 48000],
  [8000, 7999],
  [44101, 48000],
  [3000, 768000],
  [768000, 3000],
  [48000, 47999],
] as const;
const COMMON = PAIRS.slice(0, 8);
const QUALITIES = [
  { quality: 'voice', decibels: 98, pass: 0.9 },
  { quality: 'hq', decibels: 117, pass: 0.9 },
  { quality: 'vhq', decibels: 140, pass: 0.945 },
] as const;

/** The tail of the ear-shot: outputs that no edge of the signal reaches. */
function settled(output: Float32Array, plan: { latencyFrames: number }, ratio: number): number {
  return Math.min(Math.ceil((plan.latencyFrames + 1) * ratio) + 1, Math.floor(output.length / 3));
}

function noise(frames: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: frames }, () => random() - 0.5);
}

describe.each(PAIRS)('%i → %i Hz', (inputRate, outputRate) => {
  const ratio = outputRate / inputRate;
  const nyquist = Math.min(inputRate, outputRate) / 2;

  test.each(QUALITIES)('$quality: a tone stays that tone, in place', (quality) => {
    for (const strict of [false, true]) {
      const plan = planResampler({ inputRate, outputRate, quality: quality.quality, strict });
      const frames = Math.max(4 * plan.latencyFrames, Math.ceil(1500 / ratio), 1500);
      for (const part of [0.05, 0.37, quality.pass - 0.03]) {
        const frequency = part * nyquist;
        const input = cosine(frames, frequency / inputRate);
        const output = resample([input], inputRate, outputRate, {
          quality: quality.quality,
          strict,
        })[0]!;
        const edge = settled(output, plan, ratio);
        const fit = fitSine(output, edge, output.length - edge, frequency / outputRate);
        expect(decibels(fit.residual / (0.5 * Math.SQRT1_2))).toBeLessThan(-quality.decibels);
        expect(Math.abs(decibels(fit.amplitude / 0.5))).toBeLessThan(0.02);
        // Linear phase, delay compensated: frame k is at k · inputRate / outputRate.
        expect(Math.abs(fit.phase)).toBeLessThan(1e-5);
      }
    }
  });

  if (outputRate < inputRate) {
    test.each(QUALITIES)('$quality: frequencies beyond the stop edge vanish', (quality) => {
      for (const strict of [false, true]) {
        const plan = planResampler({ inputRate, outputRate, quality: quality.quality, strict });
        const frames = Math.max(4 * plan.latencyFrames, Math.ceil(1500 / ratio));
        const stop = strict ? 1.002 : 2.003 - quality.pass;
        for (let part = stop; part < (0.999 * inputRate) / 2 / nyquist; part *= 1.37) {
          const input = cosine(frames, (part * nyquist) / inputRate);
          const output = resample([input], inputRate, outputRate, {
            quality: quality.quality,
            strict,
          })[0]!;
          const edge = settled(output, plan, ratio);
          const level = rootMeanSquare(output, edge, output.length - edge);
          expect(decibels(level / (0.5 * Math.SQRT1_2))).toBeLessThan(-quality.decibels);
        }
      }
    });
  }

  test('n frames become round(n · outputRate / inputRate), for any n', () => {
    const random = seededRandom(inputRate + outputRate);
    const resampler = new Resampler({ inputRate, outputRate });
    for (let trial = 0; trial < 12; trial++) {
      const frames = trial < 4 ? trial : Math.floor(random() * 3000);
      const output = [new Float32Array(resampler.outputFramesMax(frames))];
      const tail = [new Float32Array(resampler.flushFramesMax)];
      const total = resampler.process([noise(frames, trial)], output) + resampler.flush(tail);
      expect(total).toBe(Math.round((frames * outputRate) / inputRate));
    }
  });

  test('latencyFrames: no frame waits for more input than that, and some frame for all of it', () => {
    const plan = planResampler({ inputRate, outputRate });
    const resampler = createResampler(plan, 1);
    const output = [new Float32Array(resampler.outputFramesMax(1))];
    const one = [new Float32Array(1)];
    let produced = 0;
    let longest = 0;
    for (let consumed = 1; consumed <= 3 * plan.latencyFrames + 400; consumed++) {
      const count = resampler.process(one, output);
      if (count > 0) {
        const wait = consumed - 1 - (produced * inputRate) / outputRate;
        longest = Math.max(longest, wait);
      }
      produced += count;
    }
    expect(longest).toBeLessThanOrEqual(plan.latencyFrames);
    expect(longest).toBeGreaterThan(plan.latencyFrames - Math.ceil(inputRate / outputRate) - 1);
  });
});

describe('blocks', () => {
  test('1,000 random divisions give the same bits', () => {
    const random = seededRandom(3);
    let cuts = 0;
    for (const [inputRate, outputRate] of PAIRS.slice(0, 15)) {
      for (const strict of [false, true]) {
        const options = { inputRate, outputRate, strict };
        const frames = 3000 + Math.floor(random() * 2000);
        const input = noise(frames, frames);
        const whole = resample([input], inputRate, outputRate, { strict })[0]!;
        const resampler = new Resampler(options);
        const parts: number[] = [];
        for (let at = 0; at < frames;) {
          const size = Math.floor(random() * (random() < 0.5 ? 40 : 400));
          const block = input.subarray(at, at + size);
          const output = [new Float32Array(resampler.outputFramesMax(block.length))];
          const count = resampler.process([block], output);
          parts.push(...output[0]!.subarray(0, count));
          at += size;
          cuts++;
        }
        const tail = [new Float32Array(resampler.flushFramesMax)];
        parts.push(...tail[0]!.subarray(0, resampler.flush(tail)));
        expect(Float32Array.from(parts)).toEqual(whole);
      }
    }
    expect(cuts).toBeGreaterThanOrEqual(1000);
  });

  test('channels do not affect each other', () => {
    const left = noise(2000, 1);
    const right = noise(2000, 2);
    for (const [inputRate, outputRate] of COMMON) {
      const both = resample([left, right], inputRate, outputRate);
      expect(both[0]).toEqual(resample([left], inputRate, outputRate)[0]);
      expect(both[1]).toEqual(resample([right], inputRate, outputRate)[0]);
    }
  });

  test('after reset, and after flush, a stream starts over', () => {
    const input = [noise(777, 4)];
    const resampler = new Resampler({ inputRate: 44100, outputRate: 16000 });
    const run = (): Float32Array => {
      const output = [new Float32Array(resampler.outputFramesMax(777) + resampler.flushFramesMax)];
      const count = resampler.process(input, output);
      return output[0]!.slice(0, count + resampler.flush([output[0]!.subarray(count)]));
    };
    const first = run();
    expect(run()).toEqual(first);
    resampler.process(input, [new Float32Array(1000)]);
    resampler.reset();
    expect(run()).toEqual(first);
  });

  test('an output that is too small is refused, and nothing is lost', () => {
    const input = noise(900, 5);
    const expected = resample([input], 16000, 48000)[0]!;
    const resampler = new Resampler({ inputRate: 16000, outputRate: 48000 });
    const room = new Float32Array(4000);
    const count = resampler.process([input.subarray(0, 400)], [room]);
    const small = [new Float32Array(3)];
    const attempt = (): number => resampler.process([input.subarray(400)], small);
    expect(attempt).toThrow(RangeError);
    const needed = Number(/of (\d+) frames, got/.exec(String(messageOf(attempt)))?.[1]);
    const rest = new Float32Array(needed);
    expect(resampler.process([input.subarray(400)], [rest])).toBe(needed);
    expect(() => resampler.flush(small)).toThrow(RangeError);
    const tail = new Float32Array(resampler.flushFramesMax);
    const last = resampler.flush([tail]);
    const joined = [...room.subarray(0, count), ...rest, ...tail.subarray(0, last)];
    expect(Float32Array.from(joined)).toEqual(expected);
  });

  test('outputFramesMax holds for every block', () => {
    const random = seededRandom(9);
    for (const [inputRate, outputRate] of PAIRS.slice(0, 15)) {
      const resampler = new Resampler({ inputRate, outputRate });
      const input = [new Float32Array(300)];
      const output = [new Float32Array(resampler.outputFramesMax(300))];
      for (let block = 0; block < 200; block++) {
        const frames = Math.floor(random() * 300);
        expect(resampler.process(input, output, frames)).toBeLessThanOrEqual(
          resampler.outputFramesMax(frames),
        );
      }
    }
  });
});

describe('bad input', () => {
  test('NaN and infinity have no effect beyond the length of the filter', () => {
    for (const [inputRate, outputRate] of PAIRS.slice(0, 15)) {
      const plan = planResampler({ inputRate, outputRate });
      const at = 6 * plan.latencyFrames;
      const clean = noise(12 * plan.latencyFrames, 6);
      const spoilt = clean.slice();
      spoilt[at] = Number.NaN;
      spoilt[at + 1] = Number.POSITIVE_INFINITY;
      const expected = resample([clean], inputRate, outputRate)[0]!;
      const output = resample([spoilt], inputRate, outputRate)[0]!;
      // Outputs that share a SIMD register share their inputs.
      const reach = plan.latencyFrames + 4 * Math.max(1, inputRate / outputRate) + 2;
      for (let k = 0; k < output.length; k++) {
        const distance = (k * inputRate) / outputRate - at;
        if (distance < -reach || distance > reach) expect(output[k]).toBe(expected[k]);
      }
      expect(output.some(Number.isNaN)).toBe(true);
    }
  });

  test('rates that are not integers from 3000 to 768000 are refused', () => {
    for (const rate of [2999, 768001, 44100.5, Number.NaN, 0, -48000]) {
      expect(() => planResampler({ inputRate: rate, outputRate: 48000 })).toThrow(RangeError);
      expect(() => planResampler({ inputRate: 48000, outputRate: rate })).toThrow(RangeError);
    }
    const text = '48000' as unknown as number;
    expect(() => planResampler({ inputRate: text, outputRate: 8000 })).toThrow(TypeError);
    const plan = planResampler({ inputRate: 48000, outputRate: 8000 });
    expect(() => createResampler(plan, 0)).toThrow(RangeError);
  });

  test('missing channels and impossible frame counts are refused', () => {
    const resampler = new Resampler({ inputRate: 48000, outputRate: 8000, channels: 2 });
    const output = [new Float32Array(100), new Float32Array(100)];
    const input = new Float32Array(100);
    expect(() => resampler.process([input], output)).toThrow(RangeError);
    expect(() => resampler.process([input, input], output, 101)).toThrow(RangeError);
    expect(() => resampler.process([input, input], output, -1)).toThrow(RangeError);
  });
});

describe('plans', () => {
  test('the length is exact even after hours, beyond the frame where the counts restart', () => {
    const resampler = new Resampler({ inputRate: 48000, outputRate: 24000, quality: 'voice' });
    const block = new Float32Array(1 << 14);
    const output = [new Float32Array(1 << 14)];
    const blocks = (1 << 14) + 3;
    let frames = 0;
    for (let i = 0; i < blocks; i++) frames += resampler.process([block], output);
    frames += resampler.process([block], output, 4321);
    frames += resampler.flush(output);
    expect(frames).toBe(Math.round((blocks * block.length + 4321) / 2));
  });

  test('equal rates copy', () => {
    const input = noise(5000, 8);
    expect(resample([input], 48000, 48000)[0]).toEqual(input);
    expect(planResampler({ inputRate: 48000, outputRate: 48000 }).latencyFrames).toBe(0);
  });

  test('a plan survives structured clone', () => {
    const plan = planResampler({ inputRate: 44100, outputRate: 16000 });
    const input = [noise(2000, 11)];
    const results = [plan, structuredClone(plan)].map((each) => {
      const output = [new Float32Array(1000)];
      const count = createResampler(each, 1).process(input, output);
      return output[0]!.slice(0, count);
    });
    expect(results[1]).toEqual(results[0]);
  });

  test('no pair of rates needs more than a megabyte of coefficients', () => {
    const random = seededRandom(12);
    const pairs = [...PAIRS, [767999, 768000], [768000, 767999], [3001, 767999], [767999, 3001]];
    for (let i = 0; i < 40; i++) {
      pairs.push([3000 + Math.floor(random() * 765000), 3000 + Math.floor(random() * 765000)]);
    }
    for (const [inputRate, outputRate] of pairs) {
      const plan = planResampler({
        inputRate: inputRate!,
        outputRate: outputRate!,
        quality: 'vhq',
      });
      let bytes = 0;
      for (const stage of plan.stages) {
        bytes +=
          'coefficients' in stage
            ? stage.coefficients.byteLength
            : stage.odd.byteLength + stage.even.byteLength;
      }
      expect(bytes).toBeLessThan(1 << 20);
    }
  });
});

function messageOf(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return (error as Error).message;
  }
}
