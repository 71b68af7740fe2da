import { oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service } from './service.ts';
import { CALL, oneRate, wholeNumberOf } from './shared/call.ts';
import { objectOf, textOf } from './shared/json-fields.ts';
import { mediaStreamCalls } from './shared/media-stream.ts';
import { SERVICE_OPTION_NAMES, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link plivo}. */
export interface PlivoOptions extends ServiceOptions {
  /**
   * Format in both directions, as in `contentType` of the `<Stream>` element: `audio/x-mulaw` or `audio/x-l16`.
   * @default 'mulaw'
   */
  readonly format?: 'mulaw' | 's16';
  /** Sample rate in both directions, in Hz; 8000 for μ-law. @default 8000 */
  readonly sampleRate?: 8000 | 16_000;
}

const NAMES: OptionNames<PlivoOptions> = { ...SERVICE_OPTION_NAMES, format: 1, sampleRate: 1 };
const CONTENT_TYPES = { mulaw: 'audio/x-mulaw', s16: 'audio/x-l16' } as const;

/**
 * Plivo Audio Streaming, bidirectional: Plivo connects to the app's server.
 *
 * Audio is Base64 in JSON. Plivo queues the session's audio and plays it into the call; `clearAudio` empties the queue. A mark is a
 * `checkpoint`, which Plivo answers with `playedStream` when the audio before it was heard. Keys that the caller presses arrive as
 * `'message'` events with `event: 'dtmf'`.
 *
 * Not confirmed: the byte order of `audio/x-l16`, which is assumed to be little-endian.
 *
 * Sources: plivo.com/docs/voice/audio-streaming/audio-streaming and …/voice/xml/the-stream-element/checkpoint-event;
 * pipecat-ai/pipecat, serializers/plivo.py.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function plivo(options: PlivoOptions = {}): Service {
  checkOptions('plivo', options, NAMES);
  const format = oneOf('format', options.format ?? 'mulaw', ['mulaw', 's16']);
  const rates = format === 's16' ? [8000, 16_000] : [8000];
  const sampleRate = oneRate(options.sampleRate ?? 8000, rates);
  const stream = { format, sampleRate, channels: 1 } as const;
  const contentType = CONTENT_TYPES[format];
  return {
    id: 'plivo',
    input: stream,
    output: stream,
    encoding: 'base64',
    ...serviceBase(options, CALL),
    connect: mediaStreamCalls({
      stream,
      id: 'streamId',
      formatFault(start) {
        const media = objectOf(start, 'mediaFormat') ?? {};
        const encoding = textOf(media, 'encoding') ?? contentType;
        const rate = wholeNumberOf(media, 'sampleRate') ?? sampleRate;
        if (encoding === contentType && rate === sampleRate) return null;
        return `The contentType of the stream must be ${contentType} of ${sampleRate} Hz, as here.`;
      },
      audio: (payload) => ['playAudio', { contentType, sampleRate, payload }],
      names: { clear: 'clearAudio', mark: 'checkpoint', heard: 'playedStream', nested: false },
    }),
  };
}
