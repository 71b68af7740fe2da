import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, ServiceConnection } from './service.ts';
import { flagOf, numberOf, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { ReplyNames } from './shared/replies.ts';
import { ReplyBytes } from './shared/reply-bytes.ts';
import { RunningText } from './shared/running-text.ts';
import { SERVICE_OPTION_NAMES, serviceAddress, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link ultravox}. */
export interface UltravoxOptions extends ServiceOptions {
  /** Sample rate of the user's audio in Hz: `inputSampleRate` of the call, from 8000 to 48000. @default 48000 */
  readonly sampleRate?: number;
  /** Sample rate of the replies in Hz: `outputSampleRate` of the call, from 8000 to 48000. @default `sampleRate` */
  readonly outputSampleRate?: number;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  sampleRate: 1,
  outputSampleRate: 1,
} satisfies OptionNames<UltravoxOptions>;

const ENCODINGS = { s16: 's16' } as const;

/**
 * Ultravox' `serverWebSocket` medium. Each call has its own address, which the app's server requests with its API key:
 *
 * ```js
 * // On the server
 * const response = await fetch('https://api.ultravox.ai/api/calls', {
 *   method: 'POST',
 *   headers: { 'content-type': 'application/json', 'X-API-Key': key },
 *   body: JSON.stringify({
 *     systemPrompt: 'You are a helpful assistant.',
 *     medium: { serverWebSocket: { inputSampleRate: 48000, clientBufferSizeMs: 30000 } },
 *   }),
 * });
 * const { joinUrl } = await response.json();
 * ```
 *
 * With a large `clientBufferSizeMs` replies arrive faster than real time, and `playback_clear_buffer` interrupts what is playing; how
 * much was heard cannot be reported. It does not acknowledge audio. A lost connection is a lost call, so the app's `url` function must
 * create a new call each time. Ultravox recommends WebSockets between servers, and WebRTC for browsers.
 *
 * Message shapes: pipecat `ultravox/llm.py`, livekit agents `ultravox/realtime/events.py`, and Ultravox' pages on WebSockets and data
 * messages. Not confirmed: close codes, and how fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function ultravox(options: UltravoxOptions = {}): Service {
  checkOptions('ultravox', options, NAMES);
  const { sampleRate = 48_000, outputSampleRate = sampleRate } = options;
  const output = monoStream(ENCODINGS, 's16', outputSampleRate);
  const names = new ReplyNames();
  return {
    ...serviceBase(options, {
      chunkDurationMs: 20,
      readyOnOpen: true,
      address: (url) => serviceAddress(url, {}),
    }),
    id: 'ultravox',
    input: monoStream(ENCODINGS, 's16', sampleRate),
    output,
    encoding: 'binary',
    connect: () => connection(output, names),
  };
}

function connection(output: StreamFormat, names: ReplyNames): ServiceConnection {
  const reply = new ReplyBytes(output, names);
  const texts = new RunningText();
  return messageConnection({
    requests: { audio: ({ audio }) => [audio.bytes] },
    bytes: (bytes) => reply.add(bytes),
    json: (fields) => {
      switch (textOf(fields, 'type')) {
        case 'playback_clear_buffer':
          return [...reply.end(), { type: 'interrupted' }];
        case 'state':
          return textOf(fields, 'state') === 'speaking' ? [] : reply.end();
        case 'transcript': {
          const who = textOf(fields, 'role') === 'user' ? 'user' : 'agent';
          const final = flagOf(fields, 'final');
          const name = `${who}-${numberOf(fields, 'ordinal') ?? 0}`;
          // Either the whole text, or a piece to add.
          const soFar = texts.add(name, textOf(fields, 'delta') ?? '');
          if (final) texts.end(name);
          const text = textOf(fields, 'text') ?? soFar;
          return text ? [{ type: 'transcript', who, text, final }] : [];
        }
        default:
          return [];
      }
    },
  });
}
