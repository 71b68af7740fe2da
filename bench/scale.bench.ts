/**
 * Gateways, workers and nats-server in processes of their own, which are killed (kill -9) in turn, at random and all at once, while
 * clients talk in real time: compares each byte of each file with what was said. Needs nats-server.
 * `--streams 20 --seconds 60 --kills 10 --gateways 2 --workers 2 --chunk-ms 100 --seed 1`; without kills, the CPU time too. An hour of 200 streams with 50 kills is
 * `--streams 200 --seconds 3600 --kills 50`. `--replicas 3`: a cluster of three nats-servers that store each message three times; only the
 * one that leads the stream is killed.
 */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NatsCluster } from '../test/helpers/nats-cluster.ts';
import { NatsServer, hasNatsServer } from '../test/helpers/nats-server.ts';
import { seededRandom } from '../test/helpers/random.ts';
import { ServeProcess } from '../test/helpers/serve-process.ts';
import { StreamClient, byteAt } from '../test/helpers/stream-client.ts';
import { until } from '../test/helpers/until.ts';
import { WorkProcess } from '../test/helpers/work-process.ts';
import type { Row } from './measure.ts';

const RATE = 8000;
const FRAME_BYTES = 2;
const FORMAT = { format: 's16', sampleRate: RATE, channels: 1 } as const;
const LEASE_MS = 3000;
/**
 * After the last word everything is in its file within this time, or it counts as lost. After a kill, nats-server reads all that it
 * has: after an hour of 200 streams seven million messages.
 */
const PATIENCE_MS = 600_000;
const LOOK_MS = 20;

type Options = Readonly<
  Partial<
    Record<
      'streams' | 'seconds' | 'kills' | 'gateways' | 'workers' | 'seed' | 'chunk-ms' | 'replicas',
      string
    >
  >
>;
type Victim = ServeProcess | WorkProcess | NatsServer;

export async function run(options: Options): Promise<readonly Row[]> {
  if (!hasNatsServer()) {
    console.log('nats-server is not installed: nothing was measured.');
    return [];
  }
  const number = (name: keyof Options, standard: number): number => {
    const value = Number(options[name] ?? standard);
    if (Number.isInteger(value) && value >= 0) return value;
    throw new Error(`--${name} must be an integer, got ${options[name]}.`);
  };
  const streams = number('streams', 20);
  const chunkMs = number('chunk-ms', 100);
  const chunkFrames = (RATE * chunkMs) / 1000;
  const seconds = number('seconds', 60);
  const kills = number('kills', 10);
  const random = seededRandom(number('seed', 1));
  const folder = mkdtempSync(join(tmpdir(), 'micwire-scale-'));
  const replicas = number('replicas', 1);
  const nats = replicas > 1 ? await NatsCluster.start(replicas) : await NatsServer.start();
  const natsArgs = nats instanceof NatsCluster ? nats.args : ['--nats', nats.url];
  const gateways: ServeProcess[] = [];
  const workers: WorkProcess[] = [];
  try {
    for (let i = 0; i < number('gateways', 2); i++) {
      const room = String(2 * streams + 10);
      gateways.push(
        await ServeProcess.start(...natsArgs, '--max-streams', room, '--max-per-address', room),
      );
    }
    for (let i = 0; i < number('workers', 2); i++) {
      workers.push(
        await WorkProcess.start(...natsArgs, '--record', folder, '--lease-ms', String(LEASE_MS)),
      );
    }
    const clients = Array.from({ length: streams }, (_, i) => {
      let tries = i;
      const url = (): string => gateways[tries++ % gateways.length]!.url;
      return new StreamClient({ url, session: `mic-${i}`, input: FORMAT });
    });
    const silence = new Silence(clients);
    await Promise.all([
      talk(clients, { seconds, chunkMs, chunkFrames }, silence),
      nats instanceof NatsCluster
        ? killLeaders(nats, { seconds, kills, random })
        : killInTurn({ gateways, workers, nats }, clients, { seconds, kills, random }),
    ]);
    await Promise.all(
      clients.map((client) =>
        client
          .allAcknowledged(PATIENCE_MS)
          .catch((error: unknown) => console.log(`${client.session}: ${(error as Error).message}`)),
      ),
    );
    silence.end();
    await Promise.all(clients.map((client) => client.close().catch(() => {})));
    const names = clients.map(({ session }) => `${session}.wav.json`);
    await until(() => {
      const missing = names.filter((name) => !existsSync(join(folder, name)));
      if (missing.length > 0) throw new Error(`${missing.length} files are not complete.`);
    }, PATIENCE_MS).catch((error: unknown) => console.log((error as Error).message));
    const files = readdirSync(folder).filter((name) => /\.(?:wav|ogg)$/.test(name));
    let made = 0;
    let inFiles = 0;
    let wrong = 0;
    let lost = 0;
    for (const { session, frame } of clients) {
      const found = compare(join(folder, `${session}.wav`), session, frame);
      made += frame / chunkFrames;
      inFiles += found.right / chunkFrames;
      wrong += found.wrong;
      lost += found.lost;
    }
    const messages =
      nats instanceof NatsCluster ? await nats.messages() : await storedMessages(nats.url);
    const stored = messages - streams;
    const doubled = Math.max(0, stored - made) + (files.length - streams);
    const cpu = kills > 0 ? [] : await cpuOf({ gateways, workers, nats });
    if (wrong + lost + doubled > 0) process.exitCode = 1;
    const victim = replicas > 1 ? `kills of the leader, R${replicas}` : 'kills';
    const title = `${streams} streams, ${chunkMs} ms, ${seconds} s, ${kills} ${victim}, ${gateways.length} gateways, ${workers.length} workers`;
    const row = (metric: string, value: number, unit: string): Row => ({
      case: title,
      subject: 'micwire',
      metric,
      value,
      unit,
    });
    return [
      row('chunks made', made, ''),
      row('chunks stored in JetStream', stored, ''),
      row('chunks in files, by content', inFiles, ''),
      row('frames lost', lost, ''),
      row('frames wrong', wrong, ''),
      row('doubled', doubled, ''),
      row('longest time without an acknowledgement', silence.longestMs / 1000, 's'),
      ...cpu.map(([who, cpuSeconds]) =>
        row(`CPU of ${who} for a chunk`, (cpuSeconds / made) * 1e6, 'µs'),
      ),
    ];
  } finally {
    for (const process of [...gateways, ...workers]) await process.end();
    await nats.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function talk(
  clients: readonly StreamClient[],
  {
    seconds,
    chunkMs,
    chunkFrames,
  }: { readonly seconds: number; readonly chunkMs: number; readonly chunkFrames: number },
  silence: Silence,
): Promise<void> {
  const fromMs = performance.now();
  let said = 0;
  for (;;) {
    const nowMs = performance.now() - fromMs;
    const due = Math.min(Math.floor(nowMs / chunkMs), Math.floor((seconds * 1000) / chunkMs));
    for (; said < due; said++) for (const client of clients) client.say(chunkFrames);
    silence.look();
    if (nowMs >= seconds * 1000) return;
    await pause(LOOK_MS);
  }
}

/** What runs and may be killed. */
interface Processes<T = NatsServer> {
  readonly gateways: readonly ServeProcess[];
  readonly workers: readonly WorkProcess[];
  readonly nats: T;
}

/** Gateways, workers and nats-server one after the other, then any of them, and all at once each fifth time. */
async function killInTurn(
  { gateways, workers, nats }: Processes,
  clients: readonly StreamClient[],
  { seconds, kills, random }: { seconds: number; kills: number; random: () => number },
): Promise<void> {
  const all: readonly Victim[] = [...gateways, ...workers, nats];
  if (kills === 0) return;
  const fromMs = performance.now();
  let singles = 0;
  for (let i = 0; i < kills; i++) {
    const atMs = ((i + 0.2 + 0.6 * random()) / kills) * seconds * 1000;
    await pause(Math.max(0, fromMs + atMs - performance.now()));
    const isAll = i % 5 === 4;
    const nth = singles < all.length ? singles : Math.floor(random() * all.length);
    const victims = isAll ? all : [all[nth]!];
    if (!isAll) singles++;
    const names = victims.map((victim) => nameOf(victim));
    console.log(
      `${((performance.now() - fromMs) / 1000).toFixed(1)} s: kill -9 ${names.join(', ')}`,
    );
    await Promise.all(
      victims.map(async (victim) => {
        await (victim instanceof NatsServer ? victim.kill() : victim.end('SIGKILL'));
        await pause(1500 * random());
        await victim.start();
      }),
    );
    if (isAll) {
      const startedMs = performance.now();
      void allOpen(clients).then(() => {
        const seconds = (performance.now() - startedMs) / 1000;
        console.log(`  all clients are back ${seconds.toFixed(1)} s after everything has started.`);
      });
    }
  }
}

/** The server that leads the stream, again and again. The cluster is whole before the next kill, or has no majority. */
async function killLeaders(
  cluster: NatsCluster,
  { seconds, kills, random }: { seconds: number; kills: number; random: () => number },
): Promise<void> {
  const fromMs = performance.now();
  for (let i = 0; i < kills; i++) {
    const atMs = ((i + 0.2 + 0.6 * random()) / kills) * seconds * 1000;
    await pause(Math.max(0, fromMs + atMs - performance.now()));
    const at = ((performance.now() - fromMs) / 1000).toFixed(1);
    const { name, leaderlessMs } = await cluster.killLeader();
    console.log(
      `${at} s: kill -9 ${name}, which led; another leads ${(leaderlessMs / 1000).toFixed(1)} s later`,
    );
    await pause(1500 * random());
    await cluster.revive(name);
  }
}

/** Resolves when every client has a session again, or after the patience. */
async function allOpen(clients: readonly StreamClient[]): Promise<void> {
  await until(() => {
    const away = clients.filter(({ state }) => state !== 'open').length;
    if (away > 0) throw new Error(`${away} clients are not open.`);
  }, PATIENCE_MS).catch((error: unknown) => console.log((error as Error).message));
}

function nameOf(victim: Victim): string {
  return victim instanceof NatsServer
    ? 'nats-server'
    : victim instanceof WorkProcess
      ? 'worker'
      : 'gateway';
}

/** The longest time that a client with audio to send had no acknowledgement. */
class Silence {
  longestMs = 0;
  readonly #clients: readonly StreamClient[];
  readonly #frames: number[];
  readonly #sinceMs: number[];
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(clients: readonly StreamClient[]) {
    this.#clients = clients;
    this.#frames = clients.map(() => 0);
    this.#sinceMs = clients.map(() => performance.now());
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  look(): void {
    const nowMs = performance.now();
    for (const [i, { stats, frame }] of this.#clients.entries()) {
      const { acknowledgedFrames } = stats;
      if (acknowledgedFrames > this.#frames[i]! || acknowledgedFrames === frame) {
        this.#frames[i] = acknowledgedFrames;
        this.#sinceMs[i] = nowMs;
      } else this.longestMs = Math.max(this.longestMs, nowMs - this.#sinceMs[i]!);
    }
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

function compare(path: string, session: string, frames: number) {
  const file = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
  const data = file.subarray(file.indexOf('data') + 8);
  const lost = Math.max(0, frames - data.length / FRAME_BYTES);
  let wrong = Math.max(0, data.length / FRAME_BYTES - frames);
  const there = Math.min(frames, data.length / FRAME_BYTES);
  let right = 0;
  for (let i = 0; i < there; i++) {
    const at = i * FRAME_BYTES;
    if (data[at] === byteAt(session, at) && data[at + 1] === byteAt(session, at + 1)) right++;
    else wrong++;
  }
  return { right, wrong, lost };
}

/** CPU time of processes that were not killed, s. */
async function cpuOf({
  gateways,
  workers,
  nats,
}: Processes<{ readonly cpuSeconds: number }>): Promise<readonly (readonly [string, number])[]> {
  const sum = async (processes: readonly (ServeProcess | WorkProcess)[]): Promise<number> => {
    const each = await Promise.all(
      processes.map((process) => process.figure('process_cpu_seconds_total')),
    );
    return each.reduce((total, seconds) => total + seconds, 0);
  };
  return [
    ['gateways', await sum(gateways)],
    ['nats-server', nats.cpuSeconds],
    ['workers', await sum(workers)],
  ];
}

async function storedMessages(servers: string): Promise<number> {
  const { connect } = await import('@nats-io/transport-node');
  const { jetstreamManager } = await import('@nats-io/jetstream');
  const connection = await connect({ servers });
  const { state } = await (await jetstreamManager(connection)).streams.info('MICWIRE');
  await connection.close();
  return state.messages;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
