import type { Chunk } from '../capture/chunk.ts';
import { OPUS_LEAST_GAP, OPUS_RATE, opusGapPackets } from '../codec/opus-packet.ts';
import type { PayloadFormat, SampleFormat } from '../format/formats.ts';
import { FORMATS } from '../format/formats.ts';
import { bytesPerFrame, isSampled } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import { OggOpusWriter } from './ogg-opus.ts';
import { WavWriter } from './wav.ts';
import { WebmOpusWriter } from './webm-opus.ts';

/** Container of a recording: Opus in Ogg or WebM, PCM in WAV. */
export type RecorderContainer = 'ogg' | 'webm' | 'wav';

/** Describes the chunks of a recording and its file. Structured-cloneable. */
export interface RecordingOptions {
  readonly container: RecorderContainer;
  /** Format of the chunks. */
  readonly stream: StreamFormat;
  /** Frames at the wire rate to leave out at the start. */
  readonly preSkip: number;
  /** Duration of a chunk in ms. */
  readonly chunkDurationMs: number;
  /** Tags of an Ogg file. */
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** The fields of a chunk that a muxer uses. */
export type RecordedChunk = Pick<Chunk<PayloadFormat>, 'bytes' | 'frame' | 'frames'>;

/** Bytes to append, in order. They are produced during the iteration, which must run to the end. */
type Bytes = Iterable<Uint8Array<ArrayBuffer>>;

/**
 * Builds a file from chunks as they come. The `frame` of a chunk determines its place: missing audio before it keeps its length, as
 * concealment in Opus and as silence in WAV.
 */
export interface RecordingMuxer {
  /** MIME type. */
  readonly type: string;
  add(chunk: RecordedChunk): Bytes;
  /** Returns the packets that wait to share a page. */
  flush(): Bytes;
  /** Completes the file. @param mendable whether the caller will replace the beginning by `finishedHead` */
  end(mendable: boolean): Bytes;
  /** Returns the bytes that replace the beginning after `end`, of the same length; undefined if the beginning can stay. */
  finishedHead(): Uint8Array<ArrayBuffer> | undefined;
}

/** Opus packets share pages of this duration: a crash loses at most one page, and the pages add little overhead. */
const PAGE_MS = 400;

/**
 * @param serial distinguishes this file from others, if the container has a field for it: a random number, 1..2³²−1
 * @throws TypeError or RangeError for a format that the container cannot hold
 */
export function recordingMuxer(options: RecordingOptions, serial: number): RecordingMuxer {
  const { container, stream } = options;
  if (container !== 'wav') return new OpusMuxer(options, serial);
  if (isSampled(stream)) return new WavMuxer(stream);
  throw new TypeError(`A WAV file holds samples, got ${stream.format}.`);
}

/** MIME type of each container. */
const TYPES: Readonly<Record<RecorderContainer, string>> = {
  ogg: 'audio/ogg; codecs=opus',
  webm: 'audio/webm; codecs=opus',
  wav: 'audio/wav',
};

/** Opus in Ogg or WebM. The file has exactly the length of the captured audio, to the frame. */
class OpusMuxer implements RecordingMuxer {
  readonly type: string;
  readonly #writer: OggOpusWriter | WebmOpusWriter;
  readonly #channels: number;
  /** Frames at 48 kHz per frame at the wire rate, and per packet. */
  readonly #ratio: number;
  readonly #packetFrames: number;
  /** The newest packet waits, because the end needs one. */
  #last: RecordedChunk | undefined;
  /** End of the captured audio, in frames at 48 kHz. */
  #end = 0;
  #begun = false;

  constructor(options: RecordingOptions, serial: number) {
    const { container, stream, preSkip, chunkDurationMs, tags } = options;
    const { sampleRate, channels } = stream;
    this.type = TYPES[container];
    this.#channels = channels;
    this.#ratio = OPUS_RATE / sampleRate;
    this.#packetFrames = (chunkDurationMs * OPUS_RATE) / 1000;
    const head = {
      channels,
      preSkip: Math.round(preSkip * this.#ratio),
      inputSampleRate: sampleRate,
    };
    this.#writer =
      container === 'webm'
        ? new WebmOpusWriter({ ...head, uid: serial })
        : new OggOpusWriter({ ...head, pageDurationMs: PAGE_MS, serial, tags });
  }

  *add(chunk: RecordedChunk): Bytes {
    yield* this.#begin();
    const writer = this.#writer;
    const start = Math.round(chunk.frame * this.#ratio);
    const last = this.#last;
    // A packet without captured frames only flushes the encoder's look-ahead; the next one replaces it.
    const needless =
      last?.frames === 0 && chunk.frames > 0 && writer.position + this.#packetFrames > start;
    if (last !== undefined && !needless) yield writer.packet(last.bytes);
    const missing = start - writer.position;
    if (missing >= OPUS_LEAST_GAP) yield writer.gap(missing);
    this.#last = chunk;
    this.#end = Math.max(this.#end, Math.round((chunk.frame + chunk.frames) * this.#ratio));
  }

  *flush(): Bytes {
    yield this.#writer.flush();
  }

  *end(): Bytes {
    const last = this.#last;
    if (last === undefined) return;
    this.#last = undefined;
    const writer = this.#writer;
    // The first frames of the filler flush the look-ahead; the rest is left out.
    const missing = this.#end + writer.preSkip - writer.position - this.#packetFrames;
    if (missing <= 0) {
      yield writer.end(last.bytes, Math.min(this.#packetFrames, -missing));
      return;
    }
    yield writer.packet(last.bytes);
    const filled = Math.ceil(missing / OPUS_LEAST_GAP) * OPUS_LEAST_GAP;
    const packets = opusGapPackets(filled, this.#channels);
    const end = packets.pop()!;
    for (const packet of packets) yield writer.packet(packet);
    yield writer.end(end, filled - missing);
  }

  finishedHead(): Uint8Array<ArrayBuffer> | undefined {
    return 'finish' in this.#writer ? this.#writer.finish() : undefined;
  }

  *#begin(): Bytes {
    if (this.#begun) return;
    this.#begun = true;
    yield this.#writer.head();
  }
}

/** Number of frames of silence written at once for a gap. */
const GAP_FRAMES = 48_000;

/** WAV, RF64 above 4 GiB. */
class WavMuxer implements RecordingMuxer {
  readonly type: string = TYPES.wav;
  readonly #writer: WavWriter;
  readonly #stream: StreamFormat<SampleFormat>;
  #begun = false;

  constructor(stream: StreamFormat<SampleFormat>) {
    this.#stream = stream;
    this.#writer = new WavWriter(stream);
  }

  *add({ bytes, frame }: RecordedChunk): Bytes {
    if (!this.#begun) {
      this.#begun = true;
      yield this.#writer.head();
    }
    const missing = frame - this.#writer.frames;
    if (missing > 0) yield* this.#silence(missing);
    this.#writer.add(bytes.length);
    yield bytes;
  }

  flush(): Bytes {
    return [];
  }

  *end(mendable: boolean): Bytes {
    // If the head has no length, a padding byte would be heard as a sample.
    if (mendable) yield this.#writer.finish().tail;
  }

  finishedHead(): Uint8Array<ArrayBuffer> {
    return this.#writer.finish().head;
  }

  *#silence(frames: number): Bytes {
    const frameBytes = bytesPerFrame(this.#stream);
    const { silence = 0 } = FORMATS[this.#stream.format];
    for (let rest = frames; rest > 0; rest -= GAP_FRAMES) {
      const bytes = new Uint8Array(Math.min(rest, GAP_FRAMES) * frameBytes).fill(silence);
      this.#writer.add(bytes.length);
      yield bytes;
    }
  }
}
