import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, integerIn, oneOf } from '../arguments.ts';
import { utf8Bytes } from '../bytes.ts';
import { isSameStream } from '../format/stream-format.ts';
import type { Service, ServiceEvent } from './service.ts';
import { audioEvents, wholeFrames } from './shared/call.ts';
import { need, textOf } from './shared/json-fields.ts';
import { ReplyNames, UnnamedReplies } from './shared/replies.ts';
import { SERVICE_OPTION_NAMES, checkSettings, mono16, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';
import { streamDecoder, tcpAddress } from './shared/tcp-messages.ts';
import type { StreamParser } from './shared/tcp-messages.ts';
import { WyomingReader, wyomingEventBytes, wyomingStream } from './shared/wyoming-events.ts';
import type { WyomingEvent } from './shared/wyoming-events.ts';

/** Longest transcript that is assembled from chunks, in UTF-16 code units. The final one has no such limit. */
const MAX_TRANSCRIPT = 2048;
/** Maximum number of utterances that wait for a transcript. */
const MAX_WAITING = 64;
const PING_MS = 30_000;
/** Longest utterance that is sent again after a lost connection. */
const UTTERANCE_MS = 15_000;
/** Options of {@link wyoming}. */
export interface WyomingOptions extends ServiceOptions {
  /** Sample rate of the session's audio in Hz. @default 16000 */
  readonly sampleRate?: number;
  /** Sample rate of the server's audio in Hz, unless it says otherwise: that of its voice. @default 22050 */
  readonly outputSampleRate?: number;
  /**
   * The event that begins each utterance: `'transcribe'` for speech-to-text, `'detect'` for wake words, null for none.
   * @default 'transcribe'
   */
  readonly request?: 'transcribe' | 'detect' | null;
  /** Data of that event, such as `{ language: 'en' }` or `{ names: ['ok_nabu'] }`. */
  readonly configure?: Readonly<Record<string, unknown>>;
}

const NAMES: OptionNames<WyomingOptions> = {
  ...SERVICE_OPTION_NAMES,
  sampleRate: 1,
  outputSampleRate: 1,
  request: 1,
  configure: 1,
};

/**
 * Wyoming, the protocol of Home Assistant's voice services, over TCP: speech-to-text, wake words, voice activity and text-to-speech.
 *
 * The session sends 16-bit mono samples in `audio-chunk` events, with the time since the session began. `commit()` ends an utterance
 * with `audio-stop`, and the server answers with a `transcript`; the next audio begins another utterance. Many servers close the
 * connection after a transcript: the session connects again, and repeats an utterance that has no transcript yet. The server's audio
 * may have 1 to 4 bytes per sample and any sample rate. To have a text spoken, send
 * `session.send({ type: 'synthesize', data: { text: 'Hello' } })`. All events of the server reach the app as `'message'` events with
 * `type` and `data`.
 *
 * Not confirmed: that one-byte samples are unsigned, as in WAV files.
 *
 * Source: OHF-Voice/wyoming, README.md, wyoming/event.py, wyoming/audio.py.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function wyoming(options: WyomingOptions = {}): Service {
  checkOptions('wyoming', options, NAMES);
  const { sampleRate = 16_000, outputSampleRate = 22_050, request = 'transcribe' } = options;
  const input = mono16(integerIn('sampleRate', sampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE));
  const output = mono16(
    integerIn('outputSampleRate', outputSampleRate, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE),
  );
  if (request !== null) oneOf('request', request, ['transcribe', 'detect']);
  const configure = checkSettings('configure', options.configure);
  const format = { rate: input.sampleRate, width: 2, channels: 1 };
  const names = new ReplyNames();
  return {
    id: 'wyoming',
    input,
    output,
    encoding: 'binary',
    ...serviceBase(options, {
      transport: 'tcp',
      readyOnOpen: true,
      answersEnd: true,
      // Speech-to-text needs an utterance again from its beginning; a wake word must not be detected twice.
      overlapMs: request === 'transcribe' ? UTTERANCE_MS : 0,
      muteAs: 'keep-alive',
      keepAliveMs: PING_MS,
      address: tcpAddress,
      afterClose: () => 'retry',
    }),
    connect() {
      const replies = new UnnamedReplies(names);
      let started = false;
      let transcript = '';
      let isEnding = false;
      /** The frame after the last one that was sent. */
      let ended = 0;
      /** Ends of the utterances that have no transcript yet. */
      const ends: number[] = [];
      const stop = (frame: number): readonly Uint8Array<ArrayBuffer>[] => {
        if (!started) return [];
        started = false;
        if (ends.push(frame) > MAX_WAITING) ends.shift();
        return [wyomingEventBytes('audio-stop')];
      };
      const played = (event: WyomingEvent): readonly ServiceEvent[] => {
        const told = wyomingStream(event.data);
        const stream = isSameStream(told, output) ? output : told;
        const bytes = wholeFrames(event.payload, stream);
        return audioEvents(replies.item, bytes, stream === output ? {} : { stream });
      };
      const said = (event: WyomingEvent): readonly ServiceEvent[] => {
        const { type, data } = event;
        switch (type) {
          case 'audio-start':
            return replies.end();
          case 'audio-stop':
            return replies.end();
          case 'transcript-start':
            transcript = '';
            return [];
          case 'transcript-chunk': {
            transcript = (transcript + need(textOf(data, 'text'), 'text')).slice(-MAX_TRANSCRIPT);
            return [{ type: 'transcript', who: 'user', text: transcript, final: false }];
          }
          case 'transcript': {
            const text = need(textOf(data, 'text'), 'text');
            transcript = '';
            const frame = ends.shift();
            const settled: readonly ServiceEvent[] =
              frame === undefined ? [] : [{ type: 'settled', frame }];
            return [{ type: 'transcript', who: 'user', text, final: true }, ...settled];
          }
          case 'info':
            return isEnding ? [{ type: 'ended' }] : [];
          case 'voice-started':
            return [{ type: 'speech', active: true }];
          case 'voice-stopped':
            return [{ type: 'speech', active: false }];
          case 'ping': {
            const text = textOf(data, 'text');
            const answer = wyomingEventBytes('pong', text === undefined ? {} : { text });
            return [{ type: 'reply', message: answer }];
          }
          case 'error': {
            const text = textOf(data, 'text') ?? 'The Wyoming server reports an error.';
            const code = textOf(data, 'code') ?? 'error';
            return [{ type: 'error', code, message: text, fatal: false, retry: true }];
          }
          default:
            return [];
        }
      };
      const events = new WyomingReader();
      const parser: StreamParser = {
        get isOver() {
          return events.isOver;
        },
        next(queue) {
          const event = events.next(queue);
          if (event === null) return null;
          if (event.type === 'audio-chunk') return played(event);
          const { type, data, payload } = event;
          const value = payload.length === 0 ? { type, data } : { type, data, payload };
          return [...said(event), { type: 'message', value }];
        },
      };
      return {
        encode(asked) {
          switch (asked.type) {
            case 'audio': {
              const { frame, frames, bytes } = asked.audio;
              ended = frame + frames;
              const timestamp = Math.round((frame / input.sampleRate) * 1000);
              const chunk = wyomingEventBytes('audio-chunk', { ...format, timestamp }, bytes);
              if (started) return [chunk];
              started = true;
              const start = wyomingEventBytes('audio-start', { ...format, timestamp });
              return request === null
                ? [start, chunk]
                : [wyomingEventBytes(request, configure), start, chunk];
            }
            case 'commit':
              return stop(asked.frame);
            case 'end':
              isEnding = true;
              // Servers handle events in order: the answer to this follows the transcript.
              return [...stop(ended), wyomingEventBytes('describe')];
            case 'played':
              return asked.name === null ? [wyomingEventBytes('played')] : [];
            case 'keep-alive':
              return [wyomingEventBytes('ping')];
            case 'message':
              return [appEvent(asked.value)];
            default:
              return [];
          }
        },
        decode: streamDecoder(parser),
      };
    },
  };
}

/**
 * Creates a custom message of the app: text and bytes unchanged, or an event with `type`, and optionally `data` and `payload`.
 * @throws TypeError for any other value
 */
function appEvent(value: unknown): Uint8Array<ArrayBuffer> {
  if (typeof value === 'string') return utf8Bytes(value);
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (typeof value !== 'object' || value === null) {
    throw new TypeError('An event of Wyoming must be an object.');
  }
  const { type, data, payload } = value as Readonly<Record<string, unknown>>;
  if (typeof type !== 'string') throw new TypeError('An event of Wyoming must have a type.');
  const bytes = payload instanceof Uint8Array ? payload : undefined;
  return wyomingEventBytes(type, checkSettings('data', data), bytes);
}
