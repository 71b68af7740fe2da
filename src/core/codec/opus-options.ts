import { checkObject, checkSpelling } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { booleanOf, describe, integerIn, numberIn, oneOf } from '../arguments.ts';
import { PACKET_CODECS } from '../format/packet-codecs.ts';

/**
 * What the encoder optimizes: intelligible speech, fidelity, or minimal delay (a look-ahead of 2.5 ms instead of 6.5).
 */
export type OpusApplication = 'voip' | 'audio' | 'lowdelay';
/** `'variable'`: packet sizes vary around the bitrate; `'constant'`: all packets have the same size. */
export type OpusBitrateMode = 'variable' | 'constant';
/** The kind of signal, if you know it; it decides between Opus's two codecs. */
export type OpusSignal = 'auto' | 'voice' | 'music';

/** Options of the Opus encoder, the same wherever it runs. */
export interface OpusOptions {
  /** Bitrate of all channels together in bits per second, 500 to 512000 × channels. @default 32000 per channel */
  readonly bitrate?: number | undefined;
  /** Complexity, 0–10: higher values sound better and are slower. @default 9, as in libopus */
  readonly complexity?: number | undefined;
  /** What the encoder optimizes. @default 'voip' for one channel, 'audio' for two */
  readonly application?: OpusApplication | undefined;
  /** Milliseconds per packet: 2.5, 5, 10, 20, 40, 60, 80, 100 or 120. @default 20 */
  readonly packetDurationMs?: number | undefined;
  /**
   * Lets packets also carry the previous packet at a low rate where that is worthwhile, in case it is lost. Needs 'voip' or 'audio'
   * and packets of at least 10 ms.
   * @default false
   */
  readonly fec?: boolean | undefined;
  /**
   * Expected packet loss in percent, 0–100: higher values make FEC and prediction more robust.
   * @default 10 with FEC, otherwise 0
   */
  readonly expectedLossPercent?: number | undefined;
  /** Sends most packets of digital silence as 1 or 2 bytes. @default false */
  readonly dtx?: boolean | undefined;
  /** How packet sizes vary. @default 'variable' */
  readonly bitrateMode?: OpusBitrateMode | undefined;
  /** The kind of signal. @default 'auto' */
  readonly signalType?: OpusSignal | undefined;
}

/** Packet durations in ms. */
const OPUS_FRAME_DURATIONS: readonly number[] = [2.5, 5, 10, 20, 40, 60, 80, 100, 120];
/** Every {@link OpusApplication}. */
const OPUS_APPLICATIONS: readonly OpusApplication[] = ['voip', 'audio', 'lowdelay'];

/** {@link OpusOptions} after validation, with the defaults filled in. Structured-cloneable. */
export interface OpusSettings {
  readonly sampleRate: number;
  readonly channels: number;
  readonly bitrate: number;
  readonly complexity: number;
  readonly application: OpusApplication;
  readonly packetDurationMs: number;
  readonly fec: boolean;
  readonly expectedLossPercent: number;
  readonly dtx: boolean;
  readonly bitrateMode: OpusBitrateMode;
  readonly signalType: OpusSignal;
}

/** Options of an encoder that can be changed while it runs. */
export type OpusAdjustment = Pick<
  OpusOptions,
  'bitrate' | 'complexity' | 'expectedLossPercent' | 'dtx'
>;

const ADJUSTMENT_NAMES = {
  bitrate: 1,
  complexity: 1,
  expectedLossPercent: 1,
  dtx: 1,
} satisfies OptionNames<OpusAdjustment>;
const NAMES = {
  ...ADJUSTMENT_NAMES,
  application: 1,
  packetDurationMs: 1,
  fec: 1,
  bitrateMode: 1,
  signalType: 1,
} satisfies OptionNames<OpusOptions>;
/** An encoder's options include its format. */
const ENCODER_NAMES = { ...NAMES, sampleRate: 1, channels: 1 };

const MIN_BITRATE = 500;
const MAX_BITRATE_PER_CHANNEL = 512_000;
const DEFAULT_BITRATE_PER_CHANNEL = 32_000;
/** Shorter frames use CELT, which has no redundancy (RFC 6716 table 2). */
const MIN_FEC_MS = 10;

/**
 * Checks options and fills in the defaults.
 * @throws TypeError or RangeError for values that Opus does not support, and for options that exclude each other
 */
export function opusSettings(
  format: { readonly sampleRate: number; readonly channels: number },
  options: OpusOptions = {},
): OpusSettings {
  checkObject('format must be an object with sampleRate and channels', format);
  checkObject('opusSettings: options must be an object', options);
  checkSpelling('Opus', options, ENCODER_NAMES);
  const { sampleRate, channels } = checkOpusFormat(format);
  const application = options.application ?? (channels === 1 ? 'voip' : 'audio');
  const fec = booleanOf('fec', options.fec ?? false);
  const settings: OpusSettings = {
    sampleRate,
    channels,
    bitrate: checkBitrate(options.bitrate ?? DEFAULT_BITRATE_PER_CHANNEL * channels, channels),
    complexity: checkComplexity(options.complexity ?? 9),
    application: oneOf('application', application, OPUS_APPLICATIONS),
    packetDurationMs: choice(
      'packetDurationMs',
      options.packetDurationMs ?? 20,
      OPUS_FRAME_DURATIONS,
    ),
    fec,
    expectedLossPercent: checkExpectedLoss(options.expectedLossPercent ?? (fec ? 10 : 0)),
    dtx: booleanOf('dtx', options.dtx ?? false),
    bitrateMode: oneOf('bitrateMode', options.bitrateMode ?? 'variable', ['variable', 'constant']),
    signalType: oneOf('signalType', options.signalType ?? 'auto', ['auto', 'voice', 'music']),
  };
  if (fec && (application === 'lowdelay' || settings.packetDurationMs < MIN_FEC_MS)) {
    throw new RangeError(
      `fec needs application 'voip' or 'audio' and a packetDurationMs of at least ${MIN_FEC_MS} ms, ` +
        `got '${application}' and ${settings.packetDurationMs} ms.`,
    );
  }
  return settings;
}

/** @throws RangeError for a rate or a channel count that Opus does not support */
export function checkOpusFormat(format: {
  readonly sampleRate: number;
  readonly channels: number;
}): { readonly sampleRate: number; readonly channels: number } {
  return {
    sampleRate: choice('sampleRate of Opus', format.sampleRate, PACKET_CODECS.opus.sampleRates),
    channels: integerIn('channels of Opus', format.channels, 1, PACKET_CODECS.opus.maxChannels),
  };
}

/**
 * @returns the options that are given
 * @throws TypeError or RangeError for a value out of its range
 */
export function checkOpusAdjustment(options: OpusAdjustment, channels: number): OpusAdjustment {
  // All options of Opus may be given: those that cannot change are ignored.
  checkObject('options must be an object', options);
  checkSpelling('adjust', options, ADJUSTMENT_NAMES);
  const { bitrate, complexity, expectedLossPercent, dtx } = options;
  return {
    ...(bitrate !== undefined && { bitrate: checkBitrate(bitrate, channels) }),
    ...(complexity !== undefined && { complexity: checkComplexity(complexity) }),
    ...(expectedLossPercent !== undefined && {
      expectedLossPercent: checkExpectedLoss(expectedLossPercent),
    }),
    ...(dtx !== undefined && { dtx: booleanOf('dtx', dtx) }),
  };
}

const checkComplexity = (complexity: unknown): number => integerIn('complexity', complexity, 0, 10);

const checkExpectedLoss = (expectedLossPercent: unknown): number =>
  integerIn('expectedLossPercent', expectedLossPercent, 0, 100);

function checkBitrate(bitrate: unknown, channels: number): number {
  const most = MAX_BITRATE_PER_CHANNEL * channels;
  return Math.round(numberIn('bitrate', bitrate, MIN_BITRATE, most));
}

/** Returns the number of frames in a packet at the encoder's rate, always an integer. */
export function opusPacketLength(settings: {
  readonly sampleRate: number;
  readonly packetDurationMs: number;
}): number {
  return (settings.sampleRate * settings.packetDurationMs) / 1000;
}

function choice(name: string, value: unknown, choices: readonly number[]): number {
  if (typeof value === 'number' && choices.includes(value)) return value;
  const text = `${name} must be one of ${choices.join(', ')}, got ${describe(value)}.`;
  throw typeof value === 'number' ? new RangeError(text) : new TypeError(text);
}
