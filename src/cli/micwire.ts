#!/usr/bin/env node
/** The command `micwire`: hosts the package's files, and serves streams. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';
import { CopyError, copyFiles } from './copy-files.ts';
import type { NatsOptions } from '../node/index.ts';
import type { ListenerOptions } from './listen.ts';
import { LISTENER_NAMES } from './listeners.ts';
import type { RunningServer, ServeOptions } from './serve.ts';
import type { WorkOptions } from './work.ts';
import { errorText } from '../core/errors.ts';

const USAGE = `Usage: micwire copy <dir>
       micwire serve [options]
       micwire work --nats nats://HOST [--record FOLDER] [--transcribe-to ws://HOST] [options]
       micwire listen --nats nats://HOST STREAM [options]

copy: copies the files that a page fetches by address to <dir>: the worklets (capture.js, meter.js,
playout.js …), and for Opus its Worker and libopus.wasm. For pages that serve them from a place of
their own, as a Content-Security-Policy with script-src 'self' may ask for. Run it again after each
update of the package.

serve: takes audio streams over WebSockets, from a Session with micwire() or from packets of the binary
framing, and records each to a file. GET /health and GET /metrics say how it is. SIGTERM and SIGINT: it sends
its clients elsewhere, stores what has come, and ends. Needs the package 'ws'.

  --port 8080              0: any that is free
  --host localhost         0.0.0.0: others can reach it
  --folder recordings      where the files go
  --token SECRET           what clients have to show; or MICWIRE_TOKEN in the environment
  --origin https://a.b     pages of this origin may connect; several times for several; '*': any
  --max-streams 1000
  --max-per-address 100    connections of one address: raise it behind a proxy
  --no-plain               clients have to speak the protocol micwire.1
  --sync                   what is acknowledged survives a power cut, not just a crash
  --tls-cert FILE --tls-key FILE
  --drain-ms 10000         how long clients have to go elsewhere
  --nats nats://HOST:4222  hands the streams to NATS JetStream instead of files: any number of servers, and of
                           workers that record. Several times for several. Needs @nats-io/transport-node
                           and @nats-io/jetstream
  --chunks-per-message 1   with --nats: fewer messages, for more delay

work: records what servers with --nats have taken, has it heard by a speech service, or both. Workers share the
streams; what one had that has died, the others continue. SIGTERM and SIGINT: it writes what has come, and ends.

  --nats nats://HOST:4222  as the servers have it
  --record FOLDER          where the files go: one folder for all workers
  --transcribe-to ws://…   a speech service: one connection for each stream, 16 bits, mono. Its words are published,
                           and with --record stored as FOLDER/STREAM.jsonl. Needs the package 'ws'
  --service NAME           it is one of: ${LISTENER_NAMES.slice(0, 5).join(', ')},
                           ${LISTENER_NAMES.slice(5).join(', ')}. Without: the protocol of docs/scale.md
  --service-token SECRET   what the service asks for; or MICWIRE_SERVICE_TOKEN in the environment
  --rate 16000             what the service gets, Hz
  --port 0                 GET /health and GET /metrics at this port; 0: any that is free
  --host localhost
  --sync                   as for serve
  --lease-ms 5000          a worker that was not heard of for so long is taken for dead

listen: writes a stream of a server with --nats, until it is over, SIGTERM or SIGINT.

  --nats nats://HOST:4222  as the server has it
  --from FRAME             replays it from there, as far as it is stored, and continues with what comes
  --from-ms MS             the same in ms from its start
  --output -               the standard output: samples, or Ogg of Opus; FILE.raw: the same; or FILE.wav, FILE.ogg

All three, where the first server or worker makes the stream in JetStream:

  --name MICWIRE           its name
  --partitions 8           the most workers that can share it

Servers and workers:

  --replicas 1             servers of the NATS cluster that store each message
  --keep-hours 24          how long it keeps messages: workers may be away for so long

  --help       shows this
  --version    shows the package's version
`;

/** Exit codes: done · it could not be done · it was not asked for properly. */
const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

// From dist/src/cli.
const DIST = new URL('../../', import.meta.url);
const PACKAGE = new URL('../../../package.json', import.meta.url);

/** A wrong use of the command, which is told with how it is used. */
class Misuse extends Error {}

const COMMON = {
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/** What servers and workers have to agree on. */
const NATS = {
  nats: { type: 'string', multiple: true },
  name: { type: 'string' },
  partitions: { type: 'string' },
  replicas: { type: 'string' },
  'keep-hours': { type: 'string' },
} as const;

/** What each command takes beside {@link COMMON}, and does. */
const COMMANDS: Readonly<
  Record<string, (args: readonly string[]) => Promise<number> | 'help' | 'version'>
> = {
  copy(args) {
    const { values, positionals } = parse(args, {});
    if (values.help || values.version) return values.help ? 'help' : 'version';
    const [folder, ...rest] = positionals;
    if (folder === undefined) throw new Misuse('copy needs a folder.');
    if (rest.length > 0) throw new Misuse(`copy takes one folder, got ${rest.length + 1}.`);
    return copy(folder);
  },
  serve(args) {
    const { values, positionals } = parse(args, {
      port: { type: 'string', default: '8080' },
      host: { type: 'string', default: 'localhost' },
      folder: { type: 'string', default: 'recordings' },
      token: { type: 'string' },
      origin: { type: 'string', multiple: true },
      'max-streams': { type: 'string' },
      'max-per-address': { type: 'string' },
      'no-plain': { type: 'boolean', default: false },
      sync: { type: 'boolean', default: false },
      'tls-cert': { type: 'string' },
      'tls-key': { type: 'string' },
      'drain-ms': { type: 'string', default: '10000' },
      'chunks-per-message': { type: 'string' },
      ...NATS,
    });
    if (values.help || values.version) return values.help ? 'help' : 'version';
    if (positionals.length > 0)
      throw new Misuse(`serve takes options only, got ${positionals[0]}.`);
    const cert = values['tls-cert'];
    const key = values['tls-key'];
    if ((cert === undefined) !== (key === undefined)) {
      throw new Misuse('--tls-cert and --tls-key go together.');
    }
    const { origin, token = process.env['MICWIRE_TOKEN'] } = values;
    const nats = natsOptions(values);
    const chunks = values['chunks-per-message'];
    if (chunks !== undefined && nats === undefined)
      throw new Misuse('--chunks-per-message needs --nats.');
    return serveUntilTold(integerOption('drain-ms', values['drain-ms'], 0, 3_600_000), {
      port: integerOption('port', values.port, 0, 65_535),
      host: values.host,
      folder: values.folder,
      token,
      origins: origin?.includes('*') === true ? '*' : origin,
      maxStreams: countOption('max-streams', values['max-streams']),
      maxPerAddress: countOption('max-per-address', values['max-per-address']),
      plain: !values['no-plain'],
      sync: values.sync,
      tls: cert === undefined ? undefined : { cert, key: key! },
      nats:
        nats === undefined || chunks === undefined
          ? nats
          : { ...nats, chunksPerMessage: integerOption('chunks-per-message', chunks, 1, 1000) },
      log: (line) => console.log(line),
    });
  },
  work(args) {
    const { values, positionals } = parse(args, {
      record: { type: 'string' },
      'transcribe-to': { type: 'string' },
      service: { type: 'string' },
      'service-token': { type: 'string' },
      rate: { type: 'string' },
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: 'localhost' },
      sync: { type: 'boolean', default: false },
      'lease-ms': { type: 'string', default: '5000' },
      ...NATS,
    });
    if (values.help || values.version) return values.help ? 'help' : 'version';
    if (positionals.length > 0) throw new Misuse(`work takes options only, got ${positionals[0]}.`);
    const nats = natsOptions(values);
    const url = values['transcribe-to'];
    if (nats === undefined || (values.record === undefined && url === undefined)) {
      throw new Misuse('work needs --nats, and --record or --transcribe-to.');
    }
    return workUntilTold({
      nats,
      folder: values.record,
      speech: url === undefined ? withoutSpeech(values) : speechOptions(url, values),
      port: integerOption('port', values.port, 0, 65_535),
      host: values.host,
      sync: values.sync,
      leaseMs: integerOption('lease-ms', values['lease-ms'], 500, 3_600_000),
      log: (line) => console.log(line),
    });
  },
  listen(args) {
    const { values, positionals } = parse(args, {
      from: { type: 'string' },
      'from-ms': { type: 'string' },
      output: { type: 'string', default: '-' },
      ...NATS,
    });
    if (values.help || values.version) return values.help ? 'help' : 'version';
    const nats = natsOptions(values);
    const [stream, ...rest] = positionals;
    if (nats === undefined || stream === undefined || rest.length > 0) {
      throw new Misuse('listen needs --nats and the name of one stream.');
    }
    const { from, 'from-ms': fromMs, output } = values;
    if (from !== undefined && fromMs !== undefined) {
      throw new Misuse('listen takes --from or --from-ms, not both.');
    }
    const number = (name: string, text: string): number => integerOption(name, text, 0, 2 ** 52);
    return listenUntilTold({
      nats,
      stream,
      output,
      from:
        from !== undefined
          ? { from: number('from', from) }
          : fromMs !== undefined
            ? { fromMs: number('from-ms', fromMs) }
            : {},
      log: (line) => console.error(line),
    });
  },
};

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args;
  try {
    const command = COMMANDS[first ?? ''];
    if (command !== undefined) {
      const done = command(rest);
      return typeof done === 'string' ? tell(done) : await done;
    }
    const { values } = parse(args, {});
    if (values.help || values.version) return await tell(values.help ? 'help' : 'version');
    throw new Misuse(first === undefined ? 'what shall it do?' : `there is no command '${first}'.`);
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    process.stderr.write(`micwire: ${error.message}\n\n${USAGE}`);
    return MISUSED;
  }
}

function parse<const Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { ...options, ...COMMON },
    });
  } catch (error) {
    throw new Misuse((error as Error).message);
  }
}

function integerOption(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Misuse(`--${name} must be an integer from ${min} to ${max}, got '${text}'.`);
}

function countOption(name: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : integerOption(name, text, 1, 1e6);
}

function natsOptions(values: {
  readonly nats?: string[] | undefined;
  readonly name?: string | undefined;
  readonly partitions?: string | undefined;
  readonly replicas?: string | undefined;
  readonly 'keep-hours'?: string | undefined;
}): NatsOptions | undefined {
  const { nats, name, partitions, replicas, 'keep-hours': hours } = values;
  if (nats === undefined) {
    const without = (['name', 'partitions', 'replicas', 'keep-hours'] as const).find(
      (option) => values[option] !== undefined,
    );
    if (without !== undefined) throw new Misuse(`--${without} needs --nats.`);
    return undefined;
  }
  return {
    servers: nats,
    ...(name === undefined ? {} : { name }),
    ...(partitions === undefined
      ? {}
      : { partitions: integerOption('partitions', partitions, 1, 1024) }),
    ...(replicas === undefined ? {} : { replicas: integerOption('replicas', replicas, 1, 5) }),
    ...(hours === undefined
      ? {}
      : { keepMs: integerOption('keep-hours', hours, 1, 100_000) * 3_600_000 }),
  };
}

interface SpeechValues {
  readonly service?: string | undefined;
  readonly 'service-token'?: string | undefined;
  readonly rate?: string | undefined;
}

function speechOptions(url: string, values: SpeechValues): WorkOptions['speech'] {
  const { service, rate, 'service-token': token = process.env['MICWIRE_SERVICE_TOKEN'] } = values;
  if (!/^wss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Misuse(`--transcribe-to must be an address such as ws://host:2700, got '${url}'.`);
  }
  if (service !== undefined && !LISTENER_NAMES.includes(service)) {
    throw new Misuse(`--service must be one of ${LISTENER_NAMES.join(', ')}, got '${service}'.`);
  }
  const sampleRate = rate === undefined ? undefined : integerOption('rate', rate, 8000, 48_000);
  return { url, token, service, sampleRate, opus: new URL('wasm/libopus.wasm', DIST) };
}

function withoutSpeech(values: SpeechValues): undefined {
  const given = (['service', 'service-token', 'rate'] as const).find(
    (option) => values[option] !== undefined,
  );
  if (given !== undefined) throw new Misuse(`--${given} needs --transcribe-to.`);
}

async function tell(what: 'help' | 'version'): Promise<number> {
  if (what === 'help') process.stdout.write(USAGE);
  else {
    const { version } = JSON.parse(await readFile(PACKAGE, 'utf8')) as { version: string };
    console.log(version);
  }
  return DONE;
}

async function copy(folder: string): Promise<number> {
  try {
    for (const { path, bytes } of await copyFiles(fileURLToPath(DIST), folder)) {
      console.log(`${path} (${(bytes / 1000).toFixed(1)} kB)`);
    }
  } catch (error) {
    if (!(error instanceof CopyError)) throw error;
    console.error(`micwire: ${error.message}`);
    return FAILED;
  }
  console.log('\nServe that folder, and tell each class where it is, for example:');
  console.log(
    '  Capture.create(context, source, { workletUrl: (name) => `/worklets/${name}.js` })',
  );
  return DONE;
}

async function serveUntilTold(drainMs: number, options: ServeOptions): Promise<number> {
  const { serve } = await import('./serve.ts');
  return untilTold(
    () => serve(options),
    (server) => `Serving ${server.url}`,
    'sending clients elsewhere.',
    drainMs,
  );
}

async function workUntilTold(options: WorkOptions): Promise<number> {
  const { work } = await import('./work.ts');
  return untilTold(
    () => work(options),
    (worker) => `Working, figures at ${worker.url}`,
    'writing what has come.',
    0,
  );
}

async function listenUntilTold(options: ListenerOptions): Promise<number> {
  const { listenTo } = await import('./listen.ts');
  const told = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => told.abort());
  try {
    await listenTo(options, told.signal);
    return DONE;
  } catch (error) {
    console.error(`micwire: ${errorText(error)}`);
    return FAILED;
  }
}

async function untilTold(
  start: () => Promise<RunningServer>,
  describe: (server: RunningServer) => string,
  leaving: string,
  drainMs: number,
): Promise<number> {
  let server;
  try {
    server = await start();
  } catch (error) {
    console.error(`micwire: ${errorText(error)}`);
    return FAILED;
  }
  console.log(describe(server));
  const signal = await new Promise<string>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => resolve(name));
  });
  console.log(`${signal}: ${leaving}`);
  await server.drain(drainMs);
  console.log('Everything that was acknowledged is stored.');
  return DONE;
}
