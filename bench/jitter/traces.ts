import { LinkModel } from '../../demo/link/link-model.ts';
import { CLEAN } from '../../demo/link/settings.ts';
import type { LinkSettings } from '../../demo/link/settings.ts';

/** Every packet holds this much, ms. */
export const PACKET_MS = 20;

/** Opus at 32 kbit/s; IPv4, UDP and RTP. */
const PAYLOAD_BYTES = 80;
const HEADER_BYTES = 20 + 8 + 12;
/** RFC 2198: 4 bytes before each copy, 1 before the packet itself. */
const RED_BYTES = 4;

/** What packets carry besides their own sound. */
export interface Redundancy {
  readonly name: string;
  /** Packet n holds copies of the packets n − 1, n − 2 … up to this many. */
  readonly copies: number;
  /** Packet n tells of packet n − 1 inside of Opus: as many bits, fewer of them for n itself. */
  readonly fec: boolean;
}

export const PLAIN: Redundancy = { name: 'no redundancy', copies: 0, fec: false };
export const FEC: Redundancy = { name: 'FEC', copies: 0, fec: true };
export const copies = (count: number): Redundancy => {
  return { name: count === 1 ? '1 copy' : `${count} copies`, copies: count, fec: false };
};

/** Bytes of a packet with all its headers. */
export function packetBytes({ copies }: Redundancy): number {
  const red = copies > 0 ? copies * (PAYLOAD_BYTES + RED_BYTES) + 1 : 0;
  return PAYLOAD_BYTES + HEADER_BYTES + red;
}

/** What that comes to, kbit/s. */
export function bitrate(redundancy: Redundancy): number {
  return (packetBytes(redundancy) * 8) / PACKET_MS;
}

/** How many packets behind what tells of packet n comes: 1 to this. */
export function reach({ copies, fec }: Redundancy): number {
  return fec ? 1 : copies;
}

export interface Scenario {
  readonly name: string;
  readonly settings: LinkSettings;
  readonly seconds: number;
  /** By how much the receiver's clock runs faster than the sender's. */
  readonly driftPpm?: number;
  /** Spikes: this often a second all that is sent has to wait until `spikeMs` have passed. */
  readonly spikesPerSecond?: number;
  readonly spikeMs?: number;
  /** Every half a minute the link turns into this one and back. */
  readonly otherwise?: LinkSettings;
  /** When the one stall ends, ms. */
  readonly stallEndMs?: number;
}

const link = (settings: Partial<LinkSettings>): LinkSettings => ({ ...CLEAN, ...settings });
const MINUTES = 5 * 60;
const CHANGE_MS = 30_000;

export const SCENARIOS: readonly Scenario[] = [
  { name: 'clean', settings: link({ delayMs: 25 }), seconds: MINUTES },
  { name: '5 % loss', settings: link({ delayMs: 25, lossRatio: 0.05 }), seconds: MINUTES },
  {
    name: '60 ± 30 ms + 5 %',
    settings: link({ delayMs: 60, jitterMs: 30, lossRatio: 0.05 }),
    seconds: MINUTES,
  },
  {
    name: '60 ± 30 ms',
    settings: link({ delayMs: 60, jitterMs: 30 }),
    seconds: MINUTES,
  },
  {
    name: 'bursts (10 %, 3 in a row)',
    settings: link({ delayMs: 25, lossRatio: 0.1, burstLength: 3 }),
    seconds: MINUTES,
  },
  {
    name: 'Pareto (mean 20 ms) + 1 %',
    settings: link({ delayMs: 25, jitterMs: 20, jitterDistribution: 'pareto', lossRatio: 0.01 }),
    seconds: MINUTES,
  },
  {
    name: 'Wi-Fi spikes (120 ms) + 1 %',
    settings: link({ delayMs: 25, jitterMs: 3, lossRatio: 0.01, keepOrder: true }),
    seconds: MINUTES,
    spikesPerSecond: 0.2,
    spikeMs: 120,
  },
  {
    name: 'alternating calm and 60 ± 30 ms',
    settings: link({ delayMs: 40, jitterMs: 3, lossRatio: 0.01 }),
    otherwise: link({ delayMs: 60, jitterMs: 30, lossRatio: 0.05 }),
    seconds: MINUTES,
  },
  {
    name: 'reordering (10 % by 40 ms)',
    settings: link({ delayMs: 25, reorderRatio: 0.1, reorderMs: 40 }),
    seconds: MINUTES,
  },
  {
    name: 'stall of 2 s',
    settings: link({
      delayMs: 25,
      jitterMs: 3,
      keepOrder: true,
      stallEveryMs: 60_000,
      stallForMs: 2000,
    }),
    seconds: 110,
    stallEndMs: 62_000,
  },
];

/** An hour with clocks that differ as much as those of two bad sound cards. */
export const DRIFTS: readonly Scenario[] = [300, -300].flatMap((driftPpm) => [
  {
    name: `an hour at ${driftPpm} ppm, 25 ms, at most ±3 ms`,
    settings: link({ delayMs: 25, jitterMs: 3, jitterDistribution: 'uniform' }),
    seconds: 3600,
    driftPpm,
  },
  {
    name: `an hour at ${driftPpm} ppm, 60 ± 30 ms`,
    settings: link({ delayMs: 60, jitterMs: 30 }),
    seconds: 3600,
    driftPpm,
  },
]);

/** One run's packets, on the receiver's clock. */
export interface Trace {
  /** When packet n was sent, ms. */
  readonly sent: Float64Array;
  /** Which packet arrives next; those that are lost are not among them. */
  readonly order: readonly number[];
  /** When packet n arrives, ms; infinite when it is lost. */
  readonly arrivals: Float64Array;
}

/** The same scenario and seed give the same packets, lost and late alike, whatever their redundancy. */
export function trace(scenario: Scenario, seed: number): Trace {
  const { settings, seconds, driftPpm = 0, spikesPerSecond = 0, spikeMs = 0, otherwise } = scenario;
  const count = Math.round((seconds * 1000) / PACKET_MS);
  const model = new LinkModel(settings, seed);
  // A link of its own kind of chance tells when a spike begins: its losses.
  const perPacket = (spikesPerSecond * PACKET_MS) / 1000;
  const spikes = new LinkModel({ ...CLEAN, lossRatio: perPacket }, seed + 1_000_000);
  const sent = new Float64Array(count);
  const arrivals = new Float64Array(count);
  const clock = 1 + driftPpm * 1e-6;
  let spikeEndsMs = -Infinity;
  let last = -Infinity;
  for (let n = 0; n < count; n++) {
    const at = n * PACKET_MS;
    if (otherwise !== undefined && at % CHANGE_MS === 0) {
      model.settings = (at / CHANGE_MS) % 2 === 0 ? settings : otherwise;
    }
    if (spikes.fate(1, at) < 0 && at >= spikeEndsMs) spikeEndsMs = at + spikeMs;
    const left = at < spikeEndsMs ? spikeEndsMs : at;
    let arrives = model.fate(packetBytes(PLAIN), at);
    if (arrives >= 0) {
      arrives = Math.max(arrives, left + settings.delayMs);
      if (settings.keepOrder) arrives = last = Math.max(arrives, last);
    }
    sent[n] = at * clock;
    arrivals[n] = arrives < 0 ? Infinity : arrives * clock;
  }
  const order = Array.from({ length: count }, (_, n) => n)
    .filter((n) => arrivals[n]! < Infinity)
    .sort((a, b) => arrivals[a]! - arrivals[b]! || a - b);
  return { sent, order, arrivals };
}
