import type { ServiceConnection, WireMessage } from '../services/service.ts';

/**
 * Phase of a connection: `'address'`: the app is asked where to; `'socket'`: the socket is being made; `'hello'`: the service has
 * been told who it is; `'ready'`: audio is sent; `'ending'`: the service was told that nothing follows.
 */
type LinkPhase = 'address' | 'socket' | 'hello' | 'ready' | 'ending';

/** So much longer than `stallMs` may acknowledgements stay away while other messages arrive: those come first, through the same pipe. */
const PATIENCE = 4;

/** One attempt to connect, and the connection that comes of it. */
export class SessionLink {
  readonly attempt: number;
  readonly startedAtMs: number;
  /** It was begun because the system is online again. */
  readonly isHurried: boolean;
  phase: LinkPhase = 'address';
  connection: ServiceConnection | null = null;
  /** When the phase has to be over. */
  deadlineMs: number;
  readyAtMs = Infinity;
  /** The connection is given up at this time, because the service will close it; Infinity: it will not. */
  leavesAtMs = Infinity;
  /** The service takes no audio for now. */
  isHeld = false;
  /** The service has said that coming back is no use; null: it has not. */
  refusal: string | null = null;
  /** Kinds of errors that were told already. */
  readonly told = new Set<string>();

  /** Bytes of messages that the socket was handed, and those that have left it. */
  handedBytes = 0;
  leftBytes = 0;
  bufferedBytes = 0;
  sentAtMs = 0;
  /** When the socket's buffer was empty, or moved. */
  #movedAtMs = 0;
  #heardAtMs = 0;
  #acknowledgedAtMs = 0;
  /** A keep-alive message waits for its answer since then. */
  #askedAtMs = Infinity;

  constructor(attempt: number, nowMs: number, deadlineMs: number, isHurried: boolean) {
    this.attempt = attempt;
    this.startedAtMs = nowMs;
    this.deadlineMs = deadlineMs;
    this.isHurried = isHurried;
  }

  get hasSocket(): boolean {
    return this.phase !== 'address';
  }

  get isReady(): boolean {
    return this.phase === 'ready';
  }

  get isLeaving(): boolean {
    return this.leavesAtMs < Infinity;
  }

  /** What the socket holds, as far as is known. */
  observe(bufferedBytes: number, nowMs: number): void {
    const left = this.handedBytes - bufferedBytes;
    if (left > this.leftBytes || bufferedBytes === 0) this.#movedAtMs = nowMs;
    this.leftBytes = Math.max(this.leftBytes, left);
    this.bufferedBytes = bufferedBytes;
  }

  ready(nowMs: number): void {
    this.phase = 'ready';
    this.readyAtMs = nowMs;
    this.deadlineMs = Infinity;
    this.sentAtMs = nowMs;
    this.forgive(nowMs);
  }

  /** The socket is handed a message. */
  sent(message: WireMessage, nowMs: number): void {
    // Text takes as many bytes or more: what is counted as having left has left.
    this.handedBytes += message.length;
    this.bufferedBytes += message.length;
    this.sentAtMs = nowMs;
  }

  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#askedAtMs = Infinity;
  }

  /** The service has acknowledged something new, or what comes now is the first that it has to acknowledge. */
  acknowledged(nowMs: number): void {
    this.#acknowledgedAtMs = nowMs;
  }

  /** A keep-alive message was sent, which the service answers. */
  asked(nowMs: number): void {
    this.#askedAtMs = Math.min(this.#askedAtMs, nowMs);
  }

  /** Time has passed in which nothing could happen: the machine slept. */
  forgive(nowMs: number): void {
    this.#movedAtMs = nowMs;
    this.#heardAtMs = nowMs;
    this.#acknowledgedAtMs = nowMs;
    if (this.#askedAtMs < Infinity) this.#askedAtMs = nowMs;
  }

  /**
   * When the connection counts as half-open, if nothing moves until then.
   * @param isOwed whether the service has something to acknowledge
   */
  stallsAtMs(stallMs: number, isOwed: boolean): number {
    const socket = this.bufferedBytes > 0 ? this.#movedAtMs + stallMs : Infinity;
    const last = Math.max(this.#acknowledgedAtMs, this.#heardAtMs) + stallMs;
    const owed = isOwed
      ? Math.min(last, this.#acknowledgedAtMs + PATIENCE * stallMs)
      : Infinity;
    return Math.min(socket, owed, this.#askedAtMs + stallMs);
  }
}
