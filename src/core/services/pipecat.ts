import {
  MAX_CHANNELS,
  MAX_SAMPLE_RATE,
  MIN_SAMPLE_RATE,
  describe,
  integerIn,
} from '../arguments.ts';
import { utf8Bytes, utf8Text } from '../bytes.ts';
import { PacketError } from '../errors.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { JsonFields } from '../framing/json-object.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, ServiceEvent, WireMessage } from './service.ts';
import { audioEvents, wholeFrames } from './shared/call.ts';
import {
  MAX_SERVICE_MESSAGE,
  flagOf,
  need,
  objectOf,
  readJson,
  textOf,
} from './shared/json-fields.ts';
import { appMessage, jsonText } from '../framing/app-message.ts';
import { bytesField, protobufField, readProtobuf, varintField } from './shared/protobuf.ts';
import { ReplyNames, UnnamedReplies } from './shared/replies.ts';
import { SERVICE_OPTION_NAMES, mono16, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Numbers of the fields of `Frame`, which has one of them (frames.proto). */
const FRAME = { text: 1, audio: 2, transcription: 3, message: 4, interruption: 5 } as const;
/** Of `AudioRawFrame`. */
const AUDIO = { audio: 3, sampleRate: 4, channels: 5 } as const;
/** Of `TextFrame` and `TranscriptionFrame`. */
const TEXT = 3;
/** Of `MessageFrame`. */
const DATA = 1;

/** Longest transcript of a reply, in characters. The rest is discarded. */
const MAX_TRANSCRIPT = 4096;
/** The label of messages in RTVI, Pipecat's own protocol. */
const RTVI_LABEL = 'rtvi-ai';

/** Options of {@link pipecat}. */
export interface PipecatOptions extends ServiceOptions {
  /** Sample rate of the session's audio in Hz: `audio_in_sample_rate` of the pipeline. @default 16000 */
  readonly sampleRate?: number;
  /** Sample rate of the pipeline's audio in Hz, unless it says otherwise: its `audio_out_sample_rate`. @default 24000 */
  readonly outputSampleRate?: number;
  /** The version of RTVI in the message `client-ready`, which a bot waits for; null not to send it. @default '2.0.0' */
  readonly rtviVersion?: string | null;
}

const NAMES: OptionNames<PipecatOptions> = {
  ...SERVICE_OPTION_NAMES,
  sampleRate: 1,
  outputSampleRate: 1,
  rtviVersion: 1,
};

/**
 * Pipecat over a WebSocket with its ProtobufFrameSerializer (WebsocketServerTransport, FastAPIWebsocketTransport).
 *
 * Audio is mono, 16 bits little-endian, in both directions, in frames of Protocol Buffers. RTVI messages are `'message'` events;
 * transcripts, speech and errors also have events of their own. When the user interrupts, the pipeline sends an `InterruptionFrame`; so
 * does the session when the app interrupts. Pipecat acknowledges nothing and does not name replies: a reply ends with
 * `bot-stopped-speaking` or an interruption.
 *
 * Sources: pipecat-ai/pipecat, src/pipecat/frames/frames.proto, src/pipecat/serializers/protobuf.py,
 * src/pipecat/processors/frameworks/rtvi/models.py.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function pipecat(options: PipecatOptions = {}): Service {
  checkOptions('pipecat', options, NAMES);
  const { sampleRate = 16_000, outputSampleRate = 24_000, rtviVersion = '2.0.0' } = options;
  const input = mono16(integerIn('sampleRate', sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE));
  const output = mono16(
    integerIn('outputSampleRate', outputSampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
  );
  if (rtviVersion !== null && typeof rtviVersion !== 'string') {
    throw new TypeError(`rtviVersion must be a string or null, got ${describe(rtviVersion)}.`);
  }
  const format = [
    varintField(AUDIO.sampleRate, input.sampleRate),
    varintField(AUDIO.channels, input.channels),
  ];
  const names = new ReplyNames();
  return {
    id: 'pipecat',
    input,
    output,
    encoding: 'binary',
    ...serviceBase(options, { readyOnOpen: true, afterClose: () => 'retry' }),
    connect() {
      const replies = new UnnamedReplies(names);
      /** Whether the pipeline has interrupted: sending an interruption back would interrupt it again. */
      let theirs = false;
      /** Transcript of the reply that is arriving. */
      let spoken = '';
      const agentSaid = (final: boolean): ServiceEvent => {
        return { type: 'transcript', who: 'agent', text: spoken, final, item: replies.item };
      };
      const ended = (): readonly ServiceEvent[] => {
        const said = spoken === '' ? [] : [agentSaid(true)];
        spoken = '';
        return [...said, ...replies.end()];
      };
      const rtvi = (fields: JsonFields): readonly ServiceEvent[] => {
        const data = objectOf(fields, 'data') ?? {};
        switch (textOf(fields, 'type')) {
          case 'user-started-speaking':
            return [{ type: 'speech', active: true }];
          case 'user-stopped-speaking':
            return [{ type: 'speech', active: false }];
          case 'user-transcription': {
            const text = need(textOf(data, 'text'), 'text');
            return [{ type: 'transcript', who: 'user', text, final: flagOf(data, 'final') }];
          }
          case 'bot-transcription': {
            // One sentence at a time.
            const text = need(textOf(data, 'text'), 'text');
            spoken = (spoken === '' ? text : `${spoken} ${text}`).slice(0, MAX_TRANSCRIPT);
            return [agentSaid(false)];
          }
          case 'bot-stopped-speaking':
            return ended();
          case 'error': {
            const message = textOf(data, 'error') ?? 'Pipecat reports an error.';
            return [
              { type: 'error', code: 'error', message, fatal: flagOf(data, 'fatal'), retry: true },
            ];
          }
          default:
            return [];
        }
      };
      const messageEvents = (bytes: Uint8Array): readonly ServiceEvent[] => {
        const data = need(protobufField(readProtobuf(bytes), DATA)?.bytes, 'data');
        const fields = readJson(data);
        const events = textOf(fields, 'label') === RTVI_LABEL ? rtvi(fields) : [];
        return [...events, { type: 'message', value: fields }];
      };
      return {
        encode(request): readonly WireMessage[] {
          switch (request.type) {
            case 'open':
              return rtviVersion === null ? [] : [clientReady(request.connections, rtviVersion)];
            case 'audio':
              return [
                bytesField(FRAME.audio, bytesField(AUDIO.audio, request.audio.bytes), ...format),
              ];
            case 'interrupted': {
              const ours = !theirs;
              theirs = false;
              return ours ? [bytesField(FRAME.interruption)] : [];
            }
            case 'message':
              return [appFrame(request.value)];
            default:
              return [];
          }
        },
        decode(message) {
          if (typeof message === 'string') {
            throw new PacketError('unknown-type', 'a frame must be bytes, got text.');
          }
          if (message.length > MAX_SERVICE_MESSAGE) {
            throw new PacketError('oversized', `a frame may have ${MAX_SERVICE_MESSAGE} bytes.`);
          }
          // A frame has one field; if it has several, the last one counts.
          const field = readProtobuf(message).at(-1);
          const bytes = need(field?.bytes, 'the frame');
          switch (field!.number) {
            case FRAME.audio:
              return audioOf(bytes, output, replies);
            case FRAME.text: {
              const text = utf8Text(need(protobufField(readProtobuf(bytes), TEXT)?.bytes, 'text'));
              return [{ type: 'message', value: { type: 'text', text } }];
            }
            case FRAME.transcription: {
              const text = utf8Text(need(protobufField(readProtobuf(bytes), TEXT)?.bytes, 'text'));
              return [{ type: 'transcript', who: 'user', text, final: true }];
            }
            case FRAME.message:
              return messageEvents(bytes);
            case FRAME.interruption:
              theirs = true;
              return [{ type: 'interrupted' }, ...ended()];
            default:
              throw new PacketError('unknown-type', `frame ${field!.number} is not known.`);
          }
        },
      };
    },
  };
}

function audioOf(
  bytes: Uint8Array,
  output: StreamFormat,
  replies: UnnamedReplies,
): readonly ServiceEvent[] {
  const fields = readProtobuf(bytes);
  const sampleRate = protobufField(fields, AUDIO.sampleRate)?.value ?? 0;
  const channels = protobufField(fields, AUDIO.channels)?.value ?? 0;
  if (!(sampleRate >= MIN_SAMPLE_RATE && sampleRate <= MAX_SAMPLE_RATE)) {
    throw new PacketError('bad-field', `sample_rate must be a rate, got ${sampleRate}.`);
  }
  if (!(channels >= 1 && channels <= MAX_CHANNELS)) {
    throw new PacketError(
      'bad-field',
      `num_channels must be 1 to ${MAX_CHANNELS}, got ${channels}.`,
    );
  }
  const audio = protobufField(fields, AUDIO.audio)?.bytes ?? null;
  if (audio === null || audio.length === 0) return [];
  const same = sampleRate === output.sampleRate && channels === output.channels;
  const stream = same ? output : { ...output, sampleRate, channels };
  return audioEvents(replies.item, wholeFrames(audio, stream), same ? {} : { stream });
}

function clientReady(connection: number, version: string): Uint8Array<ArrayBuffer> {
  const data = { version, about: { library: 'micwire' } };
  const id = `client-ready-${connection}`;
  return messageFrame({ label: RTVI_LABEL, type: 'client-ready', id, data });
}

/** Creates a custom message of the app: an object becomes a `MessageFrame`; text and bytes are sent unchanged. */
function appFrame(value: unknown): WireMessage {
  const asIs =
    typeof value === 'string' || value instanceof ArrayBuffer || ArrayBuffer.isView(value);
  return asIs ? appMessage(value) : messageFrame(value);
}

function messageFrame(value: unknown): Uint8Array<ArrayBuffer> {
  return bytesField(FRAME.message, bytesField(DATA, utf8Bytes(jsonText('a message', value))));
}
