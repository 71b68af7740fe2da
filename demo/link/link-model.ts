import type { LinkSettings } from './settings.ts';
import { checkLinkSettings } from './settings.ts';
import { SeededRandom } from './seeded-random.ts';
import type { LinkTrace } from './link-trace.ts';

/** What a link has done with the packets so far. */
export interface LinkCounts {
  /** All packets. */
  readonly packets: number;
  /** Of those, lost by chance or by the trace. */
  readonly lost: number;
  /** Of those, lost because the queue was full. */
  readonly queueDropped: number;
  /** Of those, held back so that others overtake them. */
  readonly heldBack: number;
  /** Bytes of all packets, as given to `fate`. */
  readonly bytes: number;
}

/** Tail index of the Pareto (Lomax) distribution: finite variance, and about 1 of 300 beyond 8 times the mean. */
const PARETO_SHAPE = 2.5;
/** Mean of a Lomax variable of scale 1 is 1 / (shape - 1): this scale makes it 1. */
const PARETO_SCALE = PARETO_SHAPE - 1;
const PARETO_MOST = 8;

/**
 * One direction of a link: decides when each packet arrives, or that it is lost. It knows no clock and keeps no packets:
 * the caller delivers them. The same settings, seed, sizes and times give the same fates.
 *
 * A packet passes, in this order: the queue before the capacity, a stall, loss, delay with jitter, the trace. Each kind of chance has
 * its own random numbers and uses equally many per packet, so that a change of one setting does not change what the others do to each
 * packet.
 */
export class LinkModel {
  #current: LinkSettings;
  readonly #lossRandom: SeededRandom;
  readonly #jitterRandom: SeededRandom;
  readonly #reorderRandom: SeededRandom;
  /** Whether the Markov chain of losses is in its bad state. */
  #bad = false;
  /** When the last packet will have left the queue. */
  #busyUntilMs = -Infinity;
  /** Latest arrival so far: where order is kept, no packet arrives before it. */
  #lastArrivalMs = -Infinity;
  /** The trace's point in force at the last packet. */
  #tracePoint = 0;
  #packets = 0;
  #lost = 0;
  #queueDropped = 0;
  #heldBack = 0;
  #bytes = 0;

  /**
   * @param seed an integer; its low 32 bits count
   * @throws as `checkLinkSettings`
   */
  constructor(settings: LinkSettings, seed: number) {
    this.#current = checkLinkSettings(settings);
    this.#lossRandom = new SeededRandom(seed, 1);
    this.#jitterRandom = new SeededRandom(seed, 2);
    this.#reorderRandom = new SeededRandom(seed, 3);
  }

  get settings(): LinkSettings {
    return this.#current;
  }

  /**
   * New settings apply from the next packet on; packets under way keep their fate.
   * @throws as `checkLinkSettings`
   */
  set settings(settings: LinkSettings) {
    this.#current = checkLinkSettings(settings);
    this.#tracePoint = 0;
  }

  get counts(): LinkCounts {
    const packets = this.#packets;
    const lost = this.#lost;
    const queueDropped = this.#queueDropped;
    const heldBack = this.#heldBack;
    const bytes = this.#bytes;
    return { packets, lost, queueDropped, heldBack, bytes };
  }

  /**
   * Decides on the next packet.
   * @param bytes its size with IP headers, which is what the capacity limits
   * @param nowMs when it enters the link, on any clock that does not go back. Stalls and the trace count from its 0,
   *   so that links on one clock stall together
   * @returns when it leaves the link, on the same clock, or -1 when it is lost
   */
  fate(bytes: number, nowMs: number): number {
    const { delayMs, rateKbps, queueMs, reorderMs, reorderRatio, keepOrder, trace } = this.#current;
    this.#packets++;
    this.#bytes += bytes;
    const lost = this.#drawLoss();
    const jitterMs = this.#drawJitter();
    const heldBack = this.#reorderRandom.next() < reorderRatio;

    let leavesMs = nowMs;
    if (rateKbps > 0) {
      const startsMs = Math.max(nowMs, this.#busyUntilMs);
      if (startsMs - nowMs > queueMs) {
        this.#queueDropped++;
        return -1;
      }
      // Bits over kbit/s are ms.
      leavesMs = this.#afterStandstill(startsMs) + (bytes * 8) / rateKbps;
      this.#busyUntilMs = leavesMs;
    } else {
      leavesMs = this.#afterStandstill(nowMs);
    }
    const tracedMs = trace === null ? 0 : this.#tracedDelay(trace, nowMs);
    if (lost || tracedMs < 0) {
      this.#lost++;
      return -1;
    }
    let arrivesMs = leavesMs + Math.max(0, delayMs + jitterMs) + tracedMs;
    if (keepOrder && arrivesMs < this.#lastArrivalMs) arrivesMs = this.#lastArrivalMs;
    // A packet that is held back delays no other.
    if (heldBack) {
      this.#heldBack++;
      return arrivesMs + reorderMs;
    }
    if (arrivesMs > this.#lastArrivalMs) this.#lastArrivalMs = arrivesMs;
    return arrivesMs;
  }

  /** Whether the packet is lost, after E. N. Gilbert, "Capacity of a burst-noise channel" (1960), with all lost in bad. */
  #drawLoss(): boolean {
    const { lossRatio, burstLength } = this.#current;
    const chance = this.#lossRandom.next();
    // Chances to stay bad and to turn bad that give lossRatio in the long run and bursts of that mean. At the shortest
    // burst both are lossRatio: independent losses.
    const burst = Math.max(burstLength, 1 / Math.max(1 - lossRatio, 1e-9));
    const staysBad = 1 - 1 / burst;
    const turnsBad = lossRatio < 1 ? lossRatio / (1 - lossRatio) / burst : 1;
    const first = this.#packets === 1;
    this.#bad = chance < (first ? lossRatio : this.#bad ? staysBad : turnsBad);
    return this.#bad;
  }

  /** The difference of this packet's delay, in ms. */
  #drawJitter(): number {
    const { jitterMs, jitterDistribution } = this.#current;
    // Above 0, for the logarithm and the power.
    const u = 1 - this.#jitterRandom.next();
    const v = this.#jitterRandom.next();
    if (jitterMs === 0) return 0;
    switch (jitterDistribution) {
      case 'normal': // Box and Muller
        return jitterMs * Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
      case 'pareto':
        return jitterMs * Math.min(PARETO_MOST, PARETO_SCALE * (u ** (-1 / PARETO_SHAPE) - 1));
      case 'uniform':
        return jitterMs * (2 * v - 1);
    }
  }

  /** `timeMs`, or when the link resumes if it stalls then. */
  #afterStandstill(timeMs: number): number {
    const { stallEveryMs, stallForMs } = this.#current;
    if (stallEveryMs === 0 || timeMs < stallEveryMs) return timeMs;
    const since = timeMs % stallEveryMs;
    return since < stallForMs ? timeMs - since + stallForMs : timeMs;
  }

  /** What the trace says for a moment, in ms; below 0: lost. */
  #tracedDelay({ points, durationMs }: LinkTrace, nowMs: number): number {
    const within = ((nowMs % durationMs) + durationMs) % durationMs;
    // Time advances little between packets: the search begins where the last one ended.
    let index = this.#tracePoint;
    if (points[index]!.atMs > within) index = 0;
    while (index + 1 < points.length && points[index + 1]!.atMs <= within) index++;
    this.#tracePoint = index;
    return points[index]!.delayMs;
  }
}
