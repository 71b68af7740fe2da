import { isSameStream } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { HeardItem, ServiceEvent } from '../services/service.ts';

/** Plays replies: a `Playout`, or a Worker's port to one. */
export interface ReplySink {
  write(bytes: Uint8Array, options: { readonly item: string; readonly lostFrames: number }): void;
  end(item: string): void;
  /** Sets a mark, answered by `marked`. @param place `frames` undefined: the end of the audio written so far */
  mark(name: string, place: { readonly item: string; readonly frames?: number | undefined }): void;
  interrupt(): Promise<HeardItem>;
  close(): Promise<void>;
}

/** A place in a reply that was heard. */
export interface HeardPlace {
  readonly item: string | undefined;
  /** Position in the item, in frames at the rate of the reply's stream. */
  readonly frames: number;
  /** Frame of the context in which it left the output. */
  readonly contextFrame: number;
}

/** Events whose order relative to the audio matters. */
export type ReplyEvent = Extract<
  ServiceEvent,
  { readonly type: 'audio' | 'item-end' | 'mark' | 'caption' }
>;

/** A mark or the end of an item that was heard: the `detail` of a session's `played` event. */
export interface PlayedReply {
  readonly item: string;
  /** Name of the mark; null for the end of the item. */
  readonly name: string | null;
  /** Position in the item, in frames at the rate of the reply's stream. */
  readonly frames: number;
  /** Frame of the context in which it left the output; in seconds, `contextFrame / context.sampleRate`. */
  readonly contextFrame: number;
}

/** Text whose audio is being heard: the `detail` of a session's `caption` event. */
export interface HeardCaption {
  readonly item: string;
  readonly text: string;
  /** Where the text's audio begins in the item, in ms. */
  readonly startMs: number;
  /** Where the text's audio ends in the item, in ms; undefined if the service does not say. */
  readonly endMs: number | undefined;
  /** Frame of the context in which its audio began to leave the output. */
  readonly contextFrame: number;
}

/** Handlers of {@link Replies}. */
export interface RepliesListener {
  /** Creates the sink for a stream. It replaces the previous one, which has played everything. */
  open(stream: StreamFormat): Promise<ReplySink>;
  /** `forService`: whether to notify the service. */
  played(played: PlayedReply, forService: boolean): void;
  caption(caption: HeardCaption): void;
  /** The sink could not be created: the item that needed it is silent. */
  failed(error: unknown): void;
  /** More audio waits for a sink than there is room for: the rest of this item is silent. */
  full(item: string): void;
}

/** Maximum audio that waits for its sink: 10 minutes of 24 kHz in 16 bits. */
const MAX_WAITING_BYTES = 28_800_000;
/** Maximum number of events that wait for a sink. */
const MAX_WAITING_EVENTS = 65_536;
/** Maximum number of interrupted items remembered; the oldest are forgotten. */
const MAX_SILENCED = 64;

/** Prefixes of mark names in the sink, which show their owner and purpose. Other marks belong to the app. */
const MARK = {
  service: 'micwire-service:',
  app: 'micwire-app:',
  caption: 'micwire-caption:',
} as const;

/**
 * Plays a service's replies in order, and reports what was heard. If the stream of a reply differs from the previous one, the reply
 * waits until the previous one was heard, and then gets a new sink.
 */
export class Replies {
  readonly #output: StreamFormat | null;
  readonly #listener: RepliesListener;
  #sink: ReplySink | null = null;
  #stream: StreamFormat | null = null;
  #opening = false;
  /** Items in the sink that have not ended. */
  #sounding = new Set<string>();
  /** The items silenced by the interruption in progress, except those that had ended before. */
  #interrupting: Set<string> | null = null;
  /** The item that was written last. */
  #last: string | undefined;
  /** Events that wait for a sink for their stream, in order. */
  #waiting: ReplyEvent[] = [];
  #waitingBytes = 0;
  #advancing = false;
  /** Interrupted items whose end has not arrived, with the sink that had them; null if they never reached one. */
  readonly #silenced = new Map<string, ReplySink | null>();
  #closed = false;
  #finished: (() => void) | null = null;

  /** @param output stream of events without a stream of their own; null if each has its own */
  constructor(output: StreamFormat | null, listener: RepliesListener) {
    this.#output = output;
    this.#listener = listener;
  }

  /** Creates the sink for `output` before it is needed. @throws what `open` throws */
  async prepare(): Promise<void> {
    if (this.#output !== null) await this.#open(this.#output);
  }

  /** Takes an event of the service. */
  take(event: ReplyEvent): void {
    this.#take(event.type === 'mark' ? { ...event, name: MARK.service + event.name } : event);
  }

  #take(event: ReplyEvent): void {
    if (this.#closed || this.#isSilenced(event)) return;
    if (this.#waiting.length === 0 && this.#pass(event)) return;
    const bytes = event.type === 'audio' ? event.bytes.length : 0;
    const full = this.#waitingBytes + bytes > MAX_WAITING_BYTES;
    if (full || this.#waiting.length >= MAX_WAITING_EVENTS) {
      this.#silence(event.item, null);
      this.#listener.full(event.item);
      return;
    }
    this.#waitingBytes += bytes;
    this.#waiting.push(event);
  }

  /** Requests a report when a place is heard, for the app. @param place `frames` undefined: the end of the audio received so far */
  mark(
    name: string,
    { item, frames: frame }: { readonly item: string; readonly frames?: number | undefined },
  ): void {
    const event = { type: 'mark', item, name: MARK.app + name } as const;
    this.#take(frame === undefined ? event : { ...event, frame });
  }

  /** Silences everything that has arrived so far. @returns how far it was heard */
  async interrupt(): Promise<HeardItem> {
    const waiting = this.#forget();
    const silenced = this.#sounding;
    for (const item of silenced) this.#silence(item, this.#sink);
    this.#sounding = new Set();
    this.#interrupting = silenced;
    const sink = this.#sink;
    const heard = await sink?.interrupt().catch(() => undefined);
    if (this.#interrupting === silenced) this.#interrupting = null;
    this.#advance();
    const { item, frames = 0, ms = 0, unheard = [] } = heard ?? {};
    const isCut = item !== undefined && silenced.has(item);
    const names = [...new Set([...unheard, ...waiting])].filter((name) => name !== item);
    if (isCut) return { item, frames, ms, unheard: names };
    // No part of an item that had not begun was heard.
    const [next, ...others] = names;
    return { item: next, frames: 0, ms: 0, unheard: others };
  }

  /** Notes that a mark was heard, as reported by the sink. */
  marked({ name, item = '', frames, contextFrame }: HeardPlace & { readonly name: string }): void {
    for (const by of ['service', 'app'] as const) {
      if (!name.startsWith(MARK[by])) continue;
      const own = name.slice(MARK[by].length);
      this.#listener.played({ item, name: own, frames, contextFrame }, by === 'service');
    }
    if (!name.startsWith(MARK.caption)) return;
    const caption = JSON.parse(name.slice(MARK.caption.length)) as HeardCaption;
    this.#listener.caption({ ...caption, endMs: caption.endMs, contextFrame });
  }

  /** Notes that an item was heard to its end, as reported by the sink. */
  ended({ item, frames, contextFrame }: HeardPlace): void {
    if (item === undefined) return;
    this.#sounding.delete(item);
    this.#interrupting?.delete(item);
    this.#listener.played({ item, name: null, frames, contextFrame }, true);
    this.#advance();
    this.#lookIfFinished();
  }

  /** The sink is gone: the next audio gets a new one. */
  lost(): void {
    this.#sink = null;
    this.#stream = null;
    this.#sounding.clear();
    this.#advance();
    this.#lookIfFinished();
  }

  /** No audio follows. Resolves when everything was heard, and the sink is closed. */
  async finish(): Promise<void> {
    if (this.#last !== undefined) this.take({ type: 'item-end', item: this.#last });
    await new Promise<void>((resolve) => {
      this.#finished = resolve;
      this.#lookIfFinished();
    });
    this.#closed = true;
    await this.#sink?.close();
  }

  /** Silences everything for good, and closes the sink. */
  async hush(): Promise<void> {
    this.#closed = true;
    this.#forget();
    this.#sounding.clear();
    this.#lookIfFinished();
    const sink = this.#sink;
    // Fades out; a sink that does not answer is closed anyway.
    await sink?.interrupt().catch(() => {});
    await sink?.close();
  }

  #lookIfFinished(): void {
    if (this.#sounding.size === 0 && this.#waiting.length === 0) this.#finished?.();
  }

  /** Discards all waiting events. @returns the names of their items that the sink has no audio of */
  #forget(): readonly string[] {
    const names = new Set<string>();
    const ended = new Set<string>();
    for (const { item, type } of this.#waiting) {
      if (type === 'audio' && !this.#sounding.has(item)) names.add(item);
      if (type === 'item-end') ended.add(item);
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const name of names) if (!ended.has(name)) this.#silence(name, null);
    return [...names];
  }

  #isSilenced(event: ReplyEvent): boolean {
    const sink = this.#silenced.get(event.item);
    if (sink === undefined) return false;
    // A sink that had the item refuses the rest of it, and counts what it drops.
    const counts = sink !== null && sink === this.#sink;
    if (event.type === 'item-end') this.#silenced.delete(event.item);
    if (counts && event.type === 'item-end') sink.end(event.item);
    if (counts && event.type === 'audio') this.#write(sink, event);
    return true;
  }

  #silence(item: string, sink: ReplySink | null): void {
    this.#silenced.set(item, sink);
    for (const oldest of this.#silenced.keys()) {
      if (this.#silenced.size <= MAX_SILENCED) break;
      this.#silenced.delete(oldest);
    }
  }

  /** @returns false if the event has to wait */
  #pass(event: ReplyEvent): boolean {
    if (this.#opening) return false;
    const { item } = event;
    switch (event.type) {
      case 'audio': {
        const stream = event.stream ?? this.#output;
        if (stream === null) return true;
        const sink = this.#sinkFor(stream);
        if (sink === null) return false;
        this.#sounding.add(item);
        this.#last = item;
        this.#write(sink, event);
        return true;
      }
      case 'item-end':
        this.#sink?.end(item);
        return true;
      case 'mark':
        return this.#mark(event.name, item, () => event.frame);
      case 'caption': {
        const { text, startMs, endMs } = event;
        const name = MARK.caption + JSON.stringify({ item, text, startMs, endMs });
        return this.#mark(name, item, (rate) => Math.round((startMs * rate) / 1000));
      }
    }
  }

  /** @returns false if the mark has to wait */
  #mark(name: string, item: string, place: (sampleRate: number) => number | undefined): boolean {
    const stream = this.#stream ?? this.#output;
    // Without audio from the service there is nothing to hear.
    if (stream === null) return true;
    const sink = this.#sink ?? this.#sinkFor(stream);
    sink?.mark(name, { item, frames: place(stream.sampleRate) });
    return sink !== null;
  }

  #write(
    sink: ReplySink,
    { bytes, item, lostFrames = 0 }: Extract<ReplyEvent, { readonly type: 'audio' }>,
  ): void {
    sink.write(bytes, { item, lostFrames });
  }

  /** @returns null if the event has to wait */
  #sinkFor(stream: StreamFormat): ReplySink | null {
    if (this.#sink !== null && isSameStream(stream, this.#stream)) return this.#sink;
    if (this.#sink !== null && this.#sounding.size > 0) {
      // The audio in the sink is heard first.
      if (this.#last !== undefined) this.#sink.end(this.#last);
      return null;
    }
    this.#open(stream).catch((error: unknown) => {
      if (!this.#closed) this.#listener.failed(error);
    });
    return null;
  }

  async #open(stream: StreamFormat): Promise<void> {
    const before = this.#sink;
    this.#opening = true;
    this.#sink = null;
    this.#stream = null;
    try {
      if (before !== null) await before.close();
      const sink = await this.#listener.open(stream);
      if (this.#closed) await sink.close();
      this.#sink = sink;
      this.#stream = stream;
    } catch (error) {
      const first = this.#waiting[0];
      if (first !== undefined) this.#drop(first.item);
      throw error;
    } finally {
      this.#opening = false;
      this.#advance();
      this.#lookIfFinished();
    }
  }

  /** Makes an item silent that cannot be played; the next one tries again. */
  #drop(item: string): void {
    const isOver = this.#waiting.some((event) => event.type === 'item-end' && event.item === item);
    const rest = this.#waiting.filter((event) => event.item !== item);
    this.#waiting = rest;
    this.#waitingBytes = 0;
    for (const event of rest) if (event.type === 'audio') this.#waitingBytes += event.bytes.length;
    if (!isOver) this.#silence(item, null);
  }

  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    const waiting = this.#waiting;
    let passed = 0;
    // An interruption replaces the list.
    while (passed < waiting.length && waiting === this.#waiting) {
      const event = waiting[passed]!;
      if (!this.#pass(event)) break;
      if (event.type === 'audio') this.#waitingBytes -= event.bytes.length;
      passed++;
    }
    if (waiting === this.#waiting) waiting.splice(0, passed);
    this.#advancing = false;
  }
}
