import { numberIn } from '../../core/arguments.ts';
import { MicwireError } from '../../core/errors.ts';
import type { PayloadFormat } from '../../core/format/formats.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import { checkOptions, checkText } from '../../core/option-names.ts';
import type { HeardItem } from '../../core/services/service.ts';
import type { SessionCommand, SessionNews } from '../../core/session/session-engine.ts';
import type { SessionState, SessionStats } from '../../core/session/session-messages.ts';
import type { Capture } from '../capture.ts';
import { checkSignal } from '../abort.ts';
import { makeInOpenContext, whileOpen } from '../context-life.ts';
import { Interruption, resumeSuspended } from '../context-resume.ts';
import { outputLatencySeconds } from '../output-latency.ts';
import { deferred } from '../patience.ts';
import type { Deferred } from '../patience.ts';
import { Playout } from '../playout.ts';
import type { Recorder } from '../recorder.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import { PageBackend } from './session-backend.ts';
import type { BackendListener, SessionBackend } from './session-backend.ts';
import { pausePlayout } from './pause-playout.ts';
import { openCapture } from './session-capture.ts';
import { checkSessionOptions, outputNode } from './session-options.ts';
import type {
  SessionEventDetail,
  SessionEventMap,
  SessionOptions,
  WorkerSessionOptions,
} from './session-options.ts';
import type { SessionRecording, SessionRecordOptions } from './session-record.ts';

/** How long `close()` continues to send waiting audio, in ms. */
const DEFAULT_DRAIN_MS = 3000;
const MAX_DRAIN_MS = 600_000;
/** Assumed output latency where the engine does not report it: Firefox 153 has 30 to 50 ms on Linux. */
const UNTOLD_OUTPUT_SECONDS = 0.05;

/**
 * A conversation with a speech service that survives lost connections. Speech during an outage is kept and sent later, faster than
 * real time, and no audio is sent twice to a service that acknowledges it.
 *
 * @example
 * const session = await Session.open({
 *   context,
 *   microphone: await Microphone.open(context),
 *   service: openaiRealtime({ voice: 'marin' }),
 *   url: 'wss://api.openai.com/v1/realtime?model=gpt-realtime',
 *   token: async () => (await fetch('/token')).text(),
 * });
 * session.addEventListener('transcript', ({ detail }) => console.log(detail.who, detail.text));
 */
export class Session extends TypedEventTarget<SessionEventMap> {
  /** The node that carries the replies to `output`: connect meters or effects to it. It stays the same for the whole session. */
  readonly node: AudioNode;
  readonly #options: SessionOptions | WorkerSessionOptions;
  readonly #context: AudioContext;
  readonly #interruption: Interruption;
  #backend: SessionBackend | null = null;
  #capture: Capture<PayloadFormat> | null = null;
  #playout: Playout | null = null;
  #state: SessionState = 'connecting';
  #muted = false;
  #paused = false;
  /** The call of `interrupt()` that has not been answered yet. */
  #interrupting: Deferred<HeardItem> | null = null;
  /** Resolves when all captured audio has been passed on. */
  #heard: Promise<void> | undefined;
  readonly #recordings = new Set<SessionRecording>();
  /** News that waits until `open()` has resolved and the app can listen. */
  #early: AppNews[] | null = [];
  /** Resolves when the connection has ended permanently. */
  readonly #ended = deferred<void>();
  /** Resolves when replies can no longer be heard. */
  readonly #finished = deferred<void>();
  #closing: Promise<void> | undefined;

  /**
   * Captures the microphone and connects. Resolves when audio is captured, whether or not the connection is open by then: audio
   * captured before the connection opens is sent first, and `state` shows the progress. Call it in a user gesture, so that the
   * context can run.
   * @throws TypeError or RangeError for an invalid option; as `Capture.create` and `Playout.create`: MicwireError `'no-audio'`,
   *   `'worklet-load'`, `'codec-load'`, `'unsupported'`, `'closed'`; `'worker-gone'` when the Worker does not serve the session
   */
  static async open(options: SessionOptions | WorkerSessionOptions): Promise<Session> {
    checkSessionOptions(options);
    const { context, signal } = options;
    const opening = { context, signal };
    checkSignal(signal);
    void resumeSuspended(context);
    const session = makeInOpenContext(opening, () => new Session(options));
    try {
      await whileOpen(opening, session.#start());
      checkSignal(signal);
    } catch (error) {
      void session.close({ drainMs: 0 });
      throw error;
    }
    // Runs after the caller's continuation, which adds listeners.
    setTimeout(() => session.#tellEarly());
    return session;
  }

  private constructor(options: SessionOptions | WorkerSessionOptions) {
    super();
    const { context, output } = options;
    this.#options = options;
    this.#context = context;
    this.#interruption = new Interruption(context);
    this.node = new GainNode(context);
    this.node.connect(output === undefined ? context.destination : outputNode(output));
    context.addEventListener('statechange', this.#onContext);
    globalThis.addEventListener?.('online', this.#onOnline);
  }

  /** State of the session. Each change fires `'statechange'`. */
  get state(): SessionState {
    return this.#state;
  }

  /** Statistics of the captured audio so far. With a Worker, at most 100 ms old. */
  get stats(): SessionStats {
    return this.#backend!.stats;
  }

  /** True between `mute()` and `unmute()`. */
  get muted(): boolean {
    return this.#muted;
  }

  /** The capture of the microphone: read its `state`, `stats` and `node`, but not its chunks. Null if the session only listens. */
  get capture(): Capture<PayloadFormat> | null {
    return this.#capture;
  }

  /**
   * The playout of the replies: read its `position`, `state` and `stats`, but do not write to it. It is replaced when the service
   * changes its stream. Null until the service has a stream, and after the end.
   */
  get playout(): Playout | null {
    return this.#playout;
  }

  /** Mutes the user in the way the service requires: by sending silence, no audio, or messages that keep the connection alive. */
  mute(): void {
    this.#mute(true);
  }

  /** Ends `mute()`. */
  unmute(): void {
    this.#mute(false);
  }

  /**
   * Pauses both sides until `resume()`. No audio is captured: for the service no time passes, and a service that needs continuous
   * audio may hang up. Replies fall silent, and the part that was not heard waits; to pause only the replies, call
   * `playout.pause()`. Resolves when the audio captured earlier is on its way, and no reply is heard.
   * @throws MicwireError `'stalled'` when the audio thread does not answer
   */
  async pause(): Promise<void> {
    this.#paused = true;
    await Promise.all([this.#capture?.pause(), this.#playout && pausePlayout(this.#playout)]);
  }

  /** Continues after `pause()`, and resumes a suspended context: call it in a user gesture. */
  async resume(): Promise<void> {
    this.#paused = false;
    // A closed playout has no audio to play.
    this.#playout?.resume().catch(() => {});
    // A capture that has ended does not resume the context.
    await Promise.all([this.#capture?.resume(), resumeSuspended(this.#context)]);
  }

  /**
   * Tells the service that the user's turn is over, for services that do not detect this themselves. The message follows the audio
   * captured so far.
   * @throws MicwireError `'closed'`
   */
  commit(): void {
    this.#do({ type: 'commit' });
  }

  /**
   * Silences the reply that is playing, and tells the service how far it was heard.
   * @returns how far it was heard, to the frame
   * @throws MicwireError `'closed'`, also when the session ends during the call
   */
  async interrupt(): Promise<HeardItem> {
    this.#do({ type: 'interrupt' });
    this.#interrupting ??= deferred();
    return this.#interrupting.promise;
  }

  /**
   * Sends a custom message to the service: an object becomes JSON; text and bytes are sent unchanged. While there is no connection,
   * up to 64 messages wait.
   * @throws MicwireError `'closed'`; TypeError for a value that cannot be sent to a Worker
   */
  send(value: unknown): void {
    this.#do({ type: 'send', value });
  }

  /**
   * Requests a `played` event with this name in the render quantum in which a place in a reply is heard.
   * @param place `item`: the reply's name; `frames`: the position in the item, in frames at the rate of the reply's stream
   *   (`playout.sampleRate`); without it, the end of the audio received so far
   * @throws MicwireError `'closed'`; TypeError or RangeError for an invalid argument
   */
  mark(name: string, place: { readonly item: string; readonly frames?: number | undefined }): void {
    checkText('name', name);
    checkOptions('session.mark', place, { item: 1, frames: 1 });
    const { item, frames } = place;
    checkText('item', item);
    if (frames !== undefined) numberIn('frames', frames, 0, Number.MAX_SAFE_INTEGER);
    this.#do({ type: 'mark', name, item, frames });
  }

  /**
   * Records the user (left) and the agent (right), aligned to the frame, as a file. The recording is complete when the session has
   * closed, or when you call the recorder's `stop()`, which returns the file. While the user is muted, or the session is paused,
   * the user's channel is silent.
   * @throws as `Recorder.create`; TypeError for `channels: 'user'` in a session without a microphone; MicwireError `'closed'`
   */
  async record(options: SessionRecordOptions): Promise<Recorder> {
    this.#checkOpen();
    // Loaded on demand: few apps record.
    const { SessionRecording } = await import('./session-record.ts');
    const { microphone: user } = this.#options;
    const sides = { context: this.#context, user, agent: this.node };
    const recording = await SessionRecording.open(sides, options);
    for (const other of this.#recordings) if (other.isOver) this.#recordings.delete(other);
    this.#recordings.add(recording);
    if (this.#muted) recording.mute(true);
    if (this.#isOver) recording.end();
    return recording.recorder;
  }

  /**
   * Ends the session: replies fall silent, the audio captured so far is sent, and the connection is closed. The microphone belongs
   * to the caller and stays open. Resolves when this is done; a second call returns the same promise. The session closes by itself
   * when its context is closed.
   * @param options `drainMs`: for how long waiting audio may still be sent, in ms, 0–600000; default 3000
   */
  close(options: { readonly drainMs?: number } = {}): Promise<void> {
    checkOptions('session.close', options, { drainMs: 1 });
    const drainMs = numberIn('drainMs', options.drainMs ?? DEFAULT_DRAIN_MS, 0, MAX_DRAIN_MS);
    return (this.#closing ??= this.#close(drainMs));
  }

  async #start(): Promise<void> {
    const options = this.#options;
    const listener: BackendListener = {
      news: (news) => this.#hear(news),
      openPlayout: (stream) => this.#openPlayout(stream),
    };
    const name = sessionName();
    const backend =
      options.worker === undefined
        ? new PageBackend(options, name, listener)
        : await this.#openInWorker(options, name, listener);
    this.#backend = backend;
    // The capture comes first: from then on no speech is lost.
    await Promise.all([this.#startCapture(backend), backend.ready]);
  }

  async #openInWorker(
    options: WorkerSessionOptions,
    name: string,
    listener: BackendListener,
  ): Promise<SessionBackend> {
    // Loaded on demand: few apps use a Worker.
    const { WorkerBackend } = await import('./worker-backend.ts');
    const opening = WorkerBackend.open(options, name, listener);
    const { context, signal } = options;
    return whileOpen({ context, signal }, opening, (late) => late.abandon());
  }

  async #startCapture(backend: SessionBackend): Promise<void> {
    const { context, microphone } = this.#options;
    if (microphone === null) return;
    const capture = await openCapture(context, microphone, backend, this.#options);
    this.#capture = capture;
    if (this.#isOver) return void capture.close();
    capture.addEventListener('error', ({ detail }) => {
      if (detail.code === 'worker-gone' && backend.lose !== undefined) backend.lose();
      else this.#tellError(detail);
    });
    capture.addEventListener('statechange', () => {
      if (capture.state === 'ended') this.#tellError(new MicwireError('no-audio', ENDED));
    });
    this.#heard = backend.hear(capture);
  }

  async #openPlayout(stream: StreamFormat): Promise<Playout> {
    const { targetDelayMs, workletUrl, opusUrl } = this.#options;
    const playout = await Playout.create(this.#context, {
      ...stream,
      opusUrl,
      ...(targetDelayMs === undefined ? {} : { targetDelayMs }),
      ...(workletUrl === undefined ? {} : { workletUrl }),
    });
    if (this.#isOver) {
      await playout.close();
      throw new MicwireError('closed', CLOSED);
    }
    void this.#playout?.close();
    playout.connect(this.node);
    playout.addEventListener('error', ({ detail }) => {
      if (detail.code === 'worker-gone') this.#backend?.lose?.();
      else this.#tellError(detail);
    });
    playout.addEventListener('statechange', () => this.#tellPlaying(playout));
    // Its output is not heard yet, so the answer does not matter.
    if (this.#paused) playout.pause().catch(() => {});
    this.#playout = playout;
    return playout;
  }

  /** Reports, for half-duplex, whether a reply is heard. */
  #tellPlaying(playout: Playout): void {
    if (playout !== this.#playout || this.#options.halfDuplex !== true) return;
    const { currentTime: contextTime } = this.#context;
    const playing = playout.state === 'playing';
    const outputSeconds = outputLatencySeconds(this.#context) ?? UNTOLD_OUTPUT_SECONDS;
    this.#backend?.do({ type: 'playing', playing, contextTime, outputSeconds });
  }

  /** True if the connection has ended permanently, or is about to. */
  get #isOver(): boolean {
    return this.#state === 'closed' || this.#closing !== undefined;
  }

  #mute(muted: boolean): void {
    this.#do({ type: 'mute', muted });
    this.#muted = muted;
    for (const recording of this.#recordings) recording.mute(muted);
  }

  #do(command: SessionCommand): void {
    this.#checkOpen();
    this.#backend!.do(command);
  }

  #checkOpen(): void {
    if (this.#isOver) throw new MicwireError('closed', CLOSED);
  }

  #hear(news: SessionNews): void {
    // The state changes immediately; the events wait until the app can listen.
    if (news.type === 'state') this.#state = news.state;
    if (news.type === 'closed') this.#end();
    else if (news.type === 'finished') this.#finished.resolve();
    else if (this.#early !== null) this.#early.push(news);
    else this.#dispatch(news);
  }

  #tellEarly(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const news of early) this.#dispatch(news);
  }

  #dispatch(news: AppNews): void {
    switch (news.type) {
      case 'state':
        this.dispatchEvent(new Event('statechange'));
        break;
      case 'message':
        this.#tell('message', news.value);
        break;
      case 'transcript': {
        const { type, ...transcript } = news;
        this.#tell(type, transcript);
        break;
      }
      case 'speech':
        this.#tell('speech', news.active);
        break;
      case 'caption':
        this.#tell('caption', news.caption);
        break;
      case 'gap':
        this.#tell('gap', news.gap);
        break;
      case 'played':
        this.#tell('played', news.played);
        break;
      case 'interrupted':
        this.#interrupting?.resolve(news.heard);
        this.#interrupting = null;
        this.#tell('interrupted', news.heard);
        break;
      case 'error':
        this.#tell('error', errorOf(news));
    }
  }
  #tell<Type extends keyof SessionEventMap>(type: Type, detail: SessionEventDetail<Type>): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #tellError({ code, message, cause }: MicwireError): void {
    this.#hear({ type: 'error', code, message, cause });
  }

  readonly #onOnline = (): void => this.#backend?.do({ type: 'online' });

  readonly #onContext = (): void => {
    void this.#interruption.changed();
    if (this.#context.state === 'closed') void this.close();
  };

  /** Handles the permanent end of the connection. Replies that have arrived play to their end. */
  #end(): void {
    this.#ended.resolve();
    this.#interrupting?.reject(new MicwireError('closed', CLOSED));
    this.#interrupting = null;
    void this.#capture?.close();
    if (this.#closing !== undefined) return;
    this.#backend?.do({ type: 'finish' });
    void this.#finished.promise.then(() => this.#release());
  }

  async #close(drainMs: number): Promise<void> {
    const backend = this.#backend;
    backend?.do({ type: 'hush' });
    await this.#capture?.close();
    await this.#heard;
    if (backend !== null) {
      backend.do({ type: 'close', drainMs });
      await Promise.all([this.#ended.promise, this.#finished.promise]);
    }
    this.#release();
  }

  /** Releases everything. */
  #release(): void {
    this.#context.removeEventListener('statechange', this.#onContext);
    globalThis.removeEventListener?.('online', this.#onOnline);
    for (const recording of this.#recordings) recording.end();
    void this.#playout?.close();
    this.#playout = null;
    this.node.disconnect();
  }
}

/** News that is dispatched to the app as an event. */
type AppNews = Exclude<SessionNews, { readonly type: 'closed' | 'finished' }>;

const CLOSED = 'The session is closed. Open another one.';
const ENDED =
  'The source has ended: nothing of the user is heard any more. Open the session with a Microphone, which takes another device.';

function errorOf({ code, message, cause }: AppNews & { readonly type: 'error' }): MicwireError {
  return new MicwireError(code, message, cause === undefined ? undefined : { cause });
}

/** Returns a unique name for a session; `randomUUID` exists in secure contexts only. */
function sessionName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
