import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { binaryFraming } from '../src/core/framing/binary.ts';
import { eventually } from './helpers/eventually.ts';
import { installed } from './helpers/programs.ts';
import { seededRandom } from './helpers/random.ts';
import { ServeProcess } from './helpers/serve-process.ts';
import { PCM, StreamClient, bytesAt } from './helpers/stream-client.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-serve-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function serve(...args: string[]): Promise<{ server: ServeProcess; folder: string }> {
  const folder = temporaryFolder();
  const server = await ServeProcess.start('--folder', folder, ...args);
  cleanups.push(() => server.end());
  return { server, folder };
}

/** The samples of a WAV file, as they are. */
function dataOf(path: string): Uint8Array {
  const file = readFileSync(path);
  return new Uint8Array(file.subarray(file.indexOf('data') + 8));
}

describe('micwire serve', () => {
  it('loses nothing that it has acknowledged when it is killed, at any time', async () => {
    const random = seededRandom(3);
    const { server, folder } = await serve();
    const clients = ['a', 'b', 'c', 'd'].map(
      (session) => new StreamClient({ url: server.url, session }),
    );
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 20 + Math.floor(random() * 30); i++) {
        for (const client of clients) client.say(320);
        if (random() < 0.05) clients[Math.floor(random() * clients.length)]!.cut();
        await wait(20);
      }
      await server.end('SIGKILL');
      await server.start();
    }
    for (const client of clients) await client.allAcknowledged();
    for (const client of clients) await client.close();
    await eventually(() =>
      expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]),
    );
    for (const client of clients) {
      const path = join(folder, `${client.session}.wav`);
      expect(dataOf(path)).toEqual(bytesAt(client.session, 0, client.frame));
      const index = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as unknown;
      expect(index).toMatchObject({ stream: PCM, origin: 0, frames: client.frame, gaps: [] });
      expect(client.errors).toEqual([]);
    }
  }, 60_000);

  it('ends at SIGTERM with everything stored, and prints it', async () => {
    const { server, folder } = await serve('--drain-ms', '300');
    const client = new StreamClient({ url: server.url, session: 'talk' });
    cleanups.push(() => client.close());
    for (let i = 0; i < 50; i++) client.say(320);
    await client.allAcknowledged();
    const health = await fetch(`${server.httpUrl}/health`);
    expect([health.status, await health.text()]).toEqual([200, 'ok\n']);
    expect(await server.end('SIGTERM')).toBe(0);
    expect(server.lines.at(-1)).toBe('Everything that was acknowledged is stored.');
    expect(dataOf(join(folder, 'talk.wav'))).toEqual(bytesAt('talk', 0, 16_000));
    expect(readdirSync(folder).toSorted()).toEqual(['talk.wav', 'talk.wav.json']);
    // A stream of the same name gets a file of its own, and begins where the first ends.
    await server.start();
    client.say(320);
    await client.allAcknowledged();
    await client.close();
    await eventually(() => expect(readdirSync(folder)).toContain('talk~2.wav.json'));
    const index = JSON.parse(readFileSync(join(folder, 'talk~2.wav.json'), 'utf8')) as unknown;
    expect(index).toMatchObject({ origin: 16_000, frames: 320, gaps: [] });
  }, 30_000);

  it('reports that the disk is full, keeps no audio that it cannot store, and continues when there is room', async () => {
    const { server, folder } = await serve();
    await server.end();
    server.fileLimit = 64_000;
    await server.start();
    const client = new StreamClient({ url: server.url, session: 'talk' });
    cleanups.push(() => client.close());
    for (let i = 0; i < 200; i++) client.say(320);
    await eventually(() =>
      expect(server.lines.join('\n')).toMatch(/talk.wav cannot be recorded: .+has room/),
    );
    await eventually(() => expect(client.stats.connections).toBeGreaterThan(1));
    expect(client.stats.acknowledgedFrames).toBeLessThanOrEqual(32_000);
    expect(client.isClosed).toBe(false);
    await server.end();
    server.fileLimit = undefined;
    await server.start();
    await client.allAcknowledged();
    expect(await server.end('SIGTERM')).toBe(0);
    expect(dataOf(join(folder, 'talk.wav'))).toEqual(bytesAt('talk', 0, 64_000));
  }, 30_000);

  it('tells its figures', async () => {
    const { server } = await serve();
    const client = new StreamClient({ url: server.url, session: 'talk' });
    cleanups.push(() => client.close());
    for (let i = 0; i < 50; i++) client.say(320);
    await client.allAcknowledged();
    const response = await fetch(`${server.httpUrl}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const text = await response.text();
    expect(text).toContain('\nmicwire_streams 1\n');
    expect(text).toContain('\nmicwire_audio_seconds_total{state="delivered"} 1\n');
    expect(text).toContain('\nmicwire_refused_total{reason="origin"} 0\n');
    for (const line of text.trim().split('\n')) {
      expect(line).toMatch(/^# (HELP|TYPE) \w+ .+$|^\w+(\{\w+="\w+"\})? \d+(\.\d+)?(e[+-]?\d+)?$/);
    }
    expect((await fetch(server.httpUrl)).status).toBe(426);
    expect((await fetch(`${server.httpUrl}/nothing`)).status).toBe(404);
    expect((await fetch(`${server.httpUrl}/health`, { method: 'POST' })).status).toBe(405);
  });

  it('admits clients that have its token', async () => {
    const { server } = await serve('--token', 'secret');
    const wrong = new StreamClient({ url: server.url, session: 'wrong', token: 'other' });
    const right = new StreamClient({ url: server.url, session: 'right', token: 'secret' });
    cleanups.push(() => right.close());
    await eventually(() => expect(wrong.isClosed).toBe(true));
    right.say(320);
    await right.allAcknowledged();
    const encoder = binaryFraming.createEncoder();
    const message = encoder.encode({
      ...PCM,
      sequence: 0,
      frame: 0,
      frames: 320,
      timestamp: 0,
      dropped: 0,
      payload: bytesAt('plain', 0, 320),
    });
    for (const [query, taken] of [
      ['', false],
      ['?token=secret', true],
    ] as const) {
      const socket = new WebSocket(server.url + query);
      cleanups.push(() => socket.terminate());
      let code: number | undefined;
      socket.on('close', (closedWith) => (code = closedWith));
      socket.on('open', () => socket.send(message));
      if (taken)
        await eventually(() => expect(server.lines.join('\n')).toMatch(/[\da-f-]{36}: begins/));
      else await eventually(() => expect(code).toBe(4401));
    }
  });

  it('speaks TLS', async () => {
    if (!installed('openssl')) return;
    const folder = temporaryFolder();
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const made = spawnSync('openssl', [
      ...'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'.split(' '),
      ...['-subj', '/CN=localhost', '-keyout', key, '-out', cert],
    ]);
    expect(made.status).toBe(0);
    const { server } = await serve('--tls-cert', cert, '--tls-key', key);
    expect(server.url).toMatch(/^wss:/);
    const socket = new WebSocket(server.url, {
      ca: readFileSync(cert),
      checkServerIdentity: () => undefined,
    } as never);
    cleanups.push(() => socket.terminate());
    await new Promise((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    });
  });

  it.each([
    [['--port', 'x'], /--port must be an integer from 0 to 65535, got 'x'/],
    [['--tls-cert', 'x'], /--tls-cert and --tls-key go together/],
    [['--nothing'], /nothing/],
    [['--tls-cert', '/nothing', '--tls-key', '/nothing'], /ENOENT/],
    [['--folder', '/dev/null/x'], /cannot be read/],
  ])('explains the wrong arguments %j', async (args, message) => {
    await expect(ServeProcess.start(...args)).rejects.toThrow(message);
  });
});
