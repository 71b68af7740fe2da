import { OpusEncoder, OpusLibrary } from 'micwire/codec';
import { Capture, MediaChunks, Playout, loadOpusModule } from 'micwire';
import type { Chunk, MediaChunk } from 'micwire';
import type { OpenStage } from '../controllers/session.ts';
import type { LearnPart } from './learn-voice.ts';
import type { Coding } from './quantiser.ts';
import { audibleNoiseGainDb, levelDbfs, quantisationNoise, quantise } from './quantiser.ts';
import { readMediaFile } from './media-file.ts';
import { errorText } from '../../src/core/errors.ts';

/** Sampling rates to choose from, Hz: each of them Opus encodes too. */
export const PCM_RATES = [8000, 16_000, 48_000] as const;
/** A sampling rate to choose. */
export type PcmRate = (typeof PCM_RATES)[number];

/** What is heard. */
export type PcmHeard = 'source' | 'coded' | 'noise';

/** Length of a chunk, ms. */
export const PCM_CHUNK_MS = 20;
/** How long the playout waits, ms: the page quantises on its own thread, between its drawings. */
const TARGET_DELAY_MS = 100;
const RECORDER_CHUNK_MS = 100;
/** A recorder's first chunks may hold nothing but the header. */
const MAX_FIRST_CHUNKS = 8;
/** How quickly the level of the noise follows: as a share of each chunk. */
const SMOOTHING = 0.05;

/** A pause between words is not worth a picture: −50 dBFS. */
const LEAST_POWER = 1e-5;

/** The same 20 ms in several ways. */
export interface PcmMoment {
  readonly sampleRate: PcmRate;
  readonly samples: Float32Array;
  /** Of those samples; null until the encoder is there. */
  readonly opus: Uint8Array | null;
}

/** Captures the source as samples, quantises it on the page, and plays it. */
export class PcmBench implements LearnPart {
  sampleRate: PcmRate = 8000;
  coding: Coding = { kind: 'linear', bits: 5 };
  heard: PcmHeard = 'coded';
  #moment: PcmMoment | null = null;
  /** Of `#moment`; 0 once it has been taken. */
  #momentPower = 0;
  /** Levels over the last second or so, dBFS. */
  signalDbfs = -Infinity;
  noiseDbfs = -Infinity;
  /** The beginning of what a MediaRecorder writes, up to its first packet; null before. */
  recording: Uint8Array<ArrayBuffer> | null = null;
  /** Why there is no recording; else empty. */
  recordingProblem = '';
  recordedBytes = 0;
  #recordedMs = 0;
  #capture: Capture | null = null;
  #playout: Playout | null = null;
  #encoder: OpusEncoder | null = null;
  #recorder: MediaChunks | null = null;
  #source: GainNode | null = null;
  #coded: GainNode | null = null;
  #signalPower = 0;
  #noisePower = 0;
  #unplug = (): void => {};

  /** Bytes a second that the recorder writes; null before it is known. */
  get recordedBytesPerSecond(): number | null {
    return this.#recordedMs < 1000 ? null : (this.recordedBytes * 1000) / this.#recordedMs;
  }

  /** The loudest chunk since the last call, or since the one before where nothing was loud; null before the first. */
  takeMoment(): PcmMoment | null {
    this.#momentPower = 0;
    return this.#moment;
  }

  /** Forgets what was captured at another rate. */
  forget(): void {
    this.#moment = null;
    this.#momentPower = 0;
  }

  async open(stage: OpenStage): Promise<void> {
    const { context, source, output, outdated } = stage;
    const { sampleRate } = this;
    const format = { sampleRate, channels: 1, format: 'f32' } as const;
    const [playout, module] = await Promise.all([
      Playout.create(context, { ...format, targetDelayMs: TARGET_DELAY_MS, backlog: 'catch-up' }),
      loadOpusModule(),
    ]);
    if (outdated()) return void playout.close();
    this.#playout = playout;
    this.#source = new GainNode(context);
    this.#coded = new GainNode(context);
    source.node.connect(this.#source).connect(output);
    playout.connect(this.#coded);
    this.#coded.connect(output);
    this.hear(this.heard);
    this.#encoder = new OpusEncoder(new OpusLibrary(module), {
      sampleRate,
      channels: 1,
      packetDurationMs: PCM_CHUNK_MS,
    });
    const capture = await Capture.create(context, source.microphone ?? source.node, {
      ...format,
      chunkDurationMs: PCM_CHUNK_MS,
    });
    if (outdated()) return void capture.close();
    this.#capture = capture;
    capture.addEventListener('chunk', ({ detail }) => {
      // A capture that is being closed may have a last, shorter one.
      if (capture === this.#capture) this.#take(detail as Chunk<'f32'>);
    });
    this.#record(context, source.node);
  }

  shut(): void {
    this.#unplug();
    this.#unplug = () => {};
    void this.#capture?.close();
    void this.#playout?.close();
    void this.#recorder?.close();
    this.#source?.disconnect();
    this.#coded?.disconnect();
    this.#encoder?.close();
    this.#capture = null;
    this.#playout = null;
    this.#recorder = null;
    this.#source = null;
    this.#coded = null;
    this.#encoder = null;
    this.#signalPower = 0;
    this.#noisePower = 0;
    this.signalDbfs = -Infinity;
    this.noiseDbfs = -Infinity;
    this.recordedBytes = 0;
    this.#recordedMs = 0;
  }

  /** Chooses what is heard. */
  hear(heard: PcmHeard): void {
    this.heard = heard;
    if (this.#source !== null) this.#source.gain.value = heard === 'source' ? 1 : 0;
    if (this.#coded !== null) this.#coded.gain.value = heard === 'source' ? 0 : 1;
  }

  #take(chunk: Chunk<'f32'>): void {
    const samples = new Float32Array(chunk.bytes.buffer);
    const coded = quantise(samples, this.coding);
    const noise = quantisationNoise(samples, coded);
    this.#signalPower += SMOOTHING * (powerOf(samples) - this.#signalPower);
    this.#noisePower += SMOOTHING * (powerOf(noise) - this.#noisePower);
    this.signalDbfs = 10 * Math.log10(this.#signalPower);
    this.noiseDbfs = 10 * Math.log10(this.#noisePower);
    const played =
      this.heard === 'noise' ? amplified(noise, audibleNoiseGainDb(this.coding)) : coded;
    this.#playout?.write(new Uint8Array(played.buffer));
    const opus = this.#encode(samples);
    const power = powerOf(samples);
    if (power < Math.max(LEAST_POWER, this.#momentPower)) return;
    this.#momentPower = power;
    this.#moment = { sampleRate: this.sampleRate, samples, opus };
  }

  #encode(samples: Float32Array): Uint8Array | null {
    const encoder = this.#encoder;
    if (encoder === null || samples.length !== encoder.packetFrames) return null;
    const packet = new Uint8Array(encoder.maxBytes());
    return packet.slice(0, encoder.encode([samples], 0, samples.length, packet, 0));
  }

  #record(context: AudioContext, node: AudioNode): void {
    const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    node.connect(destination);
    this.#unplug = () => {
      // The source may have been closed, and its node disconnected, before.
      try {
        node.disconnect(destination);
      } catch {}
    };
    this.recordingProblem = '';
    try {
      this.#recorder = MediaChunks.create(destination.stream, {
        chunkDurationMs: RECORDER_CHUNK_MS,
      });
    } catch (error) {
      this.recordingProblem = errorText(error);
      return;
    }
    void this.#readRecorder(this.#recorder);
  }

  async #readRecorder(recorder: MediaChunks): Promise<void> {
    let first = new Uint8Array(0);
    let firstMs: number | null = null;
    try {
      for await (const chunk of recorder) {
        if (recorder !== this.#recorder) return;
        firstMs ??= chunk.timestamp / 1000;
        this.recordedBytes += chunk.bytes.length;
        this.#recordedMs = chunk.timestamp / 1000 - firstMs;
        if (chunk.sequence < MAX_FIRST_CHUNKS && !holdsPacket(first)) {
          first = joined(first, chunk);
          this.recording = first;
        }
      }
    } catch (error) {
      this.recordingProblem = errorText(error);
    }
  }
}

function holdsPacket(bytes: Uint8Array): boolean {
  const elements = readMediaFile(bytes)?.elements ?? [];
  return elements.some(({ name }) => /^(?:SimpleBlock|Block|Page: packets|mdat)$/.test(name));
}

function joined(first: Uint8Array, { bytes }: MediaChunk): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(first.length + bytes.length);
  both.set(first);
  both.set(bytes, first.length);
  return both;
}

function powerOf(samples: Float32Array): number {
  return 10 ** (levelDbfs(samples) / 10);
}

function amplified(samples: Float32Array, gainDb: number): Float32Array<ArrayBuffer> {
  const gain = 10 ** (gainDb / 20);
  return Float32Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample * gain)));
}
