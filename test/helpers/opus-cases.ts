import { opusWasm } from '../../scripts/opus-wasm.mjs';
import { HEADER_BYTES, crossingBytes } from '../../src/core/capture/chunk.ts';
import type { ChunkEncoding } from '../../src/core/capture/chunk.ts';
import { opusSettings } from '../../src/core/codec/opus-options.ts';
import type { OpusOptions } from '../../src/core/codec/opus-options.ts';
import { longestPacketBytes } from '../../src/core/format/packet-codecs.ts';
import { planResampler } from '../../src/core/resampler/resampler-planner.ts';
import { allocateRing } from '../../src/core/dsp/ring-buffer.ts';
import type { OpusCaptureProcessorOptions } from '../../src/core/messages.ts';
import { OpusEncoder } from '../../src/core/codec/opus-encoder.ts';
import { OpusLibrary } from '../../src/core/codec/opus-library.ts';
import {
  PRESENCES,
  packetSender,
  poolReader,
  receiveOptions,
  ringReader,
} from './processor-cases.ts';
import type { ProcessorCase } from './processor-cases.ts';

/** As Node tests and benchmarks run in the repository's folder, bundled or not. */
const module = await WebAssembly.compile((await opusWasm(process.cwd())).bytes as BufferSource);

interface OpusCase {
  readonly sampleRate?: number;
  readonly channels?: number;
  readonly encoding?: ChunkEncoding;
  readonly ring?: boolean;
  /** Of a microphone that comes and goes, with a pre-roll. @default false */
  readonly living?: boolean;
  readonly opus: OpusOptions;
}

function opus(name: string, kase: OpusCase): ProcessorCase {
  const { sampleRate = 48_000, channels = 1, encoding = 'binary' } = kase;
  return {
    name: `capture as Opus, ${name}`,
    worklet: 'capture-opus',
    processor: 'micwire-capture-opus',
    sampleRate,
    inputChannels: [channels],
    ...(kase.living === true && { presence: PRESENCES }),
    open: () => {
      const settings = opusSettings({ sampleRate: 48_000, channels }, kase.opus);
      const stream = { sampleRate: 48_000, channels, format: 'opus' } as const;
      const chunkDurationMs = settings.packetDurationMs;
      const slots = 20;
      const payloadBytes = crossingBytes(longestPacketBytes('opus', chunkDurationMs), encoding);
      const ring = kase.ring === true ? allocateRing(slots, HEADER_BYTES + payloadBytes) : null;
      const processorOptions: OpusCaptureProcessorOptions = {
        stream,
        encoding,
        dither: 'none',
        chunkDurationMs,
        payloadBytes,
        slots,
        resampler:
          sampleRate === 48_000
            ? null
            : planResampler({ inputRate: sampleRate, outputRate: 48_000, quality: 'hq' }),
        ring,
        preRollFrames: kase.living === true ? sampleRate / 10 : 0,
        opus: settings,
        module,
      };
      const numberOfInputs = kase.living === true ? 2 : 1;
      const options = { numberOfInputs, outputChannelCount: [1], processorOptions };
      return { options, ...(ring ? ringReader(ring) : poolReader(slots)) };
    },
  };
}

/** Receives speech-like packets of 20 ms with FEC, of which one in ten is lost, and which come late half of the time. */
function receive(name: string): ProcessorCase {
  return {
    name: `receive Opus, ${name}`,
    worklet: 'receive-opus',
    processor: 'micwire-receive-opus',
    inputChannels: [],
    worksBetween: true,
    open: () => {
      const format = { sampleRate: 48_000, channels: 1 };
      const options = {
        bitrate: 32_000,
        application: 'voip',
        fec: true,
        expectedLossPercent: 20,
      } as const;
      const encoder = new OpusEncoder(new OpusLibrary(module), opusSettings(format, options));
      const bytes = new Uint8Array(encoder.maxBytes(960));
      const payloads = Array.from({ length: 50 }, (_, packet) => {
        const samples = Float32Array.from({ length: 960 }, (__, i) => {
          const phase = (2 * Math.PI * 150 * (packet * 960 + i)) / 48_000;
          return 0.2 * (Math.sin(phase) + Math.sin(2 * phase) / 2 + Math.sin(7 * phase) / 4);
        });
        return bytes.slice(0, encoder.encode([samples], 0, 960, bytes, 0));
      });
      encoder.close();
      return {
        options: receiveOptions({
          ...format,
          format: 'opus',
          outputChannels: 1,
          contextRate: 48_000,
          opus: module,
        }),
        ...packetSender({ lost: 10, later: 12 }, payloads, 960),
      };
    },
  };
}

/** The Opus processor in its configurations: apart, since libopus has to be there. */
export const OPUS_CASES: readonly ProcessorCase[] = [
  opus('20 ms mono 24 kb/s complexity 5, posted', { opus: { bitrate: 24_000, complexity: 5 } }),
  opus('20 ms mono 24 kb/s complexity 10, ring', {
    ring: true,
    opus: { bitrate: 24_000, complexity: 10 },
  }),
  opus('2.5 ms stereo lowdelay Base64 from 44.1 kHz', {
    sampleRate: 44_100,
    channels: 2,
    encoding: 'base64',
    opus: { packetDurationMs: 2.5, application: 'lowdelay' },
  }),
  opus('20 ms mono complexity 0, of a microphone that comes and goes, with pre-roll', {
    living: true,
    opus: { complexity: 0 },
  }),
  receive('20 ms mono with FEC, lost and jittered'),
];
