import { describe, expect, it } from 'vitest';
import { bytesPerSample } from '../src/core/dsp/sample-format.ts';
import { PacketError } from '../src/core/errors.ts';
import type { Framing } from '../src/core/framing/framing.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { seededRandom } from './helpers/random.ts';

const ROUNDS = 8000;

const sent: Packet = {
  sequence: 70_000,
  frame: 5_000_000_000,
  frames: 20,
  timestamp: 104_166_666_667,
  dropped: 0,
  format: 's16',
  sampleRate: 48_000,
  channels: 2,
  payload: Uint8Array.from({ length: 80 }, (_, i) => i * 3),
};

/** Pieces that parsers trip over, put into text at random places. */
const JSON_SPLINTERS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ':',
  ',',
  '-',
  '1e999',
  'null',
  '\u0000',
  '\ud800',
];

function mutateText(text: string, random: () => number): string {
  let result = text;
  const edits = 1 + Math.floor(random() * 4);
  for (let i = 0; i < edits; i++) {
    const at = Math.floor(random() * (result.length + 1));
    const splinter =
      random() < 0.5
        ? JSON_SPLINTERS[Math.floor(random() * JSON_SPLINTERS.length)]!
        : String.fromCharCode(32 + Math.floor(random() * 95));
    result = result.slice(0, at) + splinter + result.slice(at + Math.floor(random() * 3));
  }
  return random() < 0.2 ? result.slice(0, Math.floor(random() * result.length)) : result;
}

function mutateBytes(bytes: Uint8Array, random: () => number): Uint8Array {
  const length = random() < 0.3 ? Math.floor(random() * (bytes.length + 20)) : bytes.length;
  const result = new Uint8Array(length);
  result.set(bytes.subarray(0, length));
  const edits = Math.floor(random() * 6);
  // Half of the edits fall on the header, where they matter.
  for (let i = 0; i < edits && length > 0; i++) {
    const range = random() < 0.5 ? Math.min(length, 40) : length;
    result[Math.floor(random() * range)] = random() * 256;
  }
  return result;
}

function mutate(message: string | Uint8Array, random: () => number): string | Uint8Array {
  return typeof message === 'string' ? mutateText(message, random) : mutateBytes(message, random);
}

function noise(framing: Framing, random: () => number): string | Uint8Array {
  const bytes = Uint8Array.from({ length: Math.floor(random() * 200) }, () => random() * 256);
  return framing.message === 'text' ? String.fromCharCode(...bytes) : bytes;
}

/** Decodes, and tells what came of it; anything but a sound packet or a PacketError fails the test. */
function outcome(framing: Framing, message: string | Uint8Array): string {
  let packet: Packet;
  try {
    packet = framing.decode(message);
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  // What is accepted is consistent, so that it can be written again and read the same.
  if (packet.format === 'opus') {
    expect(packet.payload.length).toBeGreaterThan(0);
  } else {
    const bytes = packet.frames * packet.channels * bytesPerSample(packet.format);
    expect(packet.payload.length).toBe(bytes);
  }
  const again = framing.decode(framing.encode(packet));
  expect(JSON.stringify(again)).toBe(JSON.stringify(packet));
  return 'decoded';
}

describe.each(Object.entries(FRAMINGS))(
  'framing %s against a hostile network',
  (_name, framing) => {
    const message = framing.encode(sent);

    it('throws nothing but PacketError for mutated messages, and some of every kind', () => {
      const random = seededRandom(2);
      const seen = new Map<string, number>();
      for (let i = 0; i < ROUNDS; i++) {
        const result = outcome(framing, mutate(message, random));
        seen.set(result, (seen.get(result) ?? 0) + 1);
      }
      const expected =
        framing.message === 'text'
          ? ['decoded', 'bad-json', 'bad-field', 'bad-base64', 'unknown-type', 'oversized']
          : ['decoded', 'bad-field', 'unknown-type', 'truncated', 'oversized'];
      // A fuzz run that never gets past the first check would prove nothing.
      expect([...seen.keys()]).toEqual(expect.arrayContaining(expected));
    });

    it('throws nothing but PacketError at every truncation', () => {
      for (let length = 0; length < message.length; length++) {
        const cut = message.slice(0, length);
        expect(outcome(framing, cut)).not.toBe('decoded');
      }
    });

    it('throws nothing but PacketError for noise', () => {
      const random = seededRandom(3);
      for (let i = 0; i < ROUNDS / 4; i++) outcome(framing, noise(framing, random));
    });
  },
);
