import { METRICS } from './metric-table.ts';
import type { Metric } from './metric-table.ts';

/** Id of anything measured. */
export type MetricId = keyof typeof METRICS;

/** Ids of the metrics with that property. */
type MetricIdWith<Property> = {
  [Id in MetricId]: (typeof METRICS)[Id] extends Property ? Id : never;
}[MetricId];

/** Id of what a lane is measured by. */
export type LaneMetricId = MetricIdWith<{ readonly scope: 'lane' }>;

/** Id of what a run as a whole is measured by. */
export type RunMetricId = Exclude<MetricId, LaneMetricId>;

/** Id of what is charted over time. */
export type ChartMetricId = MetricIdWith<{ readonly chart: readonly [number, number] }>;

/** The ids of `LaneMetricId`, in the order of the table. */
export const LANE_METRICS = idsOf(({ scope }) => scope === 'lane') as readonly LaneMetricId[];

/** The ids of `RunMetricId`, in the order of the table. */
export const RUN_METRICS = idsOf(({ scope }) => scope === 'run') as readonly RunMetricId[];

/** The ids of `ChartMetricId`, in the order of the table. */
export const CHART_METRICS = idsOf(({ chart }) => chart !== null) as readonly ChartMetricId[];

/** What a lane has come to, by metric. null: not known (yet), or the lane has no such figure. */
export type LaneFigures = Readonly<Record<LaneMetricId, number | null>>;

/** Figures of which none is known. */
export const NO_FIGURES: LaneFigures = Object.fromEntries(
  LANE_METRICS.map((id) => [id, null]),
) as LaneFigures;

/** Each text in a type, however deep it lies in lists. */
type Names<Value> = Value extends string
  ? Value
  : Value extends readonly (infer Item)[]
    ? Names<Item>
    : never;

/** The counters that a row's `from` names. */
type CountersOf<From> = From extends { readonly counter: infer Counter }
  ? Names<Counter>
  : From extends { readonly sum: infer Sum; readonly less: infer Less }
    ? Names<Sum> | Names<Less>
    : From extends { readonly part: infer Part; readonly whole: infer Whole }
      ? Names<Part> | Exclude<Names<Whole>, 'seconds'>
      : never;

/** Name of what a lane may count: those of the table, which are those of getStats where it has the same. */
type LaneCounter = CountersOf<(typeof METRICS)[MetricId]['from']>;

/** What a lane counts, since it was opened; absent or null where it has no such thing. */
export type LaneCounts = Readonly<Partial<Record<LaneCounter, number | null>>>;

/** Counts and when they were read: two readings tell what happened between. */
export interface LaneTotals extends LaneCounts {
  /** ms, by `performance.now()` of the page. */
  readonly atMs: number;
}

function idsOf(wanted: (metric: Metric) => boolean): MetricId[] {
  return (Object.keys(METRICS) as MetricId[]).filter((id) => wanted(METRICS[id]));
}
