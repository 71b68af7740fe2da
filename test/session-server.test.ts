import { describe, expect, it } from 'vitest';
import type { ServiceRequest } from '../src/core/services/service.ts';
import { CLOSING, encodeProtocol } from '../src/core/session/protocol.ts';
import type {
  SessionAnswer,
  SessionHost,
  SessionRefusal,
} from '../src/core/session/server/session-host.ts';
import { SessionServer } from '../src/core/session/server/session-server.ts';
import { SessionLink } from './helpers/session-link.ts';
import {
  PCM,
  OPUS,
  Recorder,
  chunk,
  acknowledged,
  READY,
  RESUMED,
  begin,
  types,
  sound,
} from './helpers/session-recorder.ts';

describe("the user's audio", () => {
  it('reaches the host in order, and is acknowledged every 100 ms', () => {
    const { host, link, connection } = begin();
    for (let i = 0; i < 12; i++) connection.up(chunk(i * 320));
    expect(connection.receive()).toEqual([acknowledged(1600), acknowledged(3200)]);
    expect(link.server.dueMs).toBe(link.nowMs + 100);
    link.pass(99);
    expect(connection.receive()).toEqual([]);
    link.pass(1);
    expect(connection.receive()).toEqual([acknowledged(3840)]);
    expect(host.audios).toEqual(Array.from({ length: 12 }, (_, i) => [i * 320, 320, 0]));
  });

  it('is acknowledged at a commit and at a ping', () => {
    const { connection } = begin();
    connection.up(chunk(0));
    connection.up({ type: 'commit', frame: 320 });
    expect(connection.receive()).toEqual([acknowledged(320)]);
    connection.up(chunk(320));
    connection.up({ type: 'keep-alive' });
    expect(connection.receive()).toEqual([acknowledged(640)]);
  });

  it('is delivered once if it is sent twice, and is cut if only a part is new', () => {
    const { host, connection, session } = begin();
    connection.up(chunk(0));
    connection.up(chunk(0));
    connection.up(chunk(100));
    connection.up(chunk(50, 100));
    expect(host.audios).toEqual([
      [0, 320, 0],
      [320, 100, 0],
    ]);
    const samples = new Int16Array(Uint8Array.from(host.bytes).buffer);
    expect([...samples]).toEqual(Array.from({ length: 420 }, (_, i) => i));
    expect(session.stats).toMatchObject({ receivedFrames: 420, duplicateFrames: 640 });
  });

  it('is delivered with the number of missing frames', () => {
    const { host, connection, session } = begin();
    connection.up(chunk(640));
    connection.up(chunk(960));
    connection.up(chunk(1600));
    expect(host.audios).toEqual([
      [640, 320, 640],
      [960, 320, 0],
      [1600, 320, 320],
    ]);
    expect(session.stats).toMatchObject({ receivedFrames: 960, missingFrames: 960 });
  });

  it('with a codec is never cut: a packet that begins too early is missing', () => {
    const { host, connection } = begin({}, { input: OPUS, output: null });
    const packet = (frame: number): ServiceRequest => ({
      type: 'audio',
      replayed: false,
      audio: { frame, frames: 960, bytes: Uint8Array.of(0xf8, 1), base64: '' },
    });
    connection.up(packet(0));
    connection.up(packet(500));
    connection.up(packet(1460));
    expect(host.audios).toEqual([
      [0, 960, 0],
      [1460, 960, 500],
    ]);
  });

  it('continues on a new connection at the last acknowledged frame', () => {
    const { host, link, connection } = begin();
    for (let i = 0; i < 7; i++) connection.up(chunk(i * 320));
    connection.lose();
    const two = link.connect({ frame: 0 });
    expect(two.receive()).toEqual([acknowledged(2240), RESUMED]);
    for (let i = 5; i < 10; i++) two.up(chunk(i * 320));
    expect(host.audios).toEqual(Array.from({ length: 10 }, (_, i) => [i * 320, 320, 0]));
    expect(host.of('connected')).toEqual([
      ['connected', false],
      ['connected', true],
    ]);
  });

  it('continues after a restart of the server at the host’s frame', () => {
    const { host, link, connection } = begin();
    for (let i = 0; i < 5; i++) connection.up(chunk(i * 320));
    link.restart();
    host.open = () => ({ frame: 1280 });
    const two = link.connect({ frame: 320 });
    expect(two.receive()).toEqual([acknowledged(1280), READY]);
    for (let i = 1; i < 6; i++) two.up(chunk(i * 320));
    expect(host.audios.slice(5)).toEqual([
      [1280, 320, 0],
      [1600, 320, 0],
    ]);
    expect(link.server.sessions[0]!.stats).toMatchObject({ duplicateFrames: 960 });
  });

  it('goes back for a known session if the host asks for it', () => {
    const { host, link, connection } = begin();
    for (let i = 0; i < 4; i++) connection.up(chunk(i * 320));
    host.open = () => ({ frame: 640 });
    const two = link.connect();
    expect(two.receive()).toEqual([acknowledged(640), RESUMED]);
    two.up(chunk(640));
    two.up(chunk(640));
    expect(host.audios.at(-1)).toEqual([640, 320, 0]);
    host.open = () => ({ frame: 0 });
    link.connect();
    expect(link.server.sessions[0]!.stats).toMatchObject({ duplicateFrames: 320 });
  });

  it('is not acknowledged before the host has stored it, if configured so', () => {
    const { host, link, connection, session } = begin({ acknowledge: 'stored' });
    for (let i = 0; i < 6; i++) connection.up(chunk(i * 320));
    link.pass(1000);
    expect(connection.receive()).toEqual([]);
    session.stored(800);
    session.stored(700);
    expect(connection.receive()).toEqual([acknowledged(800)]);
    expect(() => session.stored(1921)).toThrow(RangeError);
    // What is not stored comes once more, and the host gets it once all the same.
    const two = link.connect({ frame: 800 });
    expect(two.receive()).toEqual([acknowledged(800, 1920), RESUMED]);
    session.stored(1920);
    expect(two.receive()).toEqual([acknowledged(1920)]);
    for (let i = 3; i < 7; i++) two.up(chunk(i * 320));
    expect(host.audios.map(([frame]) => frame)).toEqual([0, 320, 640, 960, 1280, 1600, 1920]);
    session.stored(2240);
    expect(two.receive()).toEqual([acknowledged(2240)]);
  });

  it('is not acknowledged when the host throws, and is sent again', () => {
    const { host, link, connection } = begin();
    connection.up(chunk(0));
    const fault = new Error('The disk is full.');
    host.onaudio = () => {
      throw fault;
    };
    connection.up(chunk(320));
    expect(host.failures).toEqual([fault]);
    expect(connection.closing?.code).toBe(CLOSING.failed);
    expect(connection.receive()).toEqual([]);
    host.onaudio = () => {};
    const two = link.connect();
    expect(two.receive()).toEqual([acknowledged(320), RESUMED]);
    two.up(chunk(320));
    expect(host.audios).toEqual([
      [0, 320, 0],
      [320, 320, 0],
    ]);
  });
});

describe('a connection', () => {
  it('is replaced by a newer one of the same session, and then ignored', () => {
    const { host, link, connection } = begin();
    const two = link.connect();
    expect(connection.closing?.code).toBe(CLOSING.replaced);
    expect(connection.receive()).toMatchObject([{ type: 'error', code: '4409', retry: false }]);
    connection.up(chunk(0));
    connection.server.closed(link.nowMs);
    two.up(chunk(0));
    expect(host.audios).toEqual([[0, 320, 0]]);
    expect(host.of('disconnected')).toEqual([]);
    expect(link.server.sessions[0]!.isConnected).toBe(true);
  });

  const wrong: readonly (readonly [string, string | Uint8Array])[] = [
    ['bytes that are not a message', Uint8Array.of(0x55)],
    ['a message that is cut', Uint8Array.of(0x19)],
    [
      'a welcome',
      encodeProtocol({ type: 'welcome', known: true, next: 0, received: 0, output: null }),
    ],
    ['an item', encodeProtocol({ type: 'item', frame: 0, item: 'a' })],
    ['an item-end', encodeProtocol({ type: 'item-end', frame: 0, item: 'a' })],
    ['a leaving', encodeProtocol({ type: 'leaving', ms: 1 })],
    [
      'an acknowledgement of what was never sent',
      encodeProtocol({ type: 'acknowledged', frame: 1 }),
    ],
    ['a text that is half an object', '{"a":'],
    ['a text of more than 1 MiB', 'a'.repeat(2 ** 20 + 1)],
  ];
  const hello = (changes: object = {}) =>
    encodeProtocol({
      type: 'hello',
      session: 's1',
      frame: 0,
      next: 0,
      input: PCM,
      output: null,
      ...changes,
    });

  it.each<readonly [string, string | Uint8Array]>([...wrong, ['a second hello', hello()]])(
    'is closed with 4400 for %s',
    (_, message) => {
      const { host, link, connection } = begin();
      connection.raw(message);
      expect(connection.closing?.code).toBe(CLOSING.badMessage);
      expect(connection.closing?.reason).not.toBe('');
      expect(connection.receive()).toMatchObject([{ type: 'error', code: '4400', retry: false }]);
      expect(host.failures).toEqual([]);
      expect(host.of('disconnected')).toHaveLength(1);
      // The session is as it was.
      expect(types(link.connect().receive())).toEqual(['acknowledged', 'ready']);
    },
  );

  it.each<readonly [string, string | Uint8Array]>([
    ...wrong,
    ['text', 'hello'],
    ['a ping', encodeProtocol({ type: 'ping', number: 1 })],
  ])('is closed with 4400 when it begins with %s', (_, message) => {
    const host = new Recorder();
    const link = new SessionLink(host);
    const connection = link.connect();
    connection.down.length = 0;
    const other = link.server.connect(connection, {}, link.nowMs);
    other.receive(message, link.nowMs);
    expect(connection.closing?.code).toBe(CLOSING.badMessage);
  });

  it('is closed with 4400 for audio of another stream than that of hello', () => {
    const { connection } = begin({}, { input: PCM, output: null });
    const packet = { ...PCM, sequence: 0, frame: 0, frames: 1, timestamp: 0, dropped: 0 };
    const payload = new Uint8Array(4);
    connection.raw(encodeProtocol({ type: 'audio', packet: { ...packet, channels: 2, payload } }));
    expect(connection.closing?.code).toBe(CLOSING.badMessage);
  });

  it('is closed with 4400 when it changes the input of a session', () => {
    const { link } = begin();
    const other = link.connect();
    const connection = link.server.connect(other, {}, link.nowMs);
    connection.receive(hello({ input: OPUS }), link.nowMs);
    expect(other.closing?.code).toBe(CLOSING.badMessage);
  });

  it('is refused with the code of the host', () => {
    const host = new Recorder();
    host.open = ({ token }): SessionAnswer | SessionRefusal =>
      token === 'good' ? {} : { code: 4401, reason: 'Sign in.' };
    const link = new SessionLink(host);
    const bad = link.connect({ token: 'bad' });
    expect(bad.closing).toEqual({ code: 4401, reason: 'Sign in.' });
    expect(bad.receive()).toEqual([
      { type: 'error', code: '4401', message: 'Sign in.', fatal: true, retry: false },
    ]);
    expect(link.server.sessions).toEqual([]);
    expect(types(link.connect({ token: 'good' }).receive())).toContain('ready');
  });

  it('is asked to try again later when the server has its maximum of sessions', () => {
    const { link } = begin({ maxSessions: 1 });
    const other = link.connect({ session: 's2' });
    expect(other.closing?.code).toBe(CLOSING.busy);
    expect(other.receive()).toEqual([]);
    expect(link.connect().closing).toBeUndefined();
  });

  it('is closed if it sends no hello', () => {
    const host = new Recorder();
    const link = new SessionLink(host, { helloMs: 500 });
    const { closing } = link.connect();
    expect(closing).toBeUndefined();
    const silent = link.connect();
    link.server = new SessionServer(host, { helloMs: 500 });
    const connection = link.server.connect(silent, {}, link.nowMs);
    expect(link.server.dueMs).toBe(link.nowMs + 500);
    link.pass(499);
    expect(silent.closing).toBeUndefined();
    link.pass(1);
    expect(silent.closing?.code).toBe(CLOSING.busy);
    connection.receive(hello(), link.nowMs);
    expect(link.server.sessions).toEqual([]);
  });

  it('is closed if it sends nothing for too long, and its session waits', () => {
    const { host, link, connection } = begin({ idleMs: 1000 });
    link.pass(900);
    connection.up({ type: 'keep-alive' });
    link.pass(999);
    expect(connection.closing).toBeUndefined();
    link.pass(1);
    expect(connection.closing?.code).toBe(CLOSING.leaving);
    expect(host.of('disconnected')).toHaveLength(1);
    expect(link.server.sessions).toHaveLength(1);
  });

  it('is closed, and its session kept, when it says bye without ending the session', () => {
    const { host, link, connection } = begin();
    connection.raw(encodeProtocol({ type: 'bye', code: 1001, reason: '' }));
    expect(connection.closing?.code).toBe(CLOSING.leaving);
    expect(host.of('ended')).toEqual([]);
    expect(types(link.connect().receive())).toContain('ready');
  });
});

describe('a host that answers later', () => {
  function later(options: ConstructorParameters<typeof SessionServer>[1] = {}) {
    const host = new Recorder();
    const answers: ((answer: object) => void)[] = [];
    const refusals: ((error: unknown) => void)[] = [];
    host.open = () =>
      new Promise((resolve, reject) => {
        answers.push(resolve);
        refusals.push(reject);
      });
    return { host, answers, refusals, link: new SessionLink(host, options) };
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('keeps its client waiting', async () => {
    const { host, answers, link } = later();
    const connection = link.connect();
    expect(connection.down).toEqual([]);
    answers[0]!({ frame: 320 });
    await settled();
    expect(connection.receive()).toEqual([acknowledged(320), READY]);
    expect(host.of('connected')).toHaveLength(1);
  });

  it('is ignored when the connection is gone meanwhile', async () => {
    const { host, answers, link } = later();
    const connection = link.connect();
    connection.lose();
    answers[0]!({});
    await settled();
    expect(connection.down).toEqual([]);
    expect(host.told).toEqual([]);
    expect(link.server.sessions).toEqual([]);
  });

  it('does not give the session to the older of two connections', async () => {
    const { answers, link } = later();
    const [one, two] = [link.connect(), link.connect()];
    answers[1]!({});
    await settled();
    answers[0]!({});
    await settled();
    expect(one.closing?.code).toBe(CLOSING.replaced);
    expect(types(two.receive())).toEqual(['acknowledged', 'ready']);
  });

  it('closes the connection when it fails', async () => {
    const { host, refusals, link } = later();
    const connection = link.connect();
    const fault = new Error('The database is away.');
    refusals[0]!(fault);
    await settled();
    expect(connection.closing?.code).toBe(CLOSING.failed);
    expect(host.failures).toEqual([fault]);
  });

  it('keeps the session of a client that returned in time until it has answered', async () => {
    const { host, answers, link } = later({ expireMs: 5000 });
    const one = link.connect();
    answers[0]!({});
    await settled();
    one.up(chunk(0));
    one.lose();
    link.pass(4000);
    const two = link.connect();
    link.pass(3000);
    answers[1]!({});
    await settled();
    expect(two.receive()).toEqual([acknowledged(320), RESUMED]);
    expect(host.of('ended')).toEqual([]);
  });

  it('lets the session expire if the client that returned is gone before the answer', async () => {
    const { host, answers, link } = later({ expireMs: 5000 });
    const one = link.connect();
    answers[0]!({});
    await settled();
    one.lose();
    link.pass(4000);
    const two = link.connect();
    link.pass(3000);
    expect(host.of('ended')).toEqual([]);
    two.lose();
    link.pass(0);
    expect(host.of('ended')).toEqual([['ended', 'expired']]);
  });

  it('cannot accept a client when the session ends meanwhile', async () => {
    const { answers, link } = later();
    const one = link.connect();
    answers[0]!({});
    await settled();
    const two = link.connect();
    link.server.sessions[0]!.close();
    answers[1]!({});
    await settled();
    expect(one.closing?.code).toBe(CLOSING.done);
    expect(two.closing?.code).toBe(CLOSING.over);
  });

  it('has at most helloMs to answer', () => {
    const { link } = later();
    const connection = link.connect();
    link.pass(10_000);
    expect(connection.closing?.code).toBe(CLOSING.busy);
  });

  it('loses a client with 4400 that does not wait', () => {
    const { link } = later();
    const connection = link.connect();
    connection.up(chunk(0));
    expect(connection.closing?.code).toBe(CLOSING.badMessage);
  });
});

describe('the end of a session', () => {
  it('follows the client’s end message, after the remaining acknowledgements', () => {
    const { host, link, connection } = begin();
    connection.up(chunk(0));
    connection.up({ type: 'end' });
    expect(connection.receive()).toEqual([acknowledged(320), { type: 'ended' }]);
    expect(connection.closing).toEqual({ code: 1000, reason: '' });
    expect(host.told.at(-1)).toEqual(['ended', 'bye']);
    expect(host.of('disconnected')).toEqual([]);
    const late = link.connect();
    expect(late.closing?.code).toBe(CLOSING.over);
    expect(late.receive()).toEqual([{ type: 'ended' }]);
  });

  it('follows a close by the host, and nothing is reported afterwards', () => {
    const { host, connection, session } = begin();
    session.close();
    session.close();
    connection.up(chunk(0));
    expect(session.write({ item: 'a', bytes: sound(1) })).toBe(false);
    session.send('late');
    session.interrupt();
    expect(connection.receive()).toEqual([{ type: 'ended' }]);
    expect(host.audios).toEqual([]);
    expect(host.of('ended')).toEqual([['ended', 'closed']]);
  });

  it('follows when the client stays away, and the session may begin again', () => {
    const { host, link, connection } = begin({ expireMs: 5000 });
    connection.lose();
    expect(link.server.dueMs).toBeLessThanOrEqual(link.nowMs + 5000);
    link.pass(4999);
    expect(host.of('ended')).toEqual([]);
    link.pass(1);
    expect(host.of('ended')).toEqual([['ended', 'expired']]);
    expect(link.server.sessions).toEqual([]);
    expect(types(link.connect().receive())).toContain('ready');
  });

  it('is forgotten after expireMs', () => {
    const { link, session } = begin({ expireMs: 5000 });
    session.close();
    link.connect({ session: 's2' });
    link.pass(4000);
    expect(link.connect().closing?.code).toBe(CLOSING.over);
    link.pass(7000);
    expect(link.connect().closing).toBeUndefined();
  });

  it('is announced when the server leaves, and the session is kept', () => {
    const { host, link, connection } = begin();
    link.server.leave(500, link.nowMs);
    expect(connection.receive()).toEqual([{ type: 'going-away', inMs: 500 }]);
    expect(link.connect({ session: 's2' }).closing?.code).toBe(CLOSING.leaving);
    connection.up(chunk(0));
    link.pass(499);
    expect(connection.closing).toBeUndefined();
    link.pass(1);
    expect(connection.closing?.code).toBe(CLOSING.leaving);
    expect(host.of('ended')).toEqual([]);
    expect(host.audios).toHaveLength(1);
    expect(link.server.dueMs).toBeGreaterThan(link.nowMs);
  });
});

describe('the events of a client', () => {
  it('reach the host', () => {
    const { host, connection, session } = begin();
    connection.receive();
    connection.up(chunk(0));
    connection.up({ type: 'mute', muted: true });
    connection.up({ type: 'mute', muted: false });
    connection.up({ type: 'mark', name: 'm1' });
    connection.up({ type: 'clear' });
    connection.up({ type: 'message', value: { a: 1 } });
    connection.up({ type: 'message', value: 'text' });
    connection.up({ type: 'message', value: Uint8Array.of(7) });
    expect(host.told.slice(1)).toEqual([
      ['muted', true],
      ['muted', false],
      ['mark', { name: 'm1', frame: 320 }],
      ['clear', 320],
      ['message', { a: 1 }],
      ['message', 'text'],
      ['message', Uint8Array.of(7)],
    ]);
    session.played('m1');
    expect(connection.receive()[0]).toEqual({ type: 'marked', name: 'm1' });
  });

  it('include each commit once, even if it is sent again on a new connection', () => {
    const { host, link, connection } = begin();
    connection.up({ type: 'commit', frame: 320 });
    const two = link.connect();
    two.up({ type: 'commit', frame: 320 });
    two.up({ type: 'commit', frame: 640 });
    expect(host.of('commit')).toEqual([
      ['commit', 320],
      ['commit', 640],
    ]);
  });

  it('cause a call of failed when the host throws', () => {
    const { host, connection } = begin();
    host.commit = () => {
      throw new RangeError('no');
    };
    connection.up({ type: 'commit', frame: 1 });
    expect(host.failures).toEqual([new RangeError('no')]);
    expect(connection.closing?.code).toBe(CLOSING.failed);
  });
});

describe("the app's messages", () => {
  it('wait for a connection, and are sent once', () => {
    const { link, connection, session } = begin();
    connection.lose();
    session.send({ a: 1 });
    session.send('text');
    session.send(Uint8Array.of(1, 2));
    const two = link.connect();
    const events = two.receive();
    expect(events.slice(2)).toEqual([
      { type: 'message', value: { a: 1 } },
      { type: 'message', value: 'text' },
      { type: 'message', value: Uint8Array.of(1, 2) },
    ]);
    two.lose();
    expect(types(link.connect().receive())).toEqual(['acknowledged', 'ready']);
  });

  it('are bounded while they wait: the oldest is dropped', () => {
    const { link, connection, session } = begin();
    connection.lose();
    for (let i = 0; i < 5000; i++) session.send(`m${i}`);
    const events = link.connect().receive().slice(2);
    expect(events).toHaveLength(4096);
    expect(events[0]).toEqual({ type: 'message', value: 'm904' });
  });

  it('must be representable in JSON, and not too long', () => {
    const { session } = begin();
    expect(() => session.send(undefined)).toThrow(TypeError);
    expect(() => session.send('a'.repeat(2 ** 20 + 1))).toThrow(RangeError);
    expect(() => session.send(new Uint8Array(2 ** 20))).toThrow(RangeError);
  });
});

describe('SessionServer', () => {
  it.each([
    ['sampelRate', { sampelRate: 1 }, TypeError],
    ['acknowledge', { acknowledge: 'never' }, TypeError],
    ['maxSessions', { maxSessions: 0 }, RangeError],
    ['expireMs', { expireMs: -1 }, RangeError],
    ['idleMs', { idleMs: 0 }, RangeError],
    ['helloMs', { helloMs: Number.NaN }, RangeError],
    ['maxReplyMs', { maxReplyMs: -1 }, RangeError],
    ['maxReplyBytes', { maxReplyBytes: '1' }, TypeError],
  ])('refuses a wrong %s', (_, options, error) => {
    expect(() => new SessionServer(new Recorder(), options as object)).toThrow(error);
  });

  it('refuses a host without its functions', () => {
    expect(() => new SessionServer({ open: () => ({}) } as unknown as SessionHost)).toThrow(
      TypeError,
    );
  });

  it.each([
    ['frame', { frame: -1 }],
    ['output', { output: { ...PCM, channels: 0 } }],
    ['reason', { code: 4401, reason: 'x'.repeat(124) }],
  ])('reports an invalid %s of its host, and closes the connection', (_, answer) => {
    const host = new Recorder();
    host.open = () => answer;
    const connection = new SessionLink(host).connect();
    expect(connection.closing?.code).toBe(CLOSING.failed);
    expect(host.failures).toEqual([expect.any(RangeError)]);
  });
});
