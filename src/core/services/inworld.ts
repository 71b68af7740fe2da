import { oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service } from './service.ts';
import {
  OPENAI_FORMATS,
  OPENAI_OPTION_NAMES,
  checkOpenaiRate,
  openaiConnection,
  openaiFormat,
} from './shared/openai-shape.ts';
import type { OpenaiShapeOptions } from './shared/openai-shape.ts';
import {
  afterClose,
  checkSettings,
  checkTexts,
  merged,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';

export type { OpenaiShapeOptions } from './shared/openai-shape.ts';

/** Options of {@link inworld}. */
export interface InworldOptions extends OpenaiShapeOptions {
  /** Language model, such as `'openai/gpt-4.1-nano'`. @default the service's own */
  readonly model?: string;
  /**
   * Sample rate in both directions, in Hz: 8000, 16000, 24000, 32000, 44100 or 48000 for `'s16'`, 8000 for G.711.
   * @default 24000; 8000 for G.711
   */
  readonly sampleRate?: number;
}

const NAMES = {
  ...OPENAI_OPTION_NAMES,
  model: 1,
  sampleRate: 1,
} satisfies OptionNames<InworldOptions>;

const RATES = [8000, 16_000, 24_000, 32_000, 44_100, 48_000];

/**
 * Inworld's Realtime API over WebSocket: `wss://api.inworld.ai/api/v1/realtime/session?key=…`, where `key` is a name that the app
 * chooses for the session. It does not acknowledge audio, and has no message for how much of a reply was heard: an interruption only
 * cancels the response.
 *
 * Message shapes: pipecat-ai/pipecat `services/inworld/realtime/events.py` and `llm.py`. Not confirmed: how a browser passes its token,
 * sent in the query as `token` here (servers use a header); close codes; whether `conversation.item.truncate` is supported.
 * @throws TypeError or RangeError for an invalid option
 */
export function inworld(options: InworldOptions = {}): Service {
  checkOptions('inworld', options, NAMES);
  const { model, instructions, voice, format = 's16' } = options;
  checkTexts({ model, instructions, voice });
  oneOf('format', format, OPENAI_FORMATS);
  const sampleRate = checkOpenaiRate(format, options.sampleRate, RATES);
  const stream = { format, sampleRate, channels: 1 };
  const session = merged(
    {
      type: 'realtime',
      model,
      instructions,
      audio: {
        input: { format: openaiFormat(format, sampleRate) },
        output: { format: openaiFormat(format, sampleRate), voice },
      },
    },
    checkSettings('configure', options.configure),
  );
  return {
    ...serviceBase(options, { chunkDurationMs: 60 }),
    id: 'inworld',
    input: stream,
    output: stream,
    encoding: 'base64',
    address: (url, token) => serviceAddress(url, { query: { protocol: 'realtime', token } }),
    connect: () => openaiConnection({ session, truncates: false, cancels: true }),
    afterClose: (code) => afterClose(code, { 1000: 'retry' }),
  };
}
