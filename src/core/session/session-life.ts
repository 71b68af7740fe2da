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

/** How a session connects, and what it holds. Not checked. */
export interface SessionLifeOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Unique name of the session, the same for all its connections. */
  readonly session: string;
  /** Longest audio that is held until it is acknowledged, ms. Older audio is dropped. @default 60_000 */
  readonly maxOutboxMs?: number | undefined;
  /** Most bytes of audio that are held. @default 16_777_216 */
  readonly maxOutboxBytes?: number | undefined;
  /** Longest delay before the first attempt to connect again, ms. It doubles with each failure. @default 250 */
  readonly firstDelayMs?: number | undefined;
  /** Longest delay of all, ms. @default 10_000 */
  readonly maxDelayMs?: number | undefined;
  /** How long the app's functions may take, and then the socket, ms. @default 10_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** How long the service may take to be ready, ms. @default 10_000 */
  readonly readyTimeoutMs?: number | undefined;
  /** How long nothing may move on a connection before it counts as half-open and is replaced, ms. @default 5000 */
  readonly stallMs?: number | undefined;
  /** Whether the service hears nothing while a reply is played: for devices without echo cancellation. @default false */
  readonly halfDuplex?: boolean | undefined;
}

/** A connection that was of use for this long resets the delay: ready, and acknowledging what it was sent. */
const LASTING_MS = 5000;
/** How long before the service closes a connection the session gives it up. */
const LEAVE_EARLY_MS = 500;
/** An event this much later than the time at which something was due means that the machine slept. */
const SLEPT_MS = 1000;
/** Closing codes (RFC 6455 §7.4): the session is over; or it continues on another connection. */
const OVER = 1000;
const COMES_BACK = 4000;

/**
 * Decides what a session does: when to connect, what to send, what to send again, when to give up. It is told events and their
 * time, and answers with actions; it has no clock, no timer and no socket.
 *
 * It uses one connection at a time. Everything that it holds is bounded, in whatever order events come. docs/session.md draws the states.
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
  /** The present attempt or connection; null: none, the next attempt follows. */
  #link: SessionLink | null = null;
  #attempts = 0;
  #connections = 0;
  #retryAtMs = Infinity;
  /** The next attempt is made because the system is online again. */
  #isHurried = false;
  #handle: string | null = null;
  /** `close()` was called: what waits is sent until then. */
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

  /** When `tick` is due; Infinity: never. A later one does no harm, nor does one too many. */
  get dueMs(): number {
    // In whole ms, so that what is due has come in spite of rounding.
    return Math.ceil(this.#clock.toShell(this.#dueMs()));
  }

  /**
   * Takes an event.
   * @param bufferedBytes what the socket of the present connection holds; when it has closed, what never left it
   * @returns what to do, in order
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

  /** The connection is of no use any more. */
  #giveUp(link: SessionLink): void {
    const { attempt, hasSocket, refusal } = link;
    const code = refusal === null ? COMES_BACK : OVER;
    if (hasSocket) this.#push({ type: 'disconnect', attempt, code });
    this.#lost(link, true);
  }

  /**
   * The connection is gone: the next attempt follows, unless there is a reason against it.
   * @param mayArrive as in `Outbox.rewind`
   */
  #lost(link: SessionLink, mayArrive = false): void {
    // What is in flight now will wait.
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

  /** The service will close the connection: the next attempt follows at once. */
  #leave(link: SessionLink): void {
    const hasLasted = this.#hasLasted(link);
    this.#uplink.arrived();
    this.#giveUp(link);
    // A service that sends each connection away at once is one that fails.
    if (this.#link === null && hasLasted) this.#retryAtMs = this.#clock.nowMs;
  }

  /** An attempt from before may wait for what will never come. */
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

  // --- what the service says -----------------------------------------------------------------------------------------

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
        // What is owed is owed from now on.
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

  /** Whether the service is not to hear what is captured. */
  get #isGated(): boolean {
    return this.#muted || (this.#halfDuplex && this.#isPlaying);
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  /** Does what is due. */
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
      // A service that does not answer the end is not asked again.
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

  /** When the connection counts as half-open, if nothing happens until then. */
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

  /** Ends the session as soon as everything has arrived, or there is no time for it any more. */
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
    // Nobody tells when a socket is empty.
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

  // --- what is told --------------------------------------------------------------------------------------------------

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
