/**
 * What a power cut costs of audio that is acknowledged. As root: the store lies on a file system whose disk is a file; the cut is a
 * copy of that file, which has what the kernel has written to the disk by then, and nothing else. Then the server is started again on
 * the copy. `micwire serve` with and without `--sync`, and JetStream with what its `sync_interval` can be.
 * `--nats PATH` of a nats-server; 2.10 or later for `sync_interval: always`.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RecordingFolder } from '../src/node/recording/recording-folder.ts';
import { ServeProcess } from '../test/helpers/serve-process.ts';
import { StreamClient, byteAt } from '../test/helpers/stream-client.ts';
import { until } from '../test/helpers/until.ts';
import type { Row } from './measure.ts';

const FORMAT = { format: 's16', sampleRate: 8000, channels: 1 } as const;
const STREAMS = 20;
const CHUNK_MS = 100;
const CHUNK_FRAMES = (FORMAT.sampleRate * CHUNK_MS) / 1000;
const FRAME_BYTES = 2;
const DISK_BYTES = 512 * 2 ** 20;
const NATS_PORT = 14_622;

export async function run(options: { seconds?: string; nats?: string }): Promise<readonly Row[]> {
  const seconds = Number(options.seconds ?? 20);
  const nats = options.nats ?? 'nats-server';
  if (process.getuid?.() !== 0 || spawnSync('losetup', ['--version']).status !== 0) {
    console.log('Only root can make a disk of a file (losetup): nothing was measured.');
    return [];
  }
  const rows: Row[] = [];
  for (const sync of [false, true]) {
    const name = `micwire serve${sync ? ' --sync' : ''}`;
    rows.push(...lossOf(name, await withDisk((disk) => cutServe(disk, sync, seconds))));
  }
  const version = spawnSync(nats, ['--version']);
  if (version.status !== 0) return rows;
  const subject = String(version.stdout).trim().replace(':', '');
  const [, minor] = /v2\.(\d+)/.exec(subject) ?? [];
  for (const interval of ['2m', '10s', 'always']) {
    if (interval !== '2m' && Number(minor) < 10) continue;
    const name = `${subject}, sync_interval ${interval}`;
    rows.push(...lossOf(name, await withDisk((disk) => cutNats(disk, nats, interval, seconds))));
  }
  return rows;
}

/** What was acknowledged before the cut, and what of it was there after it; ms of audio, or messages. */
interface Cut {
  readonly acknowledged: number;
  readonly kept: number;
  readonly unit: string;
}

function lossOf(subject: string, { acknowledged, kept, unit }: Cut): Row[] {
  const row = (metric: string, value: number): Row => ({
    case: 'power cut',
    subject,
    metric,
    value,
    unit,
  });
  return [row('acknowledged', acknowledged), row('of it lost', Math.max(0, acknowledged - kept))];
}

/** A file system in memory that is the disk of another one, which can be cut off. */
class Disk {
  readonly #folder = mkdtempSync('/dev/shm/micwire-cut-');
  readonly path: string;
  #mounted = false;
  #image: string;

  constructor() {
    this.path = join(this.#folder, 'mounted');
    this.#image = join(this.#folder, 'disk');
    mkdirSync(this.path);
    command('truncate', '-s', String(DISK_BYTES), this.#image);
    command('mkfs.ext4', '-q', this.#image);
    this.mount();
  }

  mount(): void {
    command('mount', '-o', 'loop', this.#image, this.path);
    this.#mounted = true;
  }

  /** Keeps what the disk has now. */
  cut(): void {
    const copy = `${this.#image}.cut`;
    command('cp', '--sparse=always', this.#image, copy);
  }

  /** Continues with what was kept, as after the start of the machine. */
  restart(): void {
    this.#unmount();
    this.#image += '.cut';
    this.mount();
  }

  remove(): void {
    this.#unmount();
    rmSync(this.#folder, { recursive: true });
  }

  #unmount(): void {
    if (this.#mounted) command('umount', this.path);
    this.#mounted = false;
  }
}

function command(program: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${String(stderr)}`);
}

async function withDisk(use: (disk: Disk) => Promise<Cut>): Promise<Cut> {
  const disk = new Disk();
  try {
    return await use(disk);
  } finally {
    disk.remove();
  }
}

async function cutServe(disk: Disk, sync: boolean, seconds: number): Promise<Cut> {
  const folder = join(disk.path, 'recordings');
  const server = await ServeProcess.start('--folder', folder, ...(sync ? ['--sync'] : []));
  const clients = Array.from(
    { length: STREAMS },
    (_, i) => new StreamClient({ url: server.url, session: `mic-${i}`, input: FORMAT }),
  );
  await everyChunk(seconds, () => {
    for (const client of clients) client.say(CHUNK_FRAMES);
  });
  const acknowledged = clients.map(({ stats }) => stats.acknowledgedFrames);
  disk.cut();
  await server.end('SIGKILL');
  // Their server does not come back.
  for (const client of clients) void client.close().catch(() => {});
  disk.restart();
  const recorded = await new RecordingFolder(folder).recover();
  const msPerFrame = 1000 / FORMAT.sampleRate;
  const kept = clients.map(({ session }, i) => {
    const isThere = recorded.some(({ path }) => path.endsWith(`${session}.wav`));
    const frames = isThere ? rightFrames(join(folder, `${session}.wav`), session) : 0;
    return Math.min(frames, acknowledged[i]!) * msPerFrame;
  });
  const ms = acknowledged.reduce((total, frames) => total + frames, 0) * msPerFrame;
  return {
    acknowledged: ms,
    kept: kept.reduce((total, part) => total + part, 0),
    unit: `ms of ${STREAMS} streams`,
  };
}

/** Frames from the start that are what was said. */
function rightFrames(path: string, session: string): number {
  const file = readFileSync(path);
  const data = file.subarray(file.indexOf('data') + 8);
  let at = 0;
  while (at < data.length && data[at] === byteAt(session, at)) at++;
  return Math.floor(at / FRAME_BYTES);
}

async function cutNats(
  disk: Disk,
  program: string,
  interval: string,
  seconds: number,
): Promise<Cut> {
  const path = join(disk.path, 'nats.conf');
  const setting = interval === '2m' ? '' : `sync_interval: ${interval}`;
  const store = `store_dir: ${JSON.stringify(join(disk.path, 'store'))}, ${setting}`;
  writeFileSync(path, `listen: 127.0.0.1:${NATS_PORT}\njetstream { ${store} }\n`);
  command('sync', '-f', disk.path);
  const { connect } = await import('@nats-io/transport-node');
  const { jetstream, jetstreamManager } = await import('@nats-io/jetstream');
  const servers = `nats://127.0.0.1:${NATS_PORT}`;
  let server: ChildProcess | undefined;
  const start = async () => {
    server = spawn(program, ['-c', path], { stdio: 'ignore' });
    return connect({ servers, waitOnFirstConnect: true, reconnectTimeWait: 50 });
  };
  try {
    const before = await start();
    await (await jetstreamManager(before)).streams.add({ name: 'AUDIO', subjects: ['audio.*'] });
    const js = jetstream(before);
    let acknowledged = 0;
    const payload = new Uint8Array(CHUNK_FRAMES * FRAME_BYTES);
    await everyChunk(seconds, () => {
      for (let i = 0; i < STREAMS; i++) {
        js.publish(`audio.${i}`, payload).then(
          () => acknowledged++,
          () => {},
        );
      }
    });
    const atCut = acknowledged;
    disk.cut();
    await killed(server!);
    await before.close().catch(() => {});
    disk.restart();
    const after = await start();
    const manager = await jetstreamManager(after);
    let kept = 0;
    // The stream itself may be lost.
    await until(async () => {
      const { streams } = await manager.getAccountInfo();
      kept = streams === 0 ? 0 : (await manager.streams.info('AUDIO')).state.messages;
    }, 10_000);
    await after.close();
    return { acknowledged: atCut, kept, unit: 'messages' };
  } finally {
    await killed(server!);
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function everyChunk(seconds: number, say: () => void): Promise<void> {
  const startMs = performance.now();
  for (let said = 0; said < (seconds * 1000) / CHUNK_MS;) {
    const due = (performance.now() - startMs) / CHUNK_MS;
    for (; said < due; said++) say();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
