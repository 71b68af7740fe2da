import { METRICS } from '../measure/metric-table.ts';
import type { LaneMetricId, RunMetricId } from '../measure/metrics.ts';
import type { RunResults, Spread } from './run.ts';

/** A figure in the shape of the project's benchmarks. */
export interface RunRow {
  /** The link. */
  readonly case: string;
  /** The lane; `'link'` for what concerns all of them. */
  readonly subject: string;
  readonly metric: LaneMetricId | RunMetricId;
  /** The median. */
  readonly value: number;
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  /** Repetitions behind it. */
  readonly count: number;
}

/** Every figure that is known, a row each: links, lanes and metrics in their orders. */
export function rowsOf({ settings, tables }: RunResults): RunRow[] {
  const rows: RunRow[] = [];
  for (const { link, lanes, run } of tables) {
    const add = (subject: string, metric: string, spread: Spread | null): void => {
      if (spread === null) return;
      const id = metric as keyof typeof METRICS;
      const { median: value, min, max, count } = spread;
      rows.push({
        case: link,
        subject,
        metric: id,
        value,
        unit: METRICS[id].unit,
        min,
        max,
        count,
      });
    };
    for (const lane of settings.lanes) {
      for (const [metric, spread] of Object.entries(lanes[lane] ?? {})) add(lane, metric, spread);
    }
    for (const [metric, spread] of Object.entries(run)) add('link', metric, spread);
  }
  return rows;
}

/**
 * The repetitions as comma-separated values (RFC 4180): a line for each figure of each repetition, those that do not count
 * included and marked.
 */
export function csvOf({ repetitions }: RunResults): string {
  const lines = ['link,repetition,voided,lane,metric,value,unit'];
  for (const { link, index, voided, lanes, run } of repetitions) {
    const add = (lane: string, metric: string, value: number | null): void => {
      if (value === null) return;
      const { unit } = METRICS[metric as keyof typeof METRICS];
      lines.push([link, index, voided === null ? 0 : 1, lane, metric, value, unit].join(','));
    };
    for (const [lane, result] of Object.entries(lanes)) {
      for (const [metric, value] of Object.entries(result.figures)) add(lane, metric, value);
    }
    for (const [metric, value] of Object.entries(run)) add('link', metric, value);
  }
  return lines.map((line) => `${line}\r\n`).join('');
}
