/** Ways in which a call ends, or its audio. */
export type CloseWay = 'bye' | 'close' | 'vanish' | 'stop' | 'remove';

/** Where something happened: at the side that ends the call, or at the one that has to learn of it. */
export type CloseSide = 'this' | 'other';

/** What can happen. */
export type CloseEventKind =
  | 'act'
  | 'bye'
  | 'channel-error'
  | 'channel-closed'
  | 'dtls-closed'
  | 'last-packet'
  | 'muted'
  | 'ended'
  | 'disconnected'
  | 'reconnected'
  | 'failed'
  | 'call-closed';

/** Something that happened. */
export interface CloseEvent {
  /** ms since the act. */
  readonly atMs: number;
  readonly side: CloseSide;
  readonly kind: CloseEventKind;
  /** The browser's or the library's words; empty: none. */
  readonly detail: string;
}

/** What each event is called, and what it is. */
export const CLOSE_WORDS: Readonly<
  Record<CloseEventKind, readonly [name: string, meaning: string]>
> = {
  act: ['It acts', ''],
  bye: ['A bye arrives', 'Through the signalling server, not over the connection.'],
  'channel-error': ['The data channel fails', 'SCTP was aborted (RFC 9260 §3.3.7).'],
  'channel-closed': ['The data channel closes', 'Its close event.'],
  'dtls-closed': ['DTLS is closed', 'The alert close_notify has arrived (RFC 8446 §6.1).'],
  'last-packet': ['The last packet of audio', 'No event says so: the page counts packets.'],
  muted: ['The track is muted', 'The new description says that nothing is sent.'],
  ended: ['The track has ended', 'Its ended event: no more audio will come from it.'],
  disconnected: ['disconnected', 'Checks go unanswered. It may come back: do not give up yet.'],
  reconnected: ['connected again', 'A check was answered after all.'],
  failed: ['failed', 'Consent to send has expired (RFC 7675). Only an ICE restart could help.'],
  'call-closed': ['The call has ended', 'For the app: micwire’s Call is closed.'],
};

/** Events that show the other side that something is over, not just late. */
const KNOWN: ReadonlySet<CloseEventKind> = new Set<CloseEventKind>([
  'bye',
  'channel-closed',
  'dtls-closed',
  'muted',
  'ended',
  'failed',
  'call-closed',
]);

/** How the other side learnt of the end. */
export interface CloseResult {
  /** The first event of any kind except counted packets; null: none. */
  readonly first: CloseEvent | null;
  /** The first that says that it is over; null: none. */
  readonly known: CloseEvent | null;
  /** When the call had ended for its app; null: it has not. */
  readonly closedMs: number | null;
}

/** What happened at both sides of a call since one of them ended it. */
export class CloseLog {
  readonly way: CloseWay;
  #events: CloseEvent[] = [];

  constructor(way: CloseWay) {
    this.way = way;
  }

  /** By time. */
  get events(): readonly CloseEvent[] {
    return this.#events;
  }

  /** Takes an event; an earlier event may come later. A side may have several events of one kind. */
  add(event: CloseEvent): void {
    this.#events = [...this.#events, event].toSorted((a, b) => a.atMs - b.atMs);
  }

  /** Whether the side has had such an event. */
  has(side: CloseSide, kind: CloseEventKind): boolean {
    return this.#events.some((event) => event.side === side && event.kind === kind);
  }

  get result(): CloseResult {
    const there = this.#events.filter(({ side }) => side === 'other');
    return {
      first: there.find(({ kind }) => kind !== 'last-packet') ?? null,
      known: there.find(({ kind }) => KNOWN.has(kind)) ?? null,
      closedMs: there.find(({ kind }) => kind === 'call-closed')?.atMs ?? null,
    };
  }
}

/** Finds out when the last packet arrived, from counts that are taken repeatedly. */
export class PacketWatch {
  readonly #quietMs: number;
  #packets = -1;
  #lastMs = 0;

  /** @param quietMs after this long without a packet, the latest one counts as the last */
  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /** Takes a count. @returns when the last packet arrived, once that is long ago; else null */
  add(atMs: number, packets: number): number | null {
    if (packets !== this.#packets) {
      this.#packets = packets;
      this.#lastMs = atMs;
      return null;
    }
    return atMs - this.#lastMs >= this.#quietMs ? this.#lastMs : null;
  }
}
