import { describe, expect, it } from 'vitest';
import type { ServiceEvent, ServiceRequest } from '../src/core/services/service.ts';
import { decodeProtocol } from '../src/core/session/protocol.ts';
import { integer } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';
import { SessionLink } from './helpers/session-link.ts';
import type { LinkedConnection } from './helpers/session-link.ts';
import {
  PCM,
  OPUS,
  Recorder,
  acknowledged,
  READY,
  begin,
  heard,
  types,
  sound,
} from './helpers/session-recorder.ts';

describe('a reply', () => {
  it('arrives in pieces of 100 ms at most, between its beginning and its end', () => {
    const { connection, session } = begin();
    session.write({ item: 'a', bytes: sound(4000) });
    session.endItem('a');
    session.endItem('b');
    const read = connection.down.map((message) => decodeProtocol(message as Uint8Array));
    expect(read.map(({ type }) => type)).toEqual(['item', 'audio', 'audio', 'audio', 'item-end']);
    const events = connection.receive();
    expect(heard(events)).toEqual({ a: [...sound(4000)] });
    expect(types(events).filter((type) => type !== 'handle')).toEqual([
      'audio',
      'reply',
      'audio',
      'reply',
      'audio',
      'item-end',
      'reply',
    ]);
    expect(session.stats.replies).toMatchObject({
      writtenFrames: 4000,
      acknowledgedFrames: 4000,
      bytes: 0,
    });
  });

  it('is copied, so that the host may reuse its buffer', () => {
    const { connection, session } = begin();
    connection.lose();
    const bytes = sound(10);
    session.write({ item: 'a', bytes });
    bytes.fill(9);
    session.write({ item: 'a', bytes: new Uint8Array(0) });
    expect(session.stats.replies.waitingFrames).toBe(10);
    expect(session.replyFrame).toBe(10);
  });

  it('continues on a new connection with the frame that the client needs', () => {
    const { link, connection, session } = begin();
    session.write({ item: 'a', bytes: sound(1000, 1) });
    session.write({ item: 'a', bytes: sound(1000, 2) });
    const first = connection.receive(2);
    connection.lose();
    session.write({ item: 'a', bytes: sound(1000, 3) });
    session.write({ item: 'b', bytes: sound(10, 4) });
    const two = link.connect();
    const events = two.receive();
    expect(heard([...first, ...events])).toEqual({
      a: [...sound(1000, 1), ...sound(1000, 2), ...sound(1000, 3)],
      b: [...sound(10, 4)],
    });
    expect(events.filter(({ type }) => type === 'item-end')).toEqual([
      { type: 'item-end', item: 'a' },
    ]);
    expect([...first, ...events].some((event) => 'lostFrames' in event)).toBe(false);
  });

  it('is exact with any failures of connections', () => {
    for (let seed = 0; seed < 100; seed++) {
      const random = seededRandom(seed);
      const { link, session, connection: first } = begin();
      let connection: LinkedConnection | null = first;
      const written: Record<string, number[]> = {};
      const marks: string[] = [];
      const events: ServiceEvent[] = [];
      let item = 'i0';
      for (let step = 0; step < 200; step++) {
        const dice = random();
        if (dice < 0.3) {
          const bytes = sound(1 + integer(400, random), step % 200);
          session.write({ item, bytes });
          (written[item] ??= []).push(...bytes);
        } else if (dice < 0.35) {
          session.endItem(item);
          item = `i${step}`;
        } else if (dice < 0.4 && written[item] !== undefined) {
          session.mark({ item, name: `m${step}` });
          marks.push(`m${step}`);
        } else if (dice < 0.8) {
          events.push(...(connection?.receive(integer(5, random)) ?? []));
        } else if (dice < 0.9) {
          connection?.lose();
          connection = null;
        } else {
          connection ??= link.connect();
        }
        link.pass(10);
      }
      connection ??= link.connect();
      session.endItem(item);
      events.push(...connection.receive());
      expect(heard(events), `seed ${seed}`).toEqual(written);
      const got = events.flatMap((event) => (event.type === 'mark' ? [event.name] : []));
      expect([...new Set(got)], `seed ${seed}`).toEqual(marks);
      const ends = events.flatMap((event) => (event.type === 'item-end' ? [event.item] : []));
      expect(ends, `seed ${seed}`).toEqual(Object.keys(written));
      const { replies } = session.stats;
      expect(replies.acknowledgedFrames, `seed ${seed}`).toBe(replies.writtenFrames);
    }
  });

  it('is continued by number, not by name, after a restart of the server', () => {
    const { host, link, connection, session } = begin();
    session.write({ item: 'a', bytes: sound(2000) });
    connection.receive(2);
    link.restart();
    const two = link.connect();
    expect(two.receive()).toEqual([
      { type: 'item-end', item: 'a' },
      { type: 'handle', handle: '1600 ' },
      acknowledged(0),
      READY,
    ]);
    const [again] = link.server.sessions;
    expect(again!.replyFrame).toBe(1600);
    again!.write({ item: 'b', bytes: sound(10, 2) });
    expect(heard(two.receive())).toEqual({ b: [...sound(10, 2)] });
    expect(host.failures).toEqual([]);
  });

  it('that waits too long is dropped, counted, and reported to the client', () => {
    const { link, connection, session } = begin({ maxReplyMs: 1000 });
    connection.lose();
    for (let i = 0; i < 20; i++) session.write({ item: 'a', bytes: sound(1600, i) });
    expect(session.stats.replies).toMatchObject({
      writtenFrames: 32_000,
      droppedFrames: 16_000,
      waitingFrames: 16_000,
    });
    const events = link.connect().receive();
    expect(events.filter((event) => 'lostFrames' in event)).toMatchObject([
      { type: 'audio', lostFrames: 16_000 },
    ]);
    expect(heard(events)['a']!.at(0)).toBe(10);
  });

  it('waits while half of maxReplyMs is not acknowledged', () => {
    const { connection, session } = begin({ maxReplyMs: 1000 });
    for (let i = 0; i < 8; i++) session.write({ item: 'a', bytes: sound(1600, i) });
    expect(session.stats.replies).toMatchObject({ inFlightFrames: 8000, waitingFrames: 4800 });
    expect(heard(connection.receive())['a']).toHaveLength(2 * 12_800);
    expect(session.stats.replies).toMatchObject({ inFlightFrames: 0, droppedFrames: 0 });
  });

  it('waits while the connection is full', () => {
    const { link, connection, session } = begin();
    connection.bufferedBytes = 65_536;
    session.write({ item: 'a', bytes: sound(100) });
    expect(connection.down).toEqual([]);
    expect(link.server.dueMs).toBeLessThanOrEqual(link.nowMs + 20);
    link.pass(20);
    expect(connection.down).toEqual([]);
    connection.bufferedBytes = 65_535;
    link.pass(20);
    expect(heard(connection.receive())).toEqual({ a: [...sound(100)] });
  });

  it('has the stream that the host chooses', () => {
    const host = new Recorder();
    host.open = () => ({ output: OPUS });
    const link = new SessionLink(host, {}, { output: PCM });
    const connection = link.connect();
    const [session] = link.server.sessions;
    session!.write({ item: 'a', bytes: Uint8Array.of(0xf8, 1, 2), frames: 960 });
    const [, , event] = connection.receive().filter(({ type }) => type !== 'handle');
    expect(event).toEqual({
      type: 'audio',
      item: 'a',
      bytes: Uint8Array.of(0xf8, 1, 2),
      stream: OPUS,
    });
    expect(() => session!.write({ item: 'a', bytes: sound(1) })).toThrow(RangeError);
    expect(() => session!.write({ item: 'a', bytes: new Uint8Array(0), frames: 1 })).toThrow(
      RangeError,
    );
  });

  it('cannot be written to a session without output', () => {
    const { session } = begin({}, { output: null });
    expect(() => session.write({ item: 'a', bytes: sound(1) })).toThrow(TypeError);
  });

  it.each<[string, Parameters<ReturnType<typeof begin>['session']['write']>[0]]>([
    ['no name', { item: '', bytes: sound(1) }],
    ['a name that is too long', { item: 'a'.repeat(129), bytes: sound(1) }],
    ['half a sample', { item: 'a', bytes: new Uint8Array(3) }],
    ['fewer bytes than frames', { item: 'a', bytes: sound(1), frames: 2 }],
  ])('is refused with %s, and leaves nothing behind', (_, audio) => {
    const { connection, session } = begin();
    expect(() => session.write(audio)).toThrow(RangeError);
    expect(connection.down).toEqual([]);
    expect(session.stats.replies.writtenFrames).toBe(0);
  });

  it('cannot have the name of one that has ended', () => {
    const { session } = begin();
    session.write({ item: 'a', bytes: sound(1) });
    session.write({ item: 'b', bytes: sound(1) });
    expect(() => session.write({ item: 'a', bytes: sound(1) })).toThrow(RangeError);
  });
});

describe('an interruption by the host', () => {
  it('discards waiting audio, and silences the audio already sent', () => {
    const { host, connection, session } = begin();
    session.write({ item: 'a', bytes: sound(1600) });
    connection.receive();
    connection.bufferedBytes = 1e6;
    session.write({ item: 'a', bytes: sound(16_000) });
    session.mark({ item: 'a', name: 'never' });
    session.interrupt();
    expect(session.write({ item: 'a', bytes: sound(10) })).toBe(false);
    session.mark({ item: 'a', name: 'never either' });
    session.endItem('a');
    session.write({ item: 'b', bytes: sound(10, 2) });
    connection.bufferedBytes = 0;
    session.send('go');
    const events = connection.receive();
    expect(types(events).filter((type) => type !== 'handle' && type !== 'reply')).toEqual([
      'interrupted',
      'audio',
      'message',
    ]);
    expect(heard(events)).toEqual({ b: [...sound(10, 2)] });
    expect(events.some((event) => 'lostFrames' in event)).toBe(false);
    connection.up({
      type: 'interrupted',
      heard: { item: 'a', frames: 1000, ms: 62, unheard: [] },
    });
    expect(host.of('interrupted')).toEqual([
      ['interrupted', { item: 'a', frames: 1000, ms: 62, unheard: [] }],
    ]);
    expect(session.stats.replies).toMatchObject({ discardedFrames: 16_000, waitingFrames: 0 });
  });

  it('follows the audio already sent, and precedes the next item', () => {
    const { connection, session } = begin();
    session.write({ item: 'a', bytes: sound(100) });
    session.mark({ item: 'a', name: 'm' });
    session.interrupt();
    session.write({ item: 'b', bytes: sound(10) });
    const read = connection.down.map((message) => decodeProtocol(message as Uint8Array));
    expect(read.map(({ type }) => type)).toEqual([
      'item',
      'audio',
      'mark',
      'interrupt',
      'item',
      'audio',
    ]);
  });

  it('is repeated on a new connection, unless the client has audio from after it', () => {
    const { link, connection, session } = begin();
    session.write({ item: 'a', bytes: sound(100) });
    session.interrupt();
    connection.lose();
    const two = link.connect();
    expect(types(two.receive())).toContain('interrupted');
    two.lose();
    // It has the interruption, but cannot show it: nothing of what it plays is lost by the second.
    const three = link.connect();
    expect(types(three.receive())).toContain('interrupted');
    session.write({ item: 'b', bytes: sound(10) });
    three.receive();
    three.lose();
    expect(types(link.connect().receive())).not.toContain('interrupted');
  });
});

describe('an interruption by the user', () => {
  it('discards waiting audio of the named items, and keeps the next one', () => {
    const { host, link, connection, session } = begin();
    session.write({ item: 'a', bytes: sound(1600, 1) });
    session.write({ item: 'b', bytes: sound(1600, 2) });
    connection.receive();
    connection.bufferedBytes = 1e6;
    session.write({ item: 'b', bytes: sound(1600, 2) });
    session.mark({ item: 'b', name: 'never' });
    session.write({ item: 'c', bytes: sound(10, 3) });
    connection.up({
      type: 'interrupted',
      heard: { item: 'a', frames: 160, ms: 10, unheard: ['b'] },
    });
    connection.bufferedBytes = 0;
    link.pass(20);
    const events = connection.receive();
    expect(heard(events)).toEqual({ c: [...sound(10, 3)] });
    expect(events.some((event) => 'lostFrames' in event)).toBe(false);
    expect(types(events)).not.toContain('mark');
    expect(host.of('interrupted')).toEqual([
      ['interrupted', { item: 'a', frames: 160, ms: 10, unheard: ['b'] }],
    ]);
    expect(session.write({ item: 'b', bytes: sound(1) })).toBe(false);
    expect(session.write({ item: 'c', bytes: sound(1) })).toBe(true);
  });

  it('is remembered by the next connection: the item is not started again', () => {
    const { link, connection, session } = begin();
    session.write({ item: 'a', bytes: sound(3200) });
    connection.receive(2);
    connection.up({
      type: 'interrupted',
      heard: { item: 'a', frames: 160, ms: 10, unheard: [] },
    });
    const two = link.connect();
    const read = two.down.map((message) => decodeProtocol(message as Uint8Array));
    expect(read.map(({ type }) => type)).toEqual(['welcome']);
  });

  it('is reported once, however often the client sends it', () => {
    const { host, link, connection, session } = begin();
    session.write({ item: 'a', bytes: sound(1600) });
    session.write({ item: 'b', bytes: sound(1600) });
    connection.receive();
    const heardItem = { item: 'a', frames: 160, ms: 10, unheard: [] };
    connection.up({ type: 'interrupted', heard: heardItem });
    const two = link.connect();
    two.up({ type: 'interrupted', heard: heardItem });
    two.up({ type: 'played', item: 'b', name: null, frames: 1600 });
    expect(host.of('interrupted')).toEqual([['interrupted', heardItem]]);
    expect(host.of('played')).toEqual([['played', 'b', null, 1600]]);
    // Nor of items from before a restart.
    const old = { item: 'old', frames: 160, ms: 10, unheard: [] };
    for (let i = 0; i < 2; i++) {
      two.up({ type: 'played', item: 'old', name: 'm', frames: 80 });
      two.up({ type: 'played', item: 'old', name: null, frames: 160 });
      two.up({ type: 'interrupted', heard: old });
    }
    expect(host.of('played').slice(1)).toEqual([
      ['played', 'old', 'm', 80],
      ['played', 'old', null, 160],
    ]);
    expect(host.of('interrupted').slice(1)).toEqual([['interrupted', old]]);
  });

  it('discards nothing if nothing was playing, or the items are unknown', () => {
    const { host, connection, session } = begin();
    connection.bufferedBytes = 1e6;
    session.write({ item: 'a', bytes: sound(10) });
    session.send('kept');
    const nothing = { item: undefined, frames: 0, ms: 0, unheard: [] };
    connection.up({ type: 'interrupted', heard: nothing });
    const unknown = { item: 'zz', frames: 5, ms: 0, unheard: ['yy'] };
    connection.up({ type: 'interrupted', heard: unknown });
    connection.bufferedBytes = 0;
    session.send('more');
    expect(types(connection.receive()).filter((type) => type !== 'handle')).toEqual([
      'audio',
      'message',
      'message',
    ]);
    expect(host.of('interrupted')).toEqual([
      ['interrupted', nothing],
      ['interrupted', unknown],
    ]);
  });
});

describe('playback by the client', () => {
  const played = (item: string, name: string | null, frames: number): ServiceRequest => ({
    type: 'played',
    item,
    name,
    frames,
  });

  it('is reported once, together with everything unreported before it', () => {
    const { host, connection, session } = begin();
    session.write({ item: 'a', bytes: sound(100) });
    session.mark({ item: 'a', name: 'a2', frames: 80 });
    session.mark({ item: 'a', name: 'a1', frames: 40 });
    session.write({ item: 'b', bytes: sound(50) });
    session.mark({ item: 'b', name: 'b1' });
    session.mark({ item: 'b', name: 'b2', frames: 60 });
    connection.receive();
    connection.up(played('a', 'a1', 40));
    connection.up(played('a', 'a1', 40));
    // The answers about the rest of `a` were lost.
    connection.up(played('b', 'b1', 50));
    connection.up(played('a', null, 100));
    connection.up(played('a', 'a2', 80));
    connection.up(played('b', null, 50));
    connection.up(played('b', null, 50));
    expect(host.of('played')).toEqual([
      ['played', 'a', 'a1', 40],
      ['played', 'a', 'a2', 80],
      ['played', 'a', null, 100],
      ['played', 'b', 'b1', 50],
      ['played', 'b', 'b2', 60],
      ['played', 'b', null, 50],
    ]);
  });

  it('is not reported for items that were interrupted', () => {
    const { host, connection, session } = begin();
    session.write({ item: 'a', bytes: sound(100) });
    session.mark({ item: 'a', name: 'a1' });
    session.interrupt();
    session.write({ item: 'b', bytes: sound(50) });
    session.endItem('b');
    connection.receive();
    connection.up(played('b', null, 50));
    expect(host.of('played')).toEqual([['played', 'b', null, 50]]);
  });

  it('is reported directly for items from before a restart', () => {
    const { host, connection } = begin();
    connection.up(played('old', 'm', 7));
    expect(host.of('played')).toEqual([['played', 'old', 'm', 7]]);
  });

  it('needs marks to be set on an item that is being written', () => {
    const { session } = begin();
    expect(() => session.mark({ item: 'a', name: 'm' })).toThrow(RangeError);
    session.write({ item: 'a', bytes: sound(1) });
    expect(() => session.mark({ item: 'a', name: '' })).toThrow(RangeError);
    session.endItem('a');
    expect(() => session.mark({ item: 'a', name: 'm' })).toThrow(RangeError);
  });
});
