import type { CaptureStats, Chunk, PayloadFormat } from '../../src/web/index.ts';

/** What a reader has made of the chunks it got. */
export interface Account {
  readonly stats: CaptureStats;
  readonly chunks: number;
  /** Chunks whose number or first frame is not what the one before and their own `dropped` make it. */
  readonly faults: number;
  /** Largest difference between `contextTime` and `frame` from the first chunk on, in µs. */
  readonly clockErrorUs: number;
}

/** Reads to the end and checks every chunk against the one before. */
export async function audit(
  chunks: AsyncIterable<Chunk<PayloadFormat>> & { readonly stats: CaptureStats },
): Promise<Account> {
  let count = 0;
  let faults = 0;
  let next = 0;
  let clockErrorUs = 0;
  let first: Chunk<PayloadFormat> | undefined;
  for await (const chunk of chunks) {
    first ??= chunk;
    if (chunk.frame !== next + chunk.dropped) faults++;
    if (chunk.bytes.length !== chunk.frames * 2) faults++;
    next = chunk.frame + chunk.frames;
    count++;
    const elapsed = (chunk.frame - first.frame) / chunk.sampleRate;
    const error = Math.abs(chunk.contextTime - first.contextTime - elapsed) * 1e6;
    clockErrorUs = Math.max(clockErrorUs, error);
  }
  return { stats: chunks.stats, chunks: count, faults, clockErrorUs };
}
