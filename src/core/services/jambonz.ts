import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, WireMessage } from './service.ts';
import {
  CALL,
  CallerNames,
  SentMarks,
  audioEvents,
  oneRate,
  wholeFrames,
  wholeNumberOf,
} from './shared/call.ts';
import { need, objectOf, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import {
  SERVICE_OPTION_NAMES,
  mono16,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link jambonz}. */
export interface JambonzOptions extends ServiceOptions {
  /** Sample rate of the session's audio in Hz: `bidirectionalAudio.sampleRate` of the verb. @default 8000 */
  readonly sampleRate?: 8000 | 16_000 | 24_000 | 48_000 | 64_000;
}

const NAMES: OptionNames<JambonzOptions> = { ...SERVICE_OPTION_NAMES, sampleRate: 1 };
const RATES = [8000, 16_000, 24_000, 48_000, 64_000];
const RATE_RANGE = { min: MIN_SAMPLE_RATE, max: MAX_SAMPLE_RATE };
/** The subprotocol that jambonz offers; the app's server chooses it. */
const PROTOCOL = 'audio.jambonz.org';

/**
 * The verb `listen` (or `stream`) of jambonz, with `bidirectionalAudio: { enabled: true, streaming: true }`: jambonz connects to the
 * app's server with the subprotocol `audio.jambonz.org`.
 *
 * Audio is 16 bits little-endian, in binary messages. The first message has the sample rate and the mix type of the caller's audio.
 * `killAudio` empties jambonz' queue. jambonz answers a mark when it was heard or cleared; only the former is a `'marked'` event. At
 * most 30 marks can wait, and jambonz discards more; after `killAudio` it also discards as many new marks as were waiting. Keys that
 * the caller presses arrive as `'message'` events with `event: 'dtmf'` if the verb has `passDtmf`. Ending the session ends the verb.
 *
 * Sources: docs.jambonz.org/verbs/verbs/listen; jambonz/freeswitch-modules, mod_audio_fork/lws_glue.cpp; jambonz/node-sdk,
 * typescript/src/websocket/audio-stream.ts.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function jambonz(options: JambonzOptions = {}): Service {
  checkOptions('jambonz', options, NAMES);
  const output = mono16(oneRate(options.sampleRate ?? 8000, RATES));
  const callers = new CallerNames();
  return {
    id: 'jambonz',
    input: output,
    output,
    encoding: 'binary',
    ...serviceBase(options, {
      ...CALL,
      address: (url, token) => serviceAddress(url, { query: { token }, protocols: [PROTOCOL] }),
    }),
    connect() {
      const caller = callers.next();
      const marks = new SentMarks();
      let stream: StreamFormat = output;
      let ready = false;
      const clear = (): readonly WireMessage[] => {
        marks.clear();
        return ['{"type":"killAudio"}'];
      };
      return messageConnection({
        requests: {
          audio: ({ audio }) => [audio.bytes],
          mark: ({ name }) => [JSON.stringify({ type: 'mark', data: { name: marks.add(name) } })],
          clear,
          interrupted: clear,
          end: () => ['{"type":"disconnect"}'],
        },
        bytes: (bytes) =>
          audioEvents(caller, wholeFrames(bytes, stream), stream === output ? {} : { stream }),
        json(fields) {
          if (!ready) {
            const rate = wholeNumberOf(fields, 'sampleRate', RATE_RANGE) ?? output.sampleRate;
            const channels = textOf(fields, 'mixType') === 'stereo' ? 2 : 1;
            const same = rate === output.sampleRate && channels === 1;
            stream = same ? output : { ...output, sampleRate: rate, channels };
            ready = true;
            return [{ type: 'ready' }];
          }
          if (textOf(fields, 'type') !== 'mark') return [];
          const data = objectOf(fields, 'data') ?? {};
          const name = need(textOf(data, 'name'), 'data.name');
          return textOf(data, 'event') === 'cleared' ? [] : marks.heard(name);
        },
      });
    },
  };
}
