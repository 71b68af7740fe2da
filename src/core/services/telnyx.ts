import { oneOf } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { isSampleFormat } from '../format/formats.ts';
import { PACKET_CODECS } from '../format/packet-codecs.ts';
import { isSampled } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { JsonFields } from '../framing/json-object.ts';
import type { Service, ServiceEvent } from './service.ts';
import {
  CALL,
  CallerNames,
  SentMarks,
  audioEvents,
  callerMedia,
  oneRate,
  wholeNumberOf,
  wrongFormat,
} from './shared/call.ts';
import { need, objectOf, textOf } from './shared/json-fields.ts';
import { mediaStreamConnection } from './shared/media-stream.ts';
import { SERVICE_OPTION_NAMES, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';

/** Options of {@link telnyx}. */
export interface TelnyxOptions extends ServiceOptions {
  /**
   * Format of the session's audio: the call's `stream_bidirectional_codec` PCMU, PCMA or OPUS, with `stream_bidirectional_mode: 'rtp'`.
   * @default 'mulaw'
   */
  readonly format?: 'mulaw' | 'alaw' | 'opus';
  /**
   * Sample rate of the session's audio in Hz: the call's `stream_bidirectional_sampling_rate`. 8000 for G.711.
   * @default 8000; 16000 for Opus
   */
  readonly sampleRate?: 8000 | 16_000 | 24_000;
}

const NAMES: OptionNames<TelnyxOptions> = { ...SERVICE_OPTION_NAMES, format: 1, sampleRate: 1 };
/** Minimum duration of the audio in a message, in ms. */
const MIN_CHUNK_MS = 20;

/** The formats that Telnyx names in `media_format.encoding`. */
const ENCODINGS: Readonly<Record<string, 'mulaw' | 'alaw' | 'opus'>> = {
  PCMU: 'mulaw',
  PCMA: 'alaw',
  OPUS: 'opus',
};

/**
 * Telnyx Media Streaming, bidirectional in RTP mode: Telnyx connects to the app's server.
 *
 * Audio is Base64 in JSON. The caller's audio has the codec of the call, PCMU, PCMA or OPUS, regardless of what the session sends.
 * Telnyx does not guarantee the order of its messages: they are sorted by `sequence_number`, and missing messages count as lost audio.
 * `clear` stops the playback. Telnyx sends a mark back when it was heard, and also when it was cleared; only the former is a `'marked'`
 * event. Keys that the caller presses arrive as `'message'` events with `event: 'dtmf'`.
 *
 * Not confirmed: that each missing number was audio; the fields of `error` messages. L16 is not supported: Telnyx does not document its
 * byte order, and implementations disagree (pipecat-ai/pipecat#3383). Nor are G722 and AMR-WB: this library does not have these codecs.
 *
 * Sources: developers.telnyx.com/api-reference/websockets/stream-call-media-over-websocket and
 * …/docs/voice/programmable-voice/media-streaming; pipecat-ai/pipecat, serializers/telnyx.py.
 *
 * @throws TypeError or RangeError for an unknown option or a value out of its range
 */
export function telnyx(options: TelnyxOptions = {}): Service {
  checkOptions('telnyx', options, NAMES);
  const format = oneOf('format', options.format ?? 'mulaw', ['mulaw', 'alaw', 'opus']);
  const opus = !isSampleFormat(format);
  const rate = options.sampleRate ?? (opus ? 16_000 : 8000);
  const sampleRate = oneRate(rate, opus ? [8000, 16_000, 24_000] : [8000]);
  const base = serviceBase(options, CALL);
  if (base.chunkDurationMs < MIN_CHUNK_MS) {
    const got = `got ${base.chunkDurationMs}`;
    throw new RangeError(`chunkDurationMs must be at least ${MIN_CHUNK_MS}, ${got}.`);
  }
  const callers = new CallerNames();
  const input = { format, sampleRate, channels: 1 } as const;
  const output: StreamFormat = opus ? { format: 'mulaw', sampleRate: 8000, channels: 1 } : input;
  return {
    id: 'telnyx',
    input,
    output,
    encoding: 'base64',
    ...base,
    connect() {
      const caller = callers.next();
      const marks = new SentMarks();
      const order = new MessageOrder();
      let stream = output;
      const clear = (): readonly string[] => {
        marks.clear();
        return ['{"event":"clear"}'];
      };
      const played = (ready: readonly OrderedMedia[]): readonly ServiceEvent[] =>
        ready.flatMap(({ media, missing }) => {
          const bytes = callerMedia(media, stream);
          // The duration of a missing packet is unknown.
          const lostFrames = isSampled(stream) ? missing * (bytes?.length ?? 0) : 0;
          const more = { ...(stream === output ? {} : { stream }) };
          return audioEvents(caller, bytes, lostFrames > 0 ? { ...more, lostFrames } : more);
        });
      return mediaStreamConnection(
        {
          audio: ({ audio }) => [
            JSON.stringify({ event: 'media', media: { payload: audio.base64 } }),
          ],
          mark: ({ name }) => [JSON.stringify({ event: 'mark', mark: { name: marks.add(name) } })],
          clear,
          interrupted: clear,
        },
        (event, fields) => {
          const number = wholeNumberOf(fields, 'sequence_number');
          if (event === 'media') {
            // Checked before it waits, so that an error concerns its own message.
            callerMedia(fields, stream);
            return played(order.take(number, fields));
          }
          const before = played(order.take(number, null));
          switch (event) {
            case 'start': {
              const start = need(objectOf(fields, 'start'), 'start');
              const found = streamOf(objectOf(start, 'media_format') ?? {}, output);
              if (found === null) {
                return [wrongFormat('The codec of the call must be PCMU, PCMA or OPUS.')];
              }
              stream = found;
              return [...before, { type: 'ready' }];
            }
            case 'mark': {
              const name = need(textOf(objectOf(fields, 'mark') ?? {}, 'name'), 'mark.name');
              return [...before, ...marks.heard(name)];
            }
            case 'error':
              return [...before, errorEvent(fields)];
            case 'stop':
              return [
                ...before,
                ...played(order.rest()),
                { type: 'item-end', item: caller },
                { type: 'ended' },
              ];
            default:
              return before;
          }
        },
      );
    },
  };
}

/** Returns the stream of a call: `output` itself if it is the same, null if this library has no such format. */
function streamOf(media: JsonFields, output: StreamFormat): StreamFormat | null {
  const encoding = textOf(media, 'encoding');
  if (encoding === undefined) return output;
  const format = Object.hasOwn(ENCODINGS, encoding) ? ENCODINGS[encoding] : undefined;
  const { sampleRates, maxChannels } = PACKET_CODECS.opus;
  const sampleRate = wholeNumberOf(media, 'sample_rate') ?? 8000;
  const channels = wholeNumberOf(media, 'channels', { min: 1, max: maxChannels }) ?? 1;
  if (format === undefined || !sampleRates.includes(sampleRate)) return null;
  const same = format === output.format && sampleRate === output.sampleRate && channels === 1;
  return same ? output : { format, sampleRate, channels };
}

function errorEvent(fields: JsonFields): ServiceEvent {
  const payload = objectOf(fields, 'payload') ?? {};
  const code = payload['code'];
  return {
    type: 'error',
    code: typeof code === 'number' || typeof code === 'string' ? String(code) : 'error',
    message: textOf(payload, 'detail') ?? textOf(payload, 'title') ?? 'Telnyx reports an error.',
    fatal: false,
    retry: true,
  };
}

/** A message with media, in order. */
interface OrderedMedia {
  readonly media: JsonFields;
  /** Number of messages missing just before it. */
  readonly missing: number;
}

/** Maximum number of messages that wait for a missing one: 160 ms of audio. */
const MAX_WAITING = 8;
/** A longer gap restarts the order, and does not count as lost: 10 s of audio. */
const MAX_MISSING = 500;

/** Puts messages in the order of their numbers. Messages without a number are taken as they arrive. */
class MessageOrder {
  /** Number of the next message; undefined before the first. */
  #next: number | undefined;
  readonly #waiting = new Map<number, JsonFields | null>();

  /**
   * Takes a message.
   * @param media null for a message that only has a number
   * @returns the messages with media that are due. A message that comes after its turn is dropped: it was counted as missing
   */
  take(number: number | undefined, media: JsonFields | null): readonly OrderedMedia[] {
    if (number === undefined) return media === null ? [] : [{ media, missing: 0 }];
    this.#next ??= number;
    if (number < this.#next || this.#waiting.has(number)) return [];
    this.#waiting.set(number, media);
    const ready = this.#inOrder(0);
    return this.#waiting.size <= MAX_WAITING ? ready : [...ready, ...this.#skip()];
  }

  /** Ends the order. @returns the messages that still waited */
  rest(): readonly OrderedMedia[] {
    const ready: OrderedMedia[] = [];
    while (this.#waiting.size > 0) ready.push(...this.#skip());
    return ready;
  }

  /** Stops waiting for the missing messages. */
  #skip(): readonly OrderedMedia[] {
    const first = Math.min(...this.#waiting.keys());
    const missing = first - this.#next!;
    this.#next = first;
    return this.#inOrder(missing > MAX_MISSING ? 0 : missing);
  }

  #inOrder(missing: number): readonly OrderedMedia[] {
    const ready: OrderedMedia[] = [];
    for (; this.#waiting.has(this.#next!); this.#next!++) {
      const media = this.#waiting.get(this.#next!)!;
      this.#waiting.delete(this.#next!);
      if (media === null) continue;
      ready.push({ media, missing });
      missing = 0;
    }
    return ready;
  }
}
