import { bytesPerSample, isSampleFormat } from 'micwire/core';
import type { Framing } from 'micwire/core';
import { messageBytes } from './example-message.ts';
import type { WireSettings } from './example-message.ts';
import { count, kilobits } from './format.ts';

/** What a lane will cost, before it runs. */
export interface Cost {
  readonly label: string;
  readonly value: string;
}

/** What the settings come to: the samples or the Opus alone, the messages, and both together. */
export function costsOf(framing: Framing, settings: WireSettings): Cost[] {
  const { sampleRate, channels, format, chunkDuration, bitrate } = settings;
  const messagesPerSecond = 1000 / chunkDuration;
  const payload = isSampleFormat(format)
    ? sampleRate * channels * bytesPerSample(format)
    : bitrate / 8;
  const wire = wireBytesPerSecond(framing, settings);
  const rate = (bytesPerSecond: number) => `${kilobits(bytesPerSecond)} kbit/s`;
  const alone = isSampleFormat(format)
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
  return (messageBytes(framing, settings) * 1000) / settings.chunkDuration;
}

/** Bytes a second of 16-bit samples of the same rate. */
export function samplesBytesPerSecond({ sampleRate, channels }: WireSettings): number {
  return sampleRate * channels * bytesPerSample('s16');
}
