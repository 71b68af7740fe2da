import { FRAMINGS } from 'micwire/core';
import type { FramingName } from 'micwire/core';
import type { LaneMessage } from '../lanes/lane.ts';
import { bytes, count } from './format.ts';
import type { WireMessage } from '../lanes/close-up-parts.ts';

/** A message of a lane, made ready for the eye. */
export interface SentMessage {
  /** For who takes it apart; null where its format is not ours. */
  readonly parts: WireMessage | null;
  /** What it is, in words. */
  readonly summary: string;
}

/** All lanes of packets carry sound at this rate. */
const SAMPLE_RATE = 48_000;

/** Makes a lane's message ready. */
export function sentMessage({ message, framing }: LaneMessage): SentMessage {
  const summary =
    typeof message === 'string'
      ? `${bytes(message.length)} of text, ${count(message.length)} characters: ${message.slice(0, 96)}…`
      : bytes(message.length);
  return { parts: framing === null ? null : takenApart(message, framing as FramingName), summary };
}

function takenApart(message: string | Uint8Array, name: FramingName): WireMessage | null {
  const framing = FRAMINGS[name];
  for (const format of ['opus', 's16'] as const) {
    try {
      const decoder = framing.createDecoder({ format, sampleRate: SAMPLE_RATE, channels: 1 });
      const packet = decoder.decode(message).at(-1);
      if (packet !== undefined) return { message, packet, layout: framing.layout(message) };
    } catch {
      // Not in that format.
    }
  }
  return null;
}
