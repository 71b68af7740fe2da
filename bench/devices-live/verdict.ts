import { secondsBetween } from '../../test/helpers/signal-runs.ts';
import type { Run, DoneEvent } from './drive.ts';
import type { Account, HeardRun } from './recording.ts';
import type { Moment, Report } from './page.ts';
import { PRE_ROLL_MS } from './schedule.ts';
import type { EventKind } from './schedule.ts';

/** What one event did to the audio: ms of the context, from its beginning to the next one's. */
export interface EventEffect {
  readonly kind: EventKind;
  readonly notes: readonly string[];
  /** How long it lasted until it was undone. */
  readonly heldMs: number;
  /** Missing in the account: dropped. */
  readonly droppedMs: number;
  /** Dropped by the capture that the page reads. */
  readonly droppedOnPageMs: number;
  /** Delivered as exact zeros. */
  readonly zerosMs: number;
  /** Of a device that is not the microphone's. */
  readonly foreignMs: number;
  /** Of no signal: fades and joins. */
  readonly otherMs: number;
  /** Neither dropped nor delivered: push-to-talk. */
  readonly pausedMs: number;
  /** How far the wall's clock went ahead of the context's. */
  readonly sleptMs: number;
}

export interface Verdict {
  /** Violated rules, one sentence each. */
  readonly faults: readonly string[];
  readonly effects: readonly EventEffect[];
  readonly capturedFrames: number;
  readonly deliveredFrames: number;
  readonly droppedFrames: number;
  readonly unaccountedFrames: number;
  /** Of the device in use, with the number that its time demands. */
  readonly rightFrames: number;
  readonly zeroFrames: number;
  readonly otherFrames: number;
  /** Of a device that the system moved the browser's stream to, while the browser named another. */
  readonly foreignFrames: number;
  /** Jumps in the audio of a device that stayed open: frames that the engine lost (positive) or repeated. */
  readonly jumps: readonly number[];
  /** Largest difference of a device's delay between two openings, ms. */
  readonly delaySpreadMs: number;
}

/** Around a change of device both are right, seconds: its event comes by way of the page's thread. */
const CHANGE_SECONDS = 0.25;
/** What the system says is asked for just after it was told something. */
const VIEW_SECONDS = 1;
/** Delay of one device, ms: engines hold 10 to 100 ms, and insert silence when they are late, as on a busy machine. */
const MAX_DELAY_SPREAD_MS = 1000;

/** Judges a run, by the account of the capture that a Worker reads. */
export function judge(run: Run): Verdict {
  const { report } = run;
  const { worker } = report;
  const clock = new Clock(worker.clock);
  const owner = new Owner(run, clock);
  const faults = accountFaults(report);
  const jumps: number[] = [];
  const delays = new Delays(clock);
  let rightFrames = 0;
  let zeroFrames = 0;
  let otherFrames = 0;
  let foreignFrames = 0;
  for (const part of worker.runs) {
    if (part.source === 'zeros') zeroFrames += part.frames;
    else if (part.source === 'other') otherFrames += part.frames;
    else if (owner.owns(part, worker.sampleRate)) {
      rightFrames += part.frames;
      delays.add(part, worker.sampleRate);
    } else {
      foreignFrames += part.frames;
      if (!owner.isMoved(part, worker.sampleRate)) {
        const seconds = (part.contextFrame / worker.sampleRate).toFixed(3);
        faults.push(`${part.frames} frames of ${run.names[part.source]} at ${seconds} s`);
      }
    }
  }
  jumps.push(...jumpsOf(worker, clock));
  if (delays.spreadMs > MAX_DELAY_SPREAD_MS) {
    faults.push(
      `the delay of ${run.names[delays.source]} differs by ${delays.spreadMs.toFixed(0)} ms`,
    );
  }
  const captured = report.workerStats['capturedFrames']!;
  return {
    faults,
    effects: effectsOf(run, clock, owner),
    capturedFrames: captured,
    deliveredFrames: worker.deliveredFrames,
    droppedFrames: worker.droppedFrames,
    unaccountedFrames: captured - worker.deliveredFrames - worker.droppedFrames,
    rightFrames,
    zeroFrames,
    otherFrames,
    foreignFrames,
    jumps,
    delaySpreadMs: delays.spreadMs,
  };
}

/** What the accounts say against each other. */
function accountFaults(report: Report): string[] {
  const { worker, page, common, before, after } = report;
  const faults: string[] = [];
  for (const [name, account, stats] of [
    ['Worker', worker, report.workerStats],
    ['page', page, report.pageStats],
  ] as const) {
    faults.push(...account.faults.map((fault) => `${name}: ${fault}`));
    const { capturedFrames, deliveredFrames, droppedFrames, queuedFrames } = stats as Record<
      string,
      number
    >;
    const told = `captured ${capturedFrames}, delivered ${deliveredFrames}, dropped ${droppedFrames}, queued ${queuedFrames}`;
    if (capturedFrames !== deliveredFrames! + droppedFrames! + queuedFrames!) {
      faults.push(`${name}: ${told}`);
    }
    // What was dropped after the last chunk shows in the figures alone.
    if (deliveredFrames !== account.deliveredFrames || droppedFrames! < account.droppedFrames) {
      const counted = `${account.deliveredFrames} delivered, ${account.droppedFrames} dropped`;
      faults.push(`${name}: ${told}, but its reader counted ${counted}`);
    }
    const { contextFrames, pausedFrames } = account;
    if (contextFrames !== account.deliveredFrames + account.droppedFrames + pausedFrames) {
      faults.push(`${name}: ${contextFrames} frames of the context, ${pausedFrames} paused`);
    }
  }
  if (common.different > 0) {
    faults.push(`${common.different} of ${common.frames} frames differ between the captures`);
  }
  const missing = Number(after['missingFrames']) - Number(before['missingFrames']);
  if (missing !== worker.droppedFrames) {
    faults.push(
      `the microphone missed ${missing} frames, the capture dropped ${worker.droppedFrames}`,
    );
  }
  const told = sum(
    report.moments.map(({ what, detail }) => (what === 'gap' ? framesOf(detail) : 0)),
  );
  if (told !== missing)
    faults.push(`the microphone missed ${missing} frames, its events told ${told}`);
  const presses = report.moments.filter(({ what }) => what === 'hold …').length;
  const paused = Number(after['pausedFrames']) - Number(before['pausedFrames']);
  const preRoll = (PRE_ROLL_MS / 1000) * worker.sampleRate;
  if (paused - presses * preRoll !== worker.pausedFrames) {
    faults.push(
      `nobody talked for ${paused} frames, ${presses} pre-rolls of ${preRoll}, but ${worker.pausedFrames} are left out`,
    );
  }
  return faults;
}

function framesOf(gap: unknown): number {
  return (gap as { readonly frames: number }).frames;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Wall's clock and context's. */
class Clock {
  readonly #points: Account['clock'];

  constructor(points: Account['clock']) {
    this.#points = points;
  }

  /** When the context was there, of the time of the wall. */
  secondsAt(wallMs: number): number {
    let seconds = -Infinity;
    for (const [index, [at, ms]] of this.#points.entries()) {
      if (at * 1000 + ms > wallMs) break;
      const next = this.#points[index + 1]?.[0] ?? Infinity;
      seconds = Math.min((wallMs - ms) / 1000, next);
    }
    return seconds;
  }

  /** Wall's clock less the context's, ms. */
  aheadAt(seconds: number): number {
    let found = this.#points[0]?.[1] ?? 0;
    for (const [at, ms] of this.#points) {
      if (at > seconds) break;
      found = ms;
    }
    return found;
  }
}

/** Whose audio is right at a time. */
class Owner {
  readonly #run: Run;
  readonly #clock: Clock;

  constructor(run: Run, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
  }

  owns({ contextFrame, frames, source }: HeardRun, sampleRate: number): boolean {
    if (typeof source !== 'number') return false;
    const name = this.#run.names[source]!;
    const from = contextFrame / sampleRate - CHANGE_SECONDS;
    const to = (contextFrame + frames) / sampleRate + CHANGE_SECONDS;
    for (const device of this.#devices(from, to)) {
      if (device === name) return true;
      if (device !== null && !this.#run.names.includes(device) && this.#defaulted(name, from, to)) {
        return true;
      }
    }
    return false;
  }

  /** The devices that the microphone named between two times. */
  #devices(from: number, to: number): Set<string | null> {
    return heldBetween(
      this.#run.report.moments,
      ({ contextTime }: Moment) => contextTime,
      ({ device }: Moment) => device,
      from,
      to,
    );
  }

  #defaulted(name: string, from: number, to: number): boolean {
    return this.#viewed(from, to, ({ defaultSource }) => defaultSource).has(name);
  }

  /** Whether the system had a stream on the source of this run: the microphone's was moved there. */
  isMoved({ contextFrame, frames, source }: HeardRun, sampleRate: number): boolean {
    if (typeof source !== 'number') return false;
    const from = contextFrame / sampleRate - VIEW_SECONDS;
    const to = (contextFrame + frames) / sampleRate + VIEW_SECONDS;
    const name = this.#run.names[source]!;
    return [...this.#viewed(from, to, ({ recorded }) => recorded)].some((all) =>
      all.includes(name),
    );
  }

  #viewed<Value>(
    from: number,
    to: number,
    valueOf: (view: Run['views'][number]) => Value,
  ): Set<Value> {
    const timeOf = ({ wallMs }: { readonly wallMs: number }): number =>
      this.#clock.secondsAt(wallMs);
    return heldBetween(this.#run.views, timeOf, valueOf, from, to);
  }
}

/** The values that entries with a time had between two times. An entry holds until the next, and the first one always did. */
function heldBetween<Entry, Value>(
  entries: readonly Entry[],
  timeOf: (entry: Entry) => number,
  valueOf: (entry: Entry) => Value,
  from: number,
  to: number,
): Set<Value> {
  const values = new Set<Value>();
  for (const entry of entries) {
    const time = timeOf(entry);
    if (time > to && values.size > 0) break;
    if (time <= from) values.clear();
    values.add(valueOf(entry));
  }
  return values;
}

/** The delay of each device's audio against the wall's clock. It differs between openings only by the engine's share. */
class Delays {
  spreadMs = 0;
  source = 0;
  readonly #clock: Clock;
  readonly #first = new Map<number, number>();
  readonly #range = new Map<number, [number, number]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add({ contextFrame, frames, source, offset }: HeardRun, sampleRate: number): void {
    // Between two jumps there are shorter ones.
    if (typeof source !== 'number' || frames < sampleRate / 4) return;
    const seconds = contextFrame / sampleRate;
    const advance = offset - this.#clock.aheadAt(seconds + frames / sampleRate / 2) / 1000;
    const first = this.#first.get(source) ?? advance;
    this.#first.set(source, first);
    const delay = secondsBetween(advance, first) * 1000;
    const range = this.#range.get(source) ?? [0, 0];
    const next: [number, number] = [Math.min(range[0], delay), Math.max(range[1], delay)];
    this.#range.set(source, next);
    if (next[1] - next[0] > this.spreadMs) {
      this.spreadMs = next[1] - next[0];
      this.source = source;
    }
  }
}

/**
 * Frames by which audio jumps from one run of a device to its next, where nothing but silence is between them: positive where
 * the engine lost some. Audio that passes while a page sleeps does not count.
 */
function jumpsOf({ runs, gaps, sampleRate }: Account, clock: Clock): number[] {
  const jumps: number[] = [];
  let last: HeardRun | undefined;
  let between = 0;
  for (const run of runs) {
    if (typeof run.source !== 'number') {
      between += run.frames;
      continue;
    }
    const jump = last?.source === run.source && jumpBetween(last, run, between, gaps, sampleRate);
    if (jump !== false && !slept(last!, run, jump, clock, sampleRate)) jumps.push(Math.round(jump));
    last = run;
    between = 0;
  }
  return jumps;
}

/** False where audio was dropped between the two, or nothing is amiss. */
function jumpBetween(
  last: HeardRun,
  run: HeardRun,
  between: number,
  gaps: Account['gaps'],
  sampleRate: number,
): number | false {
  const end = last.contextFrame + last.frames;
  const dropped = (gap: Account['gaps'][number]): boolean =>
    gap.contextFrame >= end && gap.contextFrame <= run.contextFrame;
  if (gaps.some(dropped)) return false;
  // Silence is in the place of audio, or was inserted, so that audio is late by as much.
  const replaced = secondsBetween(last.endOffset, run.offset) * sampleRate;
  const inserted = replaced + between;
  const jump = Math.abs(replaced) < Math.abs(inserted) ? replaced : inserted;
  return Math.abs(jump) >= 2 && jump;
}

function slept(
  last: HeardRun,
  run: HeardRun,
  jump: number,
  clock: Clock,
  sampleRate: number,
): boolean {
  const before = clock.aheadAt((last.contextFrame + last.frames) / sampleRate - 0.3);
  const after = clock.aheadAt(run.contextFrame / sampleRate + 0.3);
  return after - before > 100 && Math.abs((jump / sampleRate) * 1000 - (after - before)) < 200;
}

function effectsOf(run: Run, clock: Clock, owner: Owner): EventEffect[] {
  const { worker, page } = run.report;
  const rate = worker.sampleRate;
  return run.events.map((event: DoneEvent, index) => {
    const next = run.events[index + 1]?.startMs ?? run.endMs;
    const from = Math.round(clock.secondsAt(event.startMs) * rate);
    const to = Math.round(clock.secondsAt(next) * rate);
    const overlap = (parts: readonly { contextFrame: number; frames: number }[]): number => {
      let frames = 0;
      for (const part of parts) {
        const start = Math.max(part.contextFrame, from);
        const end = Math.min(part.contextFrame + part.frames, to);
        frames += Math.max(0, end - start);
      }
      return (frames / rate) * 1000;
    };
    const { runs } = worker;
    return {
      kind: event.kind,
      notes: event.notes,
      heldMs: event.undoMs - event.startMs,
      droppedMs: overlap(worker.gaps),
      droppedOnPageMs: overlap(page.gaps),
      zerosMs: overlap(runs.filter(({ source }) => source === 'zeros')),
      foreignMs: overlap(
        runs.filter((part) => typeof part.source === 'number' && !owner.owns(part, rate)),
      ),
      otherMs: overlap(runs.filter(({ source }) => source === 'other')),
      pausedMs: overlap(worker.pauses),
      sleptMs: clock.aheadAt(to / rate) - clock.aheadAt(from / rate),
    };
  });
}
