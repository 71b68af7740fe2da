import { opusCodec } from '../../core/codec/opus-codec.ts';
import { OpusLibrary } from '../../core/codec/opus-library.ts';
import { MicwireError, PacketError } from '../../core/errors.ts';
import { SampleDecoder } from '../../core/format/sample-format.ts';
import { isSampled } from '../../core/format/stream-format.ts';
import { MeterBank } from '../../core/metering/meter-bank.ts';
import { StreamConverter } from '../../core/resampler/stream-converter.ts';
import type { PoolFailure, PoolJob, PoolResult, ThreadStreamOptions } from './pool-messages.ts';

/** Number of frames that are metered at a time. */
const METER_FRAMES = 1024;
const NOTHING: PoolResult = { chunks: [] };

/** The streams of one thread. Jobs run one after the other. */
export class ThreadStreams {
  readonly #opus: object | undefined;
  readonly #streams = new Map<number, ThreadStream>();

  /** @param opus libopus, as a module or its bytes; undefined to refuse Opus */
  constructor(opus: object | undefined) {
    this.#opus = opus;
  }

  /** Runs jobs. @returns the result of each job; an error of one job does not affect the others. */
  run(jobs: readonly PoolJob[]): PoolResult[] {
    return jobs.map((job) => {
      try {
        return this.#run(job);
      } catch (error) {
        return { failure: failureOf(error) };
      }
    });
  }

  #run(job: PoolJob): PoolResult {
    if (job.do === 'open') {
      const codec =
        this.#opus === undefined
          ? undefined
          : opusCodec(OpusLibrary.shared(this.#opus), job.options.opus);
      this.#streams.set(job.stream, new ThreadStream(job.options, codec));
      return NOTHING;
    }
    const stream = this.#streams.get(job.stream);
    if (stream === undefined) throw new MicwireError('closed', 'The stream is closed.');
    switch (job.do) {
      case 'convert':
        return { chunks: stream.convert(job.bytes) };
      case 'finish':
        return { chunks: stream.finish() };
      case 'read':
        return { values: stream.read() };
      case 'close':
        this.#streams.delete(job.stream);
        stream.close();
        return NOTHING;
    }
  }
}

/** A converter, and meters for its output. */
class ThreadStream {
  readonly #converter: StreamConverter;
  readonly #bank: MeterBank | null;
  readonly #decoder: SampleDecoder | null;
  readonly #planes: readonly Float32Array[];

  constructor(options: ThreadStreamOptions, codec: ReturnType<typeof opusCodec> | undefined) {
    const { input, output, chunkFrames, quality, meters } = options;
    const sampled = isSampled(output) && meters.length > 0 ? output : null;
    this.#decoder = sampled && new SampleDecoder(sampled);
    this.#planes = Array.from({ length: output.channels }, () => new Float32Array(METER_FRAMES));
    const { sampleRate, channels } = output;
    // In TypeScript: WebAssembly would need a separate memory for each stream.
    this.#bank = sampled && new MeterBank({ sampleRate, channels, meters });
    // Last, because it takes memory that must be released.
    this.#converter = new StreamConverter({ input, output, chunkFrames, quality, codec });
  }

  convert(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
    return this.#metered(this.#converter.convert(bytes));
  }

  finish(): Uint8Array<ArrayBuffer>[] {
    return this.#metered(this.#converter.finish());
  }

  read(): Float64Array {
    const bank = this.#bank;
    if (bank === null) throw new TypeError('meters must be given to open() for read().');
    const reading = bank.createReading();
    bank.read(reading);
    return reading.values;
  }

  close(): void {
    this.#converter.close();
    this.#bank?.close();
  }

  #metered(chunks: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer>[] {
    const decoder = this.#decoder;
    if (this.#bank === null || decoder === null) return chunks;
    for (const chunk of chunks) {
      const frames = chunk.length / decoder.bytesPerFrame;
      for (let at = 0; at < frames; at += METER_FRAMES) {
        const count = Math.min(METER_FRAMES, frames - at);
        decoder.decode(chunk, at * decoder.bytesPerFrame, count, this.#planes, 0);
        this.#bank.process(this.#planes, 0, count);
      }
    }
    return chunks;
  }
}

function failureOf(error: unknown): PoolFailure {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof PacketError) return { name, message, code: error.reason };
  if (error instanceof MicwireError) return { name, message, code: error.code };
  return { name, message };
}
