import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import { hasNatsServer } from './helpers/nats-server.ts';
import { StreamClient, bytesAt } from './helpers/stream-client.ts';
import { TextServer } from './helpers/text-server.ts';

const ROOT = join(import.meta.dirname, '..');
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-scale-command-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `npm run scale`. */
function scale(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/scale.mjs'), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  cleanups.push(async () => {
    child.kill('SIGTERM');
    await code;
  });
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  child.stderr.on('data', (data: Buffer) => (text += data.toString()));
  const code = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, code, text: () => text };
}

describe.skipIf(!hasNatsServer() || process.platform === 'win32')(
  'npm run scale (skipped where nats-server is not installed)',
  () => {
    it('starts NATS, gateways and workers, prints their addresses, and ends them all', async () => {
      const folder = temporaryFolder();
      const speech = await TextServer.start();
      cleanups.push(() => speech.end());
      const ports = ['--port', '0', '--folder', folder, '--transcribe-to', speech.url];
      const run = scale(['--gateways', '2', '--workers', '1', ...ports]);
      await eventually(() => expect(run.text()).toContain('Ctrl-C ends all of it.'), {
        timeout: 30_000,
      });
      const urls = [...run.text().matchAll(/^gateway \d {2}(ws:\S+), /gm)].map(([, url]) => url!);
      const [, nats] = /^NATS {7}nats:\/\/127.0.0.1:(\d+)$/m.exec(run.text())!;
      expect(urls).toHaveLength(2);
      const clients = urls.map((url, i) => new StreamClient({ url, session: `mic-${i}` }));
      for (const client of clients) {
        for (let i = 0; i < 20; i++) client.say(320);
        await client.close();
      }
      await eventually(() => {
        for (const { session, frame } of clients) {
          const file = readFileSync(join(folder, `${session}.wav`));
          const data = file.subarray(file.indexOf('data') + 8);
          expect(new Uint8Array(data)).toEqual(bytesAt(session, 0, frame));
          readFileSync(join(folder, `${session}.wav.json`));
          expect(speech.of(session).at(-1)?.isEnded).toBe(true);
        }
      });
      run.child.kill('SIGINT');
      expect(await run.code).toBe(0);
      expect(run.text().match(/Everything that was acknowledged is stored\./g)).toHaveLength(3);
      for (const url of [
        ...urls.map((each) => each.replace('ws', 'http')),
        `http://127.0.0.1:${nats}`,
      ])
        await expect(fetch(url)).rejects.toThrow(/fetch failed/);
    }, 90_000);

    it('leaves nothing behind when it is interrupted while it starts', async () => {
      const run = scale(['--port', '0', '--folder', temporaryFolder()]);
      await eventually(() => expect(run.text()).toContain('gateway 1: Connecting to NATS'), {
        timeout: 30_000,
      });
      const [, nats] = /at (nats:\S+)/.exec(run.text())!;
      run.child.kill('SIGINT');
      expect(await run.code).toBe(0);
      await expect(fetch(nats!.replace('nats', 'http'))).rejects.toThrow(/fetch failed/);
    }, 60_000);
  },
);

describe('npm run scale', () => {
  it.skipIf(process.platform === 'win32')('says how to get nats-server', async () => {
    const folder = temporaryFolder();
    // What answers as a shell does where there is no such program.
    writeFileSync(join(folder, 'nats-server'), '#!/bin/sh\nexit 127\n');
    chmodSync(join(folder, 'nats-server'), 0o755);
    const run = scale([], { PATH: `${folder}:${process.env['PATH']}` });
    expect(await run.code).toBe(1);
    expect(run.text()).toMatch(/nats-server was not found.*apt-get install nats-server/s);
  });

  it.each([
    [['--gateways', 'x'], /--gateways must be an integer from 0 to 64, got 'x'/],
    [['--servers', '2'], /Unknown option '--servers'.*Known: --gateways, --workers/s],
  ])('refuses %j', async (args, message) => {
    const run = scale(args);
    expect(await run.code).toBe(1);
    expect(run.text()).toMatch(message);
  });
});
