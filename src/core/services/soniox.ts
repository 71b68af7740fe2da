import { checkOptions, checkText } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { flagOf, numberOf, objectsOf, textOf } from './shared/json-fields.ts';
import { jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { SentAudio } from './shared/sent-audio.ts';
import {
  SERVICE_OPTION_NAMES,
  afterClose,
  checkSettings,
  merged,
  serviceAddress,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';

/** Options of {@link soniox}. */
export interface SonioxOptions extends ServiceOptions {
  /** @default 'stt-rt-v5' */
  readonly model?: string;
  /** Sample rate in Hz, from 8000 to 48000. @default 16000 */
  readonly sampleRate?: number;
  /** Merged into the first message, such as `{ language_hints: ['en'], enable_endpoint_detection: true }`. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
  sampleRate: 1,
  configure: 1,
} satisfies OptionNames<SonioxOptions>;

const ENCODINGS = { s16: 'pcm_s16le' } as const;

/** A final text has at least this many characters, unless the utterance ends before. It then ends at a word boundary… */
const MIN_FINAL = 100;
/** …or anywhere after this many, for languages without spaces. */
const MAX_FINAL = 400;
/** After this long without a token, everything that was said has been transcribed. Our own choice. */
const QUIET_MS = 1000;

/**
 * Soniox' real-time transcription: `wss://stt-rt.soniox.com/transcribe-websocket`. The token is a temporary API key, which a browser sends
 * as a subprotocol. `session.commit()` is `finalize`.
 *
 * It does not acknowledge audio, but each message reports how much of it has its final text. After a lost connection a session replays
 * from there, so no word is lost or doubled. Tokens are parts of words: they are joined until an utterance ends, or for some hundred
 * characters. While muted, the session finalizes the words before and sends only `keepalive`. Tokens of translations are in the
 * messages, not in the transcripts.
 *
 * Message shapes: npm @soniox/speech-to-text-web 1.4.0 and pipecat `soniox/stt.py`; the key as a subprotocol, `keepalive` within 20 s,
 * "near real-time" and errors: Soniox' pages on these. Not confirmed: how much faster than real time it accepts audio.
 * @throws TypeError or RangeError for an invalid option
 */
export function soniox(options: SonioxOptions = {}): Service {
  checkOptions('soniox', options, NAMES);
  const { model = 'stt-rt-v5' } = options;
  checkText('model', model);
  const input = monoStream(ENCODINGS, 's16', options.sampleRate);
  const start = jsonText(
    'configure',
    merged(
      { model, audio_format: 'pcm_s16le', sample_rate: input.sampleRate, num_channels: 1 },
      checkSettings('configure', options.configure),
    ),
  );
  return {
    ...serviceBase(options, {
      chunkDurationMs: 100,
      overlapMs: 15_000,
      replaySpeed: 1.5,
      muteAs: 'keep-alive',
      keepAliveMs: 10_000,
      readyOnOpen: true,
      answersEnd: true,
      address: (url, token) =>
        serviceAddress(url, { protocols: token === undefined ? [] : ['soniox-api-key', token] }),
      // Each connection ends with a message that gives the reason.
      afterClose: (code) => afterClose(code, { 1000: 'retry' }),
    }),
    id: 'soniox',
    input,
    output: null,
    encoding: 'binary',
    connect: () => connection(start, input.sampleRate),
  };
}

const FINALIZE = '{"type":"finalize"}';

function connection(start: string, sampleRate: number): ServiceConnection {
  const perMs = sampleRate / 1000;
  const sent = new SentAudio();
  /** The final tokens that were not reported as final text yet, and how far all final tokens reach. */
  let text = '';
  let doneMs = 0;
  let ended = false;

  /** Reports the final tokens: the audio up to them is settled. */
  function tell(): readonly ServiceEvent[] {
    const words: readonly ServiceEvent[] =
      text.trim() === '' ? [] : [{ type: 'transcript', who: 'user', text, final: true }];
    text = '';
    return [...words, ...sent.settled(doneMs * perMs)];
  }
  return messageConnection({
    requests: {
      open: () => [start],
      audio: ({ audio }) => {
        sent.add(audio);
        return [audio.bytes];
      },
      commit: () => [FINALIZE],
      mute: ({ muted }) => (muted ? [FINALIZE] : []),
      'keep-alive': () => ['{"type":"keepalive"}'],
      end: () => {
        ended = true;
        return [''];
      },
    },
    json: (fields) => {
      const status = numberOf(fields, 'error_code');
      if (status !== undefined) {
        return [
          {
            type: 'error',
            code: String(status),
            message: textOf(fields, 'error_message') ?? '',
            fatal: true,
            retry: status >= 500 || status === 408 || status === 429,
          },
        ];
      }
      const events: ServiceEvent[] = [];
      let rest = '';
      for (const token of objectsOf(fields, 'tokens')) {
        const piece = textOf(token, 'text') ?? '';
        if (piece === '<end>' || piece === '<fin>') {
          // The end of an utterance, and the answer to `finalize`.
          events.push(...tell());
          continue;
        }
        if (textOf(token, 'translation_status') === 'translation') continue;
        if (!flagOf(token, 'is_final')) {
          rest += piece;
          continue;
        }
        const isLong = text.length >= MIN_FINAL;
        if (isLong && (piece.startsWith(' ') || text.length >= MAX_FINAL)) events.push(...tell());
        text += piece;
        doneMs = Math.max(doneMs, numberOf(token, 'end_ms') ?? 0);
      }
      doneMs = Math.max(doneMs, numberOf(fields, 'final_audio_proc_ms') ?? 0);
      const isOver = flagOf(fields, 'finished');
      if (isOver) events.push(...tell());
      if (text || rest) {
        events.push({ type: 'transcript', who: 'user', text: text + rest, final: false });
      } else {
        const totalMs = numberOf(fields, 'total_audio_proc_ms') ?? 0;
        events.push(...sent.settled(Math.max(doneMs, totalMs - QUIET_MS) * perMs));
      }
      if (ended && isOver) events.push({ type: 'ended' });
      return events;
    },
  });
}
