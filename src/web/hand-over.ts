import type { ChunkQueue } from '../core/capture/chunk-queue.ts';
import { slotOf } from '../core/capture/chunk.ts';
import { MicwireError, errorText } from '../core/errors.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import type { CaptureHandover, MessagePortLike } from '../core/messages.ts';
import type { WorkerWatch } from './worker-watch.ts';

/**
 * Sends a capture, and the chunks that wait in `queue`, to the Worker that will read it.
 *
 * @throws MicwireError `'worker-gone'` when the capture cannot be posted: the chunks are then still in the queue
 */
export function handOver<Format extends PayloadFormat>(
  worker: Worker | MessagePort,
  reader: WorkerWatch,
  queue: ChunkQueue<Format>,
  {
    stream,
    encoding,
    port,
    ring,
  }: Pick<CaptureHandover, 'stream' | 'encoding' | 'ring'> & { readonly port: MessagePort | null },
): void {
  const firstFrame = queue.handoverFrame;
  const { droppedChunks, maxChunks } = queue;
  const chunks = queue.drain();
  const waiting = chunks.map(slotOf);
  const transfer: Transferable[] = [reader.control];
  if (port !== null) transfer.push(port);
  for (const { header } of waiting) transfer.push(header.buffer as ArrayBuffer);
  const handover: CaptureHandover = {
    type: 'micwire-capture',
    stream,
    encoding,
    maxChunks,
    firstFrame,
    droppedChunks,
    waiting,
    port: port as MessagePortLike | null,
    ring,
    control: reader.control as MessagePortLike,
    lock: reader.lock,
  };
  try {
    worker.postMessage(handover, transfer);
  } catch (cause) {
    queue.restore(chunks);
    reader.end(null);
    throw new MicwireError('worker-gone', `${NOT_POSTED} ${errorText(cause)}`, { cause });
  }
  reader.watch();
}

const NOT_POSTED =
  'The capture could not be sent to the Worker. Read it on the page, or call pipeToWorker() with another Worker.';
