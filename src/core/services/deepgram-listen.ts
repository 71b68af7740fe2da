import { oneOf } from '../arguments.ts';
import { checkOptions, checkText } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { DEEPGRAM_ENCODINGS, DEEPGRAM_TOKEN_TYPES, deepgramAddress } from './shared/deepgram.ts';
import type { DeepgramFormat, DeepgramTokenType } from './shared/deepgram.ts';
import { flagOf, need, numberOf, objectOf, objectsOf, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { SentAudio } from './shared/sent-audio.ts';
import { SERVICE_OPTION_NAMES, checkQuery, serviceBase } from './shared/service-base.ts';
import type { QueryValues, ServiceOptions } from './shared/service-base.ts';
import { SpeechState } from './shared/speech-state.ts';

export type { DeepgramFormat, DeepgramTokenType } from './shared/deepgram.ts';

/** Options of {@link deepgramListen}. */
export interface DeepgramListenOptions extends ServiceOptions {
  /** @default 'nova-3' */
  readonly model?: string;
  /** Language spoken, such as `'en-US'`. @default the model's own */
  readonly language?: string;
  /** @default 's16' */
  readonly format?: DeepgramFormat;
  /** Sample rate in Hz, from 8000 to 48000. @default 8000 for G.711, 48000 for Opus, otherwise 16000 */
  readonly sampleRate?: number;
  /** Type of the token. @default 'bearer' */
  readonly tokenType?: DeepgramTokenType;
  /** Added to the query, such as `{ smart_format: true, vad_events: true }`. */
  readonly configure?: QueryValues;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
  language: 1,
  format: 1,
  sampleRate: 1,
  tokenType: 1,
  configure: 1,
} satisfies OptionNames<DeepgramListenOptions>;

/**
 * Deepgram's live transcription: `wss://api.deepgram.com/v1/listen`. The token is a temporary token, or an API key with
 * `tokenType: 'token'`; a browser sends it as a subprotocol. `session.commit()` is `Finalize`.
 *
 * It does not acknowledge audio, but each final result says how far it reaches. After a lost connection a session replays from there,
 * so no word is lost or doubled. Times in results count from the start of their connection. While muted, the session finalizes the
 * words before and sends only `KeepAlive`, always as text.
 *
 * Message shapes: npm @deepgram/sdk 5.13.0, `listen/resources/v1`, and Deepgram's page on `KeepAlive`: 10 s without audio or
 * `KeepAlive` close the connection. Not confirmed: how fast audio may be replayed, and that silence has final results too.
 * @throws TypeError or RangeError for an invalid option
 */
export function deepgramListen(options: DeepgramListenOptions = {}): Service {
  checkOptions('deepgramListen', options, NAMES);
  const { model = 'nova-3', language, format = 's16', tokenType = 'bearer' } = options;
  checkText('model', model);
  if (language !== undefined) checkText('language', language);
  oneOf('tokenType', tokenType, DEEPGRAM_TOKEN_TYPES);
  const input = monoStream(DEEPGRAM_ENCODINGS, format, options.sampleRate);
  const query = {
    model,
    language,
    encoding: DEEPGRAM_ENCODINGS[format],
    sample_rate: input.sampleRate,
    channels: 1,
    interim_results: true,
    ...checkQuery('configure', options.configure),
  };
  return {
    ...serviceBase(options, {
      chunkDurationMs: 40,
      overlapMs: 15_000,
      muteAs: 'keep-alive',
      keepAliveMs: 4000,
      readyOnOpen: true,
      answersEnd: true,
      address: (url, token) => deepgramAddress(url, token, tokenType, query),
    }),
    id: 'deepgram-listen',
    input,
    output: null,
    encoding: 'binary',
    connect: () => connection(input.sampleRate),
  };
}

const FINALIZE = '{"type":"Finalize"}';

function connection(sampleRate: number): ServiceConnection {
  const sent = new SentAudio();
  const speech = new SpeechState();
  let ended = false;
  return messageConnection({
    requests: {
      audio: ({ audio }) => {
        sent.add(audio);
        return [audio.bytes];
      },
      commit: () => [FINALIZE],
      mute: ({ muted }) => (muted ? [FINALIZE] : []),
      'keep-alive': () => ['{"type":"KeepAlive"}'],
      end: () => {
        ended = true;
        return ['{"type":"CloseStream"}'];
      },
    },
    json: (fields) => {
      switch (textOf(fields, 'type')) {
        case 'Results': {
          const channel = need(objectOf(fields, 'channel'), 'channel');
          const best = objectsOf(channel, 'alternatives')[0];
          const text = best === undefined ? undefined : textOf(best, 'transcript');
          const final = flagOf(fields, 'is_final');
          const events: ServiceEvent[] = [];
          if (text) events.push({ type: 'transcript', who: 'user', text, final });
          if (flagOf(fields, 'speech_final')) events.push(...speech.set(false));
          if (final) {
            const end = (numberOf(fields, 'start') ?? 0) + (numberOf(fields, 'duration') ?? 0);
            events.push(...sent.settled(end * sampleRate));
          }
          return events;
        }
        case 'SpeechStarted':
          return speech.set(true);
        case 'UtteranceEnd':
          return speech.set(false);
        case 'Metadata':
          // Sent when the stream is closed. Without `CloseStream` it means nothing.
          return ended ? [{ type: 'ended' }] : [];
        default:
          return [];
      }
    },
  });
}
