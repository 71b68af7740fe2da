import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeUdpPort } from '../local-port.mjs';
import { LocalProcess } from './local-process.mjs';

/** Ports for audio; those that are taken are left out. */
const PORTS = ['--port-min=30000', '--port-max=30999'];
const ANSWER_MS = 500;

/** rtpengine between DTLS-SRTP and plain RTP, in user space. */
export class MediaGateway {
  /** @type {number} */
  #port;
  /** @type {LocalProcess} */
  #process;

  /**
   * @param {number} port
   * @param {LocalProcess} process
   */
  constructor(port, process) {
    this.#port = port;
    this.#process = process;
  }

  /**
   * @param {string} folder
   * @param {string} address of this machine, for audio
   */
  static async start(folder, address) {
    const port = await freeUdpPort();
    // Else it reads the one of the system.
    const config = join(folder, 'rtpengine.conf');
    writeFileSync(config, '[rtpengine]\ntable = -1\n');
    const args = [
      ...['--foreground', '--log-stderr', '--log-level=4', `--config-file=${config}`],
      ...[`--interface=${address}`, `--listen-ng=127.0.0.1:${port}`, ...PORTS, '--num-threads=2'],
    ];
    const gateway = new MediaGateway(port, new LocalProcess('rtpengine', args, folder));
    try {
      await gateway.#process.ready(() => answers(port));
    } catch (error) {
      await gateway.end();
      throw error;
    }
    return gateway;
  }

  /** Of UDP: controls it. */
  get port() {
    return this.#port;
  }

  /** Settles when it has ended. */
  get ended() {
    return this.#process.ended;
  }

  end() {
    return this.#process.end();
  }
}

/**
 * Whether rtpengine answers a ping of its protocol: a cookie, and a dictionary as BitTorrent writes them.
 *
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function answers(port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (/** @type {boolean} */ isThere) => {
      clearTimeout(late);
      socket.close();
      resolve(isThere);
    };
    const late = setTimeout(() => end(false), ANSWER_MS);
    socket.once('message', (bytes) => end(String(bytes).includes('pong')));
    socket.once('error', () => end(false));
    socket.connect(port, '127.0.0.1', () => socket.send('1 d7:command4:pinge'));
  });
}
