import { bytesPerSample } from 'micwire/core';
import type { Framing } from 'micwire/core';
import { exampleMessage } from './example-message.ts';
import type { WireSettings } from './example-message.ts';
import { count, kilobits } from './format.ts';

/** What a lane will cost, before it runs. */
export interface Cost {
  readonly label: string;
  readonly value: string;
}

/** What the settings come to: the samples alone, the messages, and both together. */
export function costsOf(framing: Framing, settings: WireSettings): Cost[] {
  const { sampleRate, format, chunkDuration } = settings;
  const messagesPerSecond = 1000 / chunkDuration;
  return [
    {
      label: 'Samples alone',
      value: `${kilobits(sampleRate * bytesPerSample(format))} kbit/s`,
    },
    { label: 'Messages', value: `${count(messagesPerSecond)} a second` },
    {
      label: 'On the wire, each way',
      value: `≈ ${kilobits(wireBytesPerSecond(framing, settings))} kbit/s`,
    },
  ];
}

/** Bytes of messages a second, one way: nearly, because numbers in text grow. */
export function wireBytesPerSecond(framing: Framing, settings: WireSettings): number {
  return (exampleMessage(framing, settings).message.length * 1000) / settings.chunkDuration;
}
