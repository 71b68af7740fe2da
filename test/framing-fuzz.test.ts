import { describe, expect, it } from 'vitest';
import { bytesPerSample } from '../src/core/format/formats.ts';
import { PacketError } from '../src/core/errors.ts';
import type { Framing, MessageDecoder } from '../src/core/framing/framing.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { mutateBytes, mutateText } from './helpers/mutate.ts';
import { noise, randomPackets } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';

const ROUNDS = 5000;

const stream: StreamFormat = { format: 's16', sampleRate: 48_000, channels: 2 };

function mutate(message: string | Uint8Array, random: () => number): string | Uint8Array {
  return typeof message === 'string' ? mutateText(message, random) : mutateBytes(message, random);
}

function anything(framing: Framing, random: () => number): string | Uint8Array {
  const bytes = noise(Math.floor(random() * 200), random);
  return framing.message === 'text' ? String.fromCharCode(...bytes) : bytes;
}

/** Decodes, and tells what came of it; anything but sound packets or a PacketError fails the test. */
function outcome(framing: Framing, decoder: MessageDecoder, message: string | Uint8Array): string {
  let packets: readonly Packet[];
  try {
    packets = decoder.decode(message);
    framing.layout(message);
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  for (const packet of packets) expectSound(packet);
  const primary = packets.at(-1);
  if (primary === undefined) return 'nothing';
  // What is accepted is consistent, so that it can be written again.
  framing.createEncoder(primary).encode(primary);
  return 'decoded';
}

/** Checks without `expect`, which takes longer than what it would check. */
function expectSound(packet: Packet): void {
  const { format, frames, channels, payload, sequence, frame, timestamp, dropped } = packet;
  const bytes = format === 'opus' ? payload.length : frames * channels * bytesPerSample(format);
  const numbers = [sequence, frame, timestamp, dropped];
  const sound = numbers.every((number) => Number.isSafeInteger(number) && number >= 0);
  if (!sound || payload.length !== bytes || (format === 'opus' && bytes === 0)) {
    throw new Error(`not sound: ${JSON.stringify(packet)}`);
  }
}

describe.each(Object.entries(FRAMINGS))(
  'framing %s against a hostile network',
  (_name, framing) => {
    const sent = randomPackets(stream, 200, seededRandom(1)).at(-1)!;
    const message = framing.createEncoder(stream).encode(sent);

    it('throws nothing but PacketError for mutated messages, and some of every kind', () => {
      const random = seededRandom(2);
      const decoder = framing.createDecoder(stream);
      const seen = new Set<string>();
      for (let i = 0; i < ROUNDS; i++) {
        seen.add(outcome(framing, decoder, mutate(message, random)));
      }
      const expected =
        framing.message === 'text'
          ? ['decoded', 'bad-json', 'bad-field', 'bad-base64', 'unknown-type', 'oversized']
          : ['decoded', 'bad-field', 'unknown-type', 'truncated'];
      // A fuzz run that never gets past the first check would prove nothing.
      expect([...seen]).toEqual(expect.arrayContaining(expected));
    });

    it('throws nothing but PacketError at every truncation', () => {
      const decoder = framing.createDecoder(stream);
      for (let length = 0; length < message.length; length++) {
        outcome(framing, decoder, message.slice(0, length));
      }
    });

    it('throws nothing but PacketError for noise', () => {
      const random = seededRandom(3);
      const decoder = framing.createDecoder(stream);
      for (let i = 0; i < ROUNDS / 4; i++) outcome(framing, decoder, anything(framing, random));
    });

    it('still reads a stream afterwards', () => {
      const random = seededRandom(4);
      const encoder = framing.createEncoder(stream);
      const decoder = framing.createDecoder(stream);
      const [first, ...others] = randomPackets(stream, 50, random);
      expect(decoder.decode(encoder.encode(first!))).toEqual([first]);
      for (const packet of others) {
        for (let i = 0; i < 20; i++) outcome(framing, decoder, anything(framing, random));
        expect(decoder.decode(encoder.encode(packet))).toEqual([packet]);
      }
    });
  },
);
