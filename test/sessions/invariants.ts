import { VirtualTime } from '../helpers/virtual-time.ts';

/** What must hold, by name: a failure names one, and shrinking keeps to it. */
export type Rule =
  | 'no exception'
  /** Every frame reaches the server exactly once and in order, or is counted in a gap. */
  | 'exactly once'
  /** A frame's samples are those that were captured, or silence while muted. */
  | 'frame identity'
  /** A gap that is told is one, and has its true cause. */
  | 'gaps told truly'
  /** captured = acknowledged + in flight + waiting + dropped, at every instant; nothing runs backwards. */
  | 'account'
  /** Nothing counts as acknowledged that the server does not have. */
  | 'acknowledged truly'
  /** A commit comes after the audio before it, and at least once. */
  | 'commits'
  /** Of a service that acknowledges nothing, audio is lost only after it left the socket, and before the overlap. */
  | 'bounded loss'
  /** Of a service that acknowledges nothing, audio is doubled at most by the overlap. */
  | 'bounded overlap'
  /** The outbox and the server keep within their bounds. */
  | 'bounded memory'
  /** Audio never goes out faster than the service takes it, over any window. */
  | 'pacing'
  /** Connections are never made faster than the back-off allows, and timers never spin. */
  | 'bounded rate'
  /** Each action makes sense after those before it. */
  | 'coherent actions'
  /** An outage ends within the stated time after its cause is over. */
  | 'outage ends'
  /** Nobody comes back where the service has said no. */
  | 'stays away'
  /** Items reach the player exactly once and in order, with the right samples. */
  | 'replies exactly once'
  /** The service is told what was heard, to the frame. */
  | 'heard truly'
  /** The app's own messages arrive in order, and never twice. */
  | 'messages in order'
  /** After `close()`, all is let go within the stated time. */
  | 'all settled';

/** A schedule has shown that a rule does not hold. */
export class Violation extends Error {
  readonly rule: Rule;
  readonly atMs: number;

  constructor(rule: Rule, atMs: number, detail: string) {
    super(detail);
    this.name = 'Violation';
    this.rule = rule;
    this.atMs = atMs;
  }
}

/** The virtual time of a schedule, which the rules read. */
export class Clock extends VirtualTime {
  /** The first one: a session catches what a service throws. */
  #violation: Violation | null = null;

  fail(rule: Rule, detail: string): never {
    this.#violation ??= new Violation(rule, this.now, detail);
    throw this.#violation;
  }

  /** @throws Violation where a rule was broken */
  check(): void {
    if (this.#violation !== null) throw this.#violation;
  }
}
