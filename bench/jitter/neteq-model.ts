import { seededRandom } from '../../test/helpers/random.ts';
import type { Outcome } from './outcome.ts';
import { Recorder } from './outcome.ts';
import { PACKET_MS, reach } from './traces.ts';
import type { Redundancy, Trace } from './traces.ts';

/*
 * NetEQ's policy, written after WebRTC's modules/audio_coding/neteq (delay_manager.cc, underrun_optimizer.cc,
 * reorder_optimizer.cc, packet_arrival_history.cc, decision_logic.cc; 2025): its constants and its decisions, not its sound.
 * Time-scaling always succeeds and takes one period of a voice, as it does for ours.
 */
const TICK_MS = 10;
const BUCKETS = 100;
const BUCKET_MS = 20;
const START_MS = 80;
const QUANTILE = 0.95;
const UNDERRUN_FORGET = 0.983;
const REORDER_FORGET = 0.9993;
const START_FORGET_WEIGHT = 2;
const RESAMPLE_MS = 500;
const MS_PER_LOSS_PERCENT = 20;
const HISTORY_MS = 2000;
const GRANULARITY_MS = 20;
const TARGET_WINDOW_MS = 100;
/** Ticks between two changes of length. */
const TIMESCALE_TICKS = 5;
/** Accelerate and preemptive expand look at this much. */
const TIMESCALE_MS = 30;
/** What fast accelerate takes out of that at most. */
const FAST_MS = 15;
/** Concealment has faded to half after about this long (expand.cc); then playing starts again at half of the target. */
const MUTED_MS = 80;
const SHORTEST_PERIOD_MS = 4;
const LONGEST_PERIOD_MS = 12;

/** histogram.cc */
class Histogram {
  readonly buckets = new Float64Array(BUCKETS);
  readonly #base: number;
  #forget = 0;
  #count = 0;

  constructor(forget: number) {
    this.#base = forget;
    for (let i = 0, p = 0.5; i < BUCKETS; i++, p /= 2) this.buckets[i] = p;
  }

  add(index: number): void {
    for (let i = 0; i < BUCKETS; i++) this.buckets[i]! *= this.#forget;
    this.buckets[index]! += 1 - this.#forget;
    this.#count++;
    this.#forget = Math.max(0, Math.min(this.#base, 1 - START_FORGET_WEIGHT / (this.#count + 1)));
  }

  quantile(p: number): number {
    let i = 0;
    for (let sum = 1 - this.buckets[0]!; sum > 1 - p && i < BUCKETS - 1;) sum -= this.buckets[++i]!;
    return i;
  }
}

/** delay_manager.cc and packet_arrival_history.cc */
class DelayManager {
  targetMs = START_MS;
  readonly #underrun = new Histogram(UNDERRUN_FORGET);
  readonly #reorder = new Histogram(REORDER_FORGET);
  /** Sent and transit time of the packets of the last two seconds. */
  #history: [number, number][] = [];
  #newest = -1;
  #resampledMs = -1;
  #intervalMaxMs = 0;
  #optimalMs = START_MS;
  #least = 0;
  #most = 0;

  /** The packet itself arrived; copies do not count. */
  arrived(n: number, tickMs: number): void {
    const sentMs = n * PACKET_MS;
    const reordered = n < this.#newest;
    this.#history.push([sentMs, tickMs - sentMs]);
    if (!reordered) {
      this.#newest = n;
      const oldest = sentMs - HISTORY_MS;
      this.#history = this.#history.filter(([sent]) => sent >= oldest);
    }
    this.#least = Math.min(...this.#history.map(([, transit]) => transit));
    this.#most = Math.max(...this.#history.map(([, transit]) => transit));
    if (this.#history.length < 2) return;
    const delayMs = Math.max(0, tickMs - sentMs - this.#least);
    if (!reordered) this.#updateUnderrun(delayMs, tickMs);
    this.#reorder.add(reordered ? Math.min(BUCKETS - 1, Math.floor(delayMs / BUCKET_MS)) : 0);
    const reorderMs = (1 + this.#cheapestReorder()) * BUCKET_MS;
    this.targetMs = Math.max(this.#optimalMs, reorderMs);
  }

  get maxDelayMs(): number {
    return this.#most - this.#least;
  }

  /** Of what is heard now, beyond the fastest packet. */
  delayMs(sentMs: number, nowMs: number): number {
    return Math.max(0, nowMs - sentMs - this.#least);
  }

  #updateUnderrun(delayMs: number, tickMs: number): void {
    if (this.#resampledMs < 0) this.#resampledMs = tickMs;
    if (tickMs - this.#resampledMs > RESAMPLE_MS) {
      const index = Math.floor(this.#intervalMaxMs / BUCKET_MS);
      if (index < BUCKETS) this.#underrun.add(index);
      this.#optimalMs = (1 + this.#underrun.quantile(QUANTILE)) * BUCKET_MS;
      this.#resampledMs = tickMs;
      this.#intervalMaxMs = 0;
    }
    this.#intervalMaxMs = Math.max(this.#intervalMaxMs, delayMs);
  }

  #cheapestReorder(): number {
    let late = 1;
    let least = Infinity;
    let bucket = 0;
    for (let i = 0; i < BUCKETS; i++) {
      late -= this.#reorder.buckets[i]!;
      const cost = Math.max(0, i * BUCKET_MS - this.#optimalMs) + 100 * MS_PER_LOSS_PERCENT * late;
      if (cost < least - 1e-9) {
        least = cost;
        bucket = i;
      }
      if (late <= 1e-9) break;
    }
    return bucket;
  }
}

/** Plays a trace as NetEQ would: one tick each 10 ms. */
export function playNeteq(
  packets: Trace,
  redundancy: Redundancy,
  stallEndMs: number | undefined,
): Outcome {
  const { order, arrivals, sent } = packets;
  const manager = new DelayManager();
  const recorder = new Recorder(packets);
  const random = seededRandom(1);
  const held = new Uint8Array(sent.length);
  const behind = reach(redundancy);
  const endMs = sent[sent.length - 1]!;
  let arrived = 0;
  /** The packet that is played next; −1 before the first. */
  let next = -1;
  let newest = -1;
  /** Decoded and not heard, ms: NetEQ's sync buffer. */
  let ahead = 0;
  let generatedMs = 0;
  let expanded = false;
  let countdown = 0;

  const firstHeld = (): number => {
    for (let n = next; n <= newest; n++) if (held[n] === 1) return n;
    return -1;
  };
  const conceal = (heard: number): void => {
    recorder.concealed(TICK_MS, heard);
    generatedMs += TICK_MS;
    ahead += TICK_MS;
    expanded = true;
  };

  for (let now = 0; now < endMs; now += TICK_MS, ahead -= TICK_MS) {
    for (; arrived < order.length && arrivals[order[arrived]!]! <= now; arrived++) {
      const n = order[arrived]!;
      if (next < 0) next = n;
      manager.arrived(n, now);
      for (let m = n; m >= Math.max(next, n - behind); m--) held[m] = 1;
      newest = Math.max(newest, n);
    }
    if (countdown > 0) countdown--;
    if (next < 0) {
      ahead = TICK_MS;
      continue;
    }
    while (ahead < TICK_MS) {
      const heard = now + ahead;
      const n = firstHeld();
      const spanMs = (newest - n + 1) * PACKET_MS;
      const postponed = expanded && generatedMs > MUTED_MS && spanMs < manager.targetMs / 2;
      if (n < 0 || postponed) {
        conceal(heard);
        continue;
      }
      const leapMs = (n - next) * PACKET_MS;
      const aboveTarget = spanMs > manager.targetMs + TARGET_WINDOW_MS / 2;
      if (leapMs > generatedMs && !aboveTarget) {
        conceal(heard);
        continue;
      }
      if (leapMs > 0 && !expanded) {
        conceal(heard);
        continue;
      }
      if (leapMs > generatedMs) recorder.skipped(leapMs - generatedMs, heard);
      const afterExpand = expanded;
      recorder.played(n, heard);
      held[n] = 0;
      next = n + 1;
      ahead += PACKET_MS;
      generatedMs = 0;
      expanded = false;
      if (afterExpand) continue;
      const delayMs = manager.delayMs(n * PACKET_MS, heard);
      const low = manager.targetMs;
      const high = low + manager.maxDelayMs + GRANULARITY_MS;
      const period = SHORTEST_PERIOD_MS + random() * (LONGEST_PERIOD_MS - SHORTEST_PERIOD_MS);
      // It decodes on until there is enough to look at.
      const enough = (): boolean => {
        while (ahead < TIMESCALE_MS) {
          if (next > newest || held[next] !== 1) return false;
          recorder.played(next, now + ahead);
          held[next++] = 0;
          ahead += PACKET_MS;
        }
        return true;
      };
      if (delayMs >= 4 * high) {
        if (enough()) {
          const removed = Math.floor(FAST_MS / period) * period;
          ahead -= removed;
          recorder.scaled(removed, heard);
        }
      } else if (countdown === 0 && delayMs >= high) {
        if (enough()) {
          ahead -= period;
          recorder.scaled(period, heard);
          countdown = TIMESCALE_TICKS;
        }
      } else if (countdown === 0 && delayMs < low) {
        ahead += period;
        recorder.scaled(period, heard);
        countdown = TIMESCALE_TICKS;
      }
    }
  }
  return recorder.finish(endMs, stallEndMs);
}
