import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { GRACE_MS } from '../src/core/patience.ts';
import {
  StreamMessageReader,
  encodeStreamMessage,
} from '../src/core/webtransport/stream-messages.ts';
import type {
  WebTransportInit,
  WebTransportTransportOptions,
} from '../src/web/transport/webtransport.ts';
import { WebTransportTransport } from '../src/web/transport/webtransport.ts';
import { FakeWebTransport } from './helpers/fake-web-transport.ts';

/* What every transport keeps is in test/transport.test.ts. */

const URL = 'https://lab.test:4433/audio';
const HASH = { algorithm: 'sha-256', value: new Uint8Array(32).fill(7) } as const;

let sessions: FakeWebTransport[] = [];

function connect(
  options: WebTransportTransportOptions = {},
  fake: ConstructorParameters<typeof FakeWebTransport>[0] = {},
): WebTransportTransport {
  const transport = WebTransportTransport.create(URL, {
    createWebTransport: () => {
      const session = new FakeWebTransport(fake);
      sessions.push(session);
      return session;
    },
    random: () => 1,
    ...options,
  });
  onTestFinished(() => transport.close());
  return transport;
}

beforeEach(() => {
  sessions = [];
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe('WebTransportTransport', () => {
  it('sends bytes that fit as one datagram each, and text, longer and empty bytes on the stream', async () => {
    const transport = connect({}, { maxDatagramSize: 100 });
    await transport.opened;
    const packet = new Uint8Array(100).fill(1);
    const long = new Uint8Array(101).fill(2);
    transport.send(packet);
    transport.send(long);
    transport.send('hello');
    transport.send(new Uint8Array(0));
    await expect.poll(() => transport.stats.receivedMessages).toBe(4);
    const [session] = sessions;
    expect(session!.echoed.written).toEqual([packet]);
    expect(session!.stream.written).toEqual([
      encodeStreamMessage(long),
      Uint8Array.of(0, 5, ...Buffer.from('hello')),
      Uint8Array.of(1, 0),
    ]);
  });

  it('sends everything on the stream if there are no datagrams', async () => {
    const transport = connect({}, { maxDatagramSize: 0 });
    await transport.opened;
    transport.send(Uint8Array.of(1));
    await expect.poll(() => transport.stats.receivedMessages).toBe(1);
    expect(sessions[0]!.echoed.written).toEqual([]);
    expect(sessions[0]!.stream.written).toEqual([Uint8Array.of(1, 1, 1)]);
  });

  it('passes the full address and the certificate hashes to the browser, and asks for low latency', () => {
    const asked: [string, WebTransportInit][] = [];
    const options = {
      createWebTransport: (url: string, init: WebTransportInit) => {
        asked.push([url, init]);
        return new FakeWebTransport();
      },
    };
    connect(options);
    connect({ ...options, serverCertificateHashes: [HASH] });
    expect(asked).toEqual([
      [URL, { congestionControl: 'low-latency' }],
      [URL, { congestionControl: 'low-latency', serverCertificateHashes: [HASH] }],
    ]);
  });

  it('reconnects when the session is cut, and reports it', async () => {
    const transport = connect({ firstDelayMs: 1 });
    const errors: string[] = [];
    transport.addEventListener('error', ({ detail }) => {
      expect(detail.code).toBe('transport');
      errors.push(detail.message);
    });
    await transport.opened;
    sessions[0]!.cut();
    await expect.poll(() => transport.state).toBe('waiting');
    await transport.opened;
    expect(sessions).toHaveLength(2);
    expect(errors).toEqual(['The connection was cut.']);
    expect(transport.stats.connections).toBe(2);
  });

  it('reports the code and the reason with which the server closed the session', async () => {
    const transport = connect({ firstDelayMs: 3_600_000 });
    await transport.opened;
    sessions[0]!.close({ closeCode: 7, reason: 'the lesson is over' });
    await expect.poll(() => transport.state).toBe('waiting');
    expect(transport.status.reason).toBe('The session was closed: the lesson is over (code 7).');
  });

  it('gives the likely cause when no session can be made, and tries again', async () => {
    const transport = connect({ firstDelayMs: 3_600_000 }, { opens: false });
    sessions[0]!.cut();
    await expect.poll(() => transport.state).toBe('waiting');
    expect(transport.status.reason).toBe(
      'The server cannot be reached over UDP, its certificate is not trusted, or it refused the session.',
    );
    transport.retryNow();
    expect(sessions).toHaveLength(2);
  });

  it('abandons an attempt that does not open in time', async () => {
    vi.useFakeTimers();
    const transport = connect({ connectTimeoutMs: 500 }, { opens: false });
    await vi.advanceTimersByTimeAsync(500 + GRACE_MS);
    expect(transport.status).toMatchObject({
      state: 'waiting',
      reason: 'The server does not answer.',
    });
  });

  it('replaces a session that accepts no more bytes', async () => {
    vi.useFakeTimers();
    const transport = connect({ stallTimeoutMs: 1000 });
    await vi.advanceTimersByTimeAsync(1);
    expect(transport.state).toBe('open');
    // The fake answers by setImmediate; one that never runs is a network that is gone.
    vi.stubGlobal('setImmediate', () => {});
    transport.send(new Uint8Array(10));
    expect(transport.bufferedBytes).toBe(10);
    await vi.advanceTimersByTimeAsync(1500);
    expect(transport.status).toMatchObject({
      state: 'waiting',
      reason: 'The connection stopped moving.',
    });
  });

  it('closes a session whose stream carries anything but messages', async () => {
    const transport = connect({ firstDelayMs: 3_600_000 });
    await transport.opened;
    sessions[0]!.stream.deliver(Uint8Array.of(2));
    await expect.poll(() => transport.state).toBe('waiting');
    expect(transport.status.reason).toBe(
      'The server sent something else than messages on the stream: A message on a stream begins with 0 or 1, got 2.',
    );
  });

  it('delivers the messages that precede invalid bytes', async () => {
    const transport = connect({ firstDelayMs: 3_600_000 });
    await transport.opened;
    const received: unknown[] = [];
    transport.addEventListener('message', ({ data }) => received.push(data));
    sessions[0]!.stream.deliver(
      Uint8Array.of(...encodeStreamMessage('one'), ...encodeStreamMessage('two'), 7),
    );
    await expect.poll(() => transport.state).toBe('waiting');
    expect(received).toEqual(['one', 'two']);
  });

  it('replaces a session if the server resets its stream, and reports it to both sides', async () => {
    const transport = connect({ firstDelayMs: 3_600_000 });
    await transport.opened;
    sessions[0]!.stream.fail();
    await expect.poll(() => transport.state).toBe('waiting');
    const reason = "The server's messages ended: The session is closed.";
    expect(transport.status.reason).toBe(reason);
    expect(await sessions[0]!.closed).toEqual({ closeCode: 2, reason });
  });

  it('replaces a session that refuses a message, and reports it', async () => {
    const transport = connect({ firstDelayMs: 3_600_000 });
    await transport.opened;
    sessions[0]!.stream.stop();
    transport.send('hello');
    await expect.poll(() => transport.state).toBe('waiting');
    expect(transport.status.reason).toBe(
      'A message could not be sent: The server reads no more of it.',
    );
    expect(transport.bufferedBytes).toBe(0);
  });

  it('reports that a session has no stream for it', async () => {
    const transport = connect({
      firstDelayMs: 3_600_000,
      createWebTransport: () =>
        Object.assign(new FakeWebTransport(), {
          createBidirectionalStream: () => Promise.reject(new Error('Too many.')),
        }),
    });
    await expect.poll(() => transport.state).toBe('waiting');
    expect(transport.status.reason).toBe('The stream could not be opened: Too many.');
  });

  it('stays open when the server ends its side of the stream', async () => {
    const transport = connect();
    await transport.opened;
    sessions[0]!.stream.finish();
    transport.send(Uint8Array.of(1));
    await expect.poll(() => transport.stats.receivedMessages).toBe(1);
    expect(transport.state).toBe('open');
  });

  it('reports the reason of the server, even if its streams fail before it is known', async () => {
    const transport = connect({ firstDelayMs: 3_600_000 });
    await transport.opened;
    const session = sessions[0]!;
    const end = session.close.bind(session);
    // The server has ended it: a close by this side has no effect.
    const close = vi.spyOn(session, 'close').mockImplementation(() => {});
    session.stream.fail();
    await expect.poll(() => close.mock.calls.length).toBe(1);
    end({ closeCode: 2, reason: 'the lesson is over' });
    await expect.poll(() => transport.state).toBe('waiting');
    expect(transport.status.reason).toBe('The session was closed: the lesson is over (code 2).');
  });

  it('sends messages of 16 MiB, and refuses longer ones', async () => {
    const transport = connect({ highWaterBytes: 2 ** 26 });
    await transport.opened;
    expect(transport.send(new Uint8Array(2 ** 24))).toBe(true);
    expect(() => transport.send(new Uint8Array(2 ** 24 + 1))).toThrow(
      new RangeError('A message on a stream has at most 16777216 bytes, got 16777217.'),
    );
    expect(transport.stats).toMatchObject({ sentMessages: 1, droppedMessages: 1 });
    expect(transport.state).not.toBe('waiting');
  });

  it('refuses a heartbeat of bytes, which a datagram may lose', async () => {
    const bytes = { message: Uint8Array.of(1) as unknown as string };
    expect(() => connect({ heartbeat: bytes })).toThrow(
      new TypeError(
        'heartbeat.message must be a string or a function that returns one, got Uint8Array.',
      ),
    );
    vi.useFakeTimers();
    const later = { message: () => Uint8Array.of(1) as unknown as string, intervalMs: 1000 };
    const transport = connect({ heartbeat: later, firstDelayMs: 600_000 });
    await vi.advanceTimersByTimeAsync(2000);
    expect(transport.status).toMatchObject({
      state: 'waiting',
      reason: `The heartbeat could not be sent: heartbeat.message must be a string or a function that returns one, got Uint8Array.`,
    });
  });

  it('keeps a session if the server answers the heartbeat, which travels on the stream', async () => {
    vi.useFakeTimers();
    const transport = connect({ heartbeat: { message: 'ping', intervalMs: 1000 } });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(transport.stats.connections).toBe(1);
    expect(sessions[0]!.stream.written[0]).toEqual(encodeStreamMessage('ping'));
  });

  it('is refused without WebTransport in the scope, with the cure', () => {
    expect(() => WebTransportTransport.create(URL)).toThrow(
      expect.objectContaining({
        name: 'MicwireError',
        code: 'unsupported',
        message: expect.stringContaining('Use WebSocketTransport there.'),
      }),
    );
  });

  it('uses the WebTransport of the scope', async () => {
    vi.stubGlobal('WebTransport', FakeWebTransport);
    const transport = WebTransportTransport.create(URL);
    onTestFinished(() => transport.close());
    await transport.opened;
  });

  it('refuses invalid addresses and hashes', () => {
    expect(() => WebTransportTransport.create('wss://lab.test')).toThrow(
      "url must be an https: address, got 'wss:'.",
    );
    const withHashes = (hashes: unknown) => () =>
      connect({ serverCertificateHashes: hashes as [] });
    expect(withHashes('ab')).toThrow(TypeError);
    expect(withHashes([{ algorithm: 'sha-1', value: HASH.value }])).toThrow(TypeError);
    expect(withHashes([null])).toThrow(TypeError);
    expect(withHashes([{ algorithm: 'sha-256', value: new Uint8Array(20) }])).toThrow(
      'A SHA-256 has 32 bytes, got 20.',
    );
  });
});

describe('messages on a stream', () => {
  it('are read whole, however their bytes are split', () => {
    const sent = ['', 'größer 🎤', new Uint8Array(0), new Uint8Array(70_000).fill(3), 'end'];
    const bytes = Buffer.concat(sent.map((message) => encodeStreamMessage(message)));
    for (const piece of [1, 2, 3, 1000, bytes.length]) {
      const reader = new StreamMessageReader();
      const read = [];
      for (let at = 0; at < bytes.length; at += piece) {
        read.push(...reader.read(bytes.subarray(at, at + piece)));
      }
      expect(read).toEqual(sent);
    }
  });

  it('that are too long are refused when their length is known', () => {
    const reader = new StreamMessageReader(100);
    expect([...reader.read(encodeStreamMessage(new Uint8Array(100)))]).toHaveLength(1);
    expect(() => [...reader.read(encodeStreamMessage(new Uint8Array(101)).subarray(0, 3))]).toThrow(
      expect.objectContaining({ name: 'PacketError', reason: 'oversized' }),
    );
  });
});
