import { checkObject } from '../option-names.ts';
import type { PayloadFormat, SampleFormat } from '../format/formats.ts';
import { bytesPerFrame, frameTimestamp } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { asciiText, base64Length, decodeBase64, encodeBase64 } from '../base64/base64.ts';
import type { ChunkSlot } from './chunk-sinks.ts';

/** How the payload crosses from the audio thread: as it is, or as the ASCII bytes of its Base64 text. */
export type ChunkEncoding = 'binary' | 'base64';

/** Every {@link ChunkEncoding}, for menus and checks. */
export const CHUNK_ENCODINGS: readonly ChunkEncoding[] = ['binary', 'base64'];

/** The fields that all chunks of a capture share. Structured-cloneable. */
export interface ChunkOptions<Format extends PayloadFormat = PayloadFormat> {
  /** Stream that the chunks hold. */
  readonly stream: StreamFormat<Format>;
  /** How their payload crosses from the audio thread. */
  readonly encoding: ChunkEncoding;
}

/** Index of each field in a chunk's header. */
export const HEADER = {
  sequence: 0,
  frame: 1,
  frames: 2,
  /** Seconds. */
  contextTime: 3,
  dropped: 4,
  byteLength: 5,
} as const;

/** Bytes of a header: at the front of a slot, payload behind. */
export const HEADER_BYTES: number = 8 * Float64Array.BYTES_PER_ELEMENT;

/** Bytes of a payload of `bytes` bytes as it crosses the thread. */
export function crossingBytes(bytes: number, encoding: ChunkEncoding): number {
  return encoding === 'base64' ? base64Length(bytes) : bytes;
}

/** Bytes of the longest payload of chunks of `chunkDurationMs` ms of samples, as it crosses the thread. */
export function longestPayload(
  { stream, encoding }: ChunkOptions<SampleFormat>,
  chunkDurationMs: number,
): number {
  const { maxFrames } = new ChunkClock(stream.sampleRate, chunkDurationMs);
  return crossingBytes(maxFrames * bytesPerFrame(stream), encoding);
}

/** A slot in `buffer` at `offset`, a multiple of 8: header first. */
export function slotIn(buffer: ArrayBufferLike, offset: number, payloadBytes: number): ChunkSlot {
  return {
    header: new Float64Array(buffer, offset, HEADER_BYTES / Float64Array.BYTES_PER_ELEMENT),
    bytes: new Uint8Array(buffer, offset + HEADER_BYTES, payloadBytes),
  };
}

/** A run of captured frames. It owns its bytes: you may keep, change or transfer them. */
export class Chunk<Format extends PayloadFormat = SampleFormat> implements StreamFormat<Format> {
  readonly sampleRate: number;
  readonly channels: number;
  readonly format: Format;
  readonly encoding: ChunkEncoding;
  /**
   * Number of the chunk for its reader, from 0, without gaps. Dropped audio takes no number: `dropped` and `frame` show
   * it.
   */
  readonly sequence: number;
  /** First frame at the wire rate, counted from the start of capture; pauses take no frames, dropped frames are counted. */
  readonly frame: number;
  /** Frames in the chunk. */
  readonly frames: number;
  /**
   * When the first frame reached the processor, on the clock of `context.currentTime`, in seconds, without the
   * resampler's delay.
   */
  readonly contextTime: number;
  #dropped: number;
  #binary: Uint8Array<ArrayBuffer> | undefined;
  #text: string | undefined;

  /**
   * Copies a slot.
   * @param slot header and payload; the caller's again afterwards
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

  /** Frames lost just before this chunk, at the wire rate; `frame` includes them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `frame` in microseconds, rounded, as in WebCodecs. */
  get timestamp(): number {
    return frameTimestamp(this.frame, this.sampleRate);
  }

  /** The interleaved samples, or the packet. If Base64 was sent, converted on first access. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return (this.#binary ??= decodeBase64(this.#text!));
  }

  /** The same as Base64 text (RFC 4648 §4). If bytes were sent, converted on first access. */
  get base64(): string {
    return (this.#text ??= encodeBase64(this.#binary!));
  }

  /** Numbers the chunk, when it is given to its reader. @internal */
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
  /** Dropped since the last chunk began. */
  #droppedBefore = 0;

  /** Frames in chunks that the sink has taken. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Frames that were dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes into a chunk's header its number, and how many frames were dropped before it. */
  number(header: Float64Array): void {
    header[HEADER.sequence] = this.#sequence++;
    header[HEADER.dropped] = this.#droppedBefore;
    this.#droppedBefore = 0;
  }

  /** A chunk left, with so many frames. */
  deliver(frames: number): void {
    this.#delivered += frames;
  }

  /** Frames are in no chunk. */
  drop(frames: number): void {
    this.#dropped += frames;
    this.#droppedBefore += frames;
  }

  /** Numbers from 0 again: the chunk that was numbered is forgotten. @returns false when frames have left or were dropped */
  restart(): boolean {
    if (this.#delivered > 0 || this.#dropped > 0) return false;
    this.#sequence = 0;
    return true;
  }
}

/** A copy of a chunk as a slot, to send it to another thread. */
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
 * Says how many frames each chunk has. Chunk k covers frames ⌊k·r⌋ … ⌊(k+1)·r⌋ with r = rate · duration, so that where r
 * is no whole number chunks of two lengths alternate. Counted in integers: exact however long it runs.
 */
export class ChunkClock {
  /** ⌊r⌋, and the rest of it in units of 10⁻⁹ frames. */
  readonly #frames: number;
  readonly #rest: number;
  /** What of the frames so far is not whole yet, in the same units. */
  #carry = 0;

  /**
   * @param sampleRate Hz, an integer
   * @param chunkMs milliseconds, taken to the nanosecond; at most 10 s. With the rate at least one frame
   */
  constructor(sampleRate: number, chunkMs: number) {
    // At most 768000 · 10¹⁰, which is below 2⁵³.
    const product = sampleRate * Math.round(chunkMs * 1e6);
    this.#frames = Math.floor(product / NANOSECONDS);
    this.#rest = product % NANOSECONDS;
  }

  /** Frames of the longest chunk. */
  get maxFrames(): number {
    return this.#rest === 0 ? this.#frames : this.#frames + 1;
  }

  /** Frames of the next chunk. */
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
