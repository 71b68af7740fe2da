import { oneOf } from '../arguments.ts';
import { encodeBase64 } from '../base64/base64.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { JsonFields } from '../framing/json-object.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { checkElevenlabsStream, elevenlabsName } from './shared/elevenlabs.ts';
import { need, numberOf, objectsOf, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { SentAudio } from './shared/sent-audio.ts';
import {
  SERVICE_OPTION_NAMES,
  checkTexts,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';
import { silence } from './shared/silence.ts';

/** Options of {@link elevenlabsScribe}. */
export interface ElevenlabsScribeOptions extends ServiceOptions {
  /** Transcription model. @default 'scribe_v2_realtime' */
  readonly model?: string;
  /** Language spoken, such as `'en'`. @default detected by the service */
  readonly language?: string;
  /** Format of the audio. @default 's16' */
  readonly format?: 's16' | 'mulaw';
  /**
   * Its sample rate in Hz: 8000, 16000, 22050, 24000, 44100 or 48000 for `'s16'`, 8000 for `'mulaw'`.
   * @default 16000; 8000 for `'mulaw'`
   */
  readonly sampleRate?: number;
  /** Whether the service finds the ends of segments, or only `session.commit()` ends them. @default 'vad' */
  readonly commit?: 'vad' | 'manual';
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
  language: 1,
  format: 1,
  sampleRate: 1,
  commit: 1,
} satisfies OptionNames<ElevenlabsScribeOptions>;

const COMMITS = ['vad', 'manual'] as const;
const KEEP_ALIVE_MS = 5000;
/** Duration of the silence in a keep-alive message. */
const SILENCE_MS = 100;

/**
 * ElevenLabs Scribe, speech to text over WebSocket: `wss://api.elevenlabs.io/v1/speech-to-text/realtime`. The token is a single-use
 * token, sent in the query as `token`. It does not acknowledge audio, but reports the times of final words: a new connection
 * transcribes the audio after them again, at most 15 s.
 *
 * Message shapes: npm @elevenlabs/client 1.25.0, `scribe/connection.js` and `scribe/scribe.js`, with @elevenlabs/types; silence every 5
 * s: pipecat-ai/pipecat `services/elevenlabs/stt.py`. Not confirmed: that the times of words count from the start of the connection (if
 * they counted from the start of a segment, more would be sent again than needed), and how fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function elevenlabsScribe(options: ElevenlabsScribeOptions = {}): Service {
  checkOptions('elevenlabsScribe', options, NAMES);
  const { model = 'scribe_v2_realtime', language, format = 's16', commit = 'vad' } = options;
  checkTexts({ model, language });
  oneOf('commit', commit, COMMITS);
  const input = checkElevenlabsStream(format, options.sampleRate);
  return {
    ...serviceBase(options, {
      chunkDurationMs: 100,
      overlapMs: 15_000,
      keepAliveMs: KEEP_ALIVE_MS,
      answersEnd: true,
    }),
    id: 'elevenlabs-scribe',
    input,
    output: null,
    encoding: 'base64',
    address: (url, token) =>
      serviceAddress(url, {
        query: {
          model_id: model,
          language_code: language,
          audio_format: elevenlabsName(input),
          commit_strategy: commit,
          include_timestamps: true,
          token,
        },
      }),
    connect: () => connect(input),
  };
}

function connect(input: StreamFormat): ServiceConnection {
  const sent = new SentAudio();
  /** Positions of the commits that are not answered yet, in frames of the connection. */
  const commits: number[] = [];
  let ready = false;
  let ending = false;
  /** The segment that was reported last: it may come again, with times. */
  let told: string | undefined;

  const chunk = (base64: string, commit: boolean): string =>
    `{"message_type":"input_audio_chunk","audio_base_64":"${base64}","commit":${commit},` +
    `"sample_rate":${input.sampleRate}}`;

  return messageConnection({
    requests: {
      audio: ({ audio }) => {
        sent.add(audio);
        return [chunk(audio.base64, false)];
      },
      commit: () => {
        if (commits.length < MAX_COMMITS) commits.push(sent.length);
        return [chunk('', true)];
      },
      'keep-alive': () => {
        const frames = Math.round((input.sampleRate * SILENCE_MS) / 1000);
        sent.pad(frames);
        return [chunk(encodeBase64(silence(input, frames)!), false)];
      },
      end: () => {
        ending = true;
        return [chunk('', true)];
      },
    },
    json: (fields) => {
      const type = need(textOf(fields, 'message_type'), 'message_type');
      switch (type) {
        case 'session_started':
          if (ready) return [];
          ready = true;
          return [{ type: 'ready' }];
        case 'partial_transcript':
        case 'final_transcript':
          return transcript(fields, false);
        case 'committed_transcript': {
          const at = commits.shift();
          const settled = at === undefined ? [] : sent.settled(at);
          told = textOf(fields, 'text');
          return [...transcript(fields, true), ...settled, ...endEvents()];
        }
        case 'committed_transcript_with_timestamps': {
          const again = told !== undefined && textOf(fields, 'text') === told;
          told = undefined;
          const texts = again ? [] : transcript(fields, true);
          return [...texts, ...sent.settled(endOf(fields) * input.sampleRate)];
        }
      }
      return ERRORS.has(type) ? errorEvents(type, fields) : [];
    },
  });

  /** Ends the session after the last segment. */
  function endEvents(): readonly ServiceEvent[] {
    return ending && commits.length === 0 ? [{ type: 'ended' }] : [];
  }
}

/** Maximum number of commits that wait for an answer. */
const MAX_COMMITS = 64;

function transcript(fields: JsonFields, final: boolean): readonly ServiceEvent[] {
  const text = textOf(fields, 'text') ?? '';
  return text === '' ? [] : [{ type: 'transcript', who: 'user', text, final }];
}

/** Returns when the last word ends, in seconds. */
function endOf(fields: JsonFields): number {
  let end = 0;
  for (const word of objectsOf(fields, 'words')) end = Math.max(end, numberOf(word, 'end') ?? 0);
  return end;
}

/** Errors, and what happens to the session: `'stop'` errors would recur, and after `'retry'` errors a new connection helps. */
const ERRORS: ReadonlyMap<string, 'stop' | 'retry' | 'continue'> = new Map([
  ['error', 'continue'],
  ['auth_error', 'stop'],
  ['quota_exceeded', 'stop'],
  ['unaccepted_terms', 'stop'],
  ['invalid_request', 'stop'],
  ['session_time_limit_exceeded', 'retry'],
  ['transcriber_error', 'continue'],
  ['commit_throttled', 'continue'],
  ['rate_limited', 'continue'],
  ['input_error', 'continue'],
  ['queue_overflow', 'continue'],
  ['resource_exhausted', 'continue'],
  ['chunk_size_exceeded', 'continue'],
  ['insufficient_audio_activity', 'continue'],
]);

function errorEvents(code: string, fields: JsonFields): readonly ServiceEvent[] {
  const message = textOf(fields, 'error') ?? '';
  const outcome = ERRORS.get(code);
  const fatal = outcome !== 'continue';
  return [{ type: 'error', code, message, fatal, retry: outcome !== 'stop' }];
}
