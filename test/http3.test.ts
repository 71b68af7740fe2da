import { describe, expect, it } from 'vitest';
import { CapsuleReader, encodeClose } from '../demo/server/webtransport/capsules.ts';
import type {
  ServerSession,
  SessionRequest,
} from '../demo/server/webtransport/http3-connection.ts';
import { Http3Connection } from '../demo/server/webtransport/http3-connection.ts';
import type { Frame } from '../demo/server/webtransport/http3-frames.ts';
import {
  FRAME,
  FrameReader,
  decodeSettings,
  encodeFrame,
  encodeSettings,
} from '../demo/server/webtransport/http3-frames.ts';
import { decodeHuffman } from '../demo/server/webtransport/huffman.ts';
import { decodeFields, encodeFields } from '../demo/server/webtransport/qpack.ts';
import { QuicLog, connectRequest, streamHeader } from './helpers/http3-messages.ts';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const packetError = (reason: string) =>
  expect.objectContaining({ name: 'PacketError', reason }) as Error;

describe('Huffman code', () => {
  // RFC 7541 appendices C.4 and C.6.
  it.each([
    ['f1e3 c2e5 f23a 6ba0 ab90 f4ff', 'www.example.com'],
    ['a8eb 1064 9cbf', 'no-cache'],
    ['25a8 49e9 5ba9 7d7f', 'custom-key'],
    ['6402', '302'],
    ['d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    [
      '94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
      'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    ],
    ['', ''],
  ])('%s is %j', (code, text) => {
    expect(Buffer.from(decodeHuffman(hex(code))).toString()).toBe(text);
  });

  it('ends with fewer than eight ones, and contains no end of string', () => {
    expect(() => decodeHuffman(hex('00'))).toThrow(packetError('bad-field'));
    expect(() => decodeHuffman(hex('f1e3c2e5f23a6ba0ab90f4ffff'))).toThrow(
      packetError('bad-field'),
    );
    expect(() => decodeHuffman(hex('ffffffff'))).toThrow(packetError('bad-field'));
  });
});

describe('QPACK', () => {
  it('reads the literal with a name of the static table of RFC 9204 appendix B.1', () => {
    expect(decodeFields(hex('0000 510b 2f69 6e64 6578 2e68 746d 6c'))).toEqual([
      [':path', '/index.html'],
    ]);
  });

  it('reads the first and the last entry of the static table, and none beyond', () => {
    expect(decodeFields(hex('0000 c0 ff 23'))).toEqual([
      [':authority', ''],
      ['x-frame-options', 'sameorigin'],
    ]);
    expect(() => decodeFields(hex('0000 ff 24'))).toThrow(packetError('bad-field'));
  });

  it('decodes the fields that it encodes', () => {
    const fields = [
      [':status', '200'],
      ['origin', 'https://lab.example'],
      ['sec-webtransport-http3-draft', 'draft02'],
      ['x'.repeat(300), 'y'.repeat(300)],
    ] as const;
    expect(decodeFields(encodeFields(fields))).toEqual(fields);
  });

  it.each([
    ['0180', 'bad-field', 'a section that needs the dynamic table'],
    ['0000 80', 'bad-field', 'an entry of the dynamic table'],
    ['0000 10', 'bad-field', 'an entry past the base'],
    ['0000 40 00', 'bad-field', 'a name of the dynamic table'],
    ['00', 'truncated', 'half a prefix'],
    ['0000 51', 'truncated', 'a name without a value'],
    ['0000 51 05 2f', 'truncated', 'a value that ends too early'],
    ['0000 ff ff ff ff ff 0f', 'oversized', 'a number of five bytes'],
  ])('refuses %s: %s, %s', (bytes, reason) => {
    expect(() => decodeFields(hex(bytes))).toThrow(packetError(reason));
  });

  it('refuses more than 64 fields, and more than 8 KiB', () => {
    const section = (fields: number): Uint8Array =>
      Uint8Array.of(0, 0, ...new Uint8Array(fields).fill(0xd9));
    expect(decodeFields(section(64))).toHaveLength(64);
    expect(() => decodeFields(section(65))).toThrow(packetError('oversized'));
    expect(() => decodeFields(new Uint8Array(8193))).toThrow(packetError('oversized'));
  });
});

describe('frames of HTTP/3', () => {
  const headers = encodeFrame(FRAME.headers, hex('0102'));
  const data = encodeFrame(FRAME.data, new Uint8Array(100).fill(3));
  const unknown = encodeFrame(0x21, new Uint8Array(20_000));

  it('are read whole however their bytes are split, and unknown ones are skipped', () => {
    const bytes = Buffer.concat([headers, unknown, data]);
    for (const piece of [1, 7, 1000, bytes.length]) {
      const reader = new FrameReader();
      const frames: Frame[] = [];
      for (let at = 0; at < bytes.length; at += piece) {
        frames.push(...reader.read(bytes.subarray(at, at + piece)));
      }
      expect(frames).toEqual([
        { type: FRAME.headers, content: hex('0102') },
        { type: FRAME.data, content: new Uint8Array(100).fill(3) },
      ]);
    }
  });

  it('are refused when they are longer than 8 KiB, before their content arrives', () => {
    const bytes = encodeFrame(FRAME.headers, new Uint8Array(8193));
    expect(() => new FrameReader().read(bytes.subarray(0, 3))).toThrow(packetError('oversized'));
  });

  it('end when a stream turns out to be a session’s', () => {
    expect(new FrameReader().read(Uint8Array.of(...streamHeader(4), 9, 9))).toEqual([
      { session: 4, rest: Uint8Array.of(9, 9) },
    ]);
  });

  it('of settings contain each setting once', () => {
    const settings = new Map([
      [8, 1],
      [0x2b603742, 16],
    ]);
    expect(decodeSettings(encodeSettings(settings).subarray(2))).toEqual(settings);
    expect(() => decodeSettings(hex('0801 0801'))).toThrow(packetError('bad-field'));
    expect(() => decodeSettings(hex('08'))).toThrow(packetError('truncated'));
  });
});

describe('capsules', () => {
  it('give code and reason of the end of a session, after others that are skipped', () => {
    const reader = new CapsuleReader();
    expect(reader.read(encodeFrame(0x78ae, new Uint8Array(0)))).toBeNull();
    const close = encodeClose({ code: 4_000_000_000, reason: 'größer' });
    expect(reader.read(close.subarray(0, 5))).toBeNull();
    expect(reader.read(close.subarray(5))).toEqual({ code: 4_000_000_000, reason: 'größer' });
  });

  it('are refused when they are too long, or too short for a code', () => {
    expect(() => new CapsuleReader().read(encodeFrame(1, new Uint8Array(8193)))).toThrow(
      packetError('oversized'),
    );
    expect(() => new CapsuleReader().read(encodeFrame(0x2843, new Uint8Array(3)))).toThrow(
      packetError('bad-field'),
    );
  });
});

describe('a connection', () => {
  function connect(answer: (request: SessionRequest) => number | null = () => null) {
    const quic = new QuicLog();
    const requests: SessionRequest[] = [];
    const sessions: ServerSession[] = [];
    const came: string[] = [];
    const connection = new Http3Connection(quic, (request, session) => {
      requests.push(request);
      const status = answer(request);
      if (status !== null) return status;
      sessions.push(session);
      const name = sessions.length;
      return {
        onDatagram: (bytes) => came.push(`${name} datagram ${[...bytes].join()}`),
        onStream: (bytes) => came.push(`${name} stream ${[...bytes].join()}`),
        onEnd: () => came.push(`${name} end`),
      };
    });
    return { quic, connection, requests, sessions, came };
  }

  it('opens sessions, keeps their datagrams and streams apart, and ends each by itself', () => {
    const { quic, connection, requests, sessions, came } = connect();
    connection.receive(2, Uint8Array.of(0, ...encodeSettings(new Map([[8, 1]]))), false);
    connection.receive(0, connectRequest('/one'), false);
    connection.receive(4, connectRequest('/two'), false);
    expect(requests).toEqual([
      { path: '/one', authority: 'lab.test:1', origin: 'https://lab.test' },
      { path: '/two', authority: 'lab.test:1', origin: 'https://lab.test' },
    ]);
    connection.receiveDatagram(Uint8Array.of(0, 5));
    connection.receiveDatagram(Uint8Array.of(1, 6));
    connection.receiveDatagram(Uint8Array.of(2, 7));
    sessions[1]!.send(Uint8Array.of(1));
    connection.receive(8, Uint8Array.of(...streamHeader(4), 8), false);
    connection.receive(8, Uint8Array.of(9), false);
    expect(came).toEqual(['1 datagram 5', '2 datagram 6', '2 stream 8', '2 stream 9']);
    sessions[1]!.send(Uint8Array.of(2));
    sessions[1]!.sendDatagram(Uint8Array.of(3));
    expect(quic.sent.get(8)).toEqual([1, 2]);
    expect(quic.datagrams).toEqual([[1, 3]]);
    sessions[1]!.close({ code: 7, reason: 'x' });
    sessions[1]!.close({ code: 8, reason: 'again' });
    connection.receive(0, encodeFrame(FRAME.data, encodeClose({ code: 0, reason: '' })), true);
    expect(came.slice(4)).toEqual(['2 end', '1 end']);
    expect(connection.sessionCount).toBe(0);
    expect(quic.resets).toEqual([8]);
    expect(quic.ended).toEqual(new Set([4, 0]));
    expect(quic.closed).toBe('');
  });

  it('answers other requests, and those that are not admitted, with their status', () => {
    const { quic, connection } = connect(() => 403);
    connection.receive(0, encodeFrame(FRAME.headers, encodeFields([[':method', 'GET']])), true);
    connection.receive(4, connectRequest('/'), false);
    const status = (stream: number) =>
      decodeFields(Uint8Array.from(quic.sent.get(stream)!).subarray(2))[0];
    expect([status(0), status(4)]).toEqual([
      [':status', '404'],
      [':status', '403'],
    ]);
  });

  it('accepts 4 sessions, with one stream each, and holds 64 KiB for a stream', () => {
    const { quic, connection, sessions, came } = connect();
    for (let stream = 0; stream <= 16; stream += 4) {
      connection.receive(stream, connectRequest('/'), false);
    }
    expect(sessions).toHaveLength(4);
    connection.receive(20, streamHeader(0), false);
    connection.receive(24, streamHeader(0), false);
    connection.receive(28, streamHeader(400), false);
    expect(quic.resets).toEqual([24, 28]);
    sessions[1]!.send(new Uint8Array(2 ** 16));
    expect(came).toEqual([]);
    sessions[1]!.send(new Uint8Array(1));
    expect(came).toEqual(['2 end']);
  });

  it.each([
    ['a second SETTINGS frame', 2, [0, ...encodeSettings(new Map()), ...encodeSettings(new Map())]],
    ['a request on the control stream', 2, [0, ...encodeFrame(FRAME.headers, hex('0000'))]],
    ['settings on a request', 0, [...encodeSettings(new Map())]],
    ['fields that cannot be read', 0, [...encodeFrame(FRAME.headers, hex('0180'))]],
    ['a second request of a session', 0, [...connectRequest('/'), ...connectRequest('/')]],
  ])('is closed, with its sessions, by %s', (_, stream, bytes) => {
    const { quic, connection, came } = connect();
    connection.receive(4, connectRequest('/'), false);
    connection.receive(stream, Uint8Array.from(bytes), false);
    expect(quic.closed).not.toBe('');
    expect(came.at(0)).toBe('1 end');
    connection.receive(8, connectRequest('/'), false);
    expect(connection.sessionCount).toBe(0);
  });

  it('drops a request that the page has reset, and ends its session', () => {
    const { connection, came } = connect();
    connection.receive(0, connectRequest('/'), false);
    connection.resetByPeer(0);
    connection.resetByPeer(4);
    expect(came).toEqual(['1 end']);
  });
});
