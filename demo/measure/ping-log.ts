/** A message that goes to the other end and back. */
export interface Ping {
  readonly sequence: number;
  readonly sentMs: number;
  /** null: it is not back. */
  readonly roundTripMs: number | null;
}

/** What became of the pings of a channel. */
export interface PingCounts {
  readonly sent: number;
  readonly back: number;
  /** Not back after `MISSING_MS`. */
  readonly missing: number;
  /** Back after a later one. */
  readonly overtaken: number;
}

/** Round trips of the pings that are kept; null until one is back. */
export interface PingTimes {
  readonly medianMs: number;
  readonly worstMs: number;
}

/** How long pings are kept, ms. */
export const KEPT_MS = 15_000;
/** A ping that is not back after this long is missing, ms. */
export const MISSING_MS = 2000;

/** Keeps the pings of one channel. It has no clock. */
export class PingLog {
  #pings: Ping[] = [];
  #sent = 0;
  #back = 0;
  #overtaken = 0;
  #highest = -1;
  /** Those that were dropped from the list without having come back. */
  #lostFromSight = 0;

  /** The latest, oldest first. */
  get pings(): readonly Ping[] {
    return this.#pings;
  }

  /** @returns the number of the ping */
  send(nowMs: number): number {
    const sequence = this.#sent++;
    const kept = this.#pings.filter(({ sentMs }) => sentMs >= nowMs - KEPT_MS);
    this.#lostFromSight += this.#pings
      .slice(0, this.#pings.length - kept.length)
      .filter(({ roundTripMs }) => roundTripMs === null).length;
    this.#pings = [...kept, { sequence, sentMs: nowMs, roundTripMs: null }];
    return sequence;
  }

  /** Without effect for a ping that is no longer kept, or came back before. */
  returned(sequence: number, nowMs: number): void {
    const at = this.#pings.findIndex((ping) => ping.sequence === sequence);
    const ping = this.#pings[at];
    if (ping === undefined || ping.roundTripMs !== null) return;
    this.#pings[at] = { ...ping, roundTripMs: nowMs - ping.sentMs };
    this.#back++;
    if (sequence < this.#highest) this.#overtaken++;
    this.#highest = Math.max(this.#highest, sequence);
  }

  counts(nowMs: number): PingCounts {
    const missing = this.#pings.filter((ping) => isMissing(ping, nowMs)).length;
    return {
      sent: this.#sent,
      back: this.#back,
      missing: missing + this.#lostFromSight,
      overtaken: this.#overtaken,
    };
  }

  get times(): PingTimes | null {
    const times = this.#pings
      .flatMap(({ roundTripMs }) => (roundTripMs === null ? [] : [roundTripMs]))
      .toSorted((a, b) => a - b);
    const worstMs = times.at(-1);
    if (worstMs === undefined) return null;
    return { medianMs: times[Math.floor((times.length - 1) / 2)]!, worstMs };
  }
}

/** Whether a ping should have come back. */
export function isMissing({ roundTripMs, sentMs }: Ping, nowMs: number): boolean {
  return roundTripMs === null && nowMs - sentMs > MISSING_MS;
}
