/**
 * Counters of a receiver, named as in `getStats()` (Identifiers for WebRTC's Statistics API, RTCInboundRtpStreamStats), so that
 * both can be compared. As there, a sample here means one sample per channel: a frame. Times are in seconds; sums of times are
 * taken over the emitted frames, so that dividing by `jitterBufferEmittedCount` gives a mean.
 */
export const RECEIVE_STATISTICS = [
  /** Received packets, including duplicates and late ones, but not redundant copies inside packets. */
  'packetsReceived',
  /** Expected minus received packets (RFC 3550 A.3); negative if the network duplicates packets. */
  'packetsLost',
  /** Received packets that are not played: late ones, duplicates, and packets left out by a skip or an overflow. */
  'packetsDiscarded',
  /** Redundant copies that arrived inside other packets. */
  'fecPacketsReceived',
  /** Redundant copies that were not needed: the packet itself had arrived already, or its time had passed. */
  'fecPacketsDiscarded',
  /** Bytes of payload, in packets and copies. */
  'bytesReceived',
  /** Sum of the times that frames spent in the buffer, in seconds. */
  'jitterBufferDelay',
  /** Sum of the target delays, in seconds. */
  'jitterBufferTargetDelay',
  /** Sum of the target delays as they would be without the floor `minDelayMs`, in seconds. */
  'jitterBufferMinimumDelay',
  /** Frames that left the buffer. */
  'jitterBufferEmittedCount',
  /** Frames that were played, including concealed ones. */
  'totalSamplesReceived',
  /** Concealed frames: of lost packets, and while the buffer was empty. */
  'concealedSamples',
  /** Concealed frames that were silence or comfort noise. */
  'silentConcealedSamples',
  /** Runs of concealed frames. */
  'concealmentEvents',
  /** Frames that were inserted to play slower. */
  'insertedSamplesForDeceleration',
  /** Frames that were left out to play faster. */
  'removedSamplesForAcceleration',
  /** Late packets among the discarded ones. Not in getStats. */
  'packetsLate',
  /** Duplicates among the discarded packets. Not in getStats. */
  'packetsDuplicated',
  /** Packets that arrived after one with a higher number. Not in getStats. */
  'packetsReordered',
  /** Packets that were replaced by redundant copies. Not in getStats. */
  'packetsRecovered',
  /** Frames left out at once after a stall. Not in getStats. */
  'skippedSamples',
  /** Number of times that the sender restarted, or its timestamps jumped. Not in getStats. */
  'restarts',
] as const;

/** A name of {@link RECEIVE_STATISTICS}. */
export type ReceiveStatistic = (typeof RECEIVE_STATISTICS)[number];

/** Every figure of {@link RECEIVE_STATISTICS}. */
export type ReceiveStatistics = Readonly<Record<ReceiveStatistic, number>>;

/** The counters of a receiver: plain numbers in one array, which a processor can pass on unchanged. */
export class ReceiveCounters {
  /** In the order of {@link RECEIVE_STATISTICS}. */
  readonly values: Float64Array = new Float64Array(RECEIVE_STATISTICS.length);

  /** Adds to a counter. */
  add(index: number, amount: number): void {
    this.values[index] = this.values[index]! + amount;
  }

  /** Returns one counter. */
  get(name: ReceiveStatistic): number {
    return this.values[RECEIVE_STATISTICS.indexOf(name)]!;
  }

  /** Returns all counters by name. Allocates. */
  read(): ReceiveStatistics {
    return readStatistics(this.values);
  }
}

/** Returns the figures of an array that a {@link ReceiveCounters} filled, by name. Allocates. */
export function readStatistics(values: Float64Array): ReceiveStatistics {
  const entries = RECEIVE_STATISTICS.map((name, i) => [name, values[i] ?? 0]);
  return Object.fromEntries(entries) as Record<ReceiveStatistic, number>;
}

/** Index of each counter, for code that must not search: `COUNT.concealedSamples`. @internal */
export const COUNT: Readonly<Record<ReceiveStatistic, number>> = Object.fromEntries(
  RECEIVE_STATISTICS.map((name, i) => [name, i]),
) as Record<ReceiveStatistic, number>;

/** State of a receiver: no packet has arrived yet, or none for a second · playing audio · concealing missing audio. */
export type ReceiveState = 'waiting' | 'playing' | 'concealing';

/** The states, in the order of their numbers in a report. */
export const RECEIVE_STATES: readonly ReceiveState[] = ['waiting', 'playing', 'concealing'];

/** The first figures of a report; those of `RECEIVE_STATISTICS` follow. */
export const REPORT_FIELDS = [
  /** The context's frame at which the other fields are valid. */
  'contextFrame',
  /** Index of the {@link ReceiveState}. */
  'state',
  /** Number of the frame that leaves the output then, on the scale on which the sender began; −1 before the first. */
  'playFrame',
  /** Length of the buffered audio, decoded or not, in ms. */
  'bufferedMs',
  /** Target delay, in ms. */
  'targetMs',
  /** How much faster the sender's clock runs than the context's, in parts per million. */
  'driftPpm',
  /** Packets that could not be decoded. */
  'decodeErrors',
  /** Frames of lost packets that were decoded from the next packet (in-band FEC). */
  'fecSamples',
] as const;

/** A name of {@link REPORT_FIELDS}. */
export type ReportField = (typeof REPORT_FIELDS)[number];

/** Index of each figure in a report. */
export const REPORT: Readonly<Record<ReportField, number>> = Object.fromEntries(
  REPORT_FIELDS.map((name, i) => [name, i]),
) as Record<ReportField, number>;

/** Number of values in a report. */
export const REPORT_LENGTH: number = REPORT_FIELDS.length + RECEIVE_STATISTICS.length;
