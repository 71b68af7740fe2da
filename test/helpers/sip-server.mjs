import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CONFIG = fileURLToPath(new URL('../fixtures/kamailio.cfg', import.meta.url));

/** Debian keeps it where only root looks. */
const ENV = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` };

/** Whether the system has kamailio with its module for WebSockets. */
function hasKamailio() {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-sip-'));
  try {
    const config = join(folder, 'kamailio.cfg');
    writeFileSync(config, readFileSync(CONFIG, 'utf8').replaceAll('PORT', '5060'));
    return spawnSync('kamailio', ['-c', '-f', config], { env: ENV }).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A SIP server with a folder of its own, which can be killed and started again. It forgets who was registered. */
class SipServer {
  /** @type {import('node:child_process').ChildProcess | null} */
  #child = null;
  #port = 0;
  #folder = '';

  /** @returns {Promise<string>} the address of its WebSocket */
  async start() {
    if (this.#folder === '') {
      this.#folder = mkdtempSync(join(tmpdir(), 'micwire-sip-'));
      this.#port = await freePort();
      const text = readFileSync(CONFIG, 'utf8').replaceAll('PORT', String(this.#port));
      writeFileSync(join(this.#folder, 'kamailio.cfg'), text);
    }
    const folder = this.#folder;
    const files = ['-f', join(folder, 'kamailio.cfg'), '-Y', folder, '-P', join(folder, 'pid')];
    // A group of its own, so that its workers end with it.
    const child = spawn('kamailio', ['-DD', '-E', ...files, '-w', folder, '-m', '32', '-M', '8'], {
      detached: true,
      env: ENV,
      stdio: 'ignore',
    });
    this.#child = child;
    while (!(await isListening(this.#port))) {
      if (child.exitCode !== null) throw new Error(`kamailio has ended with ${child.exitCode}.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Kills it, as a crash would. */
  async kill() {
    const child = this.#child;
    this.#child = null;
    if (child?.pid === undefined || child.exitCode !== null) return;
    const exit = once(child, 'exit');
    process.kill(-child.pid, 'SIGKILL');
    await exit;
  }

  /** Kills it, and removes its folder. */
  async end() {
    await this.kill();
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = '';
  }
}

const server = new SipServer();
process.once('exit', () => void server.end());

/**
 * For tests in the browser: the one SIP server that they share.
 *
 * @param {unknown} _context
 * @param {'has' | 'start' | 'kill' | 'end'} action
 * @returns {Promise<string>} of `has`: empty where kamailio is not installed; of `start`: the address
 */
export async function sipServer(_context, action) {
  if (action === 'has') return hasKamailio() ? 'kamailio' : '';
  return (await server[action]()) ?? '';
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
  probe.close();
  await once(probe, 'close');
  return port;
}

/** @param {number} port @returns {Promise<boolean>} */
function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
