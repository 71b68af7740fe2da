import { seededRandom } from '../helpers/random.ts';
import type { Action, NetworkConditions } from './schedule.ts';

/** TCP finds a loss by the packets behind it, or when a timer runs out: a packet that was lost comes so much later. */
const RETRANSMISSION_MS = 220;
/** What passes through a datagram network at least, ms, however far its path shrinks. */
const LEAST_DELAY_MS = 1;
/** A mean burst of losses, packets. */
const BURST = 2;

interface Parcel<T> {
  readonly at: number;
  /** Parcels that arrive at the same time keep the order in which they were sent. */
  readonly order: number;
  readonly load: T;
}

/**
 * A network in virtual time, datagram-like or TCP-like: delay, jitter, losses in bursts, reordering, duplicates, stalls and
 * steps of the path. What becomes of the n-th packet depends on the seed and n alone, so that leaving out an action
 * changes nothing else.
 */
export class Network<T> {
  readonly #onLost: (load: T, at: number) => void;
  #sent = 0;
  readonly #conditions: NetworkConditions;
  readonly #seed: number;
  readonly #heap: Parcel<T>[] = [];
  readonly #actions = new Set<Action>();
  #order = 0;
  #stepMs = 0;
  #lastAt = 0;
  /** What the last stall held up: until when, and when the last of it arrives. */
  #heldUntil = 0;
  #heldAt = 0;
  #bad = false;

  /** @param onLost is told of each parcel that never arrives, and of when it would have, ms */
  constructor(conditions: NetworkConditions, seed: number, onLost: (load: T, at: number) => void) {
    this.#onLost = onLost;
    this.#conditions = conditions;
    this.#seed = seed;
  }

  /** When the next parcel arrives, ms; infinite when none is on its way. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** What the path takes at present without jitter, ms. */
  get delayMs(): number {
    return Math.max(LEAST_DELAY_MS, this.#conditions.delayMs + this.#stepMs);
  }

  begin(action: Action): void {
    if (action.kind === 'step') this.#stepMs += action.by;
    else this.#actions.add(action);
  }

  end(action: Action): void {
    this.#actions.delete(action);
  }

  /** @returns whether it will arrive. What is `reliable` is not lost, overtaken or doubled */
  send(load: T, now: number, reliable = false): boolean {
    const { ordered, jitterMs, lossRatio } = this.#conditions;
    const random = seededRandom(
      Math.imul(this.#seed, 0x85ebca6b) ^ Math.imul(this.#sent++, 0xc2b2ae35),
    );
    const [chanceOfLoss, jitter, chanceOfReordering, chanceOfCopy] = [
      random(),
      random(),
      random(),
      random(),
    ];
    let leaves = now;
    let loss = lossRatio;
    let wobble = jitterMs;
    let reordered = 0;
    let copies = 0;
    for (const action of this.#actions) {
      if (action.kind === 'stall') leaves = Math.max(leaves, action.at + action.for);
      else if (action.kind === 'loss') loss = Math.max(loss, action.ratio);
      else if (action.kind === 'jitter') wobble = Math.max(wobble, action.by);
      else if (action.kind === 'duplicates' && chanceOfCopy < action.ratio) copies = 1;
      else if (action.kind === 'reordering' && chanceOfReordering < action.ratio)
        reordered = action.by;
    }
    if (reliable) {
      this.#put(load, leaves + this.delayMs);
      return true;
    }
    // A Markov chain of two states whose share of bad ones is the ratio (Gilbert).
    const staysBad = Math.max(loss, 1 - 1 / BURST);
    const turnsBad = loss / BURST / (1 - loss);
    this.#bad = loss > 0 && chanceOfLoss < (this.#bad ? staysBad : turnsBad);
    let at = leaves + this.delayMs + jitter * wobble;
    if (ordered) {
      if (this.#bad) at += RETRANSMISSION_MS;
      at = Math.max(at, this.#lastAt);
      this.#lastAt = at;
      this.#put(load, at);
      return true;
    }
    if (this.#bad) {
      this.#onLost(load, at);
      return false;
    }
    if (leaves > now) {
      // A queue keeps its order: hundreds that come at once do not overtake each other, nor do their copies come behind them all.
      if (leaves === this.#heldUntil) at = Math.max(at, this.#heldAt);
      this.#heldUntil = leaves;
      this.#heldAt = at;
      this.#put(load, at);
      if (copies > 0) this.#put(load, at);
      return true;
    }
    this.#put(load, at + reordered);
    if (copies > 0) this.#put(load, at + 1 + 40 * chanceOfReordering);
    return true;
  }

  /** Takes what arrives at `nextAt`. */
  take(): T {
    const heap = this.#heap;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      let i = 0;
      for (;;) {
        let child = 2 * i + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
        if (!before(heap[child]!, heap[i]!)) break;
        [heap[i], heap[child]] = [heap[child]!, heap[i]!];
        i = child;
      }
    }
    return first.load;
  }

  #put(load: T, at: number): void {
    const heap = this.#heap;
    heap.push({ at, order: this.#order++, load });
    let i = heap.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }
}

function before(a: Parcel<unknown>, b: Parcel<unknown>): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
