import { FORMATS } from '../../src/core/format/formats.ts';

/** Formats of the streams here. */
export type Format = 's16' | 'mulaw' | 'opus';

/** Bytes until they repeat. */
const PERIOD = 2 ** 20;
/** Chunks are not longer than this. */
const MOST_BYTES = 2 ** 16;
/** Bytes of a packet of Opus. */
export const PACKET_BYTES = 24;
/** Packets of Opus by their length: SILK, narrow band, one frame (RFC 6716 §3.1). */
const TOC: ReadonlyMap<number, number> = new Map([
  [80, 0x00],
  [160, 0x08],
  [320, 0x10],
  [480, 0x18],
]);

/** Bytes that say which frames they are. */
const TABLE: Uint8Array<ArrayBuffer> = tableOf(PERIOD + MOST_BYTES);

function tableOf(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    // Neither 0 nor 0xff: those are silence.
    bytes[i] = 1 + ((Math.imul((i % PERIOD) + 1, 0x9e3779b1) >>> 8) % 254);
  }
  return bytes;
}

/** Audio whose samples say which frame they are. */
export class Samples {
  readonly #format: Format;
  readonly #bytesPerFrame: number;

  constructor(format: Format) {
    this.#format = format;
    this.#bytesPerFrame = format === 's16' ? 2 : 1;
  }

  /** Audio of these frames, or one packet. To be read only. */
  of(frame: number, frames: number): Uint8Array<ArrayBuffer> {
    if (this.#format === 'opus') return packet(frame, frames);
    const from = (frame * this.#bytesPerFrame) % PERIOD;
    return TABLE.subarray(from, from + frames * this.#bytesPerFrame);
  }

  isAudio(frame: number, frames: number, bytes: Uint8Array): boolean {
    return Buffer.compare(this.of(frame, frames), bytes) === 0;
  }

  isSilence(frames: number, bytes: Uint8Array): boolean {
    if (this.#format === 'opus') return false;
    const { silence = 0 } = FORMATS[this.#format] as { readonly silence?: number };
    return bytes.length === frames * this.#bytesPerFrame && bytes.every((byte) => byte === silence);
  }
}

function packet(frame: number, frames: number): Uint8Array<ArrayBuffer> {
  const from = frame % PERIOD;
  const bytes = TABLE.slice(from, from + PACKET_BYTES);
  bytes[0] = TOC.get(frames)!;
  return bytes;
}
