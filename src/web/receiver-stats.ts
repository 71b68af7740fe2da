import { readStatistics } from '../core/receive/receive-counters.ts';
import type { ReceiveStatistics } from '../core/receive/receive-counters.ts';
import { REPORT, REPORT_FIELDS, RECEIVE_STATES } from '../core/receive/receive-report.ts';
import type { ReceiveState } from '../core/receive/receive-report.ts';

/** Nothing has come yet, or nothing for a second · audio plays · it is concealed, for what has not come · closed. */
export type ReceiverState = ReceiveState | 'closed';

/** Totals since the receiver was made, under the names of `getStats()` where it has one; and how things stand. */
export interface ReceiverStats extends ReceiveStatistics {
  /** What waits, decoded or not, ms. */
  readonly bufferedMs: number;
  /** How long it is to wait at present, ms beyond the fastest packet. */
  readonly targetDelayMs: number;
  /** How much faster the sender's clock runs than the context's, parts per million; 0 until it is known. */
  readonly driftPpm: number;
  /** Packets that no decoder takes: each is concealed. Of those that a Worker inserts, its own `decodeErrors` tells some. */
  readonly decodeErrors: number;
  /** Messages that `receive` could not read, or that were of another stream. */
  readonly badMessages: number;
  /** Frames of lost packets that were taken from the packet behind (in-band FEC). */
  readonly fecSamples: number;
}

/** What leaves the node's output. */
export interface ReceiverPosition {
  /** Number of the frame, on the scale of the packets' `frame` as it began; −1 before the first. */
  readonly frame: number;
  /** The same in seconds; −1 before the first. */
  readonly seconds: number;
  /** When, in the context's time, s. */
  readonly contextTime: number;
}

/** The totals of a report, and of what this thread counts itself. */
export function receiverStats(
  values: Float64Array,
  feed: Pick<ReceiverStats, 'decodeErrors' | 'badMessages'>,
): ReceiverStats {
  return {
    ...readStatistics(values.subarray(REPORT_FIELDS.length)),
    bufferedMs: values[REPORT.bufferedMs]!,
    targetDelayMs: values[REPORT.targetMs]!,
    driftPpm: values[REPORT.driftPpm]!,
    decodeErrors: values[REPORT.decodeErrors]! + feed.decodeErrors,
    badMessages: feed.badMessages,
    fecSamples: values[REPORT.fecSamples]!,
  };
}

/** Where a report says that playing stands. */
export function receiverPosition(
  values: Float64Array,
  sampleRate: number,
  contextRate: number,
): ReceiverPosition {
  const frame = values[REPORT.playFrame]!;
  return {
    frame,
    seconds: frame < 0 ? -1 : frame / sampleRate,
    contextTime: values[REPORT.contextFrame]! / contextRate,
  };
}

/** The state of a report. */
export function receiverState(values: Float64Array): ReceiveState {
  return RECEIVE_STATES[values[REPORT.state]!] ?? 'waiting';
}
