import type { StreamFormat } from '../../format/stream-format.ts';
import type { JsonFields } from '../../framing/json-object.ts';
import type { ServiceConnection, ServiceEvent } from '../service.ts';
import { CallerNames, SentMarks, audioEvents, callerMedia, wrongFormat } from './call.ts';
import { need, objectOf, readJson, textOf } from './json-fields.ts';
import { messageConnection } from './message-connection.ts';
import type { RequestEncoders } from './message-connection.ts';

/*
 * Telephone systems whose messages are JSON with an `event`, as in Twilio Media Streams.
 */

/**
 * Creates a connection whose messages are JSON with an `event`. All except those with media reach the app as `'message'` events.
 */
export function mediaStreamConnection(
  requests: RequestEncoders,
  events: (event: string, fields: JsonFields) => readonly ServiceEvent[],
): ServiceConnection {
  const messages = messageConnection({ requests, json: () => [] });
  return {
    encode: (request) => messages.encode(request),
    decode(message) {
      const fields = readJson(message);
      const event = need(textOf(fields, 'event'), 'event');
      const found = events(event, fields);
      return event === 'media' ? found : [...found, { type: 'message', value: fields }];
    },
  };
}

/** How telephone systems with a protocol like Twilio's differ. */
export interface MediaStreamDialect {
  /** Format in both directions. */
  readonly stream: StreamFormat;
  /** Name of the field with the stream's id, in the message `start` and in every message to the system. */
  readonly id: string;
  /** Describes what is wrong with the format of the call, from `start` of its message; null if it is right. */
  readonly formatFault: (start: JsonFields) => string | null;
  /** Event and `media` of audio. @default `media` with the payload */
  readonly audio?: (payload: string) => readonly [event: string, media: object];
  /** Names of events. @default Twilio's */
  readonly names?: {
    /** Empties the audio queue. */
    readonly clear: string;
    /** Sends a mark. */
    readonly mark: string;
    /** Reports that a mark was heard. */
    readonly heard: string;
    /** Whether these two have the mark's name in an object `mark`, not in the message itself. */
    readonly nested: boolean;
  };
}

const TWILIO_NAMES = { clear: 'clear', mark: 'mark', heard: 'mark', nested: true };

/** Creates the `connect` of a service with a protocol like Twilio's. */
export function mediaStreamCalls(dialect: MediaStreamDialect): () => ServiceConnection {
  const { stream, id: idName, formatFault, names = TWILIO_NAMES } = dialect;
  const { audio = (payload) => ['media', { payload }] } = dialect;
  const callers = new CallerNames();
  return () => {
    const caller = callers.next();
    const marks = new SentMarks();
    let id: string | undefined;
    const message = (event: string, fields: object = {}): readonly string[] =>
      id === undefined ? [] : [JSON.stringify({ event, [idName]: id, ...fields })];
    const clear = (): readonly string[] => {
      marks.clear();
      return message(names.clear);
    };
    return mediaStreamConnection(
      {
        audio({ audio: { base64 } }) {
          const [event, media] = audio(base64);
          return message(event, { media });
        },
        mark(request) {
          const mark = { name: marks.add(request.name) };
          return message(names.mark, names.nested ? { mark } : mark);
        },
        clear,
        interrupted: clear,
      },
      (event, fields) => {
        switch (event) {
          case 'start': {
            const start = need(objectOf(fields, 'start'), 'start');
            id = need(textOf(start, idName) ?? textOf(fields, idName), idName);
            const fault = formatFault(start);
            return [fault === null ? { type: 'ready' } : wrongFormat(fault)];
          }
          case 'media':
            return audioEvents(caller, callerMedia(fields, stream));
          case names.heard: {
            const mark = names.nested ? (objectOf(fields, 'mark') ?? {}) : fields;
            return marks.heard(need(textOf(mark, 'name'), names.nested ? 'mark.name' : 'name'));
          }
          case 'stop':
            return [{ type: 'item-end', item: caller }, { type: 'ended' }];
          default:
            return [];
        }
      },
    );
  };
}
