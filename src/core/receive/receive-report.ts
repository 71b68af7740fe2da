import { RECEIVE_STATISTICS } from './receive-counters.ts';

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
  /** What waits, decoded or not, ms. */
  'bufferedMs',
  /** What is to wait, ms. */
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
