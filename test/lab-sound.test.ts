import { describe, expect, it } from 'vitest';
import { Fft } from '../src/core/dsp/fft.ts';
import { LagFinder } from '../demo/measure/lag-finder.ts';
import { liveReading } from '../demo/measure/live-reading.ts';
import { Quality } from '../demo/measure/quality.ts';
import { SoundAnalyser } from '../demo/measure/sound-analyser.ts';
import { quantile } from '../demo/measure/window-result.ts';
import { seededRandom } from './helpers/random.ts';

/*
 * What the lab measures by listening, on sounds whose delay, noise and holes are known.
 */

const RATE = 48_000;

/** Noise whose loudness comes and goes like syllables, low-passed as a voice is. Peaks around 0.3. */
function babble(frames: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const sound = new Float32Array(frames);
  let low = 0;
  for (let i = 0; i < frames; i++) {
    low += 0.2 * (random() * 2 - 1 - low);
    sound[i] = low * (0.6 + 0.4 * Math.sin((2 * Math.PI * 3 * i) / RATE));
  }
  return sound;
}

function delayed(sound: Float32Array, frames: number): Float32Array {
  const later = new Float32Array(sound.length);
  later.set(sound.subarray(0, sound.length - frames), frames);
  return later;
}

const rms = (sound: Float32Array): number =>
  Math.sqrt(sound.reduce((sum, x) => sum + x * x, 0) / sound.length);

/** Adds white noise `snrDb` below the sound. */
function noisy(sound: Float32Array, snrDb: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const amplitude = rms(sound) * 10 ** (-snrDb / 20) * Math.sqrt(3);
  return sound.map((x) => x + amplitude * (random() * 2 - 1));
}

function interleave(channels: readonly Float32Array[], from: number, to: number): Float32Array {
  const block = new Float32Array((to - from) * channels.length);
  for (let i = from, at = 0; i < to; i++) for (const channel of channels) block[at++] = channel[i]!;
  return block;
}

/** An analyser that has heard all of the channels in blocks of uneven lengths, its lanes open from the start. */
function heard(channels: readonly Float32Array[], firstFrame = 0): SoundAnalyser {
  const analyser = new SoundAnalyser(RATE, channels.length - 1);
  for (let lane = 0; lane < channels.length - 1; lane++) analyser.open(lane, firstFrame);
  const random = seededRandom(1);
  for (let at = 0; at < channels[0]!.length;) {
    const end = Math.min(channels[0]!.length, at + 100 + Math.floor(random() * 4000));
    analyser.push(firstFrame + at, interleave(channels, at, end));
    at = end;
  }
  return analyser;
}

describe('the Fourier transform', () => {
  it('is the sum that defines it, and its inverse undoes it', () => {
    const size = 32;
    const random = seededRandom(7);
    const x = Float64Array.from({ length: size }, () => random() - 0.5);
    const y = Float64Array.from({ length: size }, () => random() - 0.5);
    const [re, im] = [x.slice(), y.slice()];
    const fft = new Fft(size);
    fft.forward(re, im);
    for (let k = 0; k < size; k++) {
      let [sumRe, sumIm] = [0, 0];
      for (let n = 0; n < size; n++) {
        const angle = (-2 * Math.PI * k * n) / size;
        sumRe += x[n]! * Math.cos(angle) - y[n]! * Math.sin(angle);
        sumIm += x[n]! * Math.sin(angle) + y[n]! * Math.cos(angle);
      }
      expect(re[k]).toBeCloseTo(sumRe, 10);
      expect(im[k]).toBeCloseTo(sumIm, 10);
    }
    fft.inverse(re, im);
    for (let n = 0; n < size; n++) {
      expect(re[n]! / size).toBeCloseTo(x[n]!, 12);
      expect(im[n]! / size).toBeCloseTo(y[n]!, 12);
    }
  });

  it('refuses a length that is not a power of two', () => {
    expect(() => new Fft(12)).toThrow(RangeError);
  });
});

describe('the lag', () => {
  it('is found to the frame, at any level, in an odd number of outputs at once', () => {
    const sound = babble(3 * RATE, 2);
    const finder = new LagFinder(RATE);
    const lags = [0, 1, 7, 1234, 47_999, 96_000, 20_001];
    const outputs = lags.map((lag, i) => delayed(sound, lag).map((x) => x * 0.5 ** i));
    const found = finder.find(
      sound,
      outputs.map((output) => output.subarray(0, finder.spanFrames)),
    );
    expect(found.map(({ frames }) => frames)).toEqual(lags);
    for (const { correlation } of found) expect(correlation).toBeGreaterThan(0.9999);
  });

  it('is found under noise, with the correlation that the noise leaves', () => {
    const sound = babble(3 * RATE, 3);
    const finder = new LagFinder(RATE);
    const snrDb = 6;
    const [lag] = finder.find(sound, [noisy(delayed(sound, 4321), snrDb, 4)]);
    expect(lag!.frames).toBe(4321);
    // ρ = 1 / √(1 + noise/signal); a window is not the whole, so that its own ratio differs a little.
    expect(lag!.correlation).toBeCloseTo(1 / Math.sqrt(1 + 10 ** (-snrDb / 10)), 1);
  });

  it('is zero in silence, and not trusted in different audio', () => {
    const sound = babble(3 * RATE, 5);
    const finder = new LagFinder(RATE);
    const [silent, other] = finder.find(sound, [new Float32Array(3 * RATE), babble(3 * RATE, 6)]);
    expect(silent).toEqual({ frames: -1, fraction: 0, correlation: 0 });
    expect(other!.correlation).toBeLessThan(0.5);
  });
});

describe('quality', () => {
  it('finds the segmental SNR of noise of a known level, and its bounds', () => {
    const sound = babble(RATE, 8);
    const quality = new Quality(RATE);
    const { sumDb, frames } = quality.segmentalSnr(sound, noisy(sound, 20, 9), RATE);
    // The level of the noise is constant, that of the sound is not: the mean of logarithms lies a little below.
    expect(sumDb / frames).toBeGreaterThan(17);
    expect(sumDb / frames).toBeLessThan(20.5);
    const same = quality.segmentalSnr(sound, sound, RATE);
    expect(same.sumDb / same.frames).toBe(35);
    const opposite = quality.segmentalSnr(
      sound,
      sound.map((x) => -10 * x),
      RATE,
    );
    expect(opposite.sumDb / opposite.frames).toBe(-10);
  });

  it('measures a change of level as a spectral distance of as many dB, and a shift of phase as none', () => {
    const sound = babble(RATE, 10);
    const quality = new Quality(RATE);
    const distance = (output: Float32Array) => quality.logSpectralDistance(sound, output, RATE);
    expect(distance(sound)).toBeCloseTo(0, 9);
    expect(distance(sound.map((x) => -x))).toBeLessThan(1e-6);
    expect(distance(sound.map((x) => x / 2))).toBeCloseTo(6.02, 0);
  });

  it('counts holes of 30 ms, and no audio that has moved by 5 ms', () => {
    const sound = babble(RATE, 11);
    const quality = new Quality(RATE);
    const holed = sound.slice();
    for (const second of [0.1, 0.5, 0.8]) {
      holed.fill(0, second * RATE, (second + 0.03) * RATE);
    }
    expect(quality.holes(sound, holed, RATE, false)).toEqual({ begun: 3, open: false });
    const longer = babble(RATE + 240, 11);
    expect(quality.holes(longer.subarray(240), longer, RATE, false).begun).toBe(0);
    // One that continues from before is not a new one.
    const dead = new Float32Array(RATE);
    expect(quality.holes(sound, dead, RATE, false)).toEqual({ begun: 1, open: true });
    expect(quality.holes(sound, dead, RATE, true)).toEqual({ begun: 0, open: true });
  });
});

describe('the analyser', () => {
  it('aligns between samples: half a sample of delay does not count as noise', () => {
    const random = seededRandom(15);
    const partials = Array.from({ length: 12 }, () => [
      (2 * Math.PI * (100 + 3000 * random())) / RATE,
      2 * Math.PI * random(),
    ]);
    const tones = (at: number): number => {
      let sum = 0;
      for (const [step, phase] of partials) sum += Math.sin(step! * at + phase!);
      return 0.04 * sum;
    };
    const sound = Float32Array.from({ length: 3 * RATE }, (_, i) => tones(i));
    const analyser = heard([sound, sound.map((_, i) => tones(i - 4800.4))]);
    const { seg_snr_db, latency_p50_ms } = analyser.figures(0, 0.2 * RATE, 3 * RATE);
    expect(latency_p50_ms).toBe(100);
    expect(seg_snr_db).toBeGreaterThan(33);
  });

  it('measures how much louder or quieter a lane is', () => {
    const sound = babble(4 * RATE, 13);
    const quieter = delayed(sound, 960).map((sample) => sample * 10 ** (-3.5 / 20));
    const louder = delayed(sound, 4800).map((sample) => sample * 10 ** (2 / 20));
    const analyser = heard([sound, quieter, louder], 0);
    expect(analyser.figures(0, 0, 2 * RATE).level_db).toBeCloseTo(-3.5, 3);
    expect(analyser.figures(1, 0, 2 * RATE).level_db).toBeCloseTo(2, 3);
  });

  it('reports latency, its 95 %, recognition and first audio of lanes in blocks of any length', () => {
    const sound = babble(8 * RATE, 12);
    // 50 ms, and 150 ms more for the last tenth of the time.
    const jumping = delayed(sound, 2400);
    jumping.set(delayed(sound, 9600).subarray(7.2 * RATE * 0.75), 7.2 * RATE * 0.75);
    const analyser = heard([sound, delayed(sound, 960), jumping, new Float32Array(8 * RATE)], 5000);
    const figures = (lane: number) => analyser.figures(lane, 5000, 5000 + 6 * RATE);
    expect(figures(0)).toMatchObject({
      latency_p50_ms: 20,
      latency_p95_ms: 20,
      match_ratio: 1,
      seg_snr_db: 35,
      glitches_per_min: 0,
    });
    expect(figures(0).lsd_db).toBeCloseTo(0, 9);
    expect(figures(0).level_db).toBeCloseTo(0, 9);
    expect(figures(2).level_db).toBeNull();
    expect(figures(0).correlation).toBeCloseTo(1, 6);
    expect(figures(1).latency_p50_ms).toBe(50);
    expect(figures(1).latency_p95_ms).toBe(200);
    expect(figures(2)).toMatchObject({ latency_p50_ms: null, match_ratio: 0, seg_snr_db: null });
    expect(figures(2).glitches_per_min).toBeCloseTo(
      (60 / (analyser.analysedUntil - 5000)) * RATE,
      5,
    );
    // 20 ms, seen in steps of 10.
    expect(analyser.firstSoundMs(0)).toBeGreaterThanOrEqual(10);
    expect(analyser.firstSoundMs(0)).toBeLessThanOrEqual(20);
    expect(analyser.firstSoundMs(2)).toBeNull();
  });

  it('excludes the time before a lane’s first audio from its live figures', () => {
    const sound = babble(12 * RATE, 14);
    // The second lane comes up after 4 s; the third never does.
    const late = delayed(sound, 960);
    late.fill(0, 0, 4 * RATE);
    const analyser = heard([sound, delayed(sound, 960), late, new Float32Array(12 * RATE)], 1000);
    const live = () => liveReading(analyser, 3, (from) => from);
    const { lanes, untilFrame, sourceMs, droppedMs } = live();
    expect(untilFrame).toBe(analyser.analysedUntil);
    expect(droppedMs).toBe(untilFrame - 5 * RATE);
    // In whole windows.
    expect(sourceMs).toBeGreaterThan(4800);
    expect(sourceMs).toBeLessThanOrEqual(5000);
    // The same windows in all of them, from the opening on.
    for (const { soughtMs } of lanes) {
      expect(soughtMs).toBeCloseTo(((untilFrame - 1000) * 1000) / RATE, 6);
    }
    expect(lanes.map(({ firstSoundFrame }) => firstSoundFrame)).toEqual([
      expect.closeTo(1000 + 960, -3),
      expect.closeTo(1000 + 4 * RATE, -3),
      null,
    ]);
    expect(lanes[2]!.figures).toMatchObject({ match_ratio: 0, latency_p50_ms: null });
    expect(lanes[1]!.figures).toMatchObject({ match_ratio: 1, latency_p50_ms: 20 });
    // Without that, the time before would count against it.
    const { match_ratio } = analyser.figures(1, untilFrame - 8 * RATE, Infinity);
    expect(match_ratio).toBeLessThan(0.9);
    const young = heard([sound.subarray(0, 6 * RATE), late.subarray(0, 6 * RATE)], 0);
    expect(liveReading(young, 1, () => 0).sourceMs).toBeNull();
  });

  it('measures how long the source had audio', () => {
    const sound = babble(10 * RATE, 15);
    sound.fill(0, 4 * RATE, 6 * RATE);
    const analyser = heard([sound, sound]);
    const { untilFrame, sourceMs } = liveReading(analyser, 1, () => 0);
    const from = untilFrame - 5 * RATE;
    const audioMs = ((4 * RATE - from + (untilFrame - 6 * RATE)) * 1000) / RATE;
    // Windows at the edges of the pause hold some audio.
    expect(Math.abs(sourceMs! - audioMs)).toBeLessThanOrEqual(400);
    expect(analyser.sourceMs(4.2 * RATE, 5.8 * RATE)).toBe(0);
    // A recording with a gap does not tell: that is not silence.
    const gappy = new SoundAnalyser(RATE, 1);
    gappy.push(0, interleave([sound, sound], 0, 3 * RATE));
    gappy.push(7 * RATE, interleave([sound, sound], 7 * RATE, 10 * RATE));
    expect(gappy.analysedUntil).toBeGreaterThan(7 * RATE);
    expect(liveReading(gappy, 1, () => 0).sourceMs).toBeNull();
  });

  it('leaves out windows with a gap in the recording, and those before a lane opened', () => {
    const sound = babble(10 * RATE, 13);
    const later = delayed(sound, 4800);
    const analyser = new SoundAnalyser(RATE, 1);
    analyser.push(0, interleave([sound, later], 0, RATE));
    analyser.open(0, RATE);
    analyser.push(RATE, interleave([sound, later], RATE, 5 * RATE));
    // A second is missing, in which the delay has changed.
    const changed = delayed(sound, 14_400);
    analyser.push(6 * RATE, interleave([sound, changed], 6 * RATE, 10 * RATE));
    const before = analyser.figures(0, 0, 5 * RATE);
    expect(before).toMatchObject({ latency_p50_ms: 100, latency_p95_ms: 100, match_ratio: 1 });
    const after = analyser.figures(0, 5 * RATE, 10 * RATE);
    expect(after).toMatchObject({ latency_p50_ms: 300, latency_p95_ms: 300, match_ratio: 1 });
    analyser.close(0);
    analyser.open(0, 10 * RATE);
    expect(analyser.figures(0, 0, 10 * RATE).match_ratio).toBeNull();
  });
});

describe('a quantile', () => {
  it('is that of the nearest rank', () => {
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2);
    expect(quantile([1, 2, 3, 4], 0.95)).toBe(4);
    expect(quantile([5], 0.5)).toBe(5);
    expect(quantile([], 0.5)).toBeNull();
  });
});
