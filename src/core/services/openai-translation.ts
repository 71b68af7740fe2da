import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { JsonFields } from '../framing/json-object.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { base64Of, need, textOf } from './shared/json-fields.ts';
import { jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import { CONFIGURE_EVENT_ID, errorOf } from './shared/openai-shape.ts';
import { ReplyNames, UnnamedReplies } from './shared/replies.ts';
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

/** Options of {@link openaiTranslation}. */
export interface OpenaiTranslationOptions extends ServiceOptions {
  /** Added to the address, unless it already has a `model`. @default 'gpt-realtime-translate' */
  readonly model?: string;
  /** Language to translate into, such as `'es'`. @default the session's own */
  readonly language?: string;
  /** Merged into `session` of the message `session.update`. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
  language: 1,
  configure: 1,
} satisfies OptionNames<OpenaiTranslationOptions>;

/**
 * A translation session of OpenAI's Realtime API over WebSocket: `wss://api.openai.com/v1/realtime/translations`. The token is an
 * ephemeral key, as for `openaiRealtime`. It interprets continuously, without turns: all of a connection's audio is one reply, and each
 * piece of a transcript is final.
 *
 * It does not acknowledge audio, works in frames of 200 ms, and ignores the duration of gaps, so the session sends silence while muted.
 *
 * Message shapes: npm openai 6.49.0, `resources/realtime/realtime.d.ts`, `RealtimeTranslation…`. Not confirmed: close codes, and how
 * fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function openaiTranslation(options: OpenaiTranslationOptions = {}): Service {
  checkOptions('openaiTranslation', options, NAMES);
  const { model = 'gpt-realtime-translate', language } = options;
  checkTexts({ model, language });
  const settings = merged(
    language === undefined ? {} : { audio: { output: { language } } },
    checkSettings('configure', options.configure),
  );
  const session = Object.keys(settings).length === 0 ? null : settings;
  const names = new ReplyNames();
  return {
    ...serviceBase(options, { chunkDurationMs: 200, answersEnd: true }),
    id: 'openai-translation',
    input: mono16(24_000),
    output: mono16(24_000),
    encoding: 'base64',
    address: (url, token) =>
      serviceAddress(url, {
        query: { model },
        protocols: [
          'realtime',
          ...(token === undefined ? [] : [`openai-insecure-api-key.${token}`]),
        ],
      }),
    connect: () => connect(session, new UnnamedReplies(names)),
    afterClose: (code) => afterClose(code, { 1000: 'retry' }),
  };
}

function connect(session: ServiceSettings | null, replies: UnnamedReplies): ServiceConnection {
  let ready = false;
  let ending = false;
  return messageConnection({
    requests: {
      open: () =>
        session === null
          ? []
          : [
              jsonText('configure', {
                type: 'session.update',
                event_id: CONFIGURE_EVENT_ID,
                session,
              }),
            ],
      audio: ({ audio }) => [
        `{"type":"session.input_audio_buffer.append","audio":"${audio.base64}"}`,
      ],
      end: () => {
        ending = true;
        return ['{"type":"session.close"}'];
      },
    },
    json: (fields) => {
      const type = need(textOf(fields, 'type'), 'type');
      switch (type) {
        case 'session.created':
        case 'session.updated':
          if (ready || (type === 'session.created' && session !== null)) return [];
          ready = true;
          return [{ type: 'ready' }];
        case 'session.output_audio.delta':
          return [audioOf(fields)];
        case 'session.input_transcript.delta':
          return [pieceOf(fields, 'user')];
        case 'session.output_transcript.delta':
          return [{ ...pieceOf(fields, 'agent'), item: replies.item }];
        // Without `session.close`, the session has lasted too long: a new connection continues.
        case 'session.closed':
          return [...replies.end(), ...(ending ? [{ type: 'ended' } as const] : [])];
        case 'error':
          return errorOf(fields);
      }
      return [];
    },
  });

  function audioOf(fields: JsonFields): ServiceEvent {
    const bytes = need(base64Of(fields, 'delta'), 'delta');
    return { type: 'audio', item: replies.item, bytes };
  }
}

function pieceOf(
  fields: JsonFields,
  who: 'user' | 'agent',
): Extract<ServiceEvent, { readonly type: 'transcript' }> {
  return { type: 'transcript', who, text: textOf(fields, 'delta') ?? '', final: true };
}
