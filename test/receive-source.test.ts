import { describe, expect, it } from 'vitest';
import { pcmCodec } from '../src/core/codec/pcm-codec.ts';
import { readStatistics } from '../src/core/receive/receive-report.ts';
import type { ReceiveStatistics } from '../src/core/receive/receive-report.ts';
import { ReceiveSource } from '../src/core/receive/receive-source.ts';
import { steepest } from './helpers/playout-rig.ts';
import { voice } from './helpers/voice.ts';

/** Frames of a pull, at most. */
const PULL = 64;

interface Run {
  readonly source: ReceiveSource;
  readonly signal: Float32Array;
  readonly output: Float32Array;
  readonly stats: ReceiveStatistics;
}

/** Packets that come in time wait for 400 ms at first, then for as little as there must be. */
function shorten(sampleRate: number, packetFrames: number, quantum: number, seconds = 8): Run {
  const signal = voice(seconds * sampleRate, sampleRate);
  const stream = { format: 's16', sampleRate, channels: 1 } as const;
  const encoder = pcmCodec.createEncoder(stream);
  const source = new ReceiveSource({
    decoder: pcmCodec.createDecoder(stream),
    decoderConceals: false,
    latencyMs: 0,
    maxPacketFrames: packetFrames,
    capacityPackets: 1024,
    maxPayloadBytes: encoder.maxBytes(packetFrames),
    minDelayMs: 400,
    maxDelayMs: 1000,
    latencyCost: null,
  });
  const output = new Float32Array(signal.length).fill(Number.NaN);
  const payload = new Uint8Array(encoder.maxBytes(packetFrames));
  const msPerFrame = 1000 / sampleRate;
  let sequence = 0;
  for (let at = 0; at + quantum <= signal.length; at += quantum) {
    source.setArrival(at * msPerFrame);
    for (; (sequence + 1) * packetFrames <= at; sequence++) {
      const frame = sequence * packetFrames;
      encoder.encode([signal], frame, packetFrames, payload, 0);
      source.insert(sequence, frame, packetFrames, payload, 0);
    }
    if (at * msPerFrame > 2000) source.target.setLimits(0, 1000);
    source.beginQuantum();
    for (let done = 0; done < quantum; done += PULL) {
      source.setTime(at * msPerFrame, done * msPerFrame);
      source.pull([output], at + done, Math.min(PULL, quantum - done));
    }
  }
  const filled = output.subarray(0, Math.floor(signal.length / quantum) * quantum);
  return { source, signal, output: filled, stats: readStatistics(source.buffer.counters.values) };
}

describe('a delay that must become shorter', () => {
  it.each([
    [3000, 20, 32],
    [4000, 20, 128],
    [4000, 30, 441],
    [8000, 10, 64],
    [8000, 60, 512],
    [16_000, 20, 100],
    [48_000, 20, 128],
  ])(
    'fills every frame of a pull at %i Hz, in packets of %i ms and quanta of %i',
    (sampleRate, packetMs, quantum) => {
      const packetFrames = (packetMs * sampleRate) / 1000;
      const { source, signal, output, stats } = shorten(sampleRate, packetFrames, quantum);
      const removed = stats.removedSamplesForAcceleration;
      expect(removed).toBeGreaterThan(0.2 * sampleRate);
      expect(output.findIndex((sample) => Number.isNaN(sample))).toBe(-1);
      expect(steepest(output)).toBeLessThanOrEqual(1.6 * steepest(signal));
      const played =
        stats.jitterBufferEmittedCount +
        stats.concealedSamples +
        stats.insertedSamplesForDeceleration -
        removed;
      // The pull in which playing began had silence first.
      const silent = stats.totalSamplesReceived - (played - source.decodedFrames);
      expect(silent).toBeGreaterThanOrEqual(0);
      expect(silent).toBeLessThan(PULL);
    },
  );

  it.each([
    [4000, 10, 128],
    [8000, 10, 80],
    [8000, 10, 100],
    [8000, 10, 128],
    [8000, 20, 512],
    [16_000, 5, 128],
    [48_000, 2.5, 120],
    [48_000, 2.5, 128],
    [48_000, 5, 256],
    [48_000, 20, 1024],
  ])(
    'is reached at %i Hz if packets of %f ms are no longer than quanta of %i',
    (sampleRate, packetMs, quantum) => {
      const { source } = shorten(sampleRate, (packetMs * sampleRate) / 1000, quantum);
      expect(Math.abs(source.decision.surplusMs)).toBeLessThan(15);
    },
  );
});
