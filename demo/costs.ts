import { bytesPerSample } from 'micwire/core';
import type { Framing } from 'micwire/core';
import { exampleMessage } from './example-message.ts';
import { count, kilobits } from './format.ts';
import type { LaneSettings } from './settings.ts';

/** What a lane will cost, before it runs. */
export interface Cost {
  readonly label: string;
  readonly value: string;
}

/** What the settings come to: the samples alone, the messages, and both together. */
export function costsOf(framing: Framing, settings: LaneSettings): Cost[] {
  const { sampleRate, format, chunkDuration } = settings;
  const messagesPerSecond = 1000 / chunkDuration;
  const { message } = exampleMessage(framing, settings);
  return [
    {
      label: 'Samples alone',
      value: `${kilobits(sampleRate * bytesPerSample(format))} kbit/s`,
    },
    { label: 'Messages', value: `${count(messagesPerSecond)} a second` },
    {
      label: 'On the wire, each way',
      value: `≈ ${kilobits(message.length * messagesPerSecond)} kbit/s`,
    },
  ];
}
