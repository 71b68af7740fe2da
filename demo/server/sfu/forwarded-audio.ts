import { join } from 'node:path';
import { OpusDecoder } from '../../../src/core/codec/opus-decoder.ts';
import { OpusLibrary } from '../../../src/core/codec/opus-library.ts';
import type { OpusModule } from '../../../src/core/codec/opus-library.ts';
import { PacketError } from '../../../src/core/errors.ts';
import { MeterBank } from '../../../src/core/metering/meter-bank.ts';
import type { StreamChunk } from '../../../src/node/accepted-stream.ts';
import { StreamRecorder } from '../../../src/node/recording/stream-recorder.ts';
import { RtpSocket } from '../../../src/node/rtp-socket.ts';
import type { RtpSocketStats } from '../../../src/node/rtp-socket.ts';

/** Of Opus as Janus forwards it. */
const PAYLOAD_TYPE = 111;
const SAMPLE_RATE = 48_000;
/** Frames of the longest packet of Opus: 120 ms. */
const MAX_FRAMES = 5760;

/** What the server does with a publisher's audio. */
export interface ForwardedAudioOptions {
  readonly channels: number;
  /** Where to record; null: nowhere. */
  readonly folder: string | null;
  /** Of the file, without its ending. */
  readonly name: string;
  /** libopus, for the meter; null: nothing is metered. */
  readonly opus: OpusModule | null;
  /** Called at most once for the recording and once for the rest, with the reason why it is no longer recorded or metered. */
  readonly failed: (error: unknown) => void;
}

/** How loud a publisher is. */
export interface ForwardedLevel {
  /** Held for 1.5 s, of the loudest channel, dBFS; −Infinity for silence. */
  readonly peakDbfs: number;
  /** Integrated loudness since the start, LUFS; −Infinity while nothing is loud enough. */
  readonly loudnessLufs: number;
}

interface OpusMeter {
  readonly decoder: OpusDecoder;
  readonly bank: MeterBank<'peak' | 'loudness'>;
}

/** One publisher's audio, as an SFU forwards it in plain RTP: recorded and metered. */
export class ForwardedAudio {
  readonly #socket: RtpSocket;
  readonly #recorder: StreamRecorder | null;
  readonly #meter: OpusMeter | null;
  readonly #block: readonly Float32Array[];
  readonly #failed: (error: unknown) => void;
  #refusesRecording = false;
  readonly #reading: Promise<void>;

  /** Opens a port and a file. @throws MicwireError when one of them cannot be opened */
  static async open(options: ForwardedAudioOptions): Promise<ForwardedAudio> {
    const { channels, folder, name } = options;
    const stream = { format: 'opus', sampleRate: SAMPLE_RATE, channels } as const;
    const socket = await RtpSocket.open({
      stream,
      payloadType: PAYLOAD_TYPE,
      from: ['127.0.0.1'],
    });
    let recorder: StreamRecorder | null = null;
    try {
      const path = folder === null ? null : join(folder, `${name}.ogg`);
      recorder = path === null ? null : await StreamRecorder.open(path, { stream });
      return new ForwardedAudio(socket, recorder, options);
    } catch (error) {
      await socket.close();
      await recorder?.close();
      throw error;
    }
  }

  private constructor(
    socket: RtpSocket,
    recorder: StreamRecorder | null,
    { channels, opus, failed }: ForwardedAudioOptions,
  ) {
    this.#failed = failed;
    this.#socket = socket;
    this.#recorder = recorder;
    this.#block = Array.from({ length: channels }, () => new Float32Array(MAX_FRAMES));
    const stage = { sampleRate: SAMPLE_RATE, channels };
    this.#meter =
      opus === null
        ? null
        : {
            decoder: new OpusDecoder(new OpusLibrary(opus), stage),
            bank: new MeterBank({ ...stage, meters: ['peak', 'loudness'] }),
          };
    this.#reading = this.#read().catch(failed);
  }

  /** Where Janus is to send. */
  get target(): { readonly port: number; readonly payloadType: number } {
    return { port: this.#socket.address.port, payloadType: PAYLOAD_TYPE };
  }

  get stats(): RtpSocketStats {
    return this.#socket.stats;
  }

  /** The recording's path; null without one. */
  get path(): string | null {
    return this.#recorder?.path ?? null;
  }

  /** Null where nothing is metered. */
  get level(): ForwardedLevel | null {
    if (this.#meter === null) return null;
    const reading = this.#meter.bank.createReading();
    this.#meter.bank.read(reading);
    return {
      peakDbfs: Math.max(...reading.heldPeakDbfs),
      loudnessLufs: reading.integratedLufs,
    };
  }

  /** Completes the file. */
  async close(): Promise<void> {
    await this.#socket.close();
    await this.#reading;
    this.#meter?.decoder.close();
    await this.#recorder?.close();
  }

  #record(chunk: StreamChunk): void {
    if (this.#refusesRecording) return;
    try {
      // A full disk ends the recording, and `close` reports it; the meter continues.
      this.#recorder?.write(chunk).catch(() => {});
    } catch (error) {
      // A packet that claims to come hours after the others: so will those that follow it.
      this.#refusesRecording = true;
      this.#failed(error);
    }
  }

  async #read(): Promise<void> {
    for await (const chunk of this.#socket) {
      this.#record(chunk);
      if (this.#meter === null) continue;
      const { decoder, bank } = this.#meter;
      try {
        const frames = decoder.decode(chunk.bytes, 0, chunk.bytes.length, this.#block, 0);
        bank.process(this.#block, 0, frames);
      } catch (error) {
        // A publisher's fault: the file has the packet unchanged.
        if (!(error instanceof PacketError)) throw error;
      }
    }
  }
}
