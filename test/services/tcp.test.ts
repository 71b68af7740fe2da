import { describe, expect, it } from 'vitest';
import { asteriskAudiosocket } from '../../src/core/services/asterisk-audiosocket.ts';
import { ByteQueue } from '../../src/core/services/shared/tcp-messages.ts';
import type { Service, ServiceEvent } from '../../src/core/services/service.ts';
import { wyoming } from '../../src/core/services/wyoming.ts';
import { integer, noise } from '../helpers/packet-streams.ts';
import { seededRandom } from '../helpers/random.ts';
import { ASTERISK_AUDIOSOCKET } from './fixtures/asterisk-audiosocket.ts';
import { WYOMING } from './fixtures/wyoming.ts';
import type { FixtureStep } from './service-case.ts';

const SEEDS = 200;

/** Events as text: quicker to compare, thousands of times. */
const textOf = (events: readonly ServiceEvent[]): string => JSON.stringify(events);

/** What comes in a fixture, as one stream. */
function streamOf(fixtures: readonly (readonly FixtureStep[])[]): Uint8Array<ArrayBuffer> {
  const messages = fixtures.flat().flatMap((step) => ('message' in step ? [step.message] : []));
  return Uint8Array.from(Buffer.concat(messages as Uint8Array[]));
}

describe.each([
  ['asterisk-audiosocket', () => asteriskAudiosocket(), streamOf(ASTERISK_AUDIOSOCKET)],
  ['wyoming', () => wyoming(), streamOf(WYOMING)],
] as const)('%s over TCP', (_id, create: () => Service, stream) => {
  it('gives the same events however the stream is cut into slices', () => {
    const whole = create().connect().decode(stream);
    expect(whole.length).toBeGreaterThan(8);
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed);
      const connection = create().connect();
      const events: ServiceEvent[] = [];
      const longest = 1 + integer(40, random);
      for (let at = 0; at < stream.length;) {
        const end = at + integer(longest + 1, random);
        const slice = stream.slice(at, end);
        events.push(...connection.decode(slice));
        // The slice is the caller's again.
        slice.fill(0xaa);
        at = end;
      }
      expect(textOf(events), `seed ${seed}`).toBe(textOf(whole));
    }
  });

  it('gives the same events at every place where a stream can be cut in two', () => {
    const whole = create().connect().decode(stream);
    for (let cut = 0; cut <= stream.length; cut++) {
      const connection = create().connect();
      const first = connection.decode(stream.subarray(0, cut));
      const second = connection.decode(stream.subarray(cut));
      expect(textOf([...first, ...second]), `cut at ${cut}`).toBe(textOf(whole));
    }
  });

  it('refuses text', () => {
    expect(() => create().connect().decode('text')).toThrow('a stream must be bytes');
  });
});

describe('asteriskAudiosocket', () => {
  const audio = [0x10, 0, 2, 1, 2];

  it('stays aligned after messages that are wrong, and reports each kind of fault once', () => {
    const connection = asteriskAudiosocket().connect();
    const events = connection.decode(
      Uint8Array.of(
        ...[0x42, 0, 1, 9],
        ...[0x10, 0, 3, 1, 2, 3],
        ...[0x43, 0, 0],
        ...audio,
        ...[0x01, 0, 2, 1, 2],
        ...[0x03, 0, 0],
        ...audio,
      ),
    );
    expect(events.map((event) => (event.type === 'error' ? event.code : event.type))).toEqual([
      'unknown-type',
      'bad-field',
      'audio',
      'audio',
    ]);
    expect(events.every((event) => event.type !== 'error' || !event.fatal)).toBe(true);
    expect(connection.decode(Uint8Array.of(0x44, 0, 0))).toEqual([]);
  });

  it('gives up a stream with more wrong messages than an accident causes', () => {
    const connection = asteriskAudiosocket().connect();
    const events = Array.from({ length: 100 }, () => connection.decode(Uint8Array.of(0x42, 0, 0)));
    expect(events.flat()).toMatchObject([{ fatal: false }, { fatal: true, retry: true }]);
    expect(events[64]).toHaveLength(1);
    expect(connection.decode(Uint8Array.from(audio))).toEqual([]);
  });

  it('reads nothing after a hangup', () => {
    const connection = asteriskAudiosocket().connect();
    const events = connection.decode(Uint8Array.of(...audio, 0, 0, 0, ...audio));
    expect(events.map(({ type }) => type)).toEqual(['audio', 'item-end', 'ended']);
    expect(connection.decode(Uint8Array.from(audio))).toEqual([]);
  });

  it('sends audio that is too long for one message in several, at whole samples', () => {
    const bytes = noise(200_000, seededRandom(1));
    const messages = asteriskAudiosocket({ sampleRate: 192_000 })
      .connect()
      .encode({
        type: 'audio',
        replayed: false,
        audio: { frame: 0, frames: 100_000, bytes, base64: '' },
      });
    const payloads = messages.map((message) => {
      const whole = message as Uint8Array;
      expect(whole[0]).toBe(0x18);
      expect((whole[1]! << 8) | whole[2]!).toBe(whole.length - 3);
      expect(whole.length % 2).toBe(1);
      return whole.subarray(3);
    });
    expect(messages).toHaveLength(4);
    expect(Buffer.concat(payloads).equals(bytes)).toBe(true);
  });
});

describe('wyoming', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text);

  it.each([
    ['not JSON', 'hello\n', 'bad-json'],
    ['a negative length', '{"type":"ping","data_length":-1}\n', 'bad-field'],
    ['a payload that is too long', '{"type":"x","payload_length":16777217}\n', 'bad-field'],
    ['a line without end', 'x'.repeat(65_537), 'oversized'],
    ['a line that is too long', `${'x'.repeat(65_537)}\n`, 'oversized'],
  ])('ends the stream if the start of the next event is unknown: %s', (_what, text, code) => {
    const connection = wyoming().connect();
    const events = connection.decode(
      bytes(`{"type":"voice-started"}\n${text}{"type":"voice-stopped"}\n`),
    );
    expect(events).toEqual([
      { type: 'speech', active: true },
      { type: 'message', value: { type: 'voice-started', data: {} } },
      { type: 'error', code, message: expect.any(String) as string, fatal: true, retry: true },
    ]);
    expect(connection.decode(bytes('{"type":"voice-stopped"}\n'))).toEqual([]);
  });

  it.each([
    ['an event without a type', '{"data":{}}\n'],
    ['data that is not JSON', '{"type":"transcript","data_length":3}\nabc'],
    ['a chunk without a rate', '{"type":"audio-chunk","payload_length":2}\nab'],
    [
      'half a sample',
      '{"type":"audio-chunk","data":{"rate":8000,"width":2,"channels":1},"payload_length":1}\na',
    ],
  ])('reads the next event after %s', (_what, text) => {
    const connection = wyoming().connect();
    const events = connection.decode(bytes(`${text}{"type":"voice-stopped"}\n`));
    expect(events.map(({ type }) => type)).toEqual(['error', 'speech', 'message']);
    expect(events[0]).toMatchObject({ fatal: false });
  });

  it('waits for a payload of the longest size, slice by slice', () => {
    const connection = wyoming().connect();
    const payload = 2 ** 24;
    const head = `{"type":"audio-chunk","data":{"rate":8000,"width":2,"channels":1},"payload_length":${payload}}\n`;
    expect(connection.decode(bytes(head))).toEqual([]);
    const slice = new Uint8Array(2 ** 20);
    for (let i = 1; i < 16; i++) expect(connection.decode(slice)).toEqual([]);
    const [event] = connection.decode(slice);
    expect(event?.type === 'audio' && event.bytes.length).toBe(payload);
  });

  it('reports how far the final text reaches, utterance by utterance', () => {
    const connection = wyoming().connect();
    const audio = (frame: number) =>
      connection.encode({
        type: 'audio',
        replayed: false,
        audio: { frame, frames: 1, bytes: new Uint8Array(2), base64: '' },
      });
    audio(0);
    connection.encode({ type: 'commit', frame: 1 });
    audio(1);
    connection.encode({ type: 'commit', frame: 2 });
    const settled = () =>
      connection
        .decode(bytes('{"type":"transcript","data":{"text":"x"}}\n'))
        .filter(({ type }) => type === 'settled');
    expect(settled()).toEqual([{ type: 'settled', frame: 1 }]);
    expect(settled()).toEqual([{ type: 'settled', frame: 2 }]);
    expect(settled()).toEqual([]);
  });
});

describe('ByteQueue', () => {
  it('is a queue: the bytes come out in the order they went in', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed);
      const queue = new ByteQueue();
      let expected = Buffer.alloc(0);
      for (let step = 0; step < 200; step++) {
        if (random() < 0.5) {
          const bytes = noise(integer(random() < 0.1 ? 20_000 : 50, random), random);
          queue.push(bytes);
          expected = Buffer.concat([expected, bytes]);
        } else {
          const count = integer(expected.length + 1, random);
          const isSame = expected.subarray(0, count).equals(queue.take(count));
          expect(isSame, `seed ${seed}, step ${step}`).toBe(true);
          expected = expected.subarray(count);
        }
        const byte = integer(256, random);
        const from = integer(expected.length + 1, random);
        const found = [queue.length, queue.indexOf(byte, from)];
        expect(found, `seed ${seed}`).toEqual([expected.length, expected.indexOf(byte, from)]);
      }
    }
  });
});
