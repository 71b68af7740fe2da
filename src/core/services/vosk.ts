import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';
import type { Service, ServiceConnection, ServiceEvent, WireMessage } from './service.ts';
import { objectsOf, textOf } from './shared/json-fields.ts';
import { appMessage, jsonText } from '../framing/app-message.ts';
import { messageConnection } from './shared/message-connection.ts';
import { monoStream } from './shared/mono-stream.ts';
import { SentAudio } from './shared/sent-audio.ts';
import { SentMessages } from './shared/sent-messages.ts';
import {
  SERVICE_OPTION_NAMES,
  afterClose,
  checkSettings,
  merged,
  serviceBase,
} from './shared/service-base.ts';
import type { ServiceOptions, ServiceSettings } from './shared/service-base.ts';

/** Options of {@link vosk}. */
export interface VoskOptions extends ServiceOptions {
  /** Sample rate in Hz, from 8000 to 48000, that the model was trained for. @default 16000 */
  readonly sampleRate?: number;
  /** Merged into `config` of the first message, such as `{ words: true, phrase_list: ['yes', 'no'] }`. */
  readonly configure?: ServiceSettings;
}

const NAMES = {
  ...SERVICE_OPTION_NAMES,
  sampleRate: 1,
  configure: 1,
} satisfies OptionNames<VoskOptions>;

const ENCODINGS = { s16: 's16' } as const;

/** After this long without a word, everything that was said has been transcribed. Our own choice. */
const QUIET_SECONDS = 2;

/**
 * A vosk-server (alphacep), by default at port 2700. It has no tokens. `session.commit()` is `{"reset" : 1}`, which asks for the final
 * text.
 *
 * It replies once to each message, in order and after recognition: an exact acknowledgement, by which a session notices a dead
 * connection and knows how much audio is on its way. A new connection is nevertheless a new recognition: a session replays from the
 * last final text, so no word is lost or doubled.
 *
 * Message shapes: alphacep/vosk-server at c2e82f0, `websocket/asr_server.py`. `{"eof" : 1}` and `{"reset" : 1}` are compared as
 * strings, including the spaces, and any text that contains `config` counts as a configuration.
 * @throws TypeError or RangeError for an invalid option
 */
export function vosk(options: VoskOptions = {}): Service {
  checkOptions('vosk', options, NAMES);
  const input = monoStream(ENCODINGS, 's16', options.sampleRate);
  const config = merged(
    { sample_rate: input.sampleRate },
    checkSettings('configure', options.configure),
  );
  const start = jsonText('configure', { config });
  return {
    ...serviceBase(options, {
      chunkDurationMs: 100,
      acknowledges: true,
      overlapMs: 20_000,
      readyOnOpen: true,
      answersEnd: true,
      afterClose: (code) => afterClose(code, { 1000: 'retry' }),
    }),
    id: 'vosk',
    input,
    output: null,
    encoding: 'binary',
    connect: () => connection(start, input.sampleRate),
  };
}

function connection(start: string, sampleRate: number): ServiceConnection {
  const sent = new SentAudio();
  const messages = new SentMessages();
  let replies = 0;
  let ended = false;

  /** Counts a message that is replied to. */
  function counted(message: WireMessage): readonly WireMessage[] {
    messages.add(sent.length);
    return [message];
  }

  return messageConnection({
    requests: {
      open: () => [start],
      audio: ({ audio }) => {
        sent.add(audio);
        return counted(audio.bytes);
      },
      commit: () => counted('{"reset" : 1}'),
      message: ({ value }) => {
        const message = appMessage(value);
        const isConfig = typeof message === 'string' && message.includes('config');
        return isConfig ? [message] : counted(message);
      },
      end: () => {
        ended = true;
        return counted('{"eof" : 1}');
      },
    },
    json: (fields) => {
      const events: ServiceEvent[] = [];
      const end = messages.acknowledge(++replies);
      const frame = end === undefined ? undefined : sent.frameAt(end);
      if (frame !== undefined) events.push({ type: 'acknowledged', frame });
      const partial = textOf(fields, 'partial');
      if (partial !== undefined) {
        if (partial) events.push({ type: 'transcript', who: 'user', text: partial, final: false });
        else if (end !== undefined) events.push(...sent.settled(end - QUIET_SECONDS * sampleRate));
        return events;
      }
      const best = objectsOf(fields, 'alternatives')[0];
      const text = textOf(fields, 'text') ?? (best && textOf(best, 'text'));
      if (text) events.push({ type: 'transcript', who: 'user', text, final: true });
      if (end !== undefined) events.push(...sent.settled(end));
      if (ended && replies === messages.count) events.push({ type: 'ended' });
      return events;
    },
  });
}
