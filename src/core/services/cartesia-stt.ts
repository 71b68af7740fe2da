import { oneOf } from '../arguments.ts';
import { checkOptions, checkText } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, ServiceConnection, ServiceEvent, WireMessage } from './service.ts';
import { flagOf, numberOf, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import {
  SERVICE_OPTION_NAMES,
  checkQuery,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { QueryValues, ServiceOptions } from './shared/service-base.ts';
import { SentAudio } from './shared/sent-audio.ts';
import { silence } from './shared/silence.ts';
import { SpeechState } from './shared/speech-state.ts';

/** How a turn ends: the service finds its end, or the app says so with `session.commit()`. */
export type CartesiaTurns = 'auto' | 'manual';

/** Options of {@link cartesiaStt}. */
export interface CartesiaSttOptions extends ServiceOptions {
  /** `'auto'` for `/stt/turns/websocket`, `'manual'` for `/stt/websocket`: the app's URL must match. @default 'auto' */
  readonly turns?: CartesiaTurns;
  /** @default 'ink-2' */
  readonly model?: string;
  /** Language spoken, for `'manual'`, such as `'en'`. @default the service's own */
  readonly language?: string;
  /** @default 's16' */
  readonly format?: keyof typeof ENCODINGS;
  /** Sample rate in Hz, from 8000 to 48000. @default 8000 for G.711, otherwise 16000 */
  readonly sampleRate?: number;
  /** Added to the query, such as `{ keyterm: ['micwire'], turn_end_timeout_ms: 2000 }`. */
  readonly configure?: QueryValues;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  turns: 1,
  model: 1,
  language: 1,
  format: 1,
  sampleRate: 1,
  configure: 1,
} satisfies OptionNames<CartesiaSttOptions>;

const ENCODINGS = {
  s16: 'pcm_s16le',
  s32: 'pcm_s32le',
  f32: 'pcm_f32le',
  mulaw: 'pcm_mulaw',
  alaw: 'pcm_alaw',
} as const;

/**
 * Cartesia's streaming transcription: `wss://api.cartesia.ai/stt/turns/websocket`, or `/stt/websocket` with `turns: 'manual'`, where
 * `session.commit()` is `finalize`. The token is an access token, which a browser sends in the query.
 *
 * It does not acknowledge audio. With `'manual'` the answer to `finalize` shows how far the text is final, and a session replays from
 * there. With `'auto'` this is unknown: a session replays two seconds, so words of the turn may be lost or doubled. It closes the
 * connection after 3 minutes without a message, and a turn never ends without audio: the session sends silence while there is no audio.
 *
 * Message shapes: npm @cartesia/cartesia-js 4.2.0, `resources/stt`; version and access token in the query: Cartesia's guides; silence
 * and 3 minutes: pipecat `cartesia/stt.py`, which ends `'manual'` with `done`, where Cartesia's own package has `close`. Not confirmed:
 * close codes, which errors end the connection, and how fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function cartesiaStt(options: CartesiaSttOptions = {}): Service {
  checkOptions('cartesiaStt', options, NAMES);
  const { turns = 'auto', model = 'ink-2', language, format = 's16' } = options;
  const manual = oneOf('turns', turns, ['auto', 'manual']) === 'manual';
  checkText('model', model);
  if (language !== undefined) checkText('language', language);
  const input = monoStream(ENCODINGS, format, options.sampleRate);
  const query = {
    model,
    language,
    encoding: ENCODINGS[format],
    sample_rate: input.sampleRate,
    cartesia_version: '2026-03-01',
    ...checkQuery('configure', options.configure),
  };
  return {
    ...serviceBase(options, {
      chunkDurationMs: 100,
      overlapMs: manual ? 15_000 : 2000,
      muteAs: manual ? 'keep-alive' : 'silence',
      keepAliveMs: manual ? 60_000 : 4000,
      readyOnOpen: true,
      answersEnd: true,
      address: (url, token) => serviceAddress(url, { query: { ...query, access_token: token } }),
    }),
    id: 'cartesia-stt',
    input,
    output: null,
    encoding: 'binary',
    connect: () => connection(input, manual),
  };
}

/** Maximum number of unanswered `finalize` messages whose position is remembered. */
const MAX_COMMITS = 256;

function connection(input: StreamFormat, manual: boolean): ServiceConnection {
  const sent = new SentAudio();
  const speech = new SpeechState();
  /** How much audio was sent before each unanswered `finalize`. */
  const commits: number[] = [];

  function finalize(): readonly WireMessage[] {
    if (!manual) return [];
    // The answer to one that is left out counts for an earlier one, which is safe.
    if (commits.length < MAX_COMMITS) commits.push(sent.length);
    return ['finalize'];
  }

  function words(text: string | undefined, final: boolean): readonly ServiceEvent[] {
    return text ? [{ type: 'transcript', who: 'user', text, final }] : [];
  }

  return messageConnection({
    requests: {
      audio: ({ audio }) => {
        sent.add(audio);
        return [audio.bytes];
      },
      commit: finalize,
      mute: ({ muted }) => (muted ? finalize() : []),
      'keep-alive': () => {
        const frames = Math.round(input.sampleRate / 10);
        const bytes = silence(input, frames);
        if (bytes === undefined) return [];
        sent.pad(frames);
        return [bytes];
      },
      end: () => [manual ? 'close' : '{"type":"close"}'],
    },
    json: (fields) => {
      const text = textOf(fields, 'transcript');
      switch (textOf(fields, 'type')) {
        case 'turn.start':
          return speech.set(true);
        case 'turn.update':
        case 'turn.eager_end':
          return words(text, false);
        case 'turn.end':
          return [...words(text, true), ...speech.set(false)];
        case 'transcript':
          return words(textOf(fields, 'text'), flagOf(fields, 'is_final'));
        case 'flush_done': {
          const position = commits.shift();
          return position === undefined ? [] : sent.settled(position);
        }
        case 'done':
          return [{ type: 'ended' }];
        case 'error': {
          const status = numberOf(fields, 'status_code') ?? 500;
          return [
            {
              type: 'error',
              code: textOf(fields, 'error_code') ?? String(status),
              message: textOf(fields, 'message') ?? textOf(fields, 'title') ?? '',
              fatal: true,
              retry: status >= 500 || status === 408 || status === 429,
            },
          ];
        }
        default:
          return [];
      }
    },
  });
}
