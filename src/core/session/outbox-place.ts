/** The end of a turn. */
interface CommitMark {
  serial: number;
  readonly frame: number;
  /** When it was sent on this connection; null: not yet. */
  sentAtMs: number | null;
  /** Bytes that the connection had been handed, with it. */
  handedBytes: number;
}

interface MuteMark {
  readonly muted: boolean;
  isSent: boolean;
}

/** What is to be said between two chunks: of each kind the last one counts, so that there is room for all. */
export class OutboxPlace {
  commit: CommitMark | null = null;
  mute: MuteMark | null = null;

  /** This place and the next have become one: what the next one says counts. */
  before(next: OutboxPlace): OutboxPlace {
    // What follows the first turn's end has to wait for the second's.
    if (next.commit === null) next.commit = this.commit;
    else if (this.commit !== null) next.commit.serial = this.commit.serial;
    next.mute ??= this.mute;
    return next;
  }

  /** It is to be said again. */
  rewind(): void {
    if (this.commit !== null) this.commit.sentAtMs = null;
    if (this.mute !== null) this.mute.isSent = false;
  }
}
