/**
 * `npm run scale`: starts nats-server of this system, gateways and workers, prints their addresses, and ends all of them at Ctrl-C.
 * `-- --gateways 2 --workers 2`, `-- --port 8080` (of the first gateway; the others have the next ones; 0: any that are free),
 * `-- --nats-port 4222` (any that is free), `-- --folder recordings`, `-- --transcribe-to ws://127.0.0.1:2700` (docs/scale.md). What NATS stores is
 * forgotten at the end; the files stay.
 */
import { parseArgs } from 'node:util';
import { ServeProcess, WorkProcess } from './command-process.mjs';
import { ensureInstalled, fail } from './ensure-installed.mjs';
import { NATS_CURE, NatsServer, hasNatsServer } from './nats-server.mjs';

const { values } = (() => {
  try {
    return parseArgs({
      options: {
        gateways: { type: 'string', default: '2' },
        workers: { type: 'string', default: '2' },
        port: { type: 'string', default: '8080' },
        'nats-port': { type: 'string', default: '0' },
        folder: { type: 'string', default: 'recordings' },
        'transcribe-to': { type: 'string' },
      },
    });
  } catch (error) {
    return fail(
      `${error instanceof Error ? error.message : String(error)}\n` +
        'Known: --gateways, --workers, --port, --nats-port, --folder, --transcribe-to.',
    );
  }
})();

/**
 * @param {'gateways' | 'workers' | 'port' | 'nats-port'} name
 * @param {number} most
 */
function integer(name, most) {
  const text = values[name];
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= most) return value;
  return fail(`--${name} must be an integer from 0 to ${most}, got '${text}'.`);
}
const gateways = integer('gateways', 64);
const workers = integer('workers', 64);
const port = integer('port', 65_000);
const natsPort = integer('nats-port', 65_535);

await ensureInstalled();
if (!hasNatsServer()) fail(NATS_CURE);

/** @type {[name: string, one: ServeProcess | WorkProcess][]} */
const commands = [];
/** @type {NatsServer | undefined} */
let nats;
let isEnding = false;

/** Gateways first: their clients are told that what they have sent is stored. */
async function end() {
  for (const kind of [ServeProcess, WorkProcess]) {
    const these = commands.filter(([, one]) => one instanceof kind);
    await Promise.all(these.map(([, one]) => one.end('SIGTERM')));
  }
  await nats?.end();
}

const told = new Promise((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, resolve);
});

/**
 * @param {string} name
 * @param {(options: import('./command-process.mjs').ProcessOptions) => ServeProcess | WorkProcess} make
 */
function add(name, make) {
  const one = make({ detached: true, log: (line) => console.log(`${name}: ${line}`) });
  commands.push([name, one]);
  return one;
}

const start = async () => {
  nats = await NatsServer.start('', {
    detached: true,
    ...(natsPort === 0 ? {} : { port: natsPort }),
  });
  const { url } = nats;
  const lines = [`NATS       ${url}`];
  for (let i = 0; i < gateways && !isEnding; i++) {
    const args = ['--nats', url, '--drain-ms', '2000'];
    const one = /** @type {ServeProcess} */ (
      add(`gateway ${i + 1}`, (options) => new ServeProcess(args, options))
    );
    await one.start(port === 0 ? 0 : port + i);
    lines.push(`gateway ${i + 1}  ${one.url}, figures at ${one.httpUrl}/metrics`);
  }
  const speech = values['transcribe-to'];
  const args = ['--nats', url, '--record', values.folder];
  if (speech !== undefined) args.push('--transcribe-to', speech);
  for (let i = 0; i < workers && !isEnding; i++) {
    const one = /** @type {WorkProcess} */ (
      add(`worker ${i + 1}`, (options) => new WorkProcess(args, options))
    );
    await one.start();
    lines.push(`worker ${i + 1}   figures at ${one.httpUrl}/metrics`);
  }
  if (isEnding) return;
  console.log(`\n${lines.join('\n')}\nfiles      ${values.folder}\nCtrl-C ends all of it.\n`);
};

const starting = start();
try {
  const isStarted = await Promise.race([starting.then(() => true), told.then(() => false)]);
  if (isStarted) {
    await Promise.race([
      told,
      ...commands.map(async ([name, one]) => {
        await one.ended();
        if (!isEnding) throw new Error(`${name} has ended by itself. Its last lines are above.`);
      }),
    ]);
  }
} catch (error) {
  process.exitCode = 1;
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
} finally {
  isEnding = true;
  console.log('Ending …');
  await end();
  // What was being started when it was told to end.
  await starting.catch(() => {});
  await end();
}
