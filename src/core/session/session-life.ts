import { integerIn, numberIn } from '../arguments.ts';
import { MicwireError, PacketError } from '../errors.ts';
import { isSampled } from '../format/stream-format.ts';
import { LifeClock } from '../life-clock.ts';
import { checkOptions } from '../option-names.ts';
import type { HeardItem, Service, ServiceEvent, ServiceRequest } from '../services/service.ts';
import { GapReport } from './gap-report.ts';
import { Outbox } from './outbox.ts';
import { Pacer } from './pacer.ts';
import { isWhole, silenceLike } from './raw-audio.ts';
import { RequestQueue } from './request-queue.ts';
import { RetryDelay } from './retry-delay.ts';
import { SessionLink } from './session-link.ts';
import type {
  CapturedAudio,
  SessionAction,
  SessionEvent,
  SessionState,
  SessionStats,
} from './session-messages.ts';

/** Options of a session's connections. */
export interface SessionLifeOptions {
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Unique name of the session, the same for all its connections. */
  readonly session: string;
  /** So much audio is held at most until it is acknowledged, ms. What is older gives way. @default 60_000 */
  readonly maxOutboxMs?: number;
  /** The same in bytes. @default 16_777_216 */
  readonly maxOutboxBytes?: number;
  /** The first delay before an attempt to connect again is at most so long; each further one may be twice as long. @default 250 */
  readonly firstDelayMs?: number;
  /** The longest delay, ms. @default 10_000 */
  readonly maxDelayMs?: number;
  /** The app's functions, and then the socket, may take so long, ms. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** The service may take so long to be ready, ms. @default 10_000 */
  readonly readyTimeoutMs?: number;
  /** A connection on which nothing moves for so long, ms, counts as half-open, and is replaced. @default 5000 */
  readonly stallMs?: number;
  /** While a reply is being heard the service gets silence: for devices without echo cancellation. @default false */
  readonly halfDuplex?: boolean;
}

/** A socket that holds more gets no more: what waits in the outbox is still counted, and can be sent elsewhere. */
const MAX_BUFFERED_BYTES = 65_536;
const MAX_BUFFERED_MS = 500;
/** How often to look at a socket that holds too much, or has to be empty. */
const POLL_MS = 25;
/** After a connection that was ready for so long, delays begin with the first one again. */
const LASTING_MS = 5000;
/** A connection that the service will close is given up so long before. */
const LEAVE_EARLY_MS = 500;
/** A tick that comes so late means that the machine slept. */
const SLEPT_MS = 1000;
/** After it was told that nothing follows, a service may take so long to say the last word. */
const LAST_WORD_MS = 3000;
/** Closing code of a connection that is given up while the session continues: one that apps may use (RFC 6455 §7.4.2). */
const COMES_BACK = 4000;
const DONE = 1000;

/**
 * Decides what a session does: when to connect, what to send, what to send again, when to give up. It is told events and their
 * time, and answers with actions; it has no clock, no timer and no socket.
 *
 * One connection is used at a time. Audio waits in the outbox until it may go out, and until it is acknowledged. All that
 * waits is bounded, in whatever order events come.
 */
export class SessionLife {
  readonly #service: Service;
  readonly #session: string;
  readonly #connectTimeoutMs: number;
  readonly #readyTimeoutMs: number;
  readonly #stallMs: number;
  readonly #halfDuplex: boolean;
  readonly #maxBufferedBytes: number;
  readonly #clock = new LifeClock();
  readonly #delay: RetryDelay;
  readonly #outbox: Outbox;
  readonly #pacer: Pacer;
  readonly #gaps = new GapReport();
  /** Answers to what was heard: they do not wait for audio. */
  readonly #answers = new RequestQueue();
  /** What the app sends: it follows the turn that was committed before. */
  readonly #requests = new RequestQueue();
  #actions: SessionAction[] = [];

  #isStarted = false;
  #isClosed = false;
  #toldState: SessionState = 'connecting';
  #link: SessionLink | null = null;
  #attempts = 0;
  #connections = 0;
  #retryAtMs = Infinity;
  /** The next attempt is made because the system is online again. */
  #isHurried = false;
  #handle: string | null = null;
  /** `close()` was called: what waits is sent until then. */
  #drainsUntilMs = Infinity;
  #isReplaying = false;
  /** When what waits may go out; Infinity: something else has to happen first. */
  #pumpAtMs = Infinity;
  #isDoubtful = false;
  #hasToldQueue = false;

  #muted = false;
  #isPlaying = false;
  /** The frame after all audio that was captured. */
  #nextFrame = 0;
  #captureLost = 0;
  #isInterrupting = false;
  /** Audio has come since the player was asked to be silent. */
  #hasNewAudio = false;
  #interruptsAgain = false;

  /** @throws TypeError or RangeError for a wrong option */
  constructor(service: Service, options: SessionLifeOptions) {
    checkOptions('SessionLife', options, {
      random: 1,
      session: 1,
      maxOutboxMs: 1,
      maxOutboxBytes: 1,
      firstDelayMs: 1,
      maxDelayMs: 1,
      connectTimeoutMs: 1,
      readyTimeoutMs: 1,
      stallMs: 1,
      halfDuplex: 1,
    });
    const { input, acknowledges, overlapMs, encoding, replaySpeed } = service;
    const ms = (name: MsOption, normal: number, min: number): number =>
      numberIn(name, options[name] ?? normal, min, 86_400_000);
    this.#service = service;
    this.#session = options.session;
    this.#connectTimeoutMs = ms('connectTimeoutMs', 10_000, 100);
    this.#readyTimeoutMs = ms('readyTimeoutMs', 10_000, 100);
    this.#stallMs = ms('stallMs', 5000, 100);
    this.#halfDuplex = options.halfDuplex ?? false;
    const firstDelayMs = ms('firstDelayMs', 250, 0);
    this.#delay = new RetryDelay(options.random, firstDelayMs, ms('maxDelayMs', 10_000, 0));
    this.#outbox = new Outbox(input, {
      maxMs: ms('maxOutboxMs', 60_000, 1000),
      maxBytes: integerIn('maxOutboxBytes', options.maxOutboxBytes ?? 2 ** 24, 65_536, 2 ** 32),
      acknowledges,
      overlapMs,
      encoding,
      onlost: (frame, frames, cause) => {
        this.#gaps.add({ frame, frames, cause }, this.#clock.nowMs);
      },
    });
    this.#pacer = new Pacer(input.sampleRate, replaySpeed);
    this.#maxBufferedBytes = maxBufferedBytes(service);
  }

  get state(): SessionState {
    return this.#toldState;
  }

  get muted(): boolean {
    return this.#muted;
  }

  get stats(): SessionStats {
    const outbox = this.#outbox;
    return {
      capturedFrames: outbox.capturedFrames + this.#captureLost,
      acknowledgedFrames: outbox.acknowledgedFrames,
      inFlightFrames: outbox.inFlightFrames,
      waitingFrames: outbox.waitingFrames,
      droppedFrames: outbox.droppedFrames + this.#captureLost,
      replayedFrames: outbox.replayedFrames,
      outboxBytes: outbox.heldBytes,
      connections: this.#connections,
    };
  }

  /** When `tick` is due; Infinity: never. A later one does no harm, nor does one too many. */
  get dueMs(): number {
    return this.#clock.toShell(this.#dueMs());
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
      if (this.#clock.nowMs - dueMs >= SLEPT_MS) this.#forgive(link);
      link.observe(bufferedBytes, this.#clock.nowMs);
      this.#outbox.left(link.leftBytes, this.#clock.nowMs);
      this.#answers.left(link.leftBytes);
      this.#requests.left(link.leftBytes);
    }
    this.#take(event);
    if (!this.#isClosed) this.#runDue();
    if (!this.#isClosed) this.#tellState(this.#stateNow());
    return actions;
  }

  #take(event: SessionEvent): void {
    switch (event.type) {
      case 'start':
        if (this.#isStarted) return;
        this.#isStarted = true;
        return this.#connect();
      case 'address': {
        const link = this.#linkOf(event.attempt, 'address');
        if (link === null) return;
        link.phase = 'socket';
        link.deadlineMs = this.#clock.nowMs + this.#connectTimeoutMs;
        this.#push({ type: 'connect', attempt: link.attempt, address: event.address });
        return;
      }
      case 'address-failed':
        return this.#addressFailed(event.attempt, event.cause);
      case 'opened':
        return this.#opened(event.attempt);
      case 'message':
        return this.#message(event.attempt, event.data);
      case 'closed':
        return this.#socketClosed(event.attempt, event.code, event.reason);
      case 'audio':
        return this.#audio(event.audio);
      case 'lost':
        return this.#captureLoses(event.frames, this.#nextFrame);
      case 'online':
        return this.#online();
      case 'commit':
        return this.#outbox.commit(this.#nextFrame);
      case 'mute':
        if (event.muted === this.#muted) return;
        this.#muted = event.muted;
        return this.#outbox.mute(event.muted);
      case 'send':
        return this.#ask({ type: 'message', value: event.value }, this.#outbox.lastCommit);
      case 'mark':
        return this.#ask({ type: 'mark', name: event.name }, this.#outbox.lastSerial);
      case 'clear':
        this.#outbox.discard(this.#nextFrame);
        return this.#answer({ type: 'clear' });
      case 'interrupt':
        return this.#interrupt();
      case 'interrupted':
        return this.#interrupted(event.heard);
      case 'playing':
        this.#isPlaying = event.playing;
        return;
      case 'played':
        return this.#answer(event);
      case 'tick':
        return;
      case 'close':
        this.#drainsUntilMs = Math.min(this.#drainsUntilMs, this.#clock.nowMs + event.drainMs);
        return;
    }
  }

  // --- connections ---------------------------------------------------------------------------------------------------

  #connect(): void {
    const { nowMs } = this.#clock;
    const attempt = ++this.#attempts;
    this.#retryAtMs = Infinity;
    this.#link = new SessionLink(
      attempt,
      nowMs,
      nowMs + this.#connectTimeoutMs,
      this.#isHurried,
    );
    this.#isHurried = false;
    this.#push({ type: 'address', attempt });
  }

  /** The link of an attempt, if it is the present one and in this phase. */
  #linkOf(attempt: number, phase: SessionLink['phase']): SessionLink | null {
    const link = this.#link;
    return link?.attempt === attempt && link.phase === phase ? link : null;
  }

  #addressFailed(attempt: number, cause: unknown): void {
    if (this.#linkOf(attempt, 'address') === null) return;
    this.#error(NO_ADDRESS, cause);
    this.#lose();
  }

  #opened(attempt: number): void {
    const link = this.#linkOf(attempt, 'socket');
    if (link === null) return;
    link.phase = 'hello';
    link.deadlineMs = this.#clock.nowMs + this.#readyTimeoutMs;
    try {
      link.connection = this.#service.connect();
    } catch (cause) {
      this.#error(SERVICE_FAULT, cause);
      return this.#giveUp(COMES_BACK);
    }
    this.#request(link, {
      type: 'open',
      session: this.#session,
      handle: this.#handle,
      frame: this.#outbox.nextFrame ?? this.#nextFrame,
      connections: this.#connections,
    });
    if (this.#service.readyOnOpen) this.#ready(link);
  }

  #ready(link: SessionLink): void {
    if (link.phase !== 'hello') return;
    const { nowMs } = this.#clock;
    link.ready(nowMs);
    this.#connections++;
    this.#hasToldQueue = false;
    this.#isReplaying = this.#outbox.waitingFrames > this.#pacer.burstFrames;
    this.#pacer.restart(nowMs);
    if (this.#outbox.isMutedBefore) this.#request(link, { type: 'mute', muted: true });
    // What the service has of earlier connections it says with the same message.
    this.#isDoubtful = true;
  }

  #socketClosed(attempt: number, code: number, reason: string): void {
    const link = this.#link;
    if (link === null || link.attempt !== attempt || !link.hasSocket) return;
    const isEnding = link.phase === 'ending';
    const refusal = link.refusal ?? (this.#isOver(code, reason) ? closedWith(code, reason) : null);
    this.#forgetLink();
    if (isEnding) return this.#finish();
    if (refusal === null) return this.#retryLater(link);
    this.#fail(refusal);
  }

  #isOver(code: number, reason: string): boolean {
    try {
      return this.#service.afterClose(code, reason) === 'stop';
    } catch (cause) {
      this.#error(SERVICE_FAULT, cause);
      return false;
    }
  }

  /** The present connection is of no use any more. @param code to close its socket with */
  #giveUp(code: number): void {
    const link = this.#link;
    if (link === null) return;
    if (link.hasSocket) this.#push({ type: 'disconnect', attempt: link.attempt, code });
    this.#lose();
  }

  /** The present connection is gone. */
  #lose(): void {
    const link = this.#link;
    if (link === null) return;
    this.#forgetLink();
    this.#retryLater(link);
  }

  #forgetLink(): void {
    this.#link = null;
    this.#pumpAtMs = Infinity;
    this.#outbox.rewind(this.#clock.nowMs);
    const lost = this.#answers.rewind() + this.#requests.rewind();
    if (lost > 0) this.#tellQueueFull();
  }

  #retryLater(link: SessionLink): void {
    if (this.#hasLasted(link)) this.#delay.reset();
    this.#retryAtMs = this.#clock.nowMs + this.#delay.nextMs();
  }

  #hasLasted({ readyAtMs }: SessionLink): boolean {
    return this.#clock.nowMs - readyAtMs >= LASTING_MS;
  }

  #online(): void {
    const link = this.#link;
    if (!this.#isStarted || link?.isHurried === true) return;
    if (link === null || link.readyAtMs === Infinity) {
      // An attempt from before may wait for what will never come.
      this.#giveUp(COMES_BACK);
      this.#delay.reset();
      this.#isHurried = true;
      this.#retryAtMs = this.#clock.nowMs;
    }
  }

  #forgive(link: SessionLink): void {
    const { nowMs } = this.#clock;
    link.forgive(nowMs);
    link.deadlineMs = Math.max(link.deadlineMs, nowMs + this.#stallMs);
  }

  // --- messages of the service ---------------------------------------------------------------------------------------

  #message(attempt: number, data: string | Uint8Array): void {
    const link = this.#link;
    if (link === null || link.attempt !== attempt || link.connection === null) return;
    link.heard(this.#clock.nowMs);
    let events: readonly ServiceEvent[];
    try {
      events = link.connection.decode(data);
    } catch (cause) {
      const isPacketError = cause instanceof PacketError;
      const kind = isPacketError ? `decode ${cause.reason}` : 'decode';
      return this.#errorOnce(link, kind, isPacketError ? BAD_MESSAGE : SERVICE_FAULT, cause);
    }
    for (const event of events) {
      if (this.#link !== link) return;
      this.#serve(link, event);
    }
  }

  #serve(link: SessionLink, event: ServiceEvent): void {
    switch (event.type) {
      case 'ready':
        return this.#ready(link);
      case 'acknowledged':
        return this.#acknowledged(link, event.frame);
      case 'settled':
        if (!this.#outbox.settle(event.frame)) this.#errorOnce(link, 'settled', TOO_FAR);
        return;
      case 'flow':
        link.isHeld = !event.open;
        if (event.open) link.acknowledged(this.#clock.nowMs);
        return;
      case 'handle':
        this.#handle = event.handle;
        return;
      case 'going-away':
        if (link.phase === 'ending') return;
        link.leavesAtMs = this.#clock.nowMs + Math.max(0, event.inMs - LEAVE_EARLY_MS);
        return;
      case 'reply':
        // A socket that takes nothing will not take this either.
        if (link.bufferedBytes <= this.#maxBufferedBytes) this.#send(link, event.message);
        return;
      case 'interrupted':
        return this.#interrupt();
      case 'error':
        return this.#serviceError(link, event);
      case 'ended':
        return this.#finish();
      case 'audio':
        this.#hasNewAudio = true;
        return this.#push({ type: 'service', event });
      default:
        this.#push({ type: 'service', event });
    }
  }

  #acknowledged(link: SessionLink, frame: number): void {
    const before = this.#outbox.inFlightFrames;
    if (!this.#outbox.acknowledge(frame, this.#clock.nowMs)) {
      this.#errorOnce(link, 'acknowledged', TOO_FAR);
    } else if (this.#outbox.inFlightFrames < before) link.acknowledged(this.#clock.nowMs);
  }

  #serviceError(link: SessionLink, event: ServiceEvent & { readonly type: 'error' }): void {
    const message = serviceSays(event.code, event.message);
    if (!event.retry) link.refusal = message;
    if (!event.fatal) return this.#error(message);
    if (!event.retry) return this.#fail(message);
    this.#error(message);
    this.#giveUp(COMES_BACK);
  }

  // --- what is sent --------------------------------------------------------------------------------------------------

  #audio(audio: CapturedAudio): void {
    if (this.#drainsUntilMs < Infinity) return;
    const { input, encoding, muteAs } = this.#service;
    const { frame, frames, dropped } = audio;
    const isUsable =
      Number.isSafeInteger(frame + frames) && frame >= this.#nextFrame && frames > 0;
    if (!isUsable || !isWhole(audio, input, encoding)) return this.#error(BAD_AUDIO);
    const isGated = this.#muted || (this.#halfDuplex && this.#isPlaying);
    if (isGated && !(muteAs === 'silence' && isSampled(input))) {
      this.#nextFrame = frame + frames;
      return;
    }
    const lost = Math.min(dropped, frame - this.#nextFrame);
    this.#captureLoses(lost, frame - lost);
    this.#nextFrame = frame + frames;
    this.#outbox.push(isGated ? silenceLike(audio, input) : audio);
  }

  #captureLoses(frames: number, frame: number): void {
    if (!(frames > 0) || this.#drainsUntilMs < Infinity) return;
    this.#captureLost += frames;
    this.#nextFrame = frame + frames;
    this.#gaps.add({ frame, frames, cause: 'capture' }, this.#clock.nowMs);
  }

  /** The app asks something of the service. @param after what of the outbox goes out before */
  #ask(request: ServiceRequest, after: number): void {
    if (this.#drainsUntilMs < Infinity) return;
    if (this.#requests.push(request, after) > 0) this.#tellQueueFull();
  }

  #answer(request: ServiceRequest): void {
    if (this.#answers.push(request, 0) > 0) this.#tellQueueFull();
  }

  #tellQueueFull(): void {
    if (this.#hasToldQueue) return;
    this.#hasToldQueue = true;
    this.#error(QUEUE_FULL);
  }

  #interrupt(): void {
    if (this.#isInterrupting) {
      this.#interruptsAgain ||= this.#hasNewAudio;
      return;
    }
    this.#isInterrupting = true;
    this.#hasNewAudio = false;
    this.#push({ type: 'interrupt' });
  }

  #interrupted(heard: HeardItem): void {
    if (!this.#isInterrupting) return;
    this.#isInterrupting = false;
    this.#answer({ type: 'interrupted', heard });
    this.#push({ type: 'interrupted', heard });
    if (!this.#interruptsAgain) return;
    this.#interruptsAgain = false;
    this.#interrupt();
  }

  /** Hands over what may go out now, in order. */
  #pump(link: SessionLink): void {
    const outbox = this.#outbox;
    const { nowMs } = this.#clock;
    this.#pumpAtMs = Infinity;
    for (;;) {
      if (link.bufferedBytes > this.#maxBufferedBytes) {
        this.#pumpAtMs = nowMs + POLL_MS;
        return;
      }
      if (this.#pumpQueue(link, this.#answers) || this.#pumpQueue(link, this.#requests)) continue;
      const item = outbox.peek();
      if (item === null) return;
      if (item.type === 'audio') {
        if (link.isHeld || !outbox.hasWindow) return;
        const { frames } = item.audio;
        const atMs = this.#pacer.nextMs(frames, nowMs);
        if (atMs > nowMs) {
          this.#pumpAtMs = atMs;
          return;
        }
        this.#pacer.take(frames);
        if (outbox.inFlightFrames === 0) link.acknowledged(nowMs);
      }
      this.#request(link, item);
      outbox.shift(nowMs, link.handedBytes);
    }
  }

  /** Sends the next request that is due. @returns whether there was one */
  #pumpQueue(link: SessionLink, queue: RequestQueue): boolean {
    const request = queue.peek(this.#outbox.nextSerial);
    if (request === null) return false;
    const isSent = this.#request(link, request);
    queue.shift(link.handedBytes, isSent);
    return true;
  }

  /** @returns whether anything was sent */
  #request(link: SessionLink, request: ServiceRequest): boolean {
    const { connection } = link;
    if (connection === null) return false;
    try {
      const messages = connection.encode(request);
      for (const message of messages) this.#send(link, message);
      return messages.length > 0;
    } catch (cause) {
      // A value that cannot be sent is the app's, and told each time.
      if (request.type === 'message') this.#error(BAD_VALUE, cause);
      else this.#errorOnce(link, `encode ${request.type}`, SERVICE_FAULT, cause);
      return false;
    }
  }

  #send(link: SessionLink, message: string | Uint8Array<ArrayBuffer>): void {
    link.sent(message, this.#clock.nowMs);
    this.#push({ type: 'send', attempt: link.attempt, message });
  }

  // --- time ----------------------------------------------------------------------------------------------------------

  /** Does what is due. */
  #runDue(): void {
    const { nowMs } = this.#clock;
    if (this.#link !== null) this.#runLink(this.#link);
    if (this.#link === null && !this.#isClosed) {
      const isDrained = this.#drainsUntilMs < Infinity && !this.#hasWork;
      if (isDrained || nowMs >= this.#drainsUntilMs) return this.#finish();
      if (nowMs >= this.#retryAtMs) this.#connect();
    }
    if (this.#isDoubtful) {
      this.#isDoubtful = false;
      this.#outbox.tellDoubtful();
    }
    if (nowMs >= this.#gaps.dueMs) this.#tellGaps();
  }

  #runLink(link: SessionLink): void {
    const { nowMs } = this.#clock;
    const isClosing = this.#drainsUntilMs < Infinity;
    if (nowMs >= link.stallsAtMs(this.#stallMs, this.#isOwed(link))) {
      return this.#giveUp(COMES_BACK);
    }
    if (link.isReady) {
      const isFlushed = this.#isFlushed(link);
      if (link.isLeaving && (isFlushed || nowMs >= link.leavesAtMs)) return this.#leave(link);
      if (!link.isLeaving) this.#pump(link);
      this.#keepAlive(link);
      if (isClosing && (nowMs >= this.#drainsUntilMs || this.#isDrained(link))) this.#end(link);
      this.#followReplay();
    } else if (isClosing && (nowMs >= this.#drainsUntilMs || !this.#hasWork)) {
      if (link.phase !== 'ending') this.#finish();
    }
    if (nowMs < link.deadlineMs || this.#link !== link) return;
    if (link.phase === 'ending') this.#finish();
    else this.#giveUp(COMES_BACK);
  }

  /** Whether something waits that a connection is needed for. */
  get #hasWork(): boolean {
    const { waitingFrames, inFlightFrames } = this.#outbox;
    const hasAudio = waitingFrames > 0 || inFlightFrames > 0;
    return hasAudio || !this.#requests.isEmpty;
  }

  /** Whether the service owes an acknowledgement. */
  #isOwed(link: SessionLink): boolean {
    return this.#service.acknowledges && !link.isHeld && this.#outbox.inFlightFrames > 0;
  }

  /** Whether all that was handed over has arrived, as far as can be known. */
  #isFlushed(link: SessionLink): boolean {
    const isOwing = this.#service.acknowledges && this.#outbox.inFlightFrames > 0;
    return !isOwing && link.bufferedBytes === 0;
  }

  #isDrained(link: SessionLink): boolean {
    const isEmpty = this.#outbox.peek() === null && this.#requests.isEmpty;
    return isEmpty && this.#answers.isEmpty && this.#isFlushed(link);
  }

  /** The service will close this connection: the next one follows at once. */
  #leave(link: SessionLink): void {
    this.#outbox.arrived();
    this.#push({ type: 'disconnect', attempt: link.attempt, code: COMES_BACK });
    this.#forgetLink();
    if (this.#hasLasted(link)) {
      this.#delay.reset();
      this.#retryAtMs = this.#clock.nowMs;
    } else this.#retryLater(link);
  }

  #keepAlive(link: SessionLink): void {
    const { nowMs } = this.#clock;
    const { keepAliveMs, acknowledges } = this.#service;
    if (keepAliveMs <= 0 || nowMs < link.sentAtMs + keepAliveMs) return;
    const isSent = this.#request(link, { type: 'keep-alive' });
    link.sentAtMs = nowMs;
    if (isSent && acknowledges) link.asked(nowMs);
  }

  #followReplay(): void {
    const { waitingFrames } = this.#outbox;
    const { burstFrames } = this.#pacer;
    // Not to and fro where audio goes out in fits.
    const limit = this.#isReplaying ? burstFrames : 2 * burstFrames;
    this.#isReplaying = waitingFrames > limit;
  }

  #dueMs(): number {
    if (this.#isClosed) return Infinity;
    const link = this.#link;
    let due = Math.min(this.#gaps.dueMs, this.#drainsUntilMs);
    if (link === null) return Math.min(due, this.#retryAtMs);
    due = Math.min(due, link.deadlineMs, link.stallsAtMs(this.#stallMs, this.#isOwed(link)));
    if (!link.isReady) return due;
    const { keepAliveMs } = this.#service;
    if (keepAliveMs > 0) due = Math.min(due, link.sentAtMs + keepAliveMs);
    const isPolled =
      link.bufferedBytes > 0 && (link.isLeaving || this.#drainsUntilMs < Infinity);
    if (isPolled) due = Math.min(due, this.#clock.nowMs + POLL_MS);
    return Math.min(due, this.#pumpAtMs, link.leavesAtMs);
  }

  // --- the end -------------------------------------------------------------------------------------------------------

  /** All that could be sent was sent: the service is told that nothing follows. */
  #end(link: SessionLink): void {
    this.#outbox.arrived();
    const isHeard = this.#request(link, { type: 'end' });
    const { nowMs } = this.#clock;
    link.phase = 'ending';
    link.deadlineMs = isHeard ? Math.min(this.#drainsUntilMs, nowMs + LAST_WORD_MS) : nowMs;
  }

  #fail(message: string): void {
    this.#error(message);
    this.#finish();
  }

  #finish(): void {
    const link = this.#link;
    if (link?.hasSocket === true) {
      this.#push({ type: 'disconnect', attempt: link.attempt, code: DONE });
    }
    this.#link = null;
    this.#outbox.end();
    this.#tellGaps();
    this.#isClosed = true;
    this.#tellState('closed');
    this.#push({ type: 'closed' });
  }

  // --- what is told --------------------------------------------------------------------------------------------------

  #stateNow(): SessionState {
    const link = this.#link;
    if (link === null) return this.#isStarted ? 'waiting' : 'connecting';
    if (link.readyAtMs === Infinity) return 'connecting';
    return this.#isReplaying ? 'replaying' : 'open';
  }

  #tellState(state: SessionState): void {
    if (state === this.#toldState) return;
    this.#toldState = state;
    this.#push({ type: 'state', state });
  }

  #tellGaps(): void {
    for (const gap of this.#gaps.take()) this.#push({ type: 'gap', gap });
  }

  #errorOnce(link: SessionLink, kind: string, message: string, cause?: unknown): void {
    if (link.told.has(kind)) return;
    link.told.add(kind);
    this.#error(message, cause);
  }

  #error(message: string, cause?: unknown): void {
    const error = new MicwireError('transport', message, cause === undefined ? {} : { cause });
    this.#push({ type: 'error', error });
  }

  #push(action: SessionAction): void {
    this.#actions.push(action);
  }
}

type MsOption = {
  [Name in keyof SessionLifeOptions]-?: Name extends `${string}Ms` ? Name : never;
}[keyof SessionLifeOptions];
