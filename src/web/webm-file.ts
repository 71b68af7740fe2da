import type { Chunk } from '../core/capture/chunk.ts';
import type { PayloadFormat } from '../core/codec/payload-format.ts';
import { OPUS_RATE } from '../core/codec/opus-packet.ts';
import { opusHead } from '../core/container/ogg-opus.ts';
import type { RecordedFormat, RecordingFile } from './recording-file.ts';

/** What is used of the package mediabunny (MPL-2.0), which you pass: the library does not depend on it. */
export interface Mediabunny {
  readonly Output: new (options: never) => MediabunnyOutput;
  readonly WebMOutputFormat: new () => object;
  readonly BufferTarget: new () => object;
  readonly StreamTarget: new (stream: never) => object;
  readonly EncodedAudioPacketSource: new (codec: 'opus') => MediabunnySource;
  readonly EncodedPacket: new (
    data: Uint8Array,
    type: 'key',
    timestamp: number,
    duration: number,
  ) => object;
}
interface MediabunnyOutput {
  readonly target: object;
  addAudioTrack(source: never): unknown;
  start(): Promise<void>;
  finalize(): Promise<void>;
}
interface MediabunnySource {
  add(packet: never, metadata?: never): Promise<void>;
}

/** WebM with Opus, by mediabunny. A file that is cut off lacks its index: for that, Ogg is the better container. */
export class WebmFile implements RecordingFile {
  readonly type = 'audio/webm; codecs=opus';
  size = 0;
  readonly #bunny: Mediabunny;
  readonly #format: RecordedFormat;
  readonly #output: MediabunnyOutput;
  readonly #source: MediabunnySource;
  readonly #seconds: number;
  #started = false;
  /** Seconds of the next packet. */
  #at = 0;

  constructor(bunny: Mediabunny, format: RecordedFormat, stream?: WritableStream) {
    this.#bunny = bunny;
    this.#format = format;
    this.#seconds = format.chunkDuration / 1000;
    const target = stream ? new bunny.StreamTarget(stream as never) : new bunny.BufferTarget();
    const options = { format: new bunny.WebMOutputFormat(), target };
    this.#output = new bunny.Output(options as never);
    this.#source = new bunny.EncodedAudioPacketSource('opus');
    this.#output.addAudioTrack(this.#source as never);
  }

  async add(chunk: Chunk<PayloadFormat>): Promise<void> {
    await this.#begin();
    const { sampleRate, channels, preSkip } = this.#format;
    this.#at += chunk.dropped / sampleRate;
    const { bytes } = chunk;
    const packet = new this.#bunny.EncodedPacket(bytes, 'key', this.#at, this.#seconds);
    this.#at += this.#seconds;
    this.size += bytes.length;
    const description = opusHead({
      channels,
      preSkip: Math.round((preSkip * OPUS_RATE) / sampleRate),
      inputSampleRate: sampleRate,
    });
    const decoderConfig = {
      codec: 'opus',
      sampleRate: OPUS_RATE,
      numberOfChannels: channels,
      description,
    };
    await this.#source.add(packet as never, { decoderConfig } as never);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<Blob | undefined> {
    await this.#begin();
    await this.#output.finalize();
    const { buffer } = this.#output.target as { readonly buffer?: ArrayBuffer | null };
    if (!buffer) return undefined;
    this.size = buffer.byteLength;
    return new Blob([buffer], { type: this.type });
  }

  async #begin(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    await this.#output.start();
  }
}
