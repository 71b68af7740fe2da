import { Playout, MicwireError } from 'micwire';
import type { PlayoutOptions } from 'micwire';
import { encodeBase64 } from 'micwire/codec';
import { expect, test, vi } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import { recordNode } from '../helpers/node-recording.ts';

/** s16 samples 1, 2, 3 …: rendered exactly as n / 32768. */
function counting(frames: number, from = 1): Uint8Array {
  return new Uint8Array(Int16Array.from({ length: frames }, (_, i) => from + i).buffer);
}

async function offline(
  seconds: number,
  options: PlayoutOptions,
  contextRate: number = options.sampleRate,
): Promise<{ context: OfflineAudioContext; playout: Playout }> {
  const context = new OfflineAudioContext(1, Math.ceil(seconds * contextRate), contextRate);
  const playout = await Playout.create(context, options);
  playout.connect(context.destination);
  return { context, playout };
}

/** Resolves when that many frames have reached the processor. */
async function delivered(playout: Playout, frames: number): Promise<void> {
  await eventually(() => expect(playout.stats.receivedFrames).toBe(frames));
}

test('chunks split at any byte, some as Base64, are rendered bit for bit', async () => {
  const { context, playout } = await offline(0.5, { sampleRate: 24_000, backlog: 'keep' });
  const bytes = counting(9000);
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const chunk = bytes.subarray(at, (at += 1 + ((i * 7919) % 1501)));
    playout.write(i % 2 ? chunk : encodeBase64(chunk));
  }
  playout.end();
  await delivered(playout, 9000);
  const ended = vi.fn();
  playout.addEventListener('ended', (event) => ended(event.detail));
  const rendered = (await context.startRendering()).getChannelData(0);
  expect([...rendered.subarray(0, 9000)]).toEqual(
    Array.from({ length: 9000 }, (_, i) => (i + 1) / 32768),
  );
  expect(rendered.subarray(9000).every((sample) => sample === 0)).toBe(true);
  await eventually(() => expect(ended).toHaveBeenCalledTimes(1));
  expect(ended.mock.calls[0]![0]).toMatchObject({ frames: 9000, ms: 375, skippedFrames: 0 });
});

test('in a live context it plays, is interrupted, is undone and closes', async () => {
  const context = new AudioContext();
  await context.resume();
  const playout = await Playout.create(context, { sampleRate: 24_000, backlog: 'keep' });
  playout.connect(context.destination);
  expect(playout.write(counting(24_000), { item: 'a' })).toBe(24_000);
  await eventually(() => expect(playout.position.frames).toBeGreaterThan(1000));
  expect(playout.position.item).toBe('a');
  const heard = await playout.interrupt();
  expect(heard.item).toBe('a');
  expect(heard.frames).toBeLessThan(24_000);
  expect(await playout.undo()).toBe(true);
  await eventually(() => expect(playout.position.frames).toBeGreaterThan(heard.frames + 500));
  void playout.close();
  expect(playout.state).toBe('closed');
  expect(() => playout.write(counting(1))).toThrow(MicwireError);
  await endContext(context);
});

test('an interrupt while the context is suspended resolves at once, with the frames heard before', async () => {
  const context = new AudioContext();
  await context.resume();
  const playout = await Playout.create(context, { sampleRate: 24_000, backlog: 'keep' });
  playout.connect(context.destination);
  playout.write(counting(24_000), { item: 'a' });
  await eventually(() => expect(playout.position.frames).toBeGreaterThan(1000));
  await context.suspend();
  const heard = await playout.interrupt();
  expect(heard.item).toBe('a');
  expect(heard.frames).toBeGreaterThan(1000);
  expect(playout.stats.bufferedFrames).toBe(0);
  await endContext(context);
});

test('in a live context it pauses and continues with the first frame that was not heard', async () => {
  const context = new AudioContext();
  await context.resume();
  const { sampleRate } = context;
  const playout = await Playout.create(context, { sampleRate, format: 'f32' });
  const recording = await recordNode(playout.node);
  playout.connect(context.destination);
  const scale = 2 ** 24;
  playout.write(Float32Array.from({ length: 4 * sampleRate }, (_, i) => (i + 1) / scale));
  await eventually(() => expect(playout.position.frames).toBeGreaterThan(1000));
  await playout.pause();
  expect(playout.state).toBe('paused');
  const { frames } = playout.position;
  const { currentTime } = context;
  await eventually(() => expect(context.currentTime).toBeGreaterThan(currentTime + 0.1));
  expect(playout.position.frames).toBe(frames);
  await playout.resume();
  await eventually(() => expect(playout.position.frames).toBeGreaterThan(frames + 2000));
  expect(playout.stats.underruns).toBe(0);
  const samples = await recording.stop();
  await playout.close();
  await endContext(context);
  const first = samples.findIndex((sample) => sample !== 0);
  const silent = samples.findIndex((sample, i) => i > first && sample === 0);
  // The last frame of the fade has no gain left.
  expect(silent - first).toBeGreaterThanOrEqual(frames - 1);
  expect(silent - first).toBeLessThanOrEqual(frames);
  const again = samples.findIndex((sample, i) => i > silent && sample !== 0);
  // The page's idea of the time is that of some quanta before.
  expect(again - silent).toBeGreaterThan(0.05 * sampleRate);
  const ramp = Math.ceil(0.005 * sampleRate);
  expect([...samples.subarray(again + ramp, again + 1000)]).toEqual(
    Array.from({ length: 1000 - ramp }, (_, i) => (frames + ramp + i + 1) / scale),
  );
});
