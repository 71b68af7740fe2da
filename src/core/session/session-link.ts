import { PacketError } from '../errors.ts';
import type {
  Service,
  ServiceConnection,
  ServiceEvent,
  ServiceRequest,
  WireMessage,
} from '../services/service.ts';
import { BAD_MESSAGE, BAD_VALUE, SERVICE_FAULT, sessionError } from './session-errors.ts';
import type { SessionAction } from './session-messages.ts';

/**
 * Phase of a connection: `'address'`: the app is asked where to; `'socket'`: the socket is being made; `'hello'`: the service has
 * been told who it is; `'ready'`: audio is sent; `'ending'`: the service was told that nothing follows.
 */
type LinkPhase = 'address' | 'socket' | 'hello' | 'ready' | 'ending';

/** So many times `stallMs` may acknowledgements stay away while other messages come: a long reply may be in front of them. */
const PATIENCE = 4;

/** Takes the actions of a session. */
export type PushAction = (action: SessionAction) => void;

/** One attempt to connect, and the connection that comes of it: what it carries, and whether it is alive. */
export class SessionLink {
  readonly attempt: number;
  /** It was begun because the system is online again. */
  readonly isHurried: boolean;
  phase: LinkPhase = 'address';
  /** When the phase has to be over. */
  deadlineMs: number;
  readyAtMs: number = Infinity;
  /** The connection is given up at this time, because the service will close it; Infinity: it will not. */
  leavesAtMs: number = Infinity;
  /** The service takes no audio for now. */
  isHeld = false;
  /** The service has said that coming back is no use; null: it has not. */
  refusal: string | null = null;
  /** Bytes of messages that the socket was handed, and those that have left it. */
  handedBytes = 0;
  leftBytes = 0;
  /** The same at most: sockets may count headers, and take text for longer. Nothing behind that has left the socket. */
  handedMostBytes = 0;
  leftMostBytes = 0;
  bufferedBytes = 0;
  /** When something was sent last. */
  sentAtMs = 0;
  /** When a keep-alive message was due last: the service may have none now. */
  keptAliveAtMs = 0;

  readonly #service: Service;
  readonly #push: PushAction;
  #connection: ServiceConnection | null = null;
  /** Kinds of errors that were told. */
  readonly #told = new Set<string>();
  /** When the socket's buffer was empty, or moved. */
  #movedAtMs = 0;
  #heardAtMs = 0;
  #acknowledgedAtMs = 0;
  /** A keep-alive message waits for its answer since then. */
  #askedAtMs = Infinity;
  /** The wait was extended once since the last sign of life. */
  #isForgiven = false;

  constructor(
    service: Service,
    attempt: number,
    deadlineMs: number,
    isHurried: boolean,
    push: PushAction,
  ) {
    this.#service = service;
    this.attempt = attempt;
    this.deadlineMs = deadlineMs;
    this.isHurried = isHurried;
    this.#push = push;
  }

  get hasSocket(): boolean {
    return this.phase !== 'address';
  }

  get isOpen(): boolean {
    return this.#connection !== null;
  }

  get isReady(): boolean {
    return this.phase === 'ready';
  }

  get isLeaving(): boolean {
    return this.leavesAtMs < Infinity;
  }

  /** The socket is open. @throws what the service throws */
  open(nowMs: number, deadlineMs: number): void {
    this.#connection = this.#service.connect();
    this.phase = 'hello';
    this.deadlineMs = deadlineMs;
    this.#wait(nowMs);
  }

  ready(nowMs: number): void {
    this.phase = 'ready';
    this.readyAtMs = nowMs;
    this.deadlineMs = Infinity;
    this.sentAtMs = nowMs;
    this.#wait(nowMs);
  }

  /** What a message from the service says; nothing when it cannot be read. */
  decode(data: string | Uint8Array, nowMs: number): readonly ServiceEvent[] {
    if (this.#connection === null) return [];
    this.#heardAtMs = nowMs;
    this.#askedAtMs = Infinity;
    this.#isForgiven = false;
    try {
      return this.#connection.decode(data);
    } catch (cause) {
      if (cause instanceof PacketError) {
        this.errorOnce(`decode ${cause.reason}`, BAD_MESSAGE, cause);
      } else this.errorOnce('decode', SERVICE_FAULT, cause);
      return [];
    }
  }

  /** Sends the messages of a request. @returns whether there was one */
  request(request: ServiceRequest, nowMs: number): boolean {
    if (this.#connection === null) return false;
    try {
      const messages = this.#connection.encode(request);
      for (const message of messages) this.send(message, nowMs);
      return messages.length > 0;
    } catch (cause) {
      // A value that cannot be sent is the app's, and told each time.
      if (request.type === 'message') this.#error(BAD_VALUE, cause);
      else this.errorOnce(`encode ${request.type}`, SERVICE_FAULT, cause);
      return false;
    }
  }

  send(message: WireMessage, nowMs: number): void {
    // Text takes as many bytes or more: what is counted as having left has left.
    this.handedBytes += message.length;
    this.handedMostBytes += mostBytes(message);
    this.bufferedBytes += message.length;
    this.sentAtMs = nowMs;
    this.#push({ type: 'send', attempt: this.attempt, message });
  }

  /** Tells an error, of each kind the first one. */
  errorOnce(kind: string, message: string, cause?: unknown): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#error(message, cause);
  }

  /** What the socket holds. */
  observe(bufferedBytes: number, nowMs: number): void {
    const left = this.handedBytes - bufferedBytes;
    if (left > this.leftBytes || bufferedBytes === 0) this.#movedAtMs = nowMs;
    this.leftBytes = Math.max(this.leftBytes, left);
    this.leftMostBytes = Math.max(this.leftMostBytes, this.handedMostBytes - bufferedBytes);
    this.bufferedBytes = bufferedBytes;
  }

  /** The service has acknowledged something new, or has something to acknowledge from now on. */
  acknowledged(nowMs: number): void {
    this.#acknowledgedAtMs = nowMs;
  }

  /** A keep-alive message was sent, which the service answers. */
  asked(nowMs: number): void {
    this.#askedAtMs = Math.min(this.#askedAtMs, nowMs);
  }

  /**
   * When a keep-alive message is due. A service that answers it is asked when it was silent for so long, whatever was sent
   * meanwhile: not everything has an answer. One that owes an acknowledgement is asked before it would count as gone: it may
   * take its time to store what it has.
   */
  keepAliveAtMs(stallMs: number, isOwed: boolean): number {
    const { keepAliveMs, acknowledges } = this.#service;
    if (keepAliveMs <= 0) return Infinity;
    if (!acknowledges) return this.sentAtMs + keepAliveMs;
    if (this.#askedAtMs < Infinity) return Infinity;
    const { sentAtMs, keptAliveAtMs } = this;
    const silentAtMs = Math.max(keptAliveAtMs, Math.min(sentAtMs, this.#heardAtMs)) + keepAliveMs;
    if (!isOwed) return silentAtMs;
    const movedAtMs = Math.max(keptAliveAtMs, this.#acknowledgedAtMs, this.#heardAtMs);
    return Math.min(silentAtMs, movedAtMs + stallMs / 2);
  }

  /**
   * Time has passed in which nothing could happen: the machine slept. Only once until the next sign of life, since the timers of
   * hidden pages are as late as if it did.
   */
  forgive(nowMs: number, waitMs: number): void {
    if (this.#isForgiven) return;
    this.#isForgiven = true;
    if (this.deadlineMs < Infinity) this.deadlineMs = Math.max(this.deadlineMs, nowMs + waitMs);
    this.#wait(nowMs);
  }

  /**
   * When the connection counts as half-open, if nothing moves until then.
   * @param isOwed whether the service has something to acknowledge
   */
  stallsAtMs(stallMs: number, isOwed: boolean): number {
    const socket = this.bufferedBytes > 0 ? this.#movedAtMs + stallMs : Infinity;
    const asked = this.#askedAtMs + stallMs;
    if (!isOwed) return Math.min(socket, asked);
    const heardAtMs = Math.max(this.#acknowledgedAtMs, this.#heardAtMs);
    const owed = Math.min(heardAtMs + stallMs, this.#acknowledgedAtMs + PATIENCE * stallMs);
    return Math.min(socket, asked, owed);
  }

  /**
   * Until when it was of use: what it owes may never come, and what does not leave the socket may not either.
   * @param isOwed as in `stallsAtMs`
   */
  usedUntilMs(nowMs: number, isOwed: boolean): number {
    const socket = this.bufferedBytes > 0 ? this.#movedAtMs : nowMs;
    const owed = isOwed ? this.#acknowledgedAtMs : nowMs;
    // A server that does not answer may have been gone since it was last heard.
    const asked = this.#askedAtMs < Infinity ? this.#heardAtMs : nowMs;
    return Math.min(nowMs, socket, owed, asked);
  }

  /** All waits begin now. */
  #wait(nowMs: number): void {
    this.#movedAtMs = nowMs;
    this.#heardAtMs = nowMs;
    this.#acknowledgedAtMs = nowMs;
    if (this.#askedAtMs < Infinity) this.#askedAtMs = nowMs;
  }

  #error(message: string, cause: unknown): void {
    this.#push({ type: 'error', error: sessionError(message, cause) });
  }
}

/** Longest header of a WebSocket's frame (RFC 6455 §5.2). */
const HEADER_BYTES = 14;

/** The most bytes that a socket may count for a message. */
function mostBytes(message: WireMessage): number {
  let bytes = message.length + HEADER_BYTES;
  if (typeof message !== 'string') return bytes;
  // UTF-8 takes up to three bytes for a unit of UTF-16.
  for (let i = 0; i < message.length; i++) {
    const unit = message.charCodeAt(i);
    bytes += unit > 0x7ff ? 2 : unit > 0x7f ? 1 : 0;
  }
  return bytes;
}
