/** The end of a turn. */
interface CommitMark {
  serial: number;
  readonly frame: number;
  /** When it was sent on this connection; null if it was not. */
  sentAtMs: number | null;
  /** Bytes passed to the connection so far, including this mark. */
  handedBytes: number;
}

interface MuteMark {
  readonly muted: boolean;
  isSent: boolean;
}

/** The messages between two chunks: the end of a turn, and whether the user is muted. Only the last of each counts, which bounds them. */
export class OutboxPlace {
  commit: CommitMark | null = null;
  mute: MuteMark | null = null;

  /** Merges this place into the next one, whose own marks take precedence. */
  before(next: OutboxPlace): OutboxPlace {
    // Messages after the end of the first turn now wait for the end of the second one.
    if (next.commit === null) next.commit = this.commit;
    else if (this.commit !== null) next.commit.serial = this.commit.serial;
    next.mute ??= this.mute;
    return next;
  }

  /** Marks everything to be sent again. */
  rewind(): void {
    if (this.commit !== null) this.commit.sentAtMs = null;
    if (this.mute !== null) this.mute.isSent = false;
  }
}
