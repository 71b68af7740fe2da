import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, isListening } from '../local-port.mjs';
import { LocalProcess, statusOf } from './local-process.mjs';

const CONFIG = fileURLToPath(new URL('kamailio.cfg', import.meta.url));
/** Of every user's address. */
export const SIP_DOMAIN = 'sip.test';

/**
 * Whether the system has kamailio with the modules that are needed.
 *
 * @param {{ readonly withGateway?: boolean }} [options] `withGateway`: between pages and telephones
 */
export async function hasKamailio({ withGateway = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-sip-'));
  try {
    const file = writeConfig(folder, 5060, 'x', withGateway ? 2223 : null);
    return (await statusOf('kamailio', ['-c', '-f', file])) === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A SIP server (kamailio) with a folder of its own, which can be killed and started again. It forgets who was registered. */
export class SipServer {
  /** @type {LocalProcess | null} */
  #process = null;
  #port = 0;
  #folder = '';
  /** @type {string} */
  #secret;
  /** @type {number | null} */
  #gatewayPort;

  /**
   * @param {string} secret every user's password is this and the name
   * @param {number | null} [gatewayPort] controls rtpengine; null: pages only
   */
  constructor(secret, gatewayPort = null) {
    this.#secret = secret;
    this.#gatewayPort = gatewayPort;
  }

  /** Of its WebSocket, and of UDP. */
  get port() {
    return this.#port;
  }

  /** Settles when the process that runs now has ended. */
  get ended() {
    return this.#process?.ended ?? Promise.resolve();
  }

  /** @returns {Promise<string>} the address of its WebSocket */
  async start() {
    if (this.#folder === '') {
      this.#folder = mkdtempSync(join(tmpdir(), 'micwire-sip-'));
      this.#port = await freePort();
    }
    const folder = this.#folder;
    const file = writeConfig(folder, this.#port, this.#secret, this.#gatewayPort);
    const files = ['-f', file, '-Y', folder, '-w', folder];
    const server = new LocalProcess('kamailio', ['-DD', '-E', ...files, '-m32', '-M8'], folder);
    this.#process = server;
    await server.ready(() => isListening(this.#port));
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Kills it, as a crash would. */
  async kill() {
    await this.#process?.kill();
    this.#process = null;
  }

  /** Ends it, and removes its folder. */
  async end() {
    await this.#process?.end();
    this.#process = null;
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = '';
  }
}

/**
 * @param {string} folder
 * @param {number} port
 * @param {string} secret
 * @param {number | null} gatewayPort
 */
function writeConfig(folder, port, secret, gatewayPort) {
  const file = join(folder, 'kamailio.cfg');
  const text = readFileSync(CONFIG, 'utf8')
    .replaceAll('GATEWAY_PORT', String(gatewayPort))
    .replaceAll(/\bPORT\b/g, String(port))
    .replace('"SECRET"', JSON.stringify(secret));
  const define = gatewayPort === null ? '' : '#!define GATEWAY\n';
  // The first line says whose file it is.
  writeFileSync(file, `#!KAMAILIO\n${define}${text}`, { mode: 0o600 });
  return file;
}
