/** Sessions on a page in Node: real capture and playout processors, a microphone, and a server in the test's hands. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Microphone } from '../src/web/microphone/microphone.ts';
import { Session } from '../src/web/session/session.ts';
import type { SessionEventMap, SessionOptions } from '../src/web/session/session-options.ts';
import type { Service } from '../src/core/services/service.ts';
import { FakeServer, fakeService } from './helpers/fake-service.ts';
import { MicrophonePage } from './helpers/microphone-page.ts';

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
  const session = await page.during(
    Session.open({
      context: page.asContext,
      service: fakeService(service),
      url: 'ws://server/audio',
      createSocket: server.createSocket,
      ...options,
      microphone,
    }),
  );
  sessions.push(session);
  const events: Opened['events'] = [];
  for (const type of EVENTS) {
    session.addEventListener(type, (event) => {
      const detail = type === 'statechange' ? session.state : (event as CustomEvent).detail;
      events.push({ type, detail });
    });
  }
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

describe('a session', () => {
  test('sends everything that is said, from the first frame on', async () => {
    const { session } = await open();
    expect(session.state).toBe('open');
    await page.render(400);
    const frames = expectWhole(server.audio);
    expect(frames).toBeGreaterThan(16_000);
    const { capturedFrames, acknowledgedFrames, droppedFrames } = session.stats;
    expect({ capturedFrames, acknowledgedFrames, droppedFrames }).toEqual({
      capturedFrames: frames,
      acknowledgedFrames: frames,
      droppedFrames: 0,
    });
  });

  test('sends first what was said before the connection was there', async () => {
    const { createSocket } = server;
    let connect = (): void => {};
    const url = () => new Promise<string>((resolve) => (connect = () => resolve('ws://server/')));
    const { session } = await open({ url, createSocket });
    await page.render(400);
    expect(session.state).toBe('connecting');
    expect(server.sockets).toEqual([]);
    connect();
    await vi.waitFor(async () => {
      await page.render(4);
      expect(session.state).toBe('open');
      expect(session.stats.waitingFrames).toBe(0);
    }, 5000);
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
});
