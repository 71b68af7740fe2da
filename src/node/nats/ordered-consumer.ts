import type { Consumer, ConsumerInfo, ConsumerMessages } from '@nats-io/jetstream';
import type { NatsLink } from './nats-connection.ts';
import type { NatsSettings } from './nats-options.ts';

const EXPIRES_MS = 5000;
const HEARTBEAT_MS = 1000;

/** Creates a durable consumer that begins at a sequence and requires each message to be acknowledged. */
export function addConsumer(
  { manager, jetstream }: NatsLink,
  { name }: NatsSettings,
  at: {
    readonly consumer: string;
    readonly start: number;
    readonly subject: string;
    /** A message that is not acknowledged within this time is sent again. */
    readonly ackWaitMs: number;
    /** Maximum number of messages sent ahead of the acknowledged ones. */
    readonly maxPending: number;
  },
): Promise<ConsumerInfo> {
  return manager.consumers.add(name, {
    durable_name: at.consumer,
    ack_policy: jetstream.AckPolicy.Explicit,
    ack_wait: at.ackWaitMs * 1e6,
    deliver_policy: jetstream.DeliverPolicy.StartSequence,
    opt_start_seq: at.start,
    max_ack_pending: at.maxPending,
    filter_subject: at.subject,
  });
}

/** Reads from a consumer, at most `batch` messages ahead, until it no longer exists or NATS is silent. */
export function messagesOf(consumer: Consumer, batch: number): Promise<ConsumerMessages> {
  return consumer.consume({
    max_messages: batch,
    expires: EXPIRES_MS,
    idle_heartbeat: HEARTBEAT_MS,
    abort_on_missing_resource: true,
  });
}
