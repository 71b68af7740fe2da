import { OpusDecoder } from '../codec/opus-decoder.ts';
import { OpusLibrary } from '../codec/opus-library.ts';
import type { OpusModule } from '../codec/opus-library.ts';
import { OPUS_MAX_FRAMES, OPUS_RATE } from '../codec/opus-packet.ts';
import { PacketDecoder } from '../codec/packet-decoder.ts';
import { SampleEncoder } from '../format/sample-format.ts';
import type { DecodingStats, PacketReader } from './packet-reader.ts';

/** The stream to which packets decode. */
export interface OpusReaderOptions {
  readonly sampleRate: number;
  /** Number of decoded channels, 1 or 2. @default 1 */
  readonly channels?: number;
  readonly preSkip?: number | undefined;
  readonly gainDb?: number | undefined;
}

/** Longer gaps are left to the playout: by then, concealment has long been silent. */
const MAX_CONCEALED_SECONDS = 1;

/**
 * Creates a reader of Opus packets.
 * @param module the compiled module of libopus, or its bytes
 * @throws TypeError or RangeError for invalid options; MicwireError 'codec-load'
 */
export function createOpusReader(module: OpusModule, options: OpusReaderOptions): PacketReader {
  const library = OpusLibrary.shared(module);
  const { sampleRate, channels = 1, preSkip = 0, gainDb = 0 } = options;
  const decoder = new PacketDecoder(
    new OpusDecoder(library, { sampleRate, channels, preSkip, gainDb }),
  );
  const maxLost = sampleRate * MAX_CONCEALED_SECONDS;
  const maxFrames = maxLost + (OPUS_MAX_FRAMES * sampleRate) / OPUS_RATE;
  const planar = Array.from({ length: channels }, () => new Float32Array(maxFrames));
  const encoder = new SampleEncoder({ format: 'f32', channels });
  const bytes = new Uint8Array(maxFrames * encoder.bytesPerFrame);
  return {
    get stats(): DecodingStats {
      const { errors, concealedFrames, recoveredFrames } = decoder;
      return { badPackets: errors, concealedFrames, recoveredFrames };
    },
    read(packet, lostFrames) {
      const lost = Math.min(lostFrames, maxLost);
      const frames = decoder.decode(packet, 0, packet.length, lost, planar, 0, maxFrames);
      const length = encoder.encode(planar, 0, frames, bytes, 0);
      return { bytes: bytes.subarray(0, length), missing: lostFrames - lost };
    },
    reset: () => decoder.reset(),
    close: () => decoder.close(),
  };
}
