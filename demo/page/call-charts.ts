import type { CallFigures } from 'micwire';

/** A chart of a call: its lines, and how their values are computed from two consecutive reports. */
export interface CallChart {
  readonly title: string;
  readonly unit: string;
  /** The least that the scale spans. */
  readonly span: readonly [number, number];
  readonly lines: readonly CallChartLine[];
}

/** A line of a chart. */
interface CallChartLine {
  readonly label: string;
  readonly colour: string;
  readonly dash?: readonly number[];
  readonly value: (now: CallFigures, before: CallFigures) => number | null;
}

const DASHED: readonly number[] = [6, 4];

/** The charts of a call, all from getStats. */
export const CALL_CHARTS: readonly CallChart[] = [
  {
    title: 'Bitrate',
    unit: 'kbit/s',
    span: [0, 50],
    lines: [
      { label: 'sent', colour: '--in', value: (now) => now.sentBitrate / 1000 },
      { label: 'received', colour: '--out', value: (now) => now.receivedBitrate / 1000 },
      {
        label: 'sent, all on the wire',
        colour: '--in',
        dash: DASHED,
        value: (now) => now.wireSentBitrate / 1000,
      },
      {
        label: 'received, all on the wire',
        colour: '--out',
        dash: DASHED,
        value: (now) => now.wireReceivedBitrate / 1000,
      },
    ],
  },
  {
    title: 'Delay',
    unit: 'ms',
    span: [0, 100],
    lines: [
      {
        label: 'jitter buffer',
        colour: '--out',
        value: (now, before) => mean(now, before, 'jitterBufferDelay'),
      },
      {
        label: 'its target',
        colour: '--out',
        dash: DASHED,
        value: (now, before) => mean(now, before, 'jitterBufferTargetDelay'),
      },
      { label: 'round trip', colour: '--in', value: (now) => now.roundTripTime * 1000 },
      { label: 'jitter', colour: '--tape', dash: [2, 3], value: (now) => now.jitter * 1000 },
    ],
  },
  {
    title: 'Loss and repair',
    unit: '%',
    span: [0, 5],
    lines: [
      {
        label: 'lost',
        colour: '--alert',
        value: (now, before) => {
          const lost = now.packetsLost - before.packetsLost;
          return share(lost, lost + now.packetsReceived - before.packetsReceived);
        },
      },
      {
        label: 'concealed',
        colour: '--out',
        value: (now, before) => samples(now, before, 'concealedSamples'),
      },
      {
        label: 'removed to catch up',
        colour: '--in',
        dash: DASHED,
        value: (now, before) => samples(now, before, 'removedSamplesForAcceleration'),
      },
      {
        label: 'inserted to wait',
        colour: '--in',
        dash: [2, 3],
        value: (now, before) => samples(now, before, 'insertedSamplesForDeceleration'),
      },
    ],
  },
];

/** A chart's columns: seconds of the page's own time, then a value for each line. */
export function callChartData(
  chart: CallChart,
  history: readonly CallFigures[],
): (number | null)[][] {
  const columns: (number | null)[][] = [[], ...chart.lines.map(() => [])];
  for (let i = 1; i < history.length; i++) {
    const [before, now] = [history[i - 1]!, history[i]!];
    columns[0]!.push(now.timestamp / 1000);
    chart.lines.forEach(({ value }, line) => columns[line + 1]!.push(value(now, before)));
  }
  return columns;
}

/** ms a sample, of those between two reports. */
function mean(
  now: CallFigures,
  before: CallFigures,
  name: 'jitterBufferDelay' | 'jitterBufferTargetDelay',
): number | null {
  const emitted = now.jitterBufferEmittedCount - before.jitterBufferEmittedCount;
  return emitted > 0 ? ((now[name] - before[name]) / emitted) * 1000 : null;
}

/** Percent of the samples between two reports. */
function samples(
  now: CallFigures,
  before: CallFigures,
  name: 'concealedSamples' | 'removedSamplesForAcceleration' | 'insertedSamplesForDeceleration',
): number | null {
  return share(now[name] - before[name], now.totalSamplesReceived - before.totalSamplesReceived);
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? (Math.max(0, part) / whole) * 100 : null;
}
