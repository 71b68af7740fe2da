import { ratingFactor } from '../measure/e-model.ts';
import type { SoundReading } from '../measure/measure-messages.ts';
import { METRICS } from '../measure/metric-table.ts';
import type { FromCounters } from '../measure/metric-table.ts';
import { LANE_METRICS, NO_FIGURES } from '../measure/metrics.ts';
import type { LaneFigures, LaneMetricId, LaneTotals } from '../measure/metrics.ts';

/**
 * The figures of a lane over a time, as the table of metrics says: the counts between two readings, and what the audio shows.
 * @param before null: since the lane was opened
 * @param packets `'all'`: counters since the lane was opened; `'between'`: those of the time, so that each packet sent in it was received,
 *   was lost or is under way
 */
export function laneFigures(
  before: LaneTotals | null,
  after: LaneTotals | null,
  sound: SoundReading | null,
  packets: 'all' | 'between',
): LaneFigures {
  const heard = { ...NO_FIGURES, ...sound?.figures, first_sound_ms: sound?.firstSoundMs ?? null };
  if (after === null) return heard;
  const counted: Record<string, number | null> = {};
  for (const id of LANE_METRICS) {
    const { from } = METRICS[id];
    if (from !== null) counted[id] = figure(from, before, after, packets);
  }
  const figures = { ...heard, ...counted };
  return { ...figures, r_factor: rating(figures) };
}

/** The packet-loss robustness of G.711 with concealment (G.113 Appendix I); its equipment impairment is 0. */
const BPL = 25.1;

/** The E-model's rating of delay and concealment; null where one of them is not known. */
function rating({ latency_p50_ms: ta, concealed_ratio: concealed }: LaneFigures): number | null {
  if (ta === null || concealed === null) return null;
  return ratingFactor({ ta, ie: 0, bpl: BPL, ppl: concealed * 100 });
}

/** The time that live figures cover, by `performance.now()`. */
export interface LiveWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The live figures of a lane: rates between the readings at the ends of the window, packets since the lane was opened.
 * @param readings oldest first, at least one. Each end takes the first reading after it, so that no earlier time is included
 */
export function liveFigures(
  readings: readonly LaneTotals[],
  sound: SoundReading | null,
  { fromMs, toMs }: LiveWindow,
): LaneFigures {
  const last = readings.at(-1)!;
  const from = readings.find(({ atMs }) => atMs >= fromMs) ?? last;
  const to = readings.find(({ atMs }) => atMs >= toMs) ?? last;
  const rates = laneFigures(from === to ? null : from, to, sound, 'all');
  const packets = laneFigures(null, last, sound, 'all');
  return Object.fromEntries(
    LANE_METRICS.map((id) => [id, isCumulative(id) ? packets[id] : rates[id]]),
  ) as LaneFigures;
}

/** Whether a live figure counts from the opening of the lane, not over the window. */
export function isCumulative(id: LaneMetricId): boolean {
  const { from } = METRICS[id];
  return from !== null && !('part' in from);
}

/** Counters by name. Which there are is up to the table and the lane. */
type Counts = Readonly<Record<string, number | null | undefined>>;

function figure(
  from: FromCounters,
  before: LaneTotals | null,
  after: LaneTotals,
  packets: 'all' | 'between',
): number | null {
  const now = after as unknown as Counts;
  const then = before as unknown as Counts | null;
  const growth = (name: string): number | null => {
    const [earlier, later] = [then === null ? 0 : then[name], now[name]];
    return known(earlier) && known(later) ? later - earlier : null;
  };
  if ('counter' in from) {
    return packets === 'all' ? (now[from.counter] ?? null) : growth(from.counter);
  }
  if ('sum' in from) {
    const each = packets === 'all' ? (name: string): number | null => now[name] ?? null : growth;
    const [plus, less] = [sum(from.sum, each), sum(from.less, each)];
    return known(plus) && known(less) ? plus - less : null;
  }
  const part = sum(from.part, growth);
  // A reading at the opening has no time before it, and so no rates.
  const seconds = before === null ? null : (after.atMs - before.atMs) / 1000;
  const whole = from.whole === 'seconds' ? seconds : sum(from.whole, growth);
  return known(part) && known(whole) && whole > 0 ? (part * from.factor) / whole : null;
}

/** null where one is not known. */
function sum(names: readonly string[], value: (name: string) => number | null): number | null {
  let total = 0;
  for (const name of names) {
    const each = value(name);
    if (each === null) return null;
    total += each;
  }
  return total;
}

function known(value: number | null | undefined): value is number {
  return value !== null && value !== undefined;
}
