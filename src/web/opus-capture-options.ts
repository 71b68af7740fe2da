import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { oneOf } from '../core/arguments.ts';
import { opusSettings } from '../core/codec/opus-options.ts';
import type { OpusOptions, OpusSettings } from '../core/codec/opus-options.ts';
import { captureSettings } from './capture-options.ts';
import type { CaptureOptions, CaptureSettings } from './capture-options.ts';
import type { WorkerUrl } from './worker-loader.ts';

/**
 * Where Opus is encoded. `'worklet'`: on the audio thread with libopus, packets of up to 20 ms; `'worker'`: in a Worker with
 * libopus; `'webcodecs'`: in a Worker with the engine's encoder; `'auto'`: with the engine's encoder if it honours every option,
 * because that needs no download; otherwise with libopus, on the audio thread for packets of up to 20 ms, and in a Worker for
 * longer ones.
 */
export type OpusRoute = 'auto' | 'worklet' | 'worker' | 'webcodecs';

/** Options of a capture that encodes Opus. Each packet is a chunk. */
export interface OpusCaptureOptions
  extends
    Omit<CaptureOptions, 'format' | 'dither' | 'chunkDurationMs' | 'sampleRate' | 'channels'>,
    OpusOptions {
  readonly format: 'opus';
  /**
   * Sample rate of the encoder: 8000, 12000, 16000, 24000 or 48000 Hz. The audio is resampled to this rate before it is encoded.
   * @default 48000
   */
  readonly sampleRate?: number;
  /** Number of channels, 1 or 2. @default 1 */
  readonly channels?: number;
  /** Where Opus is encoded. @default 'auto' */
  readonly encodeIn?: OpusRoute;
  /** Your own copy of `libopus.wasm`: see `loadOpusModule`. */
  readonly opusUrl?: string | URL | undefined;
  /** Your own copy of `worker/opus.js`. */
  readonly workerUrl?: WorkerUrl | undefined;
}
/** The names of the encoder's options, which a recorder accepts too. */
export const OPUS_NAMES: OptionNames<OpusOptions> = {
  bitrate: 1,
  complexity: 1,
  application: 1,
  packetDurationMs: 1,
  fec: 1,
  expectedLossPercent: 1,
  dtx: 1,
  bitrateMode: 1,
  signalType: 1,
};
const NAMES: OptionNames<OpusCaptureOptions> = {
  format: 1,
  sampleRate: 1,
  channels: 1,
  encodeIn: 1,
  opusUrl: 1,
  workerUrl: 1,
  encoding: 1,
  bufferDurationMs: 1,
  quality: 1,
  workletUrl: 1,
  signal: 1,
  ...OPUS_NAMES,
};

/** {@link OpusCaptureOptions} after validation, with the defaults filled in. */
export interface OpusCaptureSettings {
  /** Settings of the capture. Its format is 'f32', the encoder's input, not the format of the packets. */
  readonly capture: CaptureSettings;
  readonly opus: OpusSettings;
  readonly route: OpusRoute;
}

/**
 * The longest packet that the audio thread may encode, in ms: encoding more than 20 ms of audio would take too much of one quantum.
 */
export const MAX_WORKLET_FRAME_MS = 20;
const OPUS_ROUTES: readonly OpusRoute[] = ['auto', 'worklet', 'worker', 'webcodecs'];

/** @throws TypeError or RangeError for an invalid option, or for options that exclude each other */
export function opusCaptureSettings(options: OpusCaptureOptions): OpusCaptureSettings {
  for (const name of ['dither', 'chunkDurationMs'] as const) {
    if (
      (options as { readonly dither?: unknown; readonly chunkDurationMs?: unknown })[name] ===
      undefined
    )
      continue;
    throw new TypeError(
      name === 'dither'
        ? 'dither is for integer samples: Opus takes floats.'
        : 'chunkDurationMs is for samples: a packet of Opus lasts packetDurationMs.',
    );
  }
  checkOptions('Capture of Opus', options, { ...NAMES, dither: 1, chunkDurationMs: 1 });
  const { sampleRate = 48_000, channels = 1 } = options;
  const opus = opusSettings({ sampleRate, channels }, options);
  const route = oneOf('encodeIn', options.encodeIn ?? 'auto', OPUS_ROUTES);
  if (route === 'worklet' && opus.packetDurationMs > MAX_WORKLET_FRAME_MS) {
    throw new RangeError(
      `encodeIn 'worklet' takes a packetDurationMs of up to ${MAX_WORKLET_FRAME_MS} ms, got ${opus.packetDurationMs}: ` +
        "longer packets would hold up the audio thread. Take 'worker'.",
    );
  }
  const { bufferDurationMs, encoding, quality, workletUrl } = options;
  const capture = captureSettings(
    {
      sampleRate,
      channels,
      format: 'f32',
      chunkDurationMs: opus.packetDurationMs,
      ...(bufferDurationMs === undefined ? {} : { bufferDurationMs }),
      ...(encoding === undefined ? {} : { encoding }),
      ...(quality === undefined ? {} : { quality }),
      ...(workletUrl === undefined ? {} : { workletUrl }),
    },
    sampleRate,
  );
  return { capture, opus, route };
}
