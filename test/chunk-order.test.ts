import { describe, expect, it } from 'vitest';
import { ChunkOrder } from '../src/node/nats/chunk-order.ts';
import { seededRandom } from './helpers/random.ts';
import { bytesAt } from './helpers/stream-client.ts';

const chunk = (frame: number, frames: number, missing = 0) => ({
  frame,
  frames,
  missing,
  bytes: bytesAt('talk', frame, frames) as Uint8Array<ArrayBuffer>,
});

/** First frame, frames, and frames missing before. */
const told = (chunks: readonly { frame: number; frames: number; missing: number }[]) =>
  chunks.map(({ frame, frames, missing }) => [frame, frames, missing]);

describe('ChunkOrder', () => {
  it('delivers every frame once and in order, however chunks are cut, repeated and shuffled', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const order = new ChunkOrder(2, 0);
      const total = 4000;
      const sent: [frame: number, frames: number][] = [];
      for (let round = 0; round < 2; round++) {
        for (let frame = 0; frame < total;) {
          const frames = Math.min(total - frame, 1 + Math.floor(random() * 300));
          sent.push([frame, frames]);
          frame += frames;
        }
      }
      // Each moves by a few places.
      for (let i = 0; i + 1 < sent.length; i++) {
        const j = Math.min(sent.length - 1, i + Math.floor(random() * 6));
        [sent[i], sent[j]] = [sent[j]!, sent[i]!];
      }
      let next = 0;
      for (const [frame, frames] of sent) {
        for (const due of order.push(chunk(frame, frames))) {
          expect(due.frame).toBe(next);
          expect(due.missing).toBe(0);
          expect(due.bytes).toEqual(bytesAt('talk', due.frame, due.frames));
          next += due.frames;
        }
        const { received, delivered, held, duplicate } = order.stats;
        expect(received).toBe(delivered + held + duplicate);
      }
      expect(next).toBe(total);
      expect(order.stats).toMatchObject({ delivered: total, held: 0, missing: 0 });
    }
  });

  it('does not wait for frames that their sender reports as missing', () => {
    const order = new ChunkOrder(2, null);
    expect(told(order.push(chunk(100, 10)))).toEqual([[100, 10, 0]]);
    expect(told(order.push(chunk(150, 10, 40)))).toEqual([[150, 10, 40]]);
    expect(order.stats.missing).toBe(40);
  });

  it('reports a hole that is given up, and counts audio that arrives later in it as duplicate', () => {
    const order = new ChunkOrder(2, 0);
    expect(order.push(chunk(10, 10))).toEqual([]);
    expect(order.push(chunk(30, 10))).toEqual([]);
    expect(told(order.giveUp())).toEqual([[10, 10, 10]]);
    expect(order.push(chunk(0, 10))).toEqual([]);
    expect(told(order.push(chunk(20, 10)))).toEqual([
      [20, 10, 0],
      [30, 10, 0],
    ]);
    expect(order.stats).toEqual({
      received: 40,
      delivered: 30,
      held: 0,
      duplicate: 10,
      missing: 10,
    });
  });

  it('begins within a chunk of samples, and at the start of a packet that it cannot cut', () => {
    expect(told(new ChunkOrder(2, 25).push(chunk(20, 10)))).toEqual([[25, 5, 0]]);
    expect(told(new ChunkOrder(0, 25).push(chunk(20, 10)))).toEqual([[20, 10, 0]]);
  });

  it('holds a bounded number of chunks', () => {
    const order = new ChunkOrder(2, 0);
    for (let i = 0; i < 10_000; i++) order.push(chunk(10 + 20 * i, 10));
    expect(order.stats.held).toBeLessThanOrEqual(4096 * 10);
    expect(order.stats.delivered + order.stats.held).toBe(100_000);
  });
});
