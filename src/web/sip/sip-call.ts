import { MicwireError, errorText } from '../../core/errors.ts';
import { checkObject, checkText } from '../../core/option-names.ts';
import type { CallFigures } from '../../core/webrtc/call-figures.ts';
import type { CallStep } from '../../core/webrtc/call-timeline.ts';
import type { IceReport } from '../../core/webrtc/ice-report.ts';
import { withOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import type { CallRole } from '../../core/webrtc/signal-message.ts';
import { checkSignal, onAbort } from '../abort.ts';
import { Patience, deferred } from '../patience.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import { RemoteAudio, receivesAudio, watchFirstAudio } from '../webrtc/call-audio.ts';
import { jitterBufferTargetIn } from '../webrtc/call-options.ts';
import type { CallSettings } from '../webrtc/call-options.ts';
import { CallRecord, observeConnection, tooLate } from '../webrtc/call-record.ts';
import { CallStatistics } from '../webrtc/call-statistics.ts';
import type { JsSipFailure, JsSipSession, JsSipSessionEvents } from './jssip-types.ts';
import { dtmfSettings, sipCallSettings } from './sip-call-options.ts';
import type {
  SipCallEventMap,
  SipCallOptions,
  SipCallState,
  SipDtmfOptions,
} from './sip-call-options.ts';
import { InfoTones, sendRtpTones } from './sip-dtmf.ts';
import { SipError, callFailure, callRefused } from './sip-error.ts';
import { changeHold } from './sip-hold.ts';
import type { SipTransfer } from './sip-transfer.ts';

/** What a call requires of its phone. */
export interface SipCallPlan {
  readonly role: CallRole;
  /** Address of the other side. */
  readonly remote: string;
  /** Name of the other side; empty if it has no name. */
  readonly remoteName: string;
  /** The session of an incoming call; null for an outgoing call. */
  readonly session: JsSipSession | null;
  /** Sends the INVITE. */
  dial(options: object): JsSipSession;
  /** Returns true if a request can be sent now. */
  isOnline(): boolean;
  /** Makes a call that the other side requests; null if it was already refused. */
  refer(
    request: Parameters<JsSipSessionEvents['refer']>[0],
  ): (SipTransfer & { isOpen(): boolean }) | null;
  /** Called once when the call has ended. */
  ended(call: SipCall): void;
}

/**
 * Candidates that arrive later than this after the first one are left out, in ms: waiting for an unreachable STUN server would take
 * 40 s.
 */
const GATHER_MS = 1500;

/**
 * A call of a {@link SipPhone}: like `Call`, but with anyone who can be reached through a SIP server instead of another page. An
 * outgoing call comes from `phone.call()`, an incoming one from the event `'call'`.
 *
 * @example
 * const call = phone.call('sip:bob@example.com', { track });
 * await call.connect();
 * call.createSource(context).connect(context.destination);
 */
export class SipCall extends TypedEventTarget<SipCallEventMap> {
  /** Whether this side is the caller or the callee. */
  readonly role: CallRole;
  /** Address of the other side, such as `'sip:bob@example.com'`. For an incoming call, the caller states it; it is not verified. */
  readonly remote: string;
  /** Name of the other side, as stated by that side; empty if it has no name. */
  readonly remoteName: string;
  readonly #plan: SipCallPlan;
  #settings: CallSettings;
  readonly #record: CallRecord;
  #statistics: CallStatistics;
  readonly #connected = deferred<void>();
  /** Rejects when the call ends. */
  readonly #ended = deferred<never>();
  readonly #remoteAudio = new RemoteAudio();
  #session: JsSipSession | null;
  #tones: InfoTones | null = null;
  #state: SipCallState = 'new';
  #closing: Promise<void> | undefined;
  /** A copy of the app's track: mute and hold disable the copy, not the app's track. */
  #track: MediaStreamTrack | null = null;
  #remoteTrack: MediaStreamTrack | null = null;
  #isMuted = false;
  #isAnswered = false;
  #isOver = false;
  #hasKeys = false;
  #offer: string | null = null;
  #answer: string | null = null;
  #jitterBufferTarget: number | null;
  #error: MicwireError | null = null;
  readonly #deadline = new Patience();
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #endWatch: (() => void) | null = null;
  #endAbort: (() => void) | undefined;

  /** @internal */
  static create(plan: SipCallPlan, options: SipCallOptions): SipCall {
    return new SipCall(plan, options);
  }

  private constructor(plan: SipCallPlan, options: SipCallOptions) {
    super();
    checkObject('A SipCall comes from a SipPhone', plan, 'role', 'remote', 'dial');
    this.#plan = plan;
    this.role = plan.role;
    this.remote = plan.remote;
    this.remoteName = plan.remoteName;
    this.#settings = sipCallSettings('SipCall', options);
    this.#jitterBufferTarget = this.#settings.jitterBufferTarget;
    this.#statistics = new CallStatistics(() => this.connection, this.#settings.historyLength);
    this.#record = new CallRecord((step) => this.#dispatch('step', step));
    this.#record.begin('create');
    this.#session = plan.session;
    this.#watchAbort(options.signal);
    if (plan.session !== null) this.#listen(plan.session);
  }

  get state(): SipCallState {
    return this.#state;
  }

  /** The underlying connection, for features that this class does not offer; null before `connect()`. */
  get connection(): RTCPeerConnection | null {
    return this.#session?.connection ?? null;
  }

  /** A snapshot of the steps of the call, as in `Call`, each with its times. There are no data channels. */
  get steps(): readonly CallStep[] {
    return this.#record.timeline.steps;
  }

  /** The offer of the call; null until it exists. See `explainSdp`. */
  get offer(): string | null {
    return this.#offer;
  }

  /** The answer of the call; null until it exists. */
  get answer(): string | null {
    return this.#answer;
  }

  /** The audio track of the other side; null until it exists. */
  get remoteTrack(): MediaStreamTrack | null {
    return this.#remoteTrack;
  }

  /** Why the call failed or was refused; null otherwise. */
  get error(): MicwireError | null {
    return this.#error;
  }

  /** Which side has put the call on hold. */
  get hold(): { readonly here: boolean; readonly there: boolean } {
    const { local = false, remote = false } = this.#session?.isOnHold() ?? {};
    return { here: local, there: remote };
  }

  /** Whether this side sends silence. May be set at any time. The other side is not informed. */
  get muted(): boolean {
    return this.#isMuted;
  }

  set muted(isMuted: boolean) {
    this.#isMuted = isMuted;
    this.#applyMute();
  }

  /** Statistics over time, oldest first, for charts: see `historyIntervalMs`. */
  get history(): readonly CallFigures[] {
    return this.#statistics.history.figures;
  }

  /** Target of the browser's jitter buffer in ms; null to let the browser decide. May be set at any time. @throws RangeError */
  get jitterBufferTarget(): number | null {
    return this.#jitterBufferTarget;
  }

  set jitterBufferTarget(ms: number | null) {
    this.#jitterBufferTarget = jitterBufferTargetIn(ms);
    for (const receiver of this.connection?.getReceivers() ?? []) this.#aim(receiver);
  }

  /**
   * Places the call, or answers an incoming call with the options given so far. Further calls of this method return the same
   * promise, which resolves when the call is answered and audio can flow.
   * @throws SipError when the call is refused, with the status: busy, declined, not found; MicwireError `'transport'` when no path
   *   for the audio is found or connecting takes too long; `'closed'` when the call is hung up first; the reason of the option
   *   `signal`
   */
  connect(): Promise<void> {
    if (this.#state === 'new') this.#start();
    return this.#connected.promise;
  }

  /**
   * Answers an incoming call with these options.
   * @throws as {@link connect}; TypeError or RangeError for an invalid option; MicwireError `'closed'` unless the call rings here;
   *   the reason of a `signal` that is already aborted: the call keeps ringing
   */
  accept(options: SipCallOptions = {}): Promise<void> {
    if (this.role !== 'callee' || this.#state !== 'new') {
      throw new MicwireError('closed', 'Only an incoming call that rings can be answered.');
    }
    const settings = sipCallSettings('call.accept', options);
    checkSignal(options.signal);
    // The phone's servers, unless the call specifies others.
    const { iceServers = this.#settings.iceServers } = options;
    this.#settings = { ...settings, iceServers };
    this.#jitterBufferTarget = this.#settings.jitterBufferTarget;
    this.#statistics = new CallStatistics(() => this.connection, this.#settings.historyLength);
    this.#endAbort?.();
    this.#watchAbort(options.signal);
    return this.connect();
  }

  /**
   * Refuses an incoming call that rings. Has no effect on any other call.
   * @param how `'busy'` sends the caller 486; `'declined'` sends 603, which also stops the ringing of the user's other devices
   */
  reject(how: 'busy' | 'declined' = 'declined'): void {
    if (how !== 'busy' && how !== 'declined') {
      throw new TypeError("how must be 'busy' or 'declined'.");
    }
    if (this.role === 'callee' && this.#state === 'new') {
      this.#terminate({ status_code: how === 'busy' ? 486 : 603 });
    }
  }

  /**
   * Puts the call on hold: this side neither sends nor plays audio, and informs the other side (re-INVITE, RFC 3264 §8.4).
   * @returns a promise that resolves when the other side has agreed
   * @throws SipError when the other side refuses; MicwireError `'closed'` unless connected; `'transport'` while another change is
   *   in progress, or the server is not connected: the call continues unchanged
   */
  putOnHold(): Promise<void> {
    return this.#change('hold');
  }

  /** Ends the hold of this side. @throws as {@link putOnHold} */
  resume(): Promise<void> {
    return this.#change('unhold');
  }

  /**
   * Sends DTMF tones, like pressing keys.
   * @param tones 1 to 64 of `0`–`9`, `A`–`D`, `*`, `#`; a comma is a pause of 2 s
   * @returns a promise that resolves when all tones are sent
   * @throws TypeError or RangeError for invalid arguments; MicwireError `'closed'` unless connected, `'unsupported'` when the two
   *   sides did not agree on telephone-events, `'transport'` when the browser stops sending them; with INFO: SipError when the
   *   request is refused, `'transport'` while the server is not connected
   */
  async sendDtmf(tones: string, options: SipDtmfOptions = {}): Promise<void> {
    const settings = dtmfSettings(tones, options);
    const sent =
      settings.method === 'info'
        ? this.#sendInfo(tones.toUpperCase(), settings)
        : sendRtpTones(this.#connectedSession().connection!, tones, settings);
    await Promise.race([this.#ended.promise, sent]);
  }

  /**
   * Asks the other side to call somebody else (REFER, RFC 3515).
   * @param target the address to call, such as `'sip:carol@example.com'`
   * @returns a promise that resolves when that call is answered; close this call then
   * @throws TypeError for an invalid target; MicwireError `'closed'` unless connected, `'transport'` while the server is not
   *   connected; SipError when the other side refuses, or its call fails
   */
  async transfer(target: string): Promise<void> {
    checkText('target', target);
    const session = this.#onlineSession();
    const done = deferred<void>();
    const refused = (status: number | undefined): void => done.reject(callRefused(status ?? 500));
    session.refer(target, {
      eventHandlers: {
        requestFailed: ({ response }: JsSipFailure) => refused(response?.status_code),
        accepted: () => done.resolve(),
        failed: ({ status_line }: { readonly status_line: { readonly status_code: number } }) =>
          refused(status_line.status_code),
      },
    });
    await Promise.race([this.#ended.promise, done.promise]);
  }

  /**
   * Returns the current statistics.
   * @throws MicwireError `'closed'` after the call has ended: `history` still holds the last ones
   */
  stats(): Promise<CallFigures> {
    return this.#statistics.stats();
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

  /**
   * Hangs up: sends BYE, or CANCEL before the answer; an incoming call that rings is declined. A second call returns the same
   * promise.
   */
  close(): Promise<void> {
    return (this.#closing ??= this.#hangUp());
  }

  async #hangUp(): Promise<void> {
    const rings = this.role === 'callee' && this.#state === 'new';
    this.#terminate(rings ? { status_code: 603 } : {});
    this.#end('this side hung up');
  }

  #watchAbort(signal: AbortSignal | undefined): void {
    this.#endAbort = onAbort(signal, (reason) => {
      this.#connected.reject(reason);
      void this.close();
    });
  }

  #start(): void {
    const { connectTimeoutMs, historyIntervalMs } = this.#settings;
    this.#become('connecting');
    this.#record.end('create');
    this.#record.begin('signal');
    this.#record.skip('data');
    this.#deadline.wait(connectTimeoutMs, () => {
      this.#fail(tooLate(connectTimeoutMs, this.steps, this.#isAnswered));
    });
    this.#statistics.start(historyIntervalMs);
    try {
      const options = this.#sessionOptions();
      if (this.#session !== null) this.#session.answer(options);
      else this.#session = this.#plan.dial({ ...options, eventHandlers: this.#handlers() });
    } catch (cause) {
      const words = errorText(cause);
      this.#fail(new MicwireError('transport', `The call cannot be made: ${words}`, { cause }));
    }
  }

  #sessionOptions(): object {
    const { track, iceServers, iceTransportPolicy } = this.#settings;
    this.#track = track?.clone() ?? null;
    return {
      ...(this.#track === null ? {} : { mediaStream: new MediaStream([this.#track]) }),
      // With a given stream, `false` would remove the track.
      mediaConstraints: { audio: this.#track !== null, video: false },
      ...(this.#track === null ? { rtcOfferConstraints: { offerToReceiveAudio: true } } : {}),
      // Without `bundlePolicy: 'max-bundle'`, which would refuse the answers of media gateways, because they lack a group.
      pcConfig: { iceServers: [...iceServers], iceTransportPolicy },
    };
  }

  #handlers(): JsSipSessionEvents {
    return {
      peerconnection: ({ peerconnection }) => this.#observe(peerconnection),
      progress: ({ originator }) => {
        this.#record.note(
          'signal',
          originator === 'remote' ? 'the other telephone rings' : 'rings',
        );
        if (originator === 'remote' && this.#state === 'connecting') this.#become('ringing');
      },
      accepted: () => this.#record.note('signal', 'answered'),
      confirmed: () => {
        this.#isAnswered = true;
        this.#record.end('signal');
        this.#applyMute();
        this.#perhapsConnected();
      },
      ended: (event) => this.#over(event),
      failed: (event) => this.#over(event),
      hold: () => this.dispatchEvent(new Event('holdchange')),
      unhold: () => this.dispatchEvent(new Event('holdchange')),
      newDTMF: ({ originator, dtmf }) => {
        if (originator !== 'remote') return;
        this.#dispatch('dtmf', { tone: dtmf.tone, durationMs: dtmf.duration });
      },
      refer: (request) => {
        const transfer = this.#plan.refer(request);
        if (transfer === null) return;
        this.#dispatch('transfer', transfer);
        if (transfer.isOpen()) transfer.reject();
      },
      replaces: ({ reject }) => reject(),
      sdp: (event) => this.#described(event),
      icecandidate: ({ ready }) => {
        this.#gathering ??= setTimeout(() => {
          this.#gathering = undefined;
          ready();
        }, GATHER_MS);
      },
    };
  }

  #listen(session: JsSipSession): void {
    const handlers = this.#handlers();
    for (const type of Object.keys(handlers) as (keyof JsSipSessionEvents)[]) {
      session.on(type, handlers[type]);
    }
  }

  #described(event: Parameters<JsSipSessionEvents['sdp']>[0]): void {
    this.#record.begin('ice');
    const { originator, type, sdp } = event;
    this.#record.note('signal', `${type} ${originator === 'local' ? 'sent' : 'received'}`);
    if (type === 'offer') this.#offer = sdp;
    else this.#answer = sdp;
    if (originator === 'remote') event.sdp = withOpusOptions(sdp, this.#settings.opus);
  }

  #observe(connection: RTCPeerConnection): void {
    observeConnection(connection, this.#record, {
      track: (track, receiver) => {
        this.#remoteTrack = track;
        this.#aim(receiver);
      },
      iceWorks: () => this.#iceWorks(),
      connected: () => {
        this.#iceWorks();
        if (this.#hasKeys) return;
        this.#hasKeys = true;
        this.#record.note('media', 'keys agreed (DTLS)');
        const receiver = receivesAudio(connection);
        if (receiver === null) this.#record.end('media');
        else this.#endWatch ??= watchFirstAudio(receiver, () => this.#firstAudio());
        this.#perhapsConnected();
      },
      failed: () => {
        // JsSIP informs the other side by a BYE with a Reason; this is the error for the app.
        this.#fail(callFailure('RTP Timeout'));
      },
    });
  }

  #iceWorks(): void {
    this.#record.end('ice');
    this.#record.begin('media');
  }

  #firstAudio(): void {
    this.#record.note('media', 'first audio is here');
    this.#record.end('media');
  }

  #perhapsConnected(): void {
    const waits = this.#state === 'connecting' || this.#state === 'ringing';
    if (!waits || !this.#isAnswered || !this.#hasKeys) return;
    this.#deadline.end();
    this.#endAbort?.();
    this.#become('connected');
    this.#connected.resolve();
  }

  #applyMute(): void {
    const { here } = this.hold;
    if (this.#track !== null) this.#track.enabled = !this.#isMuted && !here;
    // Ensures that the end of a hold does not end the mute.
    if (this.#session === null || this.connection === null || this.#session.isEnded()) return;
    if (this.#isMuted) this.#session.mute({ audio: true });
    else this.#session.unmute({ audio: true });
  }

  async #change(how: 'hold' | 'unhold'): Promise<void> {
    const session = this.#onlineSession();
    if (this.hold.here === (how === 'hold')) return;
    const offer = this.#offer;
    const changing = changeHold(session, how, this.#ended.promise);
    if (changing === null) {
      throw new MicwireError('transport', 'Another change of the call is under way: try again.');
    }
    try {
      await changing;
    } catch (error) {
      if (error instanceof SipError) {
        this.#offer = offer;
        this.#applyMute();
        this.dispatchEvent(new Event('holdchange'));
      }
      throw error;
    }
  }

  #sendInfo(tones: string, settings: Required<SipDtmfOptions>): Promise<void> {
    this.#tones ??= new InfoTones(this.#onlineSession(), () => this.#onlineSession());
    return this.#tones.send(tones, settings);
  }

  /** Returns the session if the server is connected. JsSIP would end a call whose request cannot be sent. */
  #onlineSession(): JsSipSession {
    const session = this.#connectedSession();
    if (this.#plan.isOnline()) return session;
    throw new MicwireError(
      'transport',
      'The SIP server is not connected, so the other side cannot be told. The call continues: try again when the phone is registered.',
    );
  }

  #connectedSession(): JsSipSession {
    if (this.#state === 'connected' && this.#session !== null) return this.#session;
    throw new MicwireError('closed', `The call must be connected, it is ${this.#state}.`);
  }

  #aim(receiver: RTCRtpReceiver): void {
    if (receiver.track.kind !== 'audio') return;
    const target = this.#jitterBufferTarget;
    if ('jitterBufferTarget' in receiver) receiver.jitterBufferTarget = target;
    else if (target !== null) this.#record.note('media', 'this browser has no jitterBufferTarget');
  }

  /** Handles the end of the session. */
  #over({ originator, message, response, cause = '' }: JsSipFailure): void {
    if (this.#isOver) return;
    const status = (typeof message === 'object' ? message : response)?.status_code;
    if (originator === 'remote' && typeof status === 'number' && status >= 300) {
      this.#fail(callRefused(status));
    } else if (cause === 'Terminated' || cause === 'Canceled' || cause === 'Rejected') {
      this.#end(originator === 'remote' ? 'the other side hung up' : 'this side hung up');
    } else {
      this.#fail(callFailure(cause));
    }
  }

  #terminate(options: object): void {
    if (this.#session === null || this.#session.isEnded()) return;
    try {
      this.#session.terminate(options);
    } catch {
      // The call has ended in the meantime.
    }
  }

  #fail(error: MicwireError): void {
    if (this.#isOver) return;
    this.#error = error;
    for (const { name, state } of this.steps) {
      if (state !== 'active') continue;
      this.#record.note(name, error.message);
      this.#record.end(name, 'failed');
    }
    this.#connected.reject(error);
    this.#end(error.message);
    this.#dispatch('error', error);
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const record = this.#record;
    for (const { name, state } of this.steps) {
      if (name === 'close') continue;
      if (state === 'active') record.end(name, 'failed');
      else record.skip(name);
    }
    record.begin('close');
    record.note('close', reason);
    this.#deadline.end();
    clearTimeout(this.#gathering);
    this.#endAbort?.();
    this.#endWatch?.();
    this.#statistics.end();
    this.#terminate({});
    this.#remoteAudio.close();
    this.#track?.stop();
    record.end('close');
    const error = new MicwireError('closed', `The call has ended: ${reason}.`);
    this.#connected.reject(error);
    this.#ended.reject(error);
    this.#plan.ended(this);
    this.#become('closed');
  }

  #become(state: SipCallState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }

  #dispatch(type: keyof SipCallEventMap, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
