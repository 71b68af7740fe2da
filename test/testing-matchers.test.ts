import { describe, expect, it } from 'vitest';
import type { CaptureStats } from '../src/core/capture/chunk-queue.ts';
import { audioMatchers, createWorkletScope, renderOffline } from '../src/testing/index.ts';
import type { AudioMatchers } from '../src/testing/index.ts';
import { seededRandom } from './helpers/random.ts';
import { noise, sine } from './helpers/signals.ts';
import { speech } from './helpers/speech.ts';

// As docs/testing.md tells users of Vitest to do.
declare module 'vitest' {
  // oxlint-disable-next-line typescript/no-explicit-any -- the declaration that is merged has this default
  interface Matchers<T = any> extends AudioMatchers<T> {}
}
expect.extend(audioMatchers);

/** What `expect` would print. */
function failure(run: () => void): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return 'It passed.';
}

describe('toBeSilent', () => {
  it('passes zeros of either sign, and no frames at all', () => {
    expect(Float32Array.of(0, -0, 0)).toBeSilent();
    expect([new Float32Array(3), new Float32Array(3)]).toBeSilent();
    expect({ channels: [new Float32Array(0)] }).toBeSilent();
  });

  it('reports the first and the loudest sample', () => {
    const left = Float32Array.of(0, 0, 0, 0.5);
    const right = Float32Array.of(0, -0.25, 0, 0);
    expect(failure(() => expect([left, right]).toBeSilent())).toBe(
      'Expected silence, but 2 samples are not silent. First: channel 1, frame 1: -0.25 (-12.0 dBFS). ' +
        'Loudest: channel 0, frame 3: 0.5 (-6.0 dBFS).',
    );
  });

  it('accepts a level as its limit, which itself is not silent', () => {
    const tenth = Float32Array.of(0, Math.fround(0.1));
    expect(tenth).toBeSilent({ belowDbfs: -19.99 });
    expect(tenth).not.toBeSilent({ belowDbfs: -20 });
    expect(failure(() => expect(tenth).toBeSilent({ belowDbfs: -20 }))).toContain(
      'silence below -20 dBFS, but 1 sample is not silent',
    );
  });

  it('does not count NaN as silence', () => {
    const samples = Float32Array.of(1, NaN, 0.5);
    expect(failure(() => expect(samples).toBeSilent({ belowDbfs: 0 }))).toContain(
      'Loudest: channel 0, frame 1: NaN (NaN)',
    );
  });

  it('with not, reports how much silence there was', () => {
    expect(failure(() => expect(new Float32Array(7)).not.toBeSilent())).toBe(
      'Expected a signal that is not silence, got 1 channel of 7 frames of it.',
    );
  });
});

describe('toMatchSignal', () => {
  const tone = sine({ frequency: 440, sampleRate: 48000, frames: 1000, amplitude: 0.5 });

  it('passes the same samples, and by default no others', () => {
    expect(tone).toMatchSignal(tone.slice());
    const other = tone.slice();
    other[600]! += 1e-6;
    expect(failure(() => expect(other).toMatchSignal(tone))).toMatch(
      /exactly, but 1 sample is different\. First: channel 0, frame 600: expected \S+, got \S+, a difference of -11\d\.\d dB/,
    );
  });

  it('measures the difference against the largest sample that was expected', () => {
    const quiet = tone.map((sample) => sample / 100);
    // A difference of a thousandth of the peak, which is 60 dB below it.
    const off = quiet.map((sample) => sample + 0.005 / 1000);
    expect(off).toMatchSignal(quiet, { toleranceDb: -59.9 });
    expect(off).not.toMatchSignal(quiet, { toleranceDb: -60.2 });
  });

  it('measures the difference against full scale if silence was expected', () => {
    const hum = new Float32Array(10).fill(0.0009);
    expect(hum).toMatchSignal(new Float32Array(10), { toleranceDb: -60 });
    expect(hum).not.toMatchSignal(new Float32Array(10), { toleranceDb: -61 });
  });

  it('allows for a delay, and then compares the overlap of both signals', () => {
    const late = new Float32Array(1000);
    late.set(tone.subarray(0, 936), 64);
    expect(late).toMatchSignal(tone, { delayFrames: 64 });
    const whole = new Float32Array(1064);
    whole.set(tone, 64);
    expect(whole).toMatchSignal(tone, { delayFrames: 64 });
    whole[1063]! += 0.25;
    expect(failure(() => expect(whole).toMatchSignal(tone, { delayFrames: 64 }))).toContain(
      'First: channel 0, frame 999 (received frame 1063)',
    );
  });

  it('fails for other channels and lengths, and reports both', () => {
    expect(failure(() => expect([tone, tone]).toMatchSignal(tone))).toBe(
      'Expected 1 channel of 1000 frames, got 2 channels of 1000 frames.',
    );
    expect(failure(() => expect(tone.subarray(1)).toMatchSignal(tone, { delayFrames: 5 }))).toBe(
      'Expected 1 channel of 1000 frames, or up to 5 frames more, got 1 channel of 999 frames.',
    );
  });

  it('fails for NaN, with any tolerance', () => {
    const broken = tone.slice();
    broken[3] = NaN;
    expect(broken).not.toMatchSignal(tone, { toleranceDb: 0 });
    expect(failure(() => expect(broken).toMatchSignal(tone))).toContain(
      'Largest: channel 0, frame 3',
    );
  });

  it('accepts the result of renderOffline, and an AudioBuffer', async () => {
    const scope = createWorkletScope();
    class Copy extends scope.AudioWorkletProcessor {
      process([input]: Float32Array[][], [output]: Float32Array[][]): boolean {
        output![0]!.set(input![0]!);
        return true;
      }
    }
    const rendered = await renderOffline(Copy, { scope, input: [tone] });
    expect(rendered).toMatchSignal(tone);
    const buffer = { numberOfChannels: 1, getChannelData: () => tone };
    expect(buffer).toMatchSignal(rendered);
    scope.close();
  });
});

describe('toHaveNoClicks', () => {
  const SEED = 31;
  const tone = (frequency: number): Float32Array =>
    sine({ frequency, sampleRate: 48000, frames: 9600, amplitude: 0.5 });

  it.each([50, 440, 1000, 8000])('passes a tone of %i Hz that starts and ends', (frequency) => {
    const padded = new Float32Array(12_000);
    padded.set(tone(frequency), 1000);
    // The tone has whole periods: it starts and ends at zero.
    expect(padded).toHaveNoClicks();
  });

  it('passes noise, and recorded speech', () => {
    const random = seededRandom(SEED);
    expect(noise(random, 48_000, 0.3)).toHaveNoClicks();
    expect(speech()).toHaveNoClicks();
  });

  it.each([100, 440, 1000])('finds every dropout of 128 frames in a tone of %i Hz', (frequency) => {
    for (let from = 1000; from < 1000 + 48_000 / frequency; from += 3) {
      const samples = tone(frequency);
      samples.fill(0, from, from + 128);
      expect(samples, `from frame ${from}`).not.toHaveNoClicks();
    }
  });

  it('finds more than half of the dropouts of 128 frames in speech', () => {
    const random = seededRandom(SEED);
    const whole = speech();
    let dropouts = 0;
    let found = 0;
    while (dropouts < 200) {
      const at = 5000 + Math.floor(random() * (whole.length - 10_000));
      const part = whole.slice(at - 4000, at + 4000);
      const heard = part.subarray(3800, 4200).reduce((sum, x) => sum + x * x, 0) / 400;
      if (heard < 10 ** -3.6) continue;
      dropouts++;
      part.fill(0, 4000, 4128);
      if (!audioMatchers.toHaveNoClicks(part).pass) found++;
    }
    expect(found, `seed ${SEED}`).toBeGreaterThan(100);
  });

  it('finds a quantum of silence in a tone, and reports where', () => {
    const samples = tone(440);
    // At the tone's peak: 27.27 frames are a quarter of its period.
    const from = 27 + 109 * 20;
    samples.fill(0, from, from + 128);
    const message = failure(() => expect(samples).toHaveNoClicks());
    expect(message).toMatch(/^Expected no clicks, got [12]\./);
    expect(message).toContain(`channel 0, frame ${from}: a step of -6.`);
  });

  it('finds a hard start, a hard end and a single wrong sample in the second channel', () => {
    const hard = new Float32Array(2000);
    hard.fill(0.25, 700, 1500);
    const start = failure(() => expect(hard).toHaveNoClicks());
    expect(start).toContain(
      'got 2. First: channel 0, frame 700: a step of -12.0 dBFS that breaks the curve Infinity times',
    );
    const wrong = tone(200);
    wrong[5000] = 0.9;
    expect(failure(() => expect([tone(200), wrong]).toHaveNoClicks())).toContain(
      'First: channel 1, frame 5000',
    );
  });

  it('does not report a step below the floor, or below the ratio, as a click', () => {
    const dc = new Float32Array(1000).fill(0.0009, 500);
    expect(dc).toHaveNoClicks();
    expect(dc).not.toHaveNoClicks({ aboveDbfs: -70 });
    const random = seededRandom(SEED);
    expect(noise(random, 4800)).not.toHaveNoClicks({ ratio: 1 });
  });

  it('fails for NaN', () => {
    const broken = tone(440);
    broken[100] = NaN;
    expect(broken).not.toHaveNoClicks();
  });
});

describe('toAccountFor', () => {
  const capture: CaptureStats = {
    capturedFrames: 480,
    deliveredFrames: 320,
    queuedFrames: 100,
    droppedFrames: 60,
  };

  it('adds up the stats of a capture, a playout, a session and a microphone', () => {
    expect(capture).toAccountFor(480);
    const playout = { receivedFrames: 90, playedFrames: 50, skippedFrames: 20 };
    const rest = { interruptedFrames: 15, bufferedFrames: 5, droppedFrames: 10, lostFrames: 7 };
    expect({ ...playout, ...rest }).toAccountFor(100);
    const session = { capturedFrames: 10, acknowledgedFrames: 4, inFlightFrames: 3 };
    expect({ ...session, waitingFrames: 2, droppedFrames: 1 }).toAccountFor(10);
    expect({ presentFrames: 5, missingFrames: 2, pausedFrames: 3 }).toAccountFor(10);
  });

  it('reports how many frames are missing, or too many', () => {
    expect(failure(() => expect({ ...capture, droppedFrames: 50 }).toAccountFor(480))).toBe(
      'Expected the stats to account for 480 frames, got capturedFrames 480, and deliveredFrames 320 + ' +
        'queuedFrames 100 + droppedFrames 50 = 470: 10 frames are missing.',
    );
    expect(failure(() => expect(capture).toAccountFor(400))).toContain('80 frames too many');
  });

  it('fails if the parts are right and the total is not', () => {
    expect(failure(() => expect({ ...capture, capturedFrames: 479 }).toAccountFor(480))).toContain(
      'the parts do, but the total says 479',
    );
  });
});

describe('a wrong argument throws, even with not', () => {
  const samples = new Float32Array(3);
  it.each<[string, () => void, string]>([
    ['no signal', () => expect('x').not.toBeSilent(), 'The received value must be a Float32Array'],
    [
      'other samples',
      () => expect([[0]]).toBeSilent(),
      'The received value must be a Float32Array',
    ],
    [
      'uneven channels',
      () => expect([samples, new Float32Array(4)]).toBeSilent(),
      'The received value has channels of different lengths: 3, 4.',
    ],
    [
      'an unknown option',
      () => expect(samples).toBeSilent({ belowDbFs: 3 } as never),
      "toBeSilent has no option 'belowDbFs'. Did you mean 'belowDbfs'?",
    ],
    [
      'a level above full scale',
      () => expect(samples).toBeSilent({ belowDbfs: 1 }),
      'belowDbfs must lie between -400 and 0, got 1.',
    ],
    [
      'a tolerance that is not relative',
      () => expect(samples).toMatchSignal(samples, { toleranceDb: 0.5 }),
      'toleranceDb must lie between -400 and 0, got 0.5.',
    ],
    [
      'an expected signal of NaN',
      () => expect(samples).toMatchSignal(new Float32Array(3).fill(NaN)),
      'The expected signal must have finite samples, got NaN.',
    ],
    [
      'a ratio below 1',
      () => expect(samples).toHaveNoClicks({ ratio: 0.5 }),
      'ratio must lie between 1 and 1000, got 0.5.',
    ],
    [
      'stats of nothing',
      () => expect({ frames: 3 }).not.toAccountFor(3),
      'The received value must be the stats of a Capture, Playout, Session or Microphone, got an object.',
    ],
    ['half a frame', () => expect({}).toAccountFor(0.5), 'frames must be an integer'],
  ])('%s', (_, run, message) => {
    expect(failure(run)).toContain(message);
  });
});
