import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SoundAnalyser } from '../demo/measure/sound-analyser.ts';
import { StoiResampler } from '../demo/measure/stoi-resampler.ts';
import { STOI_RATE, stoi } from '../demo/measure/stoi.ts';

/*
 * Intelligibility, against values of another implementation: pystoi 0.4.1 (mpariente/pystoi, whose own tests hold it against the
 * authors' MATLAB code), run on the same seeded signals with numpy 2.4.6. Only its numbers are here.
 */

/** The linear congruential generator of Numerical Recipes, −1 to 1: easily the same in any language. */
function white(frames: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: frames }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Low-passed noise in syllables, three a second, with silence between. At 10 kHz. */
function babble(frames: number, seed: number): Float32Array {
  let state = seed;
  let low = 0;
  return Float32Array.from({ length: frames }, (_, i) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    low += 0.3 * (state / 2 ** 31 - 1 - low);
    return low * Math.max(0, Math.sin((2 * Math.PI * 3 * i) / STOI_RATE));
  });
}

/** The lab's speech sample, at 22,050 Hz. */
function sample(): Float32Array {
  const file = readFileSync(new URL('../demo/assets/speech.wav', import.meta.url));
  return Float32Array.from(
    { length: (file.length - 44) / 2 },
    (_, i) => file.readInt16LE(44 + 2 * i) / 2 ** 15,
  );
}

const withNoise = (sound: Float32Array, noise: Float32Array, gain: number): Float32Array =>
  sound.map((value, i) => value + gain * noise[i]!);

function atStoiRate(sound: Float32Array, sampleRate: number): Float32Array {
  const resampler = new StoiResampler(sampleRate);
  const margin = resampler.marginFrames;
  const wide = new Float32Array(sound.length + 2 * margin);
  wide.set(sound, margin);
  const target = new Float32Array(resampler.samplesOf(sound.length));
  resampler.read(wide, target);
  return target;
}

describe('STOI', () => {
  const frames = 4 * STOI_RATE;
  const speech = babble(frames, 1);

  it.each([
    [0.05, 0.9935450143634843],
    [0.2, 0.897019684243175],
    [0.5, 0.6565866621355263],
    [1, 0.4650643398759021],
    [3, 0.34128928064561526],
  ])('is that of the reference implementation with noise of gain %d', (gain, expected) => {
    expect(stoi(speech, withNoise(speech, white(frames, 2), gain))).toBeCloseTo(expected, 6);
  });

  it('is that of the reference implementation for holes, a shift and other sounds', () => {
    const holed = speech.slice();
    for (let at = 0; at < frames; at += 2000) holed.fill(0, at, at + 600);
    expect(stoi(speech, holed)).toBeCloseTo(0.6384888651310656, 6);
    const shifted = new Float32Array(frames);
    shifted.set(speech.subarray(0, -500), 500);
    expect(stoi(speech, shifted)).toBeCloseTo(0.18135815105561673, 6);
    expect(stoi(speech, babble(frames, 9))).toBeCloseTo(0.7265964206363111, 6);
    expect(stoi(white(frames, 3), white(frames, 4))).toBeCloseTo(-0.016384664109096246, 6);
  });

  it('is 1 for the same at any level, 0 for silence, and unknown below 0.4 s', () => {
    expect(stoi(speech, speech)).toBeCloseTo(1, 12);
    expect(
      stoi(
        speech,
        speech.map((value) => value / 4),
      ),
    ).toBeCloseTo(1, 6);
    expect(stoi(speech, new Float32Array(frames))).toBe(0);
    expect(stoi(speech.subarray(0, 3000), speech.subarray(0, 3000))).toBeNull();
    expect(stoi(new Float32Array(0), new Float32Array(0))).toBeNull();
  });

  // pystoi resamples by another filter: hence three digits.
  it.each([
    [20, 0.9975003125207398],
    [10, 0.9785110139107933],
    [5, 0.9446057647185205],
    [0, 0.8754544165609749],
    [-5, 0.7710372786792721],
    [-10, 0.6471535231830922],
  ])(
    'of the speech sample at %d dB of signal-to-noise ratio is that of the reference',
    (snrDb, expected) => {
      const sound = sample();
      const rms = Math.sqrt(sound.reduce((sum, value) => sum + value * value, 0) / sound.length);
      const gain = rms * Math.sqrt(3) * 10 ** (-snrDb / 20);
      const noisy = withNoise(sound, white(sound.length, 5), gain);
      const value = stoi(atStoiRate(sound, 22_050), atStoiRate(noisy, 22_050))!;
      expect(Math.abs(value - expected)).toBeLessThan(2e-3);
    },
  );
});

describe('resampling to 10 kHz', () => {
  const tone = (hz: number, sampleRate: number) =>
    Float32Array.from({ length: sampleRate }, (_, i) =>
      Math.sin((2 * Math.PI * hz * i) / sampleRate),
    );

  it.each([8000, 16_000, 22_050, 44_100, 48_000, 96_000])(
    'keeps frequencies below 4.3 kHz, and nothing that would fold into them, from %d Hz',
    (sampleRate) => {
      const inside = atStoiRate(tone(700, sampleRate), sampleRate);
      for (let i = 1000; i < 9000; i++) {
        const error = inside[i]! - Math.sin((2 * Math.PI * 700 * i) / STOI_RATE);
        if (Math.abs(error) > 3e-3) expect.fail(`sample ${i} is off by ${error}`);
      }
      if (sampleRate < 16_000) return;
      const folding = atStoiRate(tone(6500, sampleRate), sampleRate).subarray(1000, 9000);
      expect(Math.max(...folding.map(Math.abs))).toBeLessThan(2e-3);
    },
  );
});

describe('the analyser', () => {
  const RATE = 48_000;
  const seconds = 7;
  const noise = white(seconds * RATE, 7);
  const syllables = white(seconds * RATE, 6);
  let low = 0;
  const speech = syllables.map((value, i) => {
    low += 0.2 * (value - low);
    return low * (0.55 + 0.45 * Math.sin((2 * Math.PI * 3 * i) / RATE));
  });
  const delayed = (sound: Float32Array, frames: number) => {
    const later = new Float32Array(sound.length);
    later.set(sound.subarray(0, sound.length - frames), frames);
    return later;
  };
  const interleaved = (channels: readonly Float32Array[]) => {
    const block = new Float32Array(channels.length * channels[0]!.length);
    channels.forEach((channel, c) =>
      channel.forEach((value, i) => (block[i * channels.length + c] = value)),
    );
    return block;
  };

  it('reports STOI of each lane, whatever its delay, from the start of a run', () => {
    const noisy = withNoise(speech, noise, 0.15);
    const analyser = new SoundAnalyser(RATE, 4);
    for (const lane of [0, 1, 2, 3]) analyser.open(lane, 0);
    const begin = 2 * RATE;
    const end = 4 * RATE;
    analyser.begin(begin);
    const lanes = [
      delayed(speech, 4800),
      delayed(noisy, 9613),
      noisy,
      new Float32Array(noisy.length),
    ];
    for (let at = 0; at < speech.length; at += 4000) {
      const block = [speech, ...lanes].map((channel) => channel.subarray(at, at + 4000));
      analyser.push(at, interleaved(block));
    }
    expect(analyser.stoi(0, begin, end)).toBeGreaterThan(0.999);
    // As long as the windows that were kept, of the same sound at 10 kHz.
    const expected = stoi(
      atStoiRate(speech.slice(begin, end), RATE),
      atStoiRate(noisy.slice(begin, end), RATE),
    )!;
    expect(expected).toBeLessThan(0.985);
    expect(analyser.stoi(1, begin, end)).toBeCloseTo(expected, 2);
    expect(analyser.stoi(2, begin, end)).toBeCloseTo(expected, 2);
    expect(analyser.stoi(3, begin, end)).toBe(0);
    // Nothing is kept before a run, nor from an earlier one.
    expect(analyser.stoi(0, 0, begin)).toBeNull();
    analyser.begin(end);
    expect(analyser.stoi(0, begin, end)).toBeNull();
  }, 60_000);
});
