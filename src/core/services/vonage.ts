import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, WireMessage } from './service.ts';
import {
  CALL,
  CallerNames,
  SentMarks,
  audioEvents,
  oneRate,
  wholeFrames,
  wrongFormat,
} from './shared/call.ts';
import { need, objectOf, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { SERVICE_OPTION_NAMES, mono16, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link vonage}. Chunks always have 20 ms, which Vonage requires. */
export interface VonageOptions extends Omit<ServiceOptions, 'chunkDurationMs'> {
  /** Sample rate in both directions, in Hz, as in the endpoint's `content-type`: `audio/l16;rate=16000`. @default 16000 */
  readonly sampleRate?: 8000 | 16_000 | 24_000;
}

const { chunkDurationMs: _, ...OTHER_NAMES } = SERVICE_OPTION_NAMES;
const NAMES: OptionNames<VonageOptions> = { ...OTHER_NAMES, sampleRate: 1 };

/**
 * Vonage Voice API WebSocket: Vonage connects to the app's server.
 *
 * Audio is mono, 16 bits little-endian, in binary messages of 20 ms in both directions. Vonage queues up to 3072 messages, about a
 * minute, and plays them into the call; `clear` empties the queue. A mark is a `notify` action, which Vonage answers when the audio
 * before it was heard. Keys that the caller presses arrive as `'message'` events with `event: 'websocket:dtmf'`.
 *
 * Sources: developer.vonage.com/en/voice/voice-api/guides/websockets and …/tutorials/play-audio-into-a-websocket;
 * pipecat-ai/pipecat, serializers/vonage.py.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function vonage(options: VonageOptions = {}): Service {
  checkOptions('vonage', options, NAMES);
  const sampleRate = oneRate(options.sampleRate ?? 16_000, [8000, 16_000, 24_000]);
  const stream = mono16(sampleRate);
  const callers = new CallerNames();
  return {
    id: 'vonage',
    input: stream,
    output: stream,
    encoding: 'binary',
    ...serviceBase(options, CALL),
    connect() {
      const caller = callers.next();
      const marks = new SentMarks();
      const clear = (): readonly WireMessage[] => {
        marks.clear();
        return ['{"action":"clear"}'];
      };
      return messageConnection({
        requests: {
          audio: ({ audio }) => [audio.bytes],
          mark: ({ name }) => [
            JSON.stringify({ action: 'notify', payload: { mark: marks.add(name) } }),
          ],
          clear,
          interrupted: clear,
        },
        bytes: (bytes) => audioEvents(caller, wholeFrames(bytes, stream)),
        json(fields) {
          switch (need(textOf(fields, 'event'), 'event')) {
            case 'websocket:connected': {
              const type = textOf(fields, 'content-type');
              const rate = Number(/;\s*rate=(\d{1,6})\b/.exec(type ?? '')?.[1] ?? sampleRate);
              if (rate === sampleRate) return [{ type: 'ready' }];
              return [
                wrongFormat(`The call has ${rate} Hz: make vonage({ sampleRate: ${rate} }).`),
              ];
            }
            case 'websocket:notify': {
              const mark = textOf(objectOf(fields, 'payload') ?? {}, 'mark');
              return mark === undefined ? [] : marks.heard(mark);
            }
            default:
              return [];
          }
        },
      });
    },
  };
}
