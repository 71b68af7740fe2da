/** One block of a track's audio (WebCodecs §9.2, `AudioData`); what is used of it. */
interface AudioBlock {
  readonly sampleRate: number;
  readonly numberOfFrames: number;
  readonly numberOfChannels: number;
  /** Microseconds on the system's clock. */
  readonly timestamp: number;
  copyTo(destination: Float32Array, options: { planeIndex: number; format: 'f32-planar' }): void;
  close(): void;
}

/** Chromium has it for audio (Media Capture Transform §4); the compiler's DOM library does not. */
type TrackProcessor = new (init: { readonly track: MediaStreamTrack; maxBufferSize?: number }) => {
  readonly readable: ReadableStream<AudioBlock>;
};

/** How many blocks of 10 ms wait for this thread while it is busy: later ones than that come too late in any case. */
const MOST_WAITING = 50;

/** What becomes of a track's blocks. */
export interface TrackFeedListener {
  /** Blocks of this rate follow. */
  rate(sampleRate: number): void;
  /** The channels are the listener's, until it gives them back. */
  block(timestampMs: number, channels: Float32Array<ArrayBuffer>[]): void;
  /** The track has ended. */
  end(): void;
}

/** Reads the blocks of a track with the time at which each was captured, which Web Audio's own nodes do not tell. */
export class TrackFeed {
  readonly #listener: TrackFeedListener;
  readonly #reader: ReadableStreamDefaultReader<AudioBlock>;
  readonly #pool: Float32Array<ArrayBuffer>[] = [];
  #sampleRate = 0;
  #closed = false;

  /** Whether the engine gives a track's blocks to this thread. */
  static get isSupported(): boolean {
    return trackProcessor() !== undefined;
  }

  constructor(track: MediaStreamTrack, listener: TrackFeedListener) {
    this.#listener = listener;
    const Processor = trackProcessor()!;
    this.#reader = new Processor({ track, maxBufferSize: MOST_WAITING }).readable.getReader();
    void this.#read();
  }

  /** Takes back what `block` gave away. */
  giveBack(channels: readonly Float32Array<ArrayBuffer>[]): void {
    if (!this.#closed && this.#pool.length < MOST_WAITING) this.#pool.push(...channels);
  }

  /** Reads no more. The track continues. */
  close(): void {
    this.#closed = true;
    this.#pool.length = 0;
    this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        this.#take(value);
        value.close();
      }
    } catch {
      // The track is gone.
    }
    if (!this.#closed) this.#listener.end();
  }

  #take(block: AudioBlock): void {
    if (this.#closed || block.numberOfFrames === 0) return;
    if (block.sampleRate !== this.#sampleRate) {
      this.#sampleRate = block.sampleRate;
      this.#listener.rate(block.sampleRate);
    }
    const channels: Float32Array<ArrayBuffer>[] = [];
    for (let planeIndex = 0; planeIndex < block.numberOfChannels; planeIndex++) {
      const channel = this.#channel(block.numberOfFrames);
      block.copyTo(channel, { planeIndex, format: 'f32-planar' });
      channels.push(channel);
    }
    this.#listener.block(block.timestamp / 1000, channels);
  }

  /** One from the pool where it fits: blocks of a track are of one length. */
  #channel(frames: number): Float32Array<ArrayBuffer> {
    const channel = this.#pool.pop();
    return channel?.length === frames ? channel : new Float32Array(frames);
  }
}

function trackProcessor(): TrackProcessor | undefined {
  const { MediaStreamTrackProcessor: processor } = globalThis as {
    MediaStreamTrackProcessor?: TrackProcessor;
  };
  return typeof processor === 'function' ? processor : undefined;
}
