import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { need, textOf } from './shared/json-fields.ts';
import { jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import {
  SERVICE_OPTION_NAMES,
  checkTexts,
  mono16,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link vllmRealtime}. */
export interface VllmRealtimeOptions extends ServiceOptions {
  /** Model that the server runs. @default 'mistralai/Voxtral-Mini-4B-Realtime-2602' */
  readonly model?: string;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
} satisfies OptionNames<VllmRealtimeOptions>;

const START = '{"type":"input_audio_buffer.commit"}';
const FINISH = '{"type":"input_audio_buffer.commit","final":true}';

/** Maximum number of audio messages that wait while the server finishes an utterance, which takes a few seconds at most. */
const MAX_HELD = 1024;

/**
 * The realtime transcription of vLLM, which you run yourself: `ws://host:8000/v1/realtime`. It transcribes audio as one utterance,
 * until `session.commit()` ends it and begins the next one. It drops audio that arrives while it finishes an utterance, so the session
 * holds audio back until then. A new connection transcribes audio without final text again, at most 15 s.
 *
 * Message shapes: vllm-project/vllm `vllm/entrypoints/openai/realtime/` `protocol.py`, `connection.py` and `api_router.py`. The server
 * ignores tokens in the address: the app's token is sent in the query as `token`, for a proxy.
 * @throws TypeError or RangeError for an invalid option
 */
export function vllmRealtime(options: VllmRealtimeOptions = {}): Service {
  checkOptions('vllmRealtime', options, NAMES);
  const { model = 'mistralai/Voxtral-Mini-4B-Realtime-2602' } = options;
  checkTexts({ model });
  return {
    ...serviceBase(options, { chunkDurationMs: 80, overlapMs: 15_000, answersEnd: true }),
    id: 'vllm-realtime',
    input: mono16(16_000),
    output: null,
    encoding: 'base64',
    address: (url, token) => serviceAddress(url, { query: { token } }),
    connect: () => connect(model),
  };
}

function connect(model: string): ServiceConnection {
  let ready = false;
  let text = '';
  let ending = false;
  /** The end of the utterance that the server is finishing, as a frame; undefined while it accepts audio. */
  let finishing: number | undefined;
  let held: string[] = [];
  return messageConnection({
    requests: {
      open: () => [jsonText('model', { type: 'session.update', model }), START],
      audio: ({ audio }) => {
        const message = `{"type":"input_audio_buffer.append","audio":"${audio.base64}"}`;
        if (finishing === undefined) return [message];
        if (held.length < MAX_HELD) held.push(message);
        return [];
      },
      commit: ({ frame }) => {
        if (finishing !== undefined) return [];
        finishing = frame;
        return [FINISH];
      },
      end: () => {
        ending = true;
        return finishing === undefined ? [FINISH] : [];
      },
    },
    json: (fields) => {
      switch (need(textOf(fields, 'type'), 'type')) {
        case 'session.created':
          if (ready) return [];
          ready = true;
          return [{ type: 'ready' }];
        case 'transcription.delta':
          text = (text + (textOf(fields, 'delta') ?? '')).slice(-MAX_TEXT);
          return [{ type: 'transcript', who: 'user', text, final: false }];
        case 'transcription.done':
          return done(textOf(fields, 'text') ?? text);
        case 'error': {
          const code = textOf(fields, 'code') ?? 'error';
          const message = textOf(fields, 'error') ?? '';
          const refused = code === 'model_not_validated';
          return [{ type: 'error', code, message, fatal: refused, retry: !refused }];
        }
      }
      return [];
    },
  });

  function done(whole: string): readonly ServiceEvent[] {
    const events: ServiceEvent[] = [{ type: 'transcript', who: 'user', text: whole, final: true }];
    if (finishing !== undefined) events.push({ type: 'settled', frame: finishing });
    text = '';
    finishing = undefined;
    const waiting = held;
    held = [];
    if (ending && waiting.length === 0) return [...events, { type: 'ended' }];
    const messages = [START, ...waiting, ...(ending ? [FINISH] : [])];
    return [...events, ...messages.map((message) => ({ type: 'reply', message }) as const)];
  }
}

/** Longest text of an utterance, in UTF-16 code units. */
const MAX_TEXT = 2 ** 16;
