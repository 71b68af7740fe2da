/** Another source for what lives, heard: every frame of the context is that of the old or of the new signal. */
import { Capture, Meter, Recorder } from 'micwire';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { samplesOf } from '../helpers/chunks.ts';
import { endContext } from '../helpers/end-context.ts';
import { eventually } from '../helpers/eventually.ts';
import {
  NumberedSignalReader,
  numberedSignal,
  SIGNAL_PERIOD_SECONDS,
} from '../helpers/numbered-signal.ts';

/** Nothing resamples here, so a window that holds the switch is told by its residual, which may be as low as −29 dB. */
const CLEAN_DB = -60;

let context: AudioContext;
beforeEach(async () => {
  context = new AudioContext({ sampleRate: 48_000 });
  await context.resume();
});
afterEach(() => endContext(context));

/** A signal whose frame at a time of the context is that time's. */
function numbered(source: number, channels = 1): AudioBufferSourceNode {
  const samples = numberedSignal(source, context.sampleRate);
  const buffer = context.createBuffer(channels, samples.length, context.sampleRate);
  for (let c = 0; c < channels; c++) buffer.copyToChannel(samples, c);
  const node = new AudioBufferSourceNode(context, { buffer, loop: true });
  const at = Math.ceil((context.currentTime + 0.05) * 10) / 10;
  node.start(at, at % SIGNAL_PERIOD_SECONDS);
  // Engines start a node that leads nowhere only when it is connected.
  node.connect(new GainNode(context, { gain: 0 })).connect(context.destination);
  return node;
}

function trackOf(node: AudioNode): MediaStreamTrack {
  const destination = new MediaStreamAudioDestinationNode(context);
  node.connect(destination);
  return destination.stream.getAudioTracks()[0]!;
}

describe('capture.setSource', () => {
  test('from node to node: the frames of both follow the context, and none is missing', async () => {
    const sources = [numbered(0), numbered(1, 2), numbered(2)];
    const capture = await Capture.create(context, sources[0]!, {
      format: 'f32',
      chunkDurationMs: 10,
    });
    const reader = new NumberedSignalReader(48_000);
    /** Windows of each source, and how many in a row were of none. */
    const heard = [0, 0, 0];
    const started: (number | undefined)[] = [];
    let unknown = 0;
    let mostUnknown = 0;
    let next = 0;
    let at = 0;
    for await (const chunk of capture) {
      expect(chunk.frame).toBe(next + chunk.dropped);
      next = chunk.frame + chunk.frames;
      if (chunk.frames < reader.windowFrames) continue;
      const { source, seconds, residualDb } = reader.read(samplesOf(chunk)[0]!);
      if (residualDb > CLEAN_DB) {
        unknown++;
        expect(heard[at], `a window with a residual of ${residualDb} dB`).toBe(0);
        // Before the first signal has begun, nothing is a switch.
        if (heard[0]! > 0) mostUnknown = Math.max(mostUnknown, unknown);
        continue;
      }
      unknown = 0;
      expect(source).toBeGreaterThanOrEqual(at - 1);
      expect(source).toBeLessThanOrEqual(at);
      heard[source] = heard[source]! + 1;
      const off = seconds - (chunk.contextTime % SIGNAL_PERIOD_SECONDS);
      // Engines start a source as soon as they can, which Firefox does later than currentTime says.
      const late = (started[source] ??= off) - off;
      const turn = Math.round(late / SIGNAL_PERIOD_SECONDS) * SIGNAL_PERIOD_SECONDS;
      expect(Math.abs(late - turn), `source ${source}`).toBeLessThan(1e-4);
      if (heard[at]! >= 20) {
        at++;
        if (at === sources.length) break;
        capture.setSource(sources[at]!);
      }
    }
    // A window that holds the switch is of neither, and a render quantum may lie between both.
    expect(mostUnknown).toBeLessThanOrEqual(2);
    await capture.close();
    const { capturedFrames, deliveredFrames, queuedFrames, droppedFrames } = capture.stats;
    expect(capturedFrames).toBe(deliveredFrames + queuedFrames + droppedFrames);
    expect(droppedFrames).toBe(0);
  });

  test('from track to track: the stream continues in frames of the context', async () => {
    const [first, second] = [trackOf(numbered(3)), trackOf(numbered(4))];
    const capture = await Capture.create(context, first, { format: 'f32', chunkDurationMs: 10 });
    const reader = new NumberedSignalReader(48_000);
    const heard = new Map<number, number>();
    let next = 0;
    let start: number | undefined;
    let switched = false;
    for await (const chunk of capture) {
      expect(chunk.frame).toBe(next + chunk.dropped);
      next = chunk.frame + chunk.frames;
      start ??= chunk.contextTime;
      expect(chunk.contextTime - start).toBeCloseTo(chunk.frame / 48_000, 6);
      if (chunk.frames < reader.windowFrames) continue;
      const { source } = reader.read(samplesOf(chunk)[0]!);
      heard.set(source, (heard.get(source) ?? 0) + 1);
      if (!switched && (heard.get(3) ?? 0) >= 20) {
        switched = true;
        capture.setSource(second);
      }
      if ((heard.get(4) ?? 0) >= 20) break;
    }
    first.stop();
    expect(capture.state).toBe('running');
    await capture.close();
    expect(second.readyState).toBe('live');
    const { capturedFrames, deliveredFrames, queuedFrames, droppedFrames } = capture.stats;
    expect(capturedFrames).toBe(deliveredFrames + queuedFrames + droppedFrames);
  });
});

test('meter.setSource: the level is that of the new source, and −∞ after null', async () => {
  const quiet = new ConstantSourceNode(context, { offset: 0.1 });
  const loud = new ConstantSourceNode(context, { offset: 0.8 });
  quiet.start();
  loud.start();
  const meter = await Meter.create(context, { channels: 1, meters: ['rms'], source: quiet });
  const reading = meter.createReading();
  const level = (): number => (meter.read(reading) ? reading.rmsDbfs[0]! : NaN);
  await eventually(() => expect(level()).toBeCloseTo(20 * Math.log10(0.1), 1));
  meter.setSource(loud);
  await eventually(() => expect(level()).toBeCloseTo(20 * Math.log10(0.8), 1));
  meter.setSource(null);
  await eventually(() => expect(level()).toBeLessThan(-60));
  await meter.close();
  expect(() => meter.setSource(loud)).toThrow(expect.objectContaining({ code: 'closed' }));
});

test('recorder.setSource: file and level contain the new source', async () => {
  const quiet = new ConstantSourceNode(context, { offset: 0.1 });
  const loud = new ConstantSourceNode(context, { offset: 0.8 });
  quiet.start();
  loud.start();
  const recorder = await Recorder.create(context, quiet, { container: 'wav', format: 'f32' });
  await eventually(() => expect(recorder.durationSeconds).toBeGreaterThan(0.2));
  recorder.setSource(loud);
  await eventually(() => expect(recorder.levelDbfs).toBeGreaterThan(-3));
  const before = recorder.durationSeconds;
  await eventually(() => expect(recorder.durationSeconds).toBeGreaterThan(before + 0.2));
  const file = await recorder.stop();
  const samples = new Float32Array((await file!.arrayBuffer()).slice(-4 * 4800));
  expect(samples.at(-1)).toBeCloseTo(0.8, 5);
  expect(() => recorder.setSource(quiet)).toThrow(expect.objectContaining({ code: 'closed' }));
});
