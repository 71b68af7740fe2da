import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect } from 'vitest';
import { bytesPerFrame } from '../../src/core/format/stream-format.ts';
import { rtpFraming } from '../../src/core/framing/rtp.ts';
import type { RtpStreamOptions } from '../../src/core/rtp/rtp-stream.ts';
import type { StreamChunk } from '../../src/node/accepted-stream.ts';
import { RtpSocket } from '../../src/node/rtp-socket.ts';
import type { RtpSocketOptions } from '../../src/node/rtp-socket.ts';
import { eventually } from './eventually.ts';
import { bytesAt } from './stream-client.ts';

export const L16 = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
export const PCMU = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
export const PCMA = { format: 'alaw', sampleRate: 8000, channels: 1 } as const;
export const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;
export const STREAMS: readonly RtpStreamOptions[] = [
  L16,
  PCMU,
  PCMA,
  OPUS,
  { format: 's16', sampleRate: 44_100, channels: 2 },
  { format: 's24', sampleRate: 48_000, channels: 2 },
  { ...OPUS, sampleRate: 16_000, payloadType: 100 },
  { ...L16, payloadType: 101 },
];
/** Longer than any test: what is lost is waited for until the socket is closed. */
export const PATIENT_MS = 10_000;

export const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export async function open(options: RtpSocketOptions): Promise<RtpSocket> {
  const socket = await RtpSocket.open(options);
  cleanups.push(() => socket.close());
  return socket;
}

/** A bare socket, and what came to it. */
export async function bare(host = '127.0.0.1'): Promise<{
  readonly socket: Socket;
  readonly port: number;
  readonly messages: Buffer[];
  post(message: Uint8Array, to: RtpSocket): Promise<void>;
}> {
  const socket = createSocket('udp4');
  const messages: Buffer[] = [];
  socket.on('message', (message) => messages.push(message));
  socket.bind(0, host);
  await once(socket, 'listening');
  cleanups.push(() => new Promise<void>((resolve) => socket.close(resolve)));
  return {
    socket,
    port: socket.address().port,
    messages,
    post: (message, to) =>
      new Promise((resolve, reject) => {
        socket.send(message, to.address.port, '127.0.0.1', (error) =>
          error === null ? resolve() : reject(error),
        );
      }),
  };
}

export interface Sent {
  readonly frame: number;
  readonly frames: number;
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly message: Uint8Array<ArrayBuffer>;
}

/** Packets of 20 ms of a stream, whose bytes tell which they are. */
export function packets(
  stream: RtpStreamOptions,
  count: number,
  seed = 'rtp',
  redundancy = 0,
): Sent[] {
  const encoder = rtpFraming.createEncoder({
    ssrc: 0x1234_5678,
    sequenceOffset: 65_500,
    timestampOffset: 2 ** 32 - 1000,
    ...stream,
  });
  encoder.redundancy = redundancy;
  const frames = stream.sampleRate / 50;
  return Array.from({ length: count }, (_, i) => {
    const frame = i * frames;
    const frameBytes = bytesPerFrame(stream);
    // Opus: a code for 20 ms of one frame, and whatever follows it.
    const payload =
      frameBytes > 0
        ? Uint8Array.from(bytesAt(seed, frame, frames, frameBytes))
        : Uint8Array.of(0xf8, ...bytesAt(seed, i * 20, 20 + (i % 9), 1));
    const message = encoder.encode({
      format: stream.format,
      sampleRate: stream.sampleRate,
      channels: stream.channels,
      sequence: i,
      frame,
      frames,
      timestamp: 0,
      dropped: 0,
      payload,
    });
    return { frame, frames, payload, message };
  });
}

export async function readAll(socket: RtpSocket): Promise<StreamChunk[]> {
  const chunks: StreamChunk[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return chunks;
}

export const plain = (chunks: readonly StreamChunk[]) =>
  chunks.map(({ frame, frames, bytes, missing }) => ({
    frame,
    frames,
    missing,
    bytes: Array.from(bytes),
  }));

/** What a reader must get of packets of which only some come. */
export function expected(sent: readonly Sent[]): ReturnType<typeof plain> {
  const base = sent[0]?.frame ?? 0;
  let end = base;
  return sent.map(({ frame, frames, payload }) => {
    const missing = frame - end;
    end = frame + frames;
    return { frame: frame - base, frames, missing, bytes: Array.from(payload) };
  });
}

/** Chunks follow each other without a gap that is not told, and all of what was received is somewhere. */
export function expectAccounted(socket: RtpSocket, chunks: readonly StreamChunk[]): void {
  let end = 0;
  let frames = 0;
  for (const chunk of chunks) {
    expect(chunk.frame).toBe(end + chunk.missing);
    end = chunk.frame + chunk.frames;
    frames += chunk.frames;
  }
  const { stats } = socket;
  expect(stats.deliveredFrames).toBe(frames);
  expect(stats.receivedFrames).toBe(
    stats.deliveredFrames + stats.queuedFrames + stats.droppedFrames,
  );
}

export const came = (socket: RtpSocket, count: number) =>
  eventually(() => expect(socket.stats.receivedPackets).toBe(count), { interval: 2 });
