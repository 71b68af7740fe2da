import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MicwireError } from '../src/core/errors.ts';
import { GRACE_MS } from '../src/core/patience.ts';
import { BackOff } from '../src/web/transport/back-off.ts';
import type { WebSocketLike } from '../src/core/socket.ts';
import type { WebSocketTransportOptions } from '../src/web/transport/websocket.ts';
import { WebSocketTransport } from '../src/web/transport/websocket.ts';

/** Time in which a late answer is still taken, and the least that a timer takes, in ms. */
const LATE_MS = GRACE_MS + 1;

/** A socket whose network is the test. */
class FakeSocket implements WebSocketLike {
  binaryType = 'blob';
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly sent: unknown[] = [];
  closed = false;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }
  send(data: unknown): void {
    this.sent.push(data);
  }
  close(): void {
    this.closed = true;
  }
  open(): void {
    this.onopen?.(undefined as never);
  }
  lose(code = 1006, reason = ''): void {
    this.onerror?.(undefined as never);
    this.onclose?.({ code, reason } as never);
  }
}

let sockets: FakeSocket[] = [];
const transports: WebSocketTransport[] = [];

function connect(options: WebSocketTransportOptions = {}): WebSocketTransport {
  const transport = WebSocketTransport.create('ws://lab.test/echo', {
    createSocket: (url) => {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket;
    },
    random: () => 1,
    ...options,
  });
  transports.push(transport);
  return transport;
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
});
afterEach(() => {
  for (const transport of transports.splice(0)) void transport.close();
  vi.useRealTimers();
});

describe('a WebSocket that is lost', () => {
  it('reconnects by itself, later after every failure, up to the bound', () => {
    const transport = connect({ firstDelayMs: 500, maxDelayMs: 3000 });
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      sockets.at(-1)!.lose();
      expect(transport.status).toMatchObject({ state: 'waiting', failedAttempts: i + 1 });
      waits.push(transport.status.retryInMs);
      vi.advanceTimersByTime(transport.status.retryInMs - 1);
      expect(sockets.length).toBe(i + 1);
      vi.advanceTimersByTime(1);
      expect(sockets.length).toBe(i + 2);
      expect(transport.status.state).toBe('connecting');
    }
    expect(waits).toEqual([500, 1000, 2000, 3000, 3000, 3000]);
  });

  it('gives the reason, while it waits and while it tries again', () => {
    const transport = connect();
    sockets[0]!.lose();
    expect(transport.status.reason).toMatch(/cannot be reached/);
    vi.advanceTimersByTime(500);
    expect(transport.status).toMatchObject({ state: 'connecting', failedAttempts: 1 });
    expect(transport.status.reason).toMatch(/cannot be reached/);
    sockets[1]!.open();
    expect(transport.status).toMatchObject({ state: 'open', reason: '' });
    sockets[1]!.lose(1009, 'too long');
    expect(transport.status.reason).toBe('The server ended the connection: too long (code 1009).');
  });

  it('restarts the back-off only after a connection that lasted', () => {
    const transport = connect();
    for (const lived of [0, 4999]) {
      sockets.at(-1)!.open();
      vi.advanceTimersByTime(lived);
      sockets.at(-1)!.lose();
      vi.advanceTimersByTime(transport.status.retryInMs);
    }
    sockets.at(-1)!.open();
    vi.advanceTimersByTime(5000);
    expect(transport.status.failedAttempts).toBe(2);
    sockets.at(-1)!.lose();
    expect(transport.status.failedAttempts).toBe(1);
  });

  it.each<[string, WebSocketTransportOptions, number]>([
    ['take nothing', { stallTimeoutMs: 8000 }, 8000],
    ['do not answer the heartbeat', { heartbeat: { message: 'ping' } }, 25_000],
  ])('comes back later each time where connections open, but %s', (_, options, lostAfterMs) => {
    const transport = connect({ ...options, firstDelayMs: 500, maxDelayMs: 3000 });
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const socket = sockets.at(-1)!;
      socket.open();
      transport.send('hello');
      if (options.heartbeat === undefined) socket.bufferedAmount = 5;
      vi.advanceTimersByTime(lostAfterMs + LATE_MS);
      expect(transport.status).toMatchObject({ state: 'waiting', failedAttempts: i + 1 });
      waits.push(transport.status.retryInMs);
      vi.advanceTimersByTime(transport.status.retryInMs);
    }
    expect(waits).toEqual([500, 1000, 2000, 3000]);
  });

  it('restarts the back-off if the server has answered, even if it is silent later', () => {
    const transport = connect({ heartbeat: { message: 'ping' } });
    sockets[0]!.lose();
    vi.advanceTimersByTime(transport.status.retryInMs);
    sockets[1]!.open();
    vi.advanceTimersByTime(15_000);
    sockets[1]!.onmessage?.({ data: 'pong' } as never);
    vi.advanceTimersByTime(25_000 + LATE_MS);
    expect(transport.status).toMatchObject({ state: 'waiting', failedAttempts: 1 });
  });

  it('drops and counts messages sent meanwhile', () => {
    const transport = connect();
    sockets[0]!.open();
    sockets[0]!.lose();
    expect(transport.send('abc')).toBe(false);
    expect(transport.stats).toMatchObject({ droppedMessages: 1, droppedBytes: 3, sentMessages: 0 });
  });

  it('tries at once on request, and does not try twice', () => {
    const transport = connect();
    sockets[0]!.lose();
    transport.retryNow();
    transport.retryNow();
    expect(sockets.length).toBe(2);
    vi.advanceTimersByTime(9000);
    expect(sockets.length).toBe(2);
  });

  it('is ignored once it was given up', () => {
    const transport = connect({ connectTimeoutMs: 1000 });
    vi.advanceTimersByTime(1000 + LATE_MS);
    expect(transport.status).toMatchObject({
      state: 'waiting',
      reason: 'The server does not answer.',
    });
    expect(sockets[0]!.closed).toBe(true);
    sockets[0]!.open();
    sockets[0]!.lose();
    expect(transport.status).toMatchObject({ state: 'waiting', failedAttempts: 1 });
  });

  it('is taken if it opened while the page was busy for longer than the attempt may take', () => {
    const transport = connect({ connectTimeoutMs: 1000 });
    vi.advanceTimersByTime(1000);
    sockets[0]!.open();
    vi.advanceTimersByTime(LATE_MS);
    expect(transport.status).toMatchObject({ state: 'open', failedAttempts: 0 });
  });

  it('stays closed after close during an attempt', () => {
    const transport = connect();
    sockets[0]!.lose();
    void transport.close();
    vi.advanceTimersByTime(60_000);
    expect(sockets.length).toBe(1);
    expect(transport.status.state).toBe('closed');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a network that is too slow', () => {
  const marks = { highWaterBytes: 1000, lowWaterBytes: 100 };

  it('makes the transport drop messages from the high mark down to the low mark', () => {
    const transport = connect(marks);
    const socket = sockets[0]!;
    socket.open();
    const outcomes: boolean[] = [];
    for (const buffered of [0, 1000, 1001, 900, 101, 100, 900]) {
      socket.bufferedAmount = buffered;
      outcomes.push(transport.send('x'));
    }
    expect(outcomes).toEqual([true, true, false, false, false, true, true]);
    expect(socket.sent.length).toBe(4);
    expect(transport.stats.droppedMessages).toBe(3);
  });

  it('makes the transport reconnect if nothing has moved for the stall timeout', () => {
    const transport = connect({ ...marks, stallTimeoutMs: 2000 });
    const socket = sockets[0]!;
    socket.open();
    socket.bufferedAmount = 5000;
    transport.send('x');
    vi.advanceTimersByTime(1999);
    socket.bufferedAmount = 4999; // it moves, if slowly
    transport.send('x');
    vi.advanceTimersByTime(1999);
    transport.send('x');
    expect(transport.status.state).toBe('congested');
    vi.advanceTimersByTime(1);
    transport.send('x');
    vi.advanceTimersByTime(LATE_MS);
    expect(transport.status.state).toBe('waiting');
    expect(socket.closed).toBe(true);
    expect(transport.bufferedBytes).toBe(0);
    expect(transport.stats.droppedMessages).toBe(4);
  });
});

describe('the address', () => {
  it.each([
    ['http://lab.test/echo', 'ws://lab.test/echo'],
    ['https://lab.test/echo?a=1', 'wss://lab.test/echo?a=1'],
    ['wss://lab.test/echo', 'wss://lab.test/echo'],
  ])('%s becomes %s', (given, used) => {
    const createSocket = (url: string) => new FakeSocket(url);
    const transport = WebSocketTransport.create(given, { createSocket });
    transports.push(transport);
    expect(transport.url).toBe(used);
  });

  it('must be valid', () => {
    expect(() => WebSocketTransport.create('file:///etc/passwd')).toThrow(TypeError);
    expect(() => WebSocketTransport.create('no address')).toThrow(TypeError);
  });

  it('needs a WebSocket, and the error says how to provide one', () => {
    vi.stubGlobal('WebSocket', undefined);
    expect(() => WebSocketTransport.create('ws://lab.test')).toThrow(MicwireError);
    vi.unstubAllGlobals();
  });
});

describe('BackOff', () => {
  it('waits at least half and at most all of the doubled delay', () => {
    const backOff = new BackOff({ firstDelayMs: 100, maxDelayMs: 1000 });
    expect(backOff.delayMs(3, 0)).toBe(200);
    expect(backOff.delayMs(3, 0.5)).toBe(300);
    expect(backOff.delayMs(2000, 0)).toBe(500);
    expect(() => new BackOff({ firstDelayMs: 0 })).toThrow(RangeError);
    expect(() => new BackOff({ firstDelayMs: 100, maxDelayMs: 99 })).toThrow(RangeError);
  });
});

describe('an idle connection', () => {
  it('is found to be drained without another message', () => {
    const transport = connect({ highWaterBytes: 100, lowWaterBytes: 10 });
    const states: string[] = [];
    transport.addEventListener('statechange', () => {
      const { state } = transport.status;
      states.push(state);
    });
    sockets[0]!.open();
    sockets[0]!.bufferedAmount = 101;
    expect(transport.send('x')).toBe(false);
    sockets[0]!.bufferedAmount = 0;
    vi.advanceTimersByTime(1000);
    expect(states).toEqual(['open', 'congested', 'open']);
  });

  it('is given up when bytes do not leave the socket, however few they are', () => {
    const transport = connect({ stallTimeoutMs: 4000 });
    sockets[0]!.open();
    expect(transport.send('hello')).toBe(true);
    sockets[0]!.bufferedAmount = 5;
    vi.advanceTimersByTime(3000);
    expect(transport.status.state).toBe('open');
    const told: string[] = [];
    transport.addEventListener('statechange', () => {
      const { state, reason } = transport.status;
      told.push(`${state}: ${reason}`);
    });
    vi.advanceTimersByTime(2000);
    expect(told[0]).toBe('waiting: The connection stopped moving.');
    expect(sockets[0]!.closed).toBe(true);
  });

  it('is kept while bytes leave it, even if more and more wait', () => {
    const transport = connect({ stallTimeoutMs: 4000 });
    sockets[0]!.open();
    for (let second = 0; second < 60; second++) {
      expect(transport.send('x'.repeat(1000))).toBe(true);
      sockets[0]!.bufferedAmount += 1000 - 10;
      vi.advanceTimersByTime(1000);
    }
    expect(transport.status.state).toBe('open');
  });

  it('may be silent for an hour', () => {
    const transport = connect();
    sockets[0]!.open();
    vi.advanceTimersByTime(3_600_000);
    expect(transport.status.state).toBe('open');
    void transport.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('pings a silent server by its heartbeat, and gives it up when it does not answer', () => {
    const heartbeat = { message: 'ping', intervalMs: 5000, timeoutMs: 2000 };
    const transport = connect({ heartbeat });
    sockets[0]!.open();
    for (let answered = 0; answered < 3; answered++) {
      vi.advanceTimersByTime(5500);
      expect(sockets[0]!.sent).toHaveLength(answered + 1);
      sockets[0]!.onmessage?.({ data: 'pong' } as never);
    }
    expect(transport.stats).toMatchObject({ sentMessages: 3, receivedMessages: 3 });
    vi.advanceTimersByTime(5500);
    expect(transport.status.state).toBe('open');
    const told: string[] = [];
    transport.addEventListener('statechange', () => {
      const { state, reason } = transport.status;
      told.push(`${state}: ${reason}`);
    });
    vi.advanceTimersByTime(2000 + LATE_MS);
    expect(told[0]).toBe('waiting: The server does not answer.');
    expect(() => connect({ heartbeat: { message: 1 as never } })).toThrow(TypeError);
  });

  it('is kept if the answer waited behind the timer while the page was busy', () => {
    const heartbeat = { message: 'ping', intervalMs: 5000, timeoutMs: 2000 };
    const transport = connect({ heartbeat });
    const socket = sockets[0]!;
    socket.open();
    for (let i = 0; i < 3; i++) {
      vi.advanceTimersByTime(i === 0 ? 7000 : 7000 - LATE_MS);
      socket.onmessage?.({ data: 'pong' } as never);
      vi.advanceTimersByTime(LATE_MS);
      expect(transport.status.state).toBe('open');
    }
    expect(socket.sent).toHaveLength(3);
    void transport.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is kept if bytes left the socket while the page was busy', () => {
    const transport = connect({ stallTimeoutMs: 2000 });
    const socket = sockets[0]!;
    socket.open();
    transport.send('hello');
    socket.bufferedAmount = 5;
    vi.advanceTimersByTime(2000);
    socket.bufferedAmount = 0;
    vi.advanceTimersByTime(LATE_MS);
    expect(transport.status.state).toBe('open');
  });

  it('with a heartbeat that throws is given up, without an uncaught exception', () => {
    const message = (): string => {
      throw new Error('no token');
    };
    const transport = connect({ heartbeat: { message, intervalMs: 1000 } });
    sockets[0]!.open();
    vi.advanceTimersByTime(2000);
    expect(transport.status.reason).toMatch(/no token/);
  });
});

describe('createSocket', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('the token has expired');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the token has expired'))],
  ])('that %s in a retry counts as another failed attempt', async (_, fail) => {
    let failing = false;
    const transport = connect({
      createSocket: (url) => {
        if (failing) return fail();
        const socket = new FakeSocket(url);
        sockets.push(socket);
        return socket;
      },
    });
    const told: string[] = [];
    transport.addEventListener('statechange', () => {
      const { state, reason } = transport.status;
      told.push(`${state} ${reason}`);
    });
    failing = true;
    sockets[0]!.lose();
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(transport.status).toMatchObject({ state: 'waiting', failedAttempts: attempt });
      await vi.advanceTimersByTimeAsync(transport.status.retryInMs);
    }
    expect(transport.status.reason).toBe('The connection could not be made: the token has expired');
    failing = false;
    await vi.advanceTimersByTimeAsync(transport.status.retryInMs);
    sockets.at(-1)!.open();
    expect(transport.status.state).toBe('open');
    expect(told.filter((line) => line.startsWith('waiting'))).toHaveLength(4);
  });

  it.each<[string, () => unknown, string]>([
    ['undefined', () => undefined, 'undefined'],
    ['null', () => null, 'null'],
    ['a string', () => 'ws', "'ws'"],
    ['an empty object', () => ({}), 'an object'],
    ['a promise of undefined', () => Promise.resolve(undefined), 'undefined'],
    ['a promise of null', () => Promise.resolve(null), 'null'],
  ])(
    'that gives %s is refused at first or a failed attempt, and others follow',
    async (_, give, got) => {
      const reason = `createSocket must return a WebSocket, got ${got}.`;
      const unhandled = vi.fn();
      process.on('unhandledRejection', unhandled);
      try {
        let bad = false;
        const transport = connect({
          createSocket: (url) => {
            if (bad) return give() as WebSocketLike;
            const socket = new FakeSocket(url);
            sockets.push(socket);
            return socket;
          },
        });
        bad = true;
        sockets[0]!.lose();
        for (let attempt = 1; attempt <= 3; attempt++) {
          expect(transport.status).toMatchObject({ state: 'waiting', failedAttempts: attempt });
          await vi.advanceTimersByTimeAsync(transport.status.retryInMs);
        }
        expect(transport.status.reason).toBe(`The connection could not be made: ${reason}`);
        bad = false;
        await vi.advanceTimersByTimeAsync(transport.status.retryInMs);
        sockets.at(-1)!.open();
        expect(transport.status.state).toBe('open');
        expect(unhandled).not.toHaveBeenCalled();
        if (give() instanceof Promise) return;
        expect(() => connect({ createSocket: give as () => WebSocketLike })).toThrow(
          new TypeError(reason),
        );
      } finally {
        process.off('unhandledRejection', unhandled);
      }
    },
  );

  it.each([false, true])(
    'that closes its transport leaves no socket open (by a promise: %s)',
    async (later) => {
      const made = new FakeSocket('second');
      let closes = false;
      const transport = connect({
        createSocket: (url) => {
          if (closes) {
            void transport.close();
            return later ? Promise.resolve(made) : made;
          }
          const socket = new FakeSocket(url);
          sockets.push(socket);
          return socket;
        },
      });
      closes = true;
      sockets[0]!.lose();
      await vi.advanceTimersByTimeAsync(60_000);
      expect(transport.status.state).toBe('closed');
      expect(made.closed).toBe(true);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it('may return its socket later, and one that is too late is closed', async () => {
    const gives: ((socket: WebSocketLike) => void)[] = [];
    const transport = connect({
      createSocket: () => new Promise<WebSocketLike>((resolve) => gives.push(resolve)),
    });
    expect(transport.status.state).toBe('connecting');
    await vi.advanceTimersByTimeAsync(10_000 + LATE_MS);
    expect(transport.status).toMatchObject({ state: 'waiting', failedAttempts: 1 });
    await vi.advanceTimersByTimeAsync(transport.status.retryInMs);
    const [late, second] = [new FakeSocket('a'), new FakeSocket('b')];
    gives[0]!(late);
    gives[1]!(second);
    await vi.advanceTimersByTimeAsync(0);
    second.open();
    expect(late.closed).toBe(true);
    expect(transport.status.state).toBe('open');
    expect(transport.send('x')).toBe(true);
    expect(second.sent).toEqual(['x']);
    void transport.close();
    expect(second.closed).toBe(true);
  });
});

it('a message that throws in send is counted as dropped, not as sent', () => {
  const transport = connect();
  sockets[0]!.open();
  sockets[0]!.send = () => {
    throw new TypeError('it is shared memory');
  };
  expect(() => transport.send(new Uint8Array(3))).toThrow(TypeError);
  expect(transport.stats).toMatchObject({ sentMessages: 0, droppedMessages: 1, droppedBytes: 3 });
});

describe('messages sent while there is no connection', () => {
  it('are held across a lost connection, in order, and sent before anything else', async () => {
    const transport = connect({ holdMs: 60_000 });
    sockets[0]!.open();
    await transport.opened;
    sockets[0]!.lose();
    const { opened } = transport;
    expect(transport.send('a')).toBe(true);
    vi.advanceTimersByTime(transport.status.retryInMs);
    expect(transport.send('b')).toBe(true);
    transport.addEventListener('statechange', () => transport.send('c'));
    sockets[1]!.open();
    expect(sockets[1]!.sent).toEqual(['a', 'b', 'c']);
    await opened;
    expect(transport.stats).toMatchObject({ sentMessages: 3, droppedMessages: 0 });
  });

  it('are dropped and counted when they have waited longer than holdMs', () => {
    const transport = connect({ holdMs: 1000 });
    transport.send('old');
    vi.advanceTimersByTime(600);
    transport.send('young');
    expect(transport.bufferedBytes).toBe(8);
    vi.advanceTimersByTime(500);
    expect(transport.bufferedBytes).toBe(5);
    expect(transport.stats).toMatchObject({ droppedMessages: 1, droppedBytes: 3 });
    sockets[0]!.open();
    expect(sockets[0]!.sent).toEqual(['young']);
  });

  it('keep a sender waiting through every attempt, until one succeeds', async () => {
    const transport = connect();
    let opened = 0;
    void transport.opened.then(() => opened++);
    for (let i = 0; i < 3; i++) {
      sockets.at(-1)!.lose();
      await vi.advanceTimersByTimeAsync(transport.status.retryInMs);
    }
    expect(opened).toBe(0);
    sockets.at(-1)!.open();
    await vi.advanceTimersByTimeAsync(0);
    expect(opened).toBe(1);
  });
});
