import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { WebSocketLike } from '../src/core/socket.ts';
import { SipSocket } from '../src/web/sip/sip-socket.ts';

class FakeSocket implements WebSocketLike {
  binaryType = '';
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  closed = false;
  send(): void {}
  close(): void {
    this.closed = true;
  }
  lose(): void {
    this.onclose?.({ wasClean: false, code: 1006, reason: '' } as never);
  }
}

let told: unknown[][];
let make: () => WebSocketLike;
let socket: SipSocket;
beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  socket = new SipSocket({
    url: 'wss://sip.example.org/',
    createSocket: () => make(),
    seen: () => {},
  });
  socket.ondisconnect = (...all) => told.push(all);
});
afterEach(() => vi.useRealTimers());

/** Connects and loses the connection: what follows is a retry, as JsSIP makes it. */
function loseFirst(): void {
  const first = new FakeSocket();
  make = () => first;
  socket.connect();
  (first.onopen as () => void)();
  first.lose();
  expect(told.splice(0)).toEqual([[true, 1006, '']]);
}

it.each<[string, () => unknown, RegExp]>([
  [
    'throws',
    () => {
      throw new Error('the token has expired');
    },
    /^the token has expired$/,
  ],
  ['gives no socket', () => undefined, /^createSocket must return a WebSocket, got undefined\.$/],
])('a createSocket that %s in a retry is a connection that failed', (_, fail, reason) => {
  loseFirst();
  make = fail as () => WebSocketLike;
  for (let attempt = 0; attempt < 3; attempt++) {
    socket.connect();
    // JsSIP is not told within its own call.
    expect(told).toEqual([]);
    expect(socket.isConnecting()).toBe(false);
    vi.runAllTimers();
    expect(told.splice(0)).toEqual([[true, 1006, expect.stringMatching(reason)]]);
  }
  const good = new FakeSocket();
  make = () => good;
  socket.connect();
  expect(socket.isConnecting()).toBe(true);
});

it('a createSocket that throws at the first attempt throws to the caller', () => {
  make = () => {
    throw new Error('no token');
  };
  expect(() => socket.connect()).toThrow('no token');
  vi.runAllTimers();
  expect(told).toEqual([]);
});

it('a createSocket that ends the phone leaves no socket open', () => {
  loseFirst();
  const late = new FakeSocket();
  make = () => {
    socket.end();
    return late;
  };
  socket.connect();
  expect(late.closed).toBe(true);
  make = () => {
    throw new Error('not called');
  };
  socket.connect();
  vi.runAllTimers();
  expect(told).toEqual([]);
});
