import { Capture, Meter, MicwireError, Recorder } from 'micwire';
import type { Chunk } from 'micwire';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { resumeSuspended } from '../../src/web/context-resume.ts';
import { samplesOf } from '../helpers/chunks.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import {
  NumberedMicrophone,
  PERIOD,
  contextTime,
  frameOf,
} from '../helpers/numbered-microphone.ts';
import type { DeviceNumber } from '../helpers/numbered-microphone.ts';

let context: AudioContext;
beforeEach(async () => {
  context = new AudioContext();
  await resumeSuspended(context);
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await endContext(context);
});

const SHARING = [
  ['shared memory, where the engine has it', {}],
  ['transferred buffers', { crossOriginIsolated: false }],
] as const;

/** Frames of the longest quantum: a device that is lost fades out in one. */
const MAX_QUANTUM = 512;

/** Part of a capture in which one device is heard without a break. */
interface Run {
  readonly device: DeviceNumber;
  /** By how much the device's frames differ from the context's, modulo `PERIOD`. */
  readonly offset: number;
  /** Number of its first frame. */
  readonly from: number;
  frames: number;
  /** Frames dropped just before it. */
  readonly dropped: number;
}

/** Reads what each frame is of. Samples that fade out at the end of a device count as its own. */
function runsOf(chunks: readonly Chunk[]): Run[] {
  const runs: Run[] = [];
  let next = 0;
  for (const chunk of chunks) {
    expect(chunk.frame).toBe(next + chunk.dropped);
    next = chunk.frame + chunk.frames;
    const first = chunk.contextTime * chunk.sampleRate;
    expect(Math.abs(first - Math.round(first))).toBeLessThan(0.01);
    samplesOf(chunk)[0]!.forEach((sample, i) => {
      const device = sample > 0 ? 0 : 1;
      const of = frameOf(device, sample);
      const last = runs.at(-1);
      if (of === undefined) {
        expect(last, `frame ${chunk.frame + i} is ${sample}`).toBeDefined();
        last!.frames++;
        return;
      }
      const at = Math.round(first) + i;
      const offset = (((of - at) % PERIOD) + PERIOD) % PERIOD;
      const dropped = i === 0 ? chunk.dropped : 0;
      if (last?.device === device && last.offset === offset && dropped === 0) last.frames++;
      else runs.push({ device, offset, from: chunk.frame + i, frames: 1, dropped });
    });
  }
  // A sample that fades out may look like another frame's.
  return runs.filter(
    ({ device, frames, dropped }, i) =>
      dropped > 0 || frames > MAX_QUANTUM || device !== runs[i - 1]?.device,
  );
}

async function read(capture: Capture): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for await (const chunk of capture) chunks.push(chunk);
  return chunks;
}

describe.each(SHARING)('by %s', (_, globals) => {
  beforeEach(() => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
  });

  test('a switch loses no frame, and a gap is counted to the frame, with correct times after it', async () => {
    const microphone = await NumberedMicrophone.open(context);
    await microphone.take(0);
    const capture = await Capture.create(context, microphone, { format: 'f32' });
    const reading = read(capture);
    await contextTime(context, 0.2);
    expect((await microphone.take(1)).missingFrames).toBe(0);
    await contextTime(context, 0.2);
    // A busy machine may not render the second quantum of a new capture: it counts as dropped.
    const atStart = capture.stats.droppedFrames;
    microphone.send({ type: 'lose' });
    await contextTime(context, 0.2);
    const { missingFrames } = await microphone.take(0);
    expect(missingFrames).toBeGreaterThan(0);
    await contextTime(context, 0.2);
    await capture.close();

    const runs = runsOf(await reading);
    expect(runs.map(({ device, dropped }) => [device, dropped])).toEqual([
      [0, atStart],
      [1, 0],
      [0, missingFrames],
    ]);
    // The signal ran on: what comes after the gap is of its own time.
    expect(runs[2]!.offset).toBe(runs[0]!.offset);
    const { capturedFrames, deliveredFrames, droppedFrames, queuedFrames } = capture.stats;
    expect(droppedFrames).toBe(atStart + missingFrames);
    expect(capturedFrames).toBe(deliveredFrames + droppedFrames);
    expect(queuedFrames).toBe(0);
  });

  test('push-to-talk delivers the speech and the pre-roll before the press', async () => {
    const microphone = await NumberedMicrophone.open(context, { preRollMs: 150, held: false });
    await microphone.take(0);
    const capture = await Capture.create(context, microphone, { format: 'f32' });
    const reading = read(capture);
    const presses: { readonly before: number; readonly after: number }[] = [];
    for (let press = 0; press < 2; press++) {
      await contextTime(context, 0.3);
      const captured = capture.stats.capturedFrames;
      const before = context.currentTime;
      await microphone.hold(true);
      await eventually(() => expect(capture.stats.capturedFrames).toBeGreaterThan(captured));
      presses.push({ before, after: context.currentTime });
      await contextTime(context, 0.2);
      await microphone.hold(false);
    }
    await contextTime(context, 0.2);
    await capture.close();

    const chunks = await reading;
    const runs = runsOf(chunks);
    expect(capture.stats.droppedFrames).toBe(0);
    // The audio is one signal's, at the times that the chunks say; one run, since the signal runs on.
    expect(new Set(runs.map(({ device, offset }) => `${device} ${offset}`)).size).toBe(1);
    const firsts = chunks.filter(
      (chunk, i) =>
        i === 0 ||
        chunk.contextTime - chunks[i - 1]!.contextTime >
          chunks[i - 1]!.frames / chunk.sampleRate + 1e-6,
    );
    expect(firsts.length).toBe(2);
    firsts.forEach(({ contextTime: first }, press) => {
      expect(first).toBeGreaterThan(presses[press]!.before - 0.151);
      expect(first).toBeLessThan(presses[press]!.after - 0.149);
    });
  });
});

test('a capture is muted while the microphone has no device, and ends when the microphone closes', async () => {
  const microphone = await NumberedMicrophone.open(context);
  await microphone.take(0);
  const capture = await Capture.create(context, microphone);
  const reading = read(capture);
  await eventually(() => expect(capture.state).toBe('running'));
  microphone.enter('lost');
  expect(capture.state).toBe('muted');
  microphone.enter('closed');
  expect(capture.state).toBe('ended');
  const chunks = await reading;
  expect(chunks.reduce((sum, { frames }) => sum + frames, 0)).toBe(capture.stats.deliveredFrames);
});

test('a meter of the microphone reads silence while push-to-talk is released', async () => {
  const microphone = await NumberedMicrophone.open(context, { held: false });
  await microphone.take(0);
  const meter = await Meter.create(context, { source: microphone, channels: 1, meters: ['peak'] });
  const reading = meter.createReading();
  const peak = (): number => (meter.read(reading) ? reading.peakDbfs[0]! : NaN);
  await eventually(() => expect(peak()).toBe(-Infinity));
  await microphone.hold(true);
  await eventually(() => expect(peak()).toBeGreaterThan(-12.1));
  await meter.close();
});

test('a recording keeps the length of a gap as silence, and a WAV file holds every frame', async () => {
  const microphone = await NumberedMicrophone.open(context);
  await microphone.take(0);
  const recorder = await Recorder.create(context, microphone, { container: 'wav', format: 'f32' });
  await contextTime(context, 0.3);
  const atStart = recorder.capture.stats.droppedFrames;
  microphone.send({ type: 'lose' });
  await contextTime(context, 0.2);
  const { missingFrames } = await microphone.take(0);
  await contextTime(context, 0.3);
  await eventually(() => expect(recorder.levelDbfs).toBeGreaterThan(-12.1));
  const file = await recorder.stop();
  const { capturedFrames, droppedFrames } = recorder.capture.stats;
  expect(droppedFrames).toBe(atStart + missingFrames);

  const all = new Float32Array((await file!.arrayBuffer()).slice(-4 * capturedFrames));
  const samples = all.subarray(all.findIndex((sample) => sample !== 0));
  const first = samples.indexOf(0);
  const last = samples.lastIndexOf(0);
  // The quantum before the gap fades out.
  expect(last - first).toBeGreaterThanOrEqual(missingFrames - 1);
  expect(last - first).toBeLessThan(missingFrames + 4);
  const before = frameOf(0, samples[0]!)!;
  const after = frameOf(0, samples[last + 1]!)!;
  expect((before + last + 1) % PERIOD).toBe(after);
  expect(frameOf(0, samples.at(-1)!)).toBe((before + samples.length - 1) % PERIOD);
});

test.each(['worklet', 'worker', 'webcodecs'] as const)(
  'packets of Opus made in the %s are numbered and timed over a gap and a press',
  async (encodeIn) => {
    const microphone = await NumberedMicrophone.open(context, { preRollMs: 50 });
    await microphone.take(0);
    const capture = await Capture.create(context, microphone, { format: 'opus', encodeIn }).catch(
      (error: unknown) => error as MicwireError,
    );
    if (capture instanceof MicwireError) {
      expect([encodeIn, capture.code]).toEqual(['webcodecs', 'unsupported']);
      return;
    }
    const chunks: Chunk<'opus'>[] = [];
    const reading = (async () => {
      for await (const chunk of capture) chunks.push(chunk);
    })();
    await contextTime(context, 0.2);
    const atStart = capture.stats.droppedFrames;
    microphone.send({ type: 'lose' });
    await contextTime(context, 0.1);
    const { missingFrames } = await microphone.take(0);
    await contextTime(context, 0.2);
    await microphone.hold(false);
    await contextTime(context, 0.3);
    await microphone.hold(true);
    await contextTime(context, 0.2);
    await capture.close();
    await reading;

    let next = 0;
    let breaks = 0;
    const [first] = chunks;
    let time = first!.contextTime - first!.dropped / 48_000;
    for (const chunk of chunks) {
      expect(chunk.frame).toBe(next + chunk.dropped);
      time += chunk.dropped / 48_000;
      // Time and number differ by one pause, and by what was rounded. Packets of 0 frames bring out the look-ahead.
      if (chunk.frames > 0 && Math.abs(chunk.contextTime - time) > 2 / 48_000) {
        breaks++;
        expect(chunk.contextTime - time).toBeGreaterThan(0.1);
        time = chunk.contextTime;
      }
      next = chunk.frame + chunk.frames;
      time += chunk.frames / 48_000;
    }
    expect(breaks).toBe(1);
    const dropped = (missingFrames * 48_000) / context.sampleRate;
    expect(Math.abs(capture.stats.droppedFrames - atStart - dropped)).toBeLessThan(2);
  },
);

test('an Opus recording is as long as the captured audio, with its gap', async () => {
  const microphone = await NumberedMicrophone.open(context);
  await microphone.take(0);
  const recorder = await Recorder.create(context, microphone, { container: 'ogg' });
  await contextTime(context, 0.3);
  microphone.send({ type: 'lose' });
  await contextTime(context, 0.3);
  const { missingFrames } = await microphone.take(0);
  await contextTime(context, 0.3);
  const file = await recorder.stop();
  const { capturedFrames, droppedFrames } = recorder.capture.stats;
  expect(droppedFrames).toBeGreaterThan((missingFrames * 48_000) / context.sampleRate - 2);
  const decoder = new OfflineAudioContext(1, 1, 48_000);
  const { length } = await decoder.decodeAudioData(await file!.arrayBuffer());
  expect(Math.abs(length - capturedFrames)).toBeLessThan(2);
});

test('an Opus recording of push-to-talk joins the presses without pauses', async () => {
  const microphone = await NumberedMicrophone.open(context, { held: false, preRollMs: 50 });
  await microphone.take(0);
  const recorder = await Recorder.create(context, microphone, { container: 'ogg' });
  let heldSeconds = 0;
  for (let press = 0; press < 3; press++) {
    const fromSeconds = context.currentTime;
    await microphone.hold(true);
    await contextTime(context, 0.21);
    await microphone.hold(false);
    heldSeconds += context.currentTime - fromSeconds;
    await contextTime(context, 0.21);
  }
  const file = await recorder.stop();
  const { capturedFrames, droppedFrames } = recorder.capture.stats;
  expect(droppedFrames).toBe(0);
  expect(recorder.durationSeconds).toBe(capturedFrames / recorder.capture.sampleRate);
  // Three presses and their pre-rolls; the rest of the time is not in the file.
  expect(recorder.durationSeconds).toBeGreaterThan(0.6);
  expect(recorder.durationSeconds).toBeLessThan(heldSeconds + 3 * 0.05 + 0.1);
  const decoder = new OfflineAudioContext(1, 1, 48_000);
  const { length } = await decoder.decodeAudioData(await file!.arrayBuffer());
  expect(Math.abs(length - recorder.durationSeconds * 48_000)).toBeLessThan(2);
});
