import { FORMATS, PAYLOAD_FORMATS, isSampleFormat } from 'micwire/codec';
import type { SampleCoding } from 'micwire/codec';
import type { OpusRoute, OpusApplication, OpusBitrateMode, PayloadFormat } from 'micwire';
import { OPUS_DURATIONS } from './lane-settings.ts';
import type { CodingSettings } from './lane-settings.ts';

/** Name of a way to write messages that the close-up offers. */
export type CloseUpFraming = keyof typeof FRAMING_WORDS;

/** What the user can choose about a single lane. Every change builds the lane again. */
export interface CloseUpSettings extends CodingSettings {
  readonly framing: CloseUpFraming;
  /** Wire rate in Hz. */
  readonly sampleRate: number;
  /** On the wire: 1 or 2. */
  readonly channels: number;
  readonly format: PayloadFormat;
  /** ms of audio that the playout keeps waiting. */
  readonly targetDelayMs: number;
  // Of Opus:
  readonly application: OpusApplication;
  readonly bitrateMode: OpusBitrateMode;
  /** Packets also carry the previous one, in case it is lost. */
  readonly fec: boolean;
  /** Silence takes next to nothing. */
  readonly dtx: boolean;
  readonly encodeIn: OpusRoute;
}

/** The choices for `CloseUpSettings.sampleRate`. */
export const SAMPLE_RATES: readonly number[] = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];
/** The choices for `CloseUpSettings.chunkDurationMs`. */
export const CHUNK_DURATIONS: readonly number[] = [5, 10, 20, 40, 60, 100, 250];
/** The sample rates that Opus takes. */
const OPUS_RATES: readonly number[] = [8000, 12_000, 16_000, 24_000, 48_000];
/** The longest that the audio thread encodes. */
const MAX_WORKLET_DURATION = 20;
/** How messages are written, in the words of the page. */
export const FRAMING_WORDS = {
  'base64-json': {
    label: 'Base64 JSON',
    note: 'One JSON object a chunk, the audio in Base64: what most speech services take.',
    what: 'one object a chunk',
  },
  binary: {
    label: 'Binary',
    note: 'A header of about 9 bytes, then the audio as it is: at least a quarter less on the wire.',
    what: 'short header',
  },
} as const;
/** What Opus is tuned for, in the words of the page. */
export const APPLICATION_LABELS: Readonly<Record<OpusApplication, string>> = {
  voip: 'Understanding speech',
  audio: 'Fidelity',
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
/** The range of `CloseUpSettings.targetDelayMs`. */
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
export const DEFAULT_SETTINGS: CloseUpSettings = {
  framing: 'base64-json',
  sampleRate: 16_000,
  channels: 1,
  format: 's16',
  chunkDurationMs: 20,
  targetDelayMs: 60,
  bitrate: 24_000,
  complexity: 9,
  application: 'voip',
  bitrateMode: 'variable',
  fec: false,
  dtx: false,
  encodeIn: 'auto',
};

/** The rates and the durations that go with the rest of the settings. */
export function choicesFor(settings: CloseUpSettings): {
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

/** Settings with the changes; values that do not fit them move to the nearest that does, upwards if possible. */
export function withChanges(
  settings: CloseUpSettings,
  changes: Partial<CloseUpSettings>,
): CloseUpSettings {
  const wanted = { ...settings, ...changes };
  const { sampleRates, chunkDurations } = choicesFor(wanted);
  return {
    ...wanted,
    sampleRate: fitting(sampleRates, wanted.sampleRate),
    chunkDurationMs: fitting(chunkDurations, wanted.chunkDurationMs),
    // The low-delay mode of Opus has no redundancy.
    fec: wanted.fec && wanted.application !== 'lowdelay',
  };
}

function fitting(choices: readonly number[], wanted: number): number {
  return choices.find((choice) => choice >= wanted) ?? choices.at(-1)!;
}
