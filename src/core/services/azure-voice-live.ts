import { oneOf } from '../arguments.ts';
import type { SampleFormat } from '../format/formats.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { JsonFields } from '../framing/json-object.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceEvent } from './service.ts';
import { need, numberOf, textOf } from './shared/json-fields.ts';
import {
  OPENAI_FORMATS,
  OPENAI_OPTION_NAMES,
  checkOpenaiRate,
  itemOf,
  openaiConnection,
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
import type { ServiceSettings } from './shared/service-base.ts';

export type { OpenaiShapeOptions } from './shared/openai-shape.ts';

/** Options of {@link azureVoiceLive}. */
export interface AzureVoiceLiveOptions extends Omit<OpenaiShapeOptions, 'voice'> {
  /** Added to the address, unless it already has a `model` or names an agent. */
  readonly model?: string;
  /** Voice of the replies: the name of an OpenAI voice, or an object that describes an Azure voice. @default the service's own */
  readonly voice?: string | ServiceSettings;
  /** Sample rate in both directions, in Hz: 8000, 16000 or 24000 for `'s16'`, 8000 for G.711. @default 24000; 8000 for G.711 */
  readonly sampleRate?: 8000 | 16_000 | 24_000;
  /**
   * Whether the session captures two channels, the microphone and what the loudspeaker plays, so that the service can cancel the echo.
   * Only with `'s16'`. @default false
   */
  readonly echoReference?: boolean;
  /** Whether the service reports when each word of a reply is spoken, as `'caption'` events. @default false */
  readonly captions?: boolean;
}

const NAMES = {
  ...OPENAI_OPTION_NAMES,
  model: 1,
  sampleRate: 1,
  echoReference: 1,
  captions: 1,
} satisfies OptionNames<AzureVoiceLiveOptions>;

const RATES = [8000, 16_000, 24_000];

/**
 * Azure AI Voice Live over WebSocket: `wss://<resource>.services.ai.azure.com/voice-live/realtime?api-version=…`. The token is an API
 * key, sent in the query as `api-key`; Microsoft Entra needs a header, so only servers can use it.
 *
 * It does not acknowledge audio, and a new connection is a new conversation, unless the address has a `conversation-id` of an agent. An
 * interruption is reported with the exact number of ms heard.
 *
 * Message shapes: npm @azure/ai-voicelive 1.1.0, whose serializers have the names on the wire. Not confirmed: that the times of words
 * count from the item's start, close codes, and how fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function azureVoiceLive(options: AzureVoiceLiveOptions = {}): Service {
  checkOptions('azureVoiceLive', options, NAMES);
  const { model, instructions, voice, format = 's16', echoReference, captions } = options;
  checkTexts({ model, instructions, ...(typeof voice === 'object' ? {} : { voice }) });
  oneOf('format', format, OPENAI_FORMATS);
  const sampleRate = checkOpenaiRate(format, options.sampleRate, RATES);
  if (echoReference === true && format !== 's16') {
    throw new TypeError(`echoReference needs the format 's16', got '${format}'.`);
  }
  const output: StreamFormat = { format, sampleRate, channels: 1 };
  const session = merged(
    {
      instructions,
      voice: typeof voice === 'object' ? checkSettings('voice', voice) : voice,
      input_audio_format: format === 's16' ? 'pcm16' : g711Name(format),
      input_audio_sampling_rate: sampleRate,
      output_audio_format: outputName(output),
      ...(echoReference === true ? { input_audio_echo_cancellation: ECHO_REFERENCE } : {}),
      ...(captions === true ? { output_audio_timestamp_types: ['word'] } : {}),
    },
    checkSettings('configure', options.configure),
  );
  return {
    ...serviceBase(options, { chunkDurationMs: 40 }),
    id: 'azure-voice-live',
    input: { ...output, channels: echoReference === true ? 2 : 1 },
    output,
    encoding: 'base64',
    address: (url, token) => serviceAddress(url, { query: { model, 'api-key': token } }),
    connect: () => openaiConnection({ session, truncates: true, cancels: true, more }),
    afterClose: (code) => afterClose(code, { 1000: 'retry' }),
  };
}

/** Channel 0 is the microphone, channel 1 the reference. */
const ECHO_REFERENCE = {
  type: 'server_echo_cancellation',
  reference_source: 'client',
  channels: 2,
};

function g711Name(format: SampleFormat): string {
  return format === 'mulaw' ? 'g711_ulaw' : 'g711_alaw';
}

function outputName({ format, sampleRate }: StreamFormat): string {
  if (format !== 's16') return g711Name(format as SampleFormat);
  return sampleRate === 24_000 ? 'pcm16' : `pcm16_${sampleRate}hz`;
}

function more(type: string, fields: JsonFields): readonly ServiceEvent[] {
  if (type !== 'response.audio_timestamp.delta') return [];
  const startMs = need(numberOf(fields, 'audio_offset_ms'), 'audio_offset_ms');
  const endMs = startMs + (numberOf(fields, 'audio_duration_ms') ?? 0);
  const text = need(textOf(fields, 'text'), 'text');
  return [{ type: 'caption', item: itemOf(fields), text, startMs, endMs }];
}
