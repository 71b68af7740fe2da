/**
 * Services whose vendors publish types of their messages on npm, a row each: where they are, and which of them a message is to be.
 * `vendor-types.test.ts` compiles our messages against them.
 */

/** A message as JSON has it. */
export type WireObject = Readonly<Record<string, unknown>>;

export interface VendorTypes {
  /** Files of declarations by the name that the types below have for them, from node_modules on. */
  readonly from: Readonly<Record<string, string>>;
  /** The type of a message to the service, in TypeScript; undefined where the vendor has no type for it. */
  readonly up?: (message: WireObject) => string | undefined;
  /** The type of a message from the service. */
  readonly down?: (message: WireObject) => string | undefined;
  /** The message with the names of the types, where they are not those on the wire. */
  readonly named?: (message: WireObject) => WireObject;
}

/** Types of all messages of a direction. */
const all = (type: string) => (): string => type;

/** The member of a union that has the message's `type`; the union's base, which has any, is left out. */
const member =
  (union: string, field = 'type') =>
  (message: WireObject): string =>
    `Extract<${union}, { ${field}: ${JSON.stringify(message[field])} }>`;

/** `audio_offset_ms` → `audioOffsetMs`, at every level. */
function camelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCase);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      camelCase(item),
    ]),
  );
}

/** Azure's types name times in full. */
function azureNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(azureNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name.replace(/_ms$/, '_in_ms'), azureNames(item)]),
  );
}

const OPENAI = 'openai/resources/realtime/realtime.js';
const DEEPGRAM = '@deepgram/sdk/dist/cjs/api/resources';

export const VENDOR_TYPES: Readonly<Record<string, VendorTypes>> = {
  'openai-realtime': {
    from: { V: OPENAI },
    up: all('V.RealtimeClientEvent'),
    down: all('V.RealtimeServerEvent'),
  },
  'openai-translation': {
    from: { V: OPENAI },
    up: all('V.RealtimeTranslationClientEvent'),
    down: all('V.RealtimeTranslationServerEvent'),
  },
  // It follows OpenAI's beta, from before transcriptions told their usage.
  speaches: {
    from: { V: 'openai/resources/beta/realtime/realtime.js' },
    up: all('V.RealtimeClientEvent'),
    down: (message) =>
      message['type'] === 'conversation.item.input_audio_transcription.completed'
        ? "Omit<V.ConversationItemInputAudioTranscriptionCompletedEvent, 'usage'>"
        : 'V.RealtimeServerEvent',
  },
  'azure-voice-live': {
    from: { V: '@azure/ai-voicelive/dist/esm/models/models.js' },
    up: member('V.ClientEventUnion'),
    // The types have the audio decoded.
    down: (message) =>
      message['type'] === 'response.audio.delta'
        ? `Replaced<${member('V.ServerEventUnion')(message)}, { delta: string }>`
        : member('V.ServerEventUnion')(message),
    named: (message) => camelCase(azureNames(message)) as WireObject,
  },
  'gemini-live': {
    from: { V: '@google/genai/dist/genai.js' },
    up: all('Wire<V.LiveClientMessage>'),
    down: all("Wire<Omit<V.LiveServerMessage, 'text' | 'data'>>"),
  },
  'hume-evi': {
    from: {
      V: 'hume/dist/cjs/api/resources/empathicVoice/resources/chat/types/PublishEvent.js',
      W: 'hume/dist/cjs/api/resources/empathicVoice/types/SubscribeEvent.js',
    },
    up: all('V.PublishEvent'),
    down: all('W.SubscribeEvent'),
    named: (message) => camelCase(message) as WireObject,
  },
  'elevenlabs-agents': {
    from: { V: '@elevenlabs/client/dist/utils/events.js' },
    up: all('V.OutgoingSocketEvent'),
    down: all('V.IncomingSocketEvent'),
  },
  'elevenlabs-scribe': {
    from: {
      V: '@elevenlabs/types/dist/src/index.js',
      W: '@elevenlabs/client/dist/scribe/connection.js',
    },
    up: all('V.InputAudioChunk'),
    down: all('W.WebSocketMessage'),
  },
  'deepgram-listen': {
    from: { V: `${DEEPGRAM}/listen/resources/v1/types/index.js` },
    up: all('V.ListenV1Finalize | V.ListenV1CloseStream | V.ListenV1KeepAlive'),
    down: all(
      'V.ListenV1Results | V.ListenV1SpeechStarted | V.ListenV1UtteranceEnd | V.ListenV1Metadata',
    ),
  },
  'deepgram-flux': {
    from: { V: `${DEEPGRAM}/listen/resources/v2/types/index.js` },
    up: all('V.ListenV2CloseStream | V.ListenV2ForceEndTurn | V.ListenV2Configure'),
    down: all(
      'V.ListenV2Connected | V.ListenV2TurnInfo | V.ListenV2FatalError | V.ListenV2ConfigureFailure',
    ),
  },
  'deepgram-agent': {
    from: { V: `${DEEPGRAM}/agent/resources/v1/types/index.js` },
    up: all('V.AgentV1Settings | V.AgentV1ForceEndTurn | V.AgentV1KeepAlive'),
    down: all(
      'V.AgentV1Welcome | V.AgentV1SettingsApplied | V.AgentV1UserStartedSpeaking | V.AgentV1ConversationText | V.AgentV1AgentThinking | V.AgentV1AgentStartedSpeaking | V.AgentV1AgentAudioDone | V.AgentV1Warning | V.AgentV1Error',
    ),
  },
  assemblyai: {
    from: { V: 'assemblyai/dist/types/streaming/index.js' },
    up: all('V.StreamingOperationMessage'),
    down: all('V.StreamingEventMessage'),
  },
  gladia: {
    from: { V: '@gladiaio/sdk/dist/v2/live/generated-types.js' },
    down: all('V.LiveV2WebSocketMessage'),
  },
  speechmatics: {
    from: { V: '@speechmatics/real-time-client/dist/index.js' },
    up: all('V.RealtimeClientMessage'),
    down: all('V.RealtimeServerMessage'),
  },
  'cartesia-stt': {
    from: {
      V: '@cartesia/cartesia-js/resources/stt/manual-finalize/manual-finalize.js',
      W: '@cartesia/cartesia-js/resources/stt/auto-finalize/auto-finalize.js',
    },
    down: all('V.STTManualFinalizeWebsocketResponse | W.STTAutoFinalizeWebsocketResponse'),
  },
  soniox: {
    from: { V: '@soniox/speech-to-text-web/dist/types.js' },
    // Its types have all settings in one message; a key is for old clients.
    up: (message) => ('model' in message ? "Omit<V.SpeechToTextAPIRequest, 'api_key'>" : undefined),
    down: all('Partial<V.SpeechToTextAPIResponse>'),
  },
  vapi: {
    from: { V: '@vapi-ai/server-sdk/dist/cjs/api/types/index.js' },
    down: all('V.ClientMessageMessage'),
  },
  jambonz: {
    from: { V: '@jambonz/sdk/dist/websocket/index.js' },
    // The first message of a stream; marks as the events that its class makes of them.
    down: (message) => {
      if ('callSid' in message) return 'V.AudioStreamMetadata';
      const isMark = message['type'] === 'mark';
      return isMark
        ? "{ type: 'mark'; data: Parameters<V.AudioStreamEvents['mark']>[0] }"
        : undefined;
    },
  },
};
