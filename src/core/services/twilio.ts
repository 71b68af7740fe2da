import { checkOptions } from '../option-names.ts';
import type { Service } from './service.ts';
import { CALL } from './shared/call.ts';
import { objectOf, textOf } from './shared/json-fields.ts';
import { mediaStreamCalls } from './shared/media-stream.ts';
import { SERVICE_OPTION_NAMES, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

const STREAM = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
const ENCODING = 'audio/x-mulaw';

/**
 * Twilio Media Streams, bidirectional (`<Connect><Stream>`): Twilio connects to the app's server.
 *
 * Audio is mono μ-law at 8 kHz in both directions, as Base64 in JSON. Twilio queues the session's audio and plays it into the call;
 * `clear` empties the queue. Twilio sends a mark back when it was heard, and also when it was cleared; only the former is a `'marked'`
 * event. Keys that the caller presses arrive as `'message'` events with `event: 'dtmf'`; the message with `event: 'start'` has
 * `callSid` and the parameters of the stream. All numbers in Twilio's messages are strings.
 *
 * Sources: twilio.com/docs/voice/media-streams/websocket-messages; pipecat-ai/pipecat, serializers/twilio.py.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function twilio(options: ServiceOptions = {}): Service {
  checkOptions('twilio', options, SERVICE_OPTION_NAMES);
  return {
    id: 'twilio',
    input: STREAM,
    output: STREAM,
    encoding: 'base64',
    ...serviceBase(options, CALL),
    connect: mediaStreamCalls({
      stream: STREAM,
      id: 'streamSid',
      formatFault(start) {
        const encoding = textOf(objectOf(start, 'mediaFormat') ?? {}, 'encoding') ?? ENCODING;
        return encoding === ENCODING ? null : `The stream of the call must be ${ENCODING}.`;
      },
    }),
  };
}
