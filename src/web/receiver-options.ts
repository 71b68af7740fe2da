import { checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { MAX_CHANNELS, integerIn, numberIn, oneOf } from '../core/arguments.ts';
import { checkStream } from '../core/format/check-stream.ts';
import { FORMATS } from '../core/format/formats.ts';
import type { ReceiveLimits } from '../core/messages.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import { PACKET_CODECS, longestPacketBytes } from '../core/format/packet-codecs.ts';
import { bytesPerFrame } from '../core/format/stream-format.ts';
import type { StreamFormat } from '../core/format/stream-format.ts';
import type { ReceiveFraming } from '../core/receive/receive-feed.ts';
import type { ResamplerQuality } from '../core/resampler/resampler-plan.ts';
import type { AbortOptions } from './abort.ts';
import type { WorkletUrl } from './worklet-loader.ts';
import { readStatistics, REPORT, REPORT_FIELDS } from '../core/receive/receive-report.ts';
import type { ReceiveStatistics, ReceiveState } from '../core/receive/receive-report.ts';

/** Options of a `Receiver`. */
export interface ReceiverOptions extends Partial<StreamFormat>, AbortOptions {
  /** Payload format of the packets. @default 's16' */
  readonly format?: PayloadFormat;
  /** Sample rate of the packets, in Hz: any integer from 3000 to 768000; for Opus 8000, 12000, 16000, 24000 or 48000. */
  readonly sampleRate: number;
  /** Number of channels in the packets, 1–32; for Opus 1 or 2. @default 1 */
  readonly channels?: number;
  /**
   * How packets are laid out in messages, for `receive(message)`: `binaryFraming`, `base64JsonFraming` or `rtpFraming` of
   * `micwire`; or, to pass options to the framing,
   * `{ createDecoder: (stream) => rtpFraming.createDecoder({ ...stream, payloadType: 96 }) }`.
   */
  readonly framing?: ReceiveFraming | undefined;
  /** Minimum delay, in ms after the fastest packet, 0–10000. Can be changed. @default 0 */
  readonly minDelayMs?: number;
  /**
   * Maximum delay, in ms after the fastest packet, `minDelayMs`–10000. It may be exceeded briefly. Can be changed.
   * @default 2000
   */
  readonly maxDelayMs?: number;
  /**
   * How much concealed audio, in percent, is acceptable in exchange for 100 ms less delay, 0.01–100: large for conversation, small
   * for music and archives.
   * @default 0.5
   */
  readonly latencyCost?: number | undefined;
  /** Duration of the longest packet, in ms, 2.5–1000. @default 120 for Opus, 60 for other formats */
  readonly maxPacketDurationMs?: number;
  /**
   * Capacity of the jitter buffer in packets, a power of two, 32–4096. With packets of 20 ms the default holds 10 s.
   * @default 512
   */
  readonly maxPackets?: number;
  /** Number of channels of the node's output, 1–32. @default `channels` */
  readonly outputChannels?: number;
  /** Quality of the resampler, which also follows the sender's clock. @default 'hq' */
  readonly quality?: ResamplerQuality;
  /** Opus: your own copy of `libopus.wasm`, see `loadOpusModule`. */
  readonly opusUrl?: string | URL | undefined;
  /** Your own copy of the worklet file: see `loadWorklet`. */
  readonly workletUrl?: WorkletUrl;
}
const NAMES = {
  format: 1,
  sampleRate: 1,
  channels: 1,
  minDelayMs: 1,
  maxDelayMs: 1,
  latencyCost: 1,
  maxPacketDurationMs: 1,
  maxPackets: 1,
  outputChannels: 1,
  quality: 1,
  opusUrl: 1,
  framing: 1,
  workletUrl: 1,
  signal: 1,
} satisfies OptionNames<ReceiverOptions>;

/** The validated options, with the defaults filled in. */
export interface ReceiverSettings extends StreamFormat {
  readonly limits: ReceiveLimits;
  readonly maxPacketFrames: number;
  readonly maxPayloadBytes: number;
  readonly capacityPackets: number;
  readonly outputChannels: number;
  readonly quality: ResamplerQuality;
}

const DEFAULT_MAX_DELAY_MS = 2000;
const MAX_DELAY_MS = 10_000;
const DEFAULT_PACKETS = 512;
/** Default for PCM packets; a codec specifies the length of its packets. */
const DEFAULT_PACKET_MS = 60;

/** @throws TypeError or RangeError when an option is invalid */
export function checkReceiverOptions(options: ReceiverOptions): ReceiverSettings {
  checkOptions('Receiver', options, NAMES);
  const { format = 's16', channels = 1 } = options;
  const stream = checkStream({ format, sampleRate: options.sampleRate, channels });
  const { codec } = FORMATS[stream.format];
  const usual = codec === undefined ? DEFAULT_PACKET_MS : PACKET_CODECS[codec].maxPacketMs;
  const { maxPacketDurationMs = usual } = options;
  const longest = numberIn('maxPacketDurationMs', maxPacketDurationMs, 2.5, 1000);
  const maxPacketFrames = Math.ceil((longest / 1000) * stream.sampleRate);
  const [minDelayMs, maxDelayMs] = checkDelays(options.minDelayMs ?? 0, options.maxDelayMs);
  const { latencyCost } = options;
  return {
    ...stream,
    limits: {
      minDelayMs,
      maxDelayMs,
      latencyCost:
        latencyCost === undefined ? null : numberIn('latencyCost', latencyCost, 0.01, 100),
    },
    maxPacketFrames,
    maxPayloadBytes:
      codec === undefined
        ? maxPacketFrames * bytesPerFrame(stream)
        : longestPacketBytes(codec, usual),
    capacityPackets: checkPackets(options.maxPackets ?? DEFAULT_PACKETS),
    outputChannels: integerIn(
      'outputChannels',
      options.outputChannels ?? channels,
      1,
      MAX_CHANNELS,
    ),
    quality: oneOf('quality', options.quality ?? 'hq', ['voice', 'hq', 'vhq']),
  };
}

/** @throws TypeError or RangeError unless 0 ≤ `minDelayMs` ≤ `maxDelayMs` ≤ 10000 */
export function checkDelays(
  minDelayMs: unknown,
  maxDelayMs: unknown,
): readonly [minDelayMs: number, maxDelayMs: number] {
  const least = numberIn('minDelayMs', minDelayMs, 0, MAX_DELAY_MS);
  const most = maxDelayMs ?? Math.max(DEFAULT_MAX_DELAY_MS, least);
  return [least, numberIn('maxDelayMs', most, least, MAX_DELAY_MS)];
}

function checkPackets(packets: unknown): number {
  const count = integerIn('maxPackets', packets, 32, 4096);
  if ((count & (count - 1)) === 0) return count;
  throw new RangeError(`maxPackets must be a power of two, got ${count}.`);
}

/** State of a receiver: no packet has arrived yet, or none for a second · audio plays · missing audio is concealed · closed. */
export type ReceiverState = ReceiveState | 'closed';

/** Totals since the receiver was created, named as in `getStats()` where it has the same figure; and the current delays. */
export interface ReceiverStats extends ReceiveStatistics {
  /** Length of the buffered audio, decoded or not, in ms. */
  readonly bufferedMs: number;
  /** The current target delay, in ms after the fastest packet. */
  readonly targetDelayMs: number;
  /**
   * Difference between the sender's clock and the context's, in parts per million; positive if the sender's runs faster, 0 until it
   * is known.
   */
  readonly driftPpm: number;
  /**
   * Packets that the decoder rejected; each is concealed. Some packets inserted by a Worker are counted in that Worker's own
   * `decodeErrors`.
   */
  readonly decodeErrors: number;
  /** Messages that `receive` could not read, or that belonged to another stream. */
  readonly badMessages: number;
  /** Frames of lost packets that were decoded from the next packet (in-band FEC). */
  readonly fecSamples: number;
}

/** Position of playback at the node's output. */
export interface ReceiverPosition {
  /** Number of the frame, on the scale on which the packets' `frame` began; −1 before the first. */
  readonly frame: number;
  /** The same in seconds; −1 before the first. */
  readonly seconds: number;
  /** When the frame leaves the output, in seconds of the context's time. */
  readonly contextTime: number;
}

/** Combines the totals of a report with the counts of this thread. */
export function receiverStats(
  values: Float64Array,
  feed: Pick<ReceiverStats, 'decodeErrors' | 'badMessages'>,
): ReceiverStats {
  return {
    ...readStatistics(values.subarray(REPORT_FIELDS.length)),
    bufferedMs: values[REPORT.bufferedMs]!,
    targetDelayMs: values[REPORT.targetMs]!,
    driftPpm: values[REPORT.driftPpm]!,
    decodeErrors: values[REPORT.decodeErrors]! + feed.decodeErrors,
    badMessages: feed.badMessages,
    fecSamples: values[REPORT.fecSamples]!,
  };
}

/** Reads the position of playback from a report. */
export function receiverPosition(
  values: Float64Array,
  sampleRate: number,
  contextRate: number,
): ReceiverPosition {
  const frame = values[REPORT.playFrame]!;
  return {
    frame,
    seconds: frame < 0 ? -1 : frame / sampleRate,
    contextTime: values[REPORT.contextFrame]! / contextRate,
  };
}
