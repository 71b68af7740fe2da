import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { attachSessions } from '../demo/server/sessions.ts';
import type { Sessions } from '../demo/server/sessions.ts';
import { ArrivedFrames, Wires } from '../demo/server/wire.ts';
import { binaryFraming } from '../src/core/framing/binary.ts';

/* The lab's wires, which a page cuts: real sockets, on a real server. */

let http: Server;
let sessions: Sessions;
let base: string;

beforeEach(async () => {
  http = createServer();
  sessions = attachSessions(http);
  http.on('request', (request, response) => {
    request.url = request.url!.replace(/^\/wires/, '');
    sessions.answer(request, response);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  base = `127.0.0.1:${(http.address() as AddressInfo).port}`;
});
afterEach(() => {
  sessions.close();
  http.close();
});

const connect = (path: string, origin = `http://${base}`): WebSocket =>
  new WebSocket(`ws://${base}${path}`, { origin });
const opened = async (path: string): Promise<WebSocket> => {
  const socket = connect(path);
  await once(socket, 'open');
  return socket;
};
/** Resolves with the reason of a socket that does not open. */
const refused = async (path: string, origin?: string): Promise<string> => {
  const [error] = (await once(connect(path, origin), 'error')) as [Error];
  return error.message;
};
const post = (path: string, headers = {}) =>
  fetch(`http://${base}/wires/${path}`, { method: 'POST', headers });
const record = async (name: string) => (await fetch(`http://${base}/wires/${name}`)).json();
const packet = (sequence: number) =>
  binaryFraming.createEncoder().encode({
    format: 's16',
    sampleRate: 16_000,
    channels: 1,
    sequence,
    frame: 2 * sequence,
    frames: 2,
    timestamp: Math.round((2 * sequence * 1e6) / 16_000),
    dropped: 0,
    payload: Uint8Array.of(1, 2, 3, 4),
  }) as Uint8Array;

describe('a wire of the lab', () => {
  it('echoes audio, and records which frames have arrived', async () => {
    const socket = await opened('/plain?wire=a');
    socket.send(packet(0));
    const [echo] = (await once(socket, 'message')) as [Buffer];
    expect(new Uint8Array(echo)).toEqual(packet(0));
    socket.send(packet(1));
    await once(socket, 'message');
    socket.send(packet(5));
    await once(socket, 'message');
    expect(await record('a')).toEqual({
      cut: false,
      session: [],
      plain: [
        [0, 4],
        [10, 12],
      ],
    });
    socket.close();
  });

  it('is cut without a closing handshake, refuses connections, and works again once mended', async () => {
    const cut = await opened('/plain?wire=a');
    const other = await opened('/plain?wire=b');
    const closed = once(cut, 'close');
    expect((await post('a/cut')).status).toBe(204);
    expect((await closed)[0]).toBe(1006);
    expect(await record('a')).toMatchObject({ cut: true });
    expect(await refused('/plain?wire=a')).toMatch(/socket hang up/);
    expect(other.readyState).toBe(WebSocket.OPEN);
    expect((await post('a/mend')).status).toBe(204);
    const mended = await opened('/plain?wire=a');
    mended.close();
    other.close();
  });

  it('closes a connection that sends anything but packets, and no other, and logs nothing', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {});
    const other = await opened('/plain?wire=a');
    const socket = await opened('/plain?wire=a');
    const closed = once(socket, 'close');
    socket.send('hello');
    socket.send(packet(0));
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, String(reason)]).toEqual([4400, 'A message must be a packet.']);
    expect(other.readyState).toBe(WebSocket.OPEN);
    expect(await record('a')).toMatchObject({ plain: [] });
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
    other.close();
  });

  it('accepts pages of this server only, and valid names only', async () => {
    expect(await refused('/plain?wire=a', 'https://elsewhere.example')).toMatch(/403/);
    expect(await refused('/session?wire=a%20b')).toMatch(/400/);
    expect(await refused('/plain')).toMatch(/400/);
    const foreign = await post('a/cut', { Origin: 'https://elsewhere.example' });
    expect(foreign.status).toBe(403);
    expect((await post('a/burn')).status).toBe(404);
    expect((await post('..%2f/cut')).status).toBe(404);
  });
});

describe('frames that have arrived', () => {
  it('merge adjacent spans, ignore known frames, and forget the oldest span', () => {
    const arrived = new ArrivedFrames(2);
    arrived.add(0, 10);
    arrived.add(10, 10);
    arrived.add(5, 5);
    arrived.add(30, 10);
    expect(arrived.spans).toEqual([
      [0, 20],
      [30, 40],
    ]);
    arrived.add(50, 10);
    expect(arrived.spans).toEqual([
      [30, 40],
      [50, 60],
    ]);
  });
});

describe('the wires of a server', () => {
  it('are limited in number: the one unused for longest makes room, and none in use does', () => {
    const wires = new Wires(2);
    const first = wires.open('a', 1);
    wires.open('b', 2);
    expect(wires.open('a', 3)).toBe(first);
    wires.open('c', 4);
    expect(wires.find('b')).toBeUndefined();
    expect(wires.find('a')).toBe(first);
    for (const name of ['a', 'c']) wires.find(name)!.add({ on: () => {} } as unknown as WebSocket);
    expect(wires.open('d', 5)).toBeUndefined();
  });
});
