import { oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, ServiceConnection } from './service.ts';
import { DEEPGRAM_ENCODINGS, DEEPGRAM_TOKEN_TYPES, deepgramAddress } from './shared/deepgram.ts';
import type { DeepgramFormat, DeepgramTokenType } from './shared/deepgram.ts';
import { need, textOf } from './shared/json-fields.ts';
import { jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { ReplyNames } from './shared/replies.ts';
import { ReplyBytes } from './shared/reply-bytes.ts';
import { SERVICE_OPTION_NAMES, checkSettings, merged, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';
import { SpeechState } from './shared/speech-state.ts';

export type { DeepgramFormat, DeepgramTokenType } from './shared/deepgram.ts';

/** Options of {@link deepgramAgent}. */
export interface DeepgramAgentOptions extends ServiceOptions {
  /** `agent` of the message `Settings`: the models that listen, think and speak. @default the service's own */
  readonly agent?: ServiceSettings;
  /** @default 's16' */
  readonly format?: DeepgramFormat;
  /** Sample rate in Hz, from 8000 to 48000. @default 24000 for 's16', 8000 for G.711, 48000 for Opus */
  readonly sampleRate?: number;
  /** Format of the replies. @default 's16' */
  readonly outputFormat?: DeepgramOutputFormat;
  /** Sample rate in Hz, from 8000 to 48000. @default 24000 for 's16', 8000 for G.711 */
  readonly outputSampleRate?: number;
  /** Type of the token. @default 'bearer' */
  readonly tokenType?: DeepgramTokenType;
  /** Merged into the message `Settings`. */
  readonly configure?: ServiceSettings;
}

/** Format of Deepgram's replies. It has others, which a playout cannot play. */
export type DeepgramOutputFormat = 's16' | 'mulaw' | 'alaw';

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  agent: 1,
  format: 1,
  sampleRate: 1,
  outputFormat: 1,
  outputSampleRate: 1,
  tokenType: 1,
  configure: 1,
} satisfies OptionNames<DeepgramAgentOptions>;

const OUTPUT_ENCODINGS = { s16: 'linear16', mulaw: 'mulaw', alaw: 'alaw' } as const;

/**
 * Deepgram's Voice Agent: `wss://agent.deepgram.com/v1/agent/converse`. The token is a temporary token, or an API key with
 * `tokenType: 'token'`; a browser sends it as a subprotocol. `session.commit()` is `ForceEndTurn`.
 *
 * It does not acknowledge audio, and a new connection is a new conversation: it does not know what was said before, unless the app puts
 * it into `agent.context.messages`. `UserStartedSpeaking` interrupts what is playing; how much was heard cannot be reported. While
 * muted, the session sends silence, so that the agent hears where the user's turn ends; without any audio it sends `KeepAlive`, always
 * as text.
 *
 * Message shapes: npm @deepgram/sdk 5.13.0, `agent/resources/v1`; `KeepAlive` every 8 s: Deepgram's page on it. Not confirmed: how fast
 * audio may be replayed, and which errors would recur. Errors before `SettingsApplied` are assumed to.
 * @throws TypeError or RangeError for an invalid option
 */
export function deepgramAgent(options: DeepgramAgentOptions = {}): Service {
  checkOptions('deepgramAgent', options, NAMES);
  const { format = 's16', outputFormat = 's16', tokenType = 'bearer' } = options;
  oneOf('tokenType', tokenType, DEEPGRAM_TOKEN_TYPES);
  const input = monoStream(DEEPGRAM_ENCODINGS, format, options.sampleRate ?? usualRate(format));
  const output = monoStream(
    OUTPUT_ENCODINGS,
    outputFormat,
    options.outputSampleRate ?? usualRate(outputFormat),
  );
  const settings = jsonText(
    'configure',
    merged(
      {
        type: 'Settings',
        audio: {
          input: { encoding: DEEPGRAM_ENCODINGS[format], sample_rate: input.sampleRate },
          output: {
            encoding: OUTPUT_ENCODINGS[outputFormat],
            sample_rate: output.sampleRate,
            container: 'none',
          },
        },
        agent: checkSettings('agent', options.agent),
      },
      checkSettings('configure', options.configure),
    ),
  );
  const names = new ReplyNames();
  return {
    ...serviceBase(options, {
      chunkDurationMs: 40,
      keepAliveMs: 8000,
      address: (url, token) => deepgramAddress(url, token, tokenType),
    }),
    id: 'deepgram-agent',
    input,
    output,
    encoding: 'binary',
    connect: () => connection(settings, output, names),
  };
}

function usualRate(format: DeepgramFormat): number | undefined {
  return format === 's16' ? 24_000 : undefined;
}

/** Errors that may not recur on a new connection, whenever they occur. */
const PASSING = ['INTERNAL_SERVER_ERROR', 'CLIENT_MESSAGE_TIMEOUT'];

function connection(settings: string, output: StreamFormat, names: ReplyNames): ServiceConnection {
  const reply = new ReplyBytes(output, names);
  const speech = new SpeechState();
  let applied = false;
  return messageConnection({
    requests: {
      open: () => [settings],
      audio: ({ audio }) => [audio.bytes],
      commit: () => ['{"type":"ForceEndTurn"}'],
      'keep-alive': () => ['{"type":"KeepAlive"}'],
    },
    bytes: (bytes) => reply.add(bytes),
    json: (fields) => {
      switch (textOf(fields, 'type')) {
        case 'SettingsApplied':
          applied = true;
          return [{ type: 'ready' }];
        case 'UserStartedSpeaking':
          return [...reply.end(), { type: 'interrupted' }, ...speech.set(true)];
        case 'AgentThinking':
        case 'AgentStartedSpeaking':
          return speech.set(false);
        case 'AgentAudioDone':
          return reply.end();
        case 'ConversationText': {
          const who = textOf(fields, 'role') === 'user' ? 'user' : 'agent';
          const text = need(textOf(fields, 'content'), 'content');
          return [{ type: 'transcript', who, text, final: true }];
        }
        case 'Error': {
          const code = textOf(fields, 'code') ?? 'Error';
          const message = textOf(fields, 'description') ?? '';
          const retry = applied || PASSING.includes(code);
          return [{ type: 'error', code, message, fatal: true, retry }];
        }
        case 'Warning':
          return [
            {
              type: 'error',
              code: textOf(fields, 'code') ?? 'Warning',
              message: textOf(fields, 'description') ?? '',
              fatal: false,
              retry: true,
            },
          ];
        default:
          return [];
      }
    },
  });
}
