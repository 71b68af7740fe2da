import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The plugins that are used: a room that mixes, and one that forwards. */
const PLUGINS: readonly string[] = ['libjanus_audiobridge.so', 'libjanus_videoroom.so'];
const TRANSPORT = 'libjanus_websockets.so';
/** How long it may take to start, and to end, ms. */
const START_MS = 15_000;
const END_MS = 3000;
const LOOK_MS = 50;

/**
 * Runs a program that ends when the standard input does: so Janus ends with this process, however that ends. Writes the program's process
 * id. If the program ends by itself, so does this.
 */
const GUARD = `
exec 3<&0
"$@" 3<&- </dev/null >/dev/null 2>&1 &
child=$!
echo $child
{ cat <&3 >/dev/null; kill $child 2>/dev/null; } &
exec 3<&-
wait $child
`;

/** The one room of each plugin. */
export const ROOM = 1;

/** Where Janus is on this machine. */
interface JanusFiles {
  readonly program: string;
  /** With `plugins`, `transports` and others in it. */
  readonly libraries: string;
}

/** @returns null where Janus is not installed, or lacks a plugin that is needed */
function findJanus(): JanusFiles | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const program = folders.map((folder) => join(folder, 'janus')).find((path) => existsSync(path));
  if (program === undefined) return null;
  const libraries = ['/usr/lib', '/usr/local/lib', '/opt/janus/lib'].flatMap((folder) =>
    existsSync(folder) ? [folder, ...subfolders(folder)] : [],
  );
  for (const folder of libraries) {
    const path = join(folder, 'janus');
    const needed = [...PLUGINS.map((name) => `plugins/${name}`), `transports/${TRANSPORT}`];
    if (needed.every((name) => existsSync(join(path, name)))) return { program, libraries: path };
  }
  return null;
}

/** Debian's names are those of the machine: `x86_64-linux-gnu`. */
function subfolders(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.includes('-linux-'))
    .map((name) => join(folder, name));
}

/** Whether Janus can be started here. */
export function hasJanus(): boolean {
  return findJanus() !== null;
}

/**
 * A Janus of our own: its configuration lies in a temporary folder, its API listens on the loopback and requires a secret, and it ends with
 * this process. Nothing of the system's Janus is touched.
 */
export class JanusProcess {
  /** Of its API over WebSockets. */
  readonly url: string;
  /** Goes with every request (`apisecret`). */
  readonly secret: string;
  /** Goes with every request to forward RTP (`admin_key`). */
  readonly adminKey: string;
  /** Settles when it has ended. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #folder: string;
  /** 0 until it is known. */
  #pid = 0;

  /**
   * Starts Janus.
   * @param address of this machine, for audio
   * @throws Error where it is not installed, or does not start
   */
  static async start(address = '127.0.0.1'): Promise<JanusProcess> {
    const files = findJanus();
    if (files === null) throw new Error('Janus is not installed (Debian: apt-get install janus).');
    const folder = mkdtempSync(join(tmpdir(), 'micwire-janus-'));
    const settings = {
      port: await freePort(),
      address,
      secret: randomBytes(16).toString('hex'),
      adminKey: randomBytes(16).toString('hex'),
    };
    writeConfiguration(folder, files.libraries, settings);
    const args = ['-F', folder, '-C', join(folder, 'janus.jcfg'), '-L', join(folder, 'log')];
    const guarded = ['-c', GUARD, 'sh', files.program, ...args, '-N'];
    const child = spawn('/bin/sh', guarded, { stdio: ['pipe', 'pipe', 'ignore'] });
    const janus = new JanusProcess(child, folder, settings);
    child.stdout.on('data', (part: Buffer) => (janus.#pid ||= Number(part.toString())));
    // In case there is no program to read it.
    child.stdin.on('error', () => {});
    try {
      await janus.#started(settings.port);
    } catch (error) {
      await janus.close();
      throw error;
    }
    return janus;
  }

  private constructor(
    child: ChildProcess,
    folder: string,
    { port, secret, adminKey }: JanusSettings,
  ) {
    this.#child = child;
    this.#folder = folder;
    this.url = `ws://127.0.0.1:${port}`;
    this.secret = secret;
    this.adminKey = adminKey;
    process.once('exit', this.#kill);
    this.ended = new Promise((resolve) => {
      // A program that cannot be started has no exit.
      child.once('error', () => resolve());
      child.once('exit', () => resolve());
    });
    void this.ended.then(() => {
      process.off('exit', this.#kill);
      child.stdin?.destroy();
    });
  }

  get pid(): number {
    return this.#pid;
  }

  /** CPU time that it has used, s; Linux only. */
  get cpuSeconds(): number {
    const [, rest = ''] = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ');
    const fields = rest.split(' ');
    // utime and stime, in ticks of 10 ms (proc(5)).
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** Memory that it uses, bytes; Linux only. */
  get memoryBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
  }

  /** Ends it, and removes what was written for it. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#signal('SIGKILL'), END_MS);
    await this.ended;
    clearTimeout(timer);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #signal(signal: NodeJS.Signals): void {
    try {
      if (this.#pid !== 0) process.kill(this.#pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }

  readonly #kill = (): void => {
    this.#signal('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };

  async #started(port: number): Promise<void> {
    let hasEnded = false;
    void this.ended.then(() => (hasEnded = true));
    for (const fromMs = performance.now(); performance.now() - fromMs < START_MS;) {
      if (hasEnded) throw new Error(`Janus has ended: ${this.#lastWords()}`);
      if (this.#pid !== 0 && (await isListening(port))) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw new Error(`Janus has not started within ${START_MS / 1000} s: ${this.#lastWords()}`);
  }

  #lastWords(): string {
    const log = join(this.#folder, 'log');
    const text = existsSync(log) ? readFileSync(log, 'utf8') : '';
    return text.trim().split('\n').slice(-5).join(' ');
  }
}

interface JanusSettings {
  readonly port: number;
  readonly address: string;
  readonly secret: string;
  readonly adminKey: string;
}

function writeConfiguration(folder: string, libraries: string, settings: JanusSettings): void {
  const { port, address, secret, adminKey } = settings;
  const write = (name: string, text: string): void =>
    writeFileSync(join(folder, `${name}.jcfg`), `${text}\n`, { mode: 0o600 });
  const unused = (kind: string, used: readonly string[]): string =>
    readdirSync(join(libraries, kind))
      .filter((name) => name.endsWith('.so') && !used.includes(name))
      .join(',');
  const quoted = (path: string): string => JSON.stringify(path);
  write(
    'janus',
    `general: {
  configs_folder = ${quoted(folder)}
  plugins_folder = ${quoted(join(libraries, 'plugins'))}
  transports_folder = ${quoted(join(libraries, 'transports'))}
  events_folder = ${quoted(join(libraries, 'events'))}
  loggers_folder = ${quoted(join(libraries, 'loggers'))}
  api_secret = "${secret}"
  server_name = "micwire"
  debug_level = 4
  debug_colors = false
  hide_dependencies = true
}
media: { dtls_mtu = 1200 }
nat: {
  # Its candidates belong into the answer: WHIP has no way to send them later.
  full_trickle = false
  ice_enforce_list = "${address}"
  # Names that only the browser's own machine can resolve: it finds out by itself where packets come from.
  ignore_mdns = true
}
plugins: { disable = "${unused('plugins', PLUGINS)}" }
transports: { disable = "${unused('transports', [TRANSPORT])}" }
loggers: { disable = "${unused('loggers', [])}" }
events: { broadcast = false }`,
  );
  write(
    'janus.transport.websockets',
    `general: { json = "compact" ws = true ws_port = ${port} ws_ip = "127.0.0.1" wss = false }
admin: { admin_ws = false admin_wss = false }`,
  );
  write(
    'janus.plugin.videoroom',
    `general: { admin_key = "${adminKey}" lock_rtp_forward = true }
room-${ROOM}: {
  description = "forwarded" publishers = 32 audiocodec = "opus" opus_fec = true
  require_pvtid = false notify_joining = false
}`,
  );
  write(
    'janus.plugin.audiobridge',
    `general: { }
room-${ROOM}: { description = "mixed" sampling_rate = "48000" record = false }`,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
