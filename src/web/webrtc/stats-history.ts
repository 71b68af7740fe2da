import { callFigures } from '../../core/webrtc/call-figures.ts';
import type { CallFigures } from '../../core/webrtc/call-figures.ts';
import type { StatsEntry } from '../../core/webrtc/stats-entry.ts';

/** Reports of `getStats()` over the time of a call: raw for tools, and as figures for charts. */
export class StatsHistory {
  /** The latest reports, oldest first. */
  readonly reports: (readonly StatsEntry[])[] = [];
  /** The figures of the same reports. */
  readonly figures: CallFigures[] = [];
  private readonly length: number;

  constructor(length: number) {
    this.length = length;
  }

  add(report: readonly StatsEntry[]): void {
    if (this.reports.length === this.length) {
      this.reports.shift();
      this.figures.shift();
    }
    this.reports.push(report);
    this.figures.push(callFigures(report, this.figures.at(-1) ?? null));
  }
}

/** One report as plain data. */
export async function takeStats(connection: RTCPeerConnection): Promise<readonly StatsEntry[]> {
  const report = await connection.getStats();
  const entries: StatsEntry[] = [];
  for (const entry of report.values()) entries.push(entry as StatsEntry);
  return entries;
}
