import { describe } from '../arguments.ts';
import type { Service, ServiceAddress } from '../services/service.ts';
import { madeSocket } from '../socket.ts';
import type { CreateSocket, WebSocketLike } from '../socket.ts';
import type { SessionIo, SocketHandle, SocketListener } from './session-driver.ts';
import { errorText } from '../errors.ts';

/** The environment of a session: a page, a Worker or Node. */
export interface SessionScope {
  /** Returns the time in ms of a monotonic clock. */
  now(): number;
  /** Calls `run` after `ms`. @returns a function that cancels it */
  setTimer(ms: number, run: () => void): () => void;
  /** Returns a uniform number in [0, 1). */
  random(): number;
  /** Returns the absolute address, with `ws:` or `wss:`. @throws TypeError for an invalid one */
  absolute(url: string): string;
  readonly createSocket: CreateSocket;
}

/** Where a session connects, and with which token: functions are called before every connection. */
export interface SessionTarget {
  /** Address, `ws:`, `wss:`, `http:` or `https:`, absolute or relative to the page. */
  readonly url: string | (() => string | Promise<string>);
  /** Token. Because tokens expire, a function is called for each connection. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
}

/** Code of a connection that was lost or never made (RFC 6455 §7.1.5). */
const LOST = 1006;

/** Creates a socket, and reports its events. Never throws: a socket that cannot be created counts as closed. */
function openSocket(
  scope: SessionScope,
  { url, protocols }: ServiceAddress,
  listener: SocketListener,
): SocketHandle {
  let socket: WebSocketLike;
  try {
    socket = madeSocket(scope.createSocket(url, protocols));
    socket.binaryType = 'arraybuffer';
  } catch (error) {
    const reason = errorText(error);
    const cancel = scope.setTimer(0, () => listener.closed(LOST, reason));
    return { bufferedBytes: 0, send: () => {}, close: cancel };
  }
  socket.onopen = () => listener.opened();
  socket.onmessage = ({ data }: { readonly data: unknown }) => {
    listener.message(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
  };
  // An error is always followed by a close (WHATWG WebSockets §6), and adds no information; but `ws` throws without a handler.
  socket.onerror = () => {};
  socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) => {
    letGo(socket);
    listener.closed(code, reason);
  };
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (message) => socket.send(message),
    close: (code) => {
      letGo(socket);
      // Pages may not close with other codes (WHATWG WebSockets §3.1).
      if (code === 1000 || (code >= 3000 && code <= 4999)) socket.close(code);
      else socket.close();
    },
  };
}

function letGo(socket: WebSocketLike): void {
  socket.onopen = null;
  socket.onmessage = null;
  socket.onclose = null;
  socket.onerror = () => {};
}

/**
 * Calls the app's functions for an address and a token, and asks the service for its own.
 * @throws what they throw; TypeError for an answer of another type
 */
async function findAddress(
  scope: SessionScope,
  { url, token }: SessionTarget,
  service: Service,
): Promise<ServiceAddress> {
  const [where, key] = await Promise.all([
    answerOf('url', url),
    token === undefined ? undefined : answerOf('token', token),
  ]);
  return service.address(scope.absolute(where), key);
}

async function answerOf(
  name: string,
  given: string | (() => string | Promise<string>),
): Promise<string> {
  const answer: unknown = typeof given === 'function' ? await given() : given;
  if (typeof answer === 'string') return answer;
  throw new TypeError(`${name} must give a string, got ${describe(answer)}.`);
}

/** The timers, sockets and functions for a session's driver. */
export function sessionIo(scope: SessionScope, target: SessionTarget, service: Service): SessionIo {
  return {
    now: () => scope.now(),
    setTimer: (ms, run) => scope.setTimer(ms, run),
    random: () => scope.random(),
    address: () => findAddress(scope, target, service),
    connect: (address, listener) => openSocket(scope, address, listener),
  };
}
