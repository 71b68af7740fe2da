import { expect, it } from 'vitest';
import { PoolSink } from '../src/core/capture/chunk-sinks.ts';
import { HEADER_BYTES, slotIn } from '../src/core/capture/chunk.ts';
import type { ChunkSlot } from '../src/core/capture/chunk-sinks.ts';

const PAYLOAD_BYTES = 64;

/** A port that keeps what is posted, as the reader does. */
function pool(slots: number) {
  const posted: ChunkSlot[] = [];
  const port = {
    postMessage(message: unknown) {
      const { header, bytes } = message as ChunkSlot;
      posted.push({ header, bytes });
    },
    addEventListener() {},
    start() {},
    close() {},
  };
  return { sink: new PoolSink(port, slots, PAYLOAD_BYTES), posted };
}

const stranger = (payloadBytes: number): ChunkSlot =>
  slotIn(new ArrayBuffer(HEADER_BYTES + payloadBytes), 0, payloadBytes);

it('accepts returned buffers of its own size, and no others', () => {
  const { sink, posted } = pool(2);
  for (let i = 0; i < 2; i++) {
    expect(sink.acquire()).toBeDefined();
    sink.commit();
  }
  expect(sink.acquire()).toBeUndefined();
  for (const bytes of [0, 8, PAYLOAD_BYTES - 8, PAYLOAD_BYTES + 8]) {
    sink.recycle(stranger(bytes));
    expect(sink.acquire()).toBeUndefined();
  }
  sink.recycle(posted[0]!);
  expect(sink.acquire()?.bytes).toBe(posted[0]!.bytes);
  expect(sink.acquire()).toBeUndefined();
});

it('never holds more buffers than it was made with', () => {
  const { sink } = pool(2);
  sink.acquire();
  sink.commit();
  for (let i = 0; i < 5; i++) sink.recycle(stranger(PAYLOAD_BYTES));
  let free = 0;
  while (sink.acquire() !== undefined) free++;
  expect(free).toBe(2);
});
