import { describe } from 'vitest';
import { opusPacketInfo } from '../src/core/codec/opus-packet.ts';
import { FRAMINGS } from '../src/core/framing/framings.ts';
import { asteriskAudiosocket } from '../src/core/services/asterisk-audiosocket.ts';
import { pipecat } from '../src/core/services/pipecat.ts';
import type { Service } from '../src/core/services/service.ts';
import { bytesField, varintField } from '../src/core/services/shared/protobuf.ts';
import { wyoming } from '../src/core/services/wyoming.ts';
import { HeaderExtensionCursor } from '../src/core/rtp/header-extensions.ts';
import { RedBlocks } from '../src/core/rtp/red.ts';
import { RtpPacket } from '../src/core/rtp/rtp-packet.ts';
import { parseChannelData } from '../src/core/webrtc/stun/channel-data.ts';
import { explainStun } from '../src/core/webrtc/stun/stun-explained.ts';
import { isSignedWith } from '../src/core/webrtc/stun/stun-integrity.ts';
import { parseStun } from '../src/core/webrtc/stun/stun-message.ts';
import {
  encodeStreamMessage,
  StreamMessageReader,
} from '../src/core/webtransport/stream-messages.ts';
import { decodeMessage } from '../src/node/nats/nats-message.ts';
import { StunStream } from '../demo/server/turn/stun-stream.ts';
import { CapsuleReader } from '../demo/server/webtransport/capsules.ts';
import {
  decodeSettings,
  encodeFrame,
  FrameReader,
} from '../demo/server/webtransport/http3-frames.ts';
import { decodeFields } from '../demo/server/webtransport/qpack.ts';
import {
  COST_BYTES,
  JSON_INPUTS,
  PCM,
  bytes,
  checked,
  micwireConnection,
} from './helpers/parser-bounds.ts';
import type { Parser } from './helpers/parser-bounds.ts';

const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
const packet = (size: number): Uint8Array =>
  bytes(size, (result) => {
    result[0] = 0x80;
    result[1] = 96;
  });

type Read = (bytes: Uint8Array) => readonly unknown[];

/** Reads a stream in one slice, and in as many as it has bytes. */
const pieceReader =
  (create: () => Read) =>
  (stream: Uint8Array): unknown => {
    const inOne = create()(stream);
    const read = create();
    const inMany: unknown[] = [];
    for (let at = 0; at < stream.length; at++) inMany.push(...read(stream.subarray(at, at + 1)));
    return [inOne, inMany];
  };
const streamReader = (create: () => Service): ((stream: Uint8Array) => unknown) =>
  pieceReader(() => {
    const connection = create().connect();
    return (bytes) => connection.decode(bytes);
  });
/** A message for NATS of as many packets as fit, of so many bytes each. */
const batch = (size: number, packetBytes: number): Uint8Array =>
  bytes(size - (size % (4 + packetBytes)), (result) => {
    const view = new DataView(result.buffer);
    const one = FRAMINGS.binary.createEncoder().encode({
      ...PCM,
      sequence: 0,
      frame: 0,
      frames: 2,
      timestamp: 0,
      dropped: 0,
      payload: new Uint8Array(4),
    });
    for (let at = 0; at < result.length; at += 4 + packetBytes) {
      view.setUint32(at, packetBytes, true);
      result.set((one as Uint8Array).subarray(0, packetBytes), at + 4);
    }
  });
const repeat = (unit: Uint8Array, size: number): Uint8Array =>
  bytes(size - (size % unit.length), (result) => {
    for (let at = 0; at < result.length; at += unit.length) result.set(unit, at);
  });

const BINARY_PARSERS: readonly Parser<Uint8Array>[] = [
  {
    name: 'service asterisk-audiosocket (TCP)',
    limit: COST_BYTES,
    read: streamReader(asteriskAudiosocket),
    growth: 120,
    inputs: {
      'empty audio': (n) => repeat(Uint8Array.of(0x10, 0, 0), n),
      'one sample at a time': (n) => repeat(Uint8Array.of(0x10, 0, 2, 1, 1), n),
      'audio of the longest kind': (n) =>
        repeat(Uint8Array.of(0x10, 255, 254, ...new Uint8Array(65_534)), Math.max(n, 65_537)),
      keys: (n) => repeat(Uint8Array.of(3, 0, 1, 0x35), n),
      hangups: (n) => new Uint8Array(n),
      'kinds that are not known': (n) => repeat(Uint8Array.of(0x42, 0, 0), n),
    },
  },
  {
    name: 'service wyoming (TCP)',
    limit: COST_BYTES,
    read: streamReader(wyoming),
    growth: 200,
    inputs: {
      pings: (n) => repeat(Buffer.from('{"type":"ping"}\n'), n),
      'pieces of a transcript': (n) =>
        repeat(Buffer.from('{"type":"transcript-chunk","data":{"text":"x"}}\n'), n),
      'a line without end': (n) => new Uint8Array(n).fill(0x20),
      'empty lines': (n) => new Uint8Array(n).fill(0x0a),
      'a payload': (n) =>
        bytes(n, (result) => result.set(Buffer.from(`{"type":"x","payload_length":${n - 50}}\n`))),
      'data that nests': (n) =>
        bytes(n, (result) =>
          result.fill(0x5b).set(Buffer.from(`{"type":"x","data_length":${n - 50}}\n{"a":`)),
        ),
      'chunks without a type': (n) => repeat(Buffer.from('{"data_length":2}\n{}'), n),
    },
  },
  {
    name: 'service pipecat (Protocol Buffers)',
    read: (message) => pipecat().connect().decode(message),
    growth: 20,
    inputs: {
      'varints and nothing else': (n) => repeat(varintField(1, 1), n),
      'empty fields': (n) => repeat(bytesField(2), n),
      'a varint without end': (n) => new Uint8Array(n).fill(255),
      audio: (n) =>
        bytesField(2, bytesField(3, new Uint8Array(n)), varintField(4, 8000), varintField(5, 1)),
      'audio of many fields': (n) => bytesField(2, repeat(varintField(4, 8000), n)),
      'a message of JSON': (n) =>
        bytesField(4, bytesField(1, Buffer.from(JSON_INPUTS['many keys']!(n)))),
      text: (n) => bytesField(1, bytesField(3, new Uint8Array(n).fill(0xc3))),
    },
  },
  {
    name: 'framing binary',
    read: (message) => FRAMINGS.binary.createDecoder(PCM).decode(message),
    growth: 2,
    inputs: {
      zeros: (n) => new Uint8Array(n),
      ones: (n) => new Uint8Array(n).fill(255),
      'the version and ones': (n) => bytes(n, (result) => result.fill(255).set([0x21])),
    },
  },
  {
    name: 'framing rtp, samples',
    read: (message) => FRAMINGS.rtp.createDecoder(PCM).decode(message),
    growth: 2,
    inputs: { packet, ones: (n) => new Uint8Array(n).fill(255) },
  },
  {
    name: 'framing rtp, Opus',
    read: (message) => FRAMINGS.rtp.createDecoder(OPUS).decode(message),
    growth: 2,
    inputs: { packet, ones: (n) => new Uint8Array(n).fill(255) },
  },
  {
    name: 'RTP header extensions',
    limit: 2 ** 18,
    read: (message) => {
      const parsed = new RtpPacket();
      parsed.parse(message);
      const cursor = new HeaderExtensionCursor();
      cursor.begin(parsed);
      let count = 0;
      while (cursor.next()) count++;
      return count;
    },
    growth: 1,
    inputs: {
      padding: (n) => extension(n, 0),
      'elements of one byte': (n) => extension(n, 0x10),
      'elements of another length': (n) => extension(n, 0x1f),
    },
  },
  {
    name: 'RED',
    read: (payload) => {
      const blocks = new RedBlocks();
      blocks.parse(payload, 0, payload.length);
      return blocks.count;
    },
    growth: 1,
    inputs: {
      'headers without end': (n) => new Uint8Array(n).fill(0x80),
      'one block': (n) => new Uint8Array(n),
    },
  },
  {
    name: 'micwire.1, a message of bytes',
    read: (message) => micwireConnection().decode(message),
    growth: 8,
    inputs: {
      data: (n) => new Uint8Array(n).fill(0x1f),
      audio: (n) => bytes(n, (result) => result.fill(255).set([0x21, 0x40, 0, 0x44])),
      'unheard items': (n) =>
        bytes(n, (result) => {
          result.fill(1);
          result.set([0x18, 0, 0, 0x41, 0]);
        }),
      'a name without end': (n) => bytes(n, (result) => result.fill(255).set([0x13, 0])),
    },
  },
  {
    name: 'opusPacketInfo',
    read: opusPacketInfo,
    growth: 1,
    inputs: {
      'padding without end': (n) => bytes(n, (result) => result.fill(255).set([3, 0x41])),
      sizes: (n) => bytes(n, (result) => result.fill(255).set([0xfb, 0xb0])),
    },
  },
  {
    name: 'STUN',
    limit: 2 ** 16 - 32,
    read: (datagram) => {
      const message = parseStun(datagram);
      return [message.attributes, isSignedWith(message, Buffer.from('key'))];
    },
    growth: 4,
    inputs: {
      'empty attributes': (n) => stun(n, 0),
      'one attribute': (n) => stun(n, n - (n % 4) - 24),
    },
  },
  {
    name: 'explainStun',
    limit: 2 ** 16 - 32,
    read: (datagram) => explainStun(datagram, { key: Buffer.from('key') }),
    growth: 4,
    inputs: {
      'one attribute': (n) => stun(n, n - (n % 4) - 24),
      'a long text': (n) => stun(n, n - (n % 4) - 24, 0x8022),
      'a long list': (n) => stun(n, n - (n % 4) - 24, 0x000a),
    },
  },
  {
    name: 'StunStream',
    limit: 2 ** 16 - 32,
    read: (stream: Uint8Array) => new StunStream(2048).push(stream),
    // A message of four bytes is an object.
    growth: 8,
    inputs: {
      'empty ChannelData, again and again': (n) =>
        bytes(n, (result) => result.forEach((_, i) => (result[i] = i % 4 === 0 ? 0x40 : 0))),
      'ChannelData of one byte, again and again': (n) =>
        bytes(n, (result) =>
          result.forEach((_, i) => (result[i] = [0x40, 0, 0, 1, 7, 0, 0, 0][i % 8]!)),
        ),
    },
  },
  {
    name: 'StreamMessageReader',
    limit: COST_BYTES,
    read: pieceReader(() => {
      const reader = new StreamMessageReader();
      return (piece) => [...reader.read(piece)];
    }),
    growth: 140,
    inputs: {
      'empty messages': (n) => new Uint8Array(n),
      'messages of one byte': (n) => repeat(Uint8Array.of(1, 1, 7), n),
      'one message': (n) => encodeStreamMessage(new Uint8Array(n)),
      'a message without end': (n) => bytes(n, (result) => result.set([1, 0x80, 0xff, 0xff, 0xff])),
      'one that is too long': (n) => bytes(n, (result) => result.fill(255).set([1])),
      'text that is not UTF-8': (n) => repeat(encodeStreamMessage(Uint8Array.of(255, 254)), n),
    },
  },
  {
    name: 'frames of HTTP/3',
    limit: COST_BYTES,
    read: pieceReader(() => {
      const reader = new FrameReader();
      let isSession = false;
      return (piece) => {
        const frames = isSession ? [] : reader.read(piece);
        isSession ||= frames.some((frame) => 'session' in frame);
        return frames;
      };
    }),
    growth: 140,
    inputs: {
      'empty frames': (n) => new Uint8Array(n),
      'frames of a byte': (n) => repeat(Uint8Array.of(0, 1, 7), n),
      'frames that are not known': (n) => repeat(Uint8Array.of(0x21, 1, 7), n),
      'one that is passed over': (n) =>
        bytes(n, (result) => result.set([0x21, 0x80, 255, 255, 255])),
      'one that is too long': (n) => bytes(n, (result) => result.set([0, 0x80, 255, 255, 255])),
      'a session': (n) => bytes(n, (result) => result.set([0x40, 0x41, 0])),
    },
  },
  {
    name: 'capsules of a session',
    limit: COST_BYTES,
    read: pieceReader(() => {
      const reader = new CapsuleReader();
      return (piece) => [reader.read(piece)];
    }),
    growth: 40,
    inputs: {
      'empty capsules': (n) => new Uint8Array(n),
      'capsules of a byte': (n) => repeat(Uint8Array.of(0, 1, 7), n),
      'the longest': (n) =>
        repeat(encodeFrame(0x21, new Uint8Array(2 ** 13)), Math.max(n, 2 ** 14)),
    },
  },
  {
    name: 'settings of HTTP/3',
    read: decodeSettings,
    growth: 12,
    inputs: {
      'the same twice': (n) => repeat(Uint8Array.of(6, 1), n),
      'many of them': (n) =>
        bytes(n - (n % 8), (result) => {
          const view = new DataView(result.buffer);
          for (let at = 0; at < result.length; at += 8) view.setUint32(at, 0x80000000 + at);
        }),
      'one without end': (n) => new Uint8Array(n).fill(255),
    },
  },
  {
    name: 'fields of QPACK',
    // More is no field section.
    limit: 2 ** 13,
    read: decodeFields,
    growth: 400,
    inputs: {
      'of the table': (n) => bytes(n, (result) => result.fill(0xd9).set([0, 0])),
      'the longest of the table': (n) => bytes(n, (result) => result.fill(0xff).set([0, 0])),
      'empty texts': (n) => bytes(n, (result) => result.fill(0x20).set([0, 0])),
      'a coded text': (n) =>
        bytes(n, (result) => result.fill(0).set([0, 0, 0x51, 0xff, 0x80, (n >> 7) & 0x7f])),
    },
  },
  {
    name: 'a message of NATS',
    read: (data) => decodeMessage((name) => (name === 'Micwire-Packets' ? '255' : ''), data),
    growth: 12,
    inputs: {
      packets: (n) => batch(n, 10),
      'empty packets': (n) => new Uint8Array(n),
      'packets with wrong lengths': (n) => new Uint8Array(n).fill(1),
    },
  },
  {
    name: 'parseChannelData',
    limit: 2 ** 16 - 32,
    read: parseChannelData,
    growth: 1,
    inputs: {
      'all data': (n) => bytes(n, (result) => result.set([0x40, 0, (n - 4) >> 8, n - 4])),
    },
  },
];

function extension(size: number, element: number): Uint8Array {
  return bytes(size - (size % 4), (result) => {
    result.fill(element);
    result.set([0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0xbe, 0xde]);
    const words = Math.min(0xffff, (result.length - 16) / 4);
    result[14] = words >> 8;
    result[15] = words & 255;
  });
}

function stun(size: number, valueBytes: number, type = 0x8000): Uint8Array {
  const message = Buffer.alloc(size - (size % 4));
  message.writeUInt16BE(1, 0);
  message.writeUInt16BE(message.length - 20, 2);
  message.writeUInt32BE(0x2112a442, 4);
  message.writeUInt16BE(type, 20);
  message.writeUInt16BE(valueBytes, 22);
  return message;
}

describe('parsers of bytes', () => {
  for (const parser of BINARY_PARSERS) checked(parser);
});
