import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import type { Packet } from '../src/core/framing/packet.ts';
import { randomPackets, randomStream } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';

const stream: StreamFormat = { format: 's16', sampleRate: 16_000, channels: 1 };

function packet(changes: Partial<Packet> = {}): Packet {
  return {
    ...stream,
    sequence: 0,
    frame: 0,
    frames: 4,
    timestamp: 0,
    dropped: 0,
    payload: Uint8Array.of(0x00, 0x80, 0xff, 0xff, 0x00, 0x00, 0xff, 0x7f),
    ...changes,
  };
}

describe.each(Object.entries(FRAMINGS))('framing %s', (name, framing) => {
  it('is in the table under its own name', () => {
    expect(framing.name).toBe(name);
  });

  it('accepts the data of a WebSocket as bytes, and explains this for a bare ArrayBuffer', () => {
    const decoder = framing.createDecoder(stream);
    const encoded = framing.createEncoder(stream).encode(packet());
    expect(decoder.decode(encoded)).toHaveLength(1);
    for (const wrong of [new ArrayBuffer(64), new DataView(new ArrayBuffer(64))]) {
      const act = () => decoder.decode(wrong as unknown as Uint8Array);
      expect(act).toThrow(/^message must be a string or a Uint8Array, got /);
      expect(act).toThrow(TypeError);
    }
  });

  it('restores every packet of every stream that it can carry', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 50; i++) {
      const streamed = randomStream(framing, random);
      const encoder = framing.createEncoder(streamed);
      const decoder = framing.createDecoder(streamed);
      const sent = randomPackets(streamed, 20, random);
      expect(sent.flatMap((one) => decoder.decode(encoder.encode(one)))).toEqual(sent);
    }
  });

  it('restores the packets of a stream that arrive, even if some are lost or overtaken', () => {
    const random = seededRandom(2);
    for (let i = 0; i < 20; i++) {
      const streamed = randomStream(framing, random);
      const encoder = framing.createEncoder(streamed);
      const decoder = framing.createDecoder(streamed);
      const [first, ...others] = randomPackets(streamed, 100, random, 0);
      decoder.decode(encoder.encode(first!));
      const messages = others.map((sent) => ({
        sent,
        message: encoder.encode(sent),
        at: sent.sequence + random() * 8,
      }));
      const arriving = messages
        .filter(() => random() < 0.9)
        .toSorted((one, other) => one.at - other.at);
      const came = arriving.flatMap(({ message }) => decoder.decode(message));
      expect(came).toEqual(arriving.map(({ sent }) => sent));
    }
  });

  it('makes messages of the kind that it names, in memory of their own', () => {
    const sent = packet();
    const message = framing.createEncoder(stream).encode(sent);
    expect(typeof message === 'string' ? 'text' : 'bytes').toBe(framing.message);
    sent.payload.fill(1);
    expect(framing.createDecoder(stream).decode(message)).toEqual([packet()]);
  });

  it('decodes a view of a larger buffer', () => {
    const message = framing.createEncoder(stream).encode(packet());
    if (typeof message === 'string') return expect(framing.message).toBe('text');
    const larger = new Uint8Array(message.length + 20).fill(0xa5);
    larger.set(message, 9);
    const view = larger.subarray(9, 9 + message.length);
    expect(framing.createDecoder(stream).decode(view)).toEqual([packet()]);
  });

  it('behaves like a new one after a reset', () => {
    const random = seededRandom(3);
    const encoder = framing.createEncoder(stream);
    const decoder = framing.createDecoder(stream);
    for (let run = 0; run < 3; run++) {
      const sent = randomPackets(stream, 5, random);
      expect(sent.flatMap((one) => decoder.decode(encoder.encode(one)))).toEqual(sent);
      encoder.reset();
      decoder.reset();
    }
  });

  it.each([
    ['sequence', -1],
    ['sequence', 0.5],
    ['sequence', 2 ** 53],
    ['frame', Number.NaN],
    ['frames', 2 ** 32],
    ['timestamp', Number.POSITIVE_INFINITY],
    ['dropped', -1],
    ['sampleRate', 2999],
    ['sampleRate', 768_001],
    ['channels', 0],
    ['channels', 33],
  ] as const)('refuses to write %s = %s', (field, value) => {
    const encoder = framing.createEncoder(stream);
    expect(() => encoder.encode(packet({ [field]: value }))).toThrow(RangeError);
  });

  it('refuses to write a payload that is not as long as the header says', () => {
    const encoder = framing.createEncoder(stream);
    expect(() => encoder.encode(packet({ frames: 3 }))).toThrow(RangeError);
    expect(() => encoder.encode(packet({ frames: 9 }))).toThrow(RangeError);
    expect(() => encoder.encode(packet({ channels: 2 }))).toThrow(RangeError);
  });

  it('refuses the other kind of message as an unknown type', () => {
    const other = framing.message === 'text' ? new Uint8Array(64) : '{}';
    const error = expect.objectContaining({ reason: 'unknown-type' });
    expect(() => framing.createDecoder(stream).decode(other)).toThrow(error);
    expect(() => framing.createDecoder(stream).decode(other)).toThrow(PacketError);
  });

  it('assigns every byte of a message to a field', () => {
    const random = seededRandom(4);
    for (let i = 0; i < 20; i++) {
      const streamed = randomStream(framing, random);
      const encoder = framing.createEncoder(streamed);
      for (const sent of randomPackets(streamed, 4, random)) {
        const message = encoder.encode(sent);
        const fields = framing.layout(message);
        if (typeof message === 'string') {
          expect(fields).toEqual([]);
          continue;
        }
        let at = 0;
        for (const { byteOffset, byteLength } of fields) {
          expect(byteOffset).toBe(at);
          at += byteLength;
        }
        expect(at).toBe(message.length);
        expect(fields.at(-1)).toMatchObject({ name: 'payload', byteLength: sent.payload.length });
      }
    }
  });
});

it('refuses a header with fields that are not numbers, whatever their type', () => {
  const encoder = FRAMINGS.binary.createEncoder({ format: 's16', sampleRate: 16_000, channels: 1 });
  for (const value of [
    { toString: 1, valueOf: 1 },
    Symbol('x'),
    Object.create(null),
    'x'.repeat(10_000),
  ]) {
    const packet: Packet = {
      sequence: value as unknown as number,
      frame: 0,
      frames: 1,
      timestamp: 0,
      dropped: 0,
      format: 's16',
      sampleRate: 16_000,
      channels: 1,
      payload: new Uint8Array(2),
    };
    expect(() => encoder.encode(packet)).toThrow(
      /^sequence must be an integer from 0 to \d+, got .{1,40}[.]$/,
    );
  }
});
