import { describe } from '../../arguments.ts';
import type { SampleFormat } from '../../format/formats.ts';
import type { JsonFields } from '../../framing/json-object.ts';
import type { HeardItem, ServiceConnection, ServiceEvent } from '../service.ts';
import { base64Of, nameOf, need, objectOf, textOf } from './json-fields.ts';
import { jsonText } from '../../framing/app-message.ts';
import { messageConnection } from './message-connection.ts';
import { RunningText } from './running-text.ts';
import type { ServiceSettings } from './service-base.ts';

/** How services with the protocol of OpenAI's Realtime API differ. */
export interface OpenaiShape {
  /** `session` of the message `session.update`; null if none is sent, and the service is ready immediately. */
  readonly session: ServiceSettings | null;
  /** Whether `conversation.item.truncate` reports what was heard. */
  readonly truncates: boolean;
  /** Whether `response.cancel` stops a response. */
  readonly cancels: boolean;
  /** Decodes events that OpenAI does not have. */
  readonly more?: (type: string, fields: JsonFields) => readonly ServiceEvent[];
}

/** Identifies our `session.update`, to recognize an error about it: the session would never become ready. */
export const CONFIGURE_EVENT_ID = 'micwire-configure';

/** Returns a format as in `session.audio.input.format` of the Realtime API and APIs modelled on it. */
export function openaiFormat(format: SampleFormat, sampleRate: number): ServiceSettings {
  if (format === 'mulaw') return { type: 'audio/pcmu' };
  if (format === 'alaw') return { type: 'audio/pcma' };
  return { type: 'audio/pcm', rate: sampleRate };
}

/**
 * Checks the sample rate for a format: PCM has several, G.711 has 8000 Hz.
 * @param rate the app's, in Hz. @default 24000 for PCM, 8000 for G.711
 * @throws RangeError for a rate that the format does not support
 */
export function checkOpenaiRate(
  format: SampleFormat,
  rate: number | undefined,
  pcmRates: readonly number[],
): number {
  const rates = format === 's16' ? pcmRates : [8000];
  const chosen = rate ?? (format === 's16' ? 24_000 : 8000);
  if (rates.includes(chosen)) return chosen;
  throw new RangeError(
    `sampleRate of '${format}' must be one of ${rates.join(', ')}, got ${describe(chosen)}.`,
  );
}

/** Creates a connection with the protocol of OpenAI's Realtime API, including its names from the beta. */
export function openaiConnection(shape: OpenaiShape): ServiceConnection {
  const transcripts = new RunningText();
  let ready = false;
  /** Whether a response is in progress that the service has not interrupted. */
  let responding = false;
  let interrupts = true;
  /** Whether the session, not the service, ends a turn and asks for a response. */
  let manual = false;

  return messageConnection({
    requests: {
      open: () => {
        if (shape.session === null) return [];
        const { session } = shape;
        return [
          jsonText('configure', { type: 'session.update', event_id: CONFIGURE_EVENT_ID, session }),
        ];
      },
      audio: ({ audio }) => [`{"type":"input_audio_buffer.append","audio":"${audio.base64}"}`],
      commit: () => [
        '{"type":"input_audio_buffer.commit"}',
        ...(manual ? ['{"type":"response.create"}'] : []),
      ],
      interrupted: ({ heard }) => {
        const cancel = shape.cancels && responding ? ['{"type":"response.cancel"}'] : [];
        responding = false;
        return shape.truncates ? [...cancel, ...truncations(heard)] : cancel;
      },
    },
    json: (fields) => {
      const type = need(textOf(fields, 'type'), 'type');
      switch (type) {
        case 'session.created':
        case 'session.updated': {
          const detection = turnDetection(fields);
          interrupts = !(isObject(detection) && detection['interrupt_response'] === false);
          manual = detection === null;
          const configured = type === 'session.updated' || shape.session === null;
          if (ready || !configured) return [];
          ready = true;
          return [{ type: 'ready' }];
        }
        case 'response.created':
          responding = true;
          return [];
        case 'response.done':
          responding = false;
          return [];
        case 'response.output_audio.delta':
        case 'response.audio.delta': {
          const item = itemOf(fields);
          return [{ type: 'audio', item, bytes: need(base64Of(fields, 'delta'), 'delta') }];
        }
        case 'response.output_audio.done':
        case 'response.audio.done':
          return [{ type: 'item-end', item: itemOf(fields) }];
        case 'input_audio_buffer.speech_started': {
          const speech: ServiceEvent = { type: 'speech', active: true };
          if (!interrupts) return [speech];
          // The service cancels its response itself, and would answer a `response.cancel` with an error.
          responding = false;
          return [speech, { type: 'interrupted' }];
        }
        case 'input_audio_buffer.speech_stopped':
          return [{ type: 'speech', active: false }];
        case 'conversation.item.input_audio_transcription.delta':
          return [transcript('user', itemOf(fields), textOf(fields, 'delta') ?? '', false)];
        case 'conversation.item.input_audio_transcription.completed':
          return [complete('user', itemOf(fields), textOf(fields, 'transcript'))];
        case 'response.output_audio_transcript.delta':
        case 'response.audio_transcript.delta':
        case 'response.output_text.delta':
        case 'response.text.delta':
          return [transcript('agent', itemOf(fields), textOf(fields, 'delta') ?? '', false)];
        case 'response.output_audio_transcript.done':
        case 'response.audio_transcript.done':
          return [complete('agent', itemOf(fields), textOf(fields, 'transcript'))];
        case 'response.output_text.done':
        case 'response.text.done':
          return [complete('agent', itemOf(fields), textOf(fields, 'text'))];
        case 'error':
          return errorOf(fields);
      }
      return shape.more?.(type, fields) ?? [];
    },
  });

  function transcript(
    who: 'user' | 'agent',
    item: string,
    piece: string,
    final: boolean,
  ): ServiceEvent {
    const text = transcripts.add(`${who} ${item}`, piece);
    return { type: 'transcript', who, text, final, item };
  }

  function complete(who: 'user' | 'agent', item: string, whole: string | undefined): ServiceEvent {
    const pieces = transcripts.end(`${who} ${item}`);
    return { type: 'transcript', who, text: whole ?? pieces, final: true, item };
  }
}

/** Returns the item that an event is about: the name of its reply. */
export function itemOf(fields: JsonFields): string {
  return need(nameOf(fields, 'item_id'), 'item_id');
}

/** Reports how much of each item was heard, so that the service forgets the rest. */
function truncations({ item, ms, unheard }: HeardItem): string[] {
  if (item === undefined) return [];
  return [truncation(item, ms), ...unheard.map((name) => truncation(name, 0))];
}

function truncation(item: string, ms: number): string {
  return JSON.stringify({
    type: 'conversation.item.truncate',
    item_id: item,
    content_index: 0,
    audio_end_ms: ms,
  });
}

/**
 * Returns `turn_detection` of a session as the service reports it, in either place: null if the session finds the end of a turn,
 * undefined if absent. The value can be of any type: an unknown session is no reason to reject the message.
 */
function turnDetection(fields: JsonFields): unknown {
  const { session } = fields;
  if (!isObject(session)) return undefined;
  const { audio } = session;
  const input = isObject(audio) ? audio['input'] : undefined;
  const nested = isObject(input) ? input['turn_detection'] : undefined;
  return nested === undefined ? session['turn_detection'] : nested;
}

function isObject(value: unknown): value is JsonFields {
  return typeof value === 'object' && value !== null;
}

/** The cancelled response had just ended: an app could do nothing about this. xAI has other codes. */
const CANCELLED_TOO_LATE = 'response_cancel_not_active';
const NO_RESPONSE = /no active response/i;

/** Decodes an `error` event, for all services that have OpenAI's. */
export function errorOf(fields: JsonFields): readonly ServiceEvent[] {
  const error = objectOf(fields, 'error') ?? {};
  const code = textOf(error, 'code') ?? textOf(error, 'type') ?? 'error';
  const message = textOf(error, 'message') ?? '';
  if (code === CANCELLED_TOO_LATE || NO_RESPONSE.test(message)) return [];
  const expired = code === 'session_expired';
  const refused = textOf(error, 'event_id') === CONFIGURE_EVENT_ID;
  return [{ type: 'error', code, message, fatal: expired || refused, retry: !refused }];
}
