import { describe, expect, it } from 'vitest';
import { PAYLOAD_FORMATS } from '../src/core/codec/payload-format.ts';
import { bytesPerSample } from '../src/core/dsp/sample-format.ts';
import { PacketError } from '../src/core/errors.ts';
import { encodeBase64 } from '../src/core/framing/base64.ts';
import { BINARY_OFFSET } from '../src/core/framing/binary.ts';
import type { Framing } from '../src/core/framing/framing.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import type { LazyPacket, Packet } from '../src/core/framing/packet.ts';
import { seededRandom } from './helpers/random.ts';

const { binary } = FRAMINGS;
const json = FRAMINGS['base64-json'];

function packet(changes: Partial<Packet> = {}): Packet {
  return {
    sequence: 12,
    frame: 3840,
    frames: 4,
    timestamp: 240_000,
    dropped: 7,
    format: 's16',
    sampleRate: 16_000,
    channels: 1,
    payload: Uint8Array.of(0x00, 0x80, 0xff, 0xff, 0x00, 0x00, 0xff, 0x7f),
    ...changes,
  };
}

function randomPacket(random: () => number): Packet {
  const integer = (limit: number) => Math.floor(random() * limit);
  const format = PAYLOAD_FORMATS[integer(PAYLOAD_FORMATS.length)]!;
  const channels = 1 + integer(32);
  const frames = integer(40);
  const length = format === 'opus' ? 1 + integer(1500) : frames * channels * bytesPerSample(format);
  const payload = new Uint8Array(length);
  for (let i = 0; i < payload.length; i++) payload[i] = integer(256);
  return {
    sequence: integer(2 ** 53),
    frame: integer(2 ** 53),
    frames,
    timestamp: integer(2 ** 53),
    dropped: integer(2 ** 32),
    format,
    sampleRate: 3000 + integer(765_001),
    channels,
    payload,
  };
}

function reasonOf(framing: Framing, message: string | Uint8Array): string {
  try {
    framing.decode(message);
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  return 'decoded';
}

describe.each(Object.entries(FRAMINGS))('framing %s', (name, framing) => {
  it('is in the table under its own name', () => {
    expect(framing.name).toBe(name);
  });

  it('gives back every packet that it wrote', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 100; i++) {
      const sent = randomPacket(random);
      expect(framing.decode(framing.encode(sent))).toEqual(sent);
    }
  });

  it('carries every field at its limits', () => {
    const largest = packet({
      sequence: Number.MAX_SAFE_INTEGER,
      frame: Number.MAX_SAFE_INTEGER,
      timestamp: Number.MAX_SAFE_INTEGER,
      dropped: 2 ** 32 - 1,
      sampleRate: 768_000,
      channels: 32,
      frames: 1,
      format: 'mulaw',
      payload: new Uint8Array(32).fill(255),
    });
    const smallest = packet({
      sequence: 0,
      frame: 0,
      timestamp: 0,
      dropped: 0,
      sampleRate: 3000,
      frames: 0,
      payload: new Uint8Array(0),
    });
    expect(framing.decode(framing.encode(largest))).toEqual(largest);
    expect(framing.decode(framing.encode(smallest))).toEqual(smallest);
  });

  it('makes messages of the kind that it names, in memory of their own', () => {
    const sent = packet();
    const message = framing.encode(sent);
    expect(typeof message === 'string' ? 'text' : 'bytes').toBe(framing.message);
    sent.payload.fill(1);
    expect(framing.decode(message).payload).toEqual(packet().payload);
  });

  it('decodes a view of a larger buffer', () => {
    const message = framing.encode(packet());
    if (typeof message === 'string') return expect(framing.message).toBe('text');
    const larger = new Uint8Array(message.length + 20).fill(0xa5);
    larger.set(message, 9);
    expect(framing.decode(larger.subarray(9, 9 + message.length))).toEqual(packet());
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
    expect(() => framing.encode(packet({ [field]: value }))).toThrow(RangeError);
  });

  it('refuses to write a payload that is not as long as the header says', () => {
    expect(() => framing.encode(packet({ frames: 3 }))).toThrow(RangeError);
    expect(() => framing.encode(packet({ frames: 9 }))).toThrow(RangeError);
    expect(() => framing.encode(packet({ channels: 2 }))).toThrow(RangeError);
  });

  it('refuses the other kind of message as an unknown type', () => {
    const other = framing.message === 'text' ? new Uint8Array(64) : '{}';
    expect(reasonOf(framing, other)).toBe('unknown-type');
  });
});

describe('a lazy packet, such as a Chunk', () => {
  const { payload, ...header } = packet();
  const forbidden = () => {
    throw new Error('converted without need');
  };

  it('goes into base64-json as the Base64 that it holds, neither decoded nor encoded again', () => {
    const base64 = encodeBase64(payload);
    const chunk: LazyPacket = Object.defineProperty(
      { ...header, base64, bytes: payload },
      'bytes',
      {
        get: forbidden,
      },
    );
    expect(json.decode(json.encode(chunk))).toEqual(packet());
  });

  it('goes into binary as the bytes that it holds', () => {
    const chunk: LazyPacket = Object.defineProperty(
      { ...header, bytes: payload, base64: '' },
      'base64',
      { get: forbidden },
    );
    expect(binary.decode(binary.encode(chunk))).toEqual(packet());
  });
});

describe('the binary layout, version 1', () => {
  const bytes = (): Uint8Array => binary.encode(packet()) as Uint8Array;

  it('is laid out as documented', () => {
    expect([...bytes()]).toEqual(
      [
        [1, 1, 1, 0], // version, format s16, channels, reserved
        [0x00, 0x00, 0x3e, 0x80], // sample rate 16000
        [0, 0, 0, 4], // frames
        [0, 0, 0, 7], // dropped
        [0, 0, 0, 0, 0, 0, 0, 12], // sequence
        [0, 0, 0, 0, 0, 0, 0x0f, 0x00], // frame 3840
        [0, 0, 0, 0, 0x00, 0x03, 0xa9, 0x80], // timestamp 240000
        [0x00, 0x80, 0xff, 0xff, 0x00, 0x00, 0xff, 0x7f], // −32768, −1, 0, 32767 little-endian
      ].flat(),
    );
  });

  it('names the reason of every refusal', () => {
    const changed = (offset: number, value: number) => {
      const message = bytes();
      message[offset] = value;
      return reasonOf(binary, message);
    };
    expect(reasonOf(binary, bytes().subarray(0, BINARY_OFFSET.payload - 1))).toBe('truncated');
    expect(reasonOf(binary, bytes().subarray(0, BINARY_OFFSET.payload + 7))).toBe('truncated');
    expect(reasonOf(binary, Uint8Array.of(...bytes(), 0))).toBe('oversized');
    expect(changed(BINARY_OFFSET.version, 2)).toBe('unknown-type');
    expect(changed(BINARY_OFFSET.format, 0)).toBe('unknown-type');
    expect(changed(BINARY_OFFSET.format, 7)).toBe('unknown-type');
    expect(changed(BINARY_OFFSET.reserved, 1)).toBe('bad-field');
    expect(changed(BINARY_OFFSET.channels, 0)).toBe('bad-field');
    expect(changed(BINARY_OFFSET.sampleRate, 0xff)).toBe('bad-field');
    expect(changed(BINARY_OFFSET.sequence, 0x20)).toBe('bad-field');
    expect(changed(BINARY_OFFSET.frames, 0xff)).toBe('truncated');
  });
});

describe('the Base64 JSON layout, version 1', () => {
  const text = (changes: Readonly<Record<string, unknown>> = {}): string =>
    JSON.stringify({ ...JSON.parse(json.encode(packet()) as string), ...changes });

  it('is the JSON object that is documented', () => {
    expect(json.encode(packet())).toBe(
      '{"type":"audio","version":1,"sequence":12,"frame":3840,"frames":4,"timestamp":240000,' +
        '"dropped":7,"format":"s16","sampleRate":16000,"channels":1,"payload":"AID//wAA/38="}',
    );
  });

  it('takes keys in any order and passes over those that it does not know', () => {
    const fields = Object.entries(JSON.parse(text({ mark: [1, { a: null }] }))).toReversed();
    expect(json.decode(JSON.stringify(Object.fromEntries(fields), null, 2))).toEqual(packet());
  });

  it('names the reason of every refusal', () => {
    expect(reasonOf(json, '')).toBe('bad-json');
    expect(reasonOf(json, text().slice(0, -1))).toBe('bad-json');
    expect(reasonOf(json, '['.repeat(200_000))).toBe('bad-json');
    expect(reasonOf(json, 'null')).toBe('bad-json');
    expect(reasonOf(json, '[]')).toBe('bad-json');
    expect(reasonOf(json, '{"__proto__":{"type":"audio"}}')).toBe('unknown-type');
    expect(reasonOf(json, text({ type: 'video' }))).toBe('unknown-type');
    expect(reasonOf(json, text({ version: '1' }))).toBe('unknown-type');
    expect(reasonOf(json, text({ format: 'constructor' }))).toBe('unknown-type');
    expect(reasonOf(json, text({ frames: '4' }))).toBe('bad-field');
    expect(reasonOf(json, text({ frame: -1 }))).toBe('bad-field');
    expect(reasonOf(json, text({ payload: null }))).toBe('bad-field');
    expect(reasonOf(json, text({ payload: 'AID_' }))).toBe('bad-base64');
    expect(reasonOf(json, text({ frames: 5 }))).toBe('truncated');
    expect(reasonOf(json, text({ frames: 3 }))).toBe('oversized');
    expect(reasonOf(json, ' '.repeat(2 ** 25))).toBe('oversized');
  });
});
