import { createRequire } from 'node:module';
import { join } from 'node:path';
import { OpusDecoder } from '../../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../../src/core/codec/opus-library.ts';
import type { OpusModule } from '../../src/core/codec/opus-library.ts';

/** What all encode alike: 20 ms at 48 kHz. */
export interface OpusCase {
  readonly name: string;
  readonly channels: 1 | 2;
  readonly application: 'voip' | 'audio';
  readonly bitrate: number;
  readonly complexity: number;
}
export const FRAMES = 960;

/** One frame in and out. `encode` takes frame number `index` of the signal that it was opened for. */
export interface Coder {
  readonly encode?: (index: number) => Uint8Array;
  readonly decode?: (packet: Uint8Array) => unknown;
}
/** @param planar the whole signal */
export type Subject = (kase: OpusCase, planar: readonly Float32Array[]) => Promise<Coder> | Coder;

const APPLICATIONS = { voip: 2048, audio: 2049 } as const;
const MAX_PACKET = 4000;

function interleaved(planar: readonly Float32Array[]): Float32Array {
  const channels = planar.length;
  return Float32Array.from(
    { length: planar[0]!.length * channels },
    (_, i) => planar[i % channels]![Math.floor(i / channels)]!,
  );
}

function integers(planar: readonly Float32Array[]): Int16Array {
  return Int16Array.from(interleaved(planar), (sample) =>
    Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_768))),
  );
}

/** Ours: planar floats in, bytes into a buffer of the caller's. */
export function ours(module: OpusModule): Subject {
  return (kase, planar) => {
    const library = new OpusLibrary(module);
    const format = { sampleRate: 48_000, channels: kase.channels };
    const encoder = new OpusEncoder(library, { ...kase, ...format });
    const decoder = new OpusDecoder(library, format);
    const target = new Uint8Array(encoder.maxBytes());
    const output = planar.map(() => new Float32Array(FRAMES));
    return {
      encode: (index) =>
        target.subarray(0, encoder.encode(planar, index * FRAMES, FRAMES, target, 0)),
      decode: (packet) => decoder.decode(packet, 0, packet.length, output, 0),
    };
  };
}

/** What a package exports, as far as it is used here. */
type Loose = Record<string, never> & { readonly [name: string]: unknown };

/** The peers of bench/package.json, found from the repository, where the benchmarks run. */
export async function peers(): Promise<Readonly<Record<string, Subject>>> {
  // It would take a native build for some platforms, and say nothing.
  process.env['OPUS_FORCE_WASM'] = '1';
  const require = createRequire(join(process.cwd(), 'bench/package.json'));
  const opusscript = require('opusscript') as OpusscriptClass;
  const evan = require('@evan/opus') as EvanModule;
  const [encoderModule, decoderModule] = await Promise.all([
    emscripten(require('opus-encdec/dist/libopus-encoder.wasm.min.js') as Emscripten),
    emscripten(require('opus-encdec/dist/libopus-decoder.wasm.min.js') as Emscripten),
  ]);
  const wasmDecoder = (await import(
    /* @vite-ignore */ require.resolve('opus-decoder')
  )) as WasmDecoderModule;

  return {
    'opusscript 0.1.1': (kase, planar) => {
      const pcm = integers(planar);
      const coder = new opusscript(48_000, kase.channels, APPLICATIONS[kase.application]);
      coder.setBitrate(kase.bitrate);
      coder.encoderCTL(4010, kase.complexity);
      const size = FRAMES * kase.channels;
      return {
        encode: (index) => {
          const frame = pcm.subarray(index * size, (index + 1) * size);
          return coder.encode(
            Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength),
            FRAMES,
          );
        },
        decode: (packet) => coder.decode(Buffer.from(packet)),
      };
    },
    '@evan/opus 1.0.3 (wasm)': (kase, planar) => {
      const pcm = integers(planar);
      const encoder = new evan.Encoder({
        channels: kase.channels,
        sample_rate: 48_000,
        application: kase.application,
      });
      encoder.bitrate = kase.bitrate;
      encoder.complexity = kase.complexity;
      const decoder = new evan.Decoder({ channels: kase.channels, sample_rate: 48_000 });
      const size = FRAMES * kase.channels;
      return {
        encode: (index) => encoder.encode(pcm.subarray(index * size, (index + 1) * size)),
        decode: (packet) => decoder.decode(packet),
      };
    },
    'opus-encdec 0.1.1': (kase, planar) => {
      const pcm = interleaved(planar);
      const [e, d] = [encoderModule, decoderModule];
      const samples = e._malloc(FRAMES * 8);
      const packetAt = e._malloc(MAX_PACKET);
      const number = e._malloc(4);
      const { channels } = kase;
      const application = APPLICATIONS[kase.application];
      const encoder = e._opus_encoder_create!(48_000, channels, application, number);
      for (const [request, value] of [
        [4002, kase.bitrate],
        [4010, kase.complexity],
      ] as const) {
        e.HEAP32[number >> 2] = value;
        e._opus_encoder_ctl!(encoder, request, number);
      }
      const input = d._malloc(MAX_PACKET);
      const output = d._malloc(5760 * 8);
      const decoder = d._opus_decoder_create!(48_000, channels, d._malloc(4));
      const size = FRAMES * channels;
      return {
        encode: (index) => {
          e.HEAPF32.set(pcm.subarray(index * size, (index + 1) * size), samples >> 2);
          const length = e._opus_encode_float!(encoder, samples, FRAMES, packetAt, MAX_PACKET);
          return e.HEAPU8.slice(packetAt, packetAt + length);
        },
        decode: (packet) => {
          d.HEAPU8.set(packet, input);
          return d._opus_decode_float!(decoder, input, packet.length, output, 5760, 0);
        },
      };
    },
    'opus-decoder 0.7.12': async (kase) => {
      const decoder = new wasmDecoder.OpusDecoder({
        channels: kase.channels,
        streamCount: 1,
        coupledStreamCount: kase.channels - 1,
        channelMappingTable: kase.channels === 1 ? [0] : [0, 1],
        preSkip: 0,
      });
      await decoder.ready;
      return { decode: (packet) => decoder.decodeFrame(packet) };
    },
  };
}

type OpusscriptClass = new (
  rate: number,
  channels: number,
  application: number,
) => {
  setBitrate(bitrate: number): void;
  encoderCTL(request: number, value: number): void;
  encode(pcm: Buffer, frames: number): Uint8Array;
  decode(packet: Buffer): Uint8Array;
};
interface EvanModule {
  readonly Encoder: new (options: object) => {
    bitrate: number;
    complexity: number;
    encode(pcm: Int16Array): Uint8Array;
  };
  readonly Decoder: new (options: object) => { decode(packet: Uint8Array): Uint8Array };
}
interface WasmDecoderModule {
  readonly OpusDecoder: new (options: object) => {
    readonly ready: Promise<void>;
    decodeFrame(packet: Uint8Array): unknown;
  };
}
type Emscripten = Loose & {
  readonly isReady?: boolean;
  readonly calledRun?: boolean;
  onready?: () => void;
  onRuntimeInitialized?: () => void;
  readonly HEAP32: Int32Array;
  readonly HEAPU8: Uint8Array;
  readonly HEAPF32: Float32Array;
  readonly _malloc: (bytes: number) => number;
} & Readonly<Record<`_opus_${string}`, (...args: number[]) => number>>;

function emscripten(module: Emscripten): Promise<Emscripten> {
  return new Promise((resolve) => {
    const ready = (): void => resolve(module);
    if (module.isReady === true || module.calledRun === true) ready();
    else {
      module.onready = ready;
      module.onRuntimeInitialized = ready;
    }
  });
}
