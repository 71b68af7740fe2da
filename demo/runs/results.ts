import type { LaneMetricId, RunMetricId } from '../measure/metrics.ts';
import { LANE_METRICS, RUN_METRICS } from '../measure/metrics.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import { linkText } from './address.ts';
import type { LinkTable, Repetition, RunSettings, Spread } from './run.ts';
import { verdictOf } from './verdict.ts';

/** A run whose link was later than this in more than 1 % of its packets has measured the machine. */
export const MAX_LATENESS_MS = 5;

/** Why a repetition does not count; null when it does. */
export function voidReason(run: Repetition['run']): string | null {
  const { link_lateness_p99_ms: lateness, recorder_dropped_ms: dropped } = run;
  const reasons: string[] = [];
  if (lateness !== null && lateness > MAX_LATENESS_MS) {
    reasons.push(
      `The simulated network was up to ${lateness.toFixed(1)} ms late (p99): the machine was too busy. At most ${MAX_LATENESS_MS} ms count.`,
    );
  }
  if (dropped !== null && dropped > 0) {
    reasons.push(`The recorder lost ${Math.round(dropped)} ms of audio: the machine was too busy.`);
  }
  return reasons.length === 0 ? null : reasons.join(' ');
}

/** Why repetitions of a table do not count, by the worst of each figure, which its spreads have too; null when all count. */
export function tableVoidReason({ run, voided }: Pick<LinkTable, 'run' | 'voided'>): string | null {
  if (voided === 0) return null;
  return voidReason({
    link_lateness_p99_ms: run.link_lateness_p99_ms?.max ?? null,
    recorder_dropped_ms: run.recorder_dropped_ms?.max ?? null,
  });
}

/** Medians and ranges of the repetitions that count, by link, in the order of the settings. */
export function tablesOf(settings: RunSettings, repetitions: readonly Repetition[]): LinkTable[] {
  return settings.links.map((choice) => {
    const name = linkText(choice);
    const all = repetitions.filter(({ link }) => link === name);
    const counting = all.filter(({ voided }) => voided === null);
    const lanes = Object.fromEntries(
      settings.lanes.map((id) => [id, laneSpreads(counting, id)]),
    ) as LinkTable['lanes'];
    const run = Object.fromEntries(
      RUN_METRICS.map((id) => [id, spreadOf(all.map((each) => each.run[id]))]),
    ) as Record<RunMetricId, Spread | null>;
    const counted = counting.length;
    const voided = all.length - counted;
    const verdict = counted > 0 ? verdictOf(lanes) : nothingCounts({ run, voided });
    return { link: name, lanes, run, counted, voided, verdict };
  });
}

function nothingCounts(table: Pick<LinkTable, 'run' | 'voided'>): string {
  return `Nothing here counts. ${tableVoidReason(table) ?? 'Nothing was measured.'}`;
}

function laneSpreads(
  repetitions: readonly Repetition[],
  lane: LaneId,
): Record<LaneMetricId, Spread | null> {
  return Object.fromEntries(
    LANE_METRICS.map((id) => [
      id,
      spreadOf(repetitions.map(({ lanes }) => lanes[lane]?.figures[id] ?? null)),
    ]),
  ) as Record<LaneMetricId, Spread | null>;
}

/** Median (the mean of the two in the middle of an even number) and range of what is known; null where nothing is. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const { length } = known;
  if (length === 0) return null;
  const median = (known[(length - 1) >> 1]! + known[length >> 1]!) / 2;
  return { median, min: known[0]!, max: known[length - 1]!, count: length };
}
