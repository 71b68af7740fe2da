import type { LaneId } from '../lanes/lane-ids.ts';
import { METRICS } from '../measure/metric-table.ts';
import type { Metric } from '../measure/metric-table.ts';
import type { LaneFigures, LaneMetricId } from '../measure/metrics.ts';
import { metricText } from './format.ts';

/** What the rows of the table are ordered by. */
export type RowOrder =
  /** As lanes are listed everywhere. */
  | { readonly by: 'table' }
  /** The need that was chosen, the best lane first. */
  | { readonly by: 'need' }
  | { readonly by: LaneMetricId; readonly direction: 'ascending' | 'descending' };

/** What a lane's place in the table and its marks depend on. */
export interface OrderedLane {
  readonly id: LaneId;
  readonly figures: LaneFigures;
}

/** The order that the head of a column asks for when it is pressed: best first, then worst first, then as listed. */
export function nextOrder(metric: LaneMetricId, now: RowOrder): RowOrder {
  const { better } = METRICS[metric] as Metric;
  const first = better === 'higher' ? 'descending' : 'ascending';
  const second = first === 'ascending' ? 'descending' : 'ascending';
  if (now.by !== metric || !('direction' in now)) return { by: metric, direction: first };
  return now.direction === first ? { by: metric, direction: second } : { by: 'table' };
}

/**
 * The lanes in their order. Unknown figures come last, in either direction.
 * @param ranking lanes by the need, the best first
 */
export function orderedIds(
  lanes: readonly OrderedLane[],
  order: RowOrder,
  ranking: readonly LaneId[],
): LaneId[] {
  const places = new Map(lanes.map((lane) => [lane.id, placeOf(lane, order, ranking)]));
  const place = (id: LaneId): number => places.get(id)!;
  // Sorting is stable: equals stay as listed.
  return lanes
    .map(({ id }) => id)
    .sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
}

function placeOf(
  { id, figures }: OrderedLane,
  order: RowOrder,
  ranking: readonly LaneId[],
): number {
  if (order.by === 'table') return 0;
  if (order.by === 'need') return ranking.includes(id) ? ranking.indexOf(id) : Infinity;
  const value = figures[order.by];
  if (value === null) return Infinity;
  return order.direction === 'ascending' ? value : -value;
}

/** The lanes with the best figure, as it is shown; empty where all are alike, or neither direction is better. */
export function bestIds(metric: LaneMetricId, lanes: readonly OrderedLane[]): readonly LaneId[] {
  const { better } = METRICS[metric] as Metric;
  if (better === null) return [];
  const known = lanes.filter(({ figures }) => figures[metric] !== null);
  const values = known.map(({ figures }) => figures[metric]!);
  const best = better === 'lower' ? Math.min(...values) : Math.max(...values);
  const text = metricText(metric, best);
  const alike = known.filter(({ figures }) => metricText(metric, figures[metric]) === text);
  return alike.length === known.length ? [] : alike.map(({ id }) => id);
}

/** How a figure differs from the baseline's: bitrates as a factor, all others as a difference; empty where one is not known. */
export function differenceText(
  metric: LaneMetricId,
  value: number | null,
  baseline: number | null,
): string {
  if (value === null || baseline === null) return '';
  if (METRICS[metric].unit === 'kbit/s') {
    if (baseline === 0) return '';
    const times = value / baseline;
    return `× ${times.toFixed(times < 9.95 ? 1 : 0)}`;
  }
  const text = metricText(metric, Math.abs(value - baseline));
  if (Number(text.replaceAll(',', '')) === 0) return '± 0';
  return `${value > baseline ? '+' : '−'}${text}`;
}
