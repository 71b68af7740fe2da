import { bytesPerFrame } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { JsonFields } from '../framing/json-object.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { checkElevenlabsStream, elevenlabsName, elevenlabsStream } from './shared/elevenlabs.ts';
import {
  base64Of,
  flagOf,
  listOf,
  need,
  numberOf,
  objectOf,
  textOf,
} from './shared/json-fields.ts';
import { jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import { ReplyNames, UnnamedReplies } from './shared/replies.ts';
import { RunningText } from './shared/running-text.ts';
import {
  SERVICE_OPTION_NAMES,
  checkSettings,
  checkTexts,
  merged,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';

/** Options of {@link elevenlabsAgents}. */
export interface ElevenlabsAgentsOptions extends ServiceOptions {
  /** The agent, added to the address as `agent_id` unless it already has one or is signed. */
  readonly agentId?: string;
  /** Format of the user's audio, as in the agent's settings. @default 's16' */
  readonly format?: 's16' | 'mulaw';
  /**
   * Its sample rate in Hz: 8000, 16000, 22050, 24000, 44100 or 48000 for `'s16'`, 8000 for `'mulaw'`.
   * @default 16000; 8000 for `'mulaw'`
   */
  readonly sampleRate?: number;
  /** Format of the agent's audio, if it is known beforehand; the service reports it in any case. @default that of the user's audio */
  readonly outputFormat?: 's16' | 'mulaw';
  /** Its sample rate in Hz. @default 16000; 8000 for `'mulaw'` */
  readonly outputSampleRate?: number;
  /** Merged into the message `conversation_initiation_client_data`: overrides, dynamic variables and the like. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  agentId: 1,
  format: 1,
  sampleRate: 1,
  outputFormat: 1,
  outputSampleRate: 1,
  configure: 1,
} satisfies OptionNames<ElevenlabsAgentsOptions>;

/**
 * ElevenLabs Agents over WebSocket: `wss://api.elevenlabs.io/v1/convai/conversation?agent_id=…`, or a signed address. The token is a
 * conversation token, sent as a subprotocol.
 *
 * It does not acknowledge audio, and a new connection is a new conversation. The agent's settings determine the format that it accepts:
 * if that differs from the option's, the session ends with an error that names it. An interruption by the app is not reported: there is
 * no message for it.
 *
 * Message shapes: npm @elevenlabs/client 1.25.0, `utils/WebSocketConnection.js`, `BaseConversation.js` and `VoiceConversation.js`, with
 * @elevenlabs/types. Not confirmed: that the times of characters count from the start of their piece of audio.
 * @throws TypeError or RangeError for an invalid option
 */
export function elevenlabsAgents(options: ElevenlabsAgentsOptions = {}): Service {
  checkOptions('elevenlabsAgents', options, NAMES);
  const { agentId, format = 's16', outputFormat = format } = options;
  checkTexts({ agentId });
  const input = checkElevenlabsStream(format, options.sampleRate);
  const output = checkElevenlabsStream(outputFormat, options.outputSampleRate);
  const open = jsonText(
    'configure',
    merged(
      { type: 'conversation_initiation_client_data' },
      checkSettings('configure', options.configure),
    ),
  );
  const names = new ReplyNames();
  return {
    ...serviceBase(options),
    id: 'elevenlabs-agents',
    input,
    output,
    encoding: 'base64',
    address: (url, token) =>
      serviceAddress(url, {
        query: { agent_id: agentId },
        protocols: ['convai', ...(token === undefined ? [] : [`bearer.${token}`])],
      }),
    connect: () => connect(open, input, output, names),
  };
}

function connect(
  open: string,
  input: StreamFormat,
  output: StreamFormat,
  names: ReplyNames,
): ServiceConnection {
  const replies = new UnnamedReplies(names);
  const texts = new RunningText();
  let ready = false;
  /** Format of the agent's audio, as the service reported it. */
  let sent = output;
  /** Events before this one belong to a reply that was interrupted. */
  let interruptedAt = -Infinity;
  /** Frames of the reply so far, and whether its text has arrived. */
  let replyFrames = 0;
  let replyText = false;
  let lastItem: string | undefined;

  function end(): readonly ServiceEvent[] {
    replyFrames = 0;
    replyText = false;
    texts.end('agent');
    return replies.end();
  }

  return messageConnection({
    requests: {
      open: () => [open],
      audio: ({ audio }) => [`{"user_audio_chunk":"${audio.base64}"}`],
    },
    json: (fields) => {
      const type = need(textOf(fields, 'type'), 'type');
      switch (type) {
        case 'conversation_initiation_metadata':
          return metadataEvents(inner(fields, `${type}_event`));
        case 'audio':
          return audioEvents(inner(fields, 'audio_event'));
        case 'interruption':
          interruptedAt = eventId(inner(fields, 'interruption_event'));
          return [{ type: 'interrupted' }, ...end()];
        case 'user_transcript': {
          // What follows answers this.
          const text = need(
            textOf(inner(fields, 'user_transcription_event'), 'user_transcript'),
            type,
          );
          return [...end(), { type: 'transcript', who: 'user', text, final: true }];
        }
        case 'agent_response': {
          const before = replyText && replyFrames > 0 ? end() : [];
          const text = need(textOf(inner(fields, 'agent_response_event'), type), type);
          replyText = true;
          return [...before, agentText(text, true)];
        }
        case 'agent_response_correction': {
          const correction = inner(fields, `${type}_event`);
          const text = need(textOf(correction, 'corrected_agent_response'), type);
          const item = lastItem === undefined ? {} : { item: lastItem };
          return [{ type: 'transcript', who: 'agent', text, final: true, ...item }];
        }
        case 'agent_chat_response_part': {
          const part = inner(fields, 'text_response_part');
          if (textOf(part, 'type') === 'start') texts.end('agent');
          const text = texts.add('agent', textOf(part, 'text') ?? '');
          return text === '' ? [] : [agentText(text, false)];
        }
        case 'agent_tool_response': {
          // The agent has ended the call: the service closes the connection.
          const response = inner(fields, type);
          const ended =
            textOf(response, 'tool_name') === 'end_call' && !flagOf(response, 'is_error');
          return ended ? [{ type: 'ended' }] : [];
        }
        case 'ping': {
          const id = eventId(inner(fields, 'ping_event'));
          return [{ type: 'reply', message: `{"type":"pong","event_id":${id}}` }];
        }
        case 'error':
          return errorEvents(inner(fields, 'error_event'));
      }
      return [];
    },
  });

  function metadataEvents(event: JsonFields): readonly ServiceEvent[] {
    const takes = elevenlabsStream(textOf(event, 'user_input_audio_format') ?? 'pcm_16000');
    sent = elevenlabsStream(textOf(event, 'agent_output_audio_format') ?? elevenlabsName(output));
    if (elevenlabsName(takes) !== elevenlabsName(input)) {
      const expected = elevenlabsName(takes);
      const cure = `set format '${takes.format}' and sampleRate ${takes.sampleRate}, or change the agent.`;
      const message = `The agent takes ${expected}, not ${elevenlabsName(input)}: ${cure}`;
      return [{ type: 'error', code: 'format', message, fatal: true, retry: false }];
    }
    if (ready) return [];
    ready = true;
    return [{ type: 'ready' }];
  }

  function audioEvents(event: JsonFields): readonly ServiceEvent[] {
    const bytes = need(base64Of(event, 'audio_base_64'), 'audio_base_64');
    if (eventId(event) < interruptedAt) return [];
    const item = replies.item;
    lastItem = item;
    const captions = captionsOf(objectOf(event, 'alignment'), item, startMs());
    replyFrames += bytes.length / bytesPerFrame(sent);
    const usual = elevenlabsName(sent) === elevenlabsName(output);
    return [{ type: 'audio', item, bytes, ...(usual ? {} : { stream: sent }) }, ...captions];
  }

  function startMs(): number {
    return (replyFrames * 1000) / sent.sampleRate;
  }

  function agentText(text: string, final: boolean): ServiceEvent {
    lastItem = replies.item;
    return { type: 'transcript', who: 'agent', text, final, item: lastItem };
  }
}

/** Returns the object that contains the fields of an event. */
function inner(fields: JsonFields, name: string): JsonFields {
  return need(objectOf(fields, name), name);
}

/** Returns the number of an event; numbers ascend. */
function eventId(event: JsonFields): number {
  return need(numberOf(event, 'event_id'), 'event_id');
}

/** Returns the words of an alignment, which has a time for each character. */
function captionsOf(
  alignment: JsonFields | undefined,
  item: string,
  offsetMs: number,
): readonly ServiceEvent[] {
  if (alignment === undefined) return [];
  const characters = listOf(alignment, 'chars');
  const starts = listOf(alignment, 'char_start_times_ms');
  const durations = listOf(alignment, 'char_durations_ms');
  const captions: ServiceEvent[] = [];
  let text = '';
  let wordStart = 0;
  let wordEnd = 0;
  for (let i = 0; i <= characters.length; i++) {
    const character = characters[i];
    if (typeof character === 'string' && character.trim() !== '') {
      const start = timeOf(starts[i]);
      if (text === '') wordStart = start;
      text += character;
      wordEnd = start + timeOf(durations[i]);
    } else if (text !== '') {
      const startMs = offsetMs + wordStart;
      captions.push({ type: 'caption', item, text, startMs, endMs: offsetMs + wordEnd });
      text = '';
    }
  }
  return captions;
}

function timeOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function errorEvents(event: JsonFields): readonly ServiceEvent[] {
  const code = textOf(event, 'error_type') ?? String(numberOf(event, 'code') ?? 'error');
  const message = textOf(event, 'message') ?? textOf(event, 'reason') ?? '';
  // The maximum duration in the agent's settings.
  const over = code === 'max_duration_exceeded';
  return [{ type: 'error', code, message, fatal: over, retry: !over }];
}
