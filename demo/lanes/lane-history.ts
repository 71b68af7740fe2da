import { CHART_METRICS } from '../measure/metrics.ts';
import type { ChartMetricId, LaneFigures } from '../measure/metrics.ts';

/** Points that are kept: two minutes, one a second. */
const CAPACITY = 120;

/** What a lane's figures have been lately, a point a second, in columns of equal length, as chart libraries take them. */
export class LaneHistory {
  /** Seconds of the page's clock (`performance.now()` / 1000), ascending. */
  readonly times: number[] = [];
  readonly columns = Object.fromEntries(CHART_METRICS.map((id) => [id, []])) as unknown as Readonly<
    Record<ChartMetricId, (number | null)[]>
  >;

  /** Adds a point; the oldest goes when there are too many. */
  add(seconds: number, figures: LaneFigures): void {
    this.times.push(seconds);
    for (const id of CHART_METRICS) this.columns[id].push(figures[id]);
    if (this.times.length <= CAPACITY) return;
    this.times.shift();
    for (const id of CHART_METRICS) this.columns[id].shift();
  }
}

/**
 * The histories of lanes as columns over one time, as charts take them: the times, then a column each. Lanes are read at about the same
 * moments, but opened at different ones.
 */
export function joinedHistories(
  histories: readonly LaneHistory[],
  metric: ChartMetricId,
  factor: number,
): (number | null)[][] {
  const byLane = histories.map(({ times, columns }) => {
    const values = new Map<number, number | null>();
    times.forEach((time, i) => values.set(Math.round(time), columns[metric][i] ?? null));
    return values;
  });
  const times = [...new Set(byLane.flatMap((values) => [...values.keys()]))].sort((a, b) => a - b);
  const columns = byLane.map((values) =>
    times.map((time) => {
      const value = values.get(time) ?? null;
      return value === null ? null : value * factor;
    }),
  );
  return [times, ...columns];
}
