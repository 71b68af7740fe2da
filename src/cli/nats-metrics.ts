import type { NatsGatewayStats, NatsWorkerStats } from '../node/index.ts';
import { metricLines, processMetrics } from '../node/metrics.ts';

/** Figures of a gateway, after those of its `StreamServer`. */
export function gatewayMetrics(stats: NatsGatewayStats): string {
  return metricLines([
    ['micwire_nats_connected', 'gauge', 'Whether NATS is there.', Number(stats.connected)],
    [
      'micwire_nats_disconnects_total',
      'counter',
      'Connections to NATS that were lost.',
      stats.disconnects,
    ],
    [
      'micwire_nats_stored_messages_total',
      'counter',
      'Messages that JetStream has stored.',
      stats.storedMessages,
    ],
    [
      'micwire_nats_duplicate_messages_total',
      'counter',
      'Of those, the ones that were there.',
      stats.duplicateMessages,
    ],
    [
      'micwire_nats_failed_messages_total',
      'counter',
      'Messages that clients had to send again.',
      stats.failedMessages,
    ],
    [
      'micwire_nats_pending_messages',
      'gauge',
      'Messages that JetStream has not answered for.',
      stats.pendingMessages,
    ],
    [
      'micwire_nats_ended_streams_total',
      'counter',
      'Streams whose end is stored.',
      stats.endedStreams,
    ],
    [
      'micwire_nats_ending_streams',
      'gauge',
      'Streams whose end is still to be stored.',
      stats.endingStreams,
    ],
  ]);
}

/** Figures of a worker and its process. */
export function workerMetrics(stats: NatsWorkerStats, isConnected: boolean): string {
  return metricLines([
    ['micwire_nats_connected', 'gauge', 'Whether NATS is there.', Number(isConnected)],
    ['micwire_worker_partitions', 'gauge', 'Partitions that this worker reads.', stats.partitions],
    ['micwire_worker_recordings', 'gauge', 'Files that are open.', stats.openRecordings],
    [
      'micwire_worker_completed_total',
      'counter',
      'Files that are complete.',
      stats.completedRecordings,
    ],
    ['micwire_worker_messages_total', 'counter', 'Messages that came.', stats.messages],
    ['micwire_worker_packets_total', 'counter', 'Packets in them.', stats.packets],
    [
      'micwire_worker_repeated_packets_total',
      'counter',
      'Of those, the ones that were there.',
      stats.repeatedPackets,
    ],
    [
      'micwire_worker_poison_messages_total',
      'counter',
      'Messages that cannot be read, and were put aside.',
      stats.poisonMessages,
    ],
    ['micwire_worker_failures_total', 'counter', 'Failures, such as of a disk.', stats.failures],
    [
      'micwire_worker_restarts_total',
      'counter',
      'Partitions that were begun again at what was not acknowledged.',
      stats.restarts,
    ],
    ...processMetrics(),
  ]);
}
