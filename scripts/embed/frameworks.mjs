import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../local-port.mjs';
import { serveFolder } from '../serve-folder.mjs';
import { runQuietly } from './bundlers.mjs';

/** @typedef {import('./bundlers.mjs').App} App */
/** @typedef {import('./bundlers.mjs').ServedApp} ServedApp */

const START_MS = 60_000;

// A test reports nothing to anybody. Programs that are started inherit this.
Object.assign(process.env, { NEXT_TELEMETRY_DISABLED: '1', ASTRO_TELEMETRY_DISABLED: '1' });

/** @param {App} app @param {'dev' | 'start'} command @returns {Promise<ServedApp>} */
export async function next(app, command) {
  const { folder, node } = app;
  const bin = join(folder, '../node_modules/next/dist/bin/next');
  if (command === 'start') await runQuietly(node, [bin, 'build'], folder);
  const port = await freePort();
  const args = [bin, command, '--port', String(port), '--hostname', '127.0.0.1'];
  const child = spawn(node, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (text += part));
  const url = `http://127.0.0.1:${port}/`;
  const ended = once(child, 'close');
  const close = async () => {
    // A group of its own: Next starts others.
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await ended;
  };
  for (const end = performance.now() + START_MS; ; await sleep(200)) {
    if (
      await fetch(url).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break;
    if (child.exitCode !== null || performance.now() > end) {
      await close();
      throw new Error(`next ${command} did not start:\n${text}`);
    }
  }
  // The server for development writes no such folder.
  const output = command === 'start' ? { output: join(folder, '.next/static') } : {};
  return { url, ...output, page: (page) => page, barePage: '', close };
}

/** @param {App} app @returns {Promise<ServedApp>} */
export async function astro({ folder, node }) {
  await runQuietly(node, [join(folder, '../node_modules/astro/bin/astro.mjs'), 'build'], folder);
  const output = join(folder, 'dist');
  return { ...(await serveFolder(output)), output, page: (page) => `${page}/`, barePage: '' };
}

/** @param {App} app @returns {Promise<ServedApp>} */
export async function svelteKit({ folder, node }) {
  await runQuietly(node, [join(folder, '../node_modules/vite/bin/vite.js'), 'build'], folder);
  const output = join(folder, 'build');
  return { ...(await serveFolder(output)), output, page: (page) => `${page}.html`, barePage: '' };
}
