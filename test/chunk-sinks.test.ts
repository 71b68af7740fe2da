import { expect, test } from 'vitest';
import { CapturePipeline } from '../src/core/capture/capture-pipeline.ts';
import type { FrameWriter } from '../src/core/capture/capture-pipeline.ts';
import { Chunk, HEADER_BYTES, slotIn, slotOf } from '../src/core/capture/chunk.ts';
import { PoolSink, RingSink, ringSlots } from '../src/core/capture/chunk-sinks.ts';
import { RingBuffer, allocateRing } from '../src/core/dsp/ring-buffer.ts';
import { planResampler } from '../src/core/resampler/resampler-planner.ts';

const PAYLOAD_BYTES = 16;

/** What a port was given. */
class PortLog {
  readonly posted: { message: Record<string, unknown>; transfer: ArrayBuffer[] }[] = [];

  postMessage(message: unknown, transfer: ArrayBuffer[]): void {
    const copy = { ...(message as Record<string, unknown>) };
    this.posted.push({ message: copy, transfer: [...transfer] });
  }
}

function slot(payloadBytes = PAYLOAD_BYTES) {
  return slotIn(new ArrayBuffer(HEADER_BYTES + payloadBytes), 0, payloadBytes);
}

test('PoolSink posts each buffer once, with a transfer, until none is left', () => {
  const port = new PortLog();
  const sink = new PoolSink(port, 3, PAYLOAD_BYTES);
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 3; i++) {
    expect(sink.out).toBe(i);
    const { header, bytes } = sink.acquire()!;
    expect([header.length, bytes.length]).toEqual([8, PAYLOAD_BYTES]);
    expect(header.buffer).toBe(bytes.buffer);
    sink.commit();
    const { message, transfer } = port.posted.at(-1)!;
    expect(message).toMatchObject({ type: 'chunk', header, bytes });
    expect(transfer).toEqual([bytes.buffer]);
    buffers.add(bytes.buffer);
  }
  expect(buffers.size).toBe(3);
  expect(sink.acquire()).toBeUndefined();
});

test('PoolSink accepts as many returned buffers as are out, of its own length, and no others', () => {
  const port = new PortLog();
  const sink = new PoolSink(port, 2, PAYLOAD_BYTES);
  // None is out: a buffer more would be one too many.
  sink.recycle(slot());
  for (let i = 0; i < 2; i++) {
    expect(sink.acquire()).toBeDefined();
    sink.commit();
  }
  expect(sink.acquire()).toBeUndefined();
  sink.recycle(slot(PAYLOAD_BYTES - 1));
  sink.recycle(slot(0));
  expect(sink.acquire()).toBeUndefined();
  expect(sink.out).toBe(2);
  const back = slot();
  sink.recycle(back);
  expect(sink.out).toBe(1);
  const again = sink.acquire()!;
  expect(again.header).toBe(back.header);
  expect(again.bytes).toBe(back.bytes);
  sink.commit();
  expect(port.posted.at(-1)!.transfer).toEqual([back.bytes.buffer]);
  sink.recycle(slot());
  sink.recycle(slot());
  sink.recycle(slot());
  expect(sink.out).toBe(0);
});

test('PoolSink makes new buffers for those lost with their reader, and posts to another port from then on', () => {
  const first = new PortLog();
  const second = new PortLog();
  const sink = new PoolSink(first, 2, PAYLOAD_BYTES);
  sink.acquire();
  sink.commit();
  sink.acquire();
  sink.commit();
  sink.refill();
  expect(sink.out).toBe(0);
  sink.redirect(second);
  expect(sink.acquire()!.bytes.length).toBe(PAYLOAD_BYTES);
  sink.commit();
  sink.end(123);
  expect(first.posted.length).toBe(2);
  expect(second.posted.map(({ message }) => message['type'])).toEqual(['chunk', 'end']);
  expect(second.posted[1]).toEqual({ message: { type: 'end', captured: 123 }, transfer: [] });
});

test('RingSink writes slots in order where the reader finds them, has none while the ring is full, and signals its end', () => {
  const memory = allocateRing(2, HEADER_BYTES + PAYLOAD_BYTES);
  const sink = new RingSink(memory);
  const reader = new RingBuffer(memory);
  const slots = ringSlots(reader);
  expect(slots.map(({ bytes }) => bytes.length)).toEqual([PAYLOAD_BYTES, PAYLOAD_BYTES]);
  for (let round = 0; round < 5; round++) {
    expect(reader.readable()).toBe(-1);
    for (const mark of [1, 2]) {
      const { header, bytes } = sink.acquire()!;
      header[0] = 10 * round + mark;
      bytes.fill(mark);
      sink.commit();
    }
    expect(sink.acquire()).toBeUndefined();
    for (const mark of [1, 2]) {
      const { header, bytes } = slots[reader.readable()]!;
      expect(header[0]).toBe(10 * round + mark);
      expect([...bytes]).toEqual(new Array(PAYLOAD_BYTES).fill(mark));
      reader.release();
    }
  }
  expect(reader.closed).toBe(false);
  sink.end(77);
  expect(reader.closed).toBe(true);
  expect(reader.note[0]).toBe(77);
});

/** Counts, and remembers the frames at which runs began. */
class CountingWriter implements FrameWriter {
  readonly sampleRate = 16_000;
  readonly delivered = 0;
  frame = 0;
  dropped = 0;
  readonly runs: [frame: number, contextTime: number][] = [];

  beginRun(contextTime: number): void {
    this.runs.push([this.frame, contextTime]);
  }
  restart(): boolean {
    return false;
  }
  skip(frames: number): void {
    if (frames <= 0) return;
    this.frame += frames;
    this.dropped += frames;
  }
  write(_: readonly Float32Array[], frames: number): void {
    this.frame += frames;
  }
  finishChunk(): void {}
}

test('after missing quanta the next frame is at its time to the nearest frame of the wire', () => {
  const inputRate = 44_100;
  const resampler = planResampler({ inputRate, outputRate: 16_000 });
  const writer = new CountingWriter();
  const pipeline = new CapturePipeline({ channels: 1, inputRate, resampler, writer });
  const input = [new Float32Array(128)];
  let contextFrame = 1000;
  const began = contextFrame;
  pipeline.process(input, 128, contextFrame);
  const rounding = { up: 0, down: 0 };
  for (let gap = 0; gap < 40; gap++) {
    contextFrame += 128;
    pipeline.process(input, 128, contextFrame);
    contextFrame += 128 * (20 + gap);
    pipeline.process(input, 128, contextFrame);
    const exact = ((contextFrame - began) * 16_000) / inputRate;
    rounding[exact % 1 >= 0.5 ? 'up' : 'down']++;
    expect(writer.runs.at(-1)).toEqual([Math.round(exact), contextFrame / inputRate]);
  }
  expect(Math.min(rounding.up, rounding.down)).toBeGreaterThan(5);
  expect(writer.runs.length).toBe(41);
});

test.each(['binary', 'base64'] as const)(
  'a chunk that crosses threads as a slot is unchanged: %s',
  (encoding) => {
    const stream = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
    const text = 'AAECAw==';
    const payload =
      encoding === 'binary' ? Uint8Array.of(0, 1, 2, 3) : Uint8Array.from(Buffer.from(text));
    const sent = slot();
    // In the order of the header: sequence, frame, frames, context time, dropped and bytes.
    sent.header.set([7, 320, 2, 0.25, 9, payload.length]);
    sent.bytes.set(payload);
    const chunk = new Chunk({ stream, encoding }, sent);
    const copy = new Chunk({ stream, encoding }, slotOf(chunk));
    expect(copy).toMatchObject({ sequence: 7, frame: 320, frames: 2, contextTime: 0.25 });
    expect([copy.dropped, copy.base64, ...copy.bytes]).toEqual([9, text, 0, 1, 2, 3]);
    expect(copy.timestamp).toBe(20_000);
  },
);

test('a chunk requires the slot that it copies', () => {
  const stream = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
  expect(() => new Chunk({ stream, encoding: 'binary' }, undefined as never)).toThrow(
    /^slot must be a ChunkSlot/,
  );
});
