import { numberIn } from '../arguments.ts';
import { timestampJumped } from './stream-continuity.ts';
import { timestampDifference } from './unwrapper.ts';

/** J goes a sixteenth of the way each time (RFC 3550 §6.4.1). */
const GAIN = 1 / 16;

/** Places in the state. */
const JITTER = 0;
const TIMESTAMP = 1;
const ARRIVAL = 2;

/**
 * Mean deviation of how far packets arrive apart from how far they were sent apart (RFC 3550 §6.4.1, A.8). With fractions, where
 * the RFC's code rounds; and where timestamps jump, as those of a sender do that restarts, they tell nothing about the network.
 * Allocates in its constructor only.
 */
export class InterarrivalJitter {
  /** Of the payload's clock, Hz. */
  readonly clockRate: number;
  /** Jitter in units of the clock; timestamp and arrival of the last packet, NaN before the first. */
  readonly #state = Float64Array.of(0, Number.NaN, Number.NaN);

  /** @param clockRate of the payload, Hz */
  constructor(clockRate: number) {
    this.clockRate = numberIn('clockRate', clockRate, 1, 2 ** 32);
  }

  /**
   * Takes a packet in the order of arrival.
   * @param timestamp its own, of 32 bits or unwrapped
   * @param arrivalMs when it came, by any clock
   */
  update(timestamp: number, arrivalMs: number): void {
    const state = this.#state;
    const arrival = (arrivalMs * this.clockRate) / 1000;
    const sentApart = timestampDifference(state[TIMESTAMP]!, timestamp);
    const elapsed = arrival - state[ARRIVAL]!;
    const difference = Math.abs(elapsed - sentApart);
    const tells = !Number.isNaN(difference) && !timestampJumped(sentApart, elapsed, this.clockRate);
    if (tells) state[JITTER]! += (difference - state[JITTER]!) * GAIN;
    state[TIMESTAMP] = timestamp;
    state[ARRIVAL] = arrival;
  }

  /** In units of the payload's clock, as receiver reports have it, but with fractions. */
  get jitter(): number {
    return this.#state[JITTER]!;
  }

  /** In ms. */
  get jitterMs(): number {
    return (this.#state[JITTER]! * 1000) / this.clockRate;
  }

  /** The next packet is not compared with the one before: the sender restarted. */
  restart(): void {
    this.#state[TIMESTAMP] = Number.NaN;
    this.#state[ARRIVAL] = Number.NaN;
  }

  /** As new. */
  reset(): void {
    this.#state[JITTER] = 0;
    this.restart();
  }
}
