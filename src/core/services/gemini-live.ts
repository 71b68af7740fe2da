import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, integerIn } from '../arguments.ts';
import { PacketError } from '../errors.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { JsonFields } from '../framing/json-object.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent, WireMessage } from './service.ts';
import { base64Of, flagOf, need, objectOf, objectsOf, textOf } from './shared/json-fields.ts';
import { appMessage, jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import { ReplyNames } from './shared/replies.ts';
import { RunningText } from './shared/running-text.ts';
import { SentMessages } from './shared/sent-messages.ts';
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

/** Options of {@link geminiLive}. */
export interface GeminiLiveOptions extends ServiceOptions {
  /**
   * Name of the model, with `models/`; on Vertex AI with `projects/…/publishers/google/models/`.
   * @default 'models/gemini-3.1-flash-live-preview'
   */
  readonly model?: string;
  /** Instructions that the model gets before the conversation. */
  readonly instructions?: string;
  /** Voice of the replies: the name of a prebuilt voice. @default the service's own */
  readonly voice?: string;
  /** Sample rate of the user's audio in Hz, from 8000 to 48000. @default 16000, the model's own rate */
  readonly sampleRate?: number;
  /** Whether the service transcribes what both sides say. @default true */
  readonly transcripts?: boolean;
  /**
   * Whether `session.commit()` ends the user's turns, and the audio after it begins the next one. Otherwise the service detects turns.
   * @default false
   */
  readonly manualTurns?: boolean;
  /** Whether the service reports what it has consumed, so that exactly the rest is sent again. Only on Vertex AI. @default false */
  readonly transparent?: boolean;
  /** Merged into the message `setup`. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
  instructions: 1,
  voice: 1,
  sampleRate: 1,
  transcripts: 1,
  manualTurns: 1,
  transparent: 1,
  configure: 1,
} satisfies OptionNames<GeminiLiveOptions>;

/** Sample rate of the replies; each piece of audio repeats it in its type. */
const OUTPUT_RATE = 24_000;

/**
 * Google's Gemini Live API over WebSocket: `wss://generativelanguage.googleapis.com/ws/google.ai.generativelanguage.v1beta.`
 * `GenerativeService.BidiGenerateContent`. The token is an API key, or an ephemeral token (`auth_tokens/…`), for which the address ends
 * in `v1alpha.GenerativeService.BidiGenerateContentConstrained`.
 *
 * A new connection continues the conversation with the last handle from the service. The service announces its time limit beforehand,
 * and the session moves to a new connection. With `transparent` it also reports which messages a handle includes, and only the audio
 * after them is sent again. It reports this occasionally, not for each piece of audio, so that audio counts as settled, not as
 * acknowledged. An interruption by the app is not reported: there is no message for it.
 *
 * Message shapes: npm @google/genai 2.32.0. That only Vertex AI supports `transparent`: google/adk-python#5771. That messages count
 * from 1 after `setup` on each connection: GoogleCloudPlatform/vertex-ai-samples, `live_api/references/session_manager.md` (#4511). Not
 * confirmed: what happens to an expired handle, and how fast audio may be replayed.
 * @throws TypeError or RangeError for an invalid option
 */
export function geminiLive(options: GeminiLiveOptions = {}): Service {
  checkOptions('geminiLive', options, NAMES);
  const { model = 'models/gemini-3.1-flash-live-preview', instructions, voice } = options;
  const { sampleRate = 16_000, transcripts = true } = options;
  const { manualTurns = false, transparent = false } = options;
  checkTexts({ model, instructions, voice });
  integerIn('sampleRate', sampleRate, 8000, 48_000);
  const setup = merged(
    {
      model,
      generationConfig: {
        responseModalities: ['AUDIO'],
        ...(voice === undefined
          ? {}
          : { speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: voice } } } }),
      },
      ...(instructions === undefined
        ? {}
        : { systemInstruction: { parts: [{ text: instructions }] } }),
      ...(manualTurns
        ? { realtimeInputConfig: { automaticActivityDetection: { disabled: true } } }
        : {}),
      ...(transcripts ? { inputAudioTranscription: {}, outputAudioTranscription: {} } : {}),
    },
    checkSettings('configure', options.configure),
  );
  const names = new ReplyNames();
  return {
    ...serviceBase(options, {
      chunkDurationMs: 40,
      // The service reports what a handle includes at the end of a turn, which may be long.
      overlapMs: transparent ? 60_000 : 500,
      muteAs: 'nothing',
    }),
    id: 'gemini-live',
    input: mono16(sampleRate),
    output: mono16(OUTPUT_RATE),
    encoding: 'base64',
    address: (url, token) => {
      const name = token?.startsWith('auth_tokens/') === true ? 'access_token' : 'key';
      return serviceAddress(url, { query: { [name]: token } });
    },
    connect: () => connect(setup, { sampleRate, manualTurns, transparent }, names),
    afterClose: (code) => afterClose(code, { 1000: 'retry' }),
  };
}

type Choices = Required<Pick<GeminiLiveOptions, 'sampleRate' | 'manualTurns' | 'transparent'>>;

function connect(
  setup: ServiceSettings,
  { sampleRate, manualTurns, transparent }: Choices,
  names: ReplyNames,
): ServiceConnection {
  const mimeType = `audio/pcm;rate=${sampleRate}`;
  const sent = new SentMessages();
  const texts = new RunningText();
  /** Where the audio sent so far ends. */
  let end = 0;
  let ready = false;
  /** Whether the user's turn has begun, if the session marks turns. */
  let speaking = false;
  /** The reply of the turn, and whether its audio has begun and not ended. */
  let reply: string | undefined;
  let sounding = false;
  let heardText = false;

  /** Counts the messages after `setup`, as the service does. */
  function counted(messages: readonly WireMessage[]): readonly WireMessage[] {
    for (let i = 0; i < messages.length; i++) sent.add(end);
    return messages;
  }

  return messageConnection({
    requests: {
      open: ({ handle, frame }) => {
        end = frame;
        const sessionResumption = {
          ...(handle === null ? {} : { handle }),
          ...(transparent ? { transparent } : {}),
        };
        return [jsonText('configure', { setup: merged({ sessionResumption }, setup) })];
      },
      audio: ({ audio }) => {
        const begins = manualTurns && !speaking ? ['{"realtimeInput":{"activityStart":{}}}'] : [];
        const before = counted(begins);
        speaking = true;
        end = audio.frame + audio.frames;
        const media = `{"data":"${audio.base64}","mimeType":"${mimeType}"}`;
        return [...before, ...counted([`{"realtimeInput":{"audio":${media}}}`])];
      },
      commit: () => {
        speaking = false;
        return counted([
          manualTurns
            ? '{"realtimeInput":{"activityEnd":{}}}'
            : '{"realtimeInput":{"audioStreamEnd":true}}',
        ]);
      },
      mute: ({ muted }) =>
        muted && !manualTurns ? counted(['{"realtimeInput":{"audioStreamEnd":true}}']) : [],
      message: ({ value }) => counted([appMessage(value)]),
    },
    json: (fields) => [
      ...setupEvents(fields),
      ...contentEvents(objectOf(fields, 'serverContent')),
      ...resumptionEvents(objectOf(fields, 'sessionResumptionUpdate')),
      ...goAwayEvents(objectOf(fields, 'goAway')),
    ],
  });

  function setupEvents(fields: JsonFields): readonly ServiceEvent[] {
    if (ready || objectOf(fields, 'setupComplete') === undefined) return [];
    ready = true;
    return [{ type: 'ready' }];
  }

  function contentEvents(content: JsonFields | undefined): readonly ServiceEvent[] {
    if (content === undefined) return [];
    const user = objectOf(content, 'inputTranscription');
    const agent = objectOf(content, 'outputTranscription');
    const turn = objectOf(content, 'modelTurn') ?? {};
    const events: ServiceEvent[] = [
      ...pieceEvents('user', user),
      ...objectsOf(turn, 'parts').flatMap(audioEvents),
      ...pieceEvents('agent', agent),
    ];
    if (flagOf(content, 'interrupted')) events.push({ type: 'interrupted' }, ...turnEnd());
    if (flagOf(content, 'generationComplete')) events.push(...soundEnd());
    if (flagOf(content, 'turnComplete')) events.push(...turnEnd());
    return events;
  }

  function audioEvents(part: JsonFields): readonly ServiceEvent[] {
    const media = objectOf(part, 'inlineData');
    const type = media && textOf(media, 'mimeType');
    if (media === undefined || type?.startsWith('audio/') !== true) return [];
    reply ??= names.next();
    sounding = true;
    const bytes = need(base64Of(media, 'data'), 'data');
    return [{ type: 'audio', item: reply, bytes, ...otherStream(type) }];
  }

  /** Texts arrive in pieces. The user's text ends with the turn at the latest, since nothing else marks its end. */
  function pieceEvents(
    who: 'user' | 'agent',
    transcription: JsonFields | undefined,
  ): readonly ServiceEvent[] {
    const piece = transcription && textOf(transcription, 'text');
    if (transcription === undefined) return [];
    const finished = flagOf(transcription, 'finished');
    if (piece === undefined && !finished) return [];
    const text = texts.add(who, piece ?? '');
    if (who === 'agent') reply ??= names.next();
    else heardText = !finished;
    if (finished) texts.end(who);
    const item = who === 'agent' ? { item: reply! } : {};
    return [{ type: 'transcript', who, text, final: finished, ...item }];
  }

  function soundEnd(): readonly ServiceEvent[] {
    if (!sounding) return [];
    sounding = false;
    return [{ type: 'item-end', item: reply! }];
  }

  function turnEnd(): readonly ServiceEvent[] {
    const events: ServiceEvent[] = [];
    const user = texts.end('user');
    if (heardText) events.push({ type: 'transcript', who: 'user', text: user, final: true });
    heardText = false;
    const agent = texts.end('agent');
    if (agent !== '' && reply !== undefined) {
      events.push({ type: 'transcript', who: 'agent', text: agent, final: true, item: reply });
    }
    events.push(...soundEnd());
    reply = undefined;
    return events;
  }

  function resumptionEvents(update: JsonFields | undefined): readonly ServiceEvent[] {
    // While the session cannot be resumed, the last handle remains the best one.
    if (update === undefined || !flagOf(update, 'resumable')) return [];
    const handle = textOf(update, 'newHandle') ?? '';
    if (handle === '') return [];
    const index = textOf(update, 'lastConsumedClientMessageIndex');
    if (index !== undefined && !/^\d{1,15}$/.test(index)) {
      throw new PacketError('bad-field', 'lastConsumedClientMessageIndex must be an integer.');
    }
    const frame = index === undefined ? undefined : sent.acknowledge(Number(index));
    return [
      { type: 'handle', handle },
      ...(frame === undefined ? [] : [{ type: 'settled', frame } as const]),
    ];
  }
}

/** Returns the stream of a piece of audio, if it differs from what a session expects: `audio/pcm;rate=16000`. */
function otherStream(mimeType: string): { readonly stream?: StreamFormat } {
  const match = /^audio\/(?:pcm|l16)\s*(?:;.*\brate=(\d{1,6}))?/i.exec(mimeType);
  if (match === null) {
    throw new PacketError('unknown-type', 'mimeType must be of audio/pcm.');
  }
  const rate = match[1] === undefined ? OUTPUT_RATE : Number(match[1]);
  if (rate === OUTPUT_RATE) return {};
  if (rate < MIN_SAMPLE_RATE || rate > MAX_SAMPLE_RATE) {
    throw new PacketError('bad-field', `rate must be one that audio has, got ${rate}.`);
  }
  return { stream: mono16(rate) };
}

/** The duration is written as in the JSON form of protobuf: `'9.500s'`. */
function goAwayEvents(goAway: JsonFields | undefined): readonly ServiceEvent[] {
  if (goAway === undefined) return [];
  const text = textOf(goAway, 'timeLeft') ?? '0s';
  if (!/^\d{1,9}(?:\.\d{1,9})?s$/.test(text)) {
    throw new PacketError('bad-field', 'timeLeft must be a duration in seconds.');
  }
  return [{ type: 'going-away', inMs: Math.floor(Number.parseFloat(text) * 1000) }];
}
