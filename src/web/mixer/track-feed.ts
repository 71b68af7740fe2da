import { BlockReader } from '../../core/align/block-reader.ts';
import type { AudioBlockReader } from '../../core/align/block-reader.ts';
import type { BlocksWorkerCommand, BlocksWorkerEvent } from '../../core/messages.ts';
import { BLOCKS_WORKER } from '../blocks-worker.ts';
import { startWorker } from '../worker-loader.ts';
import type { WorkerUrl } from '../worker-loader.ts';

/** How long a source waits for the Worker, ms: then its blocks pass this thread. */
const START_MS = 2000;
/** How long the Worker stays without a track, ms: it lets go of the last one first. */
const END_MS = 1000;
/** How many blocks of 10 ms wait for a thread that is busy: later ones than that come too late in any case. */
const MOST_WAITING = 50;

/** Chromium has it for audio (Media Capture Transform §4); the compiler's DOM library does not. */
type TrackProcessor = new (init: { readonly track: MediaStreamTrack; maxBufferSize?: number }) => {
  readonly readable: ReadableStream<object>;
};

/** What becomes of a track's blocks. */
export interface TrackFeedListener {
  /** Blocks of this rate follow. */
  rate(sampleRate: number): void;
  /** Blocks come through this port, straight to the audio thread. */
  pipe(port: MessagePort): void;
  /** A block, where there is no Worker. The channels are the listener's, until it gives them back. */
  block(timestampMs: number, sampleRate: number, channels: Float32Array<ArrayBuffer>[]): void;
  /** The track has ended. */
  end(): void;
}

/** One Worker reads all tracks of the page, while there are any. Null: it cannot be had. */
let worker: Promise<Worker | null> | undefined;
let users = 0;
let feeds = 0;

/**
 * Reads the blocks of a track with the time at which each was captured, which Web Audio's own nodes do not tell: in a Worker,
 * so that a busy page costs nothing, or on this thread if there is none.
 */
export class TrackFeed {
  readonly #listener: TrackFeedListener;
  readonly #feed = ++feeds;
  #reader: BlockReader | null = null;
  #worker: Worker | null = null;
  #closed = false;

  /** Whether the engine gives a track's blocks to pages. */
  static get isSupported(): boolean {
    return trackProcessor() !== undefined;
  }

  /** @param id of the source, for the audio thread */
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

  /** Takes back what `block` gave away. */
  giveBack(channels: readonly Float32Array<ArrayBuffer>[]): void {
    this.#reader?.giveBack(channels);
  }

  /** Reads no more. The track continues. */
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
    // Only now: what waited for the Worker would come late.
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

/** Unless another feed has come meanwhile. */
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
