import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import { deferred } from '../../../src/core/deferred.ts';
import type { Deferred } from '../../../src/core/deferred.ts';
import { ErrorBoundary } from '../error-boundary.ts';
import type { JanusProcess } from './janus-process.ts';

/** A session without requests ends after a minute. */
const KEEP_ALIVE_MS = 25_000;
const ANSWER_MS = 10_000;

/** A message of Janus: every field that is read is checked. */
type Fields = Readonly<Record<string, unknown>>;

/** A session description, as Janus has it. */
interface JanusDescription {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
}

/** What a plugin answers. */
export interface PluginAnswer {
  readonly data: Fields;
  /** Its description; may be empty. */
  readonly sdp: string;
}

/** A refusal by Janus, with its own code. */
export class JanusError extends Error {
  override readonly name: 'JanusError' = 'JanusError';
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.code = code;
  }
}

/** One participant of one room: a peer connection at Janus. */
export class JanusHandle {
  /** Settles when it is connected: from then on a room knows a publisher. */
  readonly up: Promise<void>;
  readonly #client: JanusClient;
  readonly #id: number;

  /** @internal */
  constructor(client: JanusClient, id: number, up: Promise<void>) {
    this.#client = client;
    this.#id = id;
    this.up = up;
  }

  /** Asks the plugin. @throws JanusError */
  async request(body: Fields, description?: JanusDescription): Promise<PluginAnswer> {
    const jsep = description === undefined ? {} : { jsep: description };
    const message = { janus: 'message', handle_id: this.#id, body, ...jsep };
    const answer = await this.#client.ask(message, false);
    const data = fieldsOf(fieldsOf(answer['plugindata'])['data']);
    if (data['error'] !== undefined) throw errorOf(data['error_code'], data['error']);
    const { sdp } = fieldsOf(answer['jsep']) as { readonly sdp?: unknown };
    return { data, sdp: typeof sdp === 'string' ? sdp : '' };
  }

  /** Passes on a candidate; null: there will be no more. */
  async trickle(candidate: string | null, mid: string): Promise<void> {
    const words =
      candidate === null ? { completed: true } : { candidate, sdpMid: mid, sdpMLineIndex: 0 };
    await this.#client.ask({ janus: 'trickle', handle_id: this.#id, candidate: words }, true);
  }

  /** Ends the connection and leaves the room. Never rejects. */
  async close(): Promise<void> {
    this.#client.forget(this.#id);
    await this.#client.ask({ janus: 'detach', handle_id: this.#id }, true).catch(() => {});
  }
}

interface Asked {
  readonly answer: Deferred<Fields>;
  readonly takesAck: boolean;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Janus' own protocol: JSON over a WebSocket, with the number of the request in its answer. */
export class JanusClient {
  readonly #socket: WebSocket;
  readonly #secret: string;
  readonly #asked = new Map<string, Asked>();
  /** What to do when a peer's connection is open, and when it is gone. */
  readonly #peers = new Map<number, { readonly up: () => void; readonly gone: () => void }>();
  readonly #gone = deferred<void>();
  #session: number | null = null;
  #keeping: ReturnType<typeof setInterval> | undefined;

  /** Opens a session. @throws Error when Janus does not answer */
  static async open({ url, secret }: Pick<JanusProcess, 'url' | 'secret'>): Promise<JanusClient> {
    const socket = new WebSocket(url, 'janus-protocol', { perMessageDeflate: false });
    await once(socket, 'open');
    const client = new JanusClient(socket, secret);
    client.#session = idOf(await client.ask({ janus: 'create' }, false));
    client.#keeping = setInterval(() => {
      client.ask({ janus: 'keepalive' }, true).catch(() => {});
    }, KEEP_ALIVE_MS);
    client.#keeping.unref();
    return client;
  }

  private constructor(socket: WebSocket, secret: string) {
    this.#socket = socket;
    this.#secret = secret;
    const receive = (data: RawData): void => this.#receive((data as Buffer).toString());
    socket.on('message', new ErrorBoundary('Janus').guard(receive));
    socket.on('error', () => {});
    socket.on('close', () => this.#lost());
  }

  /** Resolves when the session at Janus is over, ended by either side. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Attaches to a plugin. @param gone called when the peer is gone, or Janus is */
  async attach(plugin: string, gone: () => void): Promise<JanusHandle> {
    const id = idOf(await this.ask({ janus: 'attach', plugin: `janus.plugin.${plugin}` }, false));
    const up = deferred<void>();
    this.#peers.set(id, { up: up.resolve, gone });
    return new JanusHandle(this, id, up.promise);
  }

  /** @internal */
  forget(handle: number): void {
    this.#peers.delete(handle);
  }

  /** Asks Janus. @param takesAck whether a receipt is the answer, rather than the message that follows it. @throws JanusError. @internal */
  async ask(message: Fields, takesAck: boolean): Promise<Fields> {
    if (this.#socket.readyState !== WebSocket.OPEN) throw errorOf(0, 'Janus is gone.');
    const transaction = randomBytes(8).toString('hex');
    const answer = deferred<Fields>();
    const timer = setTimeout(() => {
      this.#asked.delete(transaction);
      answer.reject(errorOf(0, 'Janus does not answer.'));
    }, ANSWER_MS);
    this.#asked.set(transaction, { answer, takesAck, timer });
    const session = this.#session === null ? {} : { session_id: this.#session };
    this.#socket.send(
      JSON.stringify({ ...message, ...session, transaction, apisecret: this.#secret }),
    );
    return answer.promise;
  }

  close(): void {
    clearInterval(this.#keeping);
    this.#socket.terminate();
    this.#lost();
  }

  #receive(text: string): void {
    const message = fieldsOf(JSON.parse(text));
    const { transaction, janus, sender } = message;
    const asked = typeof transaction === 'string' ? this.#asked.get(transaction) : undefined;
    if (asked === undefined) {
      const peer = this.#peers.get(Number(sender));
      if (janus === 'webrtcup') peer?.up();
      else if (janus === 'hangup' || janus === 'detached') peer?.gone();
      // Janus has heard nothing for a minute, and has forgotten all peers.
      else if (janus === 'timeout') this.close();
      return;
    }
    if (janus === 'ack' && !asked.takesAck) return;
    this.#asked.delete(transaction as string);
    clearTimeout(asked.timer);
    const error = message['error'] === undefined ? null : fieldsOf(message['error']);
    if (error === null) asked.answer.resolve(message);
    else asked.answer.reject(errorOf(error['code'], error['reason']));
  }

  #lost(): void {
    clearInterval(this.#keeping);
    for (const { answer, timer } of this.#asked.values()) {
      clearTimeout(timer);
      answer.reject(errorOf(0, 'Janus is gone.'));
    }
    this.#asked.clear();
    const peers = [...this.#peers.values()];
    this.#peers.clear();
    for (const { gone } of peers) gone();
    this.#gone.resolve();
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function idOf(answer: Fields): number {
  return Number(fieldsOf(answer['data'])['id']);
}

function errorOf(code: unknown, reason: unknown): JanusError {
  return new JanusError(Number(code), typeof reason === 'string' ? reason : 'It gives no reason.');
}
