import { oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service } from './service.ts';
import { openaiConnection } from './shared/openai-shape.ts';
import {
  SERVICE_OPTION_NAMES,
  afterClose,
  checkSettings,
  checkTexts,
  merged,
  mono16,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';

/** Options of {@link speaches}. */
export interface SpeachesOptions extends ServiceOptions {
  /** Model of the conversation, or of the transcription. Added to the address, unless it already has a `model`. */
  readonly model?: string;
  /** Whether the service answers, or only transcribes. @default 'conversation' */
  readonly task?: 'conversation' | 'transcription';
  /** Language spoken, as an ISO 639-1 code. @default detected by the service */
  readonly language?: string;
  /** Transcription model. @default the server's own */
  readonly transcriptionModel?: string;
  /** Instructions that the model gets before the conversation. */
  readonly instructions?: string;
  /** Voice of the replies. @default the server's own */
  readonly voice?: string;
  /** Merged into `session` of the message `session.update`. It must not contain audio formats. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
  task: 1,
  language: 1,
  transcriptionModel: 1,
  instructions: 1,
  voice: 1,
  configure: 1,
} satisfies OptionNames<SpeachesOptions>;

const TASKS = ['conversation', 'transcription'] as const;

/**
 * The realtime endpoint of speaches (formerly faster-whisper-server), which you run yourself: `ws://host:8000/v1/realtime`. The token
 * is sent in the query as `api_key`. It uses the protocol of OpenAI's beta, only accepts 24 kHz, and supports neither `response.cancel`
 * nor `conversation.item.truncate`: an interruption silences the reply here, and is not reported. A connection lasts 30 minutes at
 * most.
 *
 * Message shapes: speaches-ai/speaches `src/speaches/types/realtime.py`, `routers/realtime_ws.py` and
 * `realtime/session_event_router.py`. Not confirmed: how fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function speaches(options: SpeachesOptions = {}): Service {
  checkOptions('speaches', options, NAMES);
  const { model, task = 'conversation', language, transcriptionModel } = options;
  const { instructions, voice } = options;
  checkTexts({ model, language, transcriptionModel, instructions, voice });
  oneOf('task', task, TASKS);
  const settings = merged(
    {
      ...(instructions === undefined ? {} : { instructions }),
      ...(voice === undefined ? {} : { voice }),
    },
    checkSettings('configure', options.configure),
  );
  // The service answers a format, and empty settings, with errors.
  const session = Object.keys(settings).length === 0 ? null : settings;
  return {
    ...serviceBase(options, { chunkDurationMs: 40 }),
    id: 'speaches',
    input: mono16(24_000),
    output: task === 'conversation' ? mono16(24_000) : null,
    encoding: 'base64',
    address: (url, token) =>
      serviceAddress(url, {
        query: {
          model,
          intent: task,
          language,
          transcription_model: transcriptionModel,
          api_key: token,
        },
      }),
    connect: () => openaiConnection({ session, truncates: false, cancels: false }),
    afterClose: (code) => afterClose(code, { 1000: 'retry' }),
  };
}
