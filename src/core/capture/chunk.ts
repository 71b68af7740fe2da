import { checkObject } from '../option-names.ts';
import type { PayloadFormat, SampleFormat } from '../format/formats.ts';
import { bytesPerFrame, frameTimestamp } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { asciiText, base64Length, decodeBase64, encodeBase64 } from '../base64/base64.ts';
import type { ChunkSlot } from './chunk-sinks.ts';

/** How the payload leaves the audio thread: unchanged, or as the ASCII bytes of its Base64 text. */
export type ChunkEncoding = 'binary' | 'base64';

/** Every {@link ChunkEncoding}, for menus and checks. */
export const CHUNK_ENCODINGS: readonly ChunkEncoding[] = ['binary', 'base64'];

/** The fields that all chunks of a capture share. Structured-cloneable. */
export interface ChunkOptions<Format extends PayloadFormat = PayloadFormat> {
  /** Stream that the chunks belong to. */
  readonly stream: StreamFormat<Format>;
  /** How the payload leaves the audio thread. */
  readonly encoding: ChunkEncoding;
}

/** Index of each field in a chunk's header. */
export const HEADER = {
  sequence: 0,
  frame: 1,
  frames: 2,
  /** Time of the first frame, in seconds. */
  contextTime: 3,
  dropped: 4,
  byteLength: 5,
} as const;

/** Size of a header in bytes. It is at the front of a slot, followed by the payload. */
export const HEADER_BYTES: number = 8 * Float64Array.BYTES_PER_ELEMENT;

/** Returns how many bytes a payload of `bytes` bytes takes on its way between threads. */
export function crossingBytes(bytes: number, encoding: ChunkEncoding): number {
  return encoding === 'base64' ? base64Length(bytes) : bytes;
}

/** Returns the size on its way between threads of the longest payload in chunks of `chunkDurationMs` ms of samples. */
export function longestPayload(
  { stream, encoding }: ChunkOptions<SampleFormat>,
  chunkDurationMs: number,
): number {
  const { maxFrames } = new ChunkClock(stream.sampleRate, chunkDurationMs);
  return crossingBytes(maxFrames * bytesPerFrame(stream), encoding);
}

/** Returns the slot in `buffer` at `offset`, a multiple of 8. The header comes first. */
export function slotIn(buffer: ArrayBufferLike, offset: number, payloadBytes: number): ChunkSlot {
  return {
    header: new Float64Array(buffer, offset, HEADER_BYTES / Float64Array.BYTES_PER_ELEMENT),
    bytes: new Uint8Array(buffer, offset + HEADER_BYTES, payloadBytes),
  };
}

/** A run of captured frames. It owns its bytes, which you may keep, change or transfer. */
export class Chunk<Format extends PayloadFormat = SampleFormat> implements StreamFormat<Format> {
  readonly sampleRate: number;
  readonly channels: number;
  readonly format: Format;
  readonly encoding: ChunkEncoding;
  /**
   * Number of the chunk for its reader, from 0, without gaps. Dropped audio is not numbered: `dropped` and `frame` show it.
   */
  readonly sequence: number;
  /** First frame at the wire rate, counted from the start of the capture. Pauses do not count, dropped frames do. */
  readonly frame: number;
  /** Number of frames in the chunk. */
  readonly frames: number;
  /**
   * When the first frame reached the processor, on the clock of `context.currentTime`, in seconds, without the resampler's
   * delay.
   */
  readonly contextTime: number;
  #dropped: number;
  #binary: Uint8Array<ArrayBuffer> | undefined;
  #text: string | undefined;

  /**
   * Creates a chunk from a copy of a slot.
   * @param slot header and payload; the slot remains the caller's
   */
  constructor(options: ChunkOptions<Format>, slot: ChunkSlot) {
    checkObject('options must be ChunkOptions', options, 'stream');
    checkObject('slot must be a ChunkSlot', slot);
    const { stream, encoding } = options;
    const { header, bytes } = slot;
    this.sampleRate = stream.sampleRate;
    this.channels = stream.channels;
    this.format = stream.format;
    this.encoding = encoding;
    this.sequence = header[HEADER.sequence]!;
    this.frame = header[HEADER.frame]!;
    this.frames = header[HEADER.frames]!;
    this.contextTime = header[HEADER.contextTime]!;
    this.#dropped = header[HEADER.dropped]!;
    const payload = new Uint8Array(header[HEADER.byteLength]!);
    payload.set(bytes.subarray(0, payload.length));
    if (encoding === 'base64') this.#text = asciiText(payload);
    else this.#binary = payload;
  }

  /** Frames lost directly before this chunk, at the wire rate; `frame` includes them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `frame` in microseconds, rounded, as in WebCodecs. */
  get timestamp(): number {
    return frameTimestamp(this.frame, this.sampleRate);
  }

  /** The interleaved samples, or the packet. If the payload crossed the thread as Base64, it is converted on first access. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return (this.#binary ??= decodeBase64(this.#text!));
  }

  /** The same as Base64 text (RFC 4648 §4). If the payload crossed the thread as bytes, it is converted on first access. */
  get base64(): string {
    return (this.#text ??= encodeBase64(this.#binary!));
  }

  /** Numbers the chunk when it is passed to its reader. @internal */
  setSequence(sequence: number): void {
    (this as { sequence: number }).sequence = sequence;
  }

  /** Counts the frames of a chunk before this one that its reader never saw. @internal */
  addDropped(frames: number): void {
    this.#dropped += frames;
  }
}

/** Counts the frames of a capture as delivered or dropped, and numbers its chunks. */
export class ChunkAccount {
  #sequence = 0;
  #delivered = 0;
  #dropped = 0;
  /** Frames dropped since the last chunk began. */
  #droppedBefore = 0;

  /** Number of frames in chunks that the sink has accepted. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Number of dropped frames. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes a chunk's number, and the number of frames dropped before it, into its header. */
  number(header: Float64Array): void {
    header[HEADER.sequence] = this.#sequence++;
    header[HEADER.dropped] = this.#droppedBefore;
    this.#droppedBefore = 0;
  }

  /** Counts the frames of a chunk that was delivered. */
  deliver(frames: number): void {
    this.#delivered += frames;
  }

  /** Counts frames that are in no chunk. */
  drop(frames: number): void {
    this.#dropped += frames;
    this.#droppedBefore += frames;
  }

  /** Restarts numbering at 0; the numbered chunk is discarded. @returns false if frames were already delivered or dropped */
  restart(): boolean {
    if (this.#delivered > 0 || this.#dropped > 0) return false;
    this.#sequence = 0;
    return true;
  }
}

/** Copies a chunk to a slot, to send it to another thread. */
export function slotOf(chunk: Chunk<PayloadFormat>): ChunkSlot {
  const length = chunk.encoding === 'base64' ? chunk.base64.length : chunk.bytes.length;
  const slot = slotIn(new ArrayBuffer(HEADER_BYTES + length), 0, length);
  slot.header[HEADER.sequence] = chunk.sequence;
  slot.header[HEADER.frame] = chunk.frame;
  slot.header[HEADER.frames] = chunk.frames;
  slot.header[HEADER.contextTime] = chunk.contextTime;
  slot.header[HEADER.dropped] = chunk.dropped;
  slot.header[HEADER.byteLength] = length;
  if (chunk.encoding === 'binary') slot.bytes.set(chunk.bytes);
  else for (let i = 0; i < length; i++) slot.bytes[i] = chunk.base64.charCodeAt(i);
  return slot;
}

const NANOSECONDS = 1_000_000_000;

/**
 * Determines how many frames each chunk has. Chunk k covers frames ⌊k·r⌋ … ⌊(k+1)·r⌋ with r = rate · duration, so that chunks of
 * two lengths alternate if r is not an integer. Counts in integers, so it stays exact.
 */
export class ChunkClock {
  /** ⌊r⌋, and the rest of it in units of 10⁻⁹ frames. */
  readonly #frames: number;
  readonly #rest: number;
  /** The fractional part of the frames so far, in the same units. */
  #carry = 0;

  /**
   * @param sampleRate Hz, an integer
   * @param chunkMs duration in milliseconds, rounded to the nanosecond; at least one frame, at most 10 s
   */
  constructor(sampleRate: number, chunkMs: number) {
    // At most 768000 · 10¹⁰, which is below 2⁵³.
    const product = sampleRate * Math.round(chunkMs * 1e6);
    this.#frames = Math.floor(product / NANOSECONDS);
    this.#rest = product % NANOSECONDS;
  }

  /** Number of frames in the longest chunk. */
  get maxFrames(): number {
    return this.#rest === 0 ? this.#frames : this.#frames + 1;
  }

  /** Returns the number of frames in the next chunk. */
  next(): number {
    const carry = this.#carry + this.#rest;
    if (carry < NANOSECONDS) {
      this.#carry = carry;
      return this.#frames;
    }
    this.#carry = carry - NANOSECONDS;
    return this.#frames + 1;
  }

  /** Restarts at chunk 0, after a pause or a gap. */
  reset(): void {
    this.#carry = 0;
  }
}
