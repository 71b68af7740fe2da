import { checkOptions } from '../option-names.ts';
import type { Service } from './service.ts';
import {
  CALL,
  CallerNames,
  SentMarks,
  audioEvents,
  callerMedia,
  mediaStreamConnection,
  wrongFormat,
} from './shared/call.ts';
import { need, objectOf, textOf } from './shared/json-fields.ts';
import { SERVICE_OPTION_NAMES, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

const STREAM = { format: 'mulaw', sampleRate: 8000, channels: 1 } as const;
const ENCODING = 'audio/x-mulaw';

/**
 * Twilio Media Streams, bidirectional (`<Connect><Stream>`): Twilio connects to the app's server.
 *
 * Audio is mono μ-law of 8 kHz in both directions, as Base64 in JSON. Twilio queues the session's audio and plays it into the call;
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
  const callers = new CallerNames();
  return {
    id: 'twilio',
    input: STREAM,
    output: STREAM,
    encoding: 'base64',
    ...serviceBase(options, CALL),
    connect() {
      const caller = callers.next();
      const marks = new SentMarks();
      let streamSid: string | undefined;
      const message = (event: string, fields: object = {}): readonly string[] =>
        streamSid === undefined ? [] : [JSON.stringify({ event, streamSid, ...fields })];
      const clear = (): readonly string[] => {
        marks.clear();
        return message('clear');
      };
      return mediaStreamConnection(
        {
          audio: ({ audio }) => message('media', { media: { payload: audio.base64 } }),
          mark: ({ name }) => message('mark', { mark: { name: marks.add(name) } }),
          clear,
          interrupted: clear,
        },
        (event, fields) => {
          switch (event) {
            case 'start': {
              const start = need(objectOf(fields, 'start'), 'start');
              const id = textOf(start, 'streamSid') ?? textOf(fields, 'streamSid');
              streamSid = need(id, 'streamSid');
              const media = objectOf(start, 'mediaFormat') ?? {};
              if ((textOf(media, 'encoding') ?? ENCODING) !== ENCODING) {
                return [wrongFormat(`The stream of the call must be ${ENCODING}.`)];
              }
              return [{ type: 'ready' }];
            }
            case 'media':
              return audioEvents(caller, callerMedia(fields, STREAM));
            case 'mark':
              return marks.heard(need(textOf(objectOf(fields, 'mark') ?? {}, 'name'), 'mark.name'));
            case 'stop':
              return [{ type: 'item-end', item: caller }, { type: 'ended' }];
            default:
              return [];
          }
        },
      );
    },
  };
}
