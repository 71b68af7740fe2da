import type { NatsGatewayStats, NatsTranscriberStats, NatsWorkerStats } from '../node/index.ts';
import { metricLines } from '../node/metrics.ts';

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

/** Whether a process has NATS. */
export function connectionMetrics(isConnected: boolean): Parameters<typeof metricLines>[0] {
  return [['micwire_nats_connected', 'gauge', 'Whether NATS is there.', Number(isConnected)]];
}

/** Figures of a worker that records. */
export function workerMetrics(stats: NatsWorkerStats): string {
  return metricLines([
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
      'micwire_worker_poison_packets_total',
      'counter',
      'Packets that cannot be used, in messages whose others were.',
      stats.poisonPackets,
    ],
    [
      'micwire_worker_paused_streams',
      'gauge',
      'Streams whose file cannot be written: each is tried again.',
      stats.pausedStreams,
    ],
    ['micwire_worker_pauses_total', 'counter', 'How often a stream was paused.', stats.pauses],
    [
      'micwire_worker_restarts_total',
      'counter',
      'Partitions that were begun again at what was not acknowledged.',
      stats.restarts,
    ],
  ]);
}

/** Figures of a worker whose streams a speech service hears. */
export function transcriberMetrics(stats: NatsTranscriberStats): string {
  const { givenFrames, takenFrames, waitingFrames } = stats;
  return metricLines([
    [
      'micwire_transcriber_partitions',
      'gauge',
      'Partitions that this worker reads.',
      stats.partitions,
    ],
    ['micwire_transcriber_streams', 'gauge', 'Streams under way.', stats.streams],
    [
      'micwire_transcriber_connected_streams',
      'gauge',
      'Of those, the ones whose service is there.',
      stats.connectedStreams,
    ],
    [
      'micwire_transcriber_frames_total',
      'counter',
      'Frames for the service.',
      { given: givenFrames, taken: takenFrames },
      'state',
    ],
    [
      'micwire_transcriber_waiting_frames',
      'gauge',
      'Frames that the service has not taken.',
      waitingFrames,
    ],
    ['micwire_transcriber_messages_total', 'counter', 'Messages that came.', stats.messages],
    ['micwire_transcriber_packets_total', 'counter', 'Packets in them.', stats.packets],
    [
      'micwire_transcriber_texts_total',
      'counter',
      'Texts that came.',
      { final: stats.finalTexts, partial: stats.texts - stats.finalTexts },
      'kind',
    ],
    [
      'micwire_transcriber_ended_streams_total',
      'counter',
      'Streams that are over.',
      stats.endedStreams,
    ],
    [
      'micwire_transcriber_refused_streams_total',
      'counter',
      'Of those, the ones that the service did not want.',
      stats.refusedStreams,
    ],
    [
      'micwire_transcriber_poison_messages_total',
      'counter',
      'Messages that cannot be read, and were put aside.',
      stats.poisonMessages,
    ],
    [
      'micwire_transcriber_failures_total',
      'counter',
      'Failures, such as of the service.',
      stats.failures,
    ],
    [
      'micwire_transcriber_poison_packets_total',
      'counter',
      'Packets that cannot be used, in messages whose others were.',
      stats.poisonPackets,
    ],
    [
      'micwire_transcriber_paused_streams',
      'gauge',
      'Streams that are read apart: the service has failed them, or is slow.',
      stats.pausedStreams,
    ],
    ['micwire_transcriber_pauses_total', 'counter', 'How often a stream was paused.', stats.pauses],
    [
      'micwire_transcriber_restarts_total',
      'counter',
      'Partitions that were begun again at what was not acknowledged.',
      stats.restarts,
    ],
  ]);
}
