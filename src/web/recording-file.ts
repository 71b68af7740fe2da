import type { Chunk } from '../core/capture/chunk.ts';
import type { PayloadFormat } from '../core/codec/payload-format.ts';
import { OPUS_RATE } from '../core/codec/opus-packet.ts';
import { OggOpusWriter } from '../core/container/ogg-opus.ts';
import { WavWriter } from '../core/container/wav.ts';
import type { WavOptions } from '../core/container/wav.ts';
import { bytesPerSample } from '../core/dsp/sample-format.ts';
import type { RecordingSink } from './recording-sink.ts';

/** What a capture's chunks have in common. */
export interface RecordedFormat {
  readonly sampleRate: number;
  readonly channels: number;
  /** Frames at the wire rate. */
  readonly preSkip: number;
  /** Milliseconds of a chunk. */
  readonly chunkDuration: number;
}

/** A file that grows. */
export interface RecordingFile {
  /** MIME type. */
  readonly type: string;
  /** Bytes so far. */
  readonly size: number;
  add(chunk: Chunk<PayloadFormat>): Promise<void>;
  /** Lets go of what waits to share a page, for a pause. */
  flush(): Promise<void>;
  /** Completes it. @returns the file, unless it went to a stream */
  close(): Promise<Blob | undefined>;
}

/** Packets of Opus share pages of this length: a crash costs one, and the pages little. */
const PAGE_MS = 400;

/** Ogg Opus, by our own writer. */
export class OggFile implements RecordingFile {
  readonly type = 'audio/ogg; codecs=opus';
  size = 0;
  readonly #sink: RecordingSink;
  readonly #writer: OggOpusWriter;
  readonly #ratio: number;
  readonly #chunkFrames: number;
  /** The packet that came last waits, since the end needs one. */
  #last: Chunk<PayloadFormat> | undefined;
  /** Frames at 48 kHz of silence that fill the packets since the last captured frame. */
  #filled = 0;
  #started = false;

  constructor(
    format: RecordedFormat,
    sink: RecordingSink,
    tags?: Readonly<Record<string, string>>,
  ) {
    this.#sink = sink;
    this.#ratio = OPUS_RATE / format.sampleRate;
    this.#chunkFrames = (format.chunkDuration * OPUS_RATE) / 1000;
    this.#writer = new OggOpusWriter({
      channels: format.channels,
      preSkip: Math.round(format.preSkip * this.#ratio),
      inputSampleRate: format.sampleRate,
      pageDuration: PAGE_MS,
      serial: Math.floor(Math.random() * 2 ** 32),
      ...(tags === undefined ? {} : { tags }),
    });
  }

  async add(chunk: Chunk<PayloadFormat>): Promise<void> {
    await this.#begin();
    await this.#writeLast();
    if (chunk.dropped > 0) await this.#write(this.#writer.gap(chunk.dropped * this.#ratio));
    const silent = this.#chunkFrames - chunk.frames * this.#ratio;
    this.#filled = chunk.frames === 0 ? this.#filled + silent : silent;
    this.#last = chunk;
  }

  async flush(): Promise<void> {
    await this.#begin();
    await this.#write(this.#writer.flush());
  }

  async close(): Promise<Blob | undefined> {
    await this.#begin();
    const last = this.#last;
    if (last === undefined) {
      await this.#write(this.#writer.end());
    } else {
      // The first frames of the silence bring out the look-ahead's; the rest is for nobody.
      const trim = Math.min(this.#chunkFrames, Math.max(0, this.#filled - this.#writer.preSkip));
      await this.#write(this.#writer.end(last.bytes, trim));
    }
    return this.#sink.close(undefined, this.type);
  }

  async #begin(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    await this.#write(this.#writer.head());
  }

  async #writeLast(): Promise<void> {
    const last = this.#last;
    this.#last = undefined;
    if (last !== undefined) await this.#write(this.#writer.packet(last.bytes));
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (bytes.length === 0) return;
    this.size += bytes.length;
    await this.#sink.write(bytes);
  }
}

/** Frames of silence that are written at once for a gap. */
const GAP_FRAMES = 48_000;

/** WAV, RF64 above 4 GiB. */
export class WavFile implements RecordingFile {
  readonly type = 'audio/wav';
  size = 0;
  readonly #sink: RecordingSink;
  readonly #writer: WavWriter;
  readonly #options: WavOptions;
  #started = false;

  constructor(options: WavOptions, sink: RecordingSink) {
    this.#sink = sink;
    this.#options = options;
    this.#writer = new WavWriter(options);
  }

  async add(chunk: Chunk<PayloadFormat>): Promise<void> {
    await this.#begin();
    await this.#silence(chunk.dropped);
    await this.#samples(chunk.bytes);
  }

  flush(): Promise<void> {
    return this.#begin();
  }

  async close(): Promise<Blob | undefined> {
    await this.#begin();
    const { head, tail } = this.#writer.finish();
    await this.#write(tail);
    return this.#sink.close(head, this.type);
  }

  async #begin(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    await this.#write(this.#writer.head());
  }

  /** A gap keeps its length. */
  async #silence(frames: number): Promise<void> {
    const { format, channels } = this.#options;
    const bytesPerFrame = channels * bytesPerSample(format);
    const zero = format === 'mulaw' ? 0xff : format === 'alaw' ? 0xd5 : 0;
    for (let rest = frames; rest > 0; rest -= GAP_FRAMES) {
      const count = Math.min(rest, GAP_FRAMES);
      await this.#samples(new Uint8Array(count * bytesPerFrame).fill(zero));
    }
  }

  async #samples(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    this.#writer.add(bytes.length);
    await this.#write(bytes);
  }

  async #write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (bytes.length === 0) return;
    this.size += bytes.length;
    await this.#sink.write(bytes);
  }
}
