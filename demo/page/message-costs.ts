import { isSampleFormat, SampleEncoder, bytesPerSample } from 'micwire/codec';
import type { StreamFormat, Framing, Packet } from 'micwire';
import type { WireMessage } from '../lanes/close-up-lane.ts';
import type { CloseUpSettings } from '../lanes/close-up-settings.ts';
import { count, kilobits } from './format.ts';

const TONE_HZ = 440;

/** The settings that a message depends on. */
export type WireSettings = Pick<
  CloseUpSettings,
  'sampleRate' | 'channels' | 'format' | 'chunkDurationMs' | 'bitrate'
>;

/** What a lane with these settings sends. */
export function streamOf({ sampleRate, format, channels }: WireSettings): StreamFormat {
  return { sampleRate, format, channels };
}

/** A message as the lane would send it first, with a quiet tone in it: shown until there is a real one. Null for Opus. */
export function exampleMessage(framing: Framing, settings: WireSettings): WireMessage | null {
  const { sampleRate, channels, format } = settings;
  if (!isSampleFormat(format)) return null;
  const frames = framesOf(settings);
  const tone = Float32Array.from(
    { length: frames },
    (_, i) => 0.1 * Math.sin((2 * Math.PI * TONE_HZ * i) / sampleRate),
  );
  const payload = new Uint8Array(frames * channels * bytesPerSample(format));
  const planar = Array.from({ length: channels }, () => tone);
  new SampleEncoder({ format, channels }).encode(planar, 0, frames, payload, 0);
  return frame(framing, settings, payload);
}

/** Bytes of the first message; for Opus, with a packet of the mean length at its bitrate. */
function messageBytes(framing: Framing, settings: WireSettings): number {
  const { format, channels, chunkDurationMs, bitrate } = settings;
  const bytes = isSampleFormat(format)
    ? framesOf(settings) * channels * bytesPerSample(format)
    : (bitrate * chunkDurationMs) / 8000;
  return frame(framing, settings, new Uint8Array(Math.round(bytes))).message.length;
}

function frame(framing: Framing, settings: WireSettings, payload: Uint8Array): WireMessage {
  const stream = streamOf(settings);
  const packet: Packet = {
    ...stream,
    sequence: 0,
    frame: 0,
    frames: framesOf(settings),
    timestamp: 0,
    dropped: 0,
    payload,
  };
  const message = framing.createEncoder(stream).encode(packet);
  return { message, packet, layout: framing.layout(message) };
}

function framesOf({ sampleRate, chunkDurationMs }: WireSettings): number {
  return Math.floor((sampleRate * chunkDurationMs) / 1000);
}

/** What a lane will cost, before it runs. */
export interface Cost {
  readonly label: string;
  readonly value: string;
}

/** What the settings cost: the samples or the Opus alone, the messages, and both together. */
export function costsOf(framing: Framing, settings: WireSettings): Cost[] {
  const { sampleRate, channels, format, chunkDurationMs, bitrate } = settings;
  const messagesPerSecond = 1000 / chunkDurationMs;
  const sampled = isSampleFormat(format);
  const payload = sampled ? sampleRate * channels * bytesPerSample(format) : bitrate / 8;
  const wire = wireBytesPerSecond(framing, settings);
  const rate = (bytesPerSecond: number) => `${kilobits(bytesPerSecond)} kbit/s`;
  const alone = sampled
    ? [{ label: 'Samples alone', value: rate(payload) }]
    : [
        { label: 'As 16-bit samples alone', value: rate(samplesBytesPerSecond(settings)) },
        { label: 'Opus, as asked for', value: rate(payload) },
      ];
  const around = framing.message === 'text' ? 'Base64 and JSON around it' : 'Headers around it';
  return [
    ...alone,
    { label: around, value: `≈ ${rate(wire - payload)}` },
    { label: 'Messages', value: `${count(messagesPerSecond)} a second` },
    { label: 'On the wire, each way', value: `≈ ${rate(wire)}` },
  ];
}

/** Bytes of messages a second, one way: nearly, because numbers in text grow, and packets of Opus differ in length. */
export function wireBytesPerSecond(framing: Framing, settings: WireSettings): number {
  return (messageBytes(framing, settings) * 1000) / settings.chunkDurationMs;
}

/** Bytes a second of 16-bit samples of the same rate. */
export function samplesBytesPerSecond({ sampleRate, channels }: WireSettings): number {
  return sampleRate * channels * bytesPerSample('s16');
}
