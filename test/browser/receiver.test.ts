import {
  MicwireError,
  Receiver,
  WebSocketTransport,
  loadOpusModule,
  PacketError,
  binaryFraming,
} from 'micwire';
import { OpusEncoder, OpusLibrary, opusSettings } from 'micwire/codec';
import type { Packet } from 'micwire';
import { afterEach, expect, test } from 'vitest';
import { endContext } from '../helpers/end-context.ts';
import { recordNode, steepestStep } from '../helpers/node-recording.ts';
import { eventually } from '../helpers/eventually.ts';

/** A steady tone on the wire. */
const RATE = 24_000;
const HZ = 300;
const AMPLITUDE = 0.5;
const PACKET_MS = 20;
const CHUNK = (RATE * PACKET_MS) / 1000;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function tone(sequence: number): Packet {
  const frame = sequence * CHUNK;
  const samples = Int16Array.from({ length: CHUNK }, (_, i) => {
    return Math.round(AMPLITUDE * 32_768 * Math.sin((2 * Math.PI * HZ * (frame + i)) / RATE));
  });
  return {
    sequence,
    frame,
    frames: CHUNK,
    timestamp: sequence * 20_000,
    dropped: 0,
    format: 's16',
    sampleRate: RATE,
    channels: 1,
    payload: new Uint8Array(samples.buffer),
  };
}

async function liveContext(): Promise<AudioContext> {
  const context = new AudioContext();
  cleanups.push(() => endContext(context));
  await context.resume();
  return context;
}

/** Sends packets in real time; in a stall it holds them back and then sends them all. */
class LiveSender {
  readonly #send: (sequence: number) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #begun = performance.now();
  #next = 0;
  stalled = false;

  constructor(send: (sequence: number) => void) {
    this.#send = send;
    this.#timer = setInterval(() => this.#tick(), 10);
    cleanups.push(() => this.stop());
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const due = (performance.now() - this.#begun) / PACKET_MS;
    for (; !this.stalled && this.#next < due; this.#next++) this.#send(this.#next);
  }
}

async function playing(receiver: Receiver, ms: number): Promise<void> {
  const from = receiver.stats.jitterBufferEmittedCount;
  await eventually(() => {
    const frames = receiver.stats.jitterBufferEmittedCount - from;
    expect(frames).toBeGreaterThan((ms * receiver.sampleRate) / 1000);
  });
}

test('over a WebSocket that stalls, the delay returns to the target by itself, without clicks', async () => {
  const context = await liveContext();
  const receiver = await Receiver.create(context, { sampleRate: RATE, maxDelayMs: 100 });
  cleanups.push(() => receiver.close());
  const states: string[] = [];
  receiver.addEventListener('statechange', () => states.push(receiver.state));
  const recording = await recordNode(receiver.node);
  cleanups.push(recording.close);
  const transport = WebSocketTransport.create('/echo');
  cleanups.push(() => transport.close());
  const encoder = binaryFraming.createEncoder();
  const decoder = binaryFraming.createDecoder();
  transport.addEventListener('message', ({ data: message }) =>
    receiver.insert(decoder.decode(message)),
  );
  await expect.poll(() => transport.status.state).toBe('open');
  const sender = new LiveSender((sequence) => transport.send(encoder.encode(tone(sequence))));
  await playing(receiver, 600);
  await eventually(() => expect(receiver.state).toBe('playing'));

  for (const stallMs of [300, 700]) {
    sender.stalled = true;
    await eventually(() => expect(receiver.state).toBe('concealing'));
    const until = context.currentTime + stallMs / 1000;
    await eventually(() => expect(context.currentTime).toBeGreaterThan(until));
    const { packetsReceived } = receiver.stats;
    sender.stalled = false;
    // All that was held back comes at once; how much of it waits at the next look is the engine's affair.
    const heldBack = (0.8 * stallMs) / PACKET_MS;
    await eventually(() =>
      expect(receiver.stats.packetsReceived).toBeGreaterThan(packetsReceived + heldBack),
    );
    await eventually(() => {
      const { bufferedMs, targetDelayMs } = receiver.stats;
      expect(bufferedMs).toBeLessThan(targetDelayMs + 50);
    });
  }
  await playing(receiver, 300);
  const { stats } = receiver;
  // How long nothing came depends on the machine too: what was concealed meanwhile is what the delay grew by.
  const grown = stats.concealedSamples + stats.insertedSamplesForDeceleration;
  expect(grown).toBeGreaterThan(0.5 * RATE);
  expect(stats.removedSamplesForAcceleration).toBeGreaterThan(0.3 * grown);
  expect(stats.targetDelayMs).toBeLessThanOrEqual(100);
  expect(stats.packetsLost).toBe(0);
  sender.stop();
  await eventually(() => expect(receiver.state).toBe('concealing'));

  const samples = await recording.stop();
  const own = (2 * Math.PI * HZ * AMPLITUDE) / context.sampleRate;
  const { step, at } = steepestStep(samples);
  expect(step, `at frame ${at} of ${samples.length}`).toBeLessThan(own * 1.3);
  expect(step).toBeGreaterThan(own * 0.9);
  expect(states).toContain('concealing');
});

test('packets of Opus are decoded on the audio thread, and one lost is taken from the next', async () => {
  const context = await liveContext();
  const receiver = await Receiver.create(context, { format: 'opus', sampleRate: 48_000 });
  cleanups.push(() => receiver.close());
  const recording = await recordNode(receiver.node);
  cleanups.push(recording.close);
  const settings = opusSettings(
    { sampleRate: 48_000, channels: 1 },
    {
      bitrate: 32_000,
      fec: true,
      expectedLossPercent: 20,
      application: 'voip',
      signalType: 'voice',
    },
  );
  const encoder = new OpusEncoder(new OpusLibrary(await loadOpusModule()), settings);
  const samples = new Float32Array(960);
  const bytes = new Uint8Array(encoder.maxBytes(960));
  let phase = 0;
  const sender = new LiveSender((sequence) => {
    for (let i = 0; i < 960; i++) {
      // A voice, or SILK has nothing to protect.
      phase += (2 * Math.PI * (150 + 30 * Math.sin(sequence / 10))) / 48_000;
      samples[i] = 0;
      for (let k = 1; k < 20; k++) samples[i]! += (0.1 * Math.sin(k * phase)) / Math.sqrt(k);
    }
    const length = encoder.encode([samples], 0, 960, bytes, 0);
    if (sequence % 10 === 9) return;
    receiver.insert({
      sequence,
      frame: sequence * 960,
      frames: 960,
      timestamp: sequence * 20_000,
      dropped: 0,
      format: 'opus',
      sampleRate: 48_000,
      channels: 1,
      payload: bytes.subarray(0, length),
    });
  });
  await playing(receiver, 1500);
  sender.stop();
  const { stats } = receiver;
  expect(stats.fecSamples).toBeGreaterThan(2 * 960);
  expect(stats.decodeErrors).toBe(0);
  const heard = await recording.stop();
  const energy = heard.reduce((sum, sample) => sum + sample * sample, 0);
  expect(Math.sqrt(energy / heard.length)).toBeGreaterThan(0.05);
  encoder.close();
});

test('a Worker feeds it directly, without the page', async () => {
  const context = await liveContext();
  const receiver = await Receiver.create(context, { sampleRate: RATE });
  cleanups.push(() => receiver.close());
  receiver.connect(context.destination);
  const worker = new Worker(new URL('./receiver-worker.ts', import.meta.url), { type: 'module' });
  cleanups.push(() => worker.terminate());
  receiver.pipeFromWorker(worker);
  await playing(receiver, 500);
  const { frame, seconds, contextTime } = receiver.position;
  expect(frame).toBeGreaterThan(0);
  expect(seconds).toBeCloseTo(frame / RATE, 9);
  expect(contextTime).toBeLessThanOrEqual(context.currentTime + 0.2);
});

test('limits, wrong packets and closing', async () => {
  const context = await liveContext();
  const receiver = await Receiver.create(context, { sampleRate: RATE });
  receiver.minDelayMs = 150;
  expect(() => (receiver.maxDelayMs = 100)).toThrow(RangeError);
  expect(() => receiver.insert({ ...tone(0), format: 'f32' })).toThrow(PacketError);
  expect(() => receiver.insert({ ...tone(0), sampleRate: 8000 })).toThrow(PacketError);
  await eventually(() => expect(receiver.stats.targetDelayMs).toBe(150));
  void receiver.close();
  expect(receiver.state).toBe('closed');
  expect(() => receiver.insert(tone(0))).toThrow(MicwireError);
  expect(() => receiver.reset()).toThrow(MicwireError);
});
