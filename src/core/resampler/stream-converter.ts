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
  /** What comes in: `{ format: 'mulaw', sampleRate: 8000, channels: 1 }`, or the `stream` of a capture. */
  readonly input: StreamFormat;
  /** What goes out. */
  readonly output: StreamFormat;
  /**
   * Frames of each chunk that goes out, 1 to 10 seconds of them: 480 are 20 ms at 24 kHz. For Opus it is the length of a
   * packet, which the codec's options set.
   * @default none: a chunk holds whatever is due
   */
  readonly chunkFrames?: number | undefined;
  /** Quality of the resampler: attenuation of 100, 120 or 140 dB. @default 'hq' */
  readonly quality?: ResamplerQuality | undefined;
  /** Decodes and encodes Opus: `opusCodec(library, options)` of `micwire/codec`. @default none: there is no Opus */
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
 * The account of a {@link StreamConverter} since it was made or reset. After `flush()`, when everything is read,
 * `outputFrames − paddedFrames` is `inputFrames · output rate / input rate`, rounded.
 */
export interface StreamConverterStats {
  /** Whole frames taken. */
  readonly inputFrames: number;
  /** Bytes taken of a frame whose other bytes have not come. `flush()` drops them. */
  readonly incompleteBytes: number;
  /** Converted frames that wait for `read`. */
  readonly waitingFrames: number;
  /** Frames read. */
  readonly outputFrames: number;
  /** Silent frames in `outputFrames` that complete the last packets of Opus. */
  readonly paddedFrames: number;
}

const MAX_CHUNK_SECONDS = 10;

/**
 * Converts a stream of bytes: its format, its rate and its channels. Bytes come in pieces of any length, down to one, and
 * chunks of a fixed number of frames go out. They are the same, bit for bit, however the bytes were cut. It works in any
 * scope: on a server, in a page, in a Worker.
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
  /** Frames of each chunk; null where a chunk holds whatever is due. */
  readonly chunkFrames: number | null;
  /** Most bytes that one `read` writes, if there is room for them. */
  readonly chunkBytesMax: number;
  /**
   * The resampler's look-ahead: input frames that must follow a frame before it comes out. 0 if there is none, as from Opus
   * to a lower rate that Opus has: it is decoded at that rate.
   */
  readonly latencyFrames: number;
  /** Delay of decoded audio against what came in, in frames of the output: Opus's look-ahead, 0 for samples. */
  readonly preSkip: number;
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  /** Null where the rates are equal, or Opus is decoded at the output's. */
  readonly #resampler: Resampler | null;
  /** To fewer channels before the resampler, to more behind it: null where the counts are equal or grow. */
  readonly #mixDown: ChannelMixer | null;
  /** Also moves frames to the end of `#due`. */
  readonly #mixUp: ChannelMixer;
  readonly #decoded: readonly Float32Array[];
  readonly #mixed: readonly Float32Array[];
  readonly #resampled: readonly Float32Array[];
  /** Converted frames, from `#dueStart` to `#dueEnd`. */
  readonly #due: readonly Float32Array[];
  #dueStart = 0;
  #dueEnd = 0;
  /** The first bytes of a frame whose others have not come. */
  readonly #incomplete: Uint8Array;
  #incompleteBytes = 0;
  /** Packets have a whole number of frames at either rate. */
  readonly #inputFramesPerDecoded: number;
  #inputFrames = 0;
  #outputFrames = 0;
  #paddedFrames = 0;
  /** `'flushing'`: the stream has ended, and the resampler still has its tail. */
  #state: 'open' | 'flushing' | 'flushed' | 'closed' = 'open';

  /**
   * Designs the resampler's filter: see {@link Resampler}.
   * @throws TypeError or RangeError for a wrong option; MicwireError `'out-of-memory'` for Opus
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

  /** The account of the stream so far. */
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
   * Converts bytes: `write` and `read` in turn. Allocates what it returns.
   * @param bytes stay yours. Of Opus, one packet
   * @returns the chunks that are due now; they are yours
   * @throws PacketError for bytes that are not a packet of Opus: none of them is taken, and the stream continues; TypeError after
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
   * Ends the stream: `flush`, and `read` until there is nothing more. Allocates what it returns.
   * @returns the last chunks: the last one is shorter where the frames do not fill it
   * @throws MicwireError `'closed'`
   */
  finish(): Uint8Array<ArrayBuffer>[] {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    this.flush();
    this.#readAll(chunks);
    return chunks;
  }

  /**
   * Takes bytes while there is room. Room becomes free by `read`.
   * @param bytes stay yours. Of Opus, one packet, which is taken whole or not at all
   * @param byteOffset where to begin in them
   * @returns bytes taken
   * @throws as `convert`
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
   * @param byteOffset where to begin in it
   * @returns bytes written: 0 while fewer than `chunkFrames` frames wait, and at the end of a flushed stream
   * @throws RangeError when the chunk does not fit: nothing is lost; MicwireError `'closed'`
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
   * Ends the stream: `read` then also gives the resampler's tail, and the last chunk, which is shorter where the frames do
   * not fill it. Packets of Opus are filled up with silence, until everything has come out of the codec. `reset()` begins
   * another stream.
   * @throws MicwireError `'closed'`
   */
  flush(): void {
    this.#checkOpen();
    if (this.#state === 'open') this.#state = 'flushing';
  }

  /** Forgets the stream and its account; what comes next is a new one. @throws MicwireError `'closed'` */
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

  /** Gives WebAssembly memory back. Nothing else may be called afterwards. Twice does no harm. */
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

  /** Frames of the next chunk; 0 while there is none. */
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

  /** Whether there is room for what becomes of so many frames. Moves what waits, if need be. */
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

  /** The end of the stream: fewer frames than a chunk wait, so there is room. */
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

/** A codec of packets that has the lower rate decodes at it: that takes half the time of a resampler behind it, and no look-ahead. */
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
