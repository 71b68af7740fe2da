/** The programs of the system behind the lab's telephone: how they are run, and what the SIP server lets through. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { LocalProcess, statusOf } from '../scripts/sip/local-process.mjs';
import { SipServer, hasKamailio } from '../scripts/sip/sip-server.mjs';
import { Telephone, telephoneConfig } from '../scripts/sip/telephone.mjs';

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-programs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('LocalProcess', () => {
  it('reports why a program could not be started, and ends', async () => {
    // The log is kept in the folder; nothing can work in the other one, which is not there.
    const one = new LocalProcess('true', [], `${newFolder()}/missing/..`);
    await expect(one.ready(() => false)).rejects.toMatchObject({ code: 'ENOENT' });
    await one.end();
    await one.kill();
    await one.ended;
  });

  it('reports that a program has ended by itself', async () => {
    const one = new LocalProcess('true', [], newFolder());
    await one.ended;
    await expect(one.ready(() => false)).rejects.toThrow('true has ended');
  });
});

it('distinguishes a program that fails from one that is missing', async () => {
  expect(await statusOf('true', [])).toBe(0);
  expect(await statusOf('sh', ['-c', 'exit 3'])).toBe(3);
  expect(await statusOf('no-such-program', [])).toBeNull();
});

describe('Telephone', () => {
  it('begins one call after the other, each from its own line', async () => {
    const commands: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        const text = String(bytes);
        const { command, params, token } = JSON.parse(text.slice(text.indexOf(':') + 1, -1));
        commands.push(`${command} ${params}`);
        const isRefused = params === 'sip:nobody@sip.test';
        const answer = { response: true, ok: !isRefused, data: 'no such line', token };
        const json = JSON.stringify(answer);
        // As a program that takes its time.
        setImmediate(() => socket.end(`${Buffer.byteLength(json)}:${json},`));
      });
    });
    const telephone = new Telephone(null as unknown as LocalProcess, '', await listen(server));
    const refused = telephone.dial('nobody', 'page-0');
    const calls = [telephone.dial('phone', 'page-1'), telephone.dial('desk', 'page-2')];
    await expect(refused).rejects.toThrow('no such line');
    await Promise.all(calls);
    expect(commands).toEqual([
      'uafind sip:nobody@sip.test',
      'uafind sip:phone@sip.test',
      'dial sip:page-1@sip.test',
      'uafind sip:desk@sip.test',
      'dial sip:page-2@sip.test',
    ]);
  });

  it.each([false, true])('records the audio it hears only if asked to: %s', (records) => {
    const config = telephoneConfig({ folder: '/f', sipPort: 1, controlPort: 2, records });
    expect(config.includes('module sndfile.so')).toBe(records);
    expect(config.includes('snd_path /f')).toBe(records);
  });
});

describe.skipIf(!(await hasKamailio()))('the SIP server', { timeout: 60_000 }, () => {
  async function start(): Promise<string> {
    const server = new SipServer('secret of ');
    onTestFinished(() => server.end());
    return server.start();
  }

  /** @returns a socket that is open, or the status with which it was refused */
  function open(url: string, origin: string | undefined): Promise<WebSocket | number> {
    const socket = new WebSocket(url, 'sip', origin === undefined ? {} : { origin });
    onTestFinished(() => socket.terminate());
    return new Promise((resolve, reject) => {
      socket.on('open', () => resolve(socket));
      socket.on('error', reject);
      socket.on('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode));
    });
  }

  it('accepts pages of this machine only', async () => {
    const url = await start();
    for (const origin of [
      'http://localhost:5173',
      'https://localhost',
      'http://127.0.0.1:8080',
      'http://[::1]:5173',
    ]) {
      expect(await open(url, origin), origin).toBeInstanceOf(WebSocket);
    }
    for (const origin of [
      'https://evil.example',
      'http://localhost.evil.example',
      'http://evil.example/?http://localhost',
      'http://127x0.0.1',
      'http://localhost:1.evil.example',
      'null',
      undefined,
    ]) {
      expect(await open(url, origin), String(origin)).toBe(403);
    }
  });

  it('relays requests within calls only to registered users and the route of their call', async () => {
    const url = await start();
    let connections = 0;
    const port = await listen(createServer((socket) => void (connections++, socket.destroy())));
    const socket = (await open(url, 'http://localhost:5173')) as WebSocket;
    const answers: string[] = [];
    socket.on('message', (data: Buffer) => answers.push(data.toString().split('\r\n', 1)[0]!));
    for (const [i, target] of [
      `127.0.0.1:${port};transport=tcp`,
      'nobody@sip.test',
      `localhost:${port};transport=tcp`,
    ].entries()) {
      const lines = [
        `OPTIONS sip:${target} SIP/2.0`,
        `Via: SIP/2.0/WS a.invalid;branch=z9hG4bK${i}`,
        'Max-Forwards: 70',
        `From: <sip:mallory@sip.test>;tag=a${i}`,
        `To: <sip:bob@sip.test>;tag=b${i}`,
        `Call-ID: call${i}`,
        'CSeq: 1 OPTIONS',
        'Content-Length: 0',
      ];
      socket.send(`${lines.join('\r\n')}\r\n\r\n`);
      await expect.poll(() => answers.length, { timeout: 10_000 }).toBe(i + 1);
    }
    expect(answers).toEqual(Array.from({ length: 3 }, () => 'SIP/2.0 404 Not Found'));
    expect(connections).toBe(0);
  });
});
