import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn, numberIn } from '../arguments.ts';

/** Options of a {@link RedundancyController}: the limits of bitrate, loss and delay. */
export interface RedundancyControllerOptions {
  /** Bitrate of the payloads without copies, in bit/s. */
  readonly bitrate: number;
  /**
   * Maximum bitrate of payloads, copies and headers together, in bit/s; copies that would exceed it are left out.
   * @default no limit
   */
  readonly maxBitrate?: number | undefined;
  /** Length of the audio in a packet, in ms. @default 20 */
  readonly packetDurationMs?: number | undefined;
  /** Overhead of each payload in bytes: 12 for RTP, and 28 more for UDP and IP, if they count. @default 12 */
  readonly overheadBytes?: number | undefined;
  /** Acceptable fraction of packets that remain lost. @default 0.005 */
  readonly residualLoss?: number | undefined;
  /** How long after its packet the last copy may arrive, in ms: a jitter buffer has to wait for it. @default 80 */
  readonly maxCopyDelayMs?: number | undefined;
}
const NAMES = {
  bitrate: 1,
  maxBitrate: 1,
  packetDurationMs: 1,
  overheadBytes: 1,
  residualLoss: 1,
  maxCopyDelayMs: 1,
} satisfies OptionNames<RedundancyControllerOptions>;

/** Settings for sending. */
export interface RedundancySettings {
  /** For the Opus encoder: whether packets also carry the previous one at a low rate. */
  readonly fec: boolean;
  /** For the Opus encoder: packets that are lost and not recovered by a copy, in percent, 0–100. */
  readonly expectedLossPercent: number;
  /** Number of copies of earlier packets in each packet, 0–3. */
  readonly copies: number;
  /** Distance in packets to the first copy, and between copies, 1–4. */
  readonly spacing: number;
}

/** A receiver's report. */
export interface LossReport {
  /** Fraction of expected packets that were lost, 0–1: `ReportBlock.fractionLost`. */
  readonly fractionLost: number;
  /** Mean length of a run of lost packets, at least 1: `LossRuns.meanLength`. @default 1 */
  readonly meanRun?: number | undefined;
}

const DEFAULTS = {
  packetDurationMs: 20,
  overheadBytes: 12,
  residualLoss: 0.005,
  maxCopyDelayMs: 80,
} as const;

const MAX_COPIES = 3;
const MAX_SPACING = 4;
/** RED (RFC 2198 §3): a header of 4 bytes for each copy, and of 1 byte for the payload itself. */
const RED_BLOCK_BYTES = 4;
const RED_PRIMARY_BYTES = 1;

/** Above this loss, copies are worth their bits; below it, Opus FEC is enough. */
const COPIES_FROM = 0.015;
/** Opus FEC is used if copies leave at least this much loss. */
const FEC_FROM = 0.005;
/** Steps of `expectedLossPercent`, so that the encoder is not adjusted for every fluctuation. */
const LOSS_STEPS = [1, 2, 3, 5, 8, 12, 20, 30, 50, 100];

/** Time constant of the estimate: reports about one second cover few packets, and vary by chance. */
const SMOOTHING_MS = 5000;
/** A report above the estimate by this factor is not chance: the estimate moves halfway immediately. */
const ALARM_FACTOR = 2;
const ALARM_STEP = 0.05;
const ALARM_GAIN = 0.5;
/** Protection decreases once less has been enough for this long, even with a margin of additional loss. */
const HOLD_MS = 10_000;
const MARGIN = 1.5;

/** If loss grows by more than this factor after copies were added, the copies themselves congest the network. */
const CONGESTION_FACTOR = 2;
const CONGESTION_STEP = 0.03;
const CONGESTION_MS = 6000;
/** How long copies are then left out; doubles each time, up to the limit. */
const BACKOFF_MS = 15_000;
const MAX_BACKOFF_MS = 120_000;

const NOTHING: RedundancySettings = { fec: false, expectedLossPercent: 0, copies: 0, spacing: 1 };

/**
 * Decides from receiver reports how a sender protects its packets on a lossy network: with the FEC of Opus, with up to three copies
 * of earlier packets, and how far apart these travel. Protection increases immediately and decreases after ten seconds. Has no
 * clock: each report passes the time.
 */
export class RedundancyController {
  readonly #payloadBytes: number;
  readonly #packetDurationMs: number;
  readonly #overheadBytes: number;
  readonly #residualLoss: number;
  readonly #maxCopyDelayMs: number;
  /** Number of copies that the maximum bitrate allows. */
  readonly #affordable: number;
  #settings = NOTHING;
  /** Estimates; NaN before the first report. */
  #loss = Number.NaN;
  #meanRun = 1;
  #reportedAtMs = 0;
  /** Since when less protection would be enough; NaN if it would not be. */
  #lessSinceMs = Number.NaN;
  /** When copies were last added, at what loss, and how many there were before. */
  #raisedAtMs = Number.NEGATIVE_INFINITY;
  #raisedAtLoss = 0;
  #copiesBefore = 0;
  /** Until when the number of copies is capped, and for how long the next time. */
  #cappedUntilMs = Number.NEGATIVE_INFINITY;
  #backoffMs = BACKOFF_MS;

  /** @throws TypeError or RangeError for options out of their range */
  constructor(options: RedundancyControllerOptions) {
    checkOptions('RedundancyController', options, NAMES);
    const settings = { ...DEFAULTS, maxBitrate: Number.POSITIVE_INFINITY, ...defined(options) };
    this.#packetDurationMs = numberIn('packetDurationMs', settings.packetDurationMs, 1, 1000);
    this.#overheadBytes = numberIn('overheadBytes', settings.overheadBytes, 0, 1000);
    this.#residualLoss = numberIn('residualLoss', settings.residualLoss, 0, 1);
    this.#maxCopyDelayMs = numberIn('maxCopyDelayMs', settings.maxCopyDelayMs, 0, 10_000);
    const bitrate = numberIn('bitrate', settings.bitrate, 1, 1e9);
    this.#payloadBytes = (bitrate * this.#packetDurationMs) / 8000;
    const ceiling = numberIn('maxBitrate', settings.maxBitrate, 0, Number.POSITIVE_INFINITY);
    let copies = 0;
    while (copies < MAX_COPIES && this.bitrateWith(copies + 1) <= ceiling) copies++;
    this.#affordable = copies;
  }

  /** The current settings: the same object until they change. */
  get settings(): RedundancySettings {
    return this.#settings;
  }

  /** The estimated loss, 0–1. */
  get loss(): number {
    return Number.isNaN(this.#loss) ? 0 : this.#loss;
  }

  /** Returns the bitrate of payloads, copies and headers with the given number of copies, in bit/s. */
  bitrateWith(copies: number): number {
    integerIn('copies', copies, 0, MAX_COPIES);
    const red = copies === 0 ? 0 : RED_PRIMARY_BYTES + copies * RED_BLOCK_BYTES;
    const bytes = this.#payloadBytes * (copies + 1) + this.#overheadBytes + red;
    return (bytes * 8000) / this.#packetDurationMs;
  }

  /**
   * Takes a report.
   * @param nowMs time of the report, by any monotonic clock
   * @returns the settings to use from now on
   * @throws RangeError for a report out of its range
   */
  update(report: LossReport, nowMs: number): RedundancySettings {
    this.#estimate(report, nowMs);
    this.#watchCongestion(nowMs);
    const wanted = this.#plan(this.#loss, nowMs);
    const cautious = this.#plan(Math.min(1, this.#loss * MARGIN), nowMs);
    const capped = nowMs < this.#cappedUntilMs && this.#settings.copies > this.#copiesBefore;
    if (capped || strength(wanted) > strength(this.#settings)) {
      this.#change(wanted, nowMs);
    } else if (strength(cautious) >= strength(this.#settings)) {
      this.#lessSinceMs = Number.NaN;
    } else if (Number.isNaN(this.#lessSinceMs)) {
      this.#lessSinceMs = nowMs;
    } else if (nowMs - this.#lessSinceMs >= HOLD_MS) {
      this.#change(cautious, nowMs);
    }
    return this.#settings;
  }

  /** Restores the initial state. */
  reset(): void {
    this.#settings = NOTHING;
    this.#loss = Number.NaN;
    this.#meanRun = 1;
    this.#lessSinceMs = Number.NaN;
    this.#raisedAtMs = Number.NEGATIVE_INFINITY;
    this.#cappedUntilMs = Number.NEGATIVE_INFINITY;
    this.#backoffMs = BACKOFF_MS;
  }

  #estimate({ fractionLost, meanRun = 1 }: LossReport, nowMs: number): void {
    const loss = numberIn('fractionLost', fractionLost, 0, 1);
    const run = numberIn('meanRun', meanRun, 1, Number.MAX_SAFE_INTEGER);
    numberIn('nowMs', nowMs, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
    if (Number.isNaN(this.#loss)) {
      this.#loss = loss;
      this.#meanRun = run;
    } else {
      const alarm = loss > this.#loss * ALARM_FACTOR + ALARM_STEP;
      const passed = Math.max(0, nowMs - this.#reportedAtMs);
      const gain = Math.max(alarm ? ALARM_GAIN : 0, 1 - Math.exp(-passed / SMOOTHING_MS));
      this.#loss += (loss - this.#loss) * gain;
      this.#meanRun += (run - this.#meanRun) * gain;
    }
    this.#reportedAtMs = nowMs;
  }

  /** Takes copies back if loss rises sharply after they were added. */
  #watchCongestion(nowMs: number): void {
    const since = nowMs - this.#raisedAtMs;
    if (since > CONGESTION_MS) {
      if (since > CONGESTION_MS + this.#backoffMs) this.#backoffMs = BACKOFF_MS;
      return;
    }
    const limit = this.#raisedAtLoss * CONGESTION_FACTOR + CONGESTION_STEP;
    if (this.#settings.copies <= this.#copiesBefore || this.#loss <= limit) return;
    this.#cappedUntilMs = nowMs + this.#backoffMs;
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, 2 * this.#backoffMs);
  }

  #change(settings: RedundancySettings, nowMs: number): void {
    if (settings.copies > this.#settings.copies) {
      this.#raisedAtMs = nowMs;
      this.#raisedAtLoss = this.#loss;
      this.#copiesBefore = this.#settings.copies;
    }
    this.#lessSinceMs = Number.NaN;
    this.#settings = settings;
  }

  /** Returns the fewest copies, and among those the closest spacing, that meet the residual loss; otherwise the best available. */
  #plan(loss: number, nowMs: number): RedundancySettings {
    const cap = nowMs < this.#cappedUntilMs ? this.#copiesBefore : MAX_COPIES;
    const most = loss < COPIES_FROM ? 0 : Math.min(cap, this.#affordable);
    let copies = 0;
    let spacing = 1;
    let left = loss;
    for (let count = 1; count <= most && left > this.#residualLoss; count++) {
      for (let apart = 1; apart <= MAX_SPACING && left > this.#residualLoss; apart++) {
        if (count * apart * this.#packetDurationMs > this.#maxCopyDelayMs) break;
        const residual = loss * this.#lostToo(loss, apart) ** count;
        // A tiny gain is worth neither bits nor delay.
        if (residual > 0.9 * left) continue;
        copies = count;
        spacing = apart;
        left = residual;
      }
    }
    const fec = left >= FEC_FROM;
    return { fec, expectedLossPercent: fec ? stepAbove(left * 100) : 0, copies, spacing };
  }

  /**
   * Returns the probability that a packet is lost if the one `apart` packets before it was lost, in Gilbert's model: two states,
   * whose transitions follow from the mean length of a run.
   */
  #lostToo(loss: number, apart: number): number {
    const next = 1 - 1 / this.#meanRun;
    const memory = loss < 1 ? Math.max(0, (next - loss) / (1 - loss)) : 0;
    return loss + (1 - loss) * memory ** apart;
  }
}

/** Orders settings by their cost. */
function strength({ fec, expectedLossPercent, copies, spacing }: RedundancySettings): number {
  return (
    copies * 10_000 + (copies > 0 ? spacing : 0) * 1000 + (fec ? 500 : 0) + expectedLossPercent
  );
}

function stepAbove(percent: number): number {
  for (const step of LOSS_STEPS) if (percent <= step) return step;
  return 100;
}

/** Removes undefined properties, so that defaults apply. */
function defined<T extends object>(options: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
