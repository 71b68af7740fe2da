import type { WireMessage } from '../../src/core/services/service.ts';

/*
 * Recognizers that hear numbered words: every sample of a word is the word's number, and 0 is silence. A word that was not heard from
 * its first to its last frame is written with a question mark.
 */

export const SAMPLE_RATE = 16_000;
/** Silence that ends an utterance, and the longest time without a result, frames. */
const PAUSE = 0.4 * SAMPLE_RATE;
const RESULT_EVERY = SAMPLE_RATE;

/** Words of a connection, and how far they reach. */
interface Heard {
  /** The words of the utterance so far. */
  readonly words: readonly { readonly text: string; readonly end: number }[];
  /** The utterance has ended here; or nothing was said for a while. */
  readonly isOver: boolean;
  /** Frames of the connection. */
  readonly position: number;
}

/** What a recognizer has heard on one connection. */
export class Recognition {
  readonly #lengths: ReadonlyMap<number, number>;
  #words: { text: string; end: number }[] = [];
  #word = 0;
  #length = 0;
  #position = 0;
  #overAt = 0;

  /** @param lengths frames of each word */
  constructor(lengths: ReadonlyMap<number, number>) {
    this.#lengths = lengths;
  }

  hear(bytes: Uint8Array): Heard {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + 1 < bytes.length; at += 2) {
      const value = view.getInt16(at, true);
      if (value !== this.#word) this.#endWord(value);
      this.#length++;
      this.#position++;
    }
    const isQuiet = this.#word === 0 && this.#length >= PAUSE;
    const isLate = this.#position - this.#overAt >= RESULT_EVERY;
    return this.#result(isQuiet && (this.#words.length > 0 || isLate));
  }

  /** Nothing follows. */
  end(): Heard {
    this.#endWord(0);
    return this.#result(true);
  }

  #result(isOver: boolean): Heard {
    const words = this.#words;
    if (isOver) {
      this.#words = [];
      this.#overAt = this.#position;
    }
    return { words: [...words], isOver, position: this.#position };
  }

  #endWord(next: number): void {
    if (this.#word !== 0) {
      const isWhole = this.#lengths.get(this.#word) === this.#length;
      this.#words.push({ text: `w${this.#word}${isWhole ? '' : '?'}`, end: this.#position });
    }
    this.#word = next;
    this.#length = 0;
  }
}

/** One connection to a recognizer: what it says to a message. */
export interface FakeConnection {
  /** What it says before anything was sent. */
  readonly hello: readonly object[];
  receive(message: WireMessage): readonly object[];
  /** It closes the connection after its answer to the end. */
  readonly closes: boolean;
}

type FakeRecognizer = (recognition: Recognition) => FakeConnection;

const textOf = (words: Heard['words']): string => words.map(({ text }) => text).join(' ');
const seconds = (frames: number): number => frames / SAMPLE_RATE;
const ms = (frames: number): number => (frames * 1000) / SAMPLE_RATE;

const isText = (message: WireMessage, part: string): boolean =>
  typeof message === 'string' && message.includes(part);

/** The messages of a recognizer that has one for each result. */
function plain(
  recognition: Recognition,
  end: string,
  result: (heard: Heard) => readonly object[],
  last: readonly object[] = [],
): Pick<FakeConnection, 'receive'> {
  return {
    receive(message) {
      if (isText(message, end)) return [...result(recognition.end()), ...last];
      return typeof message === 'string' ? [] : result(recognition.hear(message));
    },
  };
}

/** By the service's id. */
export const FAKE_RECOGNIZERS: Readonly<Record<string, FakeRecognizer>> = {
  'deepgram-listen': (recognition) => {
    let start = 0;
    const result = ({ words, isOver, position }: Heard): readonly object[] => {
      if (words.length === 0 && !isOver) return [];
      const message = {
        type: 'Results',
        start: seconds(start),
        duration: seconds(position - start),
        is_final: isOver,
        channel: { alternatives: [{ transcript: textOf(words) }] },
      };
      if (isOver) start = position;
      return [message];
    };
    const metadata = { type: 'Metadata' };
    return { hello: [], closes: true, ...plain(recognition, 'CloseStream', result, [metadata]) };
  },

  'deepgram-flux': (recognition) => {
    const result = ({ words, isOver, position }: Heard): readonly object[] => [
      {
        type: 'TurnInfo',
        event: isOver && words.length > 0 ? 'EndOfTurn' : 'Update',
        audio_window_end: seconds(position),
        transcript: textOf(words),
      },
    ];
    const hello = [{ type: 'Connected', request_id: 'r_1', sequence_id: 0 }];
    return { hello, closes: true, ...plain(recognition, 'CloseStream', result) };
  },

  assemblyai: (recognition) => {
    let turn = 0;
    let beats = 0;
    const result = ({ words, isOver, position }: Heard): readonly object[] => {
      const beat = { type: 'Heartbeat', total_audio_received_ms: ms(position) };
      if (words.length === 0) return ++beats % 20 === 0 ? [beat] : [];
      const message = {
        type: 'Turn',
        turn_order: turn,
        end_of_turn: isOver,
        transcript: textOf(words),
        words: words.map(({ text, end }) => ({ text, start: 0, end: ms(end) })),
      };
      if (isOver) turn++;
      return [message];
    };
    const hello = [{ type: 'Begin', id: 's_1' }];
    const last = [{ type: 'Termination' }];
    return { hello, closes: true, ...plain(recognition, 'Terminate', result, last) };
  },

  speechmatics: (recognition) => {
    let received = 0;
    const result = ({ words, isOver, position }: Heard): readonly object[] => {
      if (words.length === 0 && !isOver) return [];
      const metadata = { start_time: 0, end_time: seconds(position), transcript: textOf(words) };
      return [{ message: isOver ? 'AddTranscript' : 'AddPartialTranscript', metadata }];
    };
    const last = [{ message: 'EndOfTranscript' }];
    const { receive } = plain(recognition, 'EndOfStream', result, last);
    return {
      hello: [],
      closes: true,
      receive(message) {
        if (isText(message, 'StartRecognition')) return [{ message: 'RecognitionStarted' }];
        const added = typeof message === 'string' ? [] : [++received];
        const acknowledged = added.map((number) => ({ message: 'AudioAdded', seq_no: number }));
        return [...acknowledged, ...receive(message)];
      },
    };
  },

  soniox: (recognition) => {
    let told = 0;
    const result = ({ words, isOver, position }: Heard): readonly object[] => {
      // A word is final a little after its end. It comes in two tokens.
      const final = words.filter(({ end }) => isOver || end < position - 0.3 * SAMPLE_RATE);
      const fresh = final.slice(told);
      told = isOver ? 0 : final.length;
      const last = final.at(-1);
      const tokens = fresh.flatMap(({ text, end }) => [
        { text: ` ${text.slice(0, 1)}`, end_ms: ms(end), is_final: true },
        { text: text.slice(1), end_ms: ms(end), is_final: true },
      ]);
      const rest = words
        .slice(final.length)
        .map(({ text }) => ({ text: ` ${text}`, is_final: false }));
      return [
        {
          tokens: [...tokens, ...rest, ...(isOver ? [{ text: '<end>', is_final: true }] : [])],
          final_audio_proc_ms: isOver ? ms(position) : ms(last?.end ?? 0),
          total_audio_proc_ms: ms(position),
        },
      ];
    };
    return {
      hello: [],
      closes: true,
      receive(message) {
        if (message !== '')
          return typeof message === 'string' ? [] : result(recognition.hear(message));
        return [...result(recognition.end()), { tokens: [], finished: true }];
      },
    };
  },

  whisperlive: (recognition) => {
    const done: object[] = [];
    let start = 0;
    const result = ({ words, isOver, position }: Heard): readonly object[] => {
      if (words.length === 0) return [];
      const segment = {
        start: seconds(start).toFixed(3),
        end: seconds(position).toFixed(3),
        text: ` ${textOf(words)}`,
        completed: isOver,
      };
      if (isOver) {
        done.push(segment);
        start = position;
      }
      return [{ uid: 's', segments: [...done.slice(-10), ...(isOver ? [] : [segment])] }];
    };
    return {
      hello: [],
      closes: true,
      receive(message) {
        if (typeof message === 'string') return [{ uid: 's', message: 'SERVER_READY' }];
        if (Buffer.from(message).toString() === 'END_OF_AUDIO') return [];
        return result(recognition.hear(message));
      },
    };
  },

  vosk: (recognition) => {
    const result = ({ words, isOver }: Heard): readonly object[] => [
      isOver ? { text: textOf(words) } : { partial: textOf(words) },
    ];
    return { hello: [], closes: true, ...plain(recognition, '{"eof" : 1}', result) };
  },
};
