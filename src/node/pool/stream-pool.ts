import { availableParallelism } from 'node:os';
import { integerIn } from '../../core/arguments.ts';
import type { OpusModule } from '../../core/codec/opus-library.ts';
import type { OpusOptions } from '../../core/codec/opus-options.ts';
import { MicwireError } from '../../core/errors.ts';
import { checkStream } from '../../core/format/check-stream.ts';
import { isSampled } from '../../core/format/stream-format.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import { createMeterReading, meterNames } from '../../core/metering/meter-table.ts';
import type { MeterName, MeterReading } from '../../core/metering/meter-table.ts';
import { checkBytes, checkObject, checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { ResamplerQuality } from '../../core/resampler/resampler-plan.ts';
import type { PoolJob, PoolResult } from './pool-messages.ts';
import { PoolThread } from './pool-thread.ts';

/** Options of a {@link StreamPool}. */
export interface StreamPoolOptions {
  /**
   * Number of threads, 1 to 1024.
   * @default one less than the processor can run at once, which leaves one for the event loop; at least 1
   */
  readonly threads?: number | undefined;
  /**
   * libopus, as a compiled module or its bytes: the file `micwire/wasm/libopus.wasm`.
   * @default none: streams of Opus are refused
   */
  readonly opus?: OpusModule | undefined;
  /** Maximum number of bytes of a stream that may wait for its thread. @default 1 MiB */
  readonly maxQueuedBytes?: number | undefined;
  /**
   * Location of `pool-worker.js`, for apps that are bundled without it: in the package, `dist/src/node/pool/pool-worker.js`.
   * @default beside the module
   */
  readonly script?: URL | undefined;
}
const POOL_NAMES = {
  threads: 1,
  opus: 1,
  maxQueuedBytes: 1,
  script: 1,
} satisfies OptionNames<StreamPoolOptions>;

/** Options of a stream of a {@link StreamPool}, which is converted as by `StreamConverter`. */
export interface PooledStreamOptions<Name extends MeterName = MeterName> {
  /** Format of the audio that you write. */
  readonly input: StreamFormat;
  /** Format of the audio that you read. */
  readonly output: StreamFormat;
  /** Length of each output chunk in frames. @default none: a chunk holds all audio that is ready */
  readonly chunkFrames?: number | undefined;
  /** Quality of the resampler. @default 'hq' */
  readonly quality?: ResamplerQuality | undefined;
  /** Options of the encoder, for Opus output. */
  readonly opus?: OpusOptions | undefined;
  /** Meters to run on the output samples. @default none */
  readonly meters?: readonly Name[] | undefined;
}
const STREAM_NAMES = {
  input: 1,
  output: 1,
  chunkFrames: 1,
  quality: 1,
  opus: 1,
  meters: 1,
} satisfies OptionNames<PooledStreamOptions>;

/** Statistics of a {@link StreamPool}. */
export interface StreamPoolStats {
  readonly threads: number;
  /** Number of open streams. */
  readonly streams: number;
  /** Number of threads that have ended by themselves, each together with its streams. */
  readonly lostThreads: number;
}

const MAX_THREADS = 1024;
const MAX_QUEUED_BYTES = 2 ** 30;

/**
 * Converts and measures streams in threads, many streams per thread: Opus to samples, other rates, loudness. The event loop only passes
 * bytes on, so a server can use every processor and stays responsive.
 */
export class StreamPool {
  readonly #settings: {
    readonly script: URL;
    readonly opus: object | undefined;
    readonly maxQueuedBytes: number;
  };
  readonly #threads: PoolThread[];
  #lostThreads = 0;
  #lastStream = 0;
  #isClosed = false;

  /** Starts the threads. @throws TypeError or RangeError for an invalid option */
  constructor(options: StreamPoolOptions = {}) {
    checkOptions('StreamPool', options, POOL_NAMES);
    const { opus, threads, maxQueuedBytes } = options;
    const count = integerIn(
      'threads',
      threads ?? Math.max(1, availableParallelism() - 1),
      1,
      MAX_THREADS,
    );
    if (opus !== undefined) {
      checkObject('opus must be a WebAssembly.Module or the bytes of libopus.wasm', opus);
    }
    this.#settings = {
      script: options.script ?? new URL('./pool-worker.js', import.meta.url),
      opus,
      maxQueuedBytes: integerIn('maxQueuedBytes', maxQueuedBytes ?? 2 ** 20, 1, MAX_QUEUED_BYTES),
    };
    this.#threads = Array.from({ length: count }, () => this.#start());
  }

  get stats(): StreamPoolStats {
    let streams = 0;
    for (const thread of this.#threads) streams += thread.streams;
    return { threads: this.#threads.length, streams, lostThreads: this.#lostThreads };
  }

  /**
   * Opens a stream in the thread with the fewest streams.
   * @throws TypeError or RangeError for an invalid option, as a rejection; MicwireError `'closed'`, `'worker-gone'`
   */
  async open<Name extends MeterName = never>(
    options: PooledStreamOptions<Name>,
  ): Promise<PooledStream<Name>> {
    checkOptions('open', options, STREAM_NAMES);
    const { input, output, meters = [], ...rest } = options;
    checkObject('input must be a stream', input);
    checkObject('output must be a stream', output);
    const names = meters.length === 0 ? [] : meterNames(meters);
    // Options that cannot be posted to a thread are refused here, not there.
    const checked = structuredClone({
      ...rest,
      input: checkStream(input),
      output: checkStream(output),
    });
    if (names.length > 0 && !isSampled(output)) {
      throw new RangeError(`meters need an output of samples, got '${output.format}'.`);
    }
    if (this.#isClosed) throw new MicwireError('closed', 'The pool is closed.');
    for (const [at, { isAlive }] of this.#threads.entries()) {
      if (!isAlive) this.#threads[at] = this.#start();
    }
    const thread = this.#threads.reduce((best, one) => (one.streams < best.streams ? one : best));
    const stream = ++this.#lastStream;
    thread.streams++;
    try {
      await thread.do({ stream, do: 'open', options: { ...checked, meters: names } });
    } catch (error) {
      thread.streams--;
      throw error;
    }
    const { maxQueuedBytes } = this.#settings;
    return new PooledStream<Name>(thread, stream, {
      maxQueuedBytes,
      meters: names,
      channels: output.channels,
    });
  }

  /** Ends the threads; waiting jobs reject with `'closed'`. May be called twice. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #start(): PoolThread {
    const { script, opus } = this.#settings;
    return new PoolThread(script, opus, () => this.#lostThreads++);
  }
}

/** A stream of a {@link StreamPool}. Calls are carried out in order; they need not be awaited one by one. */
export class PooledStream<Name extends MeterName = MeterName> {
  readonly #thread: PoolThread;
  readonly #stream: number;
  readonly #settings: {
    readonly maxQueuedBytes: number;
    readonly meters: readonly Name[];
    readonly channels: number;
  };
  #queuedBytes = 0;
  #closing: Promise<void> | null = null;

  /** @internal */
  constructor(
    thread: PoolThread,
    stream: number,
    settings: {
      readonly maxQueuedBytes: number;
      readonly meters: readonly Name[];
      readonly channels: number;
    },
  ) {
    this.#thread = thread;
    this.#stream = stream;
    this.#settings = settings;
  }

  /** Number of bytes that wait for the thread. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /**
   * Converts bytes.
   * @param bytes samples of any length, or one packet of Opus; they are copied
   * @returns the chunks that are ready now; they belong to the caller
   * @throws PacketError for bytes that are not a packet of Opus: the stream continues; RangeError when more than `maxQueuedBytes`
   *   would wait, which awaiting each call prevents: none of the bytes are taken; MicwireError `'closed'`, or `'worker-gone'` when
   *   the thread has ended: open another stream
   */
  async convert(bytes: Uint8Array): Promise<readonly Uint8Array<ArrayBuffer>[]> {
    const { length } = checkBytes('bytes', bytes);
    const { maxQueuedBytes } = this.#settings;
    if (this.#queuedBytes + length > maxQueuedBytes) {
      throw new RangeError(
        `At most maxQueuedBytes (${maxQueuedBytes}) may wait, got ${length} more than ${this.#queuedBytes}.`,
      );
    }
    this.#queuedBytes += length;
    try {
      return chunksOf(
        await this.#do({ stream: this.#stream, do: 'convert', bytes: new Uint8Array(bytes) }),
      );
    } finally {
      this.#queuedBytes -= length;
    }
  }

  /** Ends the audio. @returns the last chunks @throws as `convert` */
  async finish(): Promise<readonly Uint8Array<ArrayBuffer>[]> {
    return chunksOf(await this.#do({ stream: this.#stream, do: 'finish' }));
  }

  /** Reads the meters. @returns the reading over all output so far @throws TypeError without meters; as `convert` */
  async read(): Promise<MeterReading<Name>> {
    const { meters, channels } = this.#settings;
    if (meters.length === 0) throw new TypeError('meters must be given to open() for read().');
    const result = await this.#do({ stream: this.#stream, do: 'read' });
    const reading = createMeterReading(meters, channels);
    if ('values' in result) reading.values.set(result.values);
    return reading;
  }

  /** Releases the stream's memory, after all earlier calls. Does not reject. */
  close(): Promise<void> {
    this.#closing ??= this.#thread
      .do({ stream: this.#stream, do: 'close' })
      .then(
        () => {},
        () => {},
      )
      .finally(() => this.#thread.streams--);
    return this.#closing;
  }

  #do(job: PoolJob): Promise<PoolResult> {
    if (this.#closing === null) return this.#thread.do(job);
    return Promise.reject(new MicwireError('closed', 'The stream is closed.'));
  }
}

function chunksOf(result: PoolResult): readonly Uint8Array<ArrayBuffer>[] {
  return 'chunks' in result ? result.chunks : [];
}
