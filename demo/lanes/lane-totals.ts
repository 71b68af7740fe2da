/**
 * What a lane has counted since it was opened, in the terms of WebRTC's getStats. Totals, so that whoever reads twice has what
 * happened between. null where a lane has no such thing.
 */
export interface LaneTotals {
  /** When they were read, ms, by `performance.now()` of the page. */
  readonly atMs: number;
  readonly packetsSent: number;
  /** That the sender threw away. */
  readonly packetsDropped: number | null;
  /** Copies of earlier packets that went along with those sent. */
  readonly copiesSent: number | null;
  /** Bytes of samples or packets of Opus, copies not counted. */
  readonly payloadBytes: number;
  /** Bytes on the wire, every header included, as `bitrate_kbps` is defined. */
  readonly wireBytes: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  /** Not a total: those under way now. */
  readonly packetsUnderWay: number;
  readonly packetsLate: number | null;
  readonly packetsRecovered: number | null;
  /** Frames played, concealed ones included. */
  readonly totalSamples: number | null;
  readonly concealedSamples: number | null;
  readonly insertedSamples: number | null;
  readonly removedSamples: number | null;
  /** The sum over all frames played of their wait in the receiver, in seconds. */
  readonly jitterBufferDelay: number | null;
  /** The same of the wait that was aimed at. */
  readonly jitterBufferTargetDelay: number | null;
  /** Frames behind the two sums. */
  readonly jitterBufferEmittedCount: number | null;
  /** ms spent on making packets, and the seconds of sound that they hold. */
  readonly encodeMs: number | null;
  readonly encodedSeconds: number | null;
  /** ms spent on reading packets, and the seconds of sound in those that were timed. */
  readonly decodeMs: number | null;
  readonly decodedSeconds: number | null;
}
