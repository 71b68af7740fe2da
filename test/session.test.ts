/** Sessions on a page in Node: real capture and playout processors, a microphone, and a server in the test's hands. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Session } from '../src/web/session/session.ts';
import type { SessionEventMap, SessionOptions } from '../src/web/session/session-options.ts';
import type { Service } from '../src/core/services/service.ts';
import { FakeServer, fakeService } from './helpers/fake-service.ts';
import { MicrophonePage, PAGE_RATE } from './helpers/microphone-page.ts';
import { wavSamples } from './helpers/wav-samples.ts';

let page: MicrophonePage;
let server: FakeServer;
let sessions: Session[];
beforeEach(async () => {
  page = await MicrophonePage.open();
  // Ramps, so that every sample names its frame; slow enough for the resampler.
  page.signal = (_, frame) => ((frame / 3) % 30_000) / 32_768;
  server = new FakeServer();
  sessions = [];
});
afterEach(async () => {
  await Promise.all(sessions.map((session) => page.during(session.close({ drainMs: 0 }))));
  page.close();
});

interface Opened {
  readonly session: Session;
  readonly events: { readonly type: string; readonly detail: unknown }[];
}

const EVENTS: readonly (keyof SessionEventMap)[] = [
  'statechange',
  'message',
  'transcript',
  'caption',
  'speech',
  'gap',
  'interrupted',
  'played',
  'error',
];

async function open(
  options: Partial<SessionOptions> = {},
  service: Partial<Service> = {},
): Promise<Opened> {
  const microphone =
    options.microphone === undefined ? await page.microphone() : options.microphone;
  const events: Opened['events'] = [];
  const opening = Session.open({
    context: page.asContext,
    service: fakeService(service),
    url: 'ws://server/audio',
    createSocket: server.createSocket,
    ...options,
    microphone,
  });
  const listening = opening.then((session) => {
    sessions.push(session);
    for (const type of EVENTS) {
      session.addEventListener(type, (event) => {
        const detail = type === 'statechange' ? session.state : (event as CustomEvent).detail;
        events.push({ type, detail });
      });
    }
    return session;
  });
  const session = await page.during(listening);
  // News from before is told in a task of its own.
  await new Promise((resolve) => setTimeout(resolve, 5));
  return { session, events };
}

/** Nothing is missing, nothing comes twice: every chunk begins where the one before ended. */
function expectWhole(audio: FakeServer['audio'], from = 0): number {
  let next = from;
  for (const { frame, samples } of audio) {
    expect(frame).toBe(next);
    next += samples.length;
  }
  return next;
}

/** Renders until everything that was captured has been acknowledged. */
async function drained(session: Session): Promise<void> {
  await vi.waitFor(async () => {
    await page.render(2);
    const { inFlightFrames, waitingFrames } = session.stats;
    expect({ inFlightFrames, waitingFrames }).toEqual({ inFlightFrames: 0, waitingFrames: 0 });
  }, 10_000);
}

function expectAccount({ stats }: Session): void {
  const { capturedFrames, acknowledgedFrames, inFlightFrames, waitingFrames, droppedFrames } =
    stats;
  expect(acknowledgedFrames + inFlightFrames + waitingFrames + droppedFrames).toBe(capturedFrames);
}

/** What was heard so far. */
function played(events: Opened['events']): unknown[] {
  return events.filter(({ type }) => type === 'played').map(({ detail }) => detail);
}

/** Frames of a reply, as s16. */
function reply(frames: number): Uint8Array {
  return new Uint8Array(new Int16Array(frames).fill(8000).buffer);
}

describe('a session', () => {
  test('sends all captured audio, from the first frame on', async () => {
    const { session, events } = await open();
    expect(session.state).toBe('open');
    await page.render(400);
    await drained(session);
    const frames = expectWhole(server.audio);
    expect(frames).toBeGreaterThan(16_000);
    const { capturedFrames, acknowledgedFrames } = session.stats;
    expect({ capturedFrames, acknowledgedFrames }).toEqual({
      capturedFrames: frames,
      acknowledgedFrames: frames,
    });
    expect(events.filter(({ type }) => type === 'gap' || type === 'error')).toEqual([]);
  });

  test('sends audio from before the connection first', async () => {
    let connect = (): void => {};
    const url = () => new Promise<string>((resolve) => (connect = () => resolve('ws://server/')));
    const { session } = await open({ url });
    await page.render(400);
    expect(session.state).toBe('connecting');
    expect(server.sockets).toEqual([]);
    connect();
    await vi.waitFor(() => expect(session.state).toBe('replaying'), 5000);
    await drained(session);
    expect(session.state).toBe('open');
    expect(expectWhole(server.audio)).toBeGreaterThan(16_000);
  });

  test('asks for an address and a token before every connection', async () => {
    let calls = 0;
    const { session } = await open({
      url: () => `ws://server/${++calls}`,
      token: () => Promise.resolve(`token-${calls}`),
    });
    expect(server.socket).toMatchObject({ url: 'ws://server/1', protocols: ['fake', 'token-1'] });
    server.socket.cut();
    expect(session.state).toBe('waiting');
    await vi.waitFor(() => expect(session.state).toBe('open'), 5000);
    expect(server.socket).toMatchObject({ url: 'ws://server/2', protocols: ['fake', 'token-2'] });
  });

  test('accepts addresses relative to the page, and those of http', async () => {
    vi.stubGlobal('location', { href: 'https://app.example/talk/' });
    await open({ url: '../audio' });
    expect(server.socket.url).toBe('wss://app.example/audio');
  });

  test('reports why there is no address, and tries again', async () => {
    let calls = 0;
    const { session, events } = await open({
      firstDelayMs: 1,
      token: () => {
        if (++calls === 1) throw new Error('The token server sleeps.');
        return 'token';
      },
    });
    await vi.waitFor(() => expect(session.state).toBe('open'), 5000);
    const error = events.find(({ type }) => type === 'error')?.detail;
    expect(error).toMatchObject({
      name: 'MicwireError',
      code: 'transport',
      cause: new Error('The token server sleeps.'),
    });
  });

  test('loses nothing when the connection is lost', async () => {
    const { session } = await open({ firstDelayMs: 1 });
    await page.render(200);
    server.socket.onaudio = () => {};
    const acknowledged = server.socket.audio.length;
    await page.render(200);
    // Chunks cross threads: some have to be sent, and stay without an acknowledgement.
    await vi.waitFor(() => expect(server.socket.audio.length).toBeGreaterThan(acknowledged), 5000);
    server.socket.cut();
    await page.render(200);
    await vi.waitFor(() => expect(session.state).not.toBe('waiting'), 5000);
    await drained(session);
    const { capturedFrames, acknowledgedFrames, connections } = session.stats;
    expect(connections).toBe(2);
    expect(acknowledgedFrames).toBe(capturedFrames);
    const [before, after] = server.sockets;
    expectWhole(before!.audio);
    const first = after!.audio[0]!;
    expect(first.replayed).toBe(true);
    expect(before!.audio.some(({ frame }) => frame === first.frame)).toBe(true);
    expect(expectWhole(after!.audio, first.frame)).toBe(capturedFrames);
  });

  test('connects at once when the system is online again', async () => {
    const online = new EventTarget();
    vi.stubGlobal('addEventListener', online.addEventListener.bind(online));
    vi.stubGlobal('removeEventListener', online.removeEventListener.bind(online));
    const { session } = await open({ firstDelayMs: 3_600_000, maxDelayMs: 3_600_000 });
    server.socket.cut();
    expect(session.state).toBe('waiting');
    online.dispatchEvent(new Event('online'));
    await vi.waitFor(() => expect(session.state).toBe('open'));
  });

  test('works by chunks and messages alone if timers never fire', async () => {
    const { session } = await open({ firstDelayMs: 1 });
    await page.render(50);
    const timers = vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as never);
    try {
      server.socket.cut();
      for (let round = 0; round < 200 && session.state !== 'open'; round++) await page.render(4);
      expect(session.state).toBe('open');
    } finally {
      timers.mockRestore();
    }
    await drained(session);
    expect(session.stats.connections).toBe(2);
  });

  test('does not reconnect when the service refuses it', async () => {
    const { session, events } = await open();
    await page.render(50);
    server.socket.cut(4401, 'no');
    expect(session.state).toBe('closed');
    expect(events.at(-1)).toMatchObject({ type: 'statechange' });
    expect(events.find(({ type }) => type === 'error')?.detail).toMatchObject({
      code: 'transport',
    });
    expect(() => session.send({})).toThrow(expect.objectContaining({ code: 'closed' }));
    await page.during(session.close());
    expect(session.capture?.state).toBe('closed');
  });
});

describe('Session.open', () => {
  const good = {
    microphone: null,
    service: fakeService(),
    url: 'ws://server/',
  };

  test.each([
    ['an option that it does not have', { tokn: 'x' }, "Did you mean 'token'?"],
    ['no microphone', { microphone: undefined }, 'microphone must be a source'],
    ['no service', { service: undefined }, 'service must be a Service'],
    ['a service that speaks TCP', { service: fakeService({ transport: 'tcp' }) }, 'speaks TCP'],
    ['no address', { url: undefined }, 'url must be a string or a function'],
    ['a number for a token', { token: 5 }, 'token must be a string or a function'],
    ['an output without a node', { output: {} }, 'output must be an AudioNode or a Speaker'],
    ['a limit that is out of its range', { maxOutboxMs: 1 }, 'maxOutboxMs must lie between'],
    ['text for halfDuplex', { halfDuplex: 'yes' }, 'halfDuplex must be true or false'],
    ['an empty object for a context', { context: {} }, 'context must be an AudioContext'],
    ['options of the connection beside a Worker', { worker: { postMessage() {} } }, 'no option'],
  ])('refuses %s, and explains why', async (_, wrong, message) => {
    const options = { context: page.asContext, ...good, ...wrong } as never;
    const error = await Session.open(options).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(wrong && 'maxOutboxMs' in wrong ? RangeError : TypeError);
    expect((error as Error).message).toContain(message);
    expect(server.sockets).toEqual([]);
  });
});

describe('what the app hears', () => {
  test('includes everything that happened before it could listen', async () => {
    let told = '';
    const { createSocket } = server;
    const early: SessionOptions['createSocket'] = (url, protocols) => {
      const socket = createSocket(url, protocols);
      queueMicrotask(() => socket.say({ type: 'message', value: { hello: 1 } }));
      return socket;
    };
    const { session, events } = await open({ createSocket: early });
    expect(events).toContainEqual({ type: 'message', detail: { hello: 1 } });
    expect(events).toContainEqual({ type: 'statechange', detail: 'open' });
    session.addEventListener('message', ({ detail }) => (told = detail as string));
    server.socket.say({ type: 'message', value: 'text' });
    expect(told).toBe('text');
  });

  test('consists of transcripts, speech and messages as the service sends them', async () => {
    const { events } = await open();
    events.length = 0;
    server.socket.say({ type: 'transcript', who: 'user', text: 'Hello', final: true });
    server.socket.say({ type: 'speech', active: true });
    expect(events).toEqual([
      { type: 'transcript', detail: { who: 'user', text: 'Hello', final: true } },
      { type: 'speech', detail: true },
    ]);
  });
});

describe('the requests of the app', () => {
  test('commits, messages and mute reach the service in order', async () => {
    const { session } = await open();
    await page.render(100);
    await drained(session);
    session.commit();
    session.send({ type: 'hint', text: 'x' });
    session.mute();
    expect(session.muted).toBe(true);
    const sent = expectWhole(server.audio);
    await page.render(100);
    const muted = session.stats.capturedFrames;
    expect(server.audio.at(-1)!.frame).toBeLessThan(sent);
    session.unmute();
    await page.render(100);
    await drained(session);
    expect(server.socket.requests.map(({ type }) => type)).toEqual([
      'open',
      'commit',
      'message',
      'mute',
      'mute',
    ]);
    expect(muted).toBe(sent);
    // Numbers continue while nothing is sent.
    const next = server.audio.find(({ frame }) => frame >= sent)!;
    expect(next.frame - sent).toBeGreaterThan(4000);
  });

  test('pause() excludes the user’s audio meanwhile, and resume() continues without a gap', async () => {
    const { session } = await open();
    await page.render(100);
    await page.during(session.pause());
    const { capturedFrames } = session.stats;
    await page.render(100);
    expect(session.stats.capturedFrames).toBe(capturedFrames);
    await page.during(session.resume());
    await page.render(100);
    await drained(session);
    expect(expectWhole(server.audio)).toBeGreaterThan(capturedFrames + 3000);
  });
});

test('resume() resumes a suspended context also when the capture has ended', async () => {
  const { session } = await open();
  await page.during(session.capture!.close());
  page.context.enter('suspended');
  await session.resume();
  expect(page.context.state).toBe('running');
});

describe('replies', () => {
  test('pause with the session, even in another stream, and continue where they were', async () => {
    const { session, events } = await open();
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(12_000) });
    await page.render(50);
    await page.during(session.pause());
    const { frames } = session.playout!.position;
    expect(frames).toBeGreaterThan(0);
    expect(frames).toBeLessThan(12_000);
    await page.render(200);
    expect(session.playout).toMatchObject({ state: 'paused', position: { item: 'a', frames } });
    server.socket.say({ type: 'item-end', item: 'a' });
    await page.render(200);
    expect(played(events)).toEqual([]);
    await page.during(session.resume());
    await page.render(600);
    expect(played(events)).toMatchObject([{ item: 'a', name: null, frames: 12_000 }]);
    expect(session.playout?.stats).toMatchObject({ playedFrames: 12_000, underruns: 0 });
    await page.during(session.pause());
    const before = session.playout;
    const stream = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
    server.socket.say({ type: 'audio', item: 'b', bytes: reply(1600), stream });
    server.socket.say({ type: 'item-end', item: 'b' });
    await page.render(300);
    expect(session.playout).not.toBe(before);
    expect(session.playout).toMatchObject({ state: 'paused', stats: { playedFrames: 0 } });
    await page.during(session.resume());
    await page.render(300);
    expect(session.playout?.stats.playedFrames).toBe(1600);
  });

  test('are played in order, and their end is reported to the app and the service', async () => {
    const { session, events } = await open();
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(2400) });
    server.socket.say({ type: 'item-end', item: 'a' });
    server.socket.say({ type: 'audio', item: 'b', bytes: reply(1200) });
    server.socket.say({ type: 'item-end', item: 'b' });
    await page.render(200);
    expect(played(events)).toMatchObject([
      { item: 'a', name: null, frames: 2400 },
      { item: 'b', name: null, frames: 1200 },
    ]);
    await drained(session);
    expect(server.socket.requests.filter(({ type }) => type === 'played')).toMatchObject([
      { item: 'a', name: null, frames: 2400 },
      { item: 'b', name: null, frames: 1200 },
    ]);
    expect(session.playout?.stats.playedFrames).toBe(3600);
  });

  test('fall silent when the service hears the user, and it is informed how far they were heard', async () => {
    const { session, events } = await open();
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(24_000) });
    server.socket.say({ type: 'audio', item: 'b', bytes: reply(24_000) });
    await page.render(100);
    server.socket.say({ type: 'interrupted' });
    await page.render(20);
    await vi.waitFor(() => expect(events.some(({ type }) => type === 'interrupted')).toBe(true));
    const { detail } = events.find(({ type }) => type === 'interrupted')!;
    const { playedFrames } = session.playout!.stats;
    expect(detail).toEqual({
      item: 'a',
      frames: playedFrames,
      ms: Math.floor(playedFrames / 24),
      unheard: ['b'],
    });
    // What comes late of either is not heard.
    server.socket.say({ type: 'audio', item: 'b', bytes: reply(2400) });
    server.socket.say({ type: 'item-end', item: 'b' });
    await page.render(50);
    expect(session.playout!.stats.playedFrames).toBe(playedFrames);
    expect(server.socket.requests.find(({ type }) => type === 'interrupted')).toMatchObject({
      heard: detail,
    });
  });

  test('interrupt() resolves with the frames heard, or with zeros if nothing was playing', async () => {
    const { session } = await open();
    const nothing = { item: undefined, frames: 0, ms: 0, unheard: [] };
    expect(await page.during(session.interrupt())).toEqual(nothing);
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(4800) });
    await page.render(40);
    const heard = await page.during(session.interrupt());
    expect(heard).toMatchObject({ item: 'a', unheard: [] });
    expect(heard.frames).toBe(session.playout!.stats.playedFrames);
    server.socket.say({ type: 'audio', item: 'c', bytes: reply(240) });
    server.socket.say({ type: 'item-end', item: 'c' });
    await page.render(100);
    expect(await page.during(session.interrupt())).toEqual(nothing);
  });

  test('that have not begun when they are interrupted were heard for 0 frames', async () => {
    const { session } = await open();
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(240) });
    server.socket.say({ type: 'audio', item: 'b', bytes: reply(240) });
    const heard = await page.during(session.interrupt());
    expect(heard).toEqual({ item: 'a', frames: 0, ms: 0, unheard: ['b'] });
  });

  test('of another stream wait for the one before, without loss', async () => {
    const { session, events } = await open();
    const other = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(2400) });
    server.socket.say({ type: 'audio', item: 'b', bytes: reply(1600), stream: other });
    server.socket.say({ type: 'item-end', item: 'b' });
    const first = session.playout!;
    await vi.waitFor(async () => {
      await page.render(10);
      expect(played(events)).toMatchObject([
        { item: 'a', frames: 2400 },
        { item: 'b', frames: 1600 },
      ]);
    }, 5000);
    expect(first.state).toBe('closed');
    expect(session.playout?.sampleRate).toBe(16_000);
  });

  test('are played to their end when the service ends the session', async () => {
    const { session, events } = await open();
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(4800) });
    server.socket.say({ type: 'ended' });
    expect(session.state).toBe('closed');
    const playout = session.playout!;
    await vi.waitFor(async () => {
      await page.render(10);
      expect(playout.state).toBe('closed');
    }, 5000);
    expect(played(events)).toMatchObject([{ item: 'a', frames: 4800 }]);
    expect(session.playout).toBe(null);
  });

  test('mute the user while they are heard, with halfDuplex', async () => {
    const { session } = await open({ halfDuplex: true }, { muteAs: 'silence' });
    await page.render(100);
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(24_000) });
    server.socket.say({ type: 'item-end', item: 'a' });
    await page.render(1000);
    await drained(session);
    expectWhole(server.audio);
    const silent = server.audio.map(({ samples }) => samples.every((sample) => sample === 0));
    const from = silent.indexOf(true, 5);
    const chunks = silent.slice(from).indexOf(false);
    // The reply lasts a second, and the room 300 ms.
    expect(chunks).toBeGreaterThanOrEqual(64);
    expect(chunks).toBeLessThan(72);
    expect(silent.slice(from + chunks)).not.toContain(true);
  });
});

describe('marks and captions', () => {
  test('are reported in the frame in which their place is heard', async () => {
    const { session, events } = await open();
    server.socket.say({ type: 'caption', item: 'a', text: 'Hello', startMs: 0, endMs: 50 });
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(2400) });
    server.socket.say({ type: 'caption', item: 'a', text: 'world', startMs: 50 });
    server.socket.say({ type: 'mark', item: 'a', name: 'half', frame: 1200 });
    server.socket.say({ type: 'mark', item: 'a', name: 'so far' });
    session.mark('mine', { item: 'a', frames: 600 });
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(2400) });
    server.socket.say({ type: 'item-end', item: 'a' });
    await page.render(200);
    const heard = events.filter(({ type }) => type === 'caption' || type === 'played');
    const places = heard.map(({ detail }) => {
      const { text, name, frames, contextFrame } = detail as Record<string, never>;
      return [text ?? name, frames, contextFrame];
    });
    const start = places[0]![2] as unknown as number;
    // Twice as many frames in the context.
    expect(places).toEqual([
      ['Hello', undefined, start],
      ['mine', 600, start + 1200],
      ['world', undefined, start + 2400],
      ['half', 1200, start + 2400],
      ['so far', 2400, start + 4800],
      [null, 4800, start + 9600],
    ]);
    await drained(session);
    const told = server.socket.requests.filter(({ type }) => type === 'played');
    expect(told).toEqual([
      { type: 'played', item: 'a', name: 'half', frames: 1200 },
      { type: 'played', item: 'a', name: 'so far', frames: 2400 },
      { type: 'played', item: 'a', name: null, frames: 4800 },
    ]);
  });

  test('of interrupted audio are never reported', async () => {
    const { session, events } = await open();
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(24_000) });
    server.socket.say({ type: 'mark', item: 'a', name: 'late', frame: 20_000 });
    await page.render(50);
    await page.during(session.interrupt());
    await page.render(500);
    expect(played(events)).toEqual([]);
  });
});

describe('record()', () => {
  const CONTEXT_STREAM = { format: 's16', sampleRate: PAGE_RATE, channels: 1 } as const;

  test('records the user left and the agent right, aligned to the frame', async () => {
    page.signal = (_, frame) => (frame % 65_536) / 65_536;
    const { session, events } = await open({}, { output: CONTEXT_STREAM });
    const recorder = await page.during(
      session.record({ channels: 'both', container: 'wav', format: 'f32' }),
    );
    await page.render(20);
    session.mark('start', { item: 'a', frames: 0 });
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(4800) });
    server.socket.say({ type: 'item-end', item: 'a' });
    await page.render(100);
    session.mute();
    await page.render(20);
    const file = await page.during(recorder.stop());
    const { samples, channels } = wavSamples(await file!.arrayBuffer());
    expect(channels).toBe(2);
    const agent = samples.filter((_, i) => i % 2 === 1);
    const user = samples.filter((_, i) => i % 2 === 0);
    const start = agent.findIndex((sample) => sample !== 0);
    const [first] = played(events) as { name: string; contextFrame: number }[];
    expect(first?.name).toBe('start');
    // Each of the user's samples says its frame of the context.
    expect(Math.round(user[start]! * 65_536)).toBe(first!.contextFrame % 65_536);
    expect(agent.lastIndexOf(agent[start + 100]!) - start).toBe(4799);
    expect(user.at(-1)).toBe(0);
  });

  test('ends with the session, and its file is complete', async () => {
    const { session } = await open();
    const recorder = await page.during(session.record({ channels: 'user', container: 'wav' }));
    await page.render(100);
    await page.during(session.close());
    await vi.waitFor(() => expect(recorder.state).toBe('stopped'));
    expect((await recorder.stop())!.size).toBeGreaterThan(20_000);
  });

  test('needs a microphone to record the user alone, and an open session', async () => {
    const { session } = await open({ microphone: null });
    const options = { channels: 'user', container: 'wav' } as const;
    await expect(session.record(options)).rejects.toThrow(TypeError);
    await page.during(session.close());
    await expect(session.record(options)).rejects.toMatchObject({ code: 'closed' });
  });
});

describe('the end', () => {
  test('close() sends the audio captured until then', async () => {
    const { session, events } = await open();
    await page.render(100);
    await page.during(session.close());
    const { capturedFrames, acknowledgedFrames } = session.stats;
    expect(capturedFrames).toBeGreaterThan(4000);
    expect(acknowledgedFrames).toBe(capturedFrames);
    expect(expectWhole(server.audio)).toBe(capturedFrames);
    expect(server.socket.requests.at(-1)).toEqual({ type: 'end' });
    expect(server.socket.closed).toBe(1000);
    expect(events.at(-1)).toEqual({ type: 'statechange', detail: 'closed' });
    expectAccount(session);
  });

  test('close() counts audio that could not be sent as a gap', async () => {
    const { session, events } = await open();
    server.isUp = false;
    server.socket.cut();
    await page.render(100);
    await page.during(session.close({ drainMs: 10 }));
    expect(session.state).toBe('closed');
    const { capturedFrames, acknowledgedFrames } = session.stats;
    const gaps = events
      .filter(({ type }) => type === 'gap')
      .map(({ detail }) => detail as { frames: number });
    const lost = gaps.reduce((sum, { frames }) => sum + frames, 0);
    expect(lost).toBe(capturedFrames - acknowledgedFrames);
    expect(lost).toBeGreaterThan(4000);
    expectAccount(session);
  });

  test('a context that is closed closes the session, which still sends the captured audio', async () => {
    const { session } = await open();
    await page.render(100);
    page.context.enter('closed');
    await session.close();
    expect(session.state).toBe('closed');
    expect(session.capture?.state).toBe('closed');
    expect(expectWhole(server.audio)).toBe(session.stats.capturedFrames);
  });

  test('open() rejects if the context is closed meanwhile, and leaves no connection', async () => {
    const microphone = await page.microphone();
    const opening = Session.open({
      context: page.asContext,
      microphone,
      service: fakeService(),
      url: 'ws://server/audio',
      createSocket: server.createSocket,
    });
    page.context.enter('closed');
    await expect(opening).rejects.toMatchObject({ code: 'closed' });
    await vi.waitFor(() => {
      expect(server.sockets.every(({ closed }) => closed !== undefined)).toBe(true);
    }, 5000);
  });

  test('a source that ends is reported, and replies continue', async () => {
    const microphone = await page.microphone();
    const { session, events } = await open({ microphone });
    await page.render(50);
    await page.during(microphone.close());
    await page.render(50);
    expect(events.find(({ type }) => type === 'error')?.detail).toMatchObject({
      code: 'no-audio',
    });
    expect(session.state).toBe('open');
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(2400) });
    server.socket.say({ type: 'item-end', item: 'a' });
    await page.render(100);
    expect(session.playout!.stats.playedFrames).toBe(2400);
  });

  test('plays replies without a microphone', async () => {
    const { session, events } = await open({ microphone: null });
    expect(session.capture).toBe(null);
    server.socket.say({ type: 'audio', item: 'a', bytes: reply(2400) });
    server.socket.say({ type: 'item-end', item: 'a' });
    await page.render(100);
    expect(events.some(({ type }) => type === 'played')).toBe(true);
    await page.during(session.close());
    expect(session.state).toBe('closed');
  });
});
