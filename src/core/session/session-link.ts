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
 * Phase of a connection: `'address'`: the app is asked for the address; `'socket'`: the socket is connecting; `'hello'`: the
 * service was told about the session; `'ready'`: audio is sent; `'ending'`: the service was told that nothing follows.
 */
type LinkPhase = 'address' | 'socket' | 'hello' | 'ready' | 'ending';

/** For this many times `stallMs`, acknowledgements may be missing while other messages arrive: a long reply may be ahead of them. */
const PATIENCE = 4;

/** Receives the actions of a session. */
export type PushAction = (action: SessionAction) => void;

/** One connection attempt, and the resulting connection: what it carries, and whether it is alive. */
export class SessionLink {
  readonly attempt: number;
  /** Whether it was started because the system is online again. */
  readonly isHurried: boolean;
  phase: LinkPhase = 'address';
  /** When the phase must be over. */
  deadlineMs: number;
  readyAtMs: number = Infinity;
  /** When the connection is given up because the service will close it; Infinity if it will not. */
  leavesAtMs: number = Infinity;
  /** Whether the service accepts no audio for now. */
  isHeld = false;
  /** Why reconnecting is useless, as stated by the service; otherwise null. */
  refusal: string | null = null;
  /** Bytes of messages passed to the socket, and those that have left it. */
  handedBytes = 0;
  leftBytes = 0;
  /** Upper bounds of both: sockets may count headers, and overestimate text. Data after that has not left the socket. */
  handedMostBytes = 0;
  leftMostBytes = 0;
  bufferedBytes = 0;
  /** When a message was last sent. */
  sentAtMs = 0;
  /** When a keep-alive message was last due, whether or not the service has one. */
  keptAliveAtMs = 0;

  readonly #service: Service;
  readonly #push: PushAction;
  #connection: ServiceConnection | null = null;
  /** Kinds of errors that were reported. */
  readonly #told = new Set<string>();
  /** When the socket's buffer was last empty, or shrank. */
  #movedAtMs = 0;
  #heardAtMs = 0;
  #acknowledgedAtMs = 0;
  /** Since when a keep-alive message has been unanswered. */
  #askedAtMs = Infinity;
  /** Whether the wait was extended since the last sign of life. */
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

  /** Handles the opening of the socket. @throws what the service throws */
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

  /** Returns the events in a message from the service; an empty list if it cannot be read. */
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

  /** Sends the messages of a request. @returns whether there were any */
  request(request: ServiceRequest, nowMs: number): boolean {
    if (this.#connection === null) return false;
    try {
      const messages = this.#connection.encode(request);
      for (const message of messages) this.send(message, nowMs);
      return messages.length > 0;
    } catch (cause) {
      // An invalid value is the app's mistake, reported each time.
      if (request.type === 'message') this.#error(BAD_VALUE, cause);
      else this.errorOnce(`encode ${request.type}`, SERVICE_FAULT, cause);
      return false;
    }
  }

  send(message: WireMessage, nowMs: number): void {
    // Text takes at least that many bytes: bytes counted as having left the socket have left it.
    this.handedBytes += message.length;
    this.handedMostBytes += mostBytes(message);
    this.bufferedBytes += message.length;
    this.sentAtMs = nowMs;
    this.#push({ type: 'send', attempt: this.attempt, message });
  }

  /** Reports the first error of each kind. */
  errorOnce(kind: string, message: string, cause?: unknown): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#error(message, cause);
  }

  /** Takes the number of bytes in the socket. */
  observe(bufferedBytes: number, nowMs: number): void {
    const left = this.handedBytes - bufferedBytes;
    if (left > this.leftBytes || bufferedBytes === 0) this.#movedAtMs = nowMs;
    this.leftBytes = Math.max(this.leftBytes, left);
    this.leftMostBytes = Math.max(this.leftMostBytes, this.handedMostBytes - bufferedBytes);
    this.bufferedBytes = bufferedBytes;
  }

  /** The service has acknowledged new audio, or owes an acknowledgement from now on. */
  acknowledged(nowMs: number): void {
    this.#acknowledgedAtMs = nowMs;
  }

  /** A keep-alive message was sent that the service must answer. */
  asked(nowMs: number): void {
    this.#askedAtMs = Math.min(this.#askedAtMs, nowMs);
  }

  /**
   * When a keep-alive message is due. A service that answers it is asked once it has been silent for that long, whatever was sent
   * meanwhile, because not everything has an answer. If it owes an acknowledgement, it is asked before it would count as gone: it
   * may need time to store the audio.
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
   * Extends all waits after a time in which nothing could happen, because the machine slept. Only once until the next sign of life,
   * because timers of hidden pages are equally late.
   */
  forgive(nowMs: number, waitMs: number): void {
    if (this.#isForgiven) return;
    this.#isForgiven = true;
    if (this.deadlineMs < Infinity) this.deadlineMs = Math.max(this.deadlineMs, nowMs + waitMs);
    this.#wait(nowMs);
  }

  /**
   * When the connection counts as half-open, if nothing moves until then.
   * @param isOwed whether the service owes an acknowledgement
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
   * Until when it was useful: what it owes may never arrive, and data in the socket may never leave it.
   * @param isOwed as in `stallsAtMs`
   */
  usedUntilMs(nowMs: number, isOwed: boolean): number {
    const socket = this.bufferedBytes > 0 ? this.#movedAtMs : nowMs;
    const owed = isOwed ? this.#acknowledgedAtMs : nowMs;
    // A server that does not answer may have been gone since it was last heard from.
    const asked = this.#askedAtMs < Infinity ? this.#heardAtMs : nowMs;
    return Math.min(nowMs, socket, owed, asked);
  }

  /** Restarts all waits. */
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

/** Maximum header size of a WebSocket frame (RFC 6455 §5.2). */
const HEADER_BYTES = 14;

/** Returns the maximum number of bytes that a socket may count for a message. */
function mostBytes(message: WireMessage): number {
  let bytes = message.length + HEADER_BYTES;
  if (typeof message !== 'string') return bytes;
  // UTF-8 takes up to three bytes per UTF-16 code unit.
  for (let i = 0; i < message.length; i++) {
    const unit = message.charCodeAt(i);
    bytes += unit > 0x7ff ? 2 : unit > 0x7f ? 1 : 0;
  }
  return bytes;
}
