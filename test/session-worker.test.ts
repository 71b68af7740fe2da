/** Sessions whose connection is in a Worker, in Node: both sides of the messages are real, the threads are not. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MockInstance } from 'vitest';
import { OpusLibrary } from '../src/core/codec/opus-library.ts';
import { MicwireError } from '../src/core/errors.ts';
import type { PacketReader } from '../src/core/playout/packet-reader.ts';
import type { Service } from '../src/core/services/service.ts';
import { Playout } from '../src/web/playout.ts';
import { Session } from '../src/web/session/session.ts';
import type { WorkerSessionOptions } from '../src/web/session/session-options.ts';
import { PlayoutPort } from '../src/worker/playout-port.ts';
import { serveSession } from '../src/worker/session.ts';
import { FakeServer, fakeService } from './helpers/fake-service.ts';
import { MicrophonePage } from './helpers/microphone-page.ts';
import { opusDataUrl } from './helpers/opus.ts';

const OPUS = { format: 'opus', sampleRate: 24_000, channels: 1 } as const;

let page: MicrophonePage;
let server: FakeServer;
let sessions: Session[];
beforeEach(async () => {
  page = await MicrophonePage.open();
  server = new FakeServer();
  sessions = [];
});
afterEach(async () => {
  await Promise.all(sessions.map((session) => page.during(session.close({ drainMs: 0 }))));
  vi.restoreAllMocks();
  page.close();
});

/** Stands for a Worker that serves the session. */
class StandInWorker extends EventTarget {
  readonly #service: Service;
  constructor(service: Service) {
    super();
    this.#service = service;
  }
  postMessage(data: unknown): void {
    const { createSocket } = server;
    serveSession({ data }, { service: this.#service, url: 'ws://server/audio', createSocket });
  }
}

async function open(
  service: Partial<Service>,
  options: Partial<WorkerSessionOptions> = {},
): Promise<Session> {
  const worker = new StandInWorker(fakeService(service)) as unknown as Worker;
  const opening = Session.open({ context: page.asContext, microphone: null, worker, ...options });
  const session = await page.during(opening);
  sessions.push(session);
  return session;
}

/** What a page or a Worker whose policy forbids WebAssembly says. */
function forbidOpus(): void {
  vi.spyOn(OpusLibrary, 'shared').mockImplementation(() => {
    throw new MicwireError('codec-load', 'WebAssembly is forbidden.');
  });
}

test('a session plays replies that its Worker decodes', async () => {
  const session = await open({ output: OPUS }, { opusUrl: await opusDataUrl() });
  const ends: (string | null)[] = [];
  session.addEventListener('played', ({ detail }) => void ends.push(detail.name));
  // Silence of 20 ms (RFC 6716 §3.1: configuration 15, one frame).
  const bytes = Uint8Array.of(0x78, 0xff, 0xfe);
  server.socket.say({ type: 'audio', item: 'a', bytes });
  server.socket.say({ type: 'item-end', item: 'a' });
  await vi.waitFor(async () => {
    await page.render(50);
    expect(ends).toEqual([null]);
  }, 5000);
});

test('a session with a Worker that cannot decode its replies rejects with the reason', async () => {
  forbidOpus();
  const playouts = vi.spyOn(Playout.prototype, 'close');
  await expect(open({ output: OPUS }, { opusUrl: await opusDataUrl() })).rejects.toMatchObject({
    code: 'codec-load',
    message: 'WebAssembly is forbidden.',
  });
  expect(playouts).toHaveBeenCalled();
});

test('a session with a page that cannot load the codec rejects with the reason', async () => {
  const opening = open({ output: OPUS }, { opusUrl: 'data:application/wasm;base64,AAAA' });
  await expect(opening).rejects.toMatchObject({ code: 'codec-load' });
});

test.each<[string, () => Promise<string>]>([
  ['the page cannot load the codec', async () => 'data:application/wasm;base64,AAAA'],
  [
    'the Worker may not run the codec',
    async () => {
      forbidOpus();
      return opusDataUrl();
    },
  ],
])('a session tells "codec-load" of a reply in Opus when %s', async (_, prepare) => {
  const session = await open({ output: null }, { opusUrl: await prepare() });
  const errors: string[] = [];
  session.addEventListener('error', ({ detail }) => void errors.push(detail.code));
  server.socket.say({ type: 'audio', item: 'a', bytes: new Uint8Array(3), stream: OPUS });
  await vi.waitFor(async () => {
    await page.render(8);
    expect(errors).toEqual(['codec-load']);
  }, 5000);
});

test('a decoder is closed when its playout cannot be written to', async () => {
  const closes: MockInstance[] = [];
  // Internal: the declarations have no `make`.
  const port = PlayoutPort as unknown as {
    make: (...made: [unknown, unknown, PacketReader]) => never;
  };
  vi.spyOn(port, 'make').mockImplementation((_handover, _options, reader) => {
    closes.push(vi.spyOn(reader, 'close'));
    throw new MicwireError('out-of-memory', 'No room.');
  });
  const opening = open({ output: OPUS }, { opusUrl: await opusDataUrl() });
  await expect(opening).rejects.toMatchObject({ code: 'out-of-memory' });
  expect(closes).toHaveLength(1);
  expect(closes[0]).toHaveBeenCalledOnce();
});

test('a session that its service refuses at once does not wait for its playout', async () => {
  server.isUp = false;
  const opening = open({ afterClose: () => 'stop' });
  const outcome = opening.then(
    ({ state }) => state,
    ({ code }: MicwireError) => code,
  );
  expect(await outcome).toBe('closed');
});
