import type { ChunkQueue } from '../core/capture/chunk-queue.ts';
import { slotOf } from '../core/capture/chunk.ts';
import type { ChunkFormat } from '../core/capture/chunk.ts';
import type { CaptureHandover } from '../core/messages.ts';

/** What a Worker needs to become the reader of a capture. */
export interface HandoverOptions {
  readonly format: ChunkFormat;
  readonly maxChunks: number;
  readonly ring: SharedArrayBuffer | null;
  /** What this thread has received already. */
  readonly queue: ChunkQueue;
  /** Has the processor send its chunks through this port; resolves when those sent before have come here. */
  readonly pipe: (port: MessagePort) => Promise<void>;
}

/** Makes a Worker the reader: one message, with the chunks that wait here and the way to the rest. */
export async function handOver(worker: Worker, options: HandoverOptions): Promise<void> {
  const { format, maxChunks, ring, queue, pipe } = options;
  const transfer: Transferable[] = [];
  let port: MessagePort | null = null;
  if (ring === null) {
    const channel = new MessageChannel();
    port = channel.port2;
    transfer.push(port);
    await pipe(channel.port1);
  }
  const waiting = queue.drain().map(slotOf);
  for (const { header } of waiting) transfer.push(header.buffer as ArrayBuffer);
  const handover: CaptureHandover = {
    type: 'micwire-capture',
    format,
    maxChunks,
    waiting,
    port,
    ring,
  };
  worker.postMessage(handover, transfer);
}
