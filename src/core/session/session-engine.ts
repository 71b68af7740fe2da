import { MicwireError, errorCode, errorText } from '../errors.ts';
import type { MicwireErrorCode } from '../errors.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { HeardItem, ServiceEvent } from '../services/service.ts';
import type { SessionConnectionOptions } from './connection-options.ts';
import { HalfDuplexGate } from './half-duplex.ts';
import { Replies } from './replies.ts';
import type { HeardCaption, HeardPlace, PlayedReply, ReplySink } from './replies.ts';
import { SessionDriver } from './session-driver.ts';
import type {
  CapturedAudio,
  SessionAction,
  SessionGap,
  SessionState,
  SessionStats,
} from './session-messages.ts';
import { sessionIo } from './session-scope.ts';
import type { SessionScope } from './session-scope.ts';

/** Events of a session for the app. Structured-cloneable. */
export type SessionNews =
  | { readonly type: 'state'; readonly state: SessionState }
  | { readonly type: 'message'; readonly value: unknown }
  | Extract<ServiceEvent, { readonly type: 'transcript' | 'speech' }>
  | { readonly type: 'caption'; readonly caption: HeardCaption }
  | { readonly type: 'gap'; readonly gap: SessionGap }
  | { readonly type: 'interrupted'; readonly heard: HeardItem }
  | { readonly type: 'played'; readonly played: PlayedReply }
  | {
      readonly type: 'error';
      readonly code: MicwireErrorCode;
      readonly message: string;
      readonly cause: unknown;
    }
  /** The connection has ended for good. Replies that have arrived are still played. */
  | { readonly type: 'closed' }
  /** After `'finish'` or `'hush'`: no reply is playing any more. */
  | { readonly type: 'finished' };

/** Commands to a session. Structured-cloneable. */
export type SessionCommand =
  | { readonly type: 'online' }
  | { readonly type: 'mute'; readonly muted: boolean }
  | { readonly type: 'commit' }
  | { readonly type: 'send'; readonly value: unknown }
  | { readonly type: 'interrupt' }
  /** Requests a report when a place is heard; `frames` undefined: the end of the audio received so far. */
  | {
      readonly type: 'mark';
      readonly name: string;
      readonly item: string;
      readonly frames: number | undefined;
    }
  /** Whether replies are playing: see `HalfDuplexGate`. */
  | {
      readonly type: 'playing';
      readonly playing: boolean;
      readonly contextTime: number;
      readonly outputSeconds: number;
    }
  /** Sends waiting data for at most `drainMs`, and closes the connection. Answered by `closed`. */
  | { readonly type: 'close'; readonly drainMs: number }
  /** Plays the replies that have arrived to their end. Answered by `finished`. */
  | { readonly type: 'finish' }
  /** Silences replies for good. Answered by `finished`. */
  | { readonly type: 'hush' };

/** Captured audio with its time: a `Chunk`. */
export interface TimedAudio extends CapturedAudio {
  /** When its first frame reached the processor, in seconds of the context's clock. */
  readonly contextTime: number;
}

/** Options of a {@link SessionEngine}. */
export interface SessionEngineOptions {
  readonly connection: SessionConnectionOptions;
  readonly scope: SessionScope;
  /** Unique name of the session, the same for all its connections. */
  readonly session: string;
  readonly halfDuplex: boolean;
  /** Creates the player of a stream, whose events are passed to `marked`, `ended` and `lost`. */
  readonly openSink: (stream: StreamFormat) => Promise<ReplySink>;
  readonly tell: (news: SessionNews) => void;
}

/**
 * A session without its page: connection, outbox and replies, between captured chunks and the player. It runs on a page or in a
 * Worker.
 */
export class SessionEngine {
  readonly #options: SessionEngineOptions;
  readonly #driver: SessionDriver;
  readonly #replies: Replies;
  readonly #gate = new HalfDuplexGate();
  /** Whether the driver was told that a reply is playing. */
  #gated = false;
  /** Frames reported to the driver as lost. */
  #droppedFrames = 0;

  constructor(options: SessionEngineOptions) {
    const { connection, scope, session, halfDuplex, openSink } = options;
    const { service } = connection;
    this.#options = options;
    this.#driver = new SessionDriver(
      service,
      sessionIo(scope, connection, service),
      { ...connection, session, halfDuplex },
      (action) => this.#act(action),
    );
    this.#replies = new Replies(service.output, {
      open: openSink,
      played: (played, forService) => this.#played(played, forService),
      caption: (caption) => this.#options.tell({ type: 'caption', caption }),
      failed: (error) => this.#report(error),
      full: (item) => this.#report(new MicwireError('out-of-memory', full(item))),
    });
  }

  get state(): SessionState {
    return this.#driver.state;
  }

  get stats(): SessionStats {
    return this.#driver.stats;
  }

  /** Connects. */
  start(): void {
    this.#driver.tell({ type: 'start' });
  }

  /** Creates the player of replies before the first one arrives. @throws what `openSink` throws */
  prepare(): Promise<void> {
    return this.#replies.prepare();
  }

  /** Takes captured audio. */
  take(audio: TimedAudio): void {
    if (this.#options.halfDuplex) this.#lookAtGate(audio);
    this.#droppedFrames += audio.dropped;
    this.#driver.tell({ type: 'audio', audio });
  }

  /** Notes that the capture has ended. @param droppedFrames frames dropped in the whole capture */
  captureEnded(droppedFrames: number): void {
    const frames = droppedFrames - this.#droppedFrames;
    this.#droppedFrames = droppedFrames;
    if (frames > 0) this.#driver.tell({ type: 'lost', frames });
  }

  do(command: SessionCommand): void {
    switch (command.type) {
      case 'online':
      case 'mute':
      case 'commit':
      case 'send':
      case 'interrupt':
      case 'close':
        this.#driver.tell(command);
        break;
      case 'mark':
        this.#replies.mark(command.name, command);
        break;
      case 'playing':
        this.#gate.played(command.playing, command.contextTime, command.outputSeconds);
        break;
      case 'finish':
        void this.#replies.finish().then(() => this.#options.tell({ type: 'finished' }));
        break;
      case 'hush':
        void this.#replies.hush().then(() => this.#options.tell({ type: 'finished' }));
    }
  }

  /** Notes that the sink has played up to a mark. */
  marked(mark: HeardPlace & { readonly name: string }): void {
    this.#replies.marked(mark);
  }

  /** Notes that the sink has played an item to its end. */
  ended(place: HeardPlace): void {
    this.#replies.ended(place);
  }

  /** Notes that the sink is gone. */
  lost(): void {
    this.#replies.lost();
  }

  #lookAtGate({ contextTime, frames }: TimedAudio): void {
    const { sampleRate } = this.#options.connection.service.input;
    const closed = this.#gate.isClosed(contextTime, contextTime + frames / sampleRate);
    if (closed === this.#gated) return;
    this.#gated = closed;
    this.#driver.tell({ type: 'playing', playing: closed });
  }

  #act(action: SessionAction): void {
    switch (action.type) {
      case 'service':
        this.#serve(action.event);
        break;
      case 'interrupt':
        void this.#replies
          .interrupt()
          .then((heard) => this.#driver.tell({ type: 'interrupted', heard }));
        break;
      case 'state':
      case 'interrupted':
      case 'gap':
      case 'closed':
        this.#options.tell(action);
        break;
      case 'error':
        this.#report(action.error);
    }
  }

  #serve(event: ServiceEvent): void {
    switch (event.type) {
      case 'audio':
      case 'item-end':
      case 'mark':
      case 'caption':
        this.#replies.take(event);
        break;
      case 'transcript':
      case 'speech':
      case 'message':
        this.#options.tell(event);
    }
  }

  #played(played: PlayedReply, forService: boolean): void {
    const { item, name, frames } = played;
    if (forService) this.#driver.tell({ type: 'played', item, name, frames });
    this.#options.tell({ type: 'played', played });
  }

  #report(error: unknown): void {
    const code = errorCode(error);
    const message = errorText(error);
    const cause = error instanceof MicwireError ? error.cause : error;
    this.#options.tell({ type: 'error', code, message, cause });
  }
}

function full(item: string): string {
  return `More audio of replies waits than there is room for: the rest of '${item}' is not heard.`;
}
