import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service } from './service.ts';
import { CALL, oneRate, wholeNumberOf } from './shared/call.ts';
import { objectOf } from './shared/json-fields.ts';
import { mediaStreamCalls } from './shared/media-stream.ts';
import { SERVICE_OPTION_NAMES, mono16, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link exotel}. */
export interface ExotelOptions extends ServiceOptions {
  /**
   * Sample rate in both directions, in Hz, as in `sample-rate` of the applet's URL.
   * @default 8000
   */
  readonly sampleRate?: 8000 | 16_000 | 24_000;
}

const NAMES: OptionNames<ExotelOptions> = { ...SERVICE_OPTION_NAMES, sampleRate: 1 };
/** Exotel accepts messages of 3.2 kB to 100 kB, in multiples of 320 bytes. */
const MIN_BYTES = 3200;
const STEP_BYTES = 320;

/**
 * Exotel AgentStream with the Voicebot applet: Exotel connects to the app's server.
 *
 * Audio is mono, 16 bits little-endian, in both directions, as Base64 in JSON. The messages are Twilio's, with names in snake_case.
 * Chunks have 200 ms at 8 kHz and 100 ms at higher rates, because Exotel leaves gaps after messages below 3.2 kB or with a length that
 * is not a multiple of 320 bytes. Keys that the caller presses arrive as `'message'` events with `event: 'dtmf'`.
 *
 * Not confirmed: whether Exotel sends cleared marks back. They are not `'marked'` events.
 *
 * Sources: developer.exotel.com/docs/agentstream/websocket-protocol and …/stream-voicebot-applet; pipecat-ai/pipecat,
 * serializers/exotel.py.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function exotel(options: ExotelOptions = {}): Service {
  checkOptions('exotel', options, NAMES);
  const sampleRate = oneRate(options.sampleRate ?? 8000, [8000, 16_000, 24_000]);
  const stream = mono16(sampleRate);
  const base = serviceBase(options, { ...CALL, chunkDurationMs: sampleRate === 8000 ? 200 : 100 });
  const chunkBytes = (base.chunkDurationMs * sampleRate * 2) / 1000;
  if (chunkBytes < MIN_BYTES || chunkBytes % STEP_BYTES !== 0) {
    throw new RangeError(
      `chunkDurationMs must make chunks of at least ${MIN_BYTES} bytes and a multiple of ${STEP_BYTES}, got ${chunkBytes} bytes.`,
    );
  }
  return {
    id: 'exotel',
    input: stream,
    output: stream,
    encoding: 'base64',
    ...base,
    connect: mediaStreamCalls({
      stream,
      id: 'stream_sid',
      formatFault(start) {
        const media = objectOf(start, 'media_format') ?? {};
        const rate = wholeNumberOf(media, 'sample_rate') ?? sampleRate;
        if (rate === sampleRate) return null;
        return `The call has ${rate} Hz: make exotel({ sampleRate: ${rate} }).`;
      },
    }),
  };
}
