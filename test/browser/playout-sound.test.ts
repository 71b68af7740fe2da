import { Capture, Playout } from 'micwire';
import { SampleDecoder } from 'micwire/core';
import { afterEach, expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';

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

/** All that a node gives from now on, bit for bit. */
async function record(node: AudioNode): Promise<{ readonly stop: () => Promise<Float32Array> }> {
  const { sampleRate } = node.context;
  const capture = await Capture.create(node.context, node, {
    sampleRate,
    channels: 1,
    format: 'f32',
    bufferDuration: 10_000,
  });
  cleanups.push(() => capture.close());
  const decoder = new SampleDecoder({ format: 'f32', channels: 1 });
  const pieces: Float32Array[] = [];
  const read = (async () => {
    for await (const chunk of capture) {
      expect(chunk.dropped).toBe(0);
      const samples = new Float32Array(chunk.frames);
      decoder.decode(chunk.bytes, 0, chunk.frames, [samples], 0);
      pieces.push(samples);
    }
  })();
  return {
    stop: async () => {
      await capture.close();
      await read;
      const all = new Float32Array(pieces.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const piece of pieces) {
        all.set(piece, at);
        at += piece.length;
      }
      return all;
    },
  };
}

/** The greatest step between neighbours, and where it is. */
function steepest(samples: Float32Array): { readonly step: number; readonly at: number } {
  let step = 0;
  let at = 0;
  for (let i = 1; i < samples.length; i++) {
    const next = Math.abs(samples[i]! - samples[i - 1]!);
    if (next > step) {
      step = next;
      at = i;
    }
  }
  return { step, at };
}

test('resampled, every output sample stands at its instant', async () => {
  const context = new OfflineAudioContext(1, 48_000, 48_000);
  const playout = await Playout.create(context, { sampleRate: RATE, backlog: 'keep' });
  playout.connect(context.destination);
  const frames = RATE / 2;
  playout.write(tone(0, frames).buffer);
  playout.end();
  await vi.waitFor(() => expect(playout.stats.receivedFrames).toBe(frames));
  const rendered = (await context.startRendering()).getChannelData(0);
  let worst = 0;
  // Its ends are edges, which no filter passes.
  for (let i = 500; i < 23_500; i++) {
    const expected = AMPLITUDE * Math.sin((2 * Math.PI * HZ * i) / 48_000);
    worst = Math.max(worst, Math.abs(rendered[i]! - expected));
  }
  expect(worst).toBeLessThan(2 / 32_768);
});

test('a stall, its backlog, an interrupt and its undo make no click, and the delay comes back', async () => {
  const context = new AudioContext();
  cleanups.push(() => endContext(context));
  await context.resume();
  const playout = await Playout.create(context, { sampleRate: RATE });
  cleanups.push(() => playout.close());
  const recording = await record(playout.node);
  const live = new LiveTone(playout);
  const playing = (ms: number) => {
    const from = playout.stats.playedFrames;
    return vi.waitFor(
      () => expect(playout.stats.playedFrames - from).toBeGreaterThan((ms * RATE) / 1000),
      { timeout: 10_000 },
    );
  };
  await playing(500);

  live.stalled = true;
  await vi.waitFor(() => expect(playout.stats.underruns).toBeGreaterThan(0), { timeout: 5000 });
  const until = context.currentTime + 0.4;
  await vi.waitFor(() => expect(context.currentTime).toBeGreaterThan(until));
  live.stalled = false;
  await vi.waitFor(() => expect(playout.stats.bufferedMs).toBeGreaterThan(300), { timeout: 5000 });
  await vi.waitFor(() => expect(playout.stats.bufferedMs).toBeLessThan(110), { timeout: 10_000 });
  expect(playout.stats.skippedFrames).toBeGreaterThan(0);

  await playing(100);
  const { frames, skippedFrames } = await playout.interrupt();
  expect(skippedFrames).toBe(playout.stats.skippedFrames);
  expect(frames).toBe(playout.stats.playedFrames + skippedFrames);
  expect(await playout.undo()).toBe(true);
  await playing(300);
  playout.end();
  live.stalled = true;
  await vi.waitFor(() => expect(playout.state).toBe('idle'), { timeout: 5000 });

  const samples = await recording.stop();
  const own = (2 * Math.PI * HZ * AMPLITUDE) / context.sampleRate;
  const fade = (AMPLITUDE * Math.PI) / 2 / (0.005 * context.sampleRate);
  // Its last sample, where it is stopped in the middle, is its own.
  const end = samples.findLastIndex((sample) => sample !== 0) - context.sampleRate * 0.01;
  const { step, at } = steepest(samples.subarray(0, end));
  // The resampler overshoots a little where the tone sets in, as any filter without aliases does.
  expect(step, `at frame ${at} of ${end}`).toBeLessThan((own + fade) * 1.15);
  expect(step).toBeGreaterThan(own * 0.9);
});
