import { MicwireError, PacketError } from '../../core/errors.ts';
import { bytesPerFrame, isSameStream } from '../../core/format/stream-format.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import type { StreamChunk } from '../accepted-stream.ts';
import { ChunkFeed } from '../chunk-feed.ts';
import { ChunkOrder } from './chunk-order.ts';
import type { NatsMessage } from './nats-message.ts';

/** Running totals of a {@link ListenedStream}, in frames: received = delivered + queued + dropped + duplicate. */
export interface ListenedStreamStats {
  readonly receivedFrames: number;
  /** Frames that the reader has taken. */
  readonly deliveredFrames: number;
  /** Frames that wait for the reader, or for earlier frames. */
  readonly queuedFrames: number;
  /** Frames that were dropped because the reader was too slow, or that waited when it stopped. */
  readonly droppedFrames: number;
  /** Frames that arrived again, or too late. */
  readonly duplicateFrames: number;
  /** Frames that never arrived. */
  readonly missingFrames: number;
  /** Messages that cannot be read, or whose format differs from the first one. */
  readonly poisonMessages: number;
}

/** Maximum length of audio that waits for the reader of a live stream, whose sender cannot be slowed down. */
const MAX_QUEUE_SECONDS = 30;
const MAX_QUEUE_BYTES = 2 ** 24;
/** Length of queued audio at which a reader slows a replay down. */
const REPLAY_SECONDS = 2;
const TICK_MS = 250;

/** How to listen to a stream. @internal */
export interface ListeningPlan {
  /** The first frame to deliver; null to start with the first one that arrives. */
  readonly from: number | null;
  /** The first stored frame: earlier ones never arrive. */
  readonly stored: number;
  /** Whether the source waits for `room`, so that no audio is dropped. */
  readonly waits: boolean;
  /** How long chunks wait for earlier frames, in ms. */
  readonly holdMs: number;
  /** Stops the source. */
  close(): Promise<void>;
}

/** A live or stored stream: an async iterable of chunks for one reader, in order and with each frame once. */
export class ListenedStream implements AsyncIterable<StreamChunk> {
  readonly id: string;
  readonly #plan: ListeningPlan;
  #format: StreamFormat | null = null;
  #order: ChunkOrder | null = null;
  #feed: ChunkFeed | null = null;
  #ending: string | null = null;
  #poison = 0;
  #hasReader = false;
  /** Since when chunks wait for others, in ms. */
  #heldMs = 0;
  readonly #ticking: ReturnType<typeof setInterval>;
  /** Callbacks that wait for a change. */
  #waiting: (() => void)[] = [];

  /** @internal */
  constructor(id: string, plan: ListeningPlan) {
    this.id = id;
    this.#plan = plan;
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#ticking.unref();
  }

  /** Format of the stream; null before its first chunk. */
  get format(): StreamFormat | null {
    return this.#format;
  }

  /** Why the stream has ended: `'bye'`, `'expired'` or `'lost'`, or `'closed'` by this side; null while it has not. */
  get ending(): string | null {
    return this.#ending;
  }

  get stats(): ListenedStreamStats {
    const order = this.#order?.stats;
    const feed = this.#feed?.stats;
    return {
      receivedFrames: order?.received ?? 0,
      deliveredFrames: feed?.delivered ?? 0,
      queuedFrames: (order?.held ?? 0) + (feed?.queued ?? 0),
      droppedFrames: feed?.dropped ?? 0,
      duplicateFrames: order?.duplicate ?? 0,
      missingFrames: order?.missing ?? 0,
      poisonMessages: this.#poison,
    };
  }

  /** @throws MicwireError `closed` if the stream already has a reader */
  [Symbol.asyncIterator](): AsyncIterator<StreamChunk, void> {
    if (this.#hasReader) {
      throw new MicwireError('closed', `${this.id} has a reader already. Listen once more.`);
    }
    this.#hasReader = true;
    let chunks: AsyncIterator<StreamChunk, void> | undefined;
    return {
      next: async () => {
        while (this.#feed === null && this.#ending === null) await this.#changed();
        if (this.#feed === null) return { done: true, value: undefined };
        chunks ??= this.#feed[Symbol.asyncIterator]();
        const result = await chunks.next();
        this.#notify();
        return result;
      },
      return: async () => {
        await this.close();
        await chunks?.return?.();
        return { done: true, value: undefined };
      },
    };
  }

  /** Stops listening. Audio that has already arrived can still be read. Never rejects. */
  async close(): Promise<void> {
    this.#end('closed');
    await this.#plan.close();
  }

  /** Takes a message. @internal */
  take(said: NatsMessage): void {
    if (this.#ending !== null) return;
    if (said.type === 'end') return this.#end(said.ending);
    const { from } = this.#plan;
    for (const packet of said.packets) {
      const { format, sampleRate, channels, frame, frames, payload, dropped } = packet;
      if (from !== null && frame + frames <= from) continue;
      this.#format ??= { format, sampleRate, channels };
      const frameBytes = bytesPerFrame(this.#format);
      const isWhole = frameBytes === 0 || payload.length === frames * frameBytes;
      if (!isSameStream(this.#format, packet) || !isWhole) {
        this.poison();
        return;
      }
      this.#order ??= new ChunkOrder(frameBytes, from);
      const bytes = payload as Uint8Array<ArrayBuffer>;
      const missing = frame <= this.#plan.stored ? frame : dropped;
      this.#give(this.#order.push({ frame, frames, bytes, missing }));
    }
  }

  /** Counts a message that cannot be read. @internal */
  poison(): void {
    this.#poison++;
  }

  /** Stops waiting for messages that the source has lost, unless the source delivers them again. @internal */
  lost(): void {
    if (!this.#plan.waits) this.#giveUp();
  }

  #giveUp(): void {
    while (this.#order?.isWaiting === true) this.#give(this.#order.giveUp());
  }

  /** Waits until there is room for more audio, or the stream has ended. @internal */
  async room(): Promise<void> {
    while (this.#ending === null && this.#queuedSeconds > REPLAY_SECONDS) await this.#changed();
  }

  get #queuedSeconds(): number {
    return (this.#feed?.stats.queued ?? 0) / (this.#format?.sampleRate ?? 1);
  }

  #give(chunks: readonly StreamChunk[]): void {
    this.#feed ??= this.#plan.waits
      ? new ChunkFeed(Infinity, Infinity)
      : new ChunkFeed(MAX_QUEUE_SECONDS * this.#format!.sampleRate, MAX_QUEUE_BYTES);
    for (const { frame, frames, bytes, missing } of chunks) {
      this.#feed.push(frame, frames, bytes, missing);
    }
    if (chunks.length > 0 || this.#order?.isWaiting !== true) this.#heldMs = 0;
    this.#notify();
  }

  #tick(): void {
    const isHeldBack = this.#plan.waits && this.#queuedSeconds > REPLAY_SECONDS;
    if (this.#order?.isWaiting !== true || isHeldBack) return;
    this.#heldMs += TICK_MS;
    if (this.#heldMs >= this.#plan.holdMs) this.#give(this.#order.giveUp());
  }

  #end(ending: string): void {
    if (this.#ending !== null) return;
    this.#giveUp();
    this.#ending = ending;
    clearInterval(this.#ticking);
    this.#feed?.end();
    this.#notify();
    if (ending !== 'closed') void this.#plan.close();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** Decodes a message, and passes it to a stream. @internal */
export function hand(stream: ListenedStream, read: () => NatsMessage): void {
  let said: NatsMessage;
  try {
    said = read();
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    stream.poison();
    return;
  }
  stream.take(said);
}
