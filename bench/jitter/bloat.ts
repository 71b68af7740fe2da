import { seededRandom } from '../../test/helpers/random.ts';
import { PACKET_MS, PLAIN, packetBytes } from './traces.ts';
import type { Trace } from './traces.ts';

/*
 * Cellular links with deep queues and cross traffic, of Mahimahi's kind (Netravali et al., USENIX ATC 2015): a list of moments
 * at which the link delivers one packet of full size, a drop-tail queue before it, and downloads that fill it. Recorded lists
 * vary as these do: the rate follows a random walk over decades, with outages.
 */

/** What a cellular link is like. Rates in kbit/s. */
export interface BloatScenario {
  readonly name: string;
  readonly leastKbps: number;
  readonly mostKbps: number;
  /** How far the rate wanders in a second, in octaves. */
  readonly octavesPerSecond: number;
  /** How often a minute the link delivers nothing, and for how long on average, ms. */
  readonly outagesPerMinute: number;
  readonly outageMs: number;
  /** Longest queue, in packets of full size: as many as the mean rate delivers in this time, ms. */
  readonly queueMs: number;
  /** Downloads that take what there is: how long one lasts, and how long there is none, on average, s. */
  readonly busyS: number;
  readonly idleS: number;
  /** One way without a queue, ms. */
  readonly delayMs: number;
  readonly seconds: number;
}

const FULL_BYTES = 1500;
const SECONDS = 300;

export const BLOAT: readonly BloatScenario[] = [
  bloat('LTE, walking', { leastKbps: 1000, mostKbps: 20_000, octavesPerSecond: 0.5 }),
  bloat('LTE, driving', {
    leastKbps: 300,
    mostKbps: 20_000,
    octavesPerSecond: 1.2,
    outagesPerMinute: 3,
    outageMs: 400,
  }),
  bloat('LTE, edge of a cell', {
    leastKbps: 150,
    mostKbps: 3000,
    octavesPerSecond: 1,
    outagesPerMinute: 2,
    outageMs: 800,
    queueMs: 3000,
  }),
  bloat('UMTS, walking', { leastKbps: 200, mostKbps: 2000, queueMs: 3000, delayMs: 60 }),
  bloat('UMTS, driving', {
    leastKbps: 100,
    mostKbps: 2000,
    octavesPerSecond: 1,
    outagesPerMinute: 3,
    outageMs: 1000,
    queueMs: 4000,
    delayMs: 60,
  }),
  bloat('long downloads', { busyS: 40, idleS: 15, queueMs: 2500 }),
  bloat('short downloads', { busyS: 2, idleS: 4, queueMs: 1500 }),
  bloat('a queue that is never empty', { busyS: 1e9, idleS: 0.001, queueMs: 2000 }),
];

function bloat(name: string, options: Partial<BloatScenario>): BloatScenario {
  return {
    name,
    leastKbps: 500,
    mostKbps: 10_000,
    octavesPerSecond: 0.7,
    outagesPerMinute: 0,
    outageMs: 0,
    queueMs: 2000,
    busyS: 10,
    idleS: 10,
    delayMs: 40,
    seconds: SECONDS,
    ...options,
  };
}

/** What one flow of downloads does: its window grows until the queue overflows, then shrinks (as CUBIC's, roughly). */
class Download {
  windowBytes = 10 * FULL_BYTES;
  underWayBytes = 0;
  active = false;
  readonly #shrunkFor = 2000;
  #shrunkMs = -Infinity;

  acknowledged(bytes: number): void {
    this.underWayBytes -= bytes;
    this.windowBytes += (FULL_BYTES * bytes) / this.windowBytes + bytes / 64;
  }

  lost(bytes: number, nowMs: number): void {
    this.underWayBytes -= bytes;
    if (nowMs < this.#shrunkMs + this.#shrunkFor) return;
    this.#shrunkMs = nowMs;
    this.windowBytes = Math.max(4 * FULL_BYTES, 0.7 * this.windowBytes);
  }
}

/** The packets of a call over such a link. The same scenario and seed give the same. */
export function bloatTrace(scenario: BloatScenario, seed: number): Trace {
  const random = seededRandom(seed);
  const exponential = (mean: number): number => -mean * Math.log(1 - random());
  const count = Math.round((scenario.seconds * 1000) / PACKET_MS);
  const sent = Float64Array.from({ length: count }, (_, n) => n * PACKET_MS);
  const arrivals = new Float64Array(count).fill(Infinity);
  const { leastKbps, mostKbps, delayMs } = scenario;
  const span = Math.log2(mostKbps / leastKbps);
  let octave = span * random();
  const meanKbps = Math.sqrt(leastKbps * mostKbps);
  const room = Math.ceil((scenario.queueMs * meanKbps) / 8 / FULL_BYTES);
  /** What waits: bytes, and which packet of the call, −1 for a download's. */
  const queue: { readonly bytes: number; readonly n: number }[] = [];
  let first = 0;
  let credit = 0;
  let next = 0;
  let outageEndsMs = -Infinity;
  const download = new Download();
  let turnsMs = exponential(scenario.idleS * 1000);
  const acknowledgements: { readonly atMs: number; readonly bytes: number }[] = [];
  let acknowledged = 0;
  const put = (bytes: number, n: number): boolean => {
    if (queue.length - first >= room) return false;
    queue.push({ bytes, n });
    return true;
  };
  for (let now = 0; now < scenario.seconds * 1000 + 10_000; now++) {
    if (now % 100 === 0) {
      // A walk that turns back at the ends.
      octave += scenario.octavesPerSecond * Math.sqrt(0.1) * (random() * 2 - 1) * Math.sqrt(3);
      if (octave < 0) octave = -octave;
      if (octave > span) octave = 2 * span - octave;
    }
    if (random() < scenario.outagesPerMinute / 60_000) {
      outageEndsMs = Math.max(outageEndsMs, now + exponential(scenario.outageMs));
    }
    if (now >= turnsMs) {
      download.active = !download.active;
      if (download.active) download.windowBytes = 10 * FULL_BYTES;
      turnsMs = now + exponential((download.active ? scenario.busyS : scenario.idleS) * 1000);
    }
    for (; acknowledged < acknowledgements.length; acknowledged++) {
      const { atMs, bytes } = acknowledgements[acknowledged]!;
      if (atMs > now) break;
      download.acknowledged(bytes);
    }
    for (; next < count && sent[next]! <= now; next++) put(packetBytes(PLAIN), next);
    while (download.active && download.underWayBytes + FULL_BYTES <= download.windowBytes) {
      download.underWayBytes += FULL_BYTES;
      if (!put(FULL_BYTES, -1)) {
        download.lost(FULL_BYTES, now);
        break;
      }
    }
    if (now < outageEndsMs) continue;
    // kbit/s are bits a millisecond. A moment to send that nobody uses is gone.
    credit += (leastKbps * 2 ** octave) / 8;
    while (first < queue.length && queue[first]!.bytes <= credit) {
      const { bytes, n } = queue[first++]!;
      credit -= bytes;
      if (n >= 0) arrivals[n] = now + delayMs;
      else acknowledgements.push({ atMs: now + 2 * delayMs, bytes });
    }
    if (first === queue.length) credit = Math.min(credit, FULL_BYTES);
  }
  const order = Array.from({ length: count }, (_, n) => n)
    .filter((n) => arrivals[n]! < Infinity)
    .sort((a, b) => arrivals[a]! - arrivals[b]! || a - b);
  return { sent, order, arrivals };
}
