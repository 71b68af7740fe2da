import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect } from 'vitest';
import { joinBytes } from '../../src/core/bytes.ts';
import type { AcceptedStream, StreamChunk } from '../../src/node/accepted-stream.ts';

export const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The client's end of a connection, and what came to it. */
export class Client {
  readonly socket: Socket;
  readonly received: Buffer[] = [];
  isEnded = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (slice) => this.received.push(slice));
    this.socket.on('error', () => {});
    this.socket.on('close', () => (this.isEnded = true));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.received);
  }

  send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  /** Sends in pieces of random lengths, each by itself. */
  async sendInPieces(bytes: Uint8Array, random: () => number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const length = 1 + Math.floor(random() ** 4 * 4000);
      await this.send(bytes.subarray(at, at + length));
      if (random() < 0.02) await wait(1);
      at += length;
    }
  }
}

/** Connects a client to a server that takes the connection. */
export async function connected<Taken>(take: (socket: Socket) => Taken): Promise<[Client, Taken]> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const taken = new Promise<{ readonly taken: Taken }>((resolve) => {
    server.once('connection', (socket: Socket) => {
      cleanups.push(() => socket.destroy());
      resolve({ taken: take(socket) });
    });
  });
  const client = new Client((server.address() as AddressInfo).port);
  cleanups.push(() => {
    client.socket.destroy();
    server.close();
  });
  return [client, (await taken).taken];
}

export async function readAll(stream: AcceptedStream): Promise<StreamChunk[]> {
  const chunks: StreamChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** Chunks are these bytes, without a gap, and all of what was received is somewhere. */
export function expectBytes(
  stream: AcceptedStream,
  chunks: readonly StreamChunk[],
  bytes: Uint8Array,
) {
  let end = 0;
  for (const chunk of chunks) {
    expect(chunk.frame).toBe(end);
    expect(chunk.missing).toBe(0);
    end = chunk.frame + chunk.frames;
  }
  expect(Buffer.compare(joinBytes(chunks.map((chunk) => chunk.bytes)), bytes)).toBe(0);
  const { stats } = stream;
  expect(stats.deliveredFrames).toBe(end);
  expect(stats.receivedFrames).toBe(
    stats.deliveredFrames + stats.queuedFrames + stats.droppedFrames,
  );
}
