import { describe, expect, it } from 'vitest';
import { PacketError } from '../src/core/errors.ts';
import { decodeMessage, encodeChunks } from '../src/node/nats/nats-message.ts';
import { checkNats, partitionOf } from '../src/node/nats/nats-options.ts';
import { seededRandom } from './helpers/random.ts';
import { PCM, bytesAt } from './helpers/stream-client.ts';

const chunk = (frame: number, frames: number, missing = 0) => ({
  frame,
  frames,
  missing,
  bytes: bytesAt('talk', frame, frames) as Uint8Array<ArrayBuffer>,
});
const headersOf = (headers: Readonly<Record<string, string>>) => (name: string) =>
  headers[name] ?? '';

describe('messages in JetStream', () => {
  it.each([
    ['one', [chunk(0, 320)]],
    ['one after a gap', [chunk(1000, 320, 40)]],
    ['several', [chunk(320, 320), chunk(640, 320), chunk(1000, 17, 40)]],
  ])('have %s', (_, chunks) => {
    const headers = chunks.length > 1 ? { 'Micwire-Packets': String(chunks.length) } : {};
    const said = decodeMessage(headersOf(headers), encodeChunks(PCM, chunks));
    expect(said).toMatchObject({
      type: 'chunks',
      packets: chunks.map(({ frame, frames, bytes, missing }) => ({
        ...PCM,
        frame,
        frames,
        dropped: missing,
        payload: bytes,
      })),
    });
  });

  it('have the end of a stream', () => {
    const headers = { 'Micwire-End': 'bye', 'Micwire-Frame': '640' };
    expect(decodeMessage(headersOf(headers), new Uint8Array(0))).toEqual({
      type: 'end',
      ending: 'bye',
      frame: 640,
    });
  });

  it('throw nothing but a PacketError, for any bytes', () => {
    const random = seededRandom(8);
    const chunks = [chunk(0, 20), chunk(20, 20), chunk(40, 20)];
    let refused = 0;
    for (let i = 0; i < 5000; i++) {
      const count = 1 + Math.floor(random() * 3);
      const message = encodeChunks(PCM, chunks.slice(0, count)).slice(
        0,
        random() < 0.5 ? undefined : Math.floor(random() * 100),
      );
      for (let n = 0; n < 3; n++)
        message[Math.floor(random() * message.length)] = Math.floor(random() * 256);
      const headers = {
        ...(random() < 0.8
          ? {
              'Micwire-Packets': ['2', '3', '0', '-1', 'x', '99999999', '1e3'][
                Math.floor(random() * 7)
              ]!,
            }
          : {}),
        ...(random() < 0.1
          ? { 'Micwire-End': 'bye', 'Micwire-Frame': random() < 0.5 ? '' : '9'.repeat(16) }
          : {}),
      };
      try {
        decodeMessage(headersOf(headers), message);
      } catch (error) {
        expect(error).toBeInstanceOf(PacketError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});

describe('the agreement of gateways and workers', () => {
  it('spreads streams over the partitions', () => {
    const counts = Array.from({ length: 8 }, () => 0);
    for (let i = 0; i < 8000; i++) counts[partitionOf(`mic-${i}`, 8)]!++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(300);
  });

  it.each([
    [{ servers: '' }, /servers must name a NATS server/],
    [{ servers: [] }, /servers must name a NATS server/],
    [{ servers: 'a', name: 'a.b' }, /name must have 1 to 32 characters/],
    [{ servers: 'a', partitions: 0 }, /partitions must lie between 1 and 1024, got 0/],
    [{ servers: 'a', replicas: 1.5 }, /replicas must be an integer/],
    [{ servers: 'a', keepMs: 1 }, /keepMs must lie between/],
  ])('refuses %j', (options, message) => {
    expect(() => checkNats(options)).toThrow(message);
  });
});
