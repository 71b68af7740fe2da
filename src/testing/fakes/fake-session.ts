import { numberIn } from '../../core/arguments.ts';
import type { Chunk } from '../../core/capture/chunk.ts';
import { MicwireError } from '../../core/errors.ts';
import type { MicwireErrorCode } from '../../core/errors.ts';
import type { PayloadFormat } from '../../core/format/formats.ts';
import { bytesPerFrame, isSampled } from '../../core/format/stream-format.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import { checkOptions, checkText } from '../../core/option-names.ts';
import type { HeardItem } from '../../core/services/service.ts';
import type { SessionState, SessionStats } from '../../core/session/session-messages.ts';
import type { ServedStreams } from '../../core/session/worker-messages.ts';
import type { Capture } from '../../web/capture.ts';
import { checkContextOpen } from '../../web/context-life.ts';
import { resumeSuspended } from '../../web/context-resume.ts';
import { Playout } from '../../web/playout.ts';
import type { Recorder } from '../../web/recorder.ts';
import { pausePlayout } from '../../web/session/pause-playout.ts';
import { openCapture } from '../../web/session/session-capture.ts';
import { checkSessionOptions, outputNode } from '../../web/session/session-options.ts';
import type {
  SessionEventDetail,
  SessionEventMap,
  SessionOptions,
  WorkerSessionOptions,
} from '../../web/session/session-options.ts';
import type { SessionRecordOptions } from '../../web/session/session-record.ts';
import { TypedEventTarget } from '../../web/typed-event-target.ts';

/** Events of a `Session` that a test can cause by {@link FakeSession.emit}, with their details. */
export type FakeSessionEvent = Exclude<keyof SessionEventMap, 'statechange' | 'error'>;

/** Streams of a service whose session is in a Worker, where the page does not know it. */
const WORKER_STREAMS: ServedStreams = {
  input: { format: 's16', sampleRate: 16_000, channels: 1 },
  chunkDurationMs: 20,
  encoding: 'binary',
  output: null,
};

/**
 * A stand-in for a `Session` without a connection: it has the same members, events and errors, and the test plays the service. It
 * captures with a real `Capture`, so it needs `installFakeAudio()` and a `FakeAudioContext`. Captured audio is acknowledged while
 * `state` is `'open'`, and waits otherwise. The session starts in the state `'connecting'`, like a real one.
 *
 * @example
 * const session = await FakeSession.open({ context, microphone, service, url });
 * session.setState('open');
 * session.emit('transcript', { who: 'user', text: 'Hello', final: true, item: undefined });
 */
export class FakeSession extends TypedEventTarget<SessionEventMap> {
  /** Every session that was opened, the newest last: for code that opens sessions itself. Empty it between tests. */
  static readonly opened: FakeSession[] = [];

  readonly node: AudioNode;
  /** Values that the app passed to `send`. */
  readonly sent: unknown[] = [];
  /** Marks that the app set. */
  readonly marks: {
    readonly name: string;
    readonly item: string;
    readonly frames?: number | undefined;
  }[] = [];
  /** Chunks of the user's audio that the service has received; empty while muted. */
  readonly received: Chunk<PayloadFormat>[] = [];
  /** How often the app called `commit`. */
  commits = 0;
  /** Result of `interrupt`. */
  heard: HeardItem = { item: undefined, frames: 0, ms: 0, unheard: [] };
  readonly #options: SessionOptions | WorkerSessionOptions;
  #state: SessionState = 'connecting';
  #muted = false;
  #paused = false;
  #capture: Capture<PayloadFormat> | null = null;
  #playout: Playout | null = null;
  #reading: Promise<void> = Promise.resolve();
  readonly #waiting: Chunk<PayloadFormat>[] = [];
  #acknowledgedFrames = 0;
  #droppedFrames = 0;
  #replayedFrames = 0;
  #connections = 0;
  #closing: Promise<void> | undefined;

  /** Opens a session, as `Session.open` does, with the same errors for invalid options. */
  static async open(options: SessionOptions | WorkerSessionOptions): Promise<FakeSession> {
    checkSessionOptions(options);
    checkContextOpen(options.context);
    const session = new FakeSession(options);
    await session.#start();
    FakeSession.opened.push(session);
    return session;
  }

  private constructor(options: SessionOptions | WorkerSessionOptions) {
    super();
    const { context, output } = options;
    this.#options = options;
    this.node = new GainNode(context);
    this.node.connect(output === undefined ? context.destination : outputNode(output));
    context.addEventListener('statechange', this.#onContext);
  }

  /** State of the session; the test sets it by `setState`. */
  get state(): SessionState {
    return this.#state;
  }

  /** Statistics of the captured audio so far. */
  get stats(): SessionStats {
    const input = this.#capture?.stream;
    const waitingFrames = framesOf(this.#waiting);
    const bytes = input !== undefined && isSampled(input) ? bytesPerFrame(input) : 0;
    return {
      capturedFrames: this.#acknowledgedFrames + waitingFrames + this.#droppedFrames,
      acknowledgedFrames: this.#acknowledgedFrames,
      inFlightFrames: 0,
      waitingFrames,
      droppedFrames: this.#droppedFrames,
      replayedFrames: this.#replayedFrames,
      outboxBytes: waitingFrames * bytes,
      connections: this.#connections,
    };
  }

  /** True between `mute()` and `unmute()`. */
  get muted(): boolean {
    return this.#muted;
  }

  /** The capture of the microphone; null if the session only listens. */
  get capture(): Capture<PayloadFormat> | null {
    return this.#capture;
  }

  /** The playout of `openPlayout`; null before that and after the end. */
  get playout(): Playout | null {
    return this.#playout;
  }

  /** @throws MicwireError `'closed'` */
  mute(): void {
    this.#checkOpen();
    this.#muted = true;
  }

  /** @throws MicwireError `'closed'` */
  unmute(): void {
    this.#checkOpen();
    this.#muted = false;
  }

  /** Pauses the capture and the playout of `openPlayout`. */
  async pause(): Promise<void> {
    this.#paused = true;
    await Promise.all([this.#capture?.pause(), this.#playout && pausePlayout(this.#playout)]);
  }

  /** Continues after `pause()`, and resumes a suspended context. */
  async resume(): Promise<void> {
    this.#paused = false;
    this.#playout?.resume().catch(() => {});
    await Promise.all([this.#capture?.resume(), resumeSuspended(this.#options.context)]);
  }

  /** Increments `commits`. @throws MicwireError `'closed'` */
  commit(): void {
    this.#checkOpen();
    this.commits++;
  }

  /** Silences the playout, and resolves to `heard`; an `'interrupted'` event follows. @throws MicwireError `'closed'` */
  async interrupt(): Promise<HeardItem> {
    this.#checkOpen();
    await this.#playout?.interrupt();
    this.#checkOpen();
    this.emit('interrupted', this.heard);
    return this.heard;
  }

  /** Adds a value to `sent`. @throws MicwireError `'closed'` */
  send(value: unknown): void {
    this.#checkOpen();
    this.sent.push(value);
  }

  /** Adds a mark to `marks`; the test reports it by `emit('played', …)`. @throws as `Session.mark` */
  mark(name: string, place: { readonly item: string; readonly frames?: number | undefined }): void {
    checkText('name', name);
    checkOptions('session.mark', place, { item: 1, frames: 1 });
    const { item, frames } = place;
    checkText('item', item);
    if (frames !== undefined) numberIn('frames', frames, 0, Number.MAX_SAFE_INTEGER);
    this.#checkOpen();
    this.marks.push({ name, item, frames });
  }

  /** @throws MicwireError `'closed'`; otherwise `'unsupported'`: a fake does not record */
  async record(_options: SessionRecordOptions): Promise<Recorder> {
    this.#checkOpen();
    throw new MicwireError(
      'unsupported',
      'A FakeSession records nothing. Test recording in a browser.',
    );
  }

  /** Ends the session. Needs virtual time: `await context.during(session.close())`. */
  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    checkOptions('session.close', options, { drainMs: 1 });
    numberIn('drainMs', options.drainMs ?? 0, 0, 600_000);
    return (this.#closing ??= this.#close());
  }

  /**
   * Plays the service's side: opens, breaks or ends the connection. `'open'` acknowledges all waiting audio; `'closed'` ends the
   * session permanently, like a service that refuses it.
   */
  setState(state: SessionState): void {
    if (state === this.#state || this.#state === 'closed') return;
    if (state === 'closed') {
      this.#droppedFrames += framesOf(this.#waiting.splice(0));
      void this.#capture?.close();
    }
    this.#state = state;
    if (state === 'open') {
      if (this.#connections++ > 0) this.#replayedFrames += framesOf(this.#waiting);
      this.#acknowledge();
    }
    this.dispatchEvent(new Event('statechange'));
  }

  /** Dispatches an event, as if the service had caused it. */
  emit<Type extends FakeSessionEvent>(type: Type, detail: SessionEventDetail<Type>): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * Dispatches an `'error'` event. The state does not change, because a session recovers from most errors; call
   * `setState('closed')` to end it.
   */
  fail(code: MicwireErrorCode, message: string = `The test made it fail: ${code}.`): void {
    const detail = new MicwireError(code, message);
    this.dispatchEvent(new CustomEvent('error', { detail }));
  }

  /** Opens the service's stream of replies: write them to the returned playout, which plays to the session's output. */
  async openPlayout(
    stream: Partial<StreamFormat> & { readonly sampleRate: number },
  ): Promise<Playout> {
    this.#checkOpen();
    const playout = await Playout.create(this.#options.context, stream);
    void this.#playout?.close();
    playout.connect(this.node);
    // The answer is not awaited, as in a Session.
    if (this.#paused) playout.pause().catch(() => {});
    this.#playout = playout;
    return playout;
  }

  async #start(): Promise<void> {
    const options = this.#options;
    const { context, microphone } = options;
    if (microphone === null) return;
    const served: ServedStreams = options.worker === undefined ? options.service : WORKER_STREAMS;
    const capture = await openCapture(context, microphone, served, options);
    this.#capture = capture;
    capture.addEventListener('error', ({ detail }) => this.fail(detail.code, detail.message));
    this.#reading = this.#read(capture);
  }

  async #read(capture: Capture<PayloadFormat>): Promise<void> {
    for await (const chunk of capture) {
      this.#droppedFrames += chunk.dropped;
      if (this.#state === 'closed') this.#droppedFrames += chunk.frames;
      else this.#waiting.push(chunk);
      if (this.#state === 'open') this.#acknowledge();
    }
  }

  #acknowledge(): void {
    const chunks = this.#waiting.splice(0);
    this.#acknowledgedFrames += framesOf(chunks);
    if (!this.#muted) this.received.push(...chunks);
  }

  #checkOpen(): void {
    if (this.#state === 'closed' || this.#closing !== undefined) {
      throw new MicwireError('closed', 'The session is closed. Open another one.');
    }
  }

  readonly #onContext = (): void => {
    if (this.#options.context.state === 'closed') void this.close();
  };

  async #close(): Promise<void> {
    await this.#capture?.close();
    await this.#reading;
    this.setState('closed');
    this.#options.context.removeEventListener('statechange', this.#onContext);
    void this.#playout?.close();
    this.#playout = null;
    this.node.disconnect();
  }
}

function framesOf(chunks: readonly Chunk<PayloadFormat>[]): number {
  return chunks.reduce((frames, chunk) => frames + chunk.frames, 0);
}
