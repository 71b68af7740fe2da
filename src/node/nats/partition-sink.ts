import type { JsMsg } from '@nats-io/jetstream';
import { PacketError } from '../../core/errors.ts';
import { decodeMessage } from './nats-message.ts';
import type { NatsMessage } from './nats-message.ts';
import { isStreamName } from './nats-options.ts';
import type { WorkGroup } from './nats-options.ts';

/** The reader that hands messages to a {@link PartitionSink}, and how long it does. */
export interface ReaderTurn {
  /** Nothing is read any more: nothing more may be taken. */
  readonly signal: AbortSignal;
  /** Whether only this stream waits where the sink has to wait for room. Otherwise all streams of a partition do. */
  readonly isPatient: boolean;
}

/** What is done with the messages of partitions: they are recorded, or heard by a service. */
export interface PartitionSink {
  readonly group: WorkGroup;
  /** JetStream sends a message again that is not acknowledged for so long, ms: an acknowledgement was lost. */
  readonly ackWaitMs: number;
  /** Where much waits, streams whose messages wait for longer than this, ms, are read apart from the others. */
  readonly patienceMs: number;
  /** Whether it takes anything at present. Otherwise nothing is won by reading a stream apart. */
  readonly isTaking: boolean;
  /**
   * Takes a message of a stream. Those of a stream come one after the other, in order: while this waits, no other comes.
   * @param atMs when it was stored, ms since 1970
   * @returns settles when the message need not come again. Any error is one of this stream: it is suspended, and tried again
   * @throws PacketError for a message that cannot be taken, however often it comes
   * @throws SlowStream where the turn is not patient
   */
  take(
    id: string,
    said: NatsMessage,
    atMs: number,
    turn: ReaderTurn,
  ): Promise<{ readonly done: Promise<unknown> }>;
  /** Some streams are read no more: another worker may continue them. Does not reject. */
  suspend(which: (id: string) => boolean): Promise<void>;
  /** Does what is near its end, before partitions are given up in good order. Does not reject. */
  flush(): Promise<void>;
  /** Looks after streams that nothing comes of. Called now and then. */
  tend(which: (id: string) => boolean): Promise<void>;
}

/** A stream would keep the others of its partition waiting. Nothing of the message was taken that may not come again. */
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
  /** Streams that are paused now, and how often one was. */
  paused: number;
  pauses: number;
}

/** The stream that a message is of. */
export function streamOf({ subject }: JsMsg): string {
  return subject.slice(subject.lastIndexOf('.') + 1);
}

/** Reads a message. @throws PacketError for one that gateways do not send */
export function decodeFrom(message: JsMsg): NatsMessage {
  if (!isStreamName(streamOf(message))) {
    throw new PacketError('bad-field', 'The subject has no name of a stream.');
  }
  return decodeMessage((name) => message.headers?.get(name) ?? '', message.data);
}
