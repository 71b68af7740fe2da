import { open, rename, rm } from 'node:fs/promises';
import { integerIn, numberIn, oneOf } from '../../core/arguments.ts';
import type { OpusLibrary } from '../../core/codec/opus-library.ts';
import { opusCodec } from '../../core/codec/opus-codec.ts';
import { WavWriter } from '../../core/container/wav.ts';
import { MicwireError, PacketError } from '../../core/errors.ts';
import { SAMPLE_FORMATS } from '../../core/format/formats.ts';
import type { SampleFormat } from '../../core/format/formats.ts';
import { SampleEncoder } from '../../core/format/sample-format.ts';
import { isSampled } from '../../core/format/stream-format.ts';
import { checkObject, checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { StreamConverter } from '../../core/resampler/stream-converter.ts';
import { openAudioFile } from './audio-file.ts';
import type { AudioFile } from './audio-file.ts';
import { readRecording } from './stream-recorder.ts';

/** One side of a conversation. */
export interface MixdownPart {
  /** A WAV file of samples, or an Ogg file of Opus. */
  readonly path: string;
  /**
   * When the part begins, in ms on a clock that all parts share.
   * @default the time that the recorder has written beside the file, otherwise 0
   */
  readonly startMs?: number;
  /** Gain of the part in dB, −200 to 60. @default 0 */
  readonly gainDb?: number;
}

/** Options of {@link mixdown}. */
export interface MixdownOptions {
  /**
   * `'separate'`: each part is a channel, the first of two on the left; `'mono'`: all parts are mixed into one channel.
   * @default 'separate'
   */
  readonly layout?: 'separate' | 'mono';
  /** Sample rate in Hz. @default the highest rate of the parts */
  readonly sampleRate?: number;
  /** @default 's16' */
  readonly format?: SampleFormat;
  /** Decodes Opus: see `OpusLibrary` of `micwire/codec`. @default none: a part of Opus throws */
  readonly opus?: OpusLibrary;
}

const PART_NAMES = { path: 1, startMs: 1, gainDb: 1 } satisfies OptionNames<MixdownPart>;
const OPTION_NAMES = {
  layout: 1,
  sampleRate: 1,
  format: 1,
  opus: 1,
} satisfies OptionNames<MixdownOptions>;

/** Result of {@link mixdown}. */
export interface Mixdown {
  readonly path: string;
  readonly sampleRate: number;
  readonly channels: number;
  readonly frames: number;
  /** Greatest absolute sample before clipping; 1 is full scale. */
  readonly peak: number;
}

const MAX_PARTS = 32;
/** Number of frames that are mixed at a time. */
const BLOCK_FRAMES = 8192;

/**
 * Mixes recordings into one WAV file, aligned by time; the file begins with the earliest part. Each part is one channel in the mix,
 * regardless of its number of channels. Times without audio in any part are silent.
 * @param parts the parts, 1 to 32
 * @param path the file, which is replaced when the mix is complete
 * @throws TypeError or RangeError for an invalid argument
 * @throws MicwireError `recording` when a file cannot be read or written; `unsupported` for Opus without the option `opus`
 */
export async function mixdown(
  parts: readonly MixdownPart[],
  path: string,
  options: MixdownOptions = {},
): Promise<Mixdown> {
  checkOptions('mixdown', options, OPTION_NAMES);
  checkObject('parts must be an array', parts, 'length');
  integerIn('parts.length', parts.length, 1, MAX_PARTS);
  const layout = oneOf('layout', options.layout ?? 'separate', ['separate', 'mono']);
  const format = oneOf('format', options.format ?? 's16', SAMPLE_FORMATS);
  const files: AudioFile[] = [];
  const tracks: Track[] = [];
  const temporary = `${path}.tmp`;
  try {
    const starts: number[] = [];
    for (const part of parts) {
      checkOptions('mixdown: part', part, PART_NAMES);
      numberIn('gainDb', part.gainDb ?? 0, -200, 60);
      files.push(await openAudioFile(part.path));
      starts.push(part.startMs ?? (await startOf(part.path)));
    }
    const first = Math.min(...starts);
    const sampleRate = integerIn(
      'sampleRate',
      options.sampleRate ?? Math.max(...files.map(({ stream }) => stream.sampleRate)),
      3000,
      768_000,
    );
    for (const [i, file] of files.entries()) {
      const offset = Math.round(((starts[i]! - first) / 1000) * sampleRate);
      tracks.push(new Track(file, sampleRate, offset, parts[i]!, options.opus));
    }
    const channels = layout === 'mono' ? 1 : tracks.length;
    const made = await mix(tracks, temporary, { format, sampleRate, channels });
    await rename(temporary, path);
    return { path, sampleRate, channels, ...made };
  } catch (error) {
    await rm(temporary, { force: true });
    const isOurs = error instanceof TypeError || error instanceof RangeError;
    if (isOurs || error instanceof MicwireError) throw error;
    throw new MicwireError(
      'recording',
      `${path} cannot be written: ${(error as Error).message}. Look whether its folder is there, may be written to, and has room.`,
      { cause: error },
    );
  } finally {
    for (const track of tracks) track.close();
    for (const file of files) await file.close();
  }
}

async function mix(
  tracks: readonly Track[],
  path: string,
  stream: { readonly format: SampleFormat; readonly sampleRate: number; readonly channels: number },
): Promise<{ readonly frames: number; readonly peak: number }> {
  const { channels } = stream;
  const writer = new WavWriter(stream);
  const encoder = new SampleEncoder(stream);
  const planes = Array.from({ length: channels }, () => new Float32Array(BLOCK_FRAMES));
  const bytes = new Uint8Array(BLOCK_FRAMES * encoder.bytesPerFrame);
  const out = await open(path, 'w');
  try {
    const head = writer.head();
    await out.writeFile(head);
    let peak = 0;
    for (let isDone = false; !isDone;) {
      for (const plane of planes) plane.fill(0);
      let frames = 0;
      for (const [i, track] of tracks.entries()) {
        frames = Math.max(frames, await track.add(planes[channels === 1 ? 0 : i]!));
      }
      isDone = frames < BLOCK_FRAMES;
      for (const plane of planes) {
        for (let i = 0; i < frames; i++) peak = Math.max(peak, Math.abs(plane[i]!));
      }
      encoder.encode(planes, 0, frames, bytes, 0);
      const piece = bytes.subarray(0, frames * encoder.bytesPerFrame);
      writer.add(piece.length);
      await out.writeFile(piece);
    }
    const finished = writer.finish();
    await out.writeFile(finished.tail);
    await out.write(finished.head, 0, finished.head.length, 0);
    return { frames: writer.frames, peak };
  } finally {
    await out.close();
  }
}

async function startOf(path: string): Promise<number> {
  return readRecording(path).then(
    ({ startedAt }) => startedAt,
    () => 0,
  );
}

/** A part as one channel at the mix's rate, starting at the mix's first frame. */
class Track {
  readonly #path: string;
  readonly #pieces: AsyncGenerator<Uint8Array, void>;
  readonly #converter: StreamConverter;
  readonly #gain: number;
  /** Number of frames of the mix before the part begins. */
  #before: number;
  /** Number of converted frames to leave out, and the maximum number that follow. */
  #skip: number;
  #left: number;
  #samples = new Float32Array(0);
  #at = 0;
  #isEnded = false;

  constructor(
    file: AudioFile,
    sampleRate: number,
    offset: number,
    { gainDb = 0, path }: MixdownPart,
    opus: OpusLibrary | undefined,
  ) {
    const { stream, preSkip, frames } = file;
    if (!isSampled(stream) && opus === undefined) {
      throw new MicwireError(
        'unsupported',
        `${path} is Opus. Give the option opus, an OpusLibrary of micwire/codec.`,
      );
    }
    this.#path = path;
    this.#pieces = file.pieces();
    this.#converter = new StreamConverter({
      input: stream,
      output: { format: 'f32', sampleRate, channels: 1 },
      codec: opus === undefined ? undefined : opusCodec(opus),
    });
    const toMix = (count: number): number => Math.round((count * sampleRate) / stream.sampleRate);
    this.#gain = 10 ** (gainDb / 20);
    this.#before = offset;
    this.#skip = toMix(preSkip);
    this.#left = frames === undefined ? Infinity : toMix(frames);
  }

  close(): void {
    this.#converter.close();
  }

  /**
   * Adds the part's next frames to `plane`.
   * @returns the number of frames, including silence before the part; fewer than the length of `plane` at the part's end
   */
  async add(plane: Float32Array): Promise<number> {
    let at = Math.min(this.#before, plane.length);
    this.#before -= at;
    while (at < plane.length && this.#left > 0) {
      if (this.#at === this.#samples.length && !(await this.#read())) break;
      const count = Math.min(this.#samples.length - this.#at, plane.length - at, this.#left);
      for (let i = 0; i < count; i++) plane[at + i]! += this.#samples[this.#at + i]! * this.#gain;
      this.#at += count;
      this.#left -= count;
      at += count;
    }
    return at;
  }

  /** Converts the next piece. @returns false at the end */
  async #read(): Promise<boolean> {
    while (!this.#isEnded) {
      const { done, value } = await this.#pieces.next();
      this.#isEnded = done === true;
      const bytes = Buffer.concat(done === true ? this.#converter.finish() : this.#convert(value));
      const all = new Float32Array(new Uint8Array(bytes).buffer);
      const skipped = Math.min(this.#skip, all.length);
      this.#skip -= skipped;
      this.#samples = all.subarray(skipped);
      this.#at = 0;
      if (this.#samples.length > 0) return true;
    }
    return false;
  }

  #convert(piece: Uint8Array): Uint8Array[] {
    try {
      return this.#converter.convert(piece);
    } catch (cause) {
      if (!(cause instanceof PacketError)) throw cause;
      throw new MicwireError('recording', `${this.#path} is damaged: ${cause.message}`, { cause });
    }
  }
}
