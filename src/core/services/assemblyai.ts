import { numberIn } from '../arguments.ts';
import { joinBytes } from '../bytes.ts';
import { checkOptions, checkText } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { flagOf, numberOf, objectsOf, textOf } from './shared/json-fields.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { SentAudio } from './shared/sent-audio.ts';
import {
  SERVICE_OPTION_NAMES,
  afterClose,
  checkQuery,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { QueryValues, ServiceOptions } from './shared/service-base.ts';
import { SpeechState } from './shared/speech-state.ts';

/** Options of {@link assemblyai}. */
export interface AssemblyaiOptions extends ServiceOptions {
  /** @default 'universal-streaming-english' */
  readonly model?: string;
  /** @default 's16' */
  readonly format?: 's16' | 'mulaw';
  /** Sample rate in Hz, from 8000 to 48000. @default 8000 for 'mulaw', otherwise 16000 */
  readonly sampleRate?: number;
  /** Whether the final text of a turn is formatted: it comes a little later, with punctuation. @default false */
  readonly formatTurns?: boolean;
  /** Added to the query, such as `{ max_turn_silence: 1500, session_heartbeat: true }`. */
  readonly configure?: QueryValues;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
  format: 1,
  sampleRate: 1,
  formatTurns: 1,
  configure: 1,
} satisfies OptionNames<AssemblyaiOptions>;

const ENCODINGS = { s16: 'pcm_s16le', mulaw: 'pcm_mulaw' } as const;

/** The service rejects messages with less audio. */
const MIN_MESSAGE_MS = 50;
/** The service rejects messages with more than 1000 ms: a chunk is sent together with the audio that waited for {@link MIN_MESSAGE_MS}. */
const MAX_CHUNK_MS = 1000 - MIN_MESSAGE_MS;
/** After this long without a word, everything that was said has been transcribed. Our own choice. */
const QUIET_MS = 1000;

/**
 * AssemblyAI's Universal Streaming, version 3: `wss://streaming.assemblyai.com/v3/ws`. The token is a temporary token, valid for one
 * connection. `session.commit()` is `ForceEndpoint`.
 *
 * It does not acknowledge audio, but a finished turn says how far its words reach: after a lost connection a session replays from
 * there. Messages must contain 50 to 1000 ms of audio: a shorter chunk waits for the next one. It closes connections (3007) that
 * receive audio faster than real time, so a replay is slow. With `session_heartbeat` it also reports what it has received, and a replay
 * after a silence is shorter.
 *
 * Message shapes: npm assemblyai 4.41.5, `types/streaming`; limits and close codes: AssemblyAI's page on session errors. Not confirmed:
 * how much faster than real time it accepts audio.
 * @throws TypeError or RangeError for an invalid option
 */
export function assemblyai(options: AssemblyaiOptions = {}): Service {
  checkOptions('assemblyai', options, NAMES);
  const { model = 'universal-streaming-english', format = 's16', formatTurns = false } = options;
  checkText('model', model);
  numberIn('chunkDurationMs', options.chunkDurationMs ?? MIN_MESSAGE_MS, 1, MAX_CHUNK_MS);
  const input = monoStream(ENCODINGS, format, options.sampleRate);
  const query = {
    speech_model: model,
    sample_rate: input.sampleRate,
    encoding: ENCODINGS[format],
    format_turns: formatTurns ? true : undefined,
    ...checkQuery('configure', options.configure),
  };
  return {
    ...serviceBase(options, {
      chunkDurationMs: MIN_MESSAGE_MS,
      overlapMs: 15_000,
      replaySpeed: 1.25,
      keepAliveMs: 10_000,
      answersEnd: true,
      address: (url, token) => serviceAddress(url, { query: { ...query, token } }),
      afterClose: (code) => afterClose(code, CLOSING_CODES),
    }),
    id: 'assemblyai',
    input,
    output: null,
    encoding: 'binary',
    connect: () => connection(input.sampleRate, formatTurns),
  };
}

/** An unreadable message; a bad sample rate, no authorization, no credit, no plan, a bad setting. */
const CLOSING_CODES = {
  3006: 'stop',
  4000: 'stop',
  4001: 'stop',
  4002: 'stop',
  4003: 'stop',
  4101: 'stop',
} as const;

function connection(sampleRate: number, formatTurns: boolean): ServiceConnection {
  const minFrames = Math.ceil((sampleRate * MIN_MESSAGE_MS) / 1000);
  const perMs = sampleRate / 1000;
  const sent = new SentAudio();
  const speech = new SpeechState();
  let waiting: Uint8Array<ArrayBuffer>[] = [];
  let waitingFrames = 0;
  let inTurn = false;
  /** Number of the last turn whose final text was reported. */
  let told = -1;
  let ended = false;

  function flush(): readonly Uint8Array<ArrayBuffer>[] {
    const messages = waiting.length > 1 ? [joinBytes(waiting)] : waiting;
    waiting = [];
    waitingFrames = 0;
    return messages;
  }

  return messageConnection({
    requests: {
      audio: ({ audio }) => {
        sent.add(audio);
        waiting.push(audio.bytes);
        waitingFrames += audio.frames;
        return waitingFrames < minFrames ? [] : flush();
      },
      commit: () => ['{"type":"ForceEndpoint"}'],
      'keep-alive': () => ['{"type":"KeepAlive"}'],
      end: () => {
        ended = true;
        return [...flush(), '{"type":"Terminate"}'];
      },
    },
    json: (fields) => {
      switch (textOf(fields, 'type')) {
        case 'Begin':
          return [{ type: 'ready' }];
        case 'SpeechStarted':
          return speech.set(true);
        case 'Turn': {
          const turn = numberOf(fields, 'turn_order') ?? told + 1;
          // The same turn may end twice, with and without formatting.
          if (turn <= told) return [];
          const over = flagOf(fields, 'end_of_turn');
          const final = over && (!formatTurns || flagOf(fields, 'turn_is_formatted'));
          const text = textOf(fields, 'transcript');
          const events: ServiceEvent[] = [];
          inTurn = !final && Boolean(text);
          if (text) events.push({ type: 'transcript', who: 'user', text, final });
          if (over) events.push(...speech.set(false));
          if (final) {
            told = turn;
            const word = objectsOf(fields, 'words').at(-1);
            const end = word === undefined ? undefined : numberOf(word, 'end');
            if (end !== undefined) events.push(...sent.settled(end * perMs));
          }
          return events;
        }
        case 'Heartbeat': {
          const received = numberOf(fields, 'total_audio_received_ms') ?? 0;
          return inTurn ? [] : sent.settled((received - QUIET_MS) * perMs);
        }
        case 'Termination':
          return ended ? [{ type: 'ended' }] : [];
        case 'Error': {
          const code = numberOf(fields, 'error_code');
          return [
            {
              type: 'error',
              code: code === undefined ? 'Error' : String(code),
              message: textOf(fields, 'error') ?? '',
              fatal: true,
              retry: code === undefined || afterClose(code, CLOSING_CODES) === 'retry',
            },
          ];
        }
        case 'Warning':
          return [
            {
              type: 'error',
              code: String(numberOf(fields, 'warning_code') ?? 'Warning'),
              message: textOf(fields, 'warning') ?? '',
              fatal: false,
              retry: true,
            },
          ];
        default:
          return [];
      }
    },
  });
}
