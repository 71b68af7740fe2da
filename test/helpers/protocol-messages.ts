import type { ProtocolMessage } from '../../src/core/session/protocol.ts';
import { integer, noise } from './packet-streams.ts';

/** Characters of one to four bytes of UTF-8. */
const CHARACTERS = ['a', '-', ' ', 'é', '€', '𝄞', '\u0000'];

const STREAMS = [
  { format: 's16', channels: 1, sampleRate: 16_000 },
  { format: 'opus', channels: 2, sampleRate: 48_000 },
  { format: 'f32', channels: 32, sampleRate: 44_100 },
  { format: 'mulaw', channels: 1, sampleRate: 8000 },
] as const;

function text(most: number, random: () => number, least = 0): string {
  const count = least + integer(most / 4 - least, random);
  return Array.from({ length: count }, () => CHARACTERS[integer(CHARACTERS.length, random)]).join(
    '',
  );
}

/** A number of each length that an integer has on the wire. */
function number(random: () => number): number {
  return integer([2 ** 6, 2 ** 14, 2 ** 30, 2 ** 52][integer(4, random)]!, random);
}

/** A message of each type, with whatever its fields may hold. */
export function randomMessages(random: () => number): ProtocolMessage[] {
  const stream = () => STREAMS[integer(STREAMS.length, random)]!;
  const name = () => text(128, random, 1);
  const frames = 1 + integer(100, random);
  const [next, received] = [number(random), number(random)].sort((a, b) => a - b);
  return [
    {
      type: 'hello',
      session: `s_-${number(random)}`,
      frame: number(random),
      next: number(random),
      input: stream(),
      output: random() < 0.2 ? null : stream(),
    },
    {
      type: 'welcome',
      known: random() < 0.5,
      next: next!,
      received: received!,
      output: random() < 0.2 ? null : stream(),
    },
    {
      type: 'audio',
      packet: {
        format: 's16',
        channels: 1,
        sampleRate: 16_000,
        sequence: number(random),
        frame: number(random),
        frames,
        timestamp: number(random),
        dropped: 0,
        payload: noise(2 * frames, random),
      },
    },
    { type: 'acknowledged', frame: number(random) },
    { type: 'item', frame: number(random), item: name() },
    { type: 'item-end', frame: number(random), item: name() },
    { type: 'mark', frames: number(random), item: text(128, random), name: name() },
    { type: 'played', frames: number(random), item: text(128, random), name: text(128, random) },
    { type: 'interrupt', frame: number(random) },
    {
      type: 'interrupted',
      frames: number(random),
      item: text(128, random),
      unheard: Array.from({ length: integer(257, random) }, name),
    },
    { type: 'commit', frame: number(random) },
    { type: 'mute', muted: random() < 0.5 },
    { type: 'ping', number: number(random) },
    { type: 'pong', number: number(random) },
    { type: 'leaving', ms: number(random) },
    { type: 'bye', code: integer(5000, random), reason: text(120, random) },
    { type: 'data', bytes: noise(integer(200, random), random) },
  ];
}
