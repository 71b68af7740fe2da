import { PacketError } from '../errors.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { bytesPerFrame } from '../format/stream-format.ts';
import type { StreamFormat } from '../format/stream-format.ts';
import type { Service, ServiceConnection } from './service.ts';
import { flagOf, listOf, objectOf, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { SentAudio } from './shared/sent-audio.ts';
import { SERVICE_OPTION_NAMES, serviceAddress, serviceBase } from './shared/service-base.ts';
import type { ServiceOptions } from './shared/service-base.ts';
import { silence } from './shared/silence.ts';
import { SpeechState } from './shared/speech-state.ts';

/** Options of {@link gladia}. */
export interface GladiaOptions extends ServiceOptions {
  /** Must be the format that the session was created with. @default 's16' */
  readonly format?: keyof typeof ENCODINGS;
  /** Sample rate in Hz that the session was created with. @default 8000 for G.711, otherwise 16000 */
  readonly sampleRate?: number;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  format: 1,
  sampleRate: 1,
} satisfies OptionNames<GladiaOptions>;

/** `encoding` of a session; `bit_depth` is 16, 24, 32 or 8. */
const ENCODINGS = {
  s16: 'wav/pcm',
  s24: 'wav/pcm',
  s32: 'wav/pcm',
  mulaw: 'wav/ulaw',
  alaw: 'wav/alaw',
} as const;

/**
 * Gladia's live transcription, version 2. Each session has its own address, which the app's server requests with its API key:
 *
 * ```js
 * // On the server: the address is good for one session, and has its token in it.
 * const response = await fetch('https://api.gladia.io/v2/live', {
 *   method: 'POST',
 *   headers: { 'content-type': 'application/json', 'x-gladia-key': key },
 *   body: JSON.stringify({
 *     encoding: 'wav/pcm', bit_depth: 16, sample_rate: 16000, channels: 1,
 *     messages_config: { receive_acknowledgments: true, receive_partial_transcripts: true },
 *   }),
 * });
 * const { url } = await response.json();
 *
 * // In the page: the same address for every connection of the session.
 * let address;
 * const session = await Session.open({
 *   service: gladia(),
 *   url: () => (address ??= fetch('/gladia-session', { method: 'POST' }).then((r) => r.text())),
 * });
 * ```
 *
 * It acknowledges audio by bytes (`receive_acknowledgments` must be true), and the next connection to the same address continues the
 * session: every frame is transcribed once. Without audio, the session sends 100 ms of silence every 15 s, which Gladia acknowledges
 * too.
 *
 * Message shapes, and close codes that mean "do not reconnect": npm @gladiaio/sdk 2.1.0, `v2/live` and `client.ts`, which replays at
 * full speed. Not confirmed: how long a session waits for its next connection, and whether the byte count on a new connection continues
 * from the last acknowledgement. Both that and a count that restarts at 0 work.
 * @throws TypeError or RangeError for an invalid option
 */
export function gladia(options: GladiaOptions = {}): Service {
  checkOptions('gladia', options, NAMES);
  const { format = 's16' } = options;
  const input = monoStream(ENCODINGS, format, options.sampleRate);
  return {
    ...serviceBase(options, {
      chunkDurationMs: 100,
      acknowledges: true,
      replaySpeed: 8,
      keepAliveMs: 15_000,
      readyOnOpen: true,
      answersEnd: true,
      address: (url) => serviceAddress(url, {}),
      // As in Gladia's own package: 1000, and 4400 to 4499, such as 4403 for a session that is over.
      afterClose: (code) => (code === 1000 || (code >= 4400 && code < 4500) ? 'stop' : 'retry'),
    }),
    id: 'gladia',
    input,
    output: null,
    encoding: 'binary',
    connect: () => connection(input),
  };
}

function connection(input: StreamFormat): ServiceConnection {
  const sent = new SentAudio();
  const speech = new SpeechState();
  const frameBytes = bytesPerFrame(input);
  /** Bytes of the session before this connection: where its first acknowledgement begins. */
  let before: number | undefined;
  let ended = false;
  return messageConnection({
    requests: {
      audio: ({ audio }) => {
        sent.add(audio);
        return [audio.bytes];
      },
      'keep-alive': () => {
        const frames = Math.round(input.sampleRate / 10);
        const bytes = silence(input, frames);
        if (bytes === undefined) return [];
        sent.pad(frames);
        return [bytes];
      },
      end: () => {
        ended = true;
        return ['{"type":"stop_recording"}'];
      },
    },
    json: (fields) => {
      const data = objectOf(fields, 'data');
      switch (textOf(fields, 'type')) {
        case 'audio_chunk': {
          if (data === undefined || !flagOf(fields, 'acknowledged')) {
            const error = objectOf(fields, 'error');
            const message = (error && textOf(error, 'message')) ?? '';
            return [{ type: 'error', code: 'audio_chunk', message, fatal: false, retry: true }];
          }
          const [from, to] = listOf(data, 'byte_range');
          if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) {
            throw new PacketError('bad-field', 'data.byte_range must be two integers.');
          }
          before ??= from as number;
          const frame = sent.frameAt(Math.floor(((to as number) - before) / frameBytes));
          return frame === undefined ? [] : [{ type: 'acknowledged', frame }];
        }
        case 'transcript': {
          const utterance = data && objectOf(data, 'utterance');
          const text = utterance && textOf(utterance, 'text');
          if (!data || !text) return [];
          return [{ type: 'transcript', who: 'user', text, final: flagOf(data, 'is_final') }];
        }
        case 'speech_start':
          return speech.set(true);
        case 'speech_end':
          return speech.set(false);
        case 'end_session':
          return ended ? [{ type: 'ended' }] : [];
        default:
          return [];
      }
    },
  });
}
