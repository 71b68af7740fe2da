import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { refuseUpgrade } from '../../src/node/refuse-upgrade.ts';
import type { LinkEngineOptions } from './engine.ts';
import type { FromEngine, ToEngine } from './process-messages.ts';
import type { SpliceAddress } from './protocol.ts';
import type { ServerAddress } from './udp-splice.ts';
import { LinkControlError } from './protocol.ts';
import { ErrorBoundary } from '../server/error-boundary.ts';
import { isTrustedOrigin } from '../server/origin.ts';
import type { CallSplice } from '../server/signalling-rooms.ts';

/** The engine's limits, and who may reach it. */
export interface LinkProcessOptions extends LinkEngineOptions {
  /** Origins that may connect besides the server's own pages. See `isTrustedOrigin`. */
  readonly allowedOrigins?: readonly string[];
}

/** Where pages reach the engine. */
const PATH = '/link/';
/** Connections that may wait for the process to start. */
const MAX_WAITING = 64;
/** How long after its death the process is started again, ms: doubled each time it has lived for less than `STEADY_MS`. */
const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 30_000;
const STEADY_MS = 60_000;

interface Running {
  readonly child: ChildProcess;
  /** Calls that wait for their ports, by their number. */
  readonly waiting: Map<number, (reply: FromEngine) => void>;
  /** Resolves with the reason when the process has ended. */
  readonly ended: Promise<string>;
}

/**
 * The simulated network's process, seen from the server, and its supervisor. It starts when the first page asks for it. When it dies it
 * is started again; the connections of its sessions and lanes end with it, calls are told through `CallSplice.lost`, and all can
 * open again at once. `close` ends it, and so does the end of this process.
 */
export class LinkProcess {
  readonly #options: LinkProcessOptions;
  #running: Promise<Running> | null = null;
  #child: ChildProcess | null = null;
  #quicServer: ServerAddress | null = null;
  #waitingConnections = 0;
  #lastId = 0;
  #closed = false;
  readonly #boundary = new ErrorBoundary('link process');
  /** The engine's program, once it has been built. */
  #code: Promise<string> | null = null;
  #restarting: ReturnType<typeof setTimeout> | null = null;
  #restartMs = FIRST_RESTART_MS;
  #count = 0;

  constructor(options: LinkProcessOptions = {}) {
    this.#options = options;
  }

  /** How often the process has died without a request. */
  get deaths(): number {
    return this.#count;
  }

  /** The process's number; null while there is none. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /**
   * Hands connections for the engine over to its process. Upgrades to other paths are left to others.
   * @param server an HTTP server: whatever emits `'upgrade'`
   * @returns stops it
   */
  attach(server: EventEmitter): () => void {
    const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
      const url = request.url ?? '';
      if (!url.startsWith(PATH)) return;
      const { origin, host } = request.headers;
      if (!isTrustedOrigin(origin, host, this.#options.allowedOrigins ?? [])) {
        return refuseUpgrade(socket, '403 Forbidden');
      }
      // A connection under TLS is a state of this process, and cannot leave it.
      if (!(socket instanceof Socket) || 'encrypted' in socket) {
        return refuseUpgrade(socket, '501 Not Implemented');
      }
      if (this.#closed || this.#waitingConnections >= MAX_WAITING) {
        return refuseUpgrade(socket, '503 Service Unavailable');
      }
      socket.on('error', () => {});
      this.#waitingConnections++;
      void this.#handOver(request, socket, head).finally(() => this.#waitingConnections--);
    };
    const onUpgrade = this.#boundary.guard(upgrade, (_request, socket) => socket.destroy());
    server.on('upgrade', onUpgrade);
    return () => {
      server.off('upgrade', onUpgrade);
    };
  }

  /**
   * Opens a splice for a call: for the signalling's option `openSplice`. The caller is the first peer: what it sends
   * passes `forward`.
   * @param link a session's name, which its page knows; or that, a hyphen and a name for the lane
   * @throws LinkControlError
   */
  async openSplice(link: string): Promise<CallSplice> {
    const running = await this.#start();
    const splice = await this.#askSplice(running, { type: 'open-splice', link });
    const { lane } = splice;
    return {
      sendTo: sendToOf(splice),
      renew: async () =>
        sendToOf(await this.#askSplice(running, { type: 'renew-splice', link, lane })),
      lost: running.ended,
      close: () => post(running.child, { type: 'close-lane', link, lane }),
    };
  }

  async #askSplice(
    { child, waiting }: Running,
    request:
      | Omit<Extract<ToEngine, { type: 'open-splice' }>, 'id'>
      | Omit<Extract<ToEngine, { type: 'renew-splice' }>, 'id'>,
  ): Promise<SpliceAddress> {
    const ended = 'The simulated network has ended.';
    if (!child.connected) throw new LinkControlError('failed', ended);
    const id = ++this.#lastId;
    const reply = await new Promise<FromEngine>((resolve) => {
      waiting.set(id, resolve);
      post(child, { ...request, id });
    });
    if (reply.type === 'splice') return reply.splice;
    throw reply.type === 'refused'
      ? new LinkControlError(reply.code, reply.message)
      : new LinkControlError('failed', ended);
  }

  /** Sets where the lab's QUIC server is: pages can open lanes to it from now on. */
  setQuicServer(server: ServerAddress): void {
    this.#quicServer = server;
    if (this.#child !== null) post(this.#child, { type: 'quic-server', server });
  }

  /** Ends the process, and with it every session. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#restarting ?? undefined);
    this.#child?.kill();
    this.#child = null;
    this.#running = null;
  }

  async #handOver(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    try {
      const { child } = await this.#start();
      const { method = '', url = '', headers } = request;
      const message: ToEngine = {
        type: 'upgrade',
        request: { method, url, headers },
        head: head.toString('base64'),
      };
      child.send(message, socket, (error) => {
        if (error !== null) socket.destroy();
      });
      // Node delays this until the engine has the connection and it is closed here: anything read here would be lost.
      post(child, { type: 'handed-over' });
    } catch {
      refuseUpgrade(socket, '503 Service Unavailable');
    }
  }

  #start(): Promise<Running> {
    if (this.#closed) {
      return Promise.reject(
        new LinkControlError('failed', 'The simulated network has been closed.'),
      );
    }
    clearTimeout(this.#restarting ?? undefined);
    this.#restarting = null;
    this.#running ??= this.#launch().catch((error: unknown) => {
      this.#running = null;
      throw error;
    });
    return this.#running;
  }

  /** The process has died: the next one is there before a page asks again. */
  #restartLater(livedMs: number): void {
    this.#count++;
    this.#restartMs = livedMs >= STEADY_MS ? FIRST_RESTART_MS : this.#restartMs;
    this.#restarting = setTimeout(() => {
      this.#start().catch((error: unknown) => this.#boundary.report(error));
    }, this.#restartMs);
    this.#restarting.unref();
    this.#restartMs = Math.min(LAST_RESTART_MS, 2 * this.#restartMs);
  }

  async #launch(): Promise<Running> {
    this.#code ??= bundleEngine().catch((error: unknown) => {
      this.#code = null;
      throw error;
    });
    const code = await this.#code;
    if (this.#closed)
      throw new LinkControlError('failed', 'The simulated network has been closed.');
    // Its program comes through standard input, so no file has to be written or left behind.
    const child = spawn(process.execPath, ['--input-type=module', '-'], {
      stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
    });
    this.#child = child;
    const waiting: Running['waiting'] = new Map();
    const startedMs = performance.now();
    let isReady = false;
    let tellEnded: (reason: string) => void;
    const ended = new Promise<string>((resolve) => {
      tellEnded = resolve;
    });
    return new Promise((resolve, reject) => {
      // Also when it cannot be killed, or a message does not reach it: it must not end this process.
      child.on('error', reject);
      const onMessage = (message: FromEngine): void => {
        if (message.type === 'ready') {
          isReady = true;
          resolve({ child, waiting, ended });
        } else {
          waiting.get(message.id)?.(message);
          waiting.delete(message.id);
        }
      };
      child.on('message', this.#boundary.guard(onMessage));
      child.once('exit', (exitCode, signal) => {
        const words = `The simulated network has ended (${exitCode === null ? signal : `code ${exitCode}`}). Open it again.`;
        tellEnded(words);
        for (const [id, done] of waiting) {
          done({ type: 'refused', id, code: 'failed', message: words });
        }
        waiting.clear();
        reject(new LinkControlError('failed', words));
        if (this.#child !== child) return;
        this.#child = null;
        this.#running = null;
        // A process that does not even start is retried when a page asks.
        if (isReady && !this.#closed) this.#restartLater(performance.now() - startedMs);
      });
      child.stdin!.on('error', () => {});
      child.stdin!.end(code);
      const { allowedOrigins: _, ...options } = this.#options;
      post(child, { type: 'begin', options });
      const server = this.#quicServer;
      if (server !== null) post(child, { type: 'quic-server', server });
      // It does not keep a process alive that is otherwise done.
      child.unref();
      child.channel?.unref();
    });
  }
}

function sendToOf({ address, ports }: SpliceAddress): CallSplice['sendTo'] {
  return { caller: { address, port: ports[0] }, callee: { address, port: ports[1] } };
}

function post(child: ChildProcess, message: ToEngine): void {
  if (child.connected) child.send(message, () => {});
}

/** The engine and what it uses as one script: Node 20 runs no TypeScript. */
async function bundleEngine(): Promise<string> {
  const { rolldown } = await import('rolldown');
  const build = await rolldown({
    input: fileURLToPath(new URL('./main.ts', import.meta.url)),
    platform: 'node',
    // Optional speedups of `ws`.
    external: ['bufferutil', 'utf-8-validate'],
  });
  try {
    const { output } = await build.generate({ format: 'esm', codeSplitting: false });
    return output[0].code;
  } finally {
    await build.close();
  }
}
