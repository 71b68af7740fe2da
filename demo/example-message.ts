import { SampleEncoder, bytesPerSample } from 'micwire/core';
import type { Framing, Packet } from 'micwire/core';
import type { WireMessage } from './lanes/lane.ts';
import type { LaneSettings } from './settings.ts';

const TONE_HZ = 440;

/** The settings that a message depends on. */
export type WireSettings = Pick<LaneSettings, 'sampleRate' | 'format' | 'chunkDuration'>;

/** A message as the lane would send it first, with a quiet tone in it: shown until there is a real one. */
export function exampleMessage(framing: Framing, settings: WireSettings): WireMessage {
  const { sampleRate, format, chunkDuration } = settings;
  const frames = Math.floor((sampleRate * chunkDuration) / 1000);
  const tone = Float32Array.from(
    { length: frames },
    (_, i) => 0.1 * Math.sin((2 * Math.PI * TONE_HZ * i) / sampleRate),
  );
  const payload = new Uint8Array(frames * bytesPerSample(format));
  new SampleEncoder({ format, channels: 1 }).encode([tone], 0, frames, payload, 0);
  const packet: Packet = {
    sequence: 0,
    frame: 0,
    frames,
    timestamp: 0,
    dropped: 0,
    format,
    sampleRate,
    channels: 1,
    payload,
  };
  return { message: framing.encode(packet), packet };
}
