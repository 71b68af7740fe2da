import { checkObject } from '../core/option-names.ts';
import type { StreamServerStats } from './stream-server.ts';

/** A metric in the text format of Prometheus, version 0.0.4. */
export type Metric = readonly [
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  /** One value, or several by the value of `label`. */
  value: number | Readonly<Record<string, number>>,
  label?: string,
];

/** Media type of {@link metricsText}. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Returns the statistics of a `StreamServer` and of its process as text for Prometheus. */
export function metricsText(stats: StreamServerStats): string {
  checkObject('stats must be those of a StreamServer', stats, 'refused');
  return metricLines([
    ['micwire_connections', 'gauge', 'WebSockets that are open.', stats.connections],
    ['micwire_streams', 'gauge', 'Streams that are not over, connected or not.', stats.streams],
    [
      'micwire_connections_accepted_total',
      'counter',
      'WebSockets that were taken.',
      stats.acceptedConnections,
    ],
    ['micwire_streams_accepted_total', 'counter', 'Streams that began.', stats.acceptedStreams],
    [
      'micwire_refused_total',
      'counter',
      'Connections that were not taken, by reason.',
      stats.refused,
      'reason',
    ],
    [
      'micwire_failures_total',
      'counter',
      'Failures of this side, such as of a disk.',
      stats.failures,
    ],
    [
      'micwire_pauses_total',
      'counter',
      'How often a connection was held back, by its rate or its reader.',
      stats.pauses,
    ],
    [
      'micwire_audio_seconds_total',
      'counter',
      'Audio of all streams: received = delivered + queued + dropped.',
      {
        received: stats.receivedSeconds,
        delivered: stats.deliveredSeconds,
        dropped: stats.droppedSeconds,
        missing: stats.missingSeconds,
        duplicate: stats.duplicateSeconds,
      },
      'state',
    ],
    [
      'micwire_audio_queued_seconds',
      'gauge',
      'Audio that waits for its reader.',
      stats.queuedSeconds,
    ],
    ...processMetrics(),
  ]);
}

/** Returns the resource usage of the process. */
export function processMetrics(): readonly Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    ['process_cpu_seconds_total', 'counter', 'CPU time of the process.', (user + system) / 1e6],
    ['process_resident_memory_bytes', 'gauge', 'Memory of the process.', process.memoryUsage.rss()],
  ];
}

/** Formats metrics as lines of text. */
export function metricLines(metrics: readonly Metric[]): string {
  const lines: string[] = [];
  for (const [name, type, help, value, label = ''] of metrics) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    if (typeof value === 'number') lines.push(`${name} ${value}`);
    else for (const key in value) lines.push(`${name}{${label}="${key}"} ${value[key]}`);
  }
  return `${lines.join('\n')}\n`;
}
