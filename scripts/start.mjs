/**
 * `npm start`: serves the lab from source, on this machine only.
 * `npm start -- --port 8080`, `-- --host 0.0.0.0` (others can reach it; browsers give a microphone only to localhost and
 * https, so another machine needs a proxy with a certificate), `-- --udp-host 192.168.1.5` (calls over the link and the relay
 * meet at this address of the machine: for calls between machines, and for Firefox, which does not use loopback addresses for
 * calls),
 * `-- --phone` (a telephone to call from the page about SIP, of kamailio, rtpengine and baresip of this system),
 * `-- --sfu-folder recordings` (records who publishes in the forwarding room of the SFU, which needs Janus), `-- --open` (opens the
 * browser).
 */
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { ROOT } from './run.mjs';
import { missingPackages, telephoneCure } from './sip/telephones.mjs';

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
        phone: { type: 'boolean', default: false },
        open: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(
      `${error instanceof Error ? error.message : String(error)}\nKnown: --port, --host, --udp-host, --phone, --sfu-folder, --open.`,
    );
  }
})();

const udpHost = values['udp-host'];
if (udpHost !== undefined && isIP(udpHost) !== 4) {
  fail(`--udp-host must be an IPv4 address of this machine, got '${udpHost}'.`);
}

await ensureInstalled();

if (udpHost !== undefined) process.env['MICWIRE_UDP_HOST'] = udpHost;
if (values.phone) {
  process.env['MICWIRE_PHONE'] = '1';
  // The page says so too.
  const missing = await missingPackages();
  if (missing.length > 0) console.log(`${telephoneCure(missing)}\n`);
}
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
