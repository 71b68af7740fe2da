/**
 * What a receiver counts, under the names that `getStats()` uses (Identifiers for WebRTC's Statistics API,
 * RTCInboundRtpStreamStats), so that both can be read side by side. A sample is one per channel here, as there: a frame.
 * Times are in seconds; sums of times are taken over the emitted frames, so that dividing by `jitterBufferEmittedCount`
 * gives a mean.
 */
export const RECEIVE_STATISTICS = [
  /** Packets that came, duplicates and late ones too; redundant copies inside of packets not. */
  'packetsReceived',
  /** Expected less received (RFC 3550 A.3): negative where the network doubles packets. */
  'packetsLost',
  /** Packets that came and are not played: late ones, duplicates, and those that a skip or an overflow left out. */
  'packetsDiscarded',
  /** Redundant copies that came inside of other packets. */
  'fecPacketsReceived',
  /** Redundant copies that were of no use: the packet itself was there already, or its time had passed. */
  'fecPacketsDiscarded',
  /** Bytes of payload, of packets and of copies. */
  'bytesReceived',
  /** Sum of the time that frames spent in the buffer, s. */
  'jitterBufferDelay',
  /** Sum of the target, s. */
  'jitterBufferTargetDelay',
  /** Sum of what the target would be without a floor from outside (`minDelayMs`), s. */
  'jitterBufferMinimumDelay',
  /** Frames that left the buffer. */
  'jitterBufferEmittedCount',
  /** Frames that were played, concealed ones included. */
  'totalSamplesReceived',
  /** Frames that were concealed: of lost packets, and while the buffer was empty. */
  'concealedSamples',
  /** Those of them that were silence or comfort noise. */
  'silentConcealedSamples',
  /** Runs of concealed frames. */
  'concealmentEvents',
  /** Frames that were inserted to play slower. */
  'insertedSamplesForDeceleration',
  /** Frames that were left out to play faster. */
  'removedSamplesForAcceleration',
  /** Late packets among the discarded. No name of getStats. */
  'packetsLate',
  /** Duplicates among the discarded. No name of getStats. */
  'packetsDuplicated',
  /** Packets that came after one with a higher number. No name of getStats. */
  'packetsReordered',
  /** Packets that redundant copies stood in for. No name of getStats. */
  'packetsRecovered',
  /** Frames left out at once after a stall. No name of getStats. */
  'skippedSamples',
  /** Times that the sender restarted, or its timestamps jumped. Not in getStats. */
  'restarts',
] as const;

/** A name of {@link RECEIVE_STATISTICS}. */
export type ReceiveStatistic = (typeof RECEIVE_STATISTICS)[number];

/** Every figure of {@link RECEIVE_STATISTICS}. */
export type ReceiveStatistics = Readonly<Record<ReceiveStatistic, number>>;

/** The counters of one receiver: plain numbers in one array, which a processor can hand on as they are. */
export class ReceiveCounters {
  /** In the order of {@link RECEIVE_STATISTICS}. */
  readonly values: Float64Array = new Float64Array(RECEIVE_STATISTICS.length);

  /** Adds to a counter. */
  add(index: number, amount: number): void {
    this.values[index] = this.values[index]! + amount;
  }

  /** One counter. */
  get(name: ReceiveStatistic): number {
    return this.values[RECEIVE_STATISTICS.indexOf(name)]!;
  }

  /** All of them by name. Allocates. */
  read(): ReceiveStatistics {
    return readStatistics(this.values);
  }
}

/** The figures by name, of an array that a {@link ReceiveCounters} filled. Allocates. */
export function readStatistics(values: Float64Array): ReceiveStatistics {
  const entries = RECEIVE_STATISTICS.map((name, i) => [name, values[i] ?? 0]);
  return Object.fromEntries(entries) as Record<ReceiveStatistic, number>;
}

/** Where each counter lies, for code that must not search: `COUNT.concealedSamples`. @internal */
export const COUNT: Readonly<Record<ReceiveStatistic, number>> = Object.fromEntries(
  RECEIVE_STATISTICS.map((name, i) => [name, i]),
) as Record<ReceiveStatistic, number>;

/** Nothing has come yet, or nothing for a second · audio plays · it is concealed, for what has not come. */
export type ReceiveState = 'waiting' | 'playing' | 'concealing';

/** In the order of the numbers that stand for them in a report. */
export const RECEIVE_STATES: readonly ReceiveState[] = ['waiting', 'playing', 'concealing'];

/** The first figures of a report; those of `RECEIVE_STATISTICS` follow. */
export const REPORT_FIELDS = [
  /** The context's frame at which the rest holds. */
  'contextFrame',
  /** Index of the {@link ReceiveState}. */
  'state',
  /** Number of the frame that leaves the output then, on the sender's scale as it began; −1 before the first. */
  'playFrame',
  /** Audio that is waiting, decoded or not, ms. */
  'bufferedMs',
  /** Target delay, ms. */
  'targetMs',
  /** How much faster the sender's clock runs than the context's, parts per million. */
  'driftPpm',
  /** Packets that could not be decoded. */
  'decodeErrors',
  /** Frames of lost packets that were decoded from the next packet (in-band FEC). */
  'fecSamples',
] as const;

/** A name of {@link REPORT_FIELDS}. */
export type ReportField = (typeof REPORT_FIELDS)[number];

/** Where each figure lies in a report. */
export const REPORT: Readonly<Record<ReportField, number>> = Object.fromEntries(
  REPORT_FIELDS.map((name, i) => [name, i]),
) as Record<ReportField, number>;

/** Numbers in a report. */
export const REPORT_LENGTH: number = REPORT_FIELDS.length + RECEIVE_STATISTICS.length;
