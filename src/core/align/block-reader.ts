/** A block of a track's audio: the part of `AudioData` (WebCodecs §9.2) that is used. */
interface AudioBlock {
  readonly sampleRate: number;
  readonly numberOfFrames: number;
  readonly numberOfChannels: number;
  /** Microseconds on the system's clock. */
  readonly timestamp: number;
  copyTo(destination: Float32Array, options: { planeIndex: number; format: 'f32-planar' }): void;
  close(): void;
}

/** A reader of blocks (Streams §4.3). The core knows no platform's types. */
export interface AudioBlockReader {
  read(): Promise<{ readonly done: boolean; readonly value?: AudioBlock | undefined }>;
  cancel(): Promise<void>;
}

/** Most buffers that the pool keeps for later blocks. */
const MOST_KEPT = 50;

/** Receives a track's blocks. */
export interface BlockListener {
  /** The blocks that follow have this rate. */
  rate(sampleRate: number): void;
  /** Takes a block. The channels are the listener's until it gives them back. */
  block(timestampMs: number, sampleRate: number, channels: Float32Array<ArrayBuffer>[]): void;
  /** The track has ended. */
  end(): void;
}

/** Reads the blocks of a track with the time at which each was captured, on any thread. */
export class BlockReader {
  readonly #reader: AudioBlockReader;
  readonly #listener: BlockListener;
  readonly #pool: Float32Array<ArrayBuffer>[] = [];
  #sampleRate = 0;
  #closed = false;

  constructor(reader: AudioBlockReader, listener: BlockListener) {
    this.#reader = reader;
    this.#listener = listener;
    void this.#read();
  }

  /** Takes back the channels that `block` passed on. */
  giveBack(channels: readonly Float32Array<ArrayBuffer>[]): void {
    if (!this.#closed && this.#pool.length < MOST_KEPT) this.#pool.push(...channels);
  }

  /** Stops reading. The track continues. */
  close(): void {
    this.#closed = true;
    this.#pool.length = 0;
    this.#reader.cancel().catch(() => {});
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done || value === undefined) break;
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
    const { sampleRate } = block;
    if (sampleRate !== this.#sampleRate) {
      this.#sampleRate = sampleRate;
      this.#listener.rate(sampleRate);
    }
    const channels: Float32Array<ArrayBuffer>[] = [];
    for (let planeIndex = 0; planeIndex < block.numberOfChannels; planeIndex++) {
      const channel = this.#channel(block.numberOfFrames);
      block.copyTo(channel, { planeIndex, format: 'f32-planar' });
      channels.push(channel);
    }
    this.#listener.block(block.timestamp / 1000, sampleRate, channels);
  }

  /** Takes a buffer from the pool if it fits: the blocks of a track have the same length. */
  #channel(frames: number): Float32Array<ArrayBuffer> {
    const channel = this.#pool.pop();
    return channel?.length === frames ? channel : new Float32Array(frames);
  }
}
