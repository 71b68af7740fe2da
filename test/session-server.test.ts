import { describe, expect, it } from 'vitest';
import type { ServiceEvent, ServiceRequest } from '../src/core/services/service.ts';
import { CLOSING, decodeProtocol, encodeProtocol } from '../src/core/session/protocol.ts';
import type {
  SessionAnswer,
  SessionHost,
  SessionRefusal,
} from '../src/core/session/server/session-host.ts';
import { SessionServer } from '../src/core/session/server/session-server.ts';
import { integer } from './helpers/packet-streams.ts';
import { seededRandom } from './helpers/random.ts';
import { SessionLink } from './helpers/session-link.ts';
import type { LinkedConnection } from './helpers/session-link.ts';

const PCM = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
const OPUS = { format: 'opus', sampleRate: 48_000, channels: 1 } as const;

/** A host that remembers what it is told. */
class Recorder implements Required<SessionHost> {
  /** The first frame of each audio, with how many, and how many were missing before. */
  readonly audios: (readonly [frame: number, frames: number, missing: number])[] = [];
  readonly bytes: number[] = [];
  /** Everything else. */
  readonly told: unknown[] = [];
  readonly failures: unknown[] = [];
  open: SessionHost['open'] = () => ({});
  onaudio: () => void = () => {};

  audio: Required<SessionHost>['audio'] = (_, { frame, frames, missing, bytes }) => {
    this.onaudio();
    this.audios.push([frame, frames, missing]);
    this.bytes.push(...bytes);
  };
  failed: Required<SessionHost>['failed'] = (error) => this.failures.push(error);
  connected: Required<SessionHost>['connected'] = (_, known) =>
    this.told.push(['connected', known]);
  disconnected: Required<SessionHost>['disconnected'] = () => this.told.push(['disconnected']);
  ended: Required<SessionHost>['ended'] = (_, ending) => this.told.push(['ended', ending]);
  commit: Required<SessionHost>['commit'] = (_, frame) => this.told.push(['commit', frame]);
  interrupted: Required<SessionHost>['interrupted'] = (_, heard) =>
    this.told.push(['interrupted', heard]);
  played: Required<SessionHost>['played'] = (_, { item, name, frames }) => {
    this.told.push(['played', item, name, frames]);
  };
  muted: Required<SessionHost>['muted'] = (_, muted) => this.told.push(['muted', muted]);
  mark: Required<SessionHost>['mark'] = (_, mark) => this.told.push(['mark', mark]);
  clear: Required<SessionHost>['clear'] = (_, frame) => this.told.push(['clear', frame]);
  message: Required<SessionHost>['message'] = (_, value) => this.told.push(['message', value]);

  /** What it was told of one kind. */
  of(kind: string): unknown[] {
    return this.told.filter((entry) => (entry as unknown[])[0] === kind);
  }
}

/** A chunk of the user's: each sample has the number of its frame, in the lowest 15 bits. */
function chunk(frame: number, frames = 320): ServiceRequest {
  const samples = Int16Array.from({ length: frames }, (_, i) => (frame + i) & 0x7fff);
  const bytes = new Uint8Array(samples.buffer);
  return { type: 'audio', replayed: false, audio: { frame, frames, bytes, base64: '' } };
}

const acknowledged = (frame: number, received?: number): ServiceEvent => ({
  type: 'acknowledged',
  frame,
  ...(received === undefined ? undefined : { received }),
});
const READY: ServiceEvent = { type: 'ready' };
const RESUMED: ServiceEvent = { type: 'ready', resumed: true };

/** A link with a connection that is ready. */
function begin(
  options: ConstructorParameters<typeof SessionServer>[1] = {},
  client: ConstructorParameters<typeof SessionLink>[2] = { input: PCM, output: PCM },
) {
  const host = new Recorder();
  const link = new SessionLink(host, options, client);
  const connection = link.connect();
  expect(connection.receive()).toEqual([acknowledged(0), READY]);
  const session = link.server.sessions[0]!;
  return { host, link, connection, session };
}

/** Audio of the events, by item. */
function heard(events: readonly ServiceEvent[]): Record<string, number[]> {
  const items: Record<string, number[]> = {};
  for (const event of events) {
    if (event.type === 'audio') (items[event.item] ??= []).push(...event.bytes);
  }
  return items;
}

const types = (events: readonly ServiceEvent[]): string[] => events.map(({ type }) => type);
/** So many samples with this value in each byte. */
const sound = (frames: number, value = 1) => new Uint8Array(2 * frames).fill(value);

describe("the user's audio", () => {
  it('reaches the host in order, and is acknowledged every 100 ms of it', () => {
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

  it('comes once, though it is sent twice, and is cut where a part is new', () => {
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

  it('tells how many frames are missing', () => {
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

  it('of a codec is never cut: a packet that begins too early is missing', () => {
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

  it('continues on a new connection where the last one got to', () => {
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

  it('continues after a restart of the server where the host says', () => {
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

  it('goes back for a session that the server knows where the host says so', () => {
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

  it('is acknowledged no sooner than the host has stored it, if it says so', () => {
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

  it('is not acknowledged when the host throws, and comes again', () => {
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
  it('is replaced by a newer one of the same session, and no longer listened to', () => {
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

  it('is told to come later when there are as many sessions as there may be', () => {
    const { link } = begin({ maxSessions: 1 });
    const other = link.connect({ session: 's2' });
    expect(other.closing?.code).toBe(CLOSING.busy);
    expect(other.receive()).toEqual([]);
    expect(link.connect().closing).toBeUndefined();
  });

  it('is closed when no hello comes', () => {
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

  it('is closed when nothing comes for too long, and its session waits', () => {
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

  it('is closed, and its session kept, at a bye that is not the end', () => {
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

  it('has its client wait', async () => {
    const { host, answers, link } = later();
    const connection = link.connect();
    expect(connection.down).toEqual([]);
    answers[0]!({ frame: 320 });
    await settled();
    expect(connection.receive()).toEqual([acknowledged(320), READY]);
    expect(host.of('connected')).toHaveLength(1);
  });

  it('is not heard when the connection is gone meanwhile', async () => {
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

  it('keeps the session of a client that came back in time until it has answered', async () => {
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

  it('lets the session expire when the client that came back is gone before the answer', async () => {
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

  it('is asked in vain when the session ends meanwhile', async () => {
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

  it('is not waited for longer than helloMs', () => {
    const { link } = later();
    const connection = link.connect();
    link.pass(10_000);
    expect(connection.closing?.code).toBe(CLOSING.busy);
  });

  it('is closed with 4400 when its client does not wait', () => {
    const { link } = later();
    const connection = link.connect();
    connection.up(chunk(0));
    expect(connection.closing?.code).toBe(CLOSING.badMessage);
  });
});

describe('the end of a session', () => {
  it('comes with bye, after what is left to acknowledge', () => {
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

  it('comes when the host closes it, and nothing is told afterwards', () => {
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

  it('comes when the client stays away, and the session may begin again', () => {
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

  it('is forgotten after a while', () => {
    const { link, session } = begin({ expireMs: 5000 });
    session.close();
    link.connect({ session: 's2' });
    link.pass(4000);
    expect(link.connect().closing?.code).toBe(CLOSING.over);
    link.pass(7000);
    expect(link.connect().closing).toBeUndefined();
  });

  it('is told before when the server leaves, and the session is kept', () => {
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

describe('what the client tells', () => {
  it('reaches the host', () => {
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

  it('commits once, though it is sent again on a new connection', () => {
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

  it('goes to failed when the host throws', () => {
    const { host, connection } = begin();
    host.commit = () => {
      throw new RangeError('no');
    };
    connection.up({ type: 'commit', frame: 1 });
    expect(host.failures).toEqual([new RangeError('no')]);
    expect(connection.closing?.code).toBe(CLOSING.failed);
  });
});

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

  it('is copied, so that the host may use its bytes again', () => {
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

  it('is exact whatever connections do', () => {
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

  it('is continued by numbers, not by name, after a restart of the server', () => {
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

  it('that waits too long is dropped, is counted, and told to the client', () => {
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

  it('waits while half of what may be held is not acknowledged', () => {
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

  it('is of the stream that the host chooses', () => {
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
  it('discards what waits, and silences what was sent', () => {
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

  it('follows what was sent, and comes before the next item', () => {
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

  it('comes again on a new connection, unless the client has audio from after it', () => {
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
  it('discards what waits of the items that it names, and keeps the next one', () => {
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

  it('is remembered by the next connection: the item is not begun again', () => {
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

  it('is told once, however often the client says it', () => {
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

  it('discards nothing when nothing was playing, or the items are not known', () => {
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

describe('what the client has played', () => {
  const played = (item: string, name: string | null, frames: number): ServiceRequest => ({
    type: 'played',
    item,
    name,
    frames,
  });

  it('is told once, with everything before it that was not told', () => {
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

  it('leaves out items that were interrupted', () => {
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

  it('is told as it comes of items from before a restart', () => {
    const { host, connection } = begin();
    connection.up(played('old', 'm', 7));
    expect(host.of('played')).toEqual([['played', 'old', 'm', 7]]);
  });

  it('cannot be asked of an item that is not being written', () => {
    const { session } = begin();
    expect(() => session.mark({ item: 'a', name: 'm' })).toThrow(RangeError);
    session.write({ item: 'a', bytes: sound(1) });
    expect(() => session.mark({ item: 'a', name: '' })).toThrow(RangeError);
    session.endItem('a');
    expect(() => session.mark({ item: 'a', name: 'm' })).toThrow(RangeError);
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

  it('must be something that JSON has, and not too long', () => {
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
  ])('reports a wrong %s of its host, and closes the connection', (_, answer) => {
    const host = new Recorder();
    host.open = () => answer;
    const connection = new SessionLink(host).connect();
    expect(connection.closing?.code).toBe(CLOSING.failed);
    expect(host.failures).toEqual([expect.any(RangeError)]);
  });
});
