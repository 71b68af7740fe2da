import { oneOf } from '../arguments.ts';
import type { JsonFields } from '../framing/json-object.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceEvent } from './service.ts';
import { nameOf, need, objectOf, textOf } from './shared/json-fields.ts';
import {
  OPENAI_FORMATS,
  OPENAI_OPTION_NAMES,
  checkOpenaiRate,
  itemOf,
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

/** Options of {@link xaiRealtime}. */
export interface XaiRealtimeOptions extends OpenaiShapeOptions {
  /** Added to the address, unless it already has a `model`. @default 'grok-voice-latest' */
  readonly model?: string;
  /**
   * Sample rate in both directions, in Hz: 8000, 16000, 22050, 24000, 32000, 44100 or 48000 for `'s16'`, 8000 for G.711.
   * @default 24000; 8000 for G.711
   */
  readonly sampleRate?: number;
}

const NAMES = {
  ...OPENAI_OPTION_NAMES,
  model: 1,
  sampleRate: 1,
} satisfies OptionNames<XaiRealtimeOptions>;

const RATES = [8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/**
 * xAI's speech to speech API (Grok Voice Agent) over WebSocket: `wss://api.x.ai/v1/realtime`. The token is an ephemeral token, sent as
 * a subprotocol. It does not acknowledge audio, but a new connection continues the conversation: sessions ask for `resumption`, and the
 * address of the next connection has the `conversation_id`. Audio is sent as Base64, not as binary frames, which the service also
 * supports.
 *
 * Message shapes: docs.x.ai, "Speech to Speech" and "Ephemeral Tokens"; pipecat-ai/pipecat `services/xai/realtime/events.py`. Not
 * confirmed: close codes, and what happens to an id that has expired after its 30 minutes.
 * @throws TypeError or RangeError for an invalid option
 */
export function xaiRealtime(options: XaiRealtimeOptions = {}): Service {
  checkOptions('xaiRealtime', options, NAMES);
  const { model = 'grok-voice-latest', instructions, voice, format = 's16' } = options;
  checkTexts({ model, instructions, voice });
  oneOf('format', format, OPENAI_FORMATS);
  const sampleRate = checkOpenaiRate(format, options.sampleRate, RATES);
  const stream = { format, sampleRate, channels: 1 };
  const session = merged(
    {
      instructions,
      voice,
      audio: {
        input: { format: openaiFormat(format, sampleRate) },
        output: { format: openaiFormat(format, sampleRate) },
      },
      resumption: { enabled: true },
    },
    checkSettings('configure', options.configure),
  );
  /** Conversation of the last connection: the next one continues it. */
  let conversation: string | undefined;

  function more(type: string, fields: JsonFields): readonly ServiceEvent[] {
    switch (type) {
      case 'conversation.created': {
        const created = need(objectOf(fields, 'conversation'), 'conversation');
        conversation = need(nameOf(created, 'id'), 'id');
        return [{ type: 'handle', handle: conversation }];
      }
      // The full text so far, which may correct earlier text.
      case 'conversation.item.input_audio_transcription.updated': {
        const text = need(textOf(fields, 'transcript'), 'transcript');
        return [{ type: 'transcript', who: 'user', text, final: false, item: itemOf(fields) }];
      }
    }
    return [];
  }

  return {
    ...serviceBase(options, { chunkDurationMs: 100 }),
    id: 'xai-realtime',
    input: stream,
    output: stream,
    encoding: 'base64',
    address: (url, token) =>
      serviceAddress(url, {
        query: { model, conversation_id: conversation },
        protocols: token === undefined ? [] : [`xai-client-secret.${token}`],
      }),
    connect: () => openaiConnection({ session, truncates: true, cancels: true, more }),
    afterClose: (code) => afterClose(code, { 1000: 'retry' }),
  };
}
