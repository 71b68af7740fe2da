/** What measure.py has found out about one connection. */
interface TruthConnection {
  readonly congestion: string;
  /** Of a message, without what a WebSocket puts before it. */
  readonly bytes: number;
  readonly lossRatio: number;
  readonly seed: number;
  readonly messages: number;
  /** Messages that had not come a minute after the last was sent. */
  readonly unfinished: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
  readonly retransmissions: number;
  /** On the link, in both directions; and those of them that it lost. */
  readonly packets: number;
  readonly lost: number;
}

/** A file that measure.py has written. */
export interface TruthReport {
  readonly kernel: string;
  readonly seconds: number;
  /** One way. */
  readonly delayMs: number;
  /** From message to message. */
  readonly periodMs: number;
  /** How late the link itself was with its packets. */
  readonly ownLatenessP50Ms: number;
  readonly ownLatenessP99Ms: number;
  readonly connections: readonly TruthConnection[];
}
