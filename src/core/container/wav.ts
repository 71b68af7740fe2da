import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { integerIn } from '../arguments.ts';
import { checkSampleStream } from '../format/check-stream.ts';
import { FORMATS } from '../format/formats.ts';
import type { SampleFormat } from '../format/formats.ts';
import { bytesPerFrame } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';

const NAMES = { sampleRate: 1, channels: 1, format: 1 } satisfies OptionNames<StreamFormat>;

/** `WAVE_FORMAT_PCM`: integers; all other formats have a longer head. */
const PCM = 1;
const EXTENSIBLE = 0xfffe;
/** The bytes that follow the format tag in the GUID of an extensible format. */
const GUID_TAIL = [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];

const UNKNOWN_SIZE = 0xffff_ffff;
const CHUNK_HEAD_BYTES = 8;
/** RIFF id, size, and 'WAVE'. */
const RIFF_BYTES = 12;
/** 64-bit sizes of the file, the data and the sample count, and an empty table (EBU Tech 3306 §3.5). */
const DS64_BYTES = 28;

/**
 * Writes a WAV file as the audio comes. `head()` comes first and says "size unknown", which players read as "to the end", so that a
 * truncated file still plays; `finish()` returns a head with the sizes to replace it, if possible. The head has room for 64-bit
 * sizes: above 4 GiB the file becomes RF64 (EBU Tech 3306).
 */
export class WavWriter {
  readonly #stream: StreamFormat<SampleFormat>;
  readonly #bytesPerFrame: number;
  #dataBytes = 0;

  /** @throws TypeError or RangeError for a stream out of range */
  constructor(stream: StreamFormat<SampleFormat>) {
    checkOptions('WavWriter', stream, NAMES);
    this.#stream = checkSampleStream(stream);
    this.#bytesPerFrame = bytesPerFrame(stream);
  }

  /** Number of frames written so far. */
  get frames(): number {
    return this.#dataBytes / this.#bytesPerFrame;
  }

  /** Returns the beginning of the file, valid while its length is unknown. */
  head(): Uint8Array<ArrayBuffer> {
    return this.#head(undefined);
  }

  /**
   * Counts samples that are appended unchanged: `SampleEncoder` writes the layout of WAV.
   * @param byteLength number of bytes, in whole frames
   */
  add(byteLength: number): void {
    const most = Number.MAX_SAFE_INTEGER;
    integerIn('byteLength', byteLength, 0, most);
    if (byteLength % this.#bytesPerFrame !== 0) {
      throw new RangeError(
        `byteLength must be whole frames of ${this.#bytesPerFrame} bytes, got ${byteLength}.`,
      );
    }
    this.#dataBytes += byteLength;
  }

  /**
   * @returns `head`, which replaces the beginning and has the same length; `tail`, to append: a byte if the length of the data is
   *   odd (RIFF chunks begin at even offsets), otherwise empty
   */
  finish(): { readonly head: Uint8Array<ArrayBuffer>; readonly tail: Uint8Array<ArrayBuffer> } {
    return { head: this.#head(this.#dataBytes), tail: new Uint8Array(this.#dataBytes % 2) };
  }

  #head(dataBytes: number | undefined): Uint8Array<ArrayBuffer> {
    const { channels, sampleRate, format } = this.#stream;
    const { bytes, wav } = FORMATS[format];
    const bits = bytes * 8;
    const pcm = wav === PCM;
    // Microsoft requires it above two channels, and for integers above 16 bits.
    const extensible = channels > 2 || (pcm && bits > 16);
    const fmtBytes = extensible ? 40 : pcm ? 16 : 18;
    const factBytes = pcm ? 0 : CHUNK_HEAD_BYTES + 4;
    const headBytes = RIFF_BYTES + CHUNK_HEAD_BYTES * 3 + DS64_BYTES + fmtBytes + factBytes;
    const head = new HeadBytes(headBytes);
    const riffBytes =
      dataBytes === undefined
        ? undefined
        : headBytes - CHUNK_HEAD_BYTES + dataBytes + (dataBytes % 2);
    const large = riffBytes !== undefined && riffBytes >= UNKNOWN_SIZE;
    const known = (size: number | undefined) => (size === undefined || large ? UNKNOWN_SIZE : size);
    const frames = dataBytes === undefined ? undefined : dataBytes / this.#bytesPerFrame;

    head
      .text(large ? 'RF64' : 'RIFF')
      .uint32(known(riffBytes))
      .text('WAVE');
    head.text(large ? 'ds64' : 'JUNK').uint32(DS64_BYTES);
    const sizes = large ? [riffBytes, dataBytes ?? 0, frames ?? 0] : [0, 0, 0];
    for (const size of sizes) head.uint64(size);
    head.uint32(0);
    head.text('fmt ').uint32(fmtBytes);
    head.uint16(extensible ? EXTENSIBLE : wav).uint16(channels);
    head.uint32(sampleRate).uint32(sampleRate * this.#bytesPerFrame);
    head.uint16(this.#bytesPerFrame).uint16(bits);
    if (extensible) {
      head.uint16(22).uint16(bits).uint32(speakerMask(channels)).uint16(wav);
      for (const byte of GUID_TAIL) head.uint8(byte);
    } else if (!pcm) {
      head.uint16(0);
    }
    if (!pcm) head.text('fact').uint32(4).uint32(known(frames));
    head.text('data').uint32(known(dataBytes));
    return head.bytes;
  }
}

/**
 * `dwChannelMask`: the speakers of the channels, in the order of the bits (Microsoft, WAVEFORMATEXTENSIBLE). Mono, stereo, quad and
 * 5.1 are the layouts of Web Audio; the others are the usual ones for their number of channels. Above 8 channels there is no
 * layout: with 0, "no speaker in particular", readers number the channels.
 */
const SPEAKER_MASKS: readonly number[] = [
  0,
  0x4, // front centre
  0x3, // front left, front right
  0x7, // 3.0
  0x33, // quad
  0x37, // 5.0
  0x3f, // 5.1
  0x70f, // 6.1: 5.1 with sides for its backs, and a back centre
  0x63f, // 7.1: 5.1 and sides
];

function speakerMask(channels: number): number {
  return SPEAKER_MASKS[channels] ?? 0;
}

/** Little-endian fields in sequence. */
class HeadBytes {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  uint8(value: number): this {
    this.#view.setUint8(this.#at++, value);
    return this;
  }

  uint16(value: number): this {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
    return this;
  }

  uint32(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  uint64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
    return this;
  }

  text(ascii: string): this {
    for (let i = 0; i < ascii.length; i++) this.uint8(ascii.charCodeAt(i));
    return this;
  }
}
