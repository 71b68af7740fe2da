import type { JsMsg } from '@nats-io/jetstream';
import { PacketError } from '../../core/errors.ts';
import { decodeMessage } from './nats-message.ts';
import type { NatsMessage } from './nats-message.ts';
import { isStreamName } from './nats-options.ts';
import type { WorkGroup } from './nats-options.ts';

/** A turn of a reader that passes messages to a {@link PartitionSink}. */
export interface ReaderTurn {
  /** Aborted when reading has stopped: nothing more may be taken. */
  readonly signal: AbortSignal;
  /** Whether only this stream waits if the sink has to wait for room. Otherwise all streams of the partition wait. */
  readonly isPatient: boolean;
}

/** Processes the messages of partitions: records them, or sends them to a service. */
export interface PartitionSink {
  readonly group: WorkGroup;
  /** JetStream sends a message again if it is not acknowledged within this time, in ms: an acknowledgement was lost. */
  readonly ackWaitMs: number;
  /** When many messages wait, streams whose messages wait for longer than this, in ms, are read separately. */
  readonly patienceMs: number;
  /** Whether it currently takes any messages. If not, reading a stream separately gains nothing. */
  readonly isTaking: boolean;
  /**
   * Takes a message of a stream. Messages of a stream arrive in order, one at a time: the next one arrives when this has settled.
   * @param atMs when it was stored, in ms since 1970
   * @returns `done` settles when the message need not arrive again. Any error concerns this stream, which is suspended and retried
   * @throws PacketError for a message that can never be taken
   * @throws SlowStream if the sink has no room and the turn is not patient
   */
  take(
    id: string,
    said: NatsMessage,
    atMs: number,
    turn: ReaderTurn,
  ): Promise<{ readonly done: Promise<unknown> }>;
  /** Suspends streams that are no longer read: another worker may continue them. Does not reject. */
  suspend(which: (id: string) => boolean): Promise<void>;
  /** Completes pending work before partitions are released. Does not reject. */
  flush(): Promise<void>;
  /** Handles streams that no longer receive messages. Called regularly. */
  tend(which: (id: string) => boolean): Promise<void>;
}

/** Thrown when a stream would keep the others of its partition waiting. The message can be taken again. */
export class SlowStream extends Error {
  constructor(id: string) {
    super(`${id} has no room.`);
  }
}

/** Running totals of readers, and how many streams are paused now. */
export interface ReaderTotals {
  messages: number;
  poison: number;
  failures: number;
  restarts: number;
  /** Number of streams that are paused now, and of pauses so far. */
  paused: number;
  pauses: number;
}

/** Returns the name of the stream that a message belongs to. */
export function streamOf({ subject }: JsMsg): string {
  return subject.slice(subject.lastIndexOf('.') + 1);
}

/** Reads a message. @throws PacketError for a message that gateways do not send */
export function decodeFrom(message: JsMsg): NatsMessage {
  if (!isStreamName(streamOf(message))) {
    throw new PacketError('bad-field', 'The subject has no name of a stream.');
  }
  return decodeMessage((name) => message.headers?.get(name) ?? '', message.data);
}
