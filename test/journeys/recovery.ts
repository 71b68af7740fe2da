import type { Clock } from './invariants.ts';
import { SETTLE_MS, effectEnd } from './schedule.ts';
import type { Action, Journey } from './schedule.ts';
import type { Sent } from './sender.ts';

/** So long after a disturbance concealment is as it was; and so long after it, the delay. */
const CONCEALMENT_MS = 2000;
const DELAY_MS = 10_000;
/**
 * The delay may be off the target by so much, and by what the clocks drift apart in a second: their difference is learnt for as long as
 * a journey lasts. It is the mean of so long that counts.
 */
const DELAY_TOLERANCE_MS = 20;
const BLOCK_MS = 1000;
/**
 * The target was the present one, or another not so long ago, ms: the delay is on its way from that one to this one. The farther
 * that is, the longer it takes: so many ms of delay a ms at least.
 */
const UNDER_WAY_MS = 3000;
const LEAST_PACE = 0.15;
/** The fastest packet is that of the last so many ms. */
const FASTEST_MS = 4000;
/**
 * Concealed or skipped beyond what was lost: so many packets, what comes at once where quanta are long, and a share of the time,
 * which jitter costs at any delay.
 */
const ALLOWED_PACKETS = 3;
const ALLOWED_SHARE = 0.02;

/** What a receiver reports, as far as its recovery shows in it. */
export interface ReceiverFigures {
  /** Until when what was rendered is heard, ms. */
  readonly heardMs: number;
  readonly bufferedMs: number;
  readonly targetMs: number;
  /** Frames, in all. */
  readonly concealed: number;
  readonly skipped: number;
}

/** A stretch of time in which nothing happens, ms. */
interface Calm {
  readonly from: number;
  readonly to: number;
  /** Whether the delay may have risen twice before: then it swings, and a backlog of seconds is worked off rather than left out. */
  readonly swings: boolean;
  /** What ended last before it; nothing before the first disturbance. */
  readonly after: Action | undefined;
}

/** The stretches of a journey in which nothing happens. */
export function calmStretches({ world, actions }: Journey): readonly Calm[] {
  const calms: Calm[] = [];
  let from = SETTLE_MS - CONCEALMENT_MS;
  let after: Action | undefined;
  let count = 0;
  for (const action of actions.toSorted((a, b) => a.at - b.at)) {
    if (action.at > from) calms.push({ from, to: action.at, after, swings: count > 1 });
    count++;
    const end = effectEnd(action, world, actions);
    if (end <= from) continue;
    from = end;
    after = action;
  }
  if (world.durationMs > from) calms.push({ from, to: world.durationMs, after, swings: count > 1 });
  return calms;
}

/** The least number of the last so many ms, or the greatest. */
class Extreme {
  readonly #windowMs: number;
  readonly #sign: 1 | -1;
  /** Numbers that none behind is beyond, and when they came. */
  readonly #times: number[] = [];
  readonly #values: number[] = [];

  /** @param sign 1 for the least, −1 for the greatest */
  constructor(windowMs: number, sign: 1 | -1) {
    this.#windowMs = windowMs;
    this.#sign = sign;
  }

  /** Not a number before the first. */
  get value(): number {
    return this.#sign * (this.#values[0] ?? Number.NaN);
  }

  add(now: number, value: number): void {
    const signed = this.#sign * value;
    while (this.#values.length > 0 && this.#values.at(-1)! >= signed) {
      this.#values.pop();
      this.#times.pop();
    }
    this.#values.push(signed);
    this.#times.push(now);
    while (this.#times[0]! < now - this.#windowMs) {
      this.#values.shift();
      this.#times.shift();
    }
  }
}

/**
 * Whether a receiver is its old self soon after each disturbance: it conceals no more than what the network lost, and what is
 * heard is as old as the fastest packets and the target say. Times are told by the journey's clock, which the receiver
 * does not know.
 */
export class Recovery {
  /** Frames of audio that the network lost and that would have arrived by now; and those that would arrive later, with when. */
  #lostFrames = 0;
  #losses: { readonly at: number; readonly frames: number }[] = [];
  readonly #clock: Clock;
  readonly #framesPerMs: number;
  readonly #toleranceMs: number;
  /** Frames that come and are taken at once, at most. */
  readonly #burstFrames: number;
  readonly #calms: readonly Calm[];
  #calm = 0;
  /** Frames lost when the present calm began, and concealed or skipped when it had had its time; −1 before. */
  #lostBefore = -1;
  #missedBefore = -1;
  #missedFrom = 0;
  /** At the last report. */
  #concealed = 0;
  /** The delay: sum and count of the present block, and when it began. */
  #sum = 0;
  #count = 0;
  #blockFrom = 0;
  /** The newest packet that arrived. */
  #newest: Sent | undefined;
  /** How long the fastest of the last packets was under way, ms; and the targets of late. */
  readonly #fastest = new Extreme(FASTEST_MS, 1);
  readonly #leastTarget = new Extreme(UNDER_WAY_MS, 1);
  readonly #mostTarget = new Extreme(UNDER_WAY_MS, -1);
  /** Where the delay may be on its way, ms, and since when. */
  #leastDelay = Infinity;
  #mostDelay = -Infinity;
  #paced = 0;

  constructor(journey: Journey, clock: Clock) {
    const { sampleRate, senderQuantum, senderRate, listenerQuantum, listenerRate } = journey.world;
    this.#clock = clock;
    this.#framesPerMs = sampleRate / 1000;
    const quantumMs = (listenerQuantum * 1000) / listenerRate;
    this.#toleranceMs = DELAY_TOLERANCE_MS + quantumMs + Math.abs(journey.world.skewPpm) / 1000;
    this.#burstFrames = sampleRate * (senderQuantum / senderRate + listenerQuantum / listenerRate);
    this.#calms = calmStretches(journey);
  }

  /** The network lost a packet of audio, which would have arrived at `at`, ms: it is missing from then on. */
  lost(frames: number, at: number): void {
    if (frames > 0) this.#losses.push({ at, frames });
  }

  /** A packet of audio has reached the receiver's audio thread. */
  arrived(sent: Sent): void {
    const { now } = this.#clock;
    const newest = this.#newest;
    if (
      newest === undefined ||
      sent.epoch > newest.epoch ||
      (sent.epoch === newest.epoch && sent.sequence > newest.sequence)
    ) {
      this.#newest = sent;
    }
    this.#fastest.add(now, now - sent.capturedAt);
  }

  report(figures: ReceiverFigures): void {
    const { now } = this.#clock;
    this.#countLosses();
    this.#leastTarget.add(now, figures.targetMs);
    this.#mostTarget.add(now, figures.targetMs);
    const way = LEAST_PACE * (now - this.#paced);
    this.#paced = now;
    this.#leastDelay = Math.min(this.#leastTarget.value, this.#leastDelay + way);
    this.#mostDelay = Math.max(this.#mostTarget.value, this.#mostDelay - way);
    let calm = this.#calms[this.#calm];
    while (calm !== undefined && now >= calm.to) {
      this.#calm++;
      this.#lostBefore = -1;
      this.#missedBefore = -1;
      this.#sum = 0;
      this.#count = 0;
      calm = this.#calms[this.#calm];
    }
    if (calm === undefined || now < calm.from) return;
    if (this.#lostBefore < 0) this.#lostBefore = this.#lostFrames;
    if (now >= calm.from + CONCEALMENT_MS) this.#checkConcealment(figures, calm);
    const conceals = figures.concealed !== this.#concealed;
    this.#concealed = figures.concealed;
    if (calm.swings && now < calm.from + CONCEALMENT_MS)
      this.#mostDelay = Math.max(this.#mostDelay, this.#delay(figures));
    // Where packets were lost nothing is heard that has a delay: the newest that came says nothing about the present.
    if (now >= calm.from + DELAY_MS && !conceals) this.#checkDelay(figures, calm);
  }

  #countLosses(): void {
    const { now } = this.#clock;
    if (this.#losses.length === 0) return;
    this.#losses = this.#losses.filter(({ at, frames }) => {
      if (at <= now) this.#lostFrames += frames;
      return at > now;
    });
  }

  #checkConcealment({ concealed, skipped }: ReceiverFigures, calm: Calm): void {
    const { now } = this.#clock;
    const missed = concealed + skipped;
    if (this.#missedBefore < 0) {
      this.#missedBefore = missed;
      this.#missedFrom = now;
    }
    const packet = this.#newest?.frames ?? 0;
    const elapsed = (now - this.#missedFrom) * this.#framesPerMs;
    const allowed =
      this.#lostFrames -
      this.#lostBefore +
      ALLOWED_PACKETS * packet +
      this.#burstFrames +
      ALLOWED_SHARE * elapsed;
    const got = missed - this.#missedBefore;
    if (got <= allowed) return;
    const since = ((now - calm.from) / 1000).toFixed(1);
    this.#clock.fail(
      'concealment recovers',
      `${since} s after ${name(calm)}: ${got} frames were concealed or skipped in ${elapsed.toFixed(0)}, of which ${this.#lostFrames - this.#lostBefore} were lost.`,
    );
  }

  /** How much later than the fastest packets what is rendered now is heard, ms; not a number before the first. */
  #delay({ heardMs, bufferedMs }: ReceiverFigures): number {
    const newest = this.#newest;
    if (newest === undefined) return Number.NaN;
    const endMs = newest.capturedAt + newest.frames / this.#framesPerMs;
    return heardMs + bufferedMs - endMs - this.#fastest.value;
  }

  #checkDelay(figures: ReceiverFigures, calm: Calm): void {
    const { now } = this.#clock;
    const { targetMs } = figures;
    const delay = this.#delay(figures);
    if (Number.isNaN(delay)) return;
    if (this.#count === 0) this.#blockFrom = now;
    this.#sum += delay;
    this.#count++;
    if (now - this.#blockFrom < BLOCK_MS) return;
    const mean = this.#sum / this.#count;
    this.#sum = 0;
    this.#count = 0;
    const least = this.#leastDelay - this.#toleranceMs;
    const most = this.#mostDelay + this.#toleranceMs;
    if (mean >= least && mean <= most) return;
    const since = ((now - calm.from) / 1000).toFixed(1);
    this.#clock.fail(
      'delay recovers',
      `${since} s after ${name(calm)}: the delay is ${(mean - targetMs).toFixed(1)} ms off the target of ${targetMs.toFixed(1)} ms.`,
    );
  }
}

function name({ after }: Calm): string {
  return after === undefined ? 'the beginning' : `the end of '${after.kind}'`;
}
