import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENV } from './local-process.mjs';
import { MediaGateway } from './media-gateway.mjs';
import { SIP_DOMAIN, SipServer, hasKamailio } from './sip-server.mjs';
import { LINES, Telephone } from './telephone.mjs';

/** Whom a page may be. */
export const PAGE_USER = 'page';

/**
 * The packages of Debian that are missing here.
 *
 * @returns {string[]}
 */
export function missingPackages() {
  const has = (/** @type {string} */ program, /** @type {string} */ option) =>
    spawnSync(program, [option], { env: ENV }).error === undefined;
  return [
    ...(hasKamailio({ withGateway: true }) ? [] : ['kamailio', 'kamailio-websocket-modules']),
    ...(has('rtpengine', '--version') ? [] : ['rtpengine-daemon']),
    ...(has('baresip', '-h') ? [] : ['baresip-core']),
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
  }

  /**
   * Starts all three.
   *
   * @param {string} [address] of this machine, for the audio of pages
   * @throws Error where one is not installed, or does not start
   */
  static async open(address = '127.0.0.1') {
    const missing = missingPackages();
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
      const telephone = await Telephone.start(join(folder, 'telephone'), server.port, secret);
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
  async close() {
    await this.telephone.end();
    await this.server.end();
    await this.#gateway.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
