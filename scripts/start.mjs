/**
 * `npm start`: serves the lab from source, on this machine only.
 * `npm start -- --port 8080`, `-- --host 0.0.0.0` (others can reach it; browsers give a microphone only to localhost and
 * https, so another machine needs a proxy with a certificate), `-- --open` (opens the browser).
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { ROOT } from './run.mjs';

const { values } = (() => {
  try {
    return parseArgs({
      options: {
        port: { type: 'string', default: '5173' },
        host: { type: 'string', default: 'localhost' },
        open: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(
      `${error instanceof Error ? error.message : String(error)}\nKnown: --port, --host, --open.`,
    );
  }
})();

await ensureInstalled();

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
