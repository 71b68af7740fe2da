import { booleanOf } from '../../core/arguments.ts';
import { checkObject, checkOptions, checkText } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { MicwireError } from '../../core/errors.ts';
import type { CallFigures } from '../../core/webrtc/call-figures.ts';
import type { CallStep, CallStepName } from '../../core/webrtc/call-timeline.ts';
import type { IceReport } from '../../core/webrtc/ice-report.ts';
import type { CallRole } from '../../core/webrtc/signal-message.ts';
import { checkSignal, onAbort } from '../abort.ts';
import { Patience, deferred } from '../patience.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import {
  answerAudio,
  offerAudio,
  receivesAudio,
  sendsRed,
  watchFirstAudio,
  RemoteAudio,
} from './call-audio.ts';
import type { CallEventMap, CallState, CallOptions, CallSettings } from './call-options.ts';
import {
  connectionFailed,
  noWebrtc,
  pathLost,
  tooLate,
  CallRecord,
  observeConnection,
} from './call-record.ts';
import { CallStatistics } from './call-statistics.ts';
import { callSettings, jitterBufferTargetIn } from './call-options.ts';
import type { ImporterConnection } from './dump.ts';
import { IceRecovery } from './ice-recovery.ts';
import { Negotiation } from './negotiation.ts';
import type { Signalling } from './signalling.ts';

/** Options of a data channel of a call. */
export interface CallDataChannelOptions {
  /**
   * If true, every message arrives, in order, however late. If false, each message is sent once, and the network may lose or
   * reorder it.
   * @default false
   */
  readonly reliable?: boolean;
  /** A human-readable name. @default 'data' */
  readonly label?: string;
}
const CHANNEL_NAMES = { reliable: 1, label: 1 } satisfies OptionNames<CallDataChannelOptions>;

/** Number of calls that the page has created, for their names in dumps. */
let callsMade = 0;

/**
 * A call between two peers over WebRTC, with at most one audio stream in each direction, and data channels. Each side creates its
 * own `Call` on its end of a {@link Signalling}.
 *
 * @example
 * const signalling = WebSocketSignalling.create('/signal', { room: 'kitchen' });
 * const call = Call.create(signalling, { track: microphone.getAudioTracks()[0] });
 * await call.connect();
 * call.createSource(context).connect(context.destination);
 */
export class Call extends TypedEventTarget<CallEventMap> {
  /** The underlying connection, for features that this class does not offer. */
  readonly connection: RTCPeerConnection;
  readonly #signalling: Signalling;
  readonly #settings: CallSettings;
  readonly #record: CallRecord;
  readonly #negotiation: Negotiation;
  readonly #statistics: CallStatistics;
  readonly #recovery: IceRecovery;
  readonly #connected = deferred<void>();
  readonly #number = ++callsMade;
  readonly #remoteAudio = new RemoteAudio();
  #channels: RTCDataChannel[] = [];
  #state: CallState = 'new';
  #hasBegun = false;
  #closing: Promise<void> | undefined;
  #jitterBufferTarget: number | null;
  #remoteTrack: MediaStreamTrack | null = null;
  readonly #deadline = new Patience();
  #endWatch: (() => void) | null = null;
  /** Stops watching the option `signal`. */
  #endAbort: (() => void) | undefined;

  /**
   * Creates a call. Nothing is sent before `connect()`.
   * @param signalling the signalling; it belongs to the call from now on, and ends with it
   * @throws MicwireError `'unsupported'` in an engine without WebRTC; TypeError or RangeError for an invalid option; the reason of
   *   a `signal` that is already aborted
   */
  static create(signalling: Signalling, options: CallOptions = {}): Call {
    return new Call(signalling, options);
  }

  private constructor(signalling: Signalling, options: CallOptions) {
    super();
    checkObject('signalling must be a Signalling', signalling, 'send');
    const settings = callSettings(options);
    checkSignal(options.signal);
    if (typeof RTCPeerConnection === 'undefined') throw noWebrtc();
    this.#settings = settings;
    this.#signalling = signalling;
    this.#jitterBufferTarget = settings.jitterBufferTarget;
    this.#statistics = new CallStatistics(() => this.connection, settings.historyLength);
    this.#record = new CallRecord((step) => this.#dispatch('step', step));
    this.#record.begin('create');
    this.connection = new RTCPeerConnection({
      iceServers: [...settings.iceServers],
      iceTransportPolicy: settings.iceTransportPolicy,
      bundlePolicy: 'max-bundle',
    });
    this.#negotiation = new Negotiation(this.connection, signalling, settings, this.#record, {
      prepareAnswer: () => answerAudio(this.connection, settings),
      restarting: () => this.#restarting(),
      restartAsked: () => this.#recovery.asked(),
      bye: (reason) => this.#end(reason || 'the other side hung up'),
      failed: (error) => this.#fail(error),
    });
    observeConnection(this.connection, this.#record, {
      track: (track, receiver) => {
        this.#remoteTrack = track;
        this.#aim(receiver);
      },
      iceWorks: () => this.#iceWorks(),
      iceLost: () => this.#iceLost(),
      connected: () => this.#keysAgreed(),
      failed: () => {
        if (!this.#recovery.isRecovering) this.#failConnection();
      },
    });
    this.#recovery = new IceRecovery(settings.recoverTimeoutMs, {
      canRecover: () => signalling.state !== 'closed' && hasKeys(this.connection),
      canTell: () => signalling.state === 'ready',
      // The signalling reports its own failures.
      restart: (why) => {
        this.#record.note('ice', `ICE restarts: ${why}`);
        this.#negotiation.restartIce().catch(() => {});
      },
      gaveUp: () => this.#fail(pathLost(settings.recoverTimeoutMs)),
    });
    this.#endAbort = onAbort(options.signal, (reason) => {
      this.#connected.reject(reason);
      void this.close();
    });
  }

  get state(): CallState {
    return this.#state;
  }

  /** Whether this side is the caller or the callee; null until both sides are present. */
  get role(): CallRole | null {
    return this.#signalling.role;
  }

  /** A snapshot of the six steps of the call, each with its times and events. */
  get steps(): readonly CallStep[] {
    return this.#record.timeline.steps;
  }

  /** The offer as it was sent; null until then. See `explainSdp`. */
  get offer(): string | null {
    return this.#negotiation.offer;
  }

  /** The answer as it was sent; null until then. */
  get answer(): string | null {
    return this.#negotiation.answer;
  }

  /** The audio track of the other side; null until it exists. */
  get remoteTrack(): MediaStreamTrack | null {
    return this.#remoteTrack;
  }

  /** True if both sides agreed that this side's packets carry copies of earlier ones (RED). */
  get redundancy(): boolean {
    return sendsRed(this.connection);
  }

  /** Statistics over time, oldest first, for charts: see `historyIntervalMs`. */
  get history(): readonly CallFigures[] {
    return this.#statistics.history.figures;
  }

  /**
   * Target of the browser's jitter buffer in ms; null to let the browser decide. May be set at any time. @throws RangeError
   */
  get jitterBufferTarget(): number | null {
    return this.#jitterBufferTarget;
  }

  set jitterBufferTarget(ms: number | null) {
    this.#jitterBufferTarget = jitterBufferTargetIn(ms);
    for (const receiver of this.connection.getReceivers()) this.#aim(receiver);
  }

  /**
   * Adds a data channel. Both sides must add the same channels in the same order, before `connect()`. Pass it to a
   * {@link DataChannelTransport}; or post it to a Worker in the same task (`worker.postMessage(channel, [channel])`, Chromium) and
   * create the transport there.
   * @throws MicwireError `'closed'` after `connect()`
   */
  createDataChannel(options: CallDataChannelOptions = {}): RTCDataChannel {
    checkOptions('call.createDataChannel', options, CHANNEL_NAMES);
    const { label = 'data' } = options;
    checkText('label', label);
    const reliable = booleanOf('reliable', options.reliable ?? false);
    if (this.#state !== 'new') {
      throw new MicwireError(
        'closed',
        'Add data channels before connect(): both sides must know them.',
      );
    }
    const channel = this.connection.createDataChannel(label, {
      negotiated: true,
      id: this.#channels.length,
      ...(reliable ? {} : { ordered: false, maxRetransmits: 0 }),
    });
    channel.binaryType = 'arraybuffer';
    this.#channels.push(channel);
    this.#record.update(
      'createDataChannel',
      `label: ${label}, ordered: ${reliable}, ${reliable ? '' : 'maxRetransmits: 0, '}negotiated: true, id: ${channel.id}`,
    );
    for (const type of ['open', 'closing', 'close', 'error']) {
      channel.addEventListener(type, () => this.#record.update(`datachannel${type}`, label));
    }
    const how = reliable ? 'reliable and in order' : 'sent once';
    this.#record.note('create', `data channel '${label}', ${how}`);
    return channel;
  }

  /**
   * Waits for the other side and connects. Further calls return the same promise.
   * @throws MicwireError `'transport'` when signalling, ICE or DTLS fail or take too long; `'closed'` when the call is hung up
   *   before it is connected; the reason of the option `signal`
   */
  connect(): Promise<void> {
    if (this.#state === 'new') this.#start();
    return this.#connected.promise;
  }

  /**
   * Returns the current statistics.
   * @throws MicwireError `'closed'` after the call has ended: `history` still holds the last ones
   */
  stats(): Promise<CallFigures> {
    return this.#statistics.stats();
  }

  /**
   * Looks for a path to the other side again, with new user fragments (RFC 8445 §9), for example when the machine has moved to
   * another network. Audio continues over the old path until the new one works. This happens automatically when the path is lost:
   * see `recoverTimeoutMs`. Resolves when both sides have agreed; a call during a restart joins that restart.
   * @throws MicwireError `'transport'` while the call is not connected, when its signalling cannot reach the other side, or when
   *   the other side has not answered within 10 s; `'closed'` when the call ends first
   */
  async restartIce(): Promise<void> {
    if (this.#state === 'closed') throw new MicwireError('closed', 'The call has ended.');
    if (this.#state !== 'connected' && this.#state !== 'reconnecting') {
      throw new MicwireError('transport', 'ICE can restart once it is connected: await connect().');
    }
    if (this.#signalling.state !== 'ready') {
      const message = `ICE cannot restart while the signalling is ${this.#signalling.state}: it has to tell the other side.`;
      throw new MicwireError('transport', message);
    }
    this.#record.note('ice', 'ICE restarts: the app asks for it');
    await this.#negotiation.restartIce();
  }

  /** Returns the candidates and their pairs. @throws MicwireError `'closed'` after the call has ended */
  ice(): Promise<IceReport> {
    return this.#statistics.ice();
  }

  /**
   * Creates a node with the other side's audio. The node ends with the call.
   * @throws MicwireError `'no-audio'` while there is no audio
   */
  createSource(context: AudioContext): MediaStreamAudioSourceNode {
    const track = this.#state === 'closed' ? null : this.#remoteTrack;
    return this.#remoteAudio.open(context, track, 'the other side');
  }

  /** Returns the data that `dumpForImporter` needs. @internal */
  importerConnection(): ImporterConnection {
    const { iceServers, iceTransportPolicy } = this.#settings;
    return {
      id: `${this.role ?? 'call'}-${this.#number}`,
      url: globalThis.location?.href ?? '',
      configuration: {
        iceServers: iceServers.map(({ urls }) => ({ urls })),
        iceTransportPolicy,
        bundlePolicy: 'max-bundle',
      },
      updates: this.#record.updates,
      reports: this.#statistics.history.reports,
    };
  }

  /** Hangs up. A second call returns the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#hangUp());
  }

  async #hangUp(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#signalling.send({ type: 'bye', reason: '' });
    this.#end('this side hung up');
  }

  #start(): void {
    this.#become('connecting');
    this.#record.end('create');
    this.#record.begin('signal');
    if (this.#channels.length === 0) this.#record.skip('data');
    const { connectTimeoutMs, historyIntervalMs } = this.#settings;
    const signalling = this.#signalling;
    this.#deadline.wait(connectTimeoutMs, () => {
      this.#fail(tooLate(connectTimeoutMs, this.steps, signalling.state === 'ready'));
    });
    this.#statistics.start(historyIntervalMs);
    signalling.addEventListener('statechange', this.#onSignalling);
    this.#onSignalling();
  }

  readonly #onSignalling = (): void => {
    const { state } = this.#signalling;
    if (state === 'ready' && !this.#hasBegun) this.#begin();
    else if (state === 'ready') {
      this.#negotiation.signallingBack();
      this.#recovery.signallingBack();
    } else if (state !== 'closed') this.#record.note('signal', `signalling is ${state}`);
    else if (this.#state === 'connecting') {
      const cause = this.#signalling.error;
      const words = cause?.message ?? 'The signalling was closed.';
      this.#fail(new MicwireError('transport', words, { cause }));
    } else if (this.connection.connectionState === 'failed') {
      // A restart can no longer be signalled to the other side.
      this.#failConnection();
    }
  };

  #begin(): void {
    this.#hasBegun = true;
    const { role } = this.#signalling;
    if (role === null) throw new TypeError('A signalling that is ready must know its role.');
    if (role === 'caller') offerAudio(this.connection, this.#settings, this.#record);
    this.#negotiation.begin(role);
  }

  #iceLost(): void {
    if (this.#state !== 'connected' && this.#state !== 'reconnecting') return;
    this.#become('reconnecting');
    this.#recovery.lost();
  }

  #restarting(): void {
    this.#record.note('ice', 'restart: new user fragments, and candidates for them');
    this.#recovery.restarted();
  }

  #failConnection(): void {
    this.#fail(connectionFailed(this.#record.timeline.step('ice').state === 'done'));
  }

  #iceWorks(): void {
    if (this.#state === 'reconnecting') {
      this.#record.note('ice', 'the path works again');
      this.#become('connected');
    }
    this.#recovery.works();
    this.#record.end('ice');
    this.#record.begin('media');
    this.#record.begin('data');
  }

  #keysAgreed(): void {
    // The path may be lost for a while, and come back.
    if (this.#state !== 'connecting') return;
    // Firefox may report this before it reports that ICE works.
    this.#iceWorks();
    this.#record.note('media', 'keys agreed (DTLS)');
    for (const channel of this.#channels) {
      // A channel that was transferred to a Worker stays 'connecting' or becomes 'closed' here; it opens there.
      if (channel.readyState === 'connecting') {
        channel.addEventListener('open', () => this.#perhapsConnected());
      }
    }
    const receiver = receivesAudio(this.connection);
    if (receiver === null) {
      this.#record.note('media', 'no audio is expected');
      this.#record.end('media');
    } else {
      this.#endWatch ??= watchFirstAudio(receiver, () => this.#firstAudio());
    }
    this.#perhapsConnected();
  }

  #firstAudio(): void {
    this.#record.note('media', 'first audio is here');
    this.#record.end('media');
  }

  #perhapsConnected(): void {
    if (this.#state !== 'connecting') return;
    if (this.#channels.some((channel) => channel.readyState === 'connecting')) return;
    if (this.#channels.length > 0) this.#record.note('data', 'channels are open');
    this.#record.end('data');
    this.#deadline.end();
    this.#endAbort?.();
    this.#recovery.start();
    this.#become('connected');
    this.#connected.resolve();
  }

  #aim(receiver: RTCRtpReceiver): void {
    if (receiver.track.kind !== 'audio') return;
    const target = this.#jitterBufferTarget;
    if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = target;
    else if (target !== null) this.#record.note('media', 'this browser has no jitterBufferTarget');
  }

  #fail(error: MicwireError): void {
    if (this.#state === 'closed') return;
    for (const step of this.steps) {
      if (step.state === 'active') this.#markFailed(step.name, error);
    }
    this.#signalling.send({ type: 'bye', reason: 'The other side failed.' });
    this.#connected.reject(error);
    this.#end(error.message);
    this.#dispatch('error', error);
  }

  #markFailed(name: CallStepName, error: MicwireError): void {
    this.#record.note(name, error.message);
    this.#record.end(name, 'failed');
  }

  #end(reason: string): void {
    if (this.#state === 'closed') return;
    const record = this.#record;
    for (const { name, state } of this.steps) {
      if (name === 'close') continue;
      if (state === 'active') record.end(name, 'failed');
      else record.skip(name);
    }
    record.begin('close');
    record.note('close', reason);
    this.#deadline.end();
    this.#endAbort?.();
    this.#endWatch?.();
    this.#recovery.end();
    this.#negotiation.end();
    this.#signalling.removeEventListener('statechange', this.#onSignalling);
    void this.#signalling.close();
    this.#remoteAudio.close();
    this.connection.close();
    record.update('close');
    record.end('close');
    this.#connected.reject(new MicwireError('closed', `The call has ended: ${reason}.`));
    this.#statistics.end();
    this.#become('closed');
  }

  #become(state: CallState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }

  #dispatch(type: keyof CallEventMap, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Returns true if the keys are still valid: no new path can restore a DTLS association that the other side has closed. */
function hasKeys(connection: RTCPeerConnection): boolean {
  const [sender] = connection.getSenders();
  const transport = sender?.transport ?? connection.sctp?.transport;
  return transport?.state !== 'closed' && transport?.state !== 'failed';
}
