import { oneOf } from '../arguments.ts';
import { checkOptions, checkText } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { DEEPGRAM_ENCODINGS, DEEPGRAM_TOKEN_TYPES, deepgramAddress } from './shared/deepgram.ts';
import type { DeepgramFormat, DeepgramTokenType } from './shared/deepgram.ts';
import { numberOf, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { SentAudio } from './shared/sent-audio.ts';
import { SERVICE_OPTION_NAMES, checkQuery, serviceBase } from './shared/service-base.ts';
import type { QueryValues, ServiceOptions } from './shared/service-base.ts';
import { silence } from './shared/silence.ts';
import { SpeechState } from './shared/speech-state.ts';

export type { DeepgramFormat, DeepgramTokenType } from './shared/deepgram.ts';

/** Options of {@link deepgramFlux}. */
export interface DeepgramFluxOptions extends ServiceOptions {
  /** @default 'flux-general-en' */
  readonly model?: string;
  /** @default 's16' */
  readonly format?: DeepgramFormat;
  /** Sample rate in Hz, from 8000 to 48000. @default 8000 for G.711, 48000 for Opus, otherwise 16000 */
  readonly sampleRate?: number;
  /** Type of the token. @default 'bearer' */
  readonly tokenType?: DeepgramTokenType;
  /** Added to the query, such as `{ eot_threshold: 0.8, keyterm: ['micwire'] }`. */
  readonly configure?: QueryValues;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
  format: 1,
  sampleRate: 1,
  tokenType: 1,
  configure: 1,
} satisfies OptionNames<DeepgramFluxOptions>;

/** After this long without a word, everything that was said has been transcribed. Our own choice. */
const QUIET_SECONDS = 1;

/**
 * Deepgram Flux, which finds the turns of a conversation: `wss://api.deepgram.com/v2/listen`. The token is a temporary token, or an API
 * key with `tokenType: 'token'`; a browser sends it as a subprotocol. `session.commit()` is `ForceEndTurn`.
 *
 * It does not acknowledge audio, but reports which audio it has transcribed. After a lost connection a session replays the unfinished
 * turn. It has no keep-alive message, and a turn never ends without audio: the session sends silence while muted, and 100 ms of silence
 * every 4 s when there is no audio at all, except for Opus.
 *
 * Message shapes: npm @deepgram/sdk 5.13.0, `listen/resources/v2`; silence as keep-alive: pipecat `deepgram/flux/stt_base.py`. Not
 * confirmed: the recommended 80 ms chunks, how fast audio may be replayed, and that silence has `TurnInfo` messages too.
 * @throws TypeError or RangeError for an invalid option
 */
export function deepgramFlux(options: DeepgramFluxOptions = {}): Service {
  checkOptions('deepgramFlux', options, NAMES);
  const { model = 'flux-general-en', format = 's16', tokenType = 'bearer' } = options;
  checkText('model', model);
  oneOf('tokenType', tokenType, DEEPGRAM_TOKEN_TYPES);
  const input = monoStream(DEEPGRAM_ENCODINGS, format, options.sampleRate);
  const query = {
    model,
    encoding: DEEPGRAM_ENCODINGS[format],
    sample_rate: input.sampleRate,
    ...checkQuery('configure', options.configure),
  };
  return {
    ...serviceBase(options, {
      chunkDurationMs: 80,
      overlapMs: 15_000,
      keepAliveMs: 4000,
      answersEnd: true,
      address: (url, token) => deepgramAddress(url, token, tokenType, query),
    }),
    id: 'deepgram-flux',
    input,
    output: null,
    encoding: 'binary',
    connect: () => connection(input),
  };
}

function connection(input: StreamFormat): ServiceConnection {
  const { sampleRate } = input;
  const sent = new SentAudio();
  const speech = new SpeechState();
  return messageConnection({
    requests: {
      audio: ({ audio }) => {
        sent.add(audio);
        return [audio.bytes];
      },
      commit: () => ['{"type":"ForceEndTurn"}'],
      'keep-alive': () => {
        const frames = Math.round(sampleRate / 10);
        const bytes = silence(input, frames);
        if (bytes === undefined) return [];
        sent.pad(frames);
        return [bytes];
      },
      end: () => ['{"type":"CloseStream"}'],
    },
    json: (fields) => {
      switch (textOf(fields, 'type')) {
        case 'Connected':
          return [{ type: 'ready' }];
        case 'TurnInfo': {
          const event = textOf(fields, 'event');
          const text = textOf(fields, 'transcript');
          const end = numberOf(fields, 'audio_window_end') ?? 0;
          const final = event === 'EndOfTurn';
          const events: ServiceEvent[] = [];
          if (event === 'StartOfTurn') events.push(...speech.set(true));
          if (text) events.push({ type: 'transcript', who: 'user', text, final });
          if (final) events.push(...speech.set(false));
          if (final || !text) {
            events.push(...sent.settled((final ? end : end - QUIET_SECONDS) * sampleRate));
          }
          return events;
        }
        case 'Error':
          return [
            {
              type: 'error',
              code: textOf(fields, 'code') ?? 'Error',
              message: textOf(fields, 'description') ?? '',
              fatal: true,
              retry: true,
            },
          ];
        default:
          return [];
      }
    },
  });
}
