import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, WireMessage } from './service.ts';
import {
  CALL,
  CallerNames,
  audioEvents,
  oneRate,
  wholeFrames,
  wholeNumberOf,
  wrongFormat,
} from './shared/call.ts';
import { need, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { SERVICE_OPTION_NAMES, mono16, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link sinch}. */
export interface SinchOptions extends ServiceOptions {
  /** Sample rate in both directions, in Hz, as in the stream's options. @default 8000 */
  readonly sampleRate?: 8000 | 16_000 | 24_000 | 44_100 | 48_000 | 96_000;
}

const NAMES: OptionNames<SinchOptions> = { ...SERVICE_OPTION_NAMES, sampleRate: 1 };
const RATES = [8000, 16_000, 24_000, 44_100, 48_000, 96_000];
/** Sinch hangs up after a minute without audio. */
const HEARTBEAT_MS = 20_000;

/**
 * Sinch Voice API v2, a call leg of type STREAM: Sinch connects to the app's server.
 *
 * Audio is mono, 16 bits little-endian, in binary messages of 20 ms or more. Sinch queues 5 MB and drops the oldest audio above that;
 * `clear` empties the queue. There are no marks. The session answers each call; to decline one, send `busy` or `reject` from the
 * server before the session opens.
 *
 * Sources: developers.sinch.com/docs/voice-2.0/api-reference/x-voice-stream, its AsyncAPI description stream.json.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function sinch(options: SinchOptions = {}): Service {
  checkOptions('sinch', options, NAMES);
  const stream = mono16(oneRate(options.sampleRate ?? 8000, RATES));
  const callers = new CallerNames();
  return {
    id: 'sinch',
    input: stream,
    output: stream,
    encoding: 'binary',
    ...serviceBase(options, { ...CALL, muteAs: 'keep-alive', keepAliveMs: HEARTBEAT_MS }),
    connect() {
      const caller = callers.next();
      const clear = (): readonly WireMessage[] => ['{"command":"clear"}'];
      return messageConnection({
        requests: {
          audio: ({ audio }) => [audio.bytes],
          clear,
          interrupted: clear,
          'keep-alive': () => ['{"command":"heartbeat"}'],
        },
        bytes: (bytes) => audioEvents(caller, wholeFrames(bytes, stream)),
        json(fields) {
          if (need(textOf(fields, 'command'), 'command') !== 'connect') return [];
          const rate = wholeNumberOf(fields, 'sampleRate') ?? stream.sampleRate;
          if (rate !== stream.sampleRate) {
            return [wrongFormat(`The call has ${rate} Hz: make sinch({ sampleRate: ${rate} }).`)];
          }
          return [{ type: 'reply', message: '{"command":"answer"}' }, { type: 'ready' }];
        },
      });
    },
  };
}
