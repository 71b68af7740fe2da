import { describe, oneOf } from '../arguments.ts';
import type { SampleFormat } from '../format/formats.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection } from './service.ts';
import { base64Of, nameOf, need, objectOf, textOf } from './shared/json-fields.ts';
import { jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import { ReplyNames, UnnamedReplies } from './shared/replies.ts';
import {
  SERVICE_OPTION_NAMES,
  checkSettings,
  merged,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';

/** Options of {@link cartesiaAgents}. */
export interface CartesiaAgentsOptions extends ServiceOptions {
  /** Format in both directions. @default 's16' */
  readonly format?: 's16' | 'mulaw';
  /** Sample rate in both directions, in Hz: 16000, 24000 or 44100 for `'s16'`, 8000 for `'mulaw'`. @default 24000; 8000 for `'mulaw'` */
  readonly sampleRate?: number;
  /** Merged into the message `start`: `metadata`, `agent`, `config.voice_id` and the like. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  format: 1,
  sampleRate: 1,
  configure: 1,
} satisfies OptionNames<CartesiaAgentsOptions>;

const FORMATS = ['s16', 'mulaw'] as const satisfies readonly SampleFormat[];
const PCM_RATES: readonly number[] = [16_000, 24_000, 44_100];

/**
 * Cartesia's hosted agents (Line) over WebSocket: `wss://api.cartesia.ai/agents/stream/<agent>`. The token is an access token, sent in
 * the query as `access_token`. It does not acknowledge audio, and a new connection is a new call. After 180 s without a message it
 * hangs up; a browser cannot send pings, so an empty `custom` event keeps the connection alive. An interruption by the app is not
 * reported: there is no message for it.
 *
 * Message shapes: docs.cartesia.ai, "Agents (WebSocket)" and "Calls API". Not confirmed: that replies have the format of the input,
 * close codes, and how fast audio may be replayed. A newer `/v1/agents/websocket/<agent>` has other messages.
 * @throws TypeError or RangeError for an invalid option
 */
export function cartesiaAgents(options: CartesiaAgentsOptions = {}): Service {
  checkOptions('cartesiaAgents', options, NAMES);
  const { format = 's16' } = options;
  oneOf('format', format, FORMATS);
  const rates = format === 's16' ? PCM_RATES : [8000];
  const sampleRate = options.sampleRate ?? (format === 's16' ? 24_000 : 8000);
  if (!rates.includes(sampleRate)) {
    throw new RangeError(
      `sampleRate of '${format}' must be one of ${rates.join(', ')}, got ${describe(sampleRate)}.`,
    );
  }
  const stream = { format, sampleRate, channels: 1 };
  const name = `${format === 's16' ? 'pcm' : 'mulaw'}_${sampleRate}`;
  const start = jsonText(
    'configure',
    merged(
      { event: 'start', config: { input_format: name } },
      checkSettings('configure', options.configure),
    ),
  );
  const names = new ReplyNames();
  return {
    ...serviceBase(options, { chunkDurationMs: 40, keepAliveMs: 60_000 }),
    id: 'cartesia-agents',
    input: stream,
    output: stream,
    encoding: 'base64',
    address: (url, token) =>
      serviceAddress(url, { query: { cartesia_version: '2025-04-16', access_token: token } }),
    connect: () => connect(start, new UnnamedReplies(names)),
  };
}

function connect(start: string, replies: UnnamedReplies): ServiceConnection {
  /** `"stream_id":"…",` as JSON: the service may choose the id. */
  let stream = '';
  let ready = false;
  return messageConnection({
    requests: {
      open: () => [start],
      audio: ({ audio }) => [
        `{"event":"media_input",${stream}"media":{"payload":"${audio.base64}"}}`,
      ],
      'keep-alive': () => [`{"event":"custom",${stream}"metadata":{}}`],
    },
    json: (fields) => {
      switch (need(textOf(fields, 'event'), 'event')) {
        case 'ack':
          stream = `"stream_id":${JSON.stringify(need(nameOf(fields, 'stream_id'), 'stream_id'))},`;
          if (ready) return [];
          ready = true;
          return [{ type: 'ready' }];
        case 'media_output': {
          const media = need(objectOf(fields, 'media'), 'media');
          const bytes = need(base64Of(media, 'payload'), 'payload');
          return [{ type: 'audio', item: replies.item, bytes }];
        }
        case 'clear':
          return [{ type: 'interrupted' }, ...replies.end()];
      }
      return [];
    },
  });
}
