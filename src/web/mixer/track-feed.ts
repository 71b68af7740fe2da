import { BlockReader } from '../../core/align/block-reader.ts';
import type { AudioBlockReader } from '../../core/align/block-reader.ts';
import type { BlocksWorkerCommand, BlocksWorkerEvent } from '../../core/messages.ts';
import { BLOCKS_WORKER } from '../blocks-worker.ts';
import { startWorker } from '../worker-loader.ts';
import type { WorkerUrl } from '../worker-loader.ts';

/** How long a source waits for the Worker, in ms; after that its blocks pass through this thread. */
const START_MS = 2000;
/** How long the Worker stays alive without a track, in ms: it has to release the last one first. */
const END_MS = 1000;
/** How many blocks of 10 ms may wait for a busy thread: further ones would be too late in any case. */
const MOST_WAITING = 50;

/** Chromium implements it for audio (Media Capture Transform §4); the compiler's DOM library lacks it. */
type TrackProcessor = new (init: { readonly track: MediaStreamTrack; maxBufferSize?: number }) => {
  readonly readable: ReadableStream<object>;
};

/** Receives a track's blocks. */
export interface TrackFeedListener {
  /** Called before blocks of this rate. */
  rate(sampleRate: number): void;
  /** Called with the port through which blocks go straight to the audio thread. */
  pipe(port: MessagePort): void;
  /** Called with a block, where there is no Worker. The channels belong to the listener until it returns them by `giveBack`. */
  block(timestampMs: number, sampleRate: number, channels: Float32Array<ArrayBuffer>[]): void;
  /** The track has ended. */
  end(): void;
}

/** The Worker that reads all tracks of the page, while there are any; null if it is not available. */
let worker: Promise<Worker | null> | undefined;
let users = 0;
let feeds = 0;

/**
 * Reads the blocks of a track with their capture times, which Web Audio's nodes do not expose. Reads in a Worker, so that a busy
 * page loses no audio, or on this thread if there is no Worker.
 */
export class TrackFeed {
  readonly #listener: TrackFeedListener;
  readonly #feed = ++feeds;
  #reader: BlockReader | null = null;
  #worker: Worker | null = null;
  #closed = false;

  /** True if the engine exposes a track's blocks to pages. */
  static get isSupported(): boolean {
    return trackProcessor() !== undefined;
  }

  /** @param id id of the source, for the audio thread */
  constructor(
    track: MediaStreamTrack,
    id: number,
    workerUrl: WorkerUrl | undefined,
    listener: TrackFeedListener,
  ) {
    this.#listener = listener;
    users++;
    worker ??=
      typeof Worker === 'function'
        ? startWorker(BLOCKS_WORKER, workerUrl, START_MS).catch(() => null)
        : Promise.resolve(null);
    void this.#open(track, id);
  }

  /** Takes back the channels that `block` passed on. */
  giveBack(channels: readonly Float32Array<ArrayBuffer>[]): void {
    this.#reader?.giveBack(channels);
  }

  /** Stops reading. The track continues. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader?.close();
    this.#worker?.removeEventListener('message', this.#onMessage);
    this.#tell({ type: 'close', feed: this.#feed });
    if (--users === 0) setTimeout(endWorker, END_MS);
  }

  async #open(track: MediaStreamTrack, id: number): Promise<void> {
    const started = await worker!;
    if (this.#closed) return;
    // Opened only now: blocks that had waited for the Worker would be late.
    const Processor = trackProcessor()!;
    const { readable } = new Processor({ track, maxBufferSize: MOST_WAITING });
    const { port1, port2 } = new MessageChannel();
    try {
      if (started === null) throw new Error('There is no Worker.');
      const command = { type: 'read', feed: this.#feed, id, readable, port: port2 } as const;
      started.postMessage(command, [readable, port2] as Transferable[]);
      started.addEventListener('message', this.#onMessage);
      this.#worker = started;
      this.#listener.pipe(port1);
    } catch {
      this.#reader = new BlockReader(readable.getReader() as AudioBlockReader, this.#listener);
    }
  }

  readonly #onMessage = ({ data }: MessageEvent<BlocksWorkerEvent>): void => {
    if (data.type === 'loaded' || data.feed !== this.#feed) return;
    if (data.type === 'rate') this.#listener.rate(data.sampleRate);
    else this.#listener.end();
  };

  #tell(command: BlocksWorkerCommand): void {
    this.#worker?.postMessage(command);
  }
}

/** Ends the Worker, unless another feed has started using it. */
function endWorker(): void {
  if (users > 0) return;
  void worker?.then((started) => started?.terminate());
  worker = undefined;
}

function trackProcessor(): TrackProcessor | undefined {
  const { MediaStreamTrackProcessor: processor } = globalThis as {
    MediaStreamTrackProcessor?: TrackProcessor;
  };
  return typeof processor === 'function' ? processor : undefined;
}
