import { SampleEncoder, bytesPerSample } from 'micwire/core';
import type { Framing, Packet } from 'micwire/core';
import type { WireMessage } from './single/lane.ts';
import type { LaneSettings } from './settings.ts';

const TONE_HZ = 440;

/** The settings that a message depends on. */
export type WireSettings = Pick<
  LaneSettings,
  'sampleRate' | 'format' | 'chunkDuration' | 'bitrate'
>;

/** A message as the lane would send it first, with a quiet tone in it: shown until there is a real one. Null for Opus. */
export function exampleMessage(framing: Framing, settings: WireSettings): WireMessage | null {
  const { sampleRate, format } = settings;
  if (format === 'opus') return null;
  const frames = framesOf(settings);
  const tone = Float32Array.from(
    { length: frames },
    (_, i) => 0.1 * Math.sin((2 * Math.PI * TONE_HZ * i) / sampleRate),
  );
  const payload = new Uint8Array(frames * bytesPerSample(format));
  new SampleEncoder({ format, channels: 1 }).encode([tone], 0, frames, payload, 0);
  return frame(framing, settings, payload);
}

/** Bytes of the first message; of Opus, with a packet as long as the bitrate makes them on average. */
export function messageBytes(framing: Framing, settings: WireSettings): number {
  const { format, chunkDuration, bitrate } = settings;
  const bytes =
    format === 'opus'
      ? (bitrate * chunkDuration) / 8000
      : framesOf(settings) * bytesPerSample(format);
  return frame(framing, settings, new Uint8Array(Math.round(bytes))).message.length;
}

function frame(framing: Framing, settings: WireSettings, payload: Uint8Array): WireMessage {
  const { sampleRate, format } = settings;
  const packet: Packet = {
    sequence: 0,
    frame: 0,
    frames: framesOf(settings),
    timestamp: 0,
    dropped: 0,
    format,
    sampleRate,
    channels: 1,
    payload,
  };
  return { message: framing.encode(packet), packet };
}

function framesOf({ sampleRate, chunkDuration }: WireSettings): number {
  return Math.floor((sampleRate * chunkDuration) / 1000);
}
