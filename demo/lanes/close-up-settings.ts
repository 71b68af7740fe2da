import type { OpusRoute } from 'micwire';
import { FORMATS, PAYLOAD_FORMATS, isSampleFormat } from 'micwire/core';
import type { OpusApplication, OpusBitrateMode, PayloadFormat, SampleCoding } from 'micwire/core';
import type { LaneId } from './close-up-id.ts';

/** What the user can choose about the way of the sound. Every change rebuilds the lane. */
export interface LaneSettings {
  readonly lane: LaneId;
  /** Wire rate in Hz. */
  readonly sampleRate: number;
  /** On the wire: 1 or 2. */
  readonly channels: number;
  readonly format: PayloadFormat;
  /** ms of sound in a chunk; of Opus, in a packet. */
  readonly chunkDuration: number;
  /** ms of sound that the playout keeps waiting. */
  readonly targetDelay: number;
  /** bit/s that Opus is asked for, as are those below. */
  readonly bitrate: number;
  /** 0–10: how hard the encoder works. */
  readonly complexity: number;
  readonly application: OpusApplication;
  readonly bitrateMode: OpusBitrateMode;
  /** Packets also carry the one before, for when that is lost. */
  readonly fec: boolean;
  /** Silence takes next to nothing. */
  readonly dtx: boolean;
  readonly encodeIn: OpusRoute;
}

/** The choices for `LaneSettings.sampleRate`. */
export const SAMPLE_RATES: readonly number[] = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];
/** The choices for `LaneSettings.chunkDuration`. */
export const CHUNK_DURATIONS: readonly number[] = [5, 10, 20, 40, 60, 100, 250];
/** The sample rates that Opus takes. */
export const OPUS_RATES: readonly number[] = [8000, 12_000, 16_000, 24_000, 48_000];
/** How long a packet of Opus may be, in the lab. */
export const OPUS_DURATIONS: readonly number[] = [10, 20, 40, 60];
/** The longest that the audio thread encodes. */
const MAX_WORKLET_DURATION = 20;
/** The choices for `LaneSettings.bitrate`. */
export const BITRATES: readonly number[] = [
  6000, 8000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000, 96_000, 128_000,
];
/** The choices for `LaneSettings.complexity`. */
export const COMPLEXITIES: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/** What Opus is tuned for, in the words of the page. */
export const APPLICATION_LABELS: Readonly<Record<OpusApplication, string>> = {
  voip: 'Understanding speech',
  audio: 'Likeness',
  lowdelay: 'Least delay',
};
/** How large packets of Opus are, in the words of the page. */
export const BITRATE_MODE_LABELS: Readonly<Record<OpusBitrateMode, string>> = {
  variable: 'As needed',
  constant: 'All of one size',
};
/** Where Opus is encoded, in the words of the page. */
export const ROUTE_LABELS: Readonly<Record<OpusRoute, string>> = {
  auto: 'Wherever is best',
  worklet: 'On the audio thread',
  worker: 'In a Worker',
  webcodecs: 'By the browser',
};
/** The range of `LaneSettings.targetDelay`. */
export const TARGET_DELAY = { min: 10, max: 500, step: 10 } as const;

/** What a sample is coded as, in the words of the page. */
const CODING_LABELS: Readonly<Record<SampleCoding, string>> = {
  signed: 'integer',
  unsigned: 'unsigned integer',
  float: 'float',
  mulaw: 'µ-law, G.711',
  alaw: 'A-law, G.711',
};

/** The formats in the words of the page. */
export const FORMAT_LABELS: Readonly<Record<PayloadFormat, string>> = Object.fromEntries(
  PAYLOAD_FORMATS.map((format) => [format, labelOf(format)]),
) as Record<PayloadFormat, string>;

function labelOf(format: PayloadFormat): string {
  if (!isSampleFormat(format)) return `${format[0]!.toUpperCase()}${format.slice(1)}, coded`;
  const { bytes, coding } = FORMATS[format];
  return `${8 * bytes}-bit ${CODING_LABELS[coding]} (${format})`;
}

/** What speech services take most often: 16 kHz, 16 bits, 20 ms. */
export const DEFAULT_SETTINGS: LaneSettings = {
  lane: 'base64-json-websocket',
  sampleRate: 16_000,
  channels: 1,
  format: 's16',
  chunkDuration: 20,
  targetDelay: 60,
  bitrate: 24_000,
  complexity: 9,
  application: 'voip',
  bitrateMode: 'variable',
  fec: false,
  dtx: false,
  encodeIn: 'auto',
};

/** The rates and the durations that go with the rest of the settings. */
export function choicesFor(settings: LaneSettings): {
  readonly sampleRates: readonly number[];
  readonly chunkDurations: readonly number[];
} {
  if (isSampleFormat(settings.format)) {
    return { sampleRates: SAMPLE_RATES, chunkDurations: CHUNK_DURATIONS };
  }
  const longest = settings.encodeIn === 'worklet' ? MAX_WORKLET_DURATION : Infinity;
  return {
    sampleRates: OPUS_RATES,
    chunkDurations: OPUS_DURATIONS.filter((ms) => ms <= longest),
  };
}

/** Settings with changes made, and what does not go with them moved to the nearest that does: up, if there is one. */
export function withChanges(settings: LaneSettings, changes: Partial<LaneSettings>): LaneSettings {
  const wanted = { ...settings, ...changes };
  const { sampleRates, chunkDurations } = choicesFor(wanted);
  return {
    ...wanted,
    sampleRate: fitting(sampleRates, wanted.sampleRate),
    chunkDuration: fitting(chunkDurations, wanted.chunkDuration),
    // The part of Opus with the least delay has no redundancy.
    fec: wanted.fec && wanted.application !== 'lowdelay',
  };
}

function fitting(choices: readonly number[], wanted: number): number {
  return choices.find((choice) => choice >= wanted) ?? choices.at(-1)!;
}
