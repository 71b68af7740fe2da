import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { micwire } from '../src/core/services/micwire.ts';
import type { ServiceEvent } from '../src/core/services/service.ts';
import { SessionServerProcess } from './helpers/session-server.ts';

let server: SessionServerProcess;
beforeAll(async () => {
  server = await SessionServerProcess.start({ echo: true, token: 'secret' });
});
afterAll(() => server.close());

const STREAM = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
const service = micwire({ input: STREAM, output: STREAM });

/** A client's connection to the process. */
function connect(token: string, frame: number, handle: string | null, session = 'one') {
  const { url, protocols } = service.address(server.url, token);
  const socket = new WebSocket(url, [...protocols]);
  socket.binaryType = 'nodebuffer';
  const connection = service.connect();
  const events: ServiceEvent[] = [];
  const closed = new Promise<number>((resolve) => {
    socket.on('close', resolve);
  });
  const up = (request: Parameters<typeof connection.encode>[0]): void => {
    for (const message of connection.encode(request)) socket.send(message);
  };
  socket.on('error', () => {});
  socket.on('open', () => {
    up({ type: 'open', session, handle, frame, connections: 0 });
  });
  socket.on('message', (data: Buffer, isBinary) => {
    for (const event of connection.decode(isBinary ? data : data.toString())) {
      if (event.type === 'reply') socket.send(event.message);
      events.push(event);
    }
  });
  const has = (type: ServiceEvent['type']): Promise<ServiceEvent> =>
    expect
      .poll(() => events.find((event) => event.type === type))
      .toBeDefined()
      .then(() => events.find((event) => event.type === type)!);
  return { up, events, has, closed };
}

const audio = (frame: number) =>
  ({
    type: 'audio',
    replayed: false,
    audio: {
      frame,
      frames: 320,
      bytes: new Uint8Array(new Int16Array(320).fill(frame / 320).buffer),
      base64: '',
    },
  }) as const;

it('refuses a wrong token for good', async () => {
  const one = connect('wrong', 0, null);
  const code = await one.closed;
  expect(code).toBe(4401);
  expect(service.afterClose(code, '')).toBe('stop');
  expect(one.events).toEqual([
    { type: 'error', code: '4401', message: 'The token is wrong.', fatal: true, retry: false },
  ]);
});

it('continues a session from its file after it was killed', async () => {
  const one = connect('secret', 0, null);
  await one.has('ready');
  for (let i = 0; i < 50; i++) one.up(audio(i * 320));
  await expect.poll(() => server.records('one').length).toBe(50);
  await server.end('SIGKILL');
  expect(await one.closed).toBe(1006);
  expect(service.afterClose(1006, '')).toBe('retry');
  await server.start();

  const handle = one.events.findLast((event) => event.type === 'handle')?.handle ?? null;
  const two = connect('secret', 40 * 320, handle);
  await two.has('ready');
  // Ten chunks come once more: the acknowledgement of them was on the way when the process was killed.
  for (let i = 40; i < 60; i++) two.up(audio(i * 320));
  two.up({ type: 'commit', frame: 60 * 320 });
  await two.has('item-end');
  two.up({ type: 'end' });
  await two.has('ended');
  expect(await two.closed).toBe(1000);
  expect(two.events).toContainEqual({ type: 'acknowledged', frame: 50 * 320 });

  const records = server.records('one');
  expect(records.map(({ frame }) => frame)).toEqual(Array.from({ length: 60 }, (_, i) => i * 320));
  expect(records.every(({ bytes, frame }) => bytes[0] === frame / 320)).toBe(true);
  const echoed = [...one.events, ...two.events].filter(({ type }) => type === 'audio');
  expect(echoed.length).toBeGreaterThan(10);
});

it('warns its clients before it ends, and they connect to the next one', async () => {
  const one = connect('secret', 0, null, 'two');
  await one.has('ready');
  one.up(audio(0));
  const ended = server.end('SIGTERM');
  expect(await one.has('going-away')).toEqual({ type: 'going-away', inMs: 300 });
  one.up(audio(320));
  expect(await one.closed).toBe(1001);
  expect(service.afterClose(1001, '')).toBe('retry');
  await ended;
  await server.start();
  const two = connect('secret', 0, null, 'two');
  await two.has('ready');
  expect(two.events).toContainEqual({ type: 'acknowledged', frame: 640 });
  two.up({ type: 'end' });
  expect(await two.closed).toBe(1000);
  expect(await connect('secret', 0, null, 'two').closed).toBe(4410);
});
