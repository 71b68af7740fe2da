import { beforeAll, describe, expect, it } from 'vitest';
import { Quality, SOUND, meanSquare } from '../demo/measure/quality.ts';
import { SoundAnalyser } from '../demo/measure/sound-analyser.ts';
import { labMusic, labSpeech, throughOpus } from './helpers/lab-sounds.ts';
import { seededRandom } from './helpers/random.ts';

/*
 * What the lab calls a glitch: nothing that a codec does to sound, and every hole of 10 ms. On the lab's own speech and on music.
 */

const RATE = 48_000;
const SECONDS = 14;
const FRAMES = SECONDS * RATE;
/** From which a hole is sure to be in sound, mean square: −38 dBFS. The analyser takes −45 dBFS, in its quietest frame. */
const LOUD = 10 ** (-38 / 10);

function heard(reference: Float32Array, output: Float32Array): SoundAnalyser {
  const analyser = new SoundAnalyser(RATE, 1);
  analyser.open(0, 0);
  const frames = Math.min(reference.length, output.length);
  const blockFrames = 4800;
  for (let at = 0; at + blockFrames <= frames; at += blockFrames) {
    const block = new Float32Array(2 * blockFrames);
    for (let i = 0; i < blockFrames; i++) {
      block[2 * i] = reference[at + i]!;
      block[2 * i + 1] = output[at + i]!;
    }
    analyser.push(at, block);
  }
  return analyser;
}

/** Glitches, as a count. */
function glitches(analyser: SoundAnalyser): number {
  const { glitches_per_min: rate } = analyser.figures(0, 0, Infinity);
  let sounding = 0;
  for (let frame = 0; frame < analyser.analysedUntil; frame += analyser.windowFrames) {
    if (analyser.figures(0, frame, frame + 1).match_ratio !== null) sounding++;
  }
  return Math.round((rate! * sounding * analyser.windowFrames) / RATE / 60);
}

/** Whether every 5 ms of the sound around a place is loud. */
function isLoud(sound: Float32Array, from: number, to: number): boolean {
  for (let start = from; start < to; start += 240) {
    let energy = 0;
    for (let i = start; i < start + 240; i++) energy += sound[i]! ** 2;
    if (energy < LOUD * 240) return false;
  }
  return true;
}

/** The sound with holes of that length at seeded places at least half a second apart, where the sound is loud. */
function holed(
  sound: Float32Array,
  { holeFrames, seed, delay }: { holeFrames: number; seed: number; delay: number },
): { readonly output: Float32Array; readonly holes: number } {
  const random = seededRandom(seed);
  const output = sound.slice();
  let holes = 0;
  for (let at = RATE; at < FRAMES - 3 * RATE; at += Math.floor((0.5 + 0.1 * random()) * RATE)) {
    for (let tries = 0; tries < 40; tries++) {
      const from = at + Math.floor(0.3 * RATE * random());
      if (!isLoud(sound, from - 1200, from + holeFrames + 1200)) continue;
      output.fill(0, from + delay, from + delay + holeFrames);
      holes++;
      break;
    }
  }
  return { output, holes };
}

describe.each(['speech', 'music'] as const)('glitches in %s', (kind) => {
  let sound: Float32Array;
  let coded: Float32Array;
  beforeAll(async () => {
    sound = kind === 'speech' ? labSpeech(FRAMES) : labMusic(FRAMES, 1);
    coded = await throughOpus(sound);
  }, 60_000);

  it.each([
    [32_000, 5],
    [32_000, 9],
    [24_000, 5],
    [64_000, 5],
  ])(
    'do not occur if Opus at %d bit/s and complexity %d loses nothing, and all of it is recognized',
    async (bitrate, complexity) => {
      const analyser = heard(sound, await throughOpus(sound, { bitrate, complexity }));
      expect(analyser.figures(0, 0, Infinity)).toMatchObject({
        glitches_per_min: 0,
        match_ratio: 1,
      });
    },
    60_000,
  );

  const cases = [480, 960].flatMap((holeFrames) =>
    [1, 2, 3].map((seed) => [holeFrames / 48, seed] as const),
  );
  it.each(cases)(
    'are every hole of %d ms in Opus audio, wherever it begins (seed %d)',
    (holeMs, seed) => {
      const { output, holes } = holed(coded, { holeFrames: holeMs * 48, seed, delay: 0 });
      expect(holes).toBeGreaterThan(6);
      expect(glitches(heard(sound, output))).toBe(holes);
    },
    60_000,
  );

  it('are every hole in samples that arrive 50 ms late', () => {
    const later = new Float32Array(FRAMES);
    later.set(sound.subarray(0, FRAMES - 2400), 2400);
    const { output, holes } = holed(later, { holeFrames: 480, seed: 4, delay: 0 });
    expect(glitches(heard(sound, output))).toBe(holes);
  });

  it('are found if other audio plays for a second, and if there is silence', () => {
    for (const stretch of [sound.slice(3 * RATE, 4 * RATE).toReversed(), new Float32Array(RATE)]) {
      const output = coded.slice();
      output.set(stretch, 6 * RATE);
      const count = glitches(heard(sound, output));
      expect(count).toBeGreaterThanOrEqual(1);
      expect(count).toBeLessThanOrEqual(4);
    }
  });
});

describe('the spectral distance', () => {
  it('of speech through Opus stays below 6 dB, and that of other speech hardly ever does', async () => {
    const sound = labSpeech(FRAMES);
    const coded = await throughOpus(sound);
    const quality = new Quality(RATE);
    const windowFrames = 9600;
    /** Of the codec: 6.5 ms. */
    const delay = 312;
    let windows = 0;
    let elsewhere = 0;
    let close = 0;
    for (let frame = 0; frame < FRAMES - 3 * RATE; frame += windowFrames / 2) {
      const reference = sound.subarray(frame, frame + windowFrames);
      if (meanSquare(reference, windowFrames) < SOUND) continue;
      const distance = (shift: number): number => {
        const from = frame + delay + shift;
        const output = coded.subarray(from, from + windowFrames);
        return quality.logSpectralDistance(reference, output, windowFrames);
      };
      windows++;
      if (distance(0) >= 6) expect.fail(`the window at ${frame} is ${distance(0)} dB off`);
      for (const shift of [windowFrames, 30_000, RATE]) {
        elsewhere++;
        if (distance(shift) < 6) close++;
      }
    }
    expect(windows).toBeGreaterThan(80);
    expect(close / elsewhere).toBeLessThan(0.04);
  }, 60_000);
});
