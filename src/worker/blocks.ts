/**
 * The Worker that reads tracks for a `SourceMixer`: a separate script, `dist/worker/blocks.js`. Blocks go straight to the audio
 * thread, whatever the page's main thread does.
 */
import { BlockReader } from '../core/align/block-reader.ts';
import type { AudioBlockReader } from '../core/align/block-reader.ts';
import type {
  BlocksWorkerCommand,
  BlocksWorkerEvent,
  MixerDelivery,
  MixerEvent,
} from '../core/messages.ts';

declare const self: DedicatedWorkerGlobalScope;

const closers = new Map<number, () => void>();

function tell(event: BlocksWorkerEvent): void {
  self.postMessage(event);
}

function read({ feed, id, readable, port }: Extract<BlocksWorkerCommand, { type: 'read' }>): void {
  const stream = readable as ReadableStream;
  const reader = new BlockReader(stream.getReader() as AudioBlockReader, {
    rate: (sampleRate) => tell({ type: 'rate', feed, sampleRate }),
    block: (timestampMs, sampleRate, channels) => {
      const delivery: MixerDelivery = { type: 'block', id, timestampMs, sampleRate, channels };
      port.postMessage(
        delivery,
        channels.map(({ buffer }) => buffer),
      );
    },
    end: () => tell({ type: 'ended', feed }),
  });
  port.addEventListener('message', ({ data }) => {
    const event = data as MixerEvent;
    if (event.type === 'buffers') reader.giveBack(event.channels);
  });
  port.start();
  closers.set(feed, () => {
    reader.close();
    port.close();
  });
}

self.onmessage = ({ data }: MessageEvent<BlocksWorkerCommand>): void => {
  if (data.type === 'read') read(data);
  else {
    closers.get(data.feed)?.();
    closers.delete(data.feed);
  }
};

tell({ type: 'loaded' });
