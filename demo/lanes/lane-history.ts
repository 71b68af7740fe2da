import type { LaneFigures, LaneMetricId } from '../measure/metrics.ts';

/** What is kept for charts. */
export const HISTORY_METRICS = [
  'latency_p50_ms',
  'bitrate_kbps',
  'loss_ratio',
  'concealed_ratio',
] as const satisfies readonly LaneMetricId[];

/** Id of what is kept for charts. */
export type HistoryMetricId = (typeof HISTORY_METRICS)[number];

/** Points that are kept: two minutes, one a second. */
const CAPACITY = 120;

/** What a lane's figures have been lately, a point a second, in columns of equal length, as chart libraries take them. */
export class LaneHistory {
  /** Seconds of the page's clock (`performance.now()` / 1000), ascending. */
  readonly times: number[] = [];
  readonly columns: Readonly<Record<HistoryMetricId, (number | null)[]>> = {
    latency_p50_ms: [],
    bitrate_kbps: [],
    loss_ratio: [],
    concealed_ratio: [],
  };

  /** Adds a point; the oldest goes when there are too many. */
  add(seconds: number, figures: LaneFigures): void {
    this.times.push(seconds);
    for (const id of HISTORY_METRICS) this.columns[id].push(figures[id]);
    if (this.times.length <= CAPACITY) return;
    this.times.shift();
    for (const id of HISTORY_METRICS) this.columns[id].shift();
  }
}
