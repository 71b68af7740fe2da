import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import type { StreamFormat } from '../../src/core/format/stream-format.ts';
import { NatsGateway } from '../../src/node/index.ts';
import type { StreamChunk } from '../../src/node/index.ts';
import { encodeChunks } from '../../src/node/nats/nats-message.ts';
import { partitionOf, subjects } from '../../src/node/nats/nats-options.ts';
import type { NatsServer } from './nats-server.ts';
import { PCM, bytesAt } from './stream-client.ts';

/** Names of streams of one partition. */
export function neighbours(count: number): string[] {
  const names: string[] = [];
  for (let i = 0; names.length < count; i++) {
    if (partitionOf(`mic-${i}`, 8) === 0) names.push(`mic-${i}`);
  }
  return names;
}

/** Puts messages into JetStream as gateways do, each as the test wants it. */
export class NatsPublisher {
  readonly connection: NatsConnection;

  private constructor(connection: NatsConnection) {
    this.connection = connection;
  }

  static async connect(nats: NatsServer): Promise<NatsPublisher> {
    // Makes the stream.
    await (await NatsGateway.connect({ servers: nats.url })).close();
    return new NatsPublisher(await connect({ servers: nats.url }));
  }

  /** Says frames of a stream, with the bytes that a `StreamClient` of that name would send. @returns the message's sequence */
  say(id: string, frame: number, frames: number): Promise<number> {
    return this.send(id, PCM, [{ frame, frames, bytes: bytesAt(id, frame, frames), missing: 0 }]);
  }

  /** @returns the message's sequence */
  async send(
    id: string,
    format: StreamFormat,
    chunks: readonly (Omit<StreamChunk, 'bytes'> & { readonly bytes: Uint8Array })[],
  ): Promise<number> {
    const data = encodeChunks(format, chunks as readonly StreamChunk[]);
    const header = headers();
    if (chunks.length > 1) header.set('Micwire-Packets', String(chunks.length));
    return this.#publish(id, data, header);
  }

  /** Says that a stream is over. */
  async over(id: string, frame = 0): Promise<void> {
    const header = headers();
    header.set('Micwire-End', 'bye');
    header.set('Micwire-Frame', String(frame));
    await this.#publish(id, new Uint8Array(0), header);
  }

  /** Messages that the consumers of a group have not acknowledged. @throws where not every partition has a consumer */
  async unacknowledged(prefix: string): Promise<number> {
    const manager = await jetstreamManager(this.connection);
    const partitions = new Set<string>();
    let count = 0;
    for await (const { name, num_pending, num_ack_pending } of manager.consumers.list('MICWIRE')) {
      if (!name.startsWith(prefix)) continue;
      partitions.add(name.slice(0, name.lastIndexOf('-')));
      count += num_pending + num_ack_pending;
    }
    if (partitions.size < 8) throw new Error(`${partitions.size} partitions have a consumer.`);
    return count;
  }

  async end(): Promise<void> {
    await this.connection.close();
  }

  async #publish(
    id: string,
    data: Uint8Array,
    header: ReturnType<typeof headers>,
  ): Promise<number> {
    const subject = subjects.stream('MICWIRE', 8, id);
    const { seq } = await jetstream(this.connection).publish(subject, data, { headers: header });
    return seq;
  }
}
