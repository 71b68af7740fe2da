import { describe, numberIn } from '../arguments.ts';
import { checkObject } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service } from '../services/service.ts';
import type { CreateSocket } from '../socket.ts';

/** Options of a session's connection: on a page, in a Worker or in Node. */
export interface SessionConnectionOptions {
  /**
   * The service, created by the function of its module, such as `openaiRealtime({ … })` of `micwire/services/openai-realtime`. Each
   * object is for one session only.
   */
  readonly service: Service;
  /**
   * Address of the service: `ws:`, `wss:`, `http:` or `https:`, absolute or relative to the page. A function is called before
   * every connection, and may take `connectTimeoutMs`.
   */
  readonly url: string | (() => string | Promise<string>);
  /**
   * Secret of the service. Because tokens expire, a function is called before every connection, and may take `connectTimeoutMs`.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Creates the socket. @default the scope's WebSocket */
  readonly createSocket?: CreateSocket | undefined;
  /**
   * Maximum length of audio that waits for a connection, in ms, 1000–3600000. Beyond it the oldest audio is dropped, and a `gap`
   * event reports it.
   * @default 60000
   */
  readonly maxOutboxMs?: number | undefined;
  /** The same limit in bytes, 65536–1073741824. @default 16777216 */
  readonly maxOutboxBytes?: number | undefined;
  /** Longest wait after the first failure, in ms, 1–3600000; it doubles with every further failure. @default 250 */
  readonly firstDelayMs?: number | undefined;
  /** Upper bound of every wait, in ms, 1–3600000. @default 10000 */
  readonly maxDelayMs?: number | undefined;
  /** How long `url` and `token` may take together, and then the opening of the socket, in ms, 1–600000. @default 10000 */
  readonly connectTimeoutMs?: number | undefined;
  /** How long the service may take to be ready on an open socket, in ms, 1–600000. @default 10000 */
  readonly readyTimeoutMs?: number | undefined;
  /** A connection without expected progress for this time is replaced, in ms, 500–600000. @default 5000 */
  readonly stallMs?: number | undefined;
}

/** The names of all options of a connection. */
export const CONNECTION_NAMES: OptionNames<SessionConnectionOptions> = {
  service: 1,
  url: 1,
  token: 1,
  createSocket: 1,
  maxOutboxMs: 1,
  maxOutboxBytes: 1,
  firstDelayMs: 1,
  maxDelayMs: 1,
  connectTimeoutMs: 1,
  readyTimeoutMs: 1,
  stallMs: 1,
};

/** Minimum and maximum of each limit. */
const RANGES = {
  maxOutboxMs: [1000, 3_600_000],
  maxOutboxBytes: [65_536, 2 ** 30],
  firstDelayMs: [1, 3_600_000],
  maxDelayMs: [1, 3_600_000],
  connectTimeoutMs: [1, 600_000],
  readyTimeoutMs: [1, 600_000],
  stallMs: [500, 600_000],
} as const;

/** @throws TypeError or RangeError for invalid options */
export function checkConnection(owner: string, options: SessionConnectionOptions): void {
  const { service, url, token, createSocket } = options;
  checkObject(`${owner}: service must be a Service`, service, 'input', 'connect', 'address');
  if (service.transport !== 'websocket') {
    throw new TypeError(
      `${owner}: '${service.id}' speaks TCP, which a page cannot. Use it in Node.`,
    );
  }
  if (typeof url !== 'string' && typeof url !== 'function') {
    throw new TypeError(`${owner}: url must be a string or a function, got ${describe(url)}.`);
  }
  if (token !== undefined && typeof token !== 'string' && typeof token !== 'function') {
    throw new TypeError(`${owner}: token must be a string or a function, got ${describe(token)}.`);
  }
  if (createSocket !== undefined && typeof createSocket !== 'function') {
    throw new TypeError(
      `${owner}: createSocket must be a function, got ${describe(createSocket)}.`,
    );
  }
  for (const name of Object.keys(RANGES) as (keyof typeof RANGES)[]) {
    const [least, most] = RANGES[name];
    if (options[name] !== undefined) numberIn(name, options[name], least, most);
  }
}
