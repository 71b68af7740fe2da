import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { micwire } from '../src/core/services/micwire.ts';
import type { ServiceEvent } from '../src/core/services/service.ts';

const ROOT = join(import.meta.dirname, '..');
/** A module that is not there: the server that docs/protocol.md prints. */
const GUIDE = join(ROOT, 'docs/protocol-server.ts');

/** The printed server as one script, on any free port, which it prints. */
async function program(): Promise<string> {
  const guide = await readFile(join(ROOT, 'docs/protocol.md'), 'utf8');
  const [, code = ''] = /^```ts\n(.*?)^```/ms.exec(guide) ?? [];
  const told = "sockets.on('listening', () => console.log((sockets.address() as any).port));";
  const build = await rolldown({
    input: GUIDE,
    platform: 'node',
    external: ['bufferutil', 'utf-8-validate'],
    logLevel: 'silent',
    plugins: [
      {
        name: 'guide',
        resolveId: (id) => {
          if (id === GUIDE) return id;
          return id === 'micwire/session-server'
            ? join(ROOT, 'src/core/session/server/index.ts')
            : null;
        },
        load: (id) => (id === GUIDE ? `${code.replace('port: 8080', 'port: 0')}\n${told}` : null),
      },
    ],
  });
  const { output } = await build.generate({ format: 'esm' });
  await build.close();
  return output[0].code;
}

it('docs/protocol.md prints a server that records a session and plays it back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'micwire-guide-'));
  const child = spawn(process.execPath, ['--input-type=module', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: folder,
  });
  try {
    child.stdin.end(await program());
    const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as string[];
    const service = micwire();
    const { url, protocols } = service.address(`ws://127.0.0.1:${port!}`, 'secret');
    const socket = new WebSocket(url, [...protocols]);
    const connection = service.connect();
    const events: ServiceEvent[] = [];
    const up = (request: Parameters<typeof connection.encode>[0]): void => {
      for (const message of connection.encode(request)) socket.send(message);
    };
    socket.on('message', (data: Buffer, isBinary) => {
      events.push(...connection.decode(isBinary ? data : data.toString()));
    });
    const closed = once(socket, 'close');
    await once(socket, 'open');
    up({ type: 'open', session: 's1', handle: null, frame: 0, connections: 0 });
    await expect.poll(() => events.map(({ type }) => type)).toContain('ready');
    // Two frames are missing before the third.
    for (const frame of [0, 4]) {
      const bytes = Uint8Array.of(1, 0, 2, 0);
      up({ type: 'audio', replayed: false, audio: { frame, frames: 2, bytes, base64: '' } });
    }
    up({ type: 'commit', frame: 6 });
    await expect.poll(() => events.map(({ type }) => type)).toContain('item-end');
    const heard = events.flatMap((event) => (event.type === 'audio' ? [...event.bytes] : []));
    expect(heard).toEqual([1, 0, 2, 0, 0, 0, 0, 0, 1, 0, 2, 0]);
    expect(events).toContainEqual({ type: 'acknowledged', frame: 6 });
    up({ type: 'end' });
    expect((await closed)[0]).toBe(1000);
    expect([...(await readFile(join(folder, 's1.s16')))]).toEqual(heard);
  } finally {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
});
