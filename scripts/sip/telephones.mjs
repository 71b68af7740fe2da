import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statusOf } from './local-process.mjs';
import { MediaGateway } from './media-gateway.mjs';
import { SIP_DOMAIN, SipServer, hasKamailio } from './sip-server.mjs';
import { LINES, Telephone } from './telephone.mjs';

/** Whom a page may be. */
export const PAGE_USER = 'page';

/**
 * The packages of Debian that are missing here.
 *
 * @returns {Promise<string[]>}
 */
export async function missingPackages() {
  const has = async (/** @type {string} */ program, /** @type {string} */ option) =>
    (await statusOf(program, [option])) !== null;
  const [server, gateway, telephone] = await Promise.all([
    hasKamailio({ withGateway: true }),
    has('rtpengine', '--version'),
    has('baresip', '-h'),
  ]);
  return [
    ...(server ? [] : ['kamailio', 'kamailio-websocket-modules']),
    ...(gateway ? [] : ['rtpengine-daemon']),
    ...(telephone ? [] : ['baresip-core']),
  ];
}

/**
 * What to do about them.
 *
 * @param {readonly string[]} packages
 */
export function telephoneCure(packages) {
  const install = `apt-get install --no-install-recommends ${packages.join(' ')}`;
  return `A telephone needs programs that are missing here. On Debian or Ubuntu, as root: ${install}`;
}

/**
 * A SIP server, a media gateway and a telephone, on this machine only. A page registers at `url` as `uri` with `password`, and calls
 * `sip:phone@sip.test`.
 */
export class Telephones {
  /** The server: may be killed and started again. @type {SipServer} */
  server;
  /** @type {Telephone} */
  telephone;
  /** Of the server's WebSocket. @type {string} */
  url;
  /** @type {string} */
  #secret;
  /** @type {string} */
  #folder;
  /** @type {MediaGateway} */
  #gateway;
  /** Settles when the first of the three has ended. @type {Promise<void>} */
  ended;
  /** @type {Promise<void> | null} */
  #closing = null;

  /**
   * @param {{ readonly server: SipServer, readonly telephone: Telephone, readonly gateway: MediaGateway, readonly url: string,
   *   readonly secret: string, readonly folder: string }} parts
   */
  constructor({ server, telephone, gateway, url, secret, folder }) {
    this.server = server;
    this.telephone = telephone;
    this.url = url;
    this.#gateway = gateway;
    this.#secret = secret;
    this.#folder = folder;
    this.ended = Promise.race([server.ended, gateway.ended, telephone.ended]);
  }

  /**
   * Starts all three.
   *
   * @param {string} [address] of this machine, for the audio of pages
   * @param {{ readonly records?: boolean }} [options] `records`: the telephone keeps what it hears until `close`
   * @throws Error where one is not installed, or does not start
   */
  static async open(address = '127.0.0.1', options = {}) {
    const missing = await missingPackages();
    if (missing.length > 0) throw new Error(telephoneCure(missing));
    const folder = mkdtempSync(join(tmpdir(), 'micwire-telephones-'));
    const secret = randomBytes(16).toString('hex');
    /** @type {(() => Promise<void>)[]} */
    const started = [async () => rmSync(folder, { recursive: true, force: true })];
    try {
      const gateway = await MediaGateway.start(folder, address);
      started.unshift(() => gateway.end());
      const server = new SipServer(secret, gateway.port);
      started.unshift(() => server.end());
      const url = await server.start();
      const home = join(folder, 'telephone');
      const telephone = await Telephone.start(home, server.port, secret, options);
      return new Telephones({ server, telephone, gateway, url, secret, folder });
    } catch (error) {
      for (const end of started) await end();
      throw error;
    }
  }

  /**
   * What a page needs to be somebody.
   *
   * @param {string} [user]
   */
  accountOf(user = PAGE_USER) {
    const uri = `sip:${user}@${SIP_DOMAIN}`;
    return { url: this.url, uri, password: `${this.#secret}${user}` };
  }

  /**
   * Has the telephone call a user.
   *
   * @param {string} line
   * @param {string} user
   */
  dial(line, user) {
    return this.telephone.dial(line, user);
  }

  /** The telephone's addresses. */
  get lines() {
    return Object.keys(LINES).map((line) => `sip:${line}@${SIP_DOMAIN}`);
  }

  /** Ends all three, and removes what was written for them. */
  close() {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close() {
    await this.telephone.end();
    await this.server.end();
    await this.#gateway.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
