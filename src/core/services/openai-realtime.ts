import { oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service } from './service.ts';
import {
  OPENAI_FORMATS,
  OPENAI_OPTION_NAMES,
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

/** Options of {@link openaiRealtime}. */
export interface OpenaiRealtimeOptions extends OpenaiShapeOptions {
  /** Added to the address, unless it already has a `model`. @default 'gpt-realtime' */
  readonly model?: string;
  /** Format in both directions: 16-bit PCM at 24 kHz, or G.711 at 8 kHz. @default 's16' */
  readonly format?: 's16' | 'mulaw' | 'alaw';
}

const NAMES = { ...OPENAI_OPTION_NAMES, model: 1 } satisfies OptionNames<OpenaiRealtimeOptions>;

/**
 * OpenAI's Realtime API (GA) over WebSocket: `wss://api.openai.com/v1/realtime`. The token is an ephemeral key, which a browser sends
 * as a subprotocol; servers may pass an API key.
 *
 * It does not acknowledge audio, and a new connection is a new conversation: it does not know what was said before, unless the app
 * sends it again as `conversation.item.create`. An interruption is reported with the exact number of ms heard, so that the conversation
 * only contains what the user has heard. With `turn_detection: null` in `configure`, `session.commit()` also asks for a response.
 *
 * Message shapes: npm openai 6.49.0, `resources/realtime/realtime.d.ts` and `realtime/websocket.js`. Not confirmed: close codes, and
 * how fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function openaiRealtime(options: OpenaiRealtimeOptions = {}): Service {
  checkOptions('openaiRealtime', options, NAMES);
  const { model = 'gpt-realtime', instructions, voice, format = 's16' } = options;
  checkTexts({ model, instructions, voice });
  oneOf('format', format, OPENAI_FORMATS);
  const sampleRate = format === 's16' ? 24_000 : 8000;
  const stream = { format, sampleRate, channels: 1 };
  const session = merged(
    {
      type: 'realtime',
      instructions,
      audio: {
        input: { format: openaiFormat(format, sampleRate) },
        output: { format: openaiFormat(format, sampleRate), voice },
      },
    },
    checkSettings('configure', options.configure),
  );
  return {
    ...serviceBase(options, { chunkDurationMs: 40, replaySpeed: 4 }),
    id: 'openai-realtime',
    input: stream,
    output: stream,
    encoding: 'base64',
    address: (url, token) =>
      serviceAddress(url, {
        query: { model },
        protocols: [
          'realtime',
          ...(token === undefined ? [] : [`openai-insecure-api-key.${token}`]),
        ],
      }),
    connect: () => openaiConnection({ session, truncates: true, cancels: true }),
    // The service only ends connections that have lasted too long.
    afterClose: (code) => afterClose(code, { 1000: 'retry' }),
  };
}
