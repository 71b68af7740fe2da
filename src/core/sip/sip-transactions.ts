import { sipHeader } from './sip-message.ts';
import type { SipMessage } from './sip-message.ts';

/**
 * Progress of a transaction, as seen by an observer of its hop:
 * - `'trying'`: the request was sent;
 * - `'proceeding'`: a provisional response came (100 to 199);
 * - `'completed'`: a final response came;
 * - `'confirmed'`: an ACK confirmed the final response; only of an INVITE.
 */
export type SipTransactionState = 'trying' | 'proceeding' | 'completed' | 'confirmed';

/** A request and its responses over one hop (RFC 3261 §17). */
export interface SipTransaction {
  readonly id: number;
  readonly method: string;
  /** The branch of the topmost Via; empty if absent. */
  readonly branch: string;
  /** The side of this hop that sent the request. */
  readonly from: string;
  /** The side of this hop that answers it. */
  readonly to: string;
  readonly callId: string;
  readonly cseq: number;
  readonly startMs: number;
  /** When the first final response came; null before that. */
  readonly endMs: number | null;
  readonly state: SipTransactionState;
  /** The latest status; 0 before the first response. */
  readonly status: number;
  /** `index` of each kept message of the transaction, including retransmissions and the ACK. */
  readonly entries: readonly number[];
  /** Number of retransmitted messages. */
  readonly retransmissions: number;
  /** Whether it is an INVITE within a dialog (RFC 3261 §14). */
  readonly isReinvite: boolean;
  /** `id` of the transaction whose failure, such as a challenge (401, 407), this one answers; otherwise null. */
  readonly retryOf: number | null;
  /** For a CANCEL: `id` of the INVITE that it cancels; otherwise null. */
  readonly cancels: number | null;
  /** For an INVITE: `id` of its CANCEL; otherwise null. */
  readonly cancelledBy: number | null;
  /** For a PRACK: `id` of the INVITE whose provisional response it acknowledges (RFC 3262); otherwise null. */
  readonly acknowledges: number | null;
}

/** A message on its way into a ladder. */
export interface SeenMessage {
  readonly index: number;
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly message: SipMessage;
}

type Open = { -readonly [Field in keyof SipTransaction]: SipTransaction[Field] } & {
  entries: number[];
  readonly key: string;
  readonly fromTag: string;
  /** The latest messages, to recognize retransmissions. */
  readonly latest: { readonly index: number; readonly from: string; readonly text: string }[];
};

/** Statuses after which a client sends a changed request: RFC 3261 §8.1.3.5 and §22, RFC 4028 §7.2, RFC 3329. */
const RETRIED: ReadonlySet<number> = new Set([401, 407, 413, 415, 416, 420, 422, 423, 494]);
const MAGIC = 'z9hG4bK';
/** How many messages a new one is compared with: a request is sent at most eleven times (RFC 3261 §17.1.2.2, timers E and F). */
const MAX_LATEST = 16;

/** Groups messages into transactions. */
export class SipTransactions {
  readonly #byId = new Map<number, Open>();
  readonly #byKey = new Map<string, Open>();
  #nextId = 0;

  list(): SipTransaction[] {
    return [...this.#byId.values()].map(
      ({ key: _key, fromTag: _tag, latest: _latest, ...rest }) => ({
        ...rest,
        entries: [...rest.entries],
      }),
    );
  }

  get(id: number): SipTransaction | undefined {
    return this.#byId.get(id);
  }

  add(seen: SeenMessage): { readonly id: number; readonly isRetransmission: boolean } {
    const transaction = this.#find(seen) ?? this.#open(seen);
    const { message, from } = seen;
    const isRetransmission = transaction.latest.some(
      (other) => other.from === from && other.text === message.text,
    );
    transaction.entries.push(seen.index);
    if (isRetransmission) {
      transaction.retransmissions++;
    } else {
      const latest = { index: seen.index, from, text: message.text };
      if (transaction.latest.push(latest) > MAX_LATEST) transaction.latest.shift();
      advance(transaction, seen);
    }
    return { id: transaction.id, isRetransmission };
  }

  /** Forgets a message, and with its last message the transaction. */
  drop(id: number, index: number): void {
    const transaction = this.#byId.get(id);
    if (transaction === undefined) return;
    const at = transaction.entries.indexOf(index);
    if (at >= 0) transaction.entries.splice(at, 1);
    // Do not keep the text of a dropped message here.
    if (transaction.latest[0]?.index === index) transaction.latest.shift();
    if (transaction.entries.length > 0) return;
    this.#byId.delete(id);
    if (this.#byKey.get(transaction.key) === transaction) this.#byKey.delete(transaction.key);
  }

  #find(seen: SeenMessage): Open | undefined {
    const { message } = seen;
    if (message.kind === 'request' && message.method === 'ACK') {
      // The ACK of a failure has its INVITE's branch (§17.1.1.3); that of a success is a separate request (§13.2.2.4).
      return this.#byKey.get(keyOf(seen, 'INVITE')) ?? this.#acknowledged(seen);
    }
    return this.#byKey.get(keyOf(seen, message.method));
  }

  #acknowledged({ message, from, to }: SeenMessage): Open | undefined {
    return this.#latest(
      (other) =>
        other.method === 'INVITE' &&
        other.callId === message.callId &&
        other.cseq === message.cseq &&
        other.from === from &&
        other.to === to,
    );
  }

  #open(seen: SeenMessage): Open {
    const { message, atMs } = seen;
    const isRequest = message.kind === 'request';
    // A response whose request was not seen: it goes the other way.
    const [from, to] = isRequest ? [seen.from, seen.to] : [seen.to, seen.from];
    const { method, callId, cseq } = message;
    const isInvite = method === 'INVITE';
    const branch = message.via[0]!.branch;
    const transaction: Open = {
      id: this.#nextId++,
      key: keyOf(seen, method),
      method,
      branch,
      from,
      to,
      callId,
      cseq,
      fromTag: message.from.tag,
      startMs: atMs,
      endMs: null,
      state: 'trying',
      status: 0,
      entries: [],
      latest: [],
      retransmissions: 0,
      isReinvite: isRequest && isInvite && message.to.tag !== '',
      retryOf: null,
      cancels: null,
      cancelledBy: null,
      acknowledges: null,
    };
    if (isRequest) this.#relate(transaction, seen);
    this.#byId.set(transaction.id, transaction);
    this.#byKey.set(transaction.key, transaction);
    return transaction;
  }

  /** Finds the transaction that the new one answers, cancels or acknowledges. */
  #relate(transaction: Open, seen: SeenMessage): void {
    const { method, callId, cseq, from, to } = transaction;
    const isSameHop = (other: Open): boolean =>
      other.callId === callId && other.from === from && other.to === to;
    if (method === 'CANCEL') {
      const invite = this.#byKey.get(keyOf(seen, 'INVITE'));
      if (invite === undefined) return;
      transaction.cancels = invite.id;
      invite.cancelledBy = transaction.id;
    } else if (method === 'PRACK') {
      const [, number = '', of = ''] = sipHeader(seen.message, 'RAck').split(/\s+/, 3);
      const invite = this.#latest(
        (other) => isSameHop(other) && other.method === of && String(other.cseq) === number,
      );
      transaction.acknowledges = invite?.id ?? null;
    } else if (method !== 'ACK') {
      const before = this.#latest(
        (other) =>
          isSameHop(other) &&
          other.method === method &&
          other.cseq < cseq &&
          other.fromTag === transaction.fromTag,
      );
      if (before !== undefined && RETRIED.has(before.status)) transaction.retryOf = before.id;
    }
  }

  #latest(matches: (transaction: Open) => boolean): Open | undefined {
    let found: Open | undefined;
    for (const transaction of this.#byId.values()) if (matches(transaction)) found = transaction;
    return found;
  }
}

/** RFC 3261 §17.1.3 and §17.2.3. */
function keyOf({ message, from, to }: SeenMessage, method: string): string {
  const hop = message.kind === 'request' ? [from, to] : [to, from];
  const { branch, host, port } = message.via[0]!;
  const isModern = branch.startsWith(MAGIC) && branch.length > MAGIC.length;
  // In RFC 2543, a branch does not identify a transaction.
  const name = isModern ? [branch] : [message.callId, message.cseq, message.from.tag];
  return JSON.stringify([...hop, method, host.toLowerCase(), port, ...name]);
}

function advance(transaction: Open, { message, atMs }: SeenMessage): void {
  if (message.kind === 'request') {
    if (message.method === 'ACK' && transaction.state === 'completed') {
      transaction.state = 'confirmed';
    }
    return;
  }
  const { status } = message;
  const isOver = transaction.state === 'completed' || transaction.state === 'confirmed';
  if (status < 200) {
    if (isOver) return;
    transaction.state = 'proceeding';
  } else if (!isOver) {
    transaction.state = 'completed';
    transaction.endMs = atMs;
  }
  transaction.status = status;
}
