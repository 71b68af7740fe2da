import { integerIn } from '../arguments.ts';
import { PacketError } from '../errors.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { JsonFields } from '../framing/json-object.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import {
  base64Of,
  flagOf,
  nameOf,
  need,
  numberOf,
  objectOf,
  textOf,
} from './shared/json-fields.ts';
import { jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import {
  SERVICE_OPTION_NAMES,
  checkSettings,
  checkTexts,
  merged,
  mono16,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';
import { readWav } from './shared/wav-audio.ts';

/** Options of {@link humeEvi}. */
export interface HumeEviOptions extends ServiceOptions {
  /** Configuration of the voice, added to the address as `config_id`. @default the service's own */
  readonly configId?: string;
  /** Sample rate of the user's audio in Hz, from 8000 to 48000. @default 48000 */
  readonly sampleRate?: number;
  /** Merged into the message `session_settings`. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  configId: 1,
  sampleRate: 1,
  configure: 1,
} satisfies OptionNames<HumeEviOptions>;

/** Format of the replies; each piece of audio repeats it. */
const OUTPUT: StreamFormat = mono16(48_000);

/** Maximum number of pieces of a reply that wait for an earlier one. */
const MAX_WAITING = 32;

/**
 * Hume's empathic voice interface (EVI) over WebSocket: `wss://api.hume.ai/v0/evi/chat`. The token is an access token, sent in the
 * query as `access_token`. It does not acknowledge audio, but a new connection continues the chat: its address has the
 * `resumed_chat_group_id`, unless the app's address already does. Pieces of a reply that arrive out of order are put in order. An
 * interruption by the app is not reported: there is no message for it.
 *
 * Message shapes: npm hume 0.16.0, whose serializers have the names on the wire; dev.hume.ai, "Resuming Chats" and "Audio". Not
 * confirmed: which errors are final, close codes, and how fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function humeEvi(options: HumeEviOptions = {}): Service {
  checkOptions('humeEvi', options, NAMES);
  const { configId, sampleRate = 48_000 } = options;
  checkTexts({ configId });
  integerIn('sampleRate', sampleRate, 8000, 48_000);
  const settings = jsonText(
    'configure',
    merged(
      {
        type: 'session_settings',
        audio: { encoding: 'linear16', sample_rate: sampleRate, channels: 1 },
      },
      checkSettings('configure', options.configure),
    ),
  );
  /** Chat group of the last connection: the next one continues it. */
  let chatGroup: string | undefined;
  return {
    ...serviceBase(options),
    id: 'hume-evi',
    input: mono16(sampleRate),
    output: OUTPUT,
    encoding: 'base64',
    address: (url, token) =>
      serviceAddress(url, {
        query: { config_id: configId, resumed_chat_group_id: chatGroup, access_token: token },
      }),
    connect: () =>
      connect(settings, (group) => {
        chatGroup = group;
      }),
  };
}

function connect(settings: string, resume: (group: string) => void): ServiceConnection {
  let ready = false;
  let order: PieceOrder | undefined;

  function end(): readonly ServiceEvent[] {
    const events = order?.end() ?? [];
    order = undefined;
    return events;
  }

  return messageConnection({
    requests: {
      open: () => [settings],
      audio: ({ audio }) => [`{"type":"audio_input","data":"${audio.base64}"}`],
    },
    json: (fields) => {
      switch (need(textOf(fields, 'type'), 'type')) {
        case 'chat_metadata': {
          const group = need(nameOf(fields, 'chat_group_id'), 'chat_group_id');
          resume(group);
          const handle: ServiceEvent = { type: 'handle', handle: group };
          if (ready) return [handle];
          ready = true;
          return [handle, { type: 'ready' }];
        }
        case 'audio_output': {
          const item = need(nameOf(fields, 'id'), 'id');
          const index = need(numberOf(fields, 'index'), 'index');
          const { stream, bytes } = readWav(need(base64Of(fields, 'data'), 'data'));
          const before = order?.item === item ? [] : end();
          order ??= new PieceOrder(item);
          return [...before, ...order.add(index, bytes, stream)];
        }
        case 'assistant_end':
          return end();
        case 'user_interruption':
          // The rest of the reply has its name, and remains silent.
          return [{ type: 'interrupted' }];
        case 'user_message':
          return transcripts(fields, 'user', !flagOf(fields, 'interim'));
        case 'assistant_message':
          return transcripts(fields, 'agent', true);
        case 'error': {
          const code = textOf(fields, 'slug') ?? textOf(fields, 'code') ?? 'error';
          const message = textOf(fields, 'message') ?? '';
          return [{ type: 'error', code, message, fatal: false, retry: true }];
        }
      }
      return [];
    },
  });
}

function transcripts(
  fields: JsonFields,
  who: 'user' | 'agent',
  final: boolean,
): readonly ServiceEvent[] {
  const text = textOf(objectOf(fields, 'message') ?? {}, 'content');
  if (text === undefined) return [];
  const id = who === 'agent' ? textOf(fields, 'id') : undefined;
  return [{ type: 'transcript', who, text, final, ...(id === undefined ? {} : { item: id }) }];
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly stream: StreamFormat;
}

/** Puts the pieces of a reply in order. */
class PieceOrder {
  readonly item: string;
  readonly #waiting = new Map<number, Piece>();
  #next = 0;

  constructor(item: string) {
    this.item = item;
  }

  /** @returns the audio that can be played now; no events while an earlier piece is missing */
  add(index: number, bytes: Uint8Array, stream: StreamFormat): readonly ServiceEvent[] {
    if (!Number.isSafeInteger(index) || index < 0) {
      throw new PacketError('bad-field', 'index must be an integer.');
    }
    // Its turn is over: it has already arrived, or was given up.
    if (index < this.#next) return [];
    this.#waiting.set(index, { bytes, stream });
    if (this.#waiting.size > MAX_WAITING) this.#next = Math.min(...this.#waiting.keys());
    const events: ServiceEvent[] = [];
    for (; this.#waiting.has(this.#next); this.#next++) {
      events.push(this.#play(this.#next));
    }
    return events;
  }

  /** Ends the reply. @returns the waiting pieces, without the missing ones */
  end(): readonly ServiceEvent[] {
    const indices = [...this.#waiting.keys()].sort((a, b) => a - b);
    return [...indices.map((index) => this.#play(index)), { type: 'item-end', item: this.item }];
  }

  #play(index: number): ServiceEvent {
    const { bytes, stream } = this.#waiting.get(index)!;
    this.#waiting.delete(index);
    const { format, sampleRate, channels } = stream;
    const usual =
      format === OUTPUT.format && sampleRate === OUTPUT.sampleRate && channels === OUTPUT.channels;
    return { type: 'audio', item: this.item, bytes, ...(usual ? {} : { stream }) };
  }
}
