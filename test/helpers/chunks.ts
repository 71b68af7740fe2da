import {
  Chunk,
  HEADER_BYTES,
  longestPayload,
  slotIn,
  HEADER,
} from '../../src/core/capture/chunk.ts';
import type { ChunkOptions } from '../../src/core/capture/chunk.ts';
import type { ChunkSink, ChunkSlot } from '../../src/core/capture/chunk-sinks.ts';
import { SampleDecoder } from '../../src/core/format/sample-format.ts';
import type { SampleFormat } from '../../src/core/format/formats.ts';

/** A sink in the same thread, that keeps a copy of each chunk. */
export class CollectingSink implements ChunkSink {
  readonly chunks: Chunk[] = [];
  /** What `end` said; undefined before. */
  ended: number | undefined;
  /** Whether there is a free slot. */
  free = true;
  readonly #options: ChunkOptions<SampleFormat>;
  readonly #slot: ChunkSlot;

  constructor(options: ChunkOptions<SampleFormat>, chunkDurationMs: number) {
    this.#options = options;
    const length = longestPayload(options, chunkDurationMs);
    this.#slot = slotIn(new ArrayBuffer(HEADER_BYTES + length), 0, length);
  }

  acquire(): ChunkSlot | undefined {
    return this.free ? this.#slot : undefined;
  }

  commit(): void {
    this.chunks.push(new Chunk(this.#options, this.#slot));
    // What is not written again must not be read again.
    this.#slot.bytes.fill(0x55);
    this.#slot.header.fill(NaN);
  }

  end(captured: number): void {
    this.ended = captured;
  }
}

/** A chunk of so many frames of silence. */
export function silentChunk(fields: {
  readonly sequence: number;
  readonly frame: number;
  readonly frames: number;
  readonly dropped?: number;
}): Chunk {
  const stream = { sampleRate: 8000, channels: 1, format: 's16' } as const;
  const slot = slotIn(new ArrayBuffer(HEADER_BYTES + fields.frames * 2), 0, fields.frames * 2);
  slot.header[HEADER.sequence] = fields.sequence;
  slot.header[HEADER.frame] = fields.frame;
  slot.header[HEADER.frames] = fields.frames;
  slot.header[HEADER.dropped] = fields.dropped ?? 0;
  slot.header[HEADER.byteLength] = fields.frames * 2;
  return new Chunk({ stream, encoding: 'binary' }, slot);
}

/** The samples of a chunk, planar. */
export function samplesOf(chunk: Chunk): Float32Array[] {
  const output = Array.from({ length: chunk.channels }, () => new Float32Array(chunk.frames));
  new SampleDecoder(chunk).decode(chunk.bytes, 0, chunk.frames, output, 0);
  return output;
}
