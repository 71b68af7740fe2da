import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { encodeBase64 } from '../src/core/base64/base64.ts';
import type { MessageDecoder } from '../src/core/framing/framing.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import type { LazyPacket, Packet } from '../src/core/framing/packet.ts';
import { bytesOf } from './helpers/hex.ts';

const binary = FRAMINGS.binary.createEncoder();
const binaryDecoder = FRAMINGS.binary.createDecoder();
const json = FRAMINGS['base64-json'].createEncoder();
const jsonDecoder = FRAMINGS['base64-json'].createDecoder();

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

function reasonOf(decoder: MessageDecoder, message: string | Uint8Array): string {
  try {
    decoder.decode(message);
  } catch (error) {
    if (error instanceof PacketError) return error.reason;
    throw error;
  }
  return 'decoded';
}

describe.each([
  ['binary', binary, binaryDecoder],
  ['base64-json', json, jsonDecoder],
] as const)('framing %s, which needs no prior knowledge', (_name, encoder, decoder) => {
  it('carries every field at its limits, and any timestamp', () => {
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
    for (const sent of [largest, smallest, packet({ timestamp: 239_999 })]) {
      expect(decoder.decode(encoder.encode(sent))).toEqual([sent]);
    }
  });
});

describe('a lazy packet, such as a Chunk', () => {
  const { payload, ...header } = packet();
  const forbidden = () => {
    throw new Error('converted without need');
  };

  it('is written to base64-json as the Base64 that it holds, neither decoded nor encoded again', () => {
    const base64 = encodeBase64(payload);
    const chunk: LazyPacket = Object.defineProperty(
      { ...header, base64, bytes: payload },
      'bytes',
      {
        get: forbidden,
      },
    );
    expect(jsonDecoder.decode(json.encode(chunk))).toEqual([packet()]);
  });

  it('is written to binary as the bytes that it holds', () => {
    const chunk: LazyPacket = Object.defineProperty(
      { ...header, bytes: payload, base64: '' },
      'base64',
      { get: forbidden },
    );
    expect(binaryDecoder.decode(binary.encode(chunk))).toEqual([packet()]);
  });
});

describe('the binary layout, version 2', () => {
  const usual = packet({ sequence: 500, frame: 2000, timestamp: 125_000, dropped: 0 });
  const bytes = (sent: Packet = packet()): Uint8Array => binary.encode(sent) as Uint8Array;

  it('leaves out fields that follow from the others', () => {
    expect([...bytes(usual)]).toEqual(
      [
        [0x21], // version 2, format s16
        [0x00], // nothing left to say of frame, timestamp and dropped; 1 channel
        [4], // rate code of 16000 Hz
        [0x41, 0xf4], // sequence 500, in two bytes
        [4], // frames
        [0x00, 0x80, 0xff, 0xff, 0x00, 0x00, 0xff, 0x7f], // −32768, −1, 0, 32767 little-endian
      ].flat(),
    );
  });

  it('writes all other fields explicitly', () => {
    const odd = packet({ sampleRate: 16_001, channels: 2, frames: 2, frame: 2 ** 32, dropped: 70 });
    expect([...bytes(odd)].slice(0, -8)).toEqual(
      [
        [0x21], // version 2, format s16
        [0xe1], // frame, timestamp and dropped follow; 2 channels
        [0], // the rate follows
        [0x7e, 0x81], // 16001 Hz
        [12], // sequence
        [2], // frames
        [0xc0, 0, 0, 1, 0, 0, 0, 0], // frame 2³², in eight bytes
        [0x80, 0x03, 0xa9, 0x80], // timestamp 240000, in four bytes
        [0x40, 70], // dropped 70, in two bytes
      ].flat(),
    );
  });

  it('needs at most 9 bytes for 20 ms of a stream that lost nothing, for half a year', () => {
    for (const sampleRate of [8000, 16_000, 44_100, 48_000]) {
      for (const seconds of [0, 60, 3600, 86_400, 180 * 86_400]) {
        const sequence = seconds * 50;
        const frames = sampleRate / 50;
        const frame = sequence * frames;
        const timestamp = Math.round((frame / sampleRate) * 1e6);
        const sent = packet({ sequence, frame, frames, timestamp, sampleRate, dropped: 0 });
        const opus: Packet = { ...sent, format: 'opus', payload: Uint8Array.of(0) };
        expect(bytes(opus).length - 1).toBeLessThanOrEqual(9);
      }
    }
  });

  it('has a code for each usual rate, which never changes', () => {
    const rates = [
      8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000,
      176_400, 192_000,
    ];
    const codes = rates.map((sampleRate) => bytes(packet({ sampleRate, timestamp: 0 }))[2]);
    expect(codes).toEqual(rates.map((_, i) => i + 1));
  });

  it('writes an integer in as few bytes as possible, each byte at its place (RFC 9000 §16)', () => {
    const sequenceBytes = (sequence: number) => {
      const message = bytes(packet({ sequence, frame: sequence * 4, dropped: 0, timestamp: 0 }));
      return [...message.subarray(3, 3 + (1 << (message[3]! >> 6)))];
    };
    expect(sequenceBytes(63)).toEqual([0x3f]);
    expect(sequenceBytes(64)).toEqual([0x40, 0x40]);
    expect(sequenceBytes(0x3fff)).toEqual([0x7f, 0xff]);
    expect(sequenceBytes(0x4000)).toEqual([0x80, 0x00, 0x40, 0x00]);
    expect(sequenceBytes(0x3edc_ba98)).toEqual([0xbe, 0xdc, 0xba, 0x98]);
    expect(sequenceBytes(0x4000_0000)).toEqual([0xc0, 0, 0, 0, 0x40, 0, 0, 0]);
    expect(sequenceBytes(0x0005_4321_89ab_cdef)).toEqual([
      0xc0, 5, 0x43, 0x21, 0x89, 0xab, 0xcd, 0xef,
    ]);
    const most = packet({ timestamp: 2 ** 53 - 1 });
    expect(binaryDecoder.decode(bytes(most))).toEqual([most]);
  });

  it('reads integers that are longer than they need to be', () => {
    const message = Uint8Array.of(0x21, 0, 4, 0x80, 0, 0, 1, 0xc0, 0, 0, 0, 0, 0, 0, 1, 5, 6);
    expect(binaryDecoder.decode(message)).toMatchObject([{ sequence: 1, frame: 1, frames: 1 }]);
  });

  it('names the reason of every refusal', () => {
    const changed = (offset: number, value: number) => {
      const message = bytes(usual);
      message[offset] = value;
      return reasonOf(binaryDecoder, message);
    };
    for (let length = 0; length < bytes(usual).length; length++) {
      expect(reasonOf(binaryDecoder, bytes(usual).subarray(0, length))).toBe('truncated');
    }
    expect(reasonOf(binaryDecoder, Uint8Array.of(...bytes(usual), 0))).toBe('oversized');
    expect(changed(0, 0x11)).toBe('unknown-type');
    expect(changed(0, 0x20)).toBe('unknown-type');
    expect(changed(0, 0x29)).toBe('unknown-type'); // one above the last format
    expect(changed(0, 0x2f)).toBe('unknown-type');
    expect(changed(2, 200)).toBe('unknown-type');
    expect(changed(2, 0)).toBe('bad-field'); // a sample rate of 500 Hz
    expect(changed(1, 0x01)).toBe('truncated'); // two channels
    expect(changed(3, 0xff)).toBe('bad-field'); // a sequence above 2⁵³ − 1
    expect(changed(5, 5)).toBe('truncated');
  });
});

describe('the layout of RTP', () => {
  it('names sources that contributed, header extensions and redundant copies', () => {
    const message = bytesOf(`
      92 f0 00 07  00 00 0b 40  00 00 00 05  // V=2, X, CC=2; marker, PT=112 (RED)
      00 00 00 01  00 00 00 02               // CSRC
      be de 00 01  10 ff 00 00               // header extension
      ef 0f 00 02  ef 07 80 01  6f           // copies: PT=111, 960 and 480 back, 2 bytes and 1
      f8 01  f8  f8 02 03`);
    const fields = FRAMINGS.rtp.layout(message);
    expect(fields.map(({ name, byteLength }) => [name, byteLength])).toEqual([
      ['V, P, X, CC', 1],
      ['M, PT', 1],
      ['sequence number', 2],
      ['RTP timestamp', 4],
      ['SSRC', 4],
      ['CSRC', 8],
      ['header extension', 8],
      ['copy: header', 4],
      ['copy: header', 4],
      ['payload: header', 1],
      ['copy', 2],
      ['copy', 1],
      ['payload', 3],
    ]);
    expect(fields.at(-1)!.byteOffset).toBe(message.length - 3);
  });

  it('names the padding after the payload', () => {
    const message = bytesOf('a0 6f 00 07  00 00 00 00  00 00 00 05  f8 01 00 02'); // P
    expect(FRAMINGS.rtp.layout(message).slice(-2)).toEqual([
      { name: 'payload', byteOffset: 12, byteLength: 2 },
      { name: 'padding', byteOffset: 14, byteLength: 2 },
    ]);
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

  it('accepts keys in any order and ignores unknown ones', () => {
    const fields = Object.entries(JSON.parse(text({ mark: [1, { a: null }] }))).toReversed();
    const message = JSON.stringify(Object.fromEntries(fields), null, 2);
    expect(jsonDecoder.decode(message)).toEqual([packet()]);
  });

  it('names the reason of every refusal', () => {
    const reason = (message: string) => reasonOf(jsonDecoder, message);
    expect(reason('')).toBe('bad-json');
    expect(reason(text().slice(0, -1))).toBe('bad-json');
    expect(reason('['.repeat(200_000))).toBe('bad-json');
    expect(reason('null')).toBe('bad-json');
    expect(reason('[]')).toBe('bad-json');
    expect(reason('{"__proto__":{"type":"audio"}}')).toBe('unknown-type');
    expect(reason(text({ type: 'video' }))).toBe('unknown-type');
    expect(reason(text({ version: '1' }))).toBe('unknown-type');
    expect(reason(text({ format: 'constructor' }))).toBe('unknown-type');
    expect(reason(text({ frames: '4' }))).toBe('bad-field');
    expect(reason(text({ frame: -1 }))).toBe('bad-field');
    expect(reason(text({ payload: null }))).toBe('bad-field');
    expect(reason(text({ payload: 'AID*' }))).toBe('bad-base64');
    expect(reason(text({ frames: 5 }))).toBe('truncated');
    expect(reason(text({ frames: 3 }))).toBe('oversized');
    expect(reason(' '.repeat(2 ** 25))).toBe('oversized');
  });
});
