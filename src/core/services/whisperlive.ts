import { checkOptions, checkText } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import { utf8Bytes } from '../bytes.ts';
import type { Service, ServiceConnection, ServiceEvent } from './service.ts';
import { flagOf, objectsOf, textOf } from './shared/json-fields.ts';
import { jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import { SentAudio } from './shared/sent-audio.ts';
import {
  SERVICE_OPTION_NAMES,
  afterClose,
  checkSettings,
  merged,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';
import { monoStream } from './shared/mono-stream.ts';

/** Options of {@link whisperlive}. */
export interface WhisperliveOptions extends ServiceOptions {
  /** Model that the server loads. @default 'small' */
  readonly model?: string;
  /** Language spoken, such as `'en'`; null to let the server detect it, which takes 30 s of audio. @default null */
  readonly language?: string | null;
  /** Formats other than 'f32' need a server of 2026, which supports `audio_format`. @default 'f32' */
  readonly format?: keyof typeof ENCODINGS;
  /** Merged into the first message, such as `{ task: 'translate', use_vad: false }`. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  model: 1,
  language: 1,
  format: 1,
  configure: 1,
} satisfies OptionNames<WhisperliveOptions>;

const ENCODINGS = { f32: 'float32', s16: 'int16', u8: 'uint8' } as const;
const SAMPLE_RATE = 16_000;

/**
 * A WhisperLive server (collabora), by default at port 9090. It has no tokens.
 *
 * It does not acknowledge audio, but a completed segment says how far it reaches. After a lost connection a session replays from there,
 * so no word is lost or doubled. A server ends each connection after a time (5 minutes by default); nothing is lost then. At the end,
 * the server does not wait for the text of the last second. A full server refuses the connection (`WAIT`), and a session tries again.
 *
 * Message shapes: collabora/WhisperLive at bde730b, `whisper_live/server.py` and `backend/base.py`. The end is the bytes `END_OF_AUDIO`
 * in a binary message; a text message is not recognized. The server keeps at most 45 s that it has not transcribed, so a replay must
 * not be faster than the transcription. Not confirmed: that it transcribes twice as fast as real time, which depends on the machine.
 * @throws TypeError or RangeError for an invalid option
 */
export function whisperlive(options: WhisperliveOptions = {}): Service {
  checkOptions('whisperlive', options, NAMES);
  const { model = 'small', language = null, format = 'f32' } = options;
  checkText('model', model);
  if (language !== null) checkText('language', language);
  const settings = merged(
    {
      language,
      task: 'transcribe',
      model,
      use_vad: true,
      ...(format === 'f32' ? {} : { audio_format: ENCODINGS[format] }),
    },
    checkSettings('configure', options.configure),
  );
  return {
    ...serviceBase(options, {
      chunkDurationMs: 100,
      overlapMs: 30_000,
      afterClose: (code) => afterClose(code, { 1000: 'retry' }),
    }),
    id: 'whisperlive',
    input: monoStream(ENCODINGS, format, SAMPLE_RATE),
    output: null,
    encoding: 'binary',
    connect: () => connection(settings),
  };
}

function connection(settings: ServiceSettings): ServiceConnection {
  const sent = new SentAudio();
  /** Where the last completed segment ends, in seconds: messages repeat the last segments. */
  let completed = 0;
  return messageConnection({
    requests: {
      open: ({ session }) => [jsonText('configure', { uid: session, ...settings })],
      audio: ({ audio }) => {
        sent.add(audio);
        return [audio.bytes];
      },
      end: () => [utf8Bytes('END_OF_AUDIO')],
    },
    json: (fields) => {
      const events: ServiceEvent[] = [];
      const status = textOf(fields, 'status');
      if (status !== undefined) {
        const { message } = fields;
        return [
          {
            type: 'error',
            code: status,
            // For WAIT, a number of minutes.
            message:
              typeof message === 'string'
                ? message
                : typeof message === 'number'
                  ? `${message} minutes`
                  : '',
            fatal: status !== 'WARNING',
            retry: status !== 'ERROR',
          },
        ];
      }
      if (fields['message'] === 'SERVER_READY') return [{ type: 'ready' }];
      if (fields['message'] === 'DISCONNECT') return [{ type: 'going-away', inMs: 0 }];
      for (const segment of objectsOf(fields, 'segments')) {
        const text = textOf(segment, 'text')?.trim();
        // Numbers are strings here: '1.250'.
        const start = Number(textOf(segment, 'start'));
        const end = Number(textOf(segment, 'end'));
        const final = flagOf(segment, 'completed');
        if (!(start >= completed)) continue;
        if (text) events.push({ type: 'transcript', who: 'user', text, final });
        if (!final || !(end > completed)) continue;
        completed = end;
        events.push(...sent.settled(end * SAMPLE_RATE));
      }
      return events;
    },
  });
}
