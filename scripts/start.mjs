/**
 * `npm start`: serves the lab from source, on this machine only.
 * `npm start -- --port 8080`, `-- --host 0.0.0.0` (others can reach it; browsers give a microphone only to localhost and
 * https, so another machine needs a proxy with a certificate), `-- --udp-host 192.168.1.5` (calls over the link and the relay
 * meet at this address of the machine: for calls between machines, and for Firefox, which goes to no loopback address),
 * `-- --sfu-folder recordings` (records who publishes in the forwarding room of the SFU, which needs Janus), `-- --open` (opens the
 * browser).
 */
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { ROOT } from './run.mjs';

/** How long what runs may take to end, ms. */
const ENDING_MS = 5000;

const { values } = (() => {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '5173' },
        host: { type: 'string', default: 'localhost' },
        'udp-host': { type: 'string' },
        'sfu-folder': { type: 'string' },
        open: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(
      `${error instanceof Error ? error.message : String(error)}\nKnown: --port, --host, --udp-host, --sfu-folder, --open.`,
    );
  }
})();

const udpHost = values['udp-host'];
if (udpHost !== undefined && isIP(udpHost) !== 4) {
  fail(`--udp-host must be an IPv4 address of this machine, got '${udpHost}'.`);
}

await ensureInstalled();

if (udpHost !== undefined) process.env['MICWIRE_UDP_HOST'] = udpHost;
if (values['sfu-folder'] !== undefined) {
  process.env['MICWIRE_SFU_FOLDER'] = resolve(values['sfu-folder']);
}
const { createServer } = await import('vite');
const server = await createServer({
  configFile: join(ROOT, 'vite.config.ts'),
  root: join(ROOT, 'demo'),
  server: { port: Number(values.port), host: values.host, open: values.open },
});
await server.listen();
console.log('\nThe lab is at:');
server.printUrls();
console.log('\nCtrl+C ends it.');

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    // What records completes its files, and then nothing keeps the process; a second signal does not wait.
    void server.close();
    setTimeout(() => process.exit(), ENDING_MS).unref();
  });
}
