import { integerIn } from '../arguments.ts';
import type { Codec } from '../codec/codec.ts';
import { ChannelMixer } from '../dsp/channel-mixer.ts';
import { MicwireError } from '../errors.ts';
import { checkStream } from '../format/check-stream.ts';
import type { PacketCodec } from '../format/formats.ts';
import { PACKET_CODECS } from '../format/packet-codecs.ts';
import { isSampled } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { checkBytes, checkObject, checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { ResamplerQuality } from './resampler-plan.ts';
import { Resampler } from './resampler.ts';
import { readerOf, writerOf } from './stream-coding.ts';
import type { StreamReader, StreamWriter } from './stream-coding.ts';

/** Options of a {@link StreamConverter}. */
export interface StreamConverterOptions {
  /** Format of the input: `{ format: 'mulaw', sampleRate: 8000, channels: 1 }`, or the `stream` of a capture. */
  readonly input: StreamFormat;
  /** Format of the output. */
  readonly output: StreamFormat;
  /**
   * Frames per output chunk, from 1 frame to 10 seconds: 480 are 20 ms at 24 kHz. For Opus, the length of a packet, which the
   * codec's options set.
   * @default none: a chunk holds whatever is due
   */
  readonly chunkFrames?: number | undefined;
  /** Quality of the resampler: attenuation of 100, 120 or 140 dB. @default 'hq' */
  readonly quality?: ResamplerQuality | undefined;
  /** Decodes and encodes Opus: `opusCodec(library, options)` from `micwire/codec`. @default none: Opus is not supported */
  readonly codec?: Codec<'opus'> | undefined;
}
const NAMES = {
  input: 1,
  output: 1,
  chunkFrames: 1,
  quality: 1,
  codec: 1,
} satisfies OptionNames<StreamConverterOptions>;

/**
 * Counts of a {@link StreamConverter} since it was created or reset. After `flush()`, once everything has been read,
 * `outputFrames − paddedFrames` is `inputFrames · output rate / input rate`, rounded.
 */
export interface StreamConverterStats {
  /** Whole frames taken. */
  readonly inputFrames: number;
  /** Bytes taken of a frame whose other bytes have not arrived. `flush()` drops them. */
  readonly incompleteBytes: number;
  /** Converted frames that wait for `read`. */
  readonly waitingFrames: number;
  /** Frames read. */
  readonly outputFrames: number;
  /** Silent frames in `outputFrames` that complete the last Opus packets. */
  readonly paddedFrames: number;
}

const MAX_CHUNK_SECONDS = 10;

/**
 * Converts the format, the sample rate and the channels of a stream of bytes. Takes bytes in pieces of any length, down to one,
 * and gives chunks with a fixed number of frames. They are bit for bit the same however the bytes are split. Works in any scope:
 * on a server, in a page, in a Worker.
 *
 * `convert` and `finish` allocate the chunks that they return. `write`, `read` and `flush` do the same with your own buffers.
 *
 * @example
 * const fromPhone = new StreamConverter({
 *   input: { format: 'mulaw', sampleRate: 8000, channels: 1 },
 *   output: { format: 's16', sampleRate: 24000, channels: 1 },
 *   chunkFrames: 480,
 * });
 * for (const chunk of fromPhone.convert(bytes)) socket.send(chunk);
 */
export class StreamConverter {
  readonly input: StreamFormat;
  readonly output: StreamFormat;
  /** Frames per chunk; null if a chunk holds whatever is due. */
  readonly chunkFrames: number | null;
  /** Most bytes that one `read` writes if there is room for them. */
  readonly chunkBytesMax: number;
  /**
   * The resampler's look-ahead: how many input frames must follow a frame before it comes out. 0 without a resampler, as from
   * Opus to a lower rate that Opus supports: it is decoded at that rate.
   */
  readonly latencyFrames: number;
  /** Delay of the decoded output relative to the input, in output frames: Opus's look-ahead, 0 for samples. */
  readonly preSkip: number;
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  /** Null if the rates are equal, or if Opus is decoded at the output rate. */
  readonly #resampler: Resampler | null;
  /** Mixes to fewer channels before the resampler; null if the output has as many channels or more. */
  readonly #mixDown: ChannelMixer | null;
  /** Mixes to more channels after the resampler. Also appends frames to `#due`. */
  readonly #mixUp: ChannelMixer;
  readonly #decoded: readonly Float32Array[];
  readonly #mixed: readonly Float32Array[];
  readonly #resampled: readonly Float32Array[];
  /** Converted frames, from `#dueStart` to `#dueEnd`. */
  readonly #due: readonly Float32Array[];
  #dueStart = 0;
  #dueEnd = 0;
  /** The first bytes of a frame whose other bytes have not arrived. */
  readonly #incomplete: Uint8Array;
  #incompleteBytes = 0;
  /** An integer or a fraction: packets have a whole number of frames at either rate. */
  readonly #inputFramesPerDecoded: number;
  #inputFrames = 0;
  #outputFrames = 0;
  #paddedFrames = 0;
  /** `'flushing'`: the stream has ended, but the resampler still holds its tail. */
  #state: 'open' | 'flushing' | 'flushed' | 'closed' = 'open';

  /**
   * Designs the resampler's filter: see {@link Resampler}.
   * @throws TypeError or RangeError for an invalid option; MicwireError `'out-of-memory'` for Opus
   */
  constructor(options: StreamConverterOptions) {
    checkOptions('StreamConverter', options, NAMES);
    checkObject('input must be a stream', options.input);
    checkObject('output must be a stream', options.output);
    this.input = checkStream(options.input);
    this.output = checkStream(options.output);
    const { input, output } = this;
    const { quality = 'hq', codec } = options;
    const asked = checkChunkFrames(options.chunkFrames, output.sampleRate);
    const channels = Math.min(input.channels, output.channels);
    const inputRate = decodedRate(input, output.sampleRate);
    this.#resampler =
      inputRate === output.sampleRate
        ? null
        : new Resampler({ inputRate, outputRate: output.sampleRate, channels, quality });
    this.latencyFrames = this.#resampler?.latencyFrames ?? 0;
    this.#inputFramesPerDecoded = input.sampleRate / inputRate;
    this.#reader = readerOf({ ...input, sampleRate: inputRate }, codec);
    this.#writer = writerOf(output, codec);
    const { packetFrames, latencyFrames } = this.#writer;
    this.chunkFrames = packetFrames > 0 ? packetFrames : asked;
    if (asked !== null && asked !== this.chunkFrames) {
      this.close();
      throw new RangeError(
        `chunkFrames must be ${packetFrames}, the codec's packet, or left out, got ${asked}.`,
      );
    }
    this.preSkip = latencyFrames;
    const { blockFrames } = this.#reader;
    const most = this.#resampler?.outputFramesMax(blockFrames) ?? blockFrames;
    const tail = this.#resampler?.flushFramesMax ?? 0;
    const waiting = this.chunkFrames ?? 1;
    const capacity = waiting + Math.max(most, tail + latencyFrames + packetFrames);
    this.chunkBytesMax = this.#writer.maxBytes(this.chunkFrames ?? capacity);
    this.#mixDown =
      input.channels > channels ? new ChannelMixer({ outputChannels: channels }) : null;
    this.#mixUp = new ChannelMixer({ outputChannels: output.channels });
    this.#decoded = planes(input.channels, blockFrames);
    this.#mixed = this.#mixDown === null ? this.#decoded : planes(channels, blockFrames);
    this.#resampled = this.#resampler === null ? [] : planes(channels, Math.max(most, tail));
    this.#due = planes(output.channels, capacity);
    this.#incomplete = new Uint8Array(this.#reader.bytesPerFrame);
  }

  /** Counts of the stream so far. */
  get stats(): StreamConverterStats {
    return {
      inputFrames: this.#inputFrames,
      incompleteBytes: this.#incompleteBytes,
      waitingFrames: this.#waiting,
      outputFrames: this.#outputFrames,
      paddedFrames: this.#paddedFrames,
    };
  }

  /**
   * Converts bytes: calls `write` and `read` alternately. Allocates the result.
   * @param bytes stay yours. With Opus, one packet
   * @returns the chunks that are due now; they are yours
   * @throws PacketError for bytes that are not an Opus packet: takes none of them, and the stream continues; TypeError after
   *   `flush` or `finish`, until `reset`; MicwireError `'closed'`
   */
  convert(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
    checkBytes('bytes', bytes);
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let at = 0;
    do {
      at += this.write(bytes, at);
      this.#readAll(chunks);
    } while (at < bytes.length);
    return chunks;
  }

  /**
   * Ends the stream: calls `flush`, then `read` until nothing is left. Allocates the result.
   * @returns the last chunks; the very last is shorter if the frames do not fill it
   * @throws MicwireError `'closed'`
   */
  finish(): Uint8Array<ArrayBuffer>[] {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    this.flush();
    this.#readAll(chunks);
    return chunks;
  }

  /**
   * Takes bytes while there is room. `read` makes room.
   * @param bytes stay yours. With Opus, one packet, which is taken whole or not at all
   * @param byteOffset where to begin in `bytes`
   * @returns the number of bytes taken
   * @throws as `convert` does
   */
  write(bytes: Uint8Array, byteOffset = 0): number {
    checkBytes('bytes', bytes);
    integerIn('byteOffset', byteOffset, 0, bytes.length);
    this.#checkOpen();
    if (this.#state !== 'open') {
      throw new TypeError('The stream was flushed. Call reset() to begin another one.');
    }
    const reader = this.#reader;
    if (reader.bytesPerFrame === 0) return this.#writePacket(bytes, byteOffset);
    let at = byteOffset;
    while (at < bytes.length) {
      if (this.#incompleteBytes > 0 || bytes.length - at < reader.bytesPerFrame) {
        if (!this.#hasRoom(1)) break;
        at += this.#complete(bytes, at);
        if (this.#incompleteBytes < reader.bytesPerFrame) break;
        reader.decode(this.#incomplete, 0, reader.bytesPerFrame, this.#decoded);
        this.#incompleteBytes = 0;
        this.#convert(1);
        continue;
      }
      const whole = Math.floor((bytes.length - at) / reader.bytesPerFrame);
      const frames = Math.min(whole, reader.blockFrames);
      if (!this.#hasRoom(frames)) break;
      const length = frames * reader.bytesPerFrame;
      reader.decode(bytes, at, length, this.#decoded);
      at += length;
      this.#convert(frames);
    }
    return at - byteOffset;
  }

  /**
   * Writes the next chunk.
   * @param output yours; `chunkBytesMax` bytes from `byteOffset` on are always enough
   * @param byteOffset where to begin in `output`
   * @returns the number of bytes written: 0 while fewer than `chunkFrames` frames wait, and at the end of a flushed stream
   * @throws RangeError if the chunk does not fit: nothing is lost; MicwireError `'closed'`
   */
  read(output: Uint8Array, byteOffset = 0): number {
    checkBytes('output', output);
    integerIn('byteOffset', byteOffset, 0, output.length);
    this.#checkOpen();
    const due = this.#framesDue();
    if (due === 0) return 0;
    const writer = this.#writer;
    const room = output.length - byteOffset;
    const fit = Math.floor(room / writer.maxBytes(1));
    const frames = this.chunkFrames === null ? Math.max(1, Math.min(due, fit)) : due;
    const needed = writer.maxBytes(frames);
    if (room < needed) {
      throw new RangeError(`output must have room for ${needed} bytes, got ${room}.`);
    }
    const written = writer.encode(this.#due, this.#dueStart, frames, output, byteOffset);
    this.#dueStart += frames;
    this.#outputFrames += frames;
    return written;
  }

  /**
   * Ends the stream: `read` then also gives the resampler's tail, and a last chunk that is shorter if the frames do not fill it.
   * Opus packets are filled with silence until everything has come out of the codec. `reset()` begins another stream.
   * @throws MicwireError `'closed'`
   */
  flush(): void {
    this.#checkOpen();
    if (this.#state === 'open') this.#state = 'flushing';
  }

  /** Forgets the stream and its counts; the next bytes start a new one. @throws MicwireError `'closed'` */
  reset(): void {
    this.#checkOpen();
    this.#resampler?.reset();
    this.#reader.reset();
    this.#writer.reset();
    this.#dueStart = 0;
    this.#dueEnd = 0;
    this.#incompleteBytes = 0;
    this.#inputFrames = 0;
    this.#outputFrames = 0;
    this.#paddedFrames = 0;
    this.#state = 'open';
  }

  /** Frees the WebAssembly memory. No other method may be called afterwards. Calling it twice does no harm. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#resampler?.close();
    this.#reader.close();
    this.#writer.close();
  }

  get #waiting(): number {
    return this.#dueEnd - this.#dueStart;
  }

  #checkOpen(): void {
    if (this.#state === 'closed') {
      throw new MicwireError('closed', 'The converter is closed. Make another one.');
    }
  }

  #readAll(chunks: Uint8Array<ArrayBuffer>[]): void {
    for (let due = this.#framesDue(); due > 0; due = this.#framesDue()) {
      const chunk = new Uint8Array(this.#writer.maxBytes(due));
      const written = this.read(chunk);
      chunks.push(written === chunk.length ? chunk : chunk.slice(0, written));
    }
  }

  /** Returns the number of frames in the next chunk; 0 while no chunk is due. */
  #framesDue(): number {
    const least = this.chunkFrames ?? 1;
    if (this.#state === 'flushing' && this.#waiting < least) this.#drain();
    const waiting = this.#waiting;
    if (waiting < least) return this.#state === 'flushed' ? waiting : 0;
    return this.chunkFrames ?? waiting;
  }

  #writePacket(bytes: Uint8Array, at: number): number {
    const reader = this.#reader;
    const length = bytes.length - at;
    if (!this.#hasRoom(reader.blockFrames)) return 0;
    this.#convert(reader.decode(bytes, at, length, this.#decoded));
    return length;
  }

  /** Adds bytes to the incomplete frame. @returns how many */
  #complete(bytes: Uint8Array, at: number): number {
    const held = this.#incompleteBytes;
    const count = Math.min(this.#incomplete.length - held, bytes.length - at);
    for (let i = 0; i < count; i++) this.#incomplete[held + i] = bytes[at + i]!;
    this.#incompleteBytes += count;
    return count;
  }

  /** Returns whether there is room for the output of `frames` input frames. Moves the waiting frames if necessary. */
  #hasRoom(frames: number): boolean {
    const most = this.#resampler?.outputFramesMax(frames) ?? frames;
    const capacity = this.#due[0]!.length;
    if (this.#waiting + most > capacity) return false;
    if (this.#dueEnd + most > capacity) this.#moveUp();
    return true;
  }

  #moveUp(): void {
    for (const samples of this.#due) samples.copyWithin(0, this.#dueStart, this.#dueEnd);
    this.#dueEnd -= this.#dueStart;
    this.#dueStart = 0;
  }

  /** Converts the first frames of `#decoded`. */
  #convert(frames: number): void {
    this.#inputFrames += frames * this.#inputFramesPerDecoded;
    this.#mixDown?.mix(this.#decoded, 0, frames, this.#mixed, 0);
    if (this.#resampler === null) this.#add(this.#mixed, frames);
    else {
      this.#add(this.#resampled, this.#resampler.process(this.#mixed, this.#resampled, frames));
    }
  }

  #add(channels: readonly Float32Array[], frames: number): void {
    this.#mixUp.mix(channels, 0, frames, this.#due, this.#dueEnd);
    this.#dueEnd += frames;
  }

  /** Appends the end of the stream. Less than a chunk waits, so there is room. */
  #drain(): void {
    this.#state = 'flushed';
    this.#incompleteBytes = 0;
    this.#moveUp();
    if (this.#resampler !== null) {
      this.#add(this.#resampled, this.#resampler.flush(this.#resampled));
    }
    const { packetFrames, latencyFrames } = this.#writer;
    if (packetFrames === 0 || this.#outputFrames + this.#waiting === 0) return;
    const wanted = this.#waiting + latencyFrames;
    const padding = Math.ceil(wanted / packetFrames) * packetFrames - this.#waiting;
    for (const samples of this.#due) samples.fill(0, this.#dueEnd, this.#dueEnd + padding);
    this.#dueEnd += padding;
    this.#paddedFrames += padding;
  }
}

/**
 * Returns the rate to decode at. A packet codec that supports the lower rate decodes at it, which takes half the time of a
 * resampler after it, and no look-ahead.
 */
function decodedRate(input: StreamFormat, outputRate: number): number {
  if (isSampled(input) || outputRate > input.sampleRate) return input.sampleRate;
  const { sampleRates } = PACKET_CODECS[input.format as PacketCodec];
  return sampleRates.includes(outputRate) ? outputRate : input.sampleRate;
}

function checkChunkFrames(frames: number | undefined, sampleRate: number): number | null {
  if (frames === undefined) return null;
  return integerIn('chunkFrames', frames, 1, MAX_CHUNK_SECONDS * sampleRate);
}

function planes(channels: number, frames: number): Float32Array[] {
  return Array.from({ length: channels }, () => new Float32Array(frames));
}
