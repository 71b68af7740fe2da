import { Playout } from 'micwire';
import { afterEach, expect, test } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { recordNode, steepestStep } from '../helpers/node-recording.ts';
import { eventually } from '../helpers/eventually.ts';

/** A steady tone on the wire. */
const RATE = 24_000;
const HZ = 300;
const AMPLITUDE = 0.5;
const CHUNK = RATE / 50;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function tone(from: number, frames: number): Int16Array<ArrayBuffer> {
  return Int16Array.from({ length: frames }, (_, i) => {
    return Math.round(AMPLITUDE * 32_768 * Math.sin((2 * Math.PI * HZ * (from + i)) / RATE));
  });
}

/** Writes the tone in real time, chunk by chunk; in a stall it holds the chunks back and then writes them all. */
class LiveTone {
  readonly #playout: Playout;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #begun = performance.now();
  #sent = 0;
  stalled = false;

  constructor(playout: Playout) {
    this.#playout = playout;
    this.#timer = setInterval(() => this.#send(), 10);
    cleanups.push(() => clearInterval(this.#timer));
  }

  #send(): void {
    const due = ((performance.now() - this.#begun) / 1000) * RATE;
    for (; !this.stalled && this.#sent < due; this.#sent += CHUNK) {
      this.#playout.write(tone(this.#sent, CHUNK).buffer);
    }
  }
}

test('with resampling, every output sample is at its instant', async () => {
  const context = new OfflineAudioContext(1, 48_000, 48_000);
  const playout = await Playout.create(context, { sampleRate: RATE, backlog: 'keep' });
  playout.connect(context.destination);
  const frames = RATE / 2;
  playout.write(tone(0, frames).buffer);
  playout.end();
  await eventually(() => expect(playout.stats.receivedFrames).toBe(frames));
  const rendered = (await context.startRendering()).getChannelData(0);
  let worst = 0;
  // Its ends are edges, which no filter passes.
  for (let i = 500; i < 23_500; i++) {
    const expected = AMPLITUDE * Math.sin((2 * Math.PI * HZ * i) / 48_000);
    worst = Math.max(worst, Math.abs(rendered[i]! - expected));
  }
  expect(worst).toBeLessThan(2 / 32_768);
});

test('a stall, its backlog, an interrupt and its undo make no click, and the delay recovers', async () => {
  const context = new AudioContext();
  cleanups.push(() => endContext(context));
  await context.resume();
  const playout = await Playout.create(context, { sampleRate: RATE, backlog: 'catch-up' });
  cleanups.push(() => playout.close());
  const recording = await recordNode(playout.node);
  cleanups.push(recording.close);
  const live = new LiveTone(playout);
  const playing = (ms: number) => {
    const from = playout.stats.playedFrames;
    return eventually(() =>
      expect(playout.stats.playedFrames - from).toBeGreaterThan((ms * RATE) / 1000),
    );
  };
  await playing(500);

  live.stalled = true;
  await eventually(() => expect(playout.stats.underruns).toBeGreaterThan(0));
  const until = context.currentTime + 0.4;
  await eventually(() => expect(context.currentTime).toBeGreaterThan(until));
  live.stalled = false;
  await eventually(() => expect(playout.stats.bufferedMs).toBeGreaterThan(300));
  await eventually(() => expect(playout.stats.bufferedMs).toBeLessThan(110));
  expect(playout.stats.skippedFrames).toBeGreaterThan(0);

  await playing(100);
  const { frames, skippedFrames } = await playout.interrupt();
  expect(skippedFrames).toBe(playout.stats.skippedFrames);
  expect(frames).toBe(playout.stats.playedFrames + skippedFrames);
  expect(await playout.undo()).toBe(true);
  await playing(300);
  playout.end();
  live.stalled = true;
  await eventually(() => expect(playout.state).toBe('idle'));

  const samples = await recording.stop();
  const own = (2 * Math.PI * HZ * AMPLITUDE) / context.sampleRate;
  const fade = (AMPLITUDE * Math.PI) / 2 / (0.005 * context.sampleRate);
  // Its last sample, where it is stopped in the middle, is its own.
  const end = samples.findLastIndex((sample) => sample !== 0) - context.sampleRate * 0.01;
  const { step, at } = steepestStep(samples.subarray(0, end));
  // The resampler overshoots a little where the tone sets in, as any filter without aliases does.
  expect(step, `at frame ${at} of ${end}`).toBeLessThan((own + fade) * 1.15);
  expect(step).toBeGreaterThan(own * 0.9);
});
