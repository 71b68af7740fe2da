import type { OpusOptions } from '../../core/codec/opus-options.ts';
import type { StreamFormat } from '../../core/format/stream-format.ts';
import type { MeterName } from '../../core/metering/meter-table.ts';
import type { ResamplerQuality } from '../../core/resampler/resampler-plan.ts';

/** Options of a stream in a thread. */
export interface ThreadStreamOptions {
  readonly input: StreamFormat;
  readonly output: StreamFormat;
  readonly chunkFrames?: number | undefined;
  readonly quality?: ResamplerQuality | undefined;
  readonly opus?: OpusOptions | undefined;
  readonly meters: readonly MeterName[];
}

/** A job that a thread does for a stream. */
export type PoolJob =
  | { readonly stream: number; readonly do: 'open'; readonly options: ThreadStreamOptions }
  | { readonly stream: number; readonly do: 'convert'; readonly bytes: Uint8Array }
  | { readonly stream: number; readonly do: 'finish' }
  | { readonly stream: number; readonly do: 'read' }
  | { readonly stream: number; readonly do: 'close' };

/** The result of a job, in the order of the jobs. `values` are those of a reading. */
export type PoolResult =
  | { readonly chunks: readonly Uint8Array<ArrayBuffer>[] }
  | { readonly values: Float64Array }
  | { readonly failure: PoolFailure };

/** An error in the form that passes between threads. */
export interface PoolFailure {
  readonly name: string;
  readonly message: string;
  /** Code of a `MicwireError`, or the reason of a `PacketError`. */
  readonly code?: string | undefined;
}
