import { oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import { PacketError } from '../errors.ts';
import type { OptionNames } from '../option-names.ts';
import type { JsonFields } from '../framing/json-object.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, ServiceEvent, WireMessage } from './service.ts';
import { CALL, CallerNames, audioEvents, wholeFrames, wholeNumberOf } from './shared/call.ts';
import { listOf, need, objectOf, objectsOf, textOf } from './shared/json-fields.ts';
import { appMessage } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import {
  SERVICE_OPTION_NAMES,
  afterClose,
  checkSettings,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';

/** Options of {@link genesysAudiohook}. */
export interface GenesysAudiohookOptions extends ServiceOptions {
  /**
   * Whose audio is received: the customer's, or the customer's on the left and the agent's on the right.
   * @default 'external'
   */
  readonly channels?: 'external' | 'both';
  /** Additional parameters of the message `opened`, such as `supportedLanguages` or `startPaused`. */
  readonly configure?: Readonly<Record<string, unknown>>;
  /** Variables for the call flow, sent when the session ends. */
  readonly outputVariables?: Readonly<Record<string, string>>;
}

const NAMES: OptionNames<GenesysAudiohookOptions> = {
  ...SERVICE_OPTION_NAMES,
  channels: 1,
  configure: 1,
  outputVariables: 1,
};

/** AudioHook has one sample rate; PCMU is offered for every call. */
const RATE = 8000;
/** Genesys answers a longer binary message with an error. */
const MAX_BINARY_BYTES = 64_000;
/** A day of audio: anything longer is not the duration of a call. */
const MAX_SECONDS = 86_400;

/**
 * Genesys Cloud AudioHook: Audio Connector (bots, both directions) and AudioHook Monitor (listens only). Genesys connects to the
 * app's server.
 *
 * Audio is PCMU at 8 kHz, in binary messages; the customer hears the session's audio. The session numbers its messages and answers
 * `open`, `ping`, `update` and `close`. An interruption becomes an event `barge_in`. Audio that Genesys discarded counts as lost.
 * Chunks have 200 ms, because Genesys limits the rate of messages (error 429). To pause the customer's audio, send
 * `session.send({ type: 'pause' })`, and later `{ type: 'resume' }`. Keys that the caller presses arrive as `'message'` events with
 * `type: 'dtmf'`.
 *
 * Not confirmed: `outputVariables` of `disconnect`, which only the reference of Audio Connector has. L16 is not supported: its byte
 * order is undocumented.
 *
 * Sources: purecloudlabs/audiohook-reference-implementation, app/audiohook/src/protocol; GenesysCloudBlueprints/
 * audioconnector-server-reference-implementation, src/protocol; pipecat-ai/pipecat, serializers/genesys.py.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function genesysAudiohook(options: GenesysAudiohookOptions = {}): Service {
  checkOptions('genesysAudiohook', options, NAMES);
  const channels = oneOf('channels', options.channels ?? 'external', ['external', 'both']);
  const wanted = channels === 'both' ? 2 : 1;
  const configure = checkSettings('configure', options.configure);
  const outputVariables = checkSettings('outputVariables', options.outputVariables);
  const output: StreamFormat = { format: 'mulaw', sampleRate: RATE, channels: wanted };
  const callers = new CallerNames();
  return {
    id: 'genesys-audiohook',
    input: { format: 'mulaw', sampleRate: RATE, channels: 1 },
    output,
    encoding: 'binary',
    ...serviceBase(options, {
      ...CALL,
      // Both stay within the limit of messages per second.
      chunkDurationMs: 200,
      replaySpeed: 1.2,
      answersEnd: true,
      // A client whose connection is lost opens another one for the same conversation.
      afterClose: (code) => afterClose(code),
    }),
    connect() {
      const caller = callers.next();
      const hook = new HookMessages();
      /** Stream of the agreed media; null before. */
      let stream: StreamFormat | null = null;
      let lostFrames = 0;
      const interrupt = (): readonly WireMessage[] =>
        hook.message('event', { entities: [{ type: 'barge_in', data: {} }] });
      const opened = (parameters: JsonFields): readonly ServiceEvent[] => {
        const media = chooseMedia(objectsOf(parameters, 'media'), wanted);
        if (media === null) {
          const info = 'No media that this server takes.';
          const message = 'The call offers no PCMU with the channels that the session wants.';
          return [
            ...hook.reply('disconnect', { reason: 'error', info }),
            { type: 'error', code: 'format', message, fatal: true, retry: false },
          ];
        }
        stream = { ...output, channels: (media['channels'] as readonly unknown[]).length };
        return [...hook.reply('opened', { ...configure, media: [media] }), { type: 'ready' }];
      };
      const said = (type: string, parameters: JsonFields): readonly ServiceEvent[] => {
        switch (type) {
          case 'open':
            return opened(parameters);
          case 'ping':
            return hook.reply('pong', {});
          case 'update':
            return hook.reply('updated', {});
          case 'discarded':
          case 'resumed':
            lostFrames += Math.round(secondsOf(parameters, 'discarded') * RATE);
            return [];
          case 'error':
            return [errorEvent(parameters)];
          case 'close': {
            const closed = hook.reply('closed', {});
            // With `reconnect`, the next connection continues the conversation.
            if (textOf(parameters, 'reason') === 'reconnect') return closed;
            return [...closed, { type: 'item-end', item: caller }, { type: 'ended' }];
          }
          default:
            return [];
        }
      };
      return messageConnection({
        requests: {
          audio: ({ audio }) => slices(audio.bytes),
          clear: interrupt,
          interrupted: interrupt,
          end: () => hook.message('disconnect', { reason: 'completed', outputVariables }),
          message: ({ value }) => hook.appMessage(value),
        },
        bytes(bytes) {
          if (stream === null) throw new PacketError('bad-field', 'audio came before open.');
          const audio = wholeFrames(bytes, stream);
          const lost = lostFrames;
          lostFrames = 0;
          return audioEvents(caller, audio, {
            ...(stream.channels === output.channels ? {} : { stream }),
            ...(lost === 0 ? {} : { lostFrames: lost }),
          });
        },
        json(fields) {
          const type = need(textOf(fields, 'type'), 'type');
          hook.heard(fields);
          return said(type, objectOf(fields, 'parameters') ?? {});
        },
      });
    },
  };
}

/** Numbers the messages of a connection. */
class HookMessages {
  #id = '';
  #sent = 0;
  #heard = 0;

  /** Registers a message from Genesys. @throws PacketError if it has no number */
  heard(fields: JsonFields): void {
    const seq = need(wholeNumberOf(fields, 'seq'), 'seq');
    if (this.#heard === 0) this.#id = need(textOf(fields, 'id'), 'id');
    this.#heard = seq;
  }

  /** Creates a message; none before the first message from Genesys, which has the id of the session. */
  message(type: string, parameters: object): readonly string[] {
    if (this.#heard === 0) return [];
    const numbers = { id: this.#id, seq: ++this.#sent, clientseq: this.#heard };
    return [JSON.stringify({ version: '2', type, ...numbers, parameters })];
  }

  /** Creates the answer to the message that just arrived. */
  reply(type: string, parameters: object): readonly ServiceEvent[] {
    return this.message(type, parameters).map((message) => ({ type: 'reply', message }));
  }

  /**
   * Creates a custom message of the app: text and bytes unchanged, or an object with `type` and `parameters`.
   * @throws TypeError for any other value
   */
  appMessage(value: unknown): readonly WireMessage[] {
    if (typeof value === 'string' || value instanceof Uint8Array) return [appMessage(value)];
    const { type, parameters = {} } = checkSettings('a message to AudioHook', value);
    if (typeof type !== 'string' || typeof parameters !== 'object' || parameters === null) {
      throw new TypeError('A message to AudioHook must have a type, and may have parameters.');
    }
    return this.message(type, parameters);
  }
}

/**
 * Chooses, from the media that Genesys offers, one with the channels that the app wants, or else any with the customer's channel; null
 * if there is no such media.
 */
function chooseMedia(offers: readonly JsonFields[], wanted: number): ServiceSettings | null {
  let chosen: JsonFields | null = null;
  for (const offer of offers) {
    const channels = listOf(offer, 'channels');
    const isAudio =
      offer['type'] === 'audio' && offer['format'] === 'PCMU' && offer['rate'] === RATE;
    if (!isAudio || channels[0] !== 'external' || channels.length > 2) continue;
    if (channels.length === wanted) return offer;
    chosen ??= offer;
  }
  return chosen;
}

/** Reads a duration such as `PT1.5S`, in seconds; 0 if it is missing. @throws PacketError for any other value */
function secondsOf(fields: JsonFields, name: string): number {
  const text = textOf(fields, name);
  if (text === undefined) return 0;
  const seconds = Number(/^PT(\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})S$/.exec(text)?.[1] ?? Number.NaN);
  if (seconds <= MAX_SECONDS) return seconds;
  throw new PacketError('bad-field', `${name} must be a duration in seconds of at most a day.`);
}

function errorEvent(parameters: JsonFields): ServiceEvent {
  const code = wholeNumberOf(parameters, 'code') ?? 500;
  return {
    type: 'error',
    code: String(code),
    message: textOf(parameters, 'message') ?? 'AudioHook reports an error.',
    // After too many messages the session continues. After any other error Genesys closes it.
    fatal: false,
    retry: code === 408 || code === 429 || code >= 500,
  };
}

/** Splits bytes into messages that are not too long. */
function slices(bytes: Uint8Array<ArrayBuffer>): readonly Uint8Array<ArrayBuffer>[] {
  if (bytes.length <= MAX_BINARY_BYTES) return [bytes];
  const result = [];
  for (let at = 0; at < bytes.length; at += MAX_BINARY_BYTES) {
    result.push(bytes.subarray(at, at + MAX_BINARY_BYTES));
  }
  return result;
}
