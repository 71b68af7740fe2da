import { checkOptions, checkText } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { numberOf, objectOf, textOf } from './shared/json-fields.ts';
import { jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { SentAudio } from './shared/sent-audio.ts';
import { SentMessages } from './shared/sent-messages.ts';
import {
  SERVICE_OPTION_NAMES,
  afterClose,
  checkSettings,
  merged,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';

/** Options of {@link speechmatics}. */
export interface SpeechmaticsOptions extends ServiceOptions {
  /** @default 'en' */
  readonly language?: string;
  /** @default 's16' */
  readonly format?: keyof typeof ENCODINGS;
  /** Sample rate in Hz, from 8000 to 48000. @default 8000 for 'mulaw', otherwise 16000 */
  readonly sampleRate?: number;
  /** Merged into the message `StartRecognition`, such as `{ transcription_config: { max_delay: 1 } }`. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  language: 1,
  format: 1,
  sampleRate: 1,
  configure: 1,
} satisfies OptionNames<SpeechmaticsOptions>;

const ENCODINGS = { s16: 'pcm_s16le', f32: 'pcm_f32le', mulaw: 'mulaw' } as const;

/** Errors that would recur. */
const REFUSALS: readonly (string | undefined)[] = [
  'invalid_message',
  'invalid_model',
  'invalid_language',
  'invalid_config',
  'invalid_audio_type',
  'invalid_output_format',
  'not_authorised',
  'not_allowed',
  'protocol_error',
  'timelimit_exceeded',
];

/**
 * Speechmatics' real-time transcription: `wss://eu2.rt.speechmatics.com/v2`. The token is a temporary key (JWT), which a browser sends
 * in the query. `session.commit()` is `ForceEndOfUtterance`.
 *
 * It acknowledges each binary message by its number, which counts from 1 on each connection. A new connection is nevertheless a new
 * recognition: a session replays from the end of the last final transcript, so no word is lost or doubled. Times count from the start
 * of the connection.
 *
 * Message shapes: npm @speechmatics/real-time-client 8.5.1. Close code 1008 means an hour without audio, or 48 hours: Speechmatics'
 * page on limits. Not confirmed: how fast audio may be replayed, and that silence has final transcripts too.
 * @throws TypeError or RangeError for an invalid option
 */
export function speechmatics(options: SpeechmaticsOptions = {}): Service {
  checkOptions('speechmatics', options, NAMES);
  const { language = 'en', format = 's16' } = options;
  checkText('language', language);
  const input = monoStream(ENCODINGS, format, options.sampleRate);
  const start = jsonText(
    'configure',
    merged(
      {
        message: 'StartRecognition',
        audio_format: {
          type: 'raw',
          encoding: ENCODINGS[format],
          sample_rate: input.sampleRate,
        },
        transcription_config: { language, enable_partials: true },
      },
      checkSettings('configure', options.configure),
    ),
  );
  return {
    ...serviceBase(options, {
      chunkDurationMs: 100,
      acknowledges: true,
      overlapMs: 10_000,
      answersEnd: true,
      address: (url, token) => serviceAddress(url, { query: { jwt: token } }),
      afterClose: (code) => afterClose(code, { 1008: 'retry' }),
    }),
    id: 'speechmatics',
    input,
    output: null,
    encoding: 'binary',
    connect: () => connection(start, input.sampleRate),
  };
}

function connection(start: string, sampleRate: number): ServiceConnection {
  const sent = new SentAudio();
  const messages = new SentMessages();
  let ended = false;
  return messageConnection({
    requests: {
      open: () => [start],
      audio: ({ audio }) => {
        sent.add(audio);
        messages.add(sent.length);
        return [audio.bytes];
      },
      commit: () => ['{"message":"ForceEndOfUtterance"}'],
      end: () => {
        ended = true;
        return [`{"message":"EndOfStream","last_seq_no":${messages.count}}`];
      },
    },
    json: (fields) => {
      switch (textOf(fields, 'message')) {
        case 'RecognitionStarted':
          return [{ type: 'ready' }];
        case 'AudioAdded': {
          const end = messages.acknowledge(numberOf(fields, 'seq_no') ?? 0);
          const frame = end === undefined ? undefined : sent.frameAt(end);
          return frame === undefined ? [] : [{ type: 'acknowledged', frame }];
        }
        case 'AddPartialTranscript':
          return words(objectOf(fields, 'metadata'), false);
        case 'AddTranscript': {
          const metadata = objectOf(fields, 'metadata');
          const end = metadata && numberOf(metadata, 'end_time');
          return [
            ...words(metadata, true),
            ...(end === undefined ? [] : sent.settled(end * sampleRate)),
          ];
        }
        case 'EndOfTranscript':
          return ended ? [{ type: 'ended' }] : [];
        case 'Error':
        case 'Warning': {
          const code = textOf(fields, 'type') ?? 'Error';
          const fatal = fields['message'] === 'Error';
          return [
            {
              type: 'error',
              code,
              message: textOf(fields, 'reason') ?? '',
              fatal,
              retry: !fatal || !REFUSALS.includes(code),
            },
          ];
        }
        default:
          return [];
      }
    },
  });
}

function words(metadata: ReturnType<typeof objectOf>, final: boolean): readonly ServiceEvent[] {
  const text = metadata && textOf(metadata, 'transcript');
  return text ? [{ type: 'transcript', who: 'user', text, final }] : [];
}
