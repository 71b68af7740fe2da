import { describe, expect, it } from 'vitest';
import { PacketError } from '../../src/core/errors.ts';
import { asteriskWebsocket } from '../../src/core/services/asterisk-websocket.ts';
import { exotel } from '../../src/core/services/exotel.ts';
import { genesysAudiohook } from '../../src/core/services/genesys-audiohook.ts';
import { plivo } from '../../src/core/services/plivo.ts';
import type { ServiceConnection, ServiceEvent } from '../../src/core/services/service.ts';
import { SentMarks } from '../../src/core/services/shared/call.ts';
import { sinch } from '../../src/core/services/sinch.ts';
import { telnyx } from '../../src/core/services/telnyx.ts';
import { twilio } from '../../src/core/services/twilio.ts';
import { vonage } from '../../src/core/services/vonage.ts';
import { integer } from '../helpers/packet-streams.ts';
import { seededRandom } from '../helpers/random.ts';
import { OPEN } from './service-case.ts';
import { TELEPHONY_SERVICES } from './telephony.ts';

const decode = (connection: ServiceConnection, message: object): readonly ServiceEvent[] =>
  connection.decode(JSON.stringify(message));

describe('a call', () => {
  const calls = TELEPHONY_SERVICES.filter(({ id }) => !['wyoming', 'pipecat'].includes(id));

  it.each(calls.map((row) => [row.id, row] as const))(
    'of %s is sent once: nothing is repeated after a loss',
    (id, row) => {
      const service = row.create();
      expect(service.overlapMs).toBe(0);
      expect(service.acknowledges).toBe(false);
      // Genesys opens another connection for the same conversation; with all others the call is over.
      expect(service.afterClose(1006, '')).toBe(id === 'genesys-audiohook' ? 'retry' : 'stop');
    },
  );

  it.each([
    [
      'twilio',
      twilio(),
      { event: 'start', start: { streamSid: 's', mediaFormat: { encoding: 'audio/x-l16' } } },
    ],
    [
      'exotel',
      exotel(),
      { event: 'start', start: { stream_sid: 's', media_format: { sample_rate: '16000' } } },
    ],
    [
      'plivo',
      plivo(),
      {
        event: 'start',
        start: { streamId: 's', mediaFormat: { encoding: 'audio/x-l16', sampleRate: 8000 } },
      },
    ],
    [
      'telnyx',
      telnyx(),
      { event: 'start', start: { media_format: { encoding: 'G722', sample_rate: 8000 } } },
    ],
    [
      'telnyx, of a rate',
      telnyx(),
      { event: 'start', start: { media_format: { encoding: 'OPUS', sample_rate: 44_100 } } },
    ],
    ['vonage', vonage(), { event: 'websocket:connected', 'content-type': 'audio/l16;rate=8000' }],
    ['sinch', sinch(), { command: 'connect', sampleRate: 48_000 }],
    ['asterisk-websocket', asteriskWebsocket(), { event: 'MEDIA_START', format: 'ulaw' }],
    [
      'genesys-audiohook',
      genesysAudiohook(),
      {
        type: 'open',
        seq: 1,
        id: 'i',
        parameters: {
          media: [{ type: 'audio', format: 'L16', channels: ['external'], rate: 8000 }],
        },
      },
    ],
  ] as const)(
    'with another format than the service was made for is refused, not played as noise: %s',
    (_what, service, message) => {
      const events = decode(service.connect(), message);
      const errors = events.filter(({ type }) => type === 'error');
      expect(errors).toMatchObject([{ code: 'format', fatal: true, retry: false }]);
      expect(events.some(({ type }) => type === 'ready')).toBe(false);
    },
  );
});

describe('marks of a call', () => {
  it('are reported once each, in the order in which they were heard', () => {
    const marks = new SentMarks();
    const [first, second] = [marks.add('a'), marks.add('a')];
    expect(first).not.toBe(second);
    expect(marks.heard(second)).toEqual([{ type: 'marked', name: 'a' }]);
    expect(marks.heard(second)).toEqual([]);
    expect(marks.heard(first)).toEqual([{ type: 'marked', name: 'a' }]);
    expect(marks.heard('a')).toEqual([]);
  });

  it('that were cleared are not reported, and those after them are', () => {
    const marks = new SentMarks();
    const cleared = marks.add('a');
    marks.clear();
    const later = marks.add('a');
    expect(marks.heard(cleared)).toEqual([]);
    expect(marks.heard(later)).toEqual([{ type: 'marked', name: 'a' }]);
  });

  it('are forgotten, oldest first, if a system never sends them back', () => {
    const marks = new SentMarks();
    const sent = Array.from({ length: 2000 }, (_, i) => marks.add(`m${i}`));
    expect(sent.flatMap((name) => marks.heard(name)).length).toBe(1024);
  });
});

describe('telnyx', () => {
  const payload = (i: number): string => Buffer.from([i, i]).toString('base64');
  const media = (number: number): object => ({
    event: 'media',
    sequence_number: String(number),
    media: { track: 'inbound', payload: payload(number) },
  });
  const start = {
    event: 'start',
    sequence_number: '1',
    start: { media_format: { encoding: 'PCMU' } },
  };

  function begun(): ServiceConnection {
    const connection = telnyx().connect();
    connection.encode(OPEN);
    decode(connection, start);
    return connection;
  }

  /** Numbers of what is played, with what is lost as negative numbers. */
  function played(events: readonly ServiceEvent[]): number[] {
    return events.flatMap((event) => {
      if (event.type !== 'audio') return [];
      const lost = event.lostFrames === undefined ? [] : [-event.lostFrames / event.bytes.length];
      return [...lost, event.bytes[0]!];
    });
  }

  it('plays messages in the order of their numbers', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed);
      const connection = begun();
      const numbers = Array.from({ length: 100 }, (_, i) => i + 2);
      // Each is at most five places from its own.
      const shuffled = numbers
        .map((number) => ({ number, key: number + random() * 5 }))
        .sort((a, b) => a.key - b.key);
      const events = shuffled.flatMap(({ number }) => decode(connection, media(number)));
      expect(played(events), `seed ${seed}`).toEqual(numbers);
    }
  });

  it('accounts for every message: it is played, or reported as lost', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed);
      const connection = begun();
      const numbers = Array.from({ length: 120 }, (_, i) => i + 2);
      const shuffled = numbers
        .filter((number) => number === 2 || number === 121 || random() > 0.2)
        .map((number) => ({ number, key: number + random() * (random() < 0.1 ? 30 : 4) }))
        .sort((a, b) => a.key - b.key);
      const events = shuffled.flatMap(({ number }) => decode(connection, media(number)));
      const stop = decode(connection, { event: 'stop' });
      let next = 2;
      for (const number of played([...events, ...stop])) {
        if (number < 0) next -= number;
        else expect(number, `seed ${seed}`).toBe(next++);
      }
      expect(next, `seed ${seed}`).toBeGreaterThanOrEqual(121);
      expect(stop.slice(-3).map(({ type }) => type)).toEqual(['item-end', 'ended', 'message']);
    }
  });

  it('counts the numbers of messages without audio', () => {
    const connection = begun();
    expect(played(decode(connection, media(3)))).toEqual([]);
    const events = decode(connection, {
      event: 'dtmf',
      sequence_number: '2',
      dtmf: { digit: '1' },
    });
    expect(played(events)).toEqual([3]);
    expect(events.at(-1)).toMatchObject({ type: 'message', value: { event: 'dtmf' } });
  });

  it('treats a long gap as a new beginning', () => {
    const connection = begun();
    expect(played(decode(connection, media(2)))).toEqual([2]);
    const events = Array.from({ length: 9 }, (_, i) => {
      return decode(connection, { ...media(100 + i), sequence_number: String(1e9 + i) });
    });
    expect(played(events.flat())).toEqual(Array.from({ length: 9 }, (_, i) => 100 + i));
  });

  it('plays messages without numbers as they arrive, and leaves out other tracks', () => {
    const connection = begun();
    const bare = (track: string): object => ({ event: 'media', media: { track, payload: 'AAA=' } });
    expect(decode(connection, bare('inbound')).map(({ type }) => type)).toEqual(['audio']);
    expect(decode(connection, bare('outbound'))).toEqual([]);
  });

  it('refuses an unplayable message when it arrives, not when its turn comes', () => {
    const connection = begun();
    const bad = { event: 'media', sequence_number: '9', media: { payload: '%' } };
    expect(() => decode(connection, bad)).toThrow(PacketError);
    expect(played(decode(connection, media(2)))).toEqual([2]);
  });
});

describe('genesysAudiohook', () => {
  const MEDIA = [{ type: 'audio', format: 'PCMU', channels: ['external'], rate: 8000 }];
  const client = (seq: number, type: string, parameters: object = {}): object => ({
    version: '2',
    type,
    id: 'i',
    seq,
    parameters,
  });

  it('numbers its messages without a gap, and confirms the latest one received', () => {
    const random = seededRandom(1);
    const connection = genesysAudiohook().connect();
    const sent: string[] = [];
    let seen = 0;
    const hear = (type: string, parameters?: object): void => {
      for (const event of decode(connection, client(++seen, type, parameters))) {
        if (event.type === 'reply') sent.push(event.message as string);
      }
    };
    expect(connection.encode({ type: 'clear' })).toEqual([]);
    hear('open', { media: MEDIA });
    for (let i = 0; i < 200; i++) {
      const kind = integer(3, random);
      if (kind === 0) hear('ping');
      if (kind === 1) hear('playback_completed');
      if (kind === 2) sent.push(...(connection.encode({ type: 'clear' }) as string[]));
      const last = JSON.parse(sent.at(-1)!) as { seq: number; clientseq: number; id: string };
      expect(last.seq).toBe(sent.length);
      expect(last.clientseq).toBeLessThanOrEqual(seen);
      expect(last.id).toBe('i');
    }
  });

  it('refuses audio before open, malformed durations, and messages without a number', () => {
    const connection = genesysAudiohook().connect();
    expect(() => connection.decode(new Uint8Array(2))).toThrow('audio came before open.');
    decode(connection, client(1, 'open', { media: MEDIA }));
    for (const discarded of ['1', 'PT', 'PT1e9S', 'PT-1S', 'PT86401S', 'PT1H']) {
      expect(() => decode(connection, client(2, 'discarded', { discarded })), discarded).toThrow(
        PacketError,
      );
    }
    expect(() => decode(connection, { type: 'ping', id: 'i' })).toThrow('seq is missing.');
  });

  it('cuts audio into messages that Genesys accepts', () => {
    const connection = genesysAudiohook().connect();
    const bytes = Uint8Array.from({ length: 150_000 }, (_, i) => i);
    const audio = { frame: 0, frames: bytes.length, bytes, base64: '' };
    const messages = connection.encode({ type: 'audio', replayed: false, audio }) as Uint8Array[];
    expect(messages.map(({ length }) => length)).toEqual([64_000, 64_000, 22_000]);
    expect(Buffer.concat(messages).equals(bytes)).toBe(true);
  });

  it('selects the channels that the app wants, and the customer at least', () => {
    const offers = [['internal'], ['external', 'internal'], ['external']].map((channels) => ({
      ...MEDIA[0],
      channels,
    }));
    const chosen = (wanted: 'external' | 'both', media: readonly object[]): unknown => {
      const connection = genesysAudiohook({ channels: wanted }).connect();
      const [reply] = decode(connection, client(1, 'open', { media }));
      const opened = JSON.parse((reply as { message: string }).message) as {
        type: string;
        parameters: { media?: readonly { channels: unknown }[] };
      };
      return opened.parameters.media?.[0]?.channels ?? opened.type;
    };
    expect(chosen('external', offers)).toEqual(['external']);
    expect(chosen('both', offers)).toEqual(['external', 'internal']);
    expect(chosen('both', offers.slice(2))).toEqual(['external']);
    expect(chosen('both', offers.slice(0, 1))).toBe('disconnect');
  });
});

describe('asteriskWebsocket', () => {
  it('writes no command longer than the 128 bytes that Asterisk accepts, however long a mark’s name is', () => {
    for (const begin of [
      '{"event":"MEDIA_START","format":"slin16"}',
      'MEDIA_START format:slin16',
    ]) {
      const connection = asteriskWebsocket().connect();
      connection.decode(begin);
      const name = ` ${'ü'.repeat(500)}\n`;
      const [command] = connection.encode({ type: 'mark', name }) as string[];
      expect(Buffer.byteLength(command!)).toBeLessThan(128);
      const answer = begin.startsWith('{')
        ? '{"event":"MEDIA_MARK_PROCESSED","correlation_id":"#1"}'
        : 'MEDIA_MARK_PROCESSED #1';
      expect(connection.decode(answer)[0]).toEqual({ type: 'marked', name });
    }
  });

  it('passes events of the plain form to the app as objects', () => {
    const connection = asteriskWebsocket().connect();
    const value = (text: string): unknown => {
      const last = connection.decode(text).at(-1);
      return last?.type === 'message' ? last.value : undefined;
    };
    expect(value('DTMF_END digit:# channel_id:1700.1')).toEqual({
      event: 'DTMF_END',
      digit: '#',
      channel_id: '1700.1',
    });
    expect(value('ERROR channel_id:1 error_text:PAUSE_MEDIA not supported while a:b is c')).toEqual(
      {
        event: 'ERROR',
        channel_id: '1',
        error_text: 'PAUSE_MEDIA not supported while a:b is c',
      },
    );
    expect(value('MEDIA_BUFFERING_COMPLETED')).toMatchObject({ correlation_id: '' });
    expect(value('QUEUE_DRAINED')).toEqual({ event: 'QUEUE_DRAINED' });
  });

  it.each(['', 'hello', 'MEDIA-START', ' MEDIA_START', '{"no":"event"}', '{'])(
    'refuses text that is not an event: %j',
    (text) => {
      expect(() => asteriskWebsocket().connect().decode(text)).toThrow(PacketError);
    },
  );

  it('does not send commands that Asterisk refuses on a channel in passthrough mode', () => {
    const connection = asteriskWebsocket({ codec: 'opus' }).connect();
    const events = connection.decode('MEDIA_START format:opus');
    expect(events.map(({ type }) => type)).toEqual(['ready', 'message']);
    expect(connection.encode({ type: 'clear' })).toEqual([]);
    expect(connection.encode({ type: 'mark', name: 'a' })).toEqual([]);
  });
});

describe('lengths of chunks', () => {
  it.each([
    ['exotel, below 3200 bytes', () => exotel({ chunkDurationMs: 100 })],
    ['exotel, no multiple of 320 bytes', () => exotel({ chunkDurationMs: 205 })],
    ['telnyx, below 20 ms', () => telnyx({ chunkDurationMs: 10 })],
  ])('that a system does not support are refused: %s', (_what, create) => {
    expect(create).toThrow(RangeError);
  });

  it('of Vonage cannot be chosen', () => {
    expect(() => vonage({ chunkDurationMs: 40 } as object)).toThrow(TypeError);
  });
});
