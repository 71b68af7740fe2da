import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, ServiceConnection } from './service.ts';
import { textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { ReplyNames } from './shared/replies.ts';
import { ReplyBytes } from './shared/reply-bytes.ts';
import { SERVICE_OPTION_NAMES, serviceAddress, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';
import { SpeechState } from './shared/speech-state.ts';

/** Options of {@link vapi}. */
export interface VapiOptions extends ServiceOptions {
  /** Format in both directions: must be the format that the call was created with. @default 's16' */
  readonly format?: keyof typeof ENCODINGS;
  /** Sample rate in Hz that the call was created with. @default 8000 for 'mulaw', otherwise 16000 */
  readonly sampleRate?: number;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  format: 1,
  sampleRate: 1,
} satisfies OptionNames<VapiOptions>;

const ENCODINGS = { s16: 'pcm_s16le', mulaw: 'mulaw' } as const;

/**
 * Vapi's WebSocket transport. Each call has its own address, which the app's server requests with its API key:
 *
 * ```js
 * // On the server
 * const response = await fetch('https://api.vapi.ai/call', {
 *   method: 'POST',
 *   headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
 *   body: JSON.stringify({
 *     assistantId,
 *     transport: {
 *       provider: 'vapi.websocket',
 *       audioFormat: { format: 'pcm_s16le', container: 'raw', sampleRate: 16000 },
 *     },
 *   }),
 * });
 * const { transport } = await response.json();
 * return transport.websocketCallUrl;
 * ```
 *
 * It does not acknowledge audio. A lost connection is a lost call, so the app's `url` function must create a new call each time. If the
 * assistant's `clientMessages` include `user-interrupted`, `speech-update` and `transcript`, these interrupt what is playing, end
 * replies and become transcripts; without them all audio is one reply, which only `session.interrupt()` interrupts.
 *
 * Message shapes: Vapi's page on the transport; npm @vapi-ai/server-sdk 2.0.1, `ClientMessage*`. Not confirmed: that `clientMessages`
 * arrive over this transport, the message `hangup`, close codes, and how fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function vapi(options: VapiOptions = {}): Service {
  checkOptions('vapi', options, NAMES);
  const { format = 's16' } = options;
  const stream = monoStream(ENCODINGS, format, options.sampleRate);
  const names = new ReplyNames();
  return {
    ...serviceBase(options, {
      chunkDurationMs: 20,
      readyOnOpen: true,
      address: (url) => serviceAddress(url, {}),
    }),
    id: 'vapi',
    input: stream,
    output: stream,
    encoding: 'binary',
    connect: () => connection(stream, names),
  };
}

function connection(stream: StreamFormat, names: ReplyNames): ServiceConnection {
  const reply = new ReplyBytes(stream, names);
  const speech = new SpeechState();
  return messageConnection({
    requests: {
      audio: ({ audio }) => [audio.bytes],
      end: () => ['{"type":"hangup"}'],
    },
    bytes: (bytes) => reply.add(bytes),
    json: (fields) => {
      const isUser = textOf(fields, 'role') === 'user';
      switch (textOf(fields, 'type')) {
        case 'user-interrupted':
          return [...reply.end(), { type: 'interrupted' }];
        case 'speech-update':
          if (isUser) return speech.set(textOf(fields, 'status') === 'started');
          return textOf(fields, 'status') === 'stopped' ? reply.end() : [];
        case 'transcript':
        case 'transcript[transcriptType="final"]': {
          const text = textOf(fields, 'transcript');
          const final = textOf(fields, 'transcriptType') !== 'partial';
          if (!text) return [];
          return [{ type: 'transcript', who: isUser ? 'user' : 'agent', text, final }];
        }
        default:
          return [];
      }
    },
  });
}
