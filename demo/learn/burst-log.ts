/** What was buffered, and what had arrived, at a moment. */
export interface BurstSample {
  readonly atMs: number;
  /** `bufferedAmount`, bytes. */
  readonly buffered: number;
  /** By the other end, bytes. */
  readonly received: number;
}

/** How a burst is sent: everything at once, or no more than the buffer should hold. */
export type BurstMode = 'at-once' | 'paced';

/** Size of a burst and of its messages, bytes. */
export const BURST_BYTES = 524_288;
export const MESSAGE_BYTES = 16_384;
/** A paced burst waits when more than this is buffered, and continues at the threshold, bytes. */
export const HIGH_BYTES = 131_072;
export const LOW_BYTES = 32_768;

/** The buffer of a channel while a burst is sent. */
export class BurstLog {
  readonly mode: BurstMode;
  readonly samples: BurstSample[] = [];
  /** When `bufferedamountlow` fired, ms. */
  readonly lowMs: number[] = [];
  /** When everything had arrived; null before. */
  doneMs: number | null = null;

  constructor(mode: BurstMode) {
    this.mode = mode;
  }

  get peakBytes(): number {
    return this.samples.reduce((peak, { buffered }) => Math.max(peak, buffered), 0);
  }

  /** Takes a sample. Times must not fall. */
  add(sample: BurstSample): void {
    this.samples.push(sample);
    if (sample.received >= BURST_BYTES) this.doneMs ??= sample.atMs;
  }
}

/**
 * Sends what the buffer still takes of a burst.
 * @param left bytes that are still to be sent
 * @returns bytes that are left after it
 */
export function sendBurst(
  channel: Pick<RTCDataChannel, 'bufferedAmount'> & { send(data: Uint8Array<ArrayBuffer>): void },
  left: number,
  mode: BurstMode,
): number {
  const message = new Uint8Array(MESSAGE_BYTES);
  while (left > 0 && (mode === 'at-once' || channel.bufferedAmount < HIGH_BYTES)) {
    const length = Math.min(left, MESSAGE_BYTES);
    channel.send(message.subarray(0, length));
    left -= length;
  }
  return left;
}
