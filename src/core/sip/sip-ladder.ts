import { checkObject, checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, numberIn } from '../arguments.ts';
import { SipDialogs } from './sip-dialogs.ts';
import type { SipDialog } from './sip-dialogs.ts';
import { isSipKeepAlive, parseSipMessage } from './sip-message.ts';
import type { SipMessage } from './sip-message.ts';
import { messageLabel } from './sip-label.ts';
import { SipTransactions } from './sip-transactions.ts';
import type { SipTransaction } from './sip-transactions.ts';

/** A message as it was seen. */
export interface SipObservation {
  /** When it was seen, in ms of any clock. Never earlier than the previous message. */
  readonly atMs: number;
  /** The sender on this hop, such as `'alice'` or `'proxy'`. */
  readonly from: string;
  /** The receiver on this hop. */
  readonly to: string;
  /** The message, as text or as bytes in UTF-8. */
  readonly data: string | Uint8Array;
}

/** One message of a ladder. */
export interface SipLadderEntry {
  /** Number of the message, from 0, among all that the ladder has ever taken. */
  readonly index: number;
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly message: SipMessage;
  /** The message in a few words: `'INVITE +SDP'`, `'486 Busy Here (INVITE)'`. At most about 80 characters, without controls. */
  readonly label: string;
  /** `id` of the transaction. An ACK belongs to the transaction of its INVITE. */
  readonly transaction: number;
  /** `id` of the dialog; null outside of dialogs, and if its beginning was not seen. */
  readonly dialog: number | null;
  /** Whether the same message was sent over the same hop before. */
  readonly isRetransmission: boolean;
}

/** Options of a {@link SipLadder}. */
export interface SipLadderOptions {
  /** Most messages that are kept; the oldest are dropped first. @default 1000 */
  readonly maxMessages?: number;
  /** Most characters in all kept messages together. @default 4194304 */
  readonly maxCharacters?: number;
}
const NAMES = { maxMessages: 1, maxCharacters: 1 } satisfies OptionNames<SipLadderOptions>;
const MAX_NAME = 64;

/**
 * Builds a ladder from the messages on one or more hops: who sent what when, grouped into transactions (RFC 3261 §17) and dialogs
 * (§12). Has no clock, and works in any scope. Draw it with {@link sipLadderText} and {@link sipLadderSvg}.
 *
 * Memory is bounded by the options: transactions and dialogs are dropped with the last of their messages.
 *
 * @example
 * const ladder = new SipLadder();
 * ladder.add({ atMs: performance.now(), from: 'page', to: 'proxy', data: text });
 * console.log(sipLadderText(ladder.entries));
 */
export class SipLadder {
  readonly #maxMessages: number;
  readonly #maxCharacters: number;
  readonly #entries: SipLadderEntry[] = [];
  readonly #transactions = new SipTransactions();
  readonly #dialogs = new SipDialogs();
  #characters = 0;
  #count = 0;
  #lastMs = -Infinity;

  constructor(options: SipLadderOptions = {}) {
    checkOptions('SipLadder', options, NAMES);
    const { maxMessages = 1000, maxCharacters = 2 ** 22 } = options;
    this.#maxMessages = integerIn('maxMessages', maxMessages, 1, 100_000);
    this.#maxCharacters = integerIn('maxCharacters', maxCharacters, 1, 2 ** 30);
  }

  /** The kept messages, oldest first: a copy. */
  get entries(): readonly SipLadderEntry[] {
    return [...this.#entries];
  }

  /** The transactions of the kept messages, oldest first: a copy. */
  get transactions(): readonly SipTransaction[] {
    return this.#transactions.list();
  }

  /** The dialogs of the kept messages, oldest first: a copy. An INVITE began each of them. */
  get dialogs(): readonly SipDialog[] {
    return this.#dialogs.list();
  }

  /** Number of messages that are not kept any more: dropped to stay within the limits, or by `clear()`. */
  get dropped(): number {
    return this.#count - this.#entries.length;
  }

  /**
   * Takes a message.
   * @returns its entry; null for a keep-alive, which is not kept
   * @throws PacketError as `parseSipMessage` does; the ladder is then unchanged. RangeError or TypeError for a wrong time or name
   */
  add(observation: SipObservation): SipLadderEntry | null {
    checkObject('add() takes an observation', observation, 'atMs', 'from', 'to', 'data');
    const { from, to, data } = observation;
    const atMs = numberIn('atMs', observation.atMs, -Number.MAX_VALUE, Number.MAX_VALUE);
    checkName('from', from);
    checkName('to', to);
    if (isSipKeepAlive(data)) return null;
    if (atMs < this.#lastMs) {
      throw new RangeError(`atMs must not go back, got ${atMs} after ${this.#lastMs}.`);
    }
    const message = parseSipMessage(data);
    this.#lastMs = atMs;
    const index = this.#count++;
    const seen = { index, atMs, from, to, message };
    const { id, isRetransmission } = this.#transactions.add(seen);
    const dialog = this.#dialogs.add(seen, this.#transactions.get(id)!);
    const entry: SipLadderEntry = {
      ...seen,
      label: messageLabel(message),
      transaction: id,
      dialog,
      isRetransmission,
    };
    this.#entries.push(entry);
    this.#characters += message.text.length;
    while (
      this.#entries.length > this.#maxMessages ||
      (this.#characters > this.#maxCharacters && this.#entries.length > 1)
    ) {
      this.#dropOldest();
    }
    return entry;
  }

  /** Forgets every message. */
  clear(): void {
    while (this.#entries.length > 0) this.#dropOldest();
  }

  #dropOldest(): void {
    const entry = this.#entries.shift()!;
    this.#characters -= entry.message.text.length;
    this.#transactions.drop(entry.transaction, entry.index);
    if (entry.dialog !== null) this.#dialogs.drop(entry.dialog);
  }
}

function checkName(field: string, name: unknown): void {
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) {
    throw new TypeError(`${field} must be a name of 1 to ${MAX_NAME} characters.`);
  }
}
