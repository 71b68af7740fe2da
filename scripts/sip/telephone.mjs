import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort, freeUdpPort, isListening } from '../local-port.mjs';
import { LocalProcess } from './local-process.mjs';
import { SIP_DOMAIN } from './sip-server.mjs';

/** What the telephone plays into a call: a sine, in Hz. */
export const TELEPHONE_HZ = 880;
/** Its lines, each with its codecs. */
export const LINES = /** @type {const} */ ({
  phone: 'opus/48000/2,PCMU/8000/1,PCMA/8000/1',
  desk: 'PCMU/8000/1,PCMA/8000/1',
});
/** How long it may take to answer a command, ms. */
const ANSWER_MS = 5000;
const MODULES = ['opus', 'g711', 'ausine', 'aufile'];
/** Records each call. */
const RECORDER = 'sndfile';
/** Debian's, and where it is built from source. */
const MODULE_PATHS = ['/usr/lib/baresip/modules', '/usr/local/lib/baresip/modules'];

/**
 * A telephone (baresip) on this machine: it answers by itself, and plays a tone. What it hears it records only where it is told
 * to. Each of its lines takes other codecs.
 */
export class Telephone {
  /** @type {LocalProcess} */
  #process;
  /** @type {string} */
  #folder;
  /** @type {number} */
  #controlPort;
  #commands = 0;
  /** When the last call that was asked for has been begun. @type {Promise<void>} */
  #dialled = Promise.resolve();

  /**
   * @param {LocalProcess} process
   * @param {string} folder
   * @param {number} controlPort
   */
  constructor(process, folder, controlPort) {
    this.#process = process;
    this.#folder = folder;
    this.#controlPort = controlPort;
  }

  /**
   * Starts it, and waits until its lines are registered.
   *
   * @param {string} folder of its own
   * @param {number} serverPort of the SIP server
   * @param {string} secret every user's password is this and the name
   * @param {{ readonly records?: boolean }} [options] `records`: what it hears, as files in its folder, about 11 MB a minute
   */
  static async start(folder, serverPort, secret, { records = false } = {}) {
    mkdirSync(folder);
    const controlPort = await freePort();
    const config = telephoneConfig({ folder, sipPort: await freeUdpPort(), controlPort, records });
    writeFileSync(join(folder, 'config'), config);
    const proxy = `sip:127.0.0.1:${serverPort};transport=udp`;
    const accounts = Object.entries(LINES).map(
      ([line, codecs]) =>
        `<sip:${line}@${SIP_DOMAIN}>;auth_pass=${secret}${line};outbound="${proxy}";regint=600;answermode=auto;audio_codecs=${codecs}\n`,
    );
    writeFileSync(join(folder, 'accounts'), accounts.join(''), { mode: 0o600 });
    writeFileSync(join(folder, 'contacts'), '');
    const program = new LocalProcess('baresip', ['-f', folder], folder);
    const telephone = new Telephone(program, folder, controlPort);
    try {
      await program.ready(() => isListening(controlPort));
      await program.ready(() => telephone.#isRegistered());
    } catch (error) {
      await telephone.end();
      throw error;
    }
    return telephone;
  }

  /**
   * Calls somebody. Of two that are asked for at once the second waits for the first.
   *
   * @param {string} line one of `LINES`
   * @param {string} user
   */
  dial(line, user) {
    const dialled = this.#dialled.then(() => this.#dial(line, user));
    this.#dialled = dialled.catch(() => {});
    return dialled;
  }

  /**
   * The line is chosen first, for all commands that follow.
   *
   * @param {string} line
   * @param {string} user
   */
  async #dial(line, user) {
    await this.#command('uafind', `sip:${line}@${SIP_DOMAIN}`);
    await this.#command('dial', `sip:${user}@${SIP_DOMAIN}`);
  }

  /** Ends the call that is up. */
  async hangUp() {
    await this.#command('hangup');
  }

  /** Where it records, what it heard, oldest first: files of WAV, each complete when its call is over or was put on hold. */
  get heard() {
    const names = readdirSync(this.#folder).filter((name) => name.endsWith('-dec.wav'));
    return names.toSorted().map((name) => readFileSync(join(this.#folder, name)));
  }

  /** Its log: which calls are up, and which keys were pressed. */
  get printed() {
    return this.#process.printed;
  }

  /** Settles when it has ended. */
  get ended() {
    return this.#process.ended;
  }

  end() {
    return this.#process.end();
  }

  async #isRegistered() {
    const lines = (await this.#command('reginfo')).split('\n');
    // In green.
    return lines.filter((line) => line.includes('[32mOK')).length === Object.keys(LINES).length;
  }

  /**
   * Sends a command, as a netstring of JSON.
   *
   * @param {string} command
   * @param {string} [params]
   * @returns {Promise<string>} what it says
   */
  async #command(command, params = '') {
    const token = String(++this.#commands);
    const message = JSON.stringify({ command, params, token });
    const socket = connect(this.#controlPort, '127.0.0.1');
    const late = setTimeout(() => socket.destroy(new Error('no answer')), ANSWER_MS);
    try {
      await once(socket, 'connect');
      socket.write(`${Buffer.byteLength(message)}:${message},`);
      let text = '';
      for await (const part of socket) {
        text += String(part);
        const answer = answerTo(token, text);
        if (answer === null) continue;
        if (!answer.ok) throw new Error(answer.data);
        return answer.data;
      }
      throw new Error('it has closed the connection');
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      throw new Error(`The telephone did not take '${command} ${params}': ${words}.`, {
        cause: error,
      });
    } finally {
      clearTimeout(late);
      socket.destroy();
    }
  }
}

/**
 * Finds an answer between events.
 *
 * @param {string} token
 * @param {string} text netstrings
 * @returns {{ readonly ok: boolean, readonly data: string } | null} null: it has not come yet
 */
function answerTo(token, text) {
  for (let rest = text; ;) {
    const [head, length] = /^(\d+):/.exec(rest) ?? [];
    const end = (head?.length ?? 0) + Number(length);
    if (head === undefined || rest.length < end) return null;
    const message = JSON.parse(rest.slice(head.length, end));
    if (message.response === true && message.token === token) return message;
    rest = rest.slice(end + 1);
  }
}

/**
 * The file `config` of baresip.
 *
 * @param {{ readonly folder: string, readonly sipPort: number, readonly controlPort: number, readonly records: boolean }} options
 */
export function telephoneConfig({ folder, sipPort, controlPort, records }) {
  const modules = MODULE_PATHS.find((path) => hasFiles(path)) ?? MODULE_PATHS[0];
  return [
    `sip_listen 127.0.0.1:${sipPort}`,
    // By its address: of interfaces it leaves the loopback out.
    'net_interface 127.0.0.1',
    'rtp_ports 31000-31999',
    `audio_source ausine,${TELEPHONE_HZ}`,
    `audio_player aufile,${join(folder, 'played.wav')}`,
    `audio_alert aufile,${join(folder, 'alert.wav')}`,
    // ausine gives two channels at 48 kHz only.
    ...['ausrc', 'auplay'].flatMap((side) => [
      `${side}_srate 48000`,
      `${side}_channels 2`,
      `${side}_format s16`,
    ]),
    `module_path ${modules}`,
    ...MODULES.map((name) => `module ${name}.so`),
    ...(records ? [`module ${RECORDER}.so`, `snd_path ${folder}`] : []),
    'module_tmp account.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    // Else it prints a line ten times a second while a call is up.
    'statmode_default off',
    `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
    '',
  ].join('\n');
}

/** @param {string} folder */
function hasFiles(folder) {
  try {
    return readdirSync(folder).length > 0;
  } catch {
    return false;
  }
}
