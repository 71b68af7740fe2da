import { describe, expect, it } from 'vitest';
import { utf8Bytes, utf8Text } from '../../src/core/bytes.ts';
import { PacketError } from '../../src/core/errors.ts';
import { geminiLive } from '../../src/core/services/gemini-live.ts';
import { humeEvi } from '../../src/core/services/hume-evi.ts';
import { openaiRealtime } from '../../src/core/services/openai-realtime.ts';
import {
  base64Of,
  flagOf,
  listOf,
  nameOf,
  need,
  numberOf,
  objectOf,
  objectsOf,
  readJson,
  textOf,
} from '../../src/core/services/shared/json-fields.ts';
import { appMessage, jsonText } from '../../src/core/framing/app-message.ts';
import { ReplyNames, UnnamedReplies } from '../../src/core/services/shared/replies.ts';
import { RunningText } from '../../src/core/services/shared/running-text.ts';
import {
  afterClose,
  checkSettings,
  merged,
  serviceAddress,
  serviceBase,
} from '../../src/core/services/shared/service-base.ts';
import { readWav } from '../../src/core/services/shared/wav-audio.ts';
import { vllmRealtime } from '../../src/core/services/vllm-realtime.ts';
import { WavWriter } from '../../src/core/container/wav.ts';
import { FORMATS, SAMPLE_FORMATS } from '../../src/core/format/formats.ts';
import { seededRandom } from '../helpers/random.ts';
import { OPEN, audio } from './service-case.ts';

describe('UTF-8 as text', () => {
  it('decodes any bytes as TextDecoder does', () => {
    const random = seededRandom(8);
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    const leads = [0x00, 0x41, 0x80, 0xbf, 0xc1, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff];
    for (let i = 0; i < 20_000; i++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 12) }, () =>
        random() < 0.5 ? leads[Math.floor(random() * leads.length)]! : random() * 256,
      );
      const expected = decoder.decode(bytes);
      if (utf8Text(bytes) !== expected) {
        throw new Error(`seed 8, bytes ${Buffer.from(bytes).toString('hex')}`);
      }
    }
  });

  it('reads back long texts of every width', () => {
    const text = 'aé€😀'.repeat(5000);
    expect(utf8Text(utf8Bytes(text))).toBe(text);
  });
});

describe('the fields of a message', () => {
  const fields = readJson('{"text":"a","number":1,"flag":true,"list":[1],"object":{},"none":null}');

  it('are missing alike if they are left out and if they are null', () => {
    for (const name of ['none', 'absent']) {
      expect(textOf(fields, name)).toBeUndefined();
      expect(numberOf(fields, name)).toBeUndefined();
      expect(objectOf(fields, name)).toBeUndefined();
      expect(base64Of(fields, name)).toBeUndefined();
      expect(flagOf(fields, name)).toBe(false);
      expect(listOf(fields, name)).toEqual([]);
      expect(() => need(textOf(fields, name), name)).toThrow(`${name} is missing.`);
    }
  });

  it('have the type that is asked for, or cause a PacketError', () => {
    const readers = { textOf, numberOf, flagOf, objectOf, listOf };
    const own: Record<string, string> = {
      textOf: 'text',
      numberOf: 'number',
      flagOf: 'flag',
      objectOf: 'object',
      listOf: 'list',
    };
    for (const [reader, read] of Object.entries(readers)) {
      for (const name of Object.values(own)) {
        if (own[reader] === name) expect(read(fields, name)).toEqual(fields[name]);
        else expect(() => read(fields, name), `${reader} ${name}`).toThrow(PacketError);
      }
    }
    expect(() => objectsOf(fields, 'list')).toThrow('list[0] must be an object, got 1.');
  });

  it('exclude infinite numbers, long names and invalid Base64', () => {
    expect(() => numberOf(readJson('{"n":1e999}'), 'n')).toThrow(PacketError);
    expect(nameOf({ id: 'x'.repeat(256) }, 'id')).toHaveLength(256);
    expect(() => nameOf({ id: 'x'.repeat(257) }, 'id')).toThrow(PacketError);
    expect(() => base64Of({ data: '???' }, 'data')).toThrow(PacketError);
  });

  it('are read from text and from bytes, of at most 15 MiB', () => {
    expect(readJson(utf8Bytes('{"a":"ü"}'))).toEqual({ a: 'ü' });
    expect(() => readJson(new Uint8Array(15 * 2 ** 20 + 1))).toThrow(PacketError);
    expect(() => readJson('[]')).toThrow(PacketError);
  });
});

describe('messages of the app', () => {
  it('are sent as text and bytes, and anything else as JSON', () => {
    expect(appMessage('finalize')).toBe('finalize');
    expect(appMessage({ type: 'x' })).toBe('{"type":"x"}');
    expect(appMessage(Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 2));
    expect(appMessage(Uint8Array.of(0, 1, 2).subarray(1))).toEqual(Uint8Array.of(1, 2));
    expect(appMessage(Uint8Array.of(1, 2).buffer)).toEqual(Uint8Array.of(1, 2));
    expect(appMessage(new Uint16Array([258]))).toEqual(Uint8Array.of(2, 1));
    const shared = new Uint8Array(new SharedArrayBuffer(2));
    expect((appMessage(shared) as Uint8Array).buffer).toBeInstanceOf(ArrayBuffer);
  });

  it('are refused if JSON cannot carry them', () => {
    const cycle: Record<string, unknown> = {};
    cycle['cycle'] = cycle;
    for (const value of [undefined, () => 1, Symbol('x'), 1n, cycle]) {
      expect(() => appMessage(value)).toThrow(TypeError);
    }
    expect(() => jsonText('configure', undefined)).toThrow('configure must be text');
  });
});

describe('the base of a service', () => {
  it('adds only missing parameters to the query of an address', () => {
    const address = (url: string, query: Record<string, string | undefined>): string =>
      serviceAddress(url, { query }).url;
    expect(address('wss://a/b', {})).toBe('wss://a/b');
    expect(address('wss://a/b', { model: 'x y', none: undefined })).toBe('wss://a/b?model=x%20y');
    expect(address('wss://a/b?model=z&q', { model: 'x', q: '1', r: '2' })).toBe(
      'wss://a/b?model=z&q&r=2',
    );
    expect(address('wss://a/b?', { model: 'x' })).toBe('wss://a/b?model=x');
    expect(address('ws://a/b#top', { model: 'x' })).toBe('ws://a/b?model=x');
    expect(() => address('https://a/b', {})).toThrow(TypeError);
  });

  it('merges settings object by object', () => {
    const settings = { a: { b: 1, c: [1] }, d: 2 };
    expect(merged(settings, { a: { c: [2], e: 3 }, d: null })).toEqual({
      a: { b: 1, c: [2], e: 3 },
      d: null,
    });
    expect(settings).toEqual({ a: { b: 1, c: [1] }, d: 2 });
    expect(() => checkSettings('configure', [])).toThrow(TypeError);
    expect(() => checkSettings('configure', { big: 1n })).toThrow(TypeError);
  });

  it('prefers the options of the app to the defaults of the service', () => {
    const own = { chunkDurationMs: 40, overlapMs: 0 };
    expect(serviceBase({}, own)).toMatchObject({ chunkDurationMs: 40, overlapMs: 0 });
    expect(serviceBase({ overlapMs: 900 }, own)).toMatchObject({ overlapMs: 900 });
    expect(serviceBase({}, { acknowledges: true }).overlapMs).toBe(0);
    expect(serviceBase({}).overlapMs).toBe(500);
    expect(() => serviceBase({ replaySpeed: 1 })).toThrow(RangeError);
  });

  it('stops after refusals and after the end, and otherwise connects again', () => {
    for (const code of [1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 3003]) {
      expect(afterClose(code), String(code)).toBe('stop');
    }
    for (const code of [1001, 1006, 1011, 1012, 1013, 1014, 4000]) {
      expect(afterClose(code), String(code)).toBe('retry');
    }
    expect(afterClose(1000, { 1000: 'retry' })).toBe('retry');
  });
});

describe('replies without names', () => {
  it('are numbered across all connections of a service', () => {
    const names = new ReplyNames();
    const first = new UnnamedReplies(names);
    expect(first.end()).toEqual([]);
    expect([first.item, first.item]).toEqual(['reply-1', 'reply-1']);
    expect(first.end()).toEqual([{ type: 'item-end', item: 'reply-1' }]);
    expect(first.end()).toEqual([]);
    expect(first.item).toBe('reply-2');
    expect(new UnnamedReplies(names).item).toBe('reply-3');
  });
});

describe('text that arrives in pieces', () => {
  it('is bounded in length and in number', () => {
    const texts = new RunningText();
    for (let i = 0; i < 100; i++) texts.add('a', 'x'.repeat(1000));
    expect(texts.end('a')).toHaveLength(65_536);
    expect(texts.end('a')).toBe('');
    for (let i = 0; i < 17; i++) texts.add(`name ${i}`, 'x');
    expect(texts.end('name 0')).toBe('');
    expect(texts.end('name 16')).toBe('x');
  });
});

describe('a WAV file in a message', () => {
  it.each(SAMPLE_FORMATS)('is read in the form in which it is written, of %s', (format) => {
    for (const channels of [1, 2, 6]) {
      const stream = { format, sampleRate: 22_050, channels };
      const bytes = Uint8Array.from(
        { length: FORMATS[format].bytes * channels * 3 },
        (_, i) => i * 7,
      );
      const writer = new WavWriter(stream);
      const unknown = writer.head();
      writer.add(bytes.length);
      const { head, tail } = writer.finish();
      // With its sizes, with sizes that are not known, and cut off within the data.
      for (const file of [
        [head, bytes, tail],
        [unknown, bytes],
      ]) {
        expect(readWav(Buffer.concat(file))).toEqual({ stream, bytes: Buffer.from(bytes) });
      }
      const cut = Buffer.concat([head, bytes.subarray(0, 1)]);
      expect(readWav(cut)).toEqual({ stream, bytes: Buffer.from(bytes.subarray(0, 1)) });
    }
  });

  it('causes a PacketError if it is anything else', () => {
    const random = seededRandom(9);
    const writer = new WavWriter({ format: 's16', sampleRate: 48_000, channels: 1 });
    const file = Buffer.concat([writer.head(), Buffer.alloc(8)]);
    expect(() => readWav(new Uint8Array(0))).toThrow(PacketError);
    expect(() => readWav(file.subarray(0, 40))).toThrow(PacketError);
    for (let i = 0; i < 5000; i++) {
      const hostile = Buffer.from(file.subarray(0, Math.floor(random() * (file.length + 1))));
      for (let edit = 0; edit < 3; edit++) {
        if (hostile.length > 0) hostile[Math.floor(random() * hostile.length)] = random() * 256;
      }
      try {
        readWav(hostile);
      } catch (error) {
        if (!(error instanceof PacketError)) {
          throw new Error(`seed 9: ${hostile.toString('hex')}`, { cause: error });
        }
      }
    }
  });
});

describe('single services', () => {
  const text = (value: unknown): string => JSON.stringify(value);

  it('plays the pieces of a reply of Hume in order, and gives up one that never arrives', () => {
    const connection = humeEvi().connect();
    const data = (index: number): string => {
      const writer = new WavWriter({ format: 's16', sampleRate: 48_000, channels: 1 });
      writer.add(2);
      const { head } = writer.finish();
      return Buffer.concat([head, Buffer.from([index, 0])]).toString('base64');
    };
    const order = [3, 0, 2, 1, ...Array.from({ length: 33 }, (_, i) => 5 + i), 4, 38];
    const heard: number[] = [];
    for (const index of order) {
      const message = { type: 'audio_output', id: 'm', index, data: data(index) };
      for (const event of connection.decode(text(message))) {
        if (event.type === 'audio') heard.push(event.bytes[0]!);
      }
    }
    // Piece 4 came when 33 others had waited for it: it was given up, and is not played after them either.
    const rest = Array.from({ length: 34 }, (_, i) => 5 + i);
    expect(heard).toEqual([0, 1, 2, 3, ...rest]);
    const end = connection.decode(text({ type: 'assistant_end' }));
    expect(end.map(({ type }) => type)).toEqual(['item-end', 'message']);
  });

  it('begins and ends the turns of Gemini if the app does that', () => {
    const connection = geminiLive({ manualTurns: true }).connect();
    connection.encode(OPEN);
    const types = (messages: readonly unknown[]): string[] =>
      messages.map((message) => {
        const parsed = JSON.parse(message as string) as { realtimeInput: object };
        return Object.keys(parsed.realtimeInput).join();
      });
    expect(types(connection.encode(audio()))).toEqual(['activityStart', 'audio']);
    expect(types(connection.encode(audio()))).toEqual(['audio']);
    expect(types(connection.encode({ type: 'commit', frame: 4 }))).toEqual(['activityEnd']);
    expect(types(connection.encode(audio()))).toEqual(['activityStart', 'audio']);
    expect(connection.encode({ type: 'mute', muted: true })).toEqual([]);
  });

  it('settles the audio that Gemini has consumed, and no more than was sent', () => {
    const service = geminiLive({ transparent: true });
    expect(service.overlapMs).toBe(60_000);
    const connection = service.connect();
    const setup = connection.encode({ ...OPEN, handle: 'h1' });
    expect(setup.join()).toContain('"sessionResumption":{"handle":"h1","transparent":true}');
    // Each message counts, from 1 after the setup.
    connection.encode(audio(undefined, { frame: 0 }));
    connection.encode(audio(undefined, { frame: 2 }));
    connection.encode({ type: 'mute', muted: true });
    connection.encode({ type: 'message', value: { realtimeInput: { text: 'Hi' } } });
    connection.encode(audio(undefined, { frame: 100 }));
    connection.encode({ type: 'commit', frame: 102 });
    const settled = (index: string): unknown => {
      const sessionResumptionUpdate = {
        newHandle: 'h',
        resumable: true,
        lastConsumedClientMessageIndex: index,
      };
      const events = connection.decode(text({ sessionResumptionUpdate }));
      return events.flatMap((event) => (event.type === 'settled' ? [event.frame] : []))[0];
    };
    expect(settled('0')).toBeUndefined();
    expect(settled('1')).toBe(2);
    expect(settled('4')).toBe(4);
    // Less than before, and more than was sent.
    expect(settled('2')).toBeUndefined();
    expect(settled('7')).toBeUndefined();
    expect(settled('5')).toBe(102);
    expect(() => settled('-1')).toThrow(PacketError);
  });

  it('keeps a minute of audio at most while vLLM finishes an utterance', () => {
    const connection = vllmRealtime().connect();
    connection.encode({ type: 'commit', frame: 0 });
    for (let i = 0; i < 2000; i++) connection.encode(audio());
    const replies = connection
      .decode(text({ type: 'transcription.done', text: '' }))
      .filter(({ type }) => type === 'reply');
    expect(replies).toHaveLength(1025);
  });

  it('does not treat speech as an interruption if OpenAI is configured so', () => {
    const connection = openaiRealtime().connect();
    const turnDetection = { type: 'server_vad', interrupt_response: false };
    const session = { audio: { input: { turn_detection: turnDetection } } };
    connection.decode(text({ type: 'session.updated', session }));
    const events = connection.decode(text({ type: 'input_audio_buffer.speech_started' }));
    expect(events.map(({ type }) => type)).toEqual(['speech', 'message']);
  });
});
