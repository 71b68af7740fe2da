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

/** What is said between two chunks: the end of a turn, and whether the user is muted. Of each only the last one counts, which bounds it. */
export class OutboxPlace {
  commit: CommitMark | null = null;
  mute: MuteMark | null = null;

  /** Merges this place into the next one, whose own marks count. */
  before(next: OutboxPlace): OutboxPlace {
    // Messages behind the end of the first turn now wait for the end of the second one.
    if (next.commit === null) next.commit = this.commit;
    else if (this.commit !== null) next.commit.serial = this.commit.serial;
    next.mute ??= this.mute;
    return next;
  }

  /** Everything is to be said again. */
  rewind(): void {
    if (this.commit !== null) this.commit.sentAtMs = null;
    if (this.mute !== null) this.mute.isSent = false;
  }
}
