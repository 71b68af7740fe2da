import type { StreamServerStats } from './stream-server.ts';

/** A figure of a process in the text format of Prometheus, version 0.0.4. */
interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly value: (stats: StreamServerStats) => number | Readonly<Record<string, number>>;
  /** Name of the label that tells the values of a record apart. */
  readonly label?: string;
}

const METRICS: readonly Metric[] = [
  {
    name: 'micwire_connections',
    type: 'gauge',
    help: 'WebSockets that are open.',
    value: ({ connections }) => connections,
  },
  {
    name: 'micwire_streams',
    type: 'gauge',
    help: 'Streams that are not over, connected or not.',
    value: ({ streams }) => streams,
  },
  {
    name: 'micwire_connections_accepted_total',
    type: 'counter',
    help: 'WebSockets that were taken.',
    value: ({ acceptedConnections }) => acceptedConnections,
  },
  {
    name: 'micwire_streams_accepted_total',
    type: 'counter',
    help: 'Streams that began.',
    value: ({ acceptedStreams }) => acceptedStreams,
  },
  {
    name: 'micwire_refused_total',
    type: 'counter',
    help: 'Connections that were not taken, by reason.',
    label: 'reason',
    value: ({ refused }) => refused,
  },
  {
    name: 'micwire_failures_total',
    type: 'counter',
    help: 'Failures of this side, such as of a disk.',
    value: ({ failures }) => failures,
  },
  {
    name: 'micwire_pauses_total',
    type: 'counter',
    help: 'How often a connection was held back, by its rate or its reader.',
    value: ({ pauses }) => pauses,
  },
  {
    name: 'micwire_audio_seconds_total',
    type: 'counter',
    help: 'Audio of all streams: received = delivered + queued + dropped.',
    label: 'state',
    value: (stats) => ({
      received: stats.receivedSeconds,
      delivered: stats.deliveredSeconds,
      dropped: stats.droppedSeconds,
      missing: stats.missingSeconds,
      duplicate: stats.duplicateSeconds,
    }),
  },
  {
    name: 'micwire_audio_queued_seconds',
    type: 'gauge',
    help: 'Audio that waits for its reader.',
    value: ({ queuedSeconds }) => queuedSeconds,
  },
];

/** Media type of {@link metricsText}. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The figures of a `StreamServer` and of its process, for Prometheus to fetch. */
export function metricsText(stats: StreamServerStats): string {
  const lines: string[] = [];
  for (const { name, type, help, value, label = '' } of METRICS) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    const values = value(stats);
    if (typeof values === 'number') lines.push(`${name} ${values}`);
    else for (const key in values) lines.push(`${name}{${label}="${key}"} ${values[key]}`);
  }
  const { user, system } = process.cpuUsage();
  lines.push(
    '# HELP process_cpu_seconds_total CPU time of the process.',
    '# TYPE process_cpu_seconds_total counter',
    `process_cpu_seconds_total ${(user + system) / 1e6}`,
    '# HELP process_resident_memory_bytes Memory of the process.',
    '# TYPE process_resident_memory_bytes gauge',
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
  );
  return `${lines.join('\n')}\n`;
}
