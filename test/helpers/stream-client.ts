import { WebSocket } from 'ws';
import type { StreamFormat } from '../../src/core/format/stream-format.ts';
import { bytesPerFrame } from '../../src/core/format/stream-format.ts';
import { micwire } from '../../src/core/services/micwire.ts';
import { RawAudio } from '../../src/core/session/raw-audio.ts';
import { SessionDriver } from '../../src/core/session/session-driver.ts';
import type { SessionAction, SessionStats } from '../../src/core/session/session-messages.ts';
import { sessionIo } from '../../src/core/session/session-scope.ts';
import { until } from './until.ts';

/** The stream of a {@link StreamClient} unless it is told otherwise. */
export const PCM = { format: 's16', sampleRate: 16_000, channels: 1 } as const;

/** What a {@link StreamClient} is made with. */
interface StreamClientOptions {
  readonly url: string | (() => string);
  readonly session: string;
  readonly token?: string;
  readonly input?: StreamFormat;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Byte `i` of the audio of a client: another at each place, and for each client. */
export function byteAt(session: string, index: number): number {
  return byteOf(seedOf(session), index);
}

/** The bytes of frames `from` to `from + frames`. */
export function bytesAt(session: string, from: number, frames: number, frameBytes = 2): Uint8Array {
  const seed = seedOf(session);
  const bytes = new Uint8Array(frames * frameBytes);
  for (let i = 0; i < bytes.length; i++) bytes[i] = byteOf(seed, from * frameBytes + i);
  return bytes;
}

const seeds = new Map<string, number>();

function seedOf(session: string): number {
  let seed = seeds.get(session);
  if (seed === undefined) {
    seed = 2_166_136_261;
    for (let i = 0; i < session.length; i++)
      seed = Math.imul(seed ^ session.charCodeAt(i), 16_777_619);
    seeds.set(session, seed);
  }
  return seed;
}

function byteOf(seed: number, index: number): number {
  return (Math.imul(Math.imul(index + 1, 2_654_435_761) ^ seed, 16_777_619) >>> 13) & 0xff;
}

/** A client of micwire.1 in Node: the session of a page, over `ws`. What it sends can be told at each byte. */
export class StreamClient {
  readonly session: string;
  readonly #driver: SessionDriver;
  readonly #input: StreamFormat;
  readonly actions: SessionAction[] = [];
  #socket: WebSocket | null = null;
  #frame = 0;
  #isClosed = false;

  constructor({ url, session, token, input = PCM, headers }: StreamClientOptions) {
    this.session = session;
    this.#input = input;
    const service = micwire({ input, output: null });
    const scope = {
      now: () => performance.now(),
      setTimer: (ms: number, run: () => void) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
      random: () => Math.random(),
      absolute: (address: string) => address,
      createSocket: (address: string, protocols: readonly string[]) => {
        this.#socket = new WebSocket(address, [...protocols], { headers: { ...headers } });
        return this.#socket as never;
      },
    };
    this.#driver = new SessionDriver(
      service,
      sessionIo(scope, { url, token }, service),
      { session, maxOutboxMs: 600_000, firstDelayMs: 50, maxDelayMs: 500 },
      (action) => {
        this.actions.push(action);
        if (action.type === 'closed') this.#isClosed = true;
      },
    );
    this.#driver.tell({ type: 'start' });
  }

  /** The frame that follows all that was said. */
  get frame(): number {
    return this.#frame;
  }

  get stats(): SessionStats {
    return this.#driver.stats;
  }

  get state(): string {
    return this.#driver.state;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Why it was closed, or could not connect. */
  get errors(): readonly string[] {
    return this.actions.flatMap((action) =>
      action.type === 'error' ? [action.error.message] : [],
    );
  }

  say(frames: number): void {
    const bytes = bytesAt(this.session, this.#frame, frames, bytesPerFrame(this.#input));
    const audio = new RawAudio(this.#frame, frames, bytes as Uint8Array<ArrayBuffer>);
    this.#frame += frames;
    this.#driver.tell({ type: 'audio', audio: Object.assign(audio, { dropped: 0 }) });
  }

  commit(): void {
    this.#driver.tell({ type: 'commit' });
  }

  send(value: unknown): void {
    this.#driver.tell({ type: 'send', value });
  }

  /** Cuts the connection, as a network does. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** Waits until the server has acknowledged everything, and hears the client: one that is away cannot tell it that it closes. */
  async allAcknowledged(timeoutMs?: number): Promise<void> {
    await until(() => {
      if (this.state !== 'open') throw new Error(`The client is ${this.state}.`);
      if (this.stats.acknowledgedFrames !== this.#frame) {
        throw new Error(`${this.stats.acknowledgedFrames} of ${this.#frame} are acknowledged.`);
      }
    }, timeoutMs);
  }

  /** Sends what waits, and ends the session. */
  async close(): Promise<void> {
    this.#driver.tell({ type: 'close', drainMs: 5000 });
    await until(() => {
      if (!this.#isClosed) throw new Error(`The client is ${this.state}.`);
    });
  }
}
