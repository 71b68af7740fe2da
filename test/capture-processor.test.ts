import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { ChunkQueue } from '../src/core/capture/chunk-queue.ts';
import { RingReader, receiveDelivery } from '../src/core/capture/chunk-receiver.ts';
import { Chunk, HEADER_BYTES, longestPayload } from '../src/core/capture/chunk.ts';
import type { ChunkOptions } from '../src/core/capture/chunk.ts';
import { allocateRing } from '../src/core/dsp/ring-buffer.ts';
import type { SampleFormat } from '../src/core/format/formats.ts';
import type { StreamFormat } from '../src/core/format/stream-format.ts';
import { planResampler } from '../src/core/resampler/resampler-planner.ts';
import type {
  CaptureDelivery,
  CaptureEvent,
  MessagePortLike,
  CaptureProcessorOptions,
} from '../src/core/messages.ts';
import { createWorkletScope } from '../src/testing/index.ts';
import type { ScopeNode, WorkletScope } from '../src/testing/index.ts';
import { sine } from './helpers/signals.ts';
import { eventually } from './helpers/eventually.ts';

const STREAM: StreamFormat<SampleFormat> = { sampleRate: 48000, channels: 1, format: 's16' };
const CHUNKS: ChunkOptions<SampleFormat> = { stream: STREAM, encoding: 'binary' };

/** A processor, and what it has sent. Buffers come back while `recycling`. */
class Bench {
  readonly scope: WorkletScope;
  readonly node: ScopeNode;
  readonly events: CaptureEvent[] = [];
  readonly chunks: Chunk[] = [];
  recycling = true;
  readonly #chunks: ChunkOptions<SampleFormat>;

  constructor(scope: WorkletScope, options: Partial<CaptureProcessorOptions>) {
    this.scope = scope;
    const processorOptions: CaptureProcessorOptions = {
      ...CHUNKS,
      dither: 'none',
      chunkDurationMs: 20,
      payloadBytes: longestPayload({ ...CHUNKS, ...options }, 20),
      slots: 4,
      resampler: null,
      ring: null,
      ...options,
    };
    this.#chunks = processorOptions;
    this.node = scope.createNode('micwire-capture', { outputChannelCount: [1], processorOptions });
    this.node.port.onmessage = ({ data }): void => this.#take(data as CaptureEvent);
  }

  /** So many quanta of `signal`, or of silence; messages are delivered between them. */
  run(quanta: number, signal: readonly Float32Array[] = []): void {
    for (let i = 0; i < quanta; i++) {
      this.node.setInput(0, signal, i * this.scope.quantum);
      this.scope.render();
      this.scope.deliver();
    }
  }

  tell(command: unknown, transfer: unknown[] = []): void {
    this.node.port.postMessage(command, transfer);
    this.scope.deliver();
  }

  types(): string[] {
    return this.events.map(({ type }) => type);
  }

  #take(event: CaptureEvent): void {
    this.events.push(event);
    if (event.type !== 'chunk') return;
    this.chunks.push(new Chunk(this.#chunks, event));
    if (!this.recycling) return;
    const { header, bytes } = event;
    this.node.port.postMessage({ type: 'recycle', header, bytes }, [header.buffer]);
  }
}

let scope: WorkletScope | undefined;
afterEach(() => scope?.close());

async function bench(
  options: Partial<CaptureProcessorOptions> = {},
  sampleRate = 48000,
): Promise<Bench> {
  scope = createWorkletScope({ sampleRate });
  await scope.addModule(() => import('../worklets/capture.ts'));
  return new Bench(scope, options);
}

test('a sine becomes chunks of its samples', async () => {
  const rig = await bench();
  const signal = sine({ frequency: 440, sampleRate: 48000, frames: 4800 });
  rig.run(38, [signal]);
  expect(rig.chunks.map(({ sequence, frame, frames }) => [sequence, frame, frames])).toEqual([
    [0, 0, 960],
    [1, 960, 960],
    [2, 1920, 960],
    [3, 2880, 960],
    [4, 3840, 960],
  ]);
  const samples = rig.chunks.flatMap(({ bytes }) => [...new Int16Array(bytes.buffer)]);
  samples.forEach((sample, i) => {
    const exact = Math.min(32767, signal[i]! * 32768);
    if (Math.abs(sample - exact) > 0.5) throw new Error(`sample ${i} is ${sample}, not ${exact}`);
  });
});

test('silence is captured too: an unconnected input takes as much time', async () => {
  const rig = await bench();
  rig.run(15);
  expect(rig.chunks.map(({ frames }) => frames)).toEqual([960, 960]);
  expect(rig.chunks.every(({ bytes }) => bytes.every((byte) => byte === 0))).toBe(true);
});

test('without buffers it drops, counts, and continues when they are returned', async () => {
  const rig = await bench({ slots: 2 });
  rig.recycling = false;
  rig.run(45);
  expect(rig.chunks).toHaveLength(2);
  const held = rig.events.filter((event) => event.type === 'chunk');
  rig.recycling = true;
  for (const { header, bytes } of held) {
    rig.tell({ type: 'recycle', header, bytes }, [header.buffer]);
  }
  rig.run(30);
  const next = rig.chunks[2]!;
  expect(next.sequence).toBe(2);
  expect(next.frame).toBe(45 * 128);
  expect(next.dropped).toBe(45 * 128 - 2 * 960);
  rig.tell({ type: 'close' });
  const closed = rig.events.find((event) => event.type === 'closed')!;
  const delivered = rig.chunks.reduce((sum, { frames }) => sum + frames, 0);
  expect(closed).toMatchObject({ captured: 75 * 128, delivered, dropped: next.dropped });
  expect(closed.captured).toBe(closed.delivered + closed.dropped);
});

test('every buffer belongs to the pool: buffers are reused, and foreign ones are refused', async () => {
  const rig = await bench({ slots: 2 });
  const stranger = { header: new Float64Array(8), bytes: new Uint8Array(7) };
  rig.tell({ type: 'recycle', ...stranger });
  // One too many of the right size.
  rig.tell({ type: 'recycle', header: new Float64Array(8), bytes: new Uint8Array(1920) });
  rig.recycling = false;
  rig.run(45);
  expect(rig.chunks).toHaveLength(2);
});

test('pause sends the unfinished chunk, and resume continues without a gap in frames', async () => {
  const rig = await bench({
    stream: { ...STREAM, sampleRate: 16000 },
    resampler: planResampler({ inputRate: 48000, outputRate: 16000 }),
  });
  rig.run(10);
  rig.tell({ type: 'pause' });
  expect(rig.chunks.map(({ frames }) => frames)).toEqual([320, Math.round(1280 / 3) - 320]);
  expect(rig.types().at(-1)).toBe('paused');
  rig.run(100);
  expect(rig.chunks).toHaveLength(2);
  rig.tell({ type: 'resume' });
  rig.run(10);
  const { frame, contextTime, dropped } = rig.chunks[2]!;
  expect([frame, dropped]).toEqual([427, 0]);
  expect(contextTime).toBeCloseTo((110 * 128) / 48000, 9);
});

test('a pause that holds keeps the unfinished chunk, and later audio fills it', async () => {
  const rig = await bench();
  rig.run(10, [new Float32Array(1280).fill(0.25)]);
  rig.tell({ type: 'pause', hold: true });
  expect(rig.types()).toEqual(['chunk', 'paused']);
  rig.run(20);
  rig.tell({ type: 'resume' });
  rig.run(5, [new Float32Array(640).fill(0.5)]);
  expect(rig.chunks.map(({ frame, frames, dropped }) => [frame, frames, dropped])).toEqual([
    [0, 960, 0],
    [960, 960, 0],
  ]);
  const samples = new Int16Array(rig.chunks[1]!.bytes.buffer);
  expect([samples[319], samples[320]]).toEqual([8192, 16384]);
});

test('close sends the unfinished chunk and ends the processor, and later commands change nothing', async () => {
  const rig = await bench();
  rig.run(10);
  rig.tell({ type: 'close' });
  rig.tell({ type: 'close' });
  rig.tell({ type: 'ping' });
  expect(rig.types()).toEqual(['chunk', 'chunk', 'end', 'closed']);
  expect(rig.chunks.map(({ frames }) => frames)).toEqual([960, 320]);
  expect(rig.events.at(-1)).toEqual({
    type: 'closed',
    frame: 1280,
    captured: 1280,
    delivered: 1280,
    dropped: 0,
  });
  rig.run(10);
  expect(rig.node.alive).toBe(false);
  expect(rig.events).toHaveLength(4);
});

test('a ping is answered by the next quantum, even while paused', async () => {
  const rig = await bench();
  rig.tell({ type: 'pause' });
  rig.tell({ type: 'ping' });
  expect(rig.types()).toEqual(['paused']);
  rig.run(3);
  expect(rig.events.at(-1)).toEqual({
    type: 'pong',
    frame: 128,
    captured: 0,
    delivered: 0,
    runs: false,
  });
  expect(rig.events).toHaveLength(2);
});

test('through a port of its own: earlier chunks arrive on the first port, later ones on the new port, in order', async () => {
  const rig = await bench();
  rig.run(10);
  const { port1, port2 } = new MessageChannel();
  const queue = new ChunkQueue(100, 960);
  port2.on('message', (delivery: CaptureDelivery) => {
    receiveDelivery(delivery, port2 as unknown as MessagePortLike, CHUNKS, queue);
  });
  rig.tell({ type: 'pipe', port: port1 }, [port1]);
  expect(rig.types()).toEqual(['chunk', 'piped']);
  // More than the pool holds, so that buffers must come back this way.
  for (let i = 0; i < 20; i++) {
    rig.run(10);
    await rig.scope.settle();
  }
  rig.tell({ type: 'close' });
  await eventually(() => expect(queue.ended).toBe(true));
  port2.close();
  expect(rig.types()).toEqual(['chunk', 'piped', 'closed']);
  // The first chunk came by the node's port.
  const queued = 210 * 128 - 960;
  expect(queue.stats).toEqual({
    capturedFrames: queued,
    deliveredFrames: 0,
    queuedFrames: queued,
    droppedFrames: 0,
  });
  let sequence = 1;
  for await (const chunk of queue) expect(chunk.sequence).toBe(sequence++);
  expect(sequence).toBe(28);
});

test('through shared memory nothing is posted, and the counts are the same', async () => {
  const ring = allocateRing(4, HEADER_BYTES + longestPayload(CHUNKS, 20));
  const rig = await bench({ ring });
  const queue = new ChunkQueue(100);
  const sleep = (): Promise<void> => Promise.reject(new Error('nobody polls here'));
  new RingReader({ memory: ring, chunks: CHUNKS, queue, sleep });
  for (let i = 0; i < 10; i++) {
    rig.run(10);
    await rig.scope.settle();
  }
  // Nobody reads while this renders.
  rig.run(60);
  rig.tell({ type: 'close' });
  await eventually(() => expect(queue.ended).toBe(true));
  expect(rig.types()).toEqual(['closed']);
  const {
    capturedFrames: captured,
    deliveredFrames: delivered,
    queuedFrames: queued,
    droppedFrames: dropped,
  } = queue.stats;
  expect(captured).toBe(160 * 128);
  expect(rig.events[0]).toMatchObject({ captured, delivered: queued, dropped });
  expect([delivered, dropped > 0]).toEqual([0, true]);
  expect(queued + dropped).toBe(captured);
});

test('a stopped reader of the ring leaves it to the next reader', async () => {
  const ring = allocateRing(8, HEADER_BYTES + longestPayload(CHUNKS, 20));
  const rig = await bench({ ring });
  const first = new ChunkQueue(100);
  const sleep = (): Promise<void> => Promise.reject(new Error('nobody polls here'));
  const reader = new RingReader({ memory: ring, chunks: CHUNKS, queue: first, sleep });
  rig.run(20);
  await rig.scope.settle();
  reader.stop();
  rig.run(20);
  await rig.scope.settle();
  expect(first.stats.queuedFrames).toBe(2 * 960);
  const second = new ChunkQueue(100);
  new RingReader({ memory: ring, chunks: CHUNKS, queue: second, sleep });
  rig.tell({ type: 'close' });
  await eventually(() => expect(second.ended).toBe(true));
  expect((await second[Symbol.asyncIterator]().next()).value?.sequence).toBe(2);
});
