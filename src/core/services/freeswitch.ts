import { oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { PacketError } from '../errors.ts';
import type { Service, ServiceEvent } from './service.ts';
import { CALL, CallerNames, audioEvents, oneRate, wholeFrames } from './shared/call.ts';
import { MAX_SERVICE_MESSAGE } from './shared/json-fields.ts';
import { appMessage } from '../framing/app-message.ts';
import { SERVICE_OPTION_NAMES, mono16, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link freeswitch}. */
export interface FreeswitchOptions extends ServiceOptions {
  /** Sample rate in both directions, in Hz: the `8k` or `16k` of the command. @default 8000 */
  readonly sampleRate?: 8000 | 16_000;
  /** The mix type of the command: `'stereo'` has the caller on the left and the callee on the right. @default 'mono' */
  readonly mixType?: 'mono' | 'mixed' | 'stereo';
}

const NAMES: OptionNames<FreeswitchOptions> = {
  ...SERVICE_OPTION_NAMES,
  sampleRate: 1,
  mixType: 1,
};

/**
 * FreeSWITCH with mod_audio_stream (`uuid_audio_stream <uuid> start …`): FreeSWITCH connects to the app's server.
 *
 * The call's audio is 16 bits little-endian, in binary messages. Metadata comes first, as text, and becomes a `'message'` event. The
 * session's audio is sent as Base64 in JSON. The module writes each message to a file and fires the event `mod_audio_stream::play`; in
 * the community edition a dialplan or an app has to play the file. Chunks have 200 ms, so that there are fewer files. Sent audio cannot
 * be cleared, and there are no marks.
 *
 * Source: amigniter/mod_audio_stream, README.md.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function freeswitch(options: FreeswitchOptions = {}): Service {
  checkOptions('freeswitch', options, NAMES);
  const sampleRate = oneRate(options.sampleRate ?? 8000, [8000, 16_000]);
  const mixType = oneOf('mixType', options.mixType ?? 'mono', ['mono', 'mixed', 'stereo']);
  const input = mono16(sampleRate);
  const output = { ...input, channels: mixType === 'stereo' ? 2 : 1 };
  const callers = new CallerNames();
  return {
    id: 'freeswitch',
    input,
    output,
    encoding: 'base64',
    ...serviceBase(options, { ...CALL, chunkDurationMs: 200, readyOnOpen: true }),
    connect() {
      const caller = callers.next();
      return {
        encode(request) {
          if (request.type === 'message') return [appMessage(request.value)];
          if (request.type !== 'audio') return [];
          const audioData = request.audio.base64;
          const data = { audioDataType: 'raw', sampleRate, audioData };
          return [JSON.stringify({ type: 'streamAudio', data })];
        },
        decode(message): readonly ServiceEvent[] {
          if (message.length > MAX_SERVICE_MESSAGE) {
            throw new PacketError('oversized', `a message may have ${MAX_SERVICE_MESSAGE} bytes.`);
          }
          // Metadata is any text, not always JSON.
          if (typeof message === 'string') return [{ type: 'message', value: message }];
          return audioEvents(caller, wholeFrames(message, output));
        },
      };
    },
  };
}
