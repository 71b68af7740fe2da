import { LifeClock } from '../life-clock.ts';
import type { HeardItem, Service, ServiceAddress, ServiceEvent } from '../services/service.ts';
import { Interruption } from './interruption.ts';
import { RetryDelay } from './retry-delay.ts';
import {
  NO_ADDRESS,
  SERVICE_FAULT,
  closedWith,
  serviceSays,
  sessionError,
} from './session-errors.ts';
import { SessionLink } from './session-link.ts';
import type {
  SessionAction,
  SessionEvent,
  SessionState,
  SessionStats,
} from './session-messages.ts';
import { POLL_MS, Uplink } from './uplink.ts';

/** Options of a session's connections and limits. Not checked. */
export interface SessionLifeOptions {
  /** Returns a uniform number in [0, 1). */
  readonly random: () => number;
  /** Unique name of the session, the same for all its connections. */
  readonly session: string;
  /** Maximum length of audio held until it is acknowledged, in ms. Older audio is dropped. @default 60_000 */
  readonly maxOutboxMs?: number | undefined;
  /** Maximum number of bytes of audio held. @default 16_777_216 */
  readonly maxOutboxBytes?: number | undefined;
  /** Maximum delay before the first reconnection attempt, in ms. It doubles with each failure. @default 250 */
  readonly firstDelayMs?: number | undefined;
  /** Upper limit of all delays, in ms. @default 10_000 */
  readonly maxDelayMs?: number | undefined;
  /** How long the app's functions may take, and then the socket, in ms. @default 10_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** How long the service may take to be ready, in ms. @default 10_000 */
  readonly readyTimeoutMs?: number | undefined;
  /** A connection without progress for this time counts as half-open and is replaced, in ms. @default 5000 */
  readonly stallMs?: number | undefined;
  /** Whether the service hears nothing while a reply is playing, for devices without echo cancellation. @default false */
  readonly halfDuplex?: boolean | undefined;
}

/** A connection that was useful for this long resets the delay: ready, and acknowledging the audio that it was sent. */
const LASTING_MS = 5000;
/** How long before the service closes a connection the session gives it up. */
const LEAVE_EARLY_MS = 500;
/** An event this much later than a due time means that the machine slept. */
const SLEPT_MS = 1000;
/** Closing codes (RFC 6455 §7.4): the session is over; or it continues on another connection. */
const OVER = 1000;
const COMES_BACK = 4000;

/**
 * Decides what a session does: when to connect, what to send, what to send again, when to give up. It receives events and their
 * time, and returns actions; it has no clock, timer or socket.
 *
 * It uses one connection at a time. All its state is bounded, whatever the order of events. docs/session.md draws the states.
 */
export class SessionLife {
  readonly #service: Service;
  readonly #session: string;
  readonly #connectTimeoutMs: number;
  readonly #readyTimeoutMs: number;
  readonly #stallMs: number;
  readonly #halfDuplex: boolean;
  readonly #clock = new LifeClock();
  readonly #delay: RetryDelay;
  readonly #uplink: Uplink;
  #actions: SessionAction[] = [];
  readonly #push = (action: SessionAction): void => {
    this.#actions.push(action);
  };
  readonly #interruption = new Interruption(this.#push);

  #isStarted = false;
  #isClosed = false;
  #toldState: SessionState = 'connecting';
  /** The current attempt or connection; null between attempts. */
  #link: SessionLink | null = null;
  #attempts = 0;
  #connections = 0;
  #retryAtMs = Infinity;
  /** Whether the next attempt is made because the system is online again. */
  #isHurried = false;
  #handle: string | null = null;
  /** After `close()`: waiting data is sent until then. */
  #drainsUntilMs = Infinity;

  #muted = false;
  #isPlaying = false;

  constructor(service: Service, options: SessionLifeOptions) {
    this.#service = service;
    this.#session = options.session;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 10_000;
    this.#readyTimeoutMs = options.readyTimeoutMs ?? 10_000;
    this.#stallMs = options.stallMs ?? 5000;
    this.#halfDuplex = options.halfDuplex ?? false;
    const { random, firstDelayMs = 250, maxDelayMs = 10_000 } = options;
    this.#delay = new RetryDelay(random, firstDelayMs, maxDelayMs);
    const { maxOutboxMs = 60_000, maxOutboxBytes = 2 ** 24 } = options;
    this.#uplink = new Uplink(service, { maxOutboxMs, maxOutboxBytes }, this.#clock, this.#push);
  }

  get state(): SessionState {
    return this.#toldState;
  }

  get muted(): boolean {
    return this.#muted;
  }

  get stats(): SessionStats {
    return { ...this.#uplink.stats, connections: this.#connections };
  }

  /** When `tick` is due; Infinity for never. A late or superfluous call does no harm. */
  get dueMs(): number {
    // In whole ms, so that the due time has come despite rounding.
    return Math.ceil(this.#clock.toShell(this.#dueMs()));
  }

  /**
   * Takes an event.
   * @param bufferedBytes bytes in the socket of the current connection; after it closed, bytes that never left it
   * @returns the actions, in order
   */
  handle(event: SessionEvent, nowMs: number, bufferedBytes: number): readonly SessionAction[] {
    if (this.#isClosed) return [];
    const actions: SessionAction[] = [];
    this.#actions = actions;
    const dueMs = this.#dueMs();
    this.#clock.follow(nowMs);
    const link = this.#link;
    if (link !== null) {
      const lateMs = this.#clock.nowMs - dueMs;
      if (lateMs >= SLEPT_MS) link.forgive(this.#clock.nowMs, this.#stallMs);
      if (link.isOpen) link.observe(bufferedBytes, this.#clock.nowMs);
      this.#uplink.observe(link);
    }
    this.#take(event);
    if (!this.#isClosed) this.#run();
    if (!this.#isClosed) this.#tellState(this.#stateNow());
    return actions;
  }

  #take(event: SessionEvent): void {
    const uplink = this.#uplink;
    const isClosing = this.#drainsUntilMs < Infinity;
    switch (event.type) {
      case 'start':
        if (!this.#isStarted) this.#connect();
        this.#isStarted = true;
        return;
      case 'address':
        return this.#addressFound(event.attempt, event.address);
      case 'address-failed':
        return this.#addressFailed(event.attempt, event.cause);
      case 'opened':
        return this.#opened(event.attempt);
      case 'message':
        return this.#message(event.attempt, event.data);
      case 'closed':
        return this.#socketClosed(event.attempt, event.code, event.reason);
      case 'audio':
        if (!isClosing) uplink.take(event.audio, this.#isGated);
        return;
      case 'lost':
        if (!isClosing) uplink.lose(event.frames, this.#isGated);
        return;
      case 'online':
        return this.#online();
      case 'commit':
        return uplink.commit();
      case 'mute':
        if (event.muted !== this.#muted) uplink.mute(event.muted);
        this.#muted = event.muted;
        return;
      case 'send':
        return uplink.send(event.value);
      case 'mark':
        return uplink.mark(event.name);
      case 'clear':
        return uplink.clear();
      case 'interrupt':
        return this.#interruption.ask();
      case 'interrupted':
        return this.#interrupted(event.heard);
      case 'playing':
        this.#isPlaying = event.playing;
        return;
      case 'played':
        return uplink.answer(event);
      case 'tick':
        return;
      case 'close':
        this.#drainsUntilMs = Math.min(this.#drainsUntilMs, this.#clock.nowMs + event.drainMs);
        return;
    }
  }

  // --- connections ---------------------------------------------------------------------------------------------------

  #connect(): void {
    const attempt = ++this.#attempts;
    const deadlineMs = this.#clock.nowMs + this.#connectTimeoutMs;
    const isHurried = this.#isHurried;
    this.#link = new SessionLink(this.#service, attempt, deadlineMs, isHurried, this.#push);
    this.#isHurried = false;
    this.#retryAtMs = Infinity;
    this.#push({ type: 'address', attempt });
  }

  #addressFound(attempt: number, address: ServiceAddress): void {
    const link = this.#link;
    if (link === null || link.attempt !== attempt || link.phase !== 'address') return;
    link.phase = 'socket';
    link.deadlineMs = this.#clock.nowMs + this.#connectTimeoutMs;
    this.#push({ type: 'connect', attempt, address });
  }

  #addressFailed(attempt: number, cause: unknown): void {
    const link = this.#link;
    if (link === null || link.attempt !== attempt || link.isOpen) return;
    this.#error(NO_ADDRESS, cause);
    this.#lost(link);
  }

  #opened(attempt: number): void {
    const link = this.#link;
    if (link === null || link.attempt !== attempt || link.phase !== 'socket') return;
    const { nowMs } = this.#clock;
    try {
      link.open(nowMs, nowMs + this.#readyTimeoutMs);
    } catch (cause) {
      this.#error(SERVICE_FAULT, cause);
      return this.#giveUp(link);
    }
    const { firstFrame } = this.#uplink;
    link.request(
      {
        type: 'open',
        session: this.#session,
        handle: this.#handle,
        frame: firstFrame,
        connections: this.#connections,
      },
      nowMs,
    );
    if (this.#service.readyOnOpen) this.#ready(link, false);
  }

  #ready(link: SessionLink, isResumed: boolean): void {
    if (link.phase !== 'hello') return;
    link.ready(this.#clock.nowMs);
    this.#connections++;
    this.#uplink.ready(link, isResumed);
  }

  #socketClosed(attempt: number, code: number, reason: string): void {
    const link = this.#link;
    if (link === null || link.attempt !== attempt || !link.hasSocket) return;
    if (this.#isOver(code, reason)) link.refusal ??= closedWith(code, reason);
    this.#lost(link);
  }

  #isOver(code: number, reason: string): boolean {
    try {
      return this.#service.afterClose(code, reason) === 'stop';
    } catch (cause) {
      this.#error(SERVICE_FAULT, cause);
      return false;
    }
  }

  /** Gives up a useless connection. */
  #giveUp(link: SessionLink): void {
    const { attempt, hasSocket, refusal } = link;
    const code = refusal === null ? COMES_BACK : OVER;
    if (hasSocket) this.#push({ type: 'disconnect', attempt, code });
    this.#lost(link, true);
  }

  /**
   * Handles the loss of the connection: another attempt follows, unless there is a reason against it.
   * @param mayArrive as in `Outbox.rewind`
   */
  #lost(link: SessionLink, mayArrive = false): void {
    // Evaluated first: audio in flight is about to wait again.
    const hasLasted = this.#hasLasted(link);
    this.#link = null;
    this.#uplink.rewind(mayArrive);
    if (link.phase === 'ending') return this.#finish();
    if (link.refusal !== null) return this.#fail(link.refusal);
    if (hasLasted) this.#delay.reset();
    this.#retryAtMs = this.#clock.nowMs + this.#delay.nextMs();
  }

  #hasLasted(link: SessionLink): boolean {
    const untilMs = link.usedUntilMs(this.#clock.nowMs, this.#uplink.isOwed(link));
    return untilMs - link.readyAtMs >= LASTING_MS;
  }

  /** Leaves a connection that the service will close: the next attempt follows immediately. */
  #leave(link: SessionLink): void {
    const hasLasted = this.#hasLasted(link);
    this.#uplink.arrived();
    this.#giveUp(link);
    // A service that closes every connection immediately counts as failing.
    if (this.#link === null && hasLasted) this.#retryAtMs = this.#clock.nowMs;
  }

  /** Replaces an earlier attempt, which may wait for an answer that never comes. */
  #online(): void {
    const link = this.#link;
    if (!this.#isStarted || (link !== null && (link.isHurried || link.readyAtMs < Infinity))) {
      return;
    }
    if (link !== null) this.#giveUp(link);
    if (this.#isClosed) return;
    this.#delay.reset();
    this.#isHurried = true;
    this.#retryAtMs = this.#clock.nowMs;
  }

  // --- messages of the service ---------------------------------------------------------------------------------------

  #message(attempt: number, data: string | Uint8Array): void {
    const link = this.#link;
    if (link?.attempt !== attempt) return;
    for (const event of link.decode(data, this.#clock.nowMs)) {
      if (this.#link !== link) return;
      this.#serve(link, event);
    }
  }

  #serve(link: SessionLink, event: ServiceEvent): void {
    const { nowMs } = this.#clock;
    switch (event.type) {
      case 'ready':
        return this.#ready(link, event.resumed === true);
      case 'acknowledged':
        return this.#uplink.acknowledge(link, event.frame, event.received);
      case 'settled':
        return this.#uplink.settle(link, event.frame);
      case 'flow':
        link.isHeld = !event.open;
        // Acknowledgements count as owed from now on.
        return link.acknowledged(nowMs);
      case 'handle':
        this.#handle = event.handle;
        return;
      case 'going-away':
        link.leavesAtMs = nowMs + Math.max(0, event.inMs - LEAVE_EARLY_MS);
        return;
      case 'reply':
        return this.#uplink.reply(link, event.message);
      case 'interrupted':
        return this.#interruption.ask();
      case 'error':
        return this.#serviceError(link, event);
      case 'ended':
        return this.#finish();
      case 'audio':
        this.#interruption.audioComes();
        return this.#push({ type: 'service', event });
      default:
        this.#push({ type: 'service', event });
    }
  }

  #serviceError(link: SessionLink, event: ServiceEvent & { readonly type: 'error' }): void {
    const message = serviceSays(event.code, event.message);
    if (!event.retry) link.refusal = message;
    if (!event.fatal || event.retry) this.#error(message);
    if (event.fatal) this.#giveUp(link);
  }

  #interrupted(heard: HeardItem): void {
    if (!this.#interruption.answered()) return;
    this.#uplink.answer({ type: 'interrupted', heard });
    this.#push({ type: 'interrupted', heard });
    this.#interruption.proceed();
  }

  /** Whether captured audio is withheld from the service. */
  get #isGated(): boolean {
    return this.#muted || (this.#halfDuplex && this.#isPlaying);
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  /** Performs the tasks that are due. */
  #run(): void {
    const { nowMs } = this.#clock;
    if (this.#link !== null) this.#runLink(this.#link);
    if (this.#link === null && !this.#isClosed) {
      const isClosing = this.#drainsUntilMs < Infinity;
      if (isClosing && (nowMs >= this.#drainsUntilMs || !this.#uplink.hasWork)) this.#finish();
      else if (nowMs >= this.#retryAtMs) this.#connect();
    }
    if (this.#isClosed) return;
    const link = this.#link;
    const isReady = link !== null && link.isReady;
    this.#uplink.run(isReady && !link.isLeaving ? link : null);
    if (isReady && this.#drainsUntilMs < Infinity) this.#drain(link);
  }

  #runLink(link: SessionLink): void {
    const { nowMs } = this.#clock;
    if (nowMs >= this.#stallsAtMs(link)) return this.#giveUp(link);
    if (nowMs >= link.deadlineMs) {
      // If the service does not answer the end, it is not asked again.
      return link.phase === 'ending' ? this.#finish() : this.#giveUp(link);
    }
    if (link.isReady) {
      const isFlushed = link.isLeaving && this.#uplink.isFlushed(link);
      if (isFlushed || nowMs >= link.leavesAtMs) return this.#leave(link);
      this.#keepAlive(link);
    } else if (link.phase !== 'ending') {
      const isClosing = this.#drainsUntilMs < Infinity;
      if (isClosing && (nowMs >= this.#drainsUntilMs || !this.#uplink.hasWork)) this.#finish();
    }
  }

  /** Returns when the connection counts as half-open, if nothing happens until then. */
  #stallsAtMs(link: SessionLink): number {
    return link.isOpen ? link.stallsAtMs(this.#stallMs, this.#uplink.isOwed(link)) : Infinity;
  }

  #keepAliveAtMs(link: SessionLink): number {
    return link.keepAliveAtMs(this.#stallMs, this.#uplink.isOwed(link));
  }

  #keepAlive(link: SessionLink): void {
    const { nowMs } = this.#clock;
    if (nowMs < this.#keepAliveAtMs(link)) return;
    const isSent = link.request({ type: 'keep-alive' }, nowMs);
    link.sentAtMs = nowMs;
    link.keptAliveAtMs = nowMs;
    if (isSent && this.#service.acknowledges) link.asked(nowMs);
  }

  /** Ends the session once everything has arrived, or the time for it is over. */
  #drain(link: SessionLink): void {
    const { nowMs } = this.#clock;
    if (nowMs < this.#drainsUntilMs && !this.#uplink.isDrained(link)) return;
    this.#uplink.arrived();
    link.request({ type: 'end' }, nowMs);
    link.phase = 'ending';
    link.deadlineMs = this.#drainsUntilMs;
    if (!this.#service.answersEnd || nowMs >= link.deadlineMs) this.#finish();
  }

  #dueMs(): number {
    if (this.#isClosed) return Infinity;
    const link = this.#link;
    const due = Math.min(this.#uplink.dueMs, this.#drainsUntilMs);
    if (link === null) return Math.min(due, this.#retryAtMs);
    return Math.min(due, link.deadlineMs, this.#stallsAtMs(link), this.#readyDueMs(link));
  }

  #readyDueMs(link: SessionLink): number {
    if (!link.isReady) return Infinity;
    // No event reports that a socket is empty.
    const isWatched = link.isLeaving || this.#drainsUntilMs < Infinity;
    const isPolled = isWatched && link.bufferedBytes > 0;
    const pollAtMs = isPolled ? this.#clock.nowMs + POLL_MS : Infinity;
    return Math.min(this.#keepAliveAtMs(link), link.leavesAtMs, pollAtMs);
  }

  // --- the end -------------------------------------------------------------------------------------------------------

  #fail(message: string): void {
    this.#error(message);
    this.#finish();
  }

  #finish(): void {
    const link = this.#link;
    this.#link = null;
    if (link?.hasSocket === true) {
      this.#push({ type: 'disconnect', attempt: link.attempt, code: OVER });
    }
    this.#uplink.end();
    this.#isClosed = true;
    this.#tellState('closed');
    this.#push({ type: 'closed' });
  }

  // --- reports to the app --------------------------------------------------------------------------------------------

  #stateNow(): SessionState {
    const link = this.#link;
    if (link === null) return this.#isStarted ? 'waiting' : 'connecting';
    if (link.readyAtMs === Infinity) return 'connecting';
    return this.#uplink.isReplaying ? 'replaying' : 'open';
  }

  #tellState(state: SessionState): void {
    if (state === this.#toldState) return;
    this.#toldState = state;
    this.#push({ type: 'state', state });
  }

  #error(message: string, cause?: unknown): void {
    this.#push({ type: 'error', error: sessionError(message, cause) });
  }
}
