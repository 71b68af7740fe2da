import type { HistoryMetricId, LaneHistory } from './lane-history.ts';

/**
 * The histories of lanes as columns over one time, as charts take them: the times, then a column each. Lanes are read at about the same
 * moment, and opened at different ones.
 */
export function joinedHistories(
  histories: readonly LaneHistory[],
  metric: HistoryMetricId,
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
