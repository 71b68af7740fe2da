import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { integerIn, numberIn } from '../core/arguments.ts';
import { MicwireError, PacketError } from '../core/errors.ts';
import { bytesPerFrame, isSameStream } from '../core/format/stream-format.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import { checkObject, checkOptions, checkText } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { wholeFrames } from '../core/services/shared/call.ts';
import { textOf } from '../core/services/shared/json-fields.ts';
import type { ByteQueue } from '../core/services/shared/tcp-messages.ts';
import {
  WyomingReader,
  wyomingEventBytes,
  wyomingStream,
} from '../core/services/shared/wyoming-events.ts';
import type { WyomingEvent } from '../core/services/shared/wyoming-events.ts';
import { Fifo } from '../core/session/fifo.ts';
import { AcceptedStream } from './accepted-stream.ts';
import { TcpLink } from './tcp-link.ts';
import type { TcpPeer } from './tcp-link.ts';

/** Data of an event: any value that JSON can represent. */
export type WyomingData = Readonly<Record<string, unknown>>;

/** Options of {@link serveWyoming}. */
export interface WyomingServerOptions {
  /**
   * The answer to `describe`, which lists the server's capabilities, such as `asr`, `tts` and `wake`. Home Assistant asks for it
   * first.
   * @default {}
   */
  readonly info?: WyomingData;
  /** Maximum length of an utterance's audio that waits for its reader, in ms; beyond it the client has to wait. @default 10000 */
  readonly queuedMs?: number;
  /** The same limit in bytes; it also applies to waiting events. @default 4194304 */
  readonly queuedBytes?: number;
  /** Maximum size of an event's audio in bytes, 1–16777216; a connection that exceeds it is closed. @default 1048576 */
  readonly maxPayloadBytes?: number;
  /** The connection is closed when no data has arrived for this time, in ms. @default 90000 */
  readonly idleMs?: number;
}

const OPTION_NAMES = {
  info: 1,
  queuedMs: 1,
  queuedBytes: 1,
  maxPayloadBytes: 1,
  idleMs: 1,
} satisfies OptionNames<WyomingServerOptions>;

type Settings = Required<WyomingServerOptions>;

const MAX_MS = 2 ** 31 - 1;
/** Maximum number of requests that wait for the app; beyond it the client has to wait. */
const MAX_WAITING = 16;
/** Number of bad events that a connection may send. */
const MAX_FAULTS = 64;

/** An event that does not concern the client's audio, such as `synthesize`. */
export interface WyomingMessage {
  readonly type: 'event';
  /** Type of the event. */
  readonly name: string;
  readonly data: WyomingData;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** A request of a client. */
export type WyomingRequest = WyomingUtterance | WyomingMessage;

/** Running totals of a {@link WyomingConnection}. */
export interface WyomingStats {
  readonly utterances: number;
  /** Events that were passed to the app. */
  readonly events: number;
  /** Invalid events. */
  readonly faults: number;
  /** Frames that arrived for an utterance after the app had closed it. */
  readonly ignoredFrames: number;
}

/**
 * The audio of a client between `audio-start` and `audio-stop`, as an async iterable of chunks for one reader. It ends as `'bye'`
 * with `audio-stop`, as `'lost'` when the connection is lost, and as `'closed'` when this side closes it.
 */
export class WyomingUtterance extends AcceptedStream {
  readonly type = 'utterance' as const;
  /**
   * The client's request for the utterance: `transcribe` or `detect` with its data, such as `{ language: 'en' }`; null if there was
   * no request.
   */
  readonly request: { readonly name: 'transcribe' | 'detect'; readonly data: WyomingData } | null;
  readonly connection: WyomingConnection;

  /** @internal */
  constructor(
    connection: WyomingConnection,
    format: StreamFormat,
    request: WyomingUtterance['request'],
    limits: { readonly queuedMs: number; readonly queuedBytes: number },
    look: () => void,
  ) {
    super(
      { id: randomUUID(), address: connection.address, format, session: null, frame: 0 },
      { acknowledgesReads: false, ...limits },
      {
        stored: () => {},
        taken: look,
        close: () => {
          this.end('closed');
          look();
        },
      },
    );
    this.request = request;
    this.connection = connection;
  }

  /**
   * Answers with the text of the utterance.
   * @param data additional data for the event, such as `{ language: 'en' }`
   * @returns whether the event was sent
   */
  transcript(text: string, data: WyomingData = {}): Promise<boolean> {
    checkText('text', text);
    return this.connection.send('transcript', { ...data, text });
  }
}

/**
 * The server's side of a Wyoming connection: an async iterable of the client's requests, in order. `describe` and `ping` are
 * answered automatically. Start reading an utterance before you request the next item; otherwise its audio is discarded. A reader
 * that stops closes the connection.
 */
export class WyomingConnection implements AsyncIterable<WyomingRequest> {
  readonly #settings: Settings;
  readonly #link: TcpLink;
  readonly #reader: WyomingReader;
  readonly #waiting = new Fifo<{ readonly request: WyomingRequest; readonly bytes: number }>();
  #waitingBytes = 0;
  /** Utterances that have not been read to their end. */
  readonly #live = new Set<WyomingUtterance>();
  /** The utterance that receives audio. */
  #current: WyomingUtterance | null = null;
  /** The request for the next utterance. */
  #request: WyomingUtterance['request'] = null;
  /** The last utterance that was passed to the app. */
  #given: WyomingUtterance | null = null;
  #frame = 0;
  #utterances = 0;
  #events = 0;
  #faults = 0;
  #ignoredFrames = 0;
  #hasReader = false;
  #isOver = false;
  readonly #wakes: (() => void)[] = [];

  /** @internal */
  constructor(socket: Socket, settings: Settings) {
    this.#settings = settings;
    this.#link = new TcpLink(socket, settings.idleMs);
    this.#reader = new WyomingReader(settings.maxPayloadBytes);
    this.#link.begin(this.#peer());
  }

  /** Address of the client. */
  get address(): string {
    return this.#link.address;
  }

  /** Settles when the connection is closed, by either side. */
  get closed(): Promise<void> {
    return this.#link.closed;
  }

  get stats(): WyomingStats {
    return {
      utterances: this.#utterances,
      events: this.#events,
      faults: this.#faults,
      ignoredFrames: this.#ignoredFrames,
    };
  }

  /**
   * Sends an event.
   * @param payload audio of the event
   * @returns whether the event was sent, once the system has accepted it; await this, so that the client can slow down the sending
   * @throws TypeError for data that JSON cannot represent
   */
  send(name: string, data: WyomingData = {}, payload?: Uint8Array): Promise<boolean> {
    checkText('name', name);
    checkObject('data must be an object', data);
    return this.#link.send(wyomingEventBytes(name, data, payload));
  }

  /** Closes the connection after all sent data has left. */
  close(): Promise<void> {
    this.#over('closed');
    this.#link.end();
    return this.#link.closed;
  }

  /** @throws MicwireError `closed` when the connection already has a reader */
  [Symbol.asyncIterator](): AsyncIterator<WyomingRequest, void> {
    if (this.#hasReader) {
      throw new MicwireError(
        'closed',
        'The connection has a reader already. A connection has one.',
      );
    }
    this.#hasReader = true;
    return {
      next: () => this.#next(),
      return: async () => {
        for (const utterance of this.#live) if (!utterance.hasReader) utterance.abandon();
        this.#waiting.clear();
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<WyomingRequest, void>> {
    // Audio that is not read would block later events.
    if (this.#given?.hasReader === false) this.#given.abandon();
    this.#given = null;
    for (;;) {
      const first = this.#waiting.shift();
      if (first !== undefined) {
        const { request, bytes } = first;
        this.#waitingBytes -= bytes;
        if (request.type === 'utterance') this.#given = request;
        this.#link.look();
        return { done: false, value: request };
      }
      if (this.#isOver) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wakes.push(resolve);
        this.#link.look();
      });
    }
  }

  #peer(): TcpPeer {
    const isFull = (): boolean =>
      this.#waiting.length >= MAX_WAITING ||
      this.#waitingBytes > this.#settings.queuedBytes ||
      Array.from(this.#live).some((utterance) => utterance.isFull);
    const hasRoom = (): boolean =>
      this.#waiting.length * 2 <= MAX_WAITING &&
      this.#waitingBytes * 2 <= this.#settings.queuedBytes &&
      Array.from(this.#live).every((utterance) => utterance.hasRoom);
    return {
      receive: (queue) => this.#receive(queue),
      get isFull() {
        return isFull();
      },
      get hasRoom() {
        return hasRoom();
      },
      idle: () => this.#fail('timeout', 'Nothing came for too long.'),
      closed: () => this.#over('lost'),
    };
  }

  #receive(queue: ByteQueue): void {
    while (this.#link.isOpen) {
      const before = queue.length;
      try {
        const event = this.#reader.next(queue);
        if (event === null) return;
        this.#take(event, before - queue.length);
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
        this.#faults++;
        const { reason, message } = error;
        if (this.#reader.isOver || this.#faults > MAX_FAULTS) this.#fail(reason, message);
        else void this.send('error', { text: message, code: reason });
      }
    }
  }

  #take(event: WyomingEvent, bytes: number): void {
    const { type, data, payload } = event;
    switch (type) {
      case 'describe':
        void this.send('info', this.#settings.info);
        return;
      case 'ping': {
        const text = textOf(data, 'text');
        void this.send('pong', text === undefined ? {} : { text });
        return;
      }
      case 'transcribe':
      case 'detect':
        this.#request = { name: type, data };
        return;
      case 'audio-start':
      case 'audio-chunk':
        this.#hear(event);
        return;
      case 'audio-stop':
        this.#stop();
        return;
      default:
        this.#events++;
        this.#queue({ type: 'event', name: type, data, payload }, bytes);
    }
  }

  #hear({ type, data, payload }: WyomingEvent): void {
    try {
      const format = wyomingStream(data);
      if (type === 'audio-start') this.#stop();
      const utterance = this.#current ?? this.#start(format);
      if (!isSameStream(format, utterance.format)) {
        throw new PacketError('bad-field', 'audio must be of the same format as before.');
      }
      const frames = wholeFrames(payload, format).length / bytesPerFrame(format);
      if (frames === 0) return;
      if (utterance.ending !== null) {
        this.#ignoredFrames += frames;
        return;
      }
      utterance.push(this.#frame, frames, payload, 0);
      this.#frame += frames;
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      // Without this audio, frames would be missing without notice.
      this.#faults++;
      this.#fail(error.reason, error.message);
    }
  }

  #start(format: StreamFormat): WyomingUtterance {
    const utterance = new WyomingUtterance(this, format, this.#request, this.#settings, () =>
      this.#link.look(),
    );
    utterance.connected();
    this.#request = null;
    this.#frame = 0;
    this.#utterances++;
    this.#current = utterance;
    this.#live.add(utterance);
    void utterance.finished.then(() => {
      this.#live.delete(utterance);
      this.#link.look();
    });
    this.#queue(utterance, 0);
    return utterance;
  }

  #stop(): void {
    this.#current?.end('bye');
    this.#current = null;
  }

  #queue(request: WyomingRequest, bytes: number): void {
    this.#waiting.push({ request, bytes });
    this.#waitingBytes += bytes;
    this.#wake();
  }

  #fail(code: string, text: string): void {
    this.#over('lost');
    this.#link.end(wyomingEventBytes('error', { text, code }));
  }

  #over(ending: 'lost' | 'closed'): void {
    this.#isOver = true;
    this.#current?.end(ending);
    this.#current = null;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#wakes.splice(0)) wake();
  }
}

/**
 * Takes a connection of the Wyoming protocol, which Home Assistant uses for voice services: a speech-to-text server, a wake word
 * server, or any other one.
 * @param socket a socket from a server of `node:net`, before any data was read from it
 * @throws TypeError or RangeError for an invalid option
 */
export function serveWyoming(
  socket: Socket,
  options: WyomingServerOptions = {},
): WyomingConnection {
  checkObject('socket must be a Socket of node:net', socket, 'on', 'write', 'destroy');
  checkOptions('serveWyoming', options, OPTION_NAMES);
  const { info = {}, queuedMs = 10_000, queuedBytes = 2 ** 22, idleMs = 90_000 } = options;
  const { maxPayloadBytes = 2 ** 20 } = options;
  checkObject('info must be an object', info);
  // Data that JSON cannot represent is found now, not when a client asks.
  wyomingEventBytes('info', info);
  return new WyomingConnection(socket, {
    info,
    queuedMs: numberIn('queuedMs', queuedMs, 1, MAX_MS),
    queuedBytes: integerIn('queuedBytes', queuedBytes, 1, 2 ** 40),
    maxPayloadBytes: integerIn('maxPayloadBytes', maxPayloadBytes, 1, 2 ** 24),
    idleMs: numberIn('idleMs', idleMs, 1, MAX_MS),
  });
}
