import { createOpusReader } from '../core/playout/opus-reader.ts';
import type { OpusReaderOptions } from '../core/playout/opus-reader.ts';
import type { PacketReader } from '../core/playout/packet-reader.ts';
import { loadOpusModule } from './opus-module.ts';

export type { DecodingStats } from '../core/playout/packet-reader.ts';

/**
 * Loads libopus and creates a packet reader.
 * @throws TypeError or RangeError for an invalid option; MicwireError 'codec-load'
 */
export async function openOpusReader({
  opusUrl,
  ...options
}: OpusReaderOptions & { readonly opusUrl?: string | URL | undefined }): Promise<PacketReader> {
  return createOpusReader(await loadOpusModule({ url: opusUrl }), options);
}
