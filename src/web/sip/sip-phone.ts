import { MicwireError, PacketError } from '../../core/errors.ts';
import { SipLadder } from '../../core/sip/sip-ladder.ts';
import type { SipTransaction } from '../../core/sip/sip-transactions.ts';
import { checkSignal, onAbort } from '../abort.ts';
import { Patience, deferred } from '../patience.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import type { AnyListener } from '../typed-event-target.ts';
import { noWebrtc } from '../webrtc/call-record.ts';
import type { JsSip, JsSipAgent, JsSipFailure, JsSipRefer, JsSipSession } from './jssip-types.ts';
import { loadJsSip } from './load-jssip.ts';
import { SipCall } from './sip-call.ts';
import type { SipCallPlan } from './sip-call.ts';
import { sipCallSettings } from './sip-call-options.ts';
import type { SipCallOptions } from './sip-call-options.ts';
import { SipError, registrationRefused } from './sip-error.ts';
import type { SipErrorReason } from './sip-error.ts';
import { phoneSettings, userUri } from './sip-phone-options.ts';
import type {
  SipPhoneEventMap,
  SipPhoneOptions,
  SipPhoneSettings,
  SipPhoneState,
} from './sip-phone-options.ts';
import { SipSocket } from './sip-socket.ts';
import type { SipTransfer } from './sip-transfer.ts';

/** How long the answers to BYE and to the last REGISTER may take, in ms. */
const ANSWER_MS = 1500;
/** Refusals of a registration after which the phone does not try again until the socket reconnects. */
const FINAL: ReadonlySet<SipErrorReason> = new Set(['unauthorized', 'not-found']);
/** Delay before another attempt after any other refusal, or without an answer, in ms. */
const RETRY_MS = 10_000;
/** A control character, escaped once or more often (RFC 3986 §2.1). */
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]|%(?:25)*(?:[01][0-9a-f]|7f)/i;

/**
 * A telephone in a page: it registers with a SIP server over a WebSocket (RFC 7118), and makes and receives calls. Needs the
 * package `jssip` (version 3), which is loaded when the first phone opens.
 *
 * When the socket is lost, the phone reconnects and registers again by itself; current calls continue in the meantime, because
 * their audio does not pass through the server.
 *
 * @example
 * const phone = await SipPhone.open({ url: 'wss://sip.example.com', uri: 'sip:alice@example.com', password });
 * phone.addEventListener('call', ({ detail: call }) => void call.accept({ track }));
 * const call = phone.call('sip:bob@example.com', { track });
 * await call.connect();
 */
export class SipPhone extends TypedEventTarget<SipPhoneEventMap> {
  /** Every message on the socket, between `page` and `proxy`, except keep-alives. */
  readonly ladder: SipLadder;
  /** This user's address. */
  readonly uri: string;
  readonly #settings: SipPhoneSettings;
  readonly #socket: SipSocket;
  readonly #agent: JsSipAgent;
  readonly #calls = new Set<SipCall>();
  readonly #opened = deferred<void>();
  #state: SipPhoneState = 'connecting';
  #isConnected = false;
  #isClosing = false;
  #unread = 0;
  #closing: Promise<void> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** True once a listener has received the `call` event that is being dispatched. */
  #isHeard = false;
  /** For each `call` listener, the wrapper that records that it was called. */
  readonly #callListeners = new WeakMap<object, EventListener>();

  /**
   * Loads JsSIP, connects and registers.
   * @throws SipError when the server refuses, with the status; MicwireError `'transport'` when the server cannot be reached or does
   *   not answer in time, `'unsupported'` without WebRTC, or without the package `jssip`; TypeError or RangeError for an invalid
   *   option; the reason of the option `signal`
   */
  static async open(options: SipPhoneOptions): Promise<SipPhone> {
    const settings = phoneSettings(options);
    const ladder = new SipLadder(settings.ladder);
    checkSignal(options.signal);
    if (typeof RTCPeerConnection === 'undefined') throw noWebrtc();
    const jssip = await loadJsSip();
    options.signal?.throwIfAborted();
    const phone = new SipPhone(settings, ladder, jssip);
    const deadline = new Patience();
    deadline.wait(settings.openTimeoutMs, () => phone.#opened.reject(noAnswer(settings)));
    const endAbort = onAbort(options.signal, (reason) => phone.#opened.reject(reason));
    try {
      phone.#agent.start();
      await phone.#opened.promise;
    } catch (error) {
      await phone.close();
      throw error;
    } finally {
      deadline.end();
      endAbort();
    }
    return phone;
  }

  private constructor(settings: SipPhoneSettings, ladder: SipLadder, jssip: JsSip) {
    super();
    this.#settings = settings;
    this.ladder = ladder;
    this.uri = settings.uri.text;
    this.#socket = new SipSocket({
      url: settings.url,
      createSocket: settings.createSocket,
      seen: (direction, data) => this.#seen(direction, data),
    });
    const { password, userName, displayName, registerSeconds, maxReconnectSeconds } = settings;
    this.#agent = new jssip.UA({
      sockets: [this.#socket],
      uri: settings.uri.text,
      user_agent: 'micwire',
      register: true,
      register_expires: registerSeconds,
      // A refresh during an outage would end the call (RFC 4028); ICE notices when a peer is gone.
      session_timers: false,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: maxReconnectSeconds,
      ...(password === '' ? {} : { password }),
      ...(userName === '' ? {} : { authorization_user: userName }),
      ...(displayName === '' ? {} : { display_name: displayName }),
    });
    this.#listen();
  }

  get state(): SipPhoneState {
    return this.#state;
  }

  /** The calls that have not ended. */
  get calls(): readonly SipCall[] {
    return [...this.#calls];
  }

  /** Number of received messages that could not be parsed: they are not in `ladder`. */
  get unreadMessages(): number {
    return this.#unread;
  }

  /**
   * Creates a call, which `connect()` starts.
   * @param target the address to call, such as `'sip:bob@example.com'`
   * @throws TypeError or RangeError for an invalid argument; MicwireError `'closed'` after `close()`; the reason of a `signal` that
   *   is already aborted
   */
  call(target: string, options: SipCallOptions = {}): SipCall {
    const uri = userUri(target);
    sipCallSettings('phone.call', options);
    checkSignal(options.signal);
    if (this.#isClosing) throw new MicwireError('closed', 'The phone is closed: open another.');
    return this.#make(
      {
        role: 'caller',
        remote: uri.text,
        remoteName: '',
        session: null,
        dial: (session) => this.#agent.call(uri.text, session),
      },
      options,
    );
  }

  /** Ends every call, unregisters and closes the socket. A second call returns the same promise. */
  close(): Promise<void> {
    return (this.#closing ??= this.#shut());
  }

  async #shut(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#retry);
    this.#opened.reject(new MicwireError('closed', 'The phone was closed before it was open.'));
    await Promise.all(this.calls.map((call) => call.close()));
    if (this.#agent.isRegistered()) this.#agent.unregister();
    if (this.#isConnected) await this.#answered();
    this.#agent.stop();
    // JsSIP would leave it open for another 2 s.
    this.#socket.end();
    this.#become('closed');
  }

  /** Waits until the server has answered all requests, but no longer than `ANSWER_MS`. */
  #answered(): Promise<void> {
    const answered = deferred<void>();
    const look = (): void => {
      const isDue = ({ from, endMs, method }: SipTransaction): boolean =>
        from === 'page' && endMs === null && method !== 'ACK';
      if (!this.ladder.transactions.some(isDue)) answered.resolve();
    };
    // JsSIP answers a challenge after the message was reported.
    const lookLater = (): void => queueMicrotask(look);
    this.addEventListener('message', lookLater);
    look();
    const late = setTimeout(answered.resolve, ANSWER_MS);
    return answered.promise.finally(() => {
      clearTimeout(late);
      this.removeEventListener('message', lookLater);
    });
  }

  #listen(): void {
    const agent = this.#agent;
    agent.on('connected', () => (this.#isConnected = true));
    agent.on('disconnected', () => {
      const wasConnected = this.#isConnected;
      this.#isConnected = false;
      if (!wasConnected) this.#opened.reject(notReached(this.#settings));
      this.#offline();
    });
    agent.on('registered', () => {
      clearTimeout(this.#retry);
      this.#opened.resolve();
      if (!this.#isClosing) this.#become('registered');
    });
    agent.on('unregistered', () => this.#offline());
    agent.on('registrationFailed', (failure) => this.#refused(failure));
    agent.on('newRTCSession', ({ originator, session }) => {
      if (originator === 'remote') this.#incoming(session);
    });
  }

  #refused({ response, cause }: JsSipFailure): void {
    // The socket was lost during the registration: the state shows it, and the phone reconnects and registers again by itself.
    if (cause === 'Connection Error') return;
    const status = response?.status_code;
    const error = status === undefined ? noAnswer(this.#settings) : registrationRefused(status);
    const isOpen = this.#state !== 'connecting';
    this.#opened.reject(error);
    if (!isOpen || this.#isClosing) return;
    this.#offline();
    this.dispatchEvent(new CustomEvent('error', { detail: error }));
    clearTimeout(this.#retry);
    // A wrong password does not become right, and servers lock out those who try too often.
    if (error instanceof SipError && FINAL.has(error.reason)) return;
    this.#retry = setTimeout(() => this.#agent.register(), RETRY_MS);
  }

  #offline(): void {
    if (this.#state === 'registered' && !this.#isClosing) this.#become('offline');
  }

  #incoming(session: JsSipSession): void {
    if (this.#isClosing || this.#calls.size >= this.#settings.maxCalls) {
      session.terminate({ status_code: this.#isClosing ? 480 : 486 });
      return;
    }
    const { uri, display_name: name } = session.remote_identity;
    const call = this.#make(
      {
        role: 'callee',
        remote: uri.toString(),
        remoteName: name ?? '',
        session,
        dial: () => session,
      },
      {},
    );
    const event = new CustomEvent('call', { detail: call, cancelable: true });
    this.#isHeard = false;
    this.dispatchEvent(event);
    if (!this.#isHeard) session.terminate({ status_code: 480 });
  }

  #make(
    plan: Pick<SipCallPlan, 'role' | 'remote' | 'remoteName' | 'session' | 'dial'>,
    options: SipCallOptions,
  ): SipCall {
    const call = SipCall.create(
      {
        ...plan,
        isOnline: () => this.#isConnected,
        refer: (request) => this.#transfer(request),
        ended: (ended) => void this.#calls.delete(ended),
      },
      { iceServers: this.#settings.iceServers, ...options },
    );
    this.#calls.add(call);
    return call;
  }

  #transfer(refer: JsSipRefer): (SipTransfer & { isOpen(): boolean }) | null {
    let isOpen = true;
    const target = refer.request.refer_to.uri.toString();
    // JsSIP writes the target's Replaces header into the INVITE without its escapes: a line break would begin another header.
    if (CONTROL.test(target)) {
      refer.reject();
      return null;
    }
    return {
      target,
      isOpen: () => isOpen,
      accept: (options = {}) => {
        sipCallSettings('transfer.accept', options);
        checkSignal(options.signal);
        if (!isOpen || this.#isClosing) {
          throw new MicwireError('closed', 'The transfer was answered already, or is over.');
        }
        isOpen = false;
        const dial = (session: object): JsSipSession => {
          let made: JsSipSession | undefined;
          refer.accept((one) => (made = one), session);
          if (made === undefined) {
            throw new MicwireError('closed', 'The call that asked for the transfer is over.');
          }
          return made;
        };
        const plan = {
          role: 'caller',
          remote: target,
          remoteName: '',
          session: null,
          dial,
        } as const;
        return this.#make(plan, options);
      },
      reject: () => {
        if (isOpen) refer.reject();
        isOpen = false;
      },
    };
  }

  /** @internal */
  protected override listenerOf(type: string, listener: AnyListener): AnyListener {
    if (type !== 'call' || listener === null) return listener;
    let heard = this.#callListeners.get(listener);
    if (heard === undefined) {
      heard = (event) => {
        this.#isHeard = true;
        if (typeof listener === 'function') listener.call(this, event as never);
        else listener.handleEvent(event);
      };
      this.#callListeners.set(listener, heard);
    }
    return heard;
  }

  #seen(direction: 'out' | 'in', data: string | Uint8Array): void {
    const hop = direction === 'out' ? { from: 'page', to: 'proxy' } : { from: 'proxy', to: 'page' };
    try {
      const entry = this.ladder.add({ ...hop, atMs: performance.now(), data });
      if (entry !== null) this.dispatchEvent(new Event('message'));
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#unread++;
    }
  }

  #become(state: SipPhoneState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }
}

function noAnswer({ url, openTimeoutMs }: SipPhoneSettings): MicwireError {
  return new MicwireError(
    'transport',
    `The SIP server did not answer the registration within ${openTimeoutMs} ms. Does ${new URL(url).origin} speak SIP?`,
  );
}

function notReached({ url }: SipPhoneSettings): MicwireError {
  return new MicwireError(
    'transport',
    `The SIP server cannot be reached, or refused the connection. Is ${new URL(url).origin} right, and up?`,
  );
}
