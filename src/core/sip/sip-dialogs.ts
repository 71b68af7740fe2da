import { plain } from './sip-label.ts';
import type { SipMessage } from './sip-message.ts';
import type { SeenMessage, SipTransaction } from './sip-transactions.ts';

/**
 * - `'early'`: a provisional response has come, and the callee’s telephone rings;
 * - `'confirmed'`: the call has been answered;
 * - `'terminated'`: the call is over.
 */
export type SipDialogState = 'early' | 'confirmed' | 'terminated';

/**
 * A dialog between two ends, begun by an INVITE (RFC 3261 §12). An INVITE that several telephones answer begins several dialogs.
 * All hops that the ladder sees share one dialog.
 */
export interface SipDialog {
  readonly id: number;
  readonly callId: string;
  /** Tag of the caller. */
  readonly callerTag: string;
  /** Tag of the callee. */
  readonly calleeTag: string;
  /** Address of the caller, as written in From. */
  readonly caller: string;
  /** Address of the callee, as written in To. */
  readonly callee: string;
  readonly state: SipDialogState;
  /** When the first provisional response with a tag was seen; null if there was no such response. */
  readonly earlyMs: number | null;
  /** When the answer was seen; null before that. */
  readonly confirmedMs: number | null;
  /** When its end was seen; null before that. */
  readonly endMs: number | null;
  /** Why it ended, in a few words: `'BYE from alice'`, `'487 Request Terminated'`; empty before that. */
  readonly reason: string;
}

type Open = { -readonly [Field in keyof SipDialog]: SipDialog[Field] } & {
  /** Number of its messages that are kept. */
  kept: number;
  readonly key: string;
};

/** Responses that end their dialog (RFC 3261 §12.2.1.2). */
const ENDING: ReadonlySet<number> = new Set([408, 481]);

/** Follows the dialogs of messages. */
export class SipDialogs {
  readonly #byId = new Map<number, Open>();
  readonly #byKey = new Map<string, Open>();
  #nextId = 0;

  list(): SipDialog[] {
    return [...this.#byId.values()].map(({ kept: _kept, key: _key, ...rest }) => rest);
  }

  /** @returns the dialog of the message */
  add(seen: SeenMessage, transaction: SipTransaction): number | null {
    const { message } = seen;
    if (message.method === 'INVITE' && message.kind === 'response' && !transaction.isReinvite) {
      if (message.status >= 300) this.#endEarly(seen, message);
      else if (message.status > 100 && message.to.tag !== '') this.#begin(seen, message.status);
    }
    const dialog = this.#byKey.get(keyOf(message));
    if (dialog === undefined) return null;
    dialog.kept++;
    if (message.kind === 'request') {
      if (message.method === 'BYE') end(dialog, seen, `BYE from ${plain(seen.from)}`);
    } else if (message.method !== 'CANCEL' && ENDING.has(message.status)) {
      end(dialog, seen, statusWords(message.status, message.reason));
    }
    return dialog.id;
  }

  /** Forgets a message, and with its last message the dialog. */
  drop(id: number): void {
    const dialog = this.#byId.get(id);
    if (dialog === undefined || --dialog.kept > 0) return;
    this.#byId.delete(id);
    this.#byKey.delete(dialog.key);
  }

  #begin({ message, atMs }: SeenMessage, status: number): void {
    const key = keyOf(message);
    let dialog = this.#byKey.get(key);
    if (dialog === undefined) {
      dialog = {
        id: this.#nextId++,
        key,
        kept: 0,
        callId: message.callId,
        callerTag: message.from.tag,
        calleeTag: message.to.tag,
        caller: message.from.uri.text,
        callee: message.to.uri.text,
        state: 'early',
        earlyMs: null,
        confirmedMs: null,
        endMs: null,
        reason: '',
      };
      this.#byId.set(dialog.id, dialog);
      this.#byKey.set(key, dialog);
    }
    if (dialog.state !== 'early') return;
    if (status < 200) {
      dialog.earlyMs ??= atMs;
    } else {
      dialog.state = 'confirmed';
      dialog.confirmedMs = atMs;
    }
  }

  /** Ends all dialogs that a failed INVITE had begun (RFC 3261 §12.3). */
  #endEarly(seen: SeenMessage, message: Extract<SipMessage, { kind: 'response' }>): void {
    for (const dialog of this.#byId.values()) {
      if (dialog.callId !== message.callId || dialog.callerTag !== message.from.tag) continue;
      if (dialog.state !== 'early') continue;
      end(dialog, seen, statusWords(message.status, message.reason));
    }
  }
}

/** Returns a dialog's key, which is the same in both directions. */
function keyOf({ callId, from, to }: SipMessage): string {
  return JSON.stringify([callId, ...[from.tag, to.tag].sort()]);
}

function end(dialog: Open, { atMs }: SeenMessage, reason: string): void {
  if (dialog.state === 'terminated') return;
  dialog.state = 'terminated';
  dialog.endMs = atMs;
  dialog.reason = reason;
}

function statusWords(status: number, reason: string): string {
  return `${status} ${plain(reason)}`.trim();
}
