import type { OpusOptions, OpusSettings } from '../core/codec/opus-options.ts';
import { opusPacketLength } from '../core/codec/opus-options.ts';
import {
  hasOpusFec,
  OPUS_RATE,
  opusPacketFrames,
  opusPacketInfo,
} from '../core/codec/opus-packet.ts';
import { MicwireError, PacketError, errorText } from '../core/errors.ts';
import { frameTimestamp } from '../core/format/stream-format.ts';

/** Options that Chromium accepts, but the DOM types lack (WebCodecs Opus registration §3.2). */
interface OpusConfig extends OpusEncoderConfig {
  application: OpusSettings['application'];
  signal: OpusSettings['signalType'];
}
type Config = AudioEncoderConfig & { opus: OpusConfig };

/** Offset of the pre-skip in OpusHead, and the length of OpusHead, in bytes (RFC 7845 §5.1). */
const HEAD_PRE_SKIP = 10;
const HEAD_BYTES = 19;

/** Returns the configuration of the engine's encoder for these settings. */
export function webCodecsConfig(settings: OpusSettings): Config {
  return {
    codec: 'opus',
    sampleRate: settings.sampleRate,
    numberOfChannels: settings.channels,
    bitrate: settings.bitrate,
    bitrateMode: settings.bitrateMode,
    opus: {
      format: 'opus',
      frameDuration: settings.packetDurationMs * 1000,
      complexity: settings.complexity,
      packetlossperc: settings.expectedLossPercent,
      useinbandfec: settings.fec,
      usedtx: settings.dtx,
      application: settings.application,
      signal: settings.signalType,
    },
  };
}

/** Called with each packet of the engine's encoder. The timestamp is not passed on, because engines disagree about it. */
export type PacketListener = (packet: Uint8Array, length: number) => void;

/**
 * The engine's Opus encoder: takes the frames of whole packets, and returns as many packets in the same order. Any deviation from
 * its settings is an error.
 */
export class WebCodecsOpusEncoder {
  /** The encoder's look-ahead in frames at the wire rate, once known; until then that of libopus. */
  preSkip: number;
  readonly #encoder: AudioEncoder;
  readonly #packetFrames: number;
  readonly #interleaved: Float32Array<ArrayBuffer>;
  readonly #settings: OpusSettings;
  #packet = new Uint8Array(0);
  #frame = 0;
  #failed: ((error: MicwireError) => void) | undefined;

  constructor(
    settings: OpusSettings,
    onPacket: PacketListener,
    onError: (error: MicwireError) => void,
  ) {
    this.#settings = settings;
    this.#packetFrames = opusPacketLength(settings);
    this.#failed = onError;
    this.preSkip = opusLookahead(settings);
    this.#interleaved = new Float32Array(this.#packetFrames * settings.channels);
    this.#encoder = new AudioEncoder({
      output: (chunk, metadata) => this.#take(chunk, metadata, onPacket),
      error: (cause) => this.#fail(`the engine's encoder failed: ${cause.message}`, cause),
    });
    this.#encoder.configure(webCodecsConfig(settings));
  }

  /** @param input `packetFrames` frames from index 0 */
  encode(input: readonly Float32Array[]): void {
    const { sampleRate, channels } = this.#settings;
    const frames = this.#packetFrames;
    for (let c = 0; c < channels; c++) {
      const samples = input[c]!;
      for (let i = 0; i < frames; i++) {
        const sample = samples[i]!;
        this.#interleaved[i * channels + c] = Number.isNaN(sample) ? 0 : sample;
      }
    }
    if (this.#encoder.state !== 'configured') return;
    const data = new AudioData({
      format: 'f32',
      sampleRate,
      numberOfChannels: channels,
      numberOfFrames: frames,
      timestamp: frameTimestamp(this.#frame, sampleRate),
      data: this.#interleaved,
    });
    this.#frame += frames;
    this.#encoder.encode(data);
    data.close();
  }

  /** Resolves when every packet has been delivered. */
  async flush(): Promise<void> {
    if (this.#encoder.state === 'configured') await this.#encoder.flush();
  }

  close(): void {
    this.#failed = undefined;
    if (this.#encoder.state !== 'closed') this.#encoder.close();
  }

  #take(
    chunk: EncodedAudioChunk,
    metadata: EncodedAudioChunkMetadata | undefined,
    onPacket: PacketListener,
  ): void {
    if (this.#failed === undefined) return;
    const { byteLength } = chunk;
    if (this.#packet.length < byteLength) this.#packet = new Uint8Array(2 * byteLength);
    chunk.copyTo(this.#packet);
    const description = metadata?.decoderConfig?.description;
    if (description !== undefined) this.preSkip = this.#preSkipIn(description);
    try {
      const ratio = OPUS_RATE / this.#settings.sampleRate;
      const frames = opusPacketFrames(this.#packet, 0, byteLength) / ratio;
      if (frames !== this.#packetFrames) {
        const ms = (frames / this.#settings.sampleRate) * 1000;
        const wanted = this.#settings.packetDurationMs;
        this.#fail(`the engine's encoder makes packets of ${ms} ms when asked for ${wanted} ms`);
        return;
      }
    } catch (cause) {
      if (!(cause instanceof PacketError)) throw cause;
      this.#fail("the engine's encoder made an invalid Opus packet", cause);
      return;
    }
    onPacket(this.#packet, byteLength);
  }

  #preSkipIn(description: AllowSharedBufferSource): number {
    const bytes = ArrayBuffer.isView(description)
      ? new DataView(description.buffer, description.byteOffset, description.byteLength)
      : new DataView(description);
    if (bytes.byteLength < HEAD_BYTES) return this.preSkip;
    const frames = bytes.getUint16(HEAD_PRE_SKIP, true);
    return Math.round((frames * this.#settings.sampleRate) / OPUS_RATE);
  }

  #fail(reason: string, cause?: unknown): void {
    const failed = this.#failed;
    this.close();
    failed?.(new MicwireError('unsupported', reason, { cause }));
  }
}

/** Returns the look-ahead of libopus: 2.5 ms for CELT, and 4 ms more if it may use SILK. @returns frames */
function opusLookahead(settings: OpusSettings): number {
  const ms = settings.application === 'lowdelay' ? 2.5 : 6.5;
  return (settings.sampleRate * ms) / 1000;
}

/** Length of the shortest conclusive test signal, in seconds: a voice that changes, and with DTX silence of the same length. */
const VOICE_SECONDS = 1;
const SILENCE_SECONDS = 1;
/** Factor by which the bitrate may deviate over one second; engines that ignore the bitrate deviate by 40 % or more. */
const RATE_TOLERANCE = 1.25;
const KILOBIT = 1000;

/**
 * Tries the engine's encoder on a synthetic voice, and examines the result: engines accept options that they do not honour.
 *
 * @param asked options that were given; the engine must know each of them by name
 * @returns the options that it does not honour; empty if it honours all of them
 */
export async function webCodecsFaults(
  settings: OpusSettings,
  asked: readonly (keyof OpusOptions)[],
): Promise<readonly string[]> {
  if (typeof AudioEncoder !== 'function') return ['there is no AudioEncoder in Workers'];
  const faults: string[] = [];
  try {
    const { supported, config } = await AudioEncoder.isConfigSupported(webCodecsConfig(settings));
    if (supported !== true) return ['the engine does not support this configuration'];
    faults.push(...unknownOptions(config, asked));
    const packets = await encodeProbe(settings);
    faults.push(...visibleFaults(settings, asked, packets));
  } catch (error) {
    faults.push(errorText(error));
  }
  return faults;
}

/**
 * Returns options that the engine does not know. The engine returns the members that it understands (WebCodecs §6.6); it does not
 * know a missing member.
 */
function unknownOptions(
  config: AudioEncoderConfig | undefined,
  asked: readonly (keyof OpusOptions)[],
): string[] {
  const known = {
    bitrate: config?.bitrate,
    bitrateMode: config?.bitrateMode,
    complexity: config?.opus?.complexity,
    packetDurationMs: config?.opus?.frameDuration,
    fec: config?.opus?.useinbandfec,
    expectedLossPercent: config?.opus?.packetlossperc,
    dtx: config?.opus?.usedtx,
    application: (config?.opus as Partial<OpusConfig> | undefined)?.application,
    signalType: (config?.opus as Partial<OpusConfig> | undefined)?.signal,
  };
  return asked
    .filter((name) => known[name] === undefined)
    .map((name) => `${name} is not known to the engine`);
}

/** Packets of the voice and of the silence. */
interface Probe {
  readonly voice: readonly Uint8Array[];
  readonly silence: readonly Uint8Array[];
}

async function encodeProbe(settings: OpusSettings): Promise<Probe> {
  const packets: Uint8Array[] = [];
  let failure: MicwireError | undefined;
  const encoder = new WebCodecsOpusEncoder(
    settings,
    (packet, length) => packets.push(packet.slice(0, length)),
    (error) => (failure = error),
  );
  const frames = opusPacketLength(settings);
  const voiceCount = Math.ceil((VOICE_SECONDS * settings.sampleRate) / frames);
  const silentCount = settings.dtx
    ? Math.ceil((SILENCE_SECONDS * settings.sampleRate) / frames)
    : 0;
  const input = Array.from({ length: settings.channels }, () => new Float32Array(frames));
  for (let packet = 0; packet < voiceCount + silentCount; packet++) {
    for (let i = 0; i < frames; i++) {
      const seconds = (packet * frames + i) / settings.sampleRate;
      for (let c = 0; c < input.length; c++) {
        input[c]![i] = packet < voiceCount ? voice(seconds, c) : 0;
      }
    }
    encoder.encode(input);
  }
  // If the encoder has failed, flush() rejects only because it was aborted; the failure gives the reason.
  await encoder.flush().catch((error: unknown) => {
    throw failure ?? error;
  });
  encoder.close();
  if (failure !== undefined) throw failure;
  return { voice: packets.slice(0, voiceCount), silence: packets.slice(voiceCount) };
}

function visibleFaults(
  settings: OpusSettings,
  asked: readonly (keyof OpusOptions)[],
  { voice: packets, silence }: Probe,
): string[] {
  const faults: string[] = [];
  const bytes = packets.reduce((sum, packet) => sum + packet.length, 0);
  const seconds = (packets.length * settings.packetDurationMs) / 1000;
  const rate = (bytes * 8) / seconds;
  if (rate > settings.bitrate * RATE_TOLERANCE) {
    const [wanted, got] = [settings.bitrate, rate].map((r) => (r / KILOBIT).toFixed(0));
    faults.push(`bitrate: ${got} kb/s when asked for ${wanted}`);
  }
  const sizes = new Set(packets.map((packet) => packet.length));
  if (settings.bitrateMode === 'constant' && sizes.size > 1) {
    faults.push('bitrateMode: packets are not of one size');
  }
  const fec = packets.some((packet) => hasOpusFec(packet, 0, packet.length));
  const modes = new Set(packets.map((packet) => opusPacketInfo(packet).mode));
  if (settings.fec && !fec && !(modes.size === 1 && modes.has('celt'))) {
    faults.push('fec: no packet carries any');
  }
  if (settings.application === 'lowdelay' && asked.includes('application')) {
    if (modes.size > 1 || !modes.has('celt')) faults.push('application: it is not low delay');
  }
  if (settings.dtx && !silence.some((packet) => packet.length <= 2)) {
    faults.push('dtx: silence takes as much as sound');
  }
  return faults;
}

/** Synthesizes a voice: harmonics of a gliding pitch that get louder and softer four times a second, different in each channel. */
function voice(seconds: number, channel: number): number {
  const pitch = 120 + 30 * Math.sin(2 * Math.PI * 0.7 * seconds);
  let value = 0;
  for (let harmonic = 1; harmonic <= 16; harmonic++) {
    value += Math.sin(2 * Math.PI * harmonic * pitch * seconds + channel * harmonic) / harmonic;
  }
  return 0.2 * value * (0.6 - 0.4 * Math.cos(2 * Math.PI * 4 * seconds));
}
