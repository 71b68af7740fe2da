import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { freePort } from '../../scripts/local-port.mjs';
import { NatsServer } from './nats-server.ts';
import { until } from './until.ts';

const STREAM = 'MICWIRE';
/** So long a cluster may take to agree on a leader, or to have everything on each server. */
const AGREE_MS = 30_000;

interface Member {
  readonly name: string;
  readonly server: NatsServer;
}

/** Servers of NATS that store each message of a stream several times, and choose one of them to lead it. */
export class NatsCluster {
  readonly #members: readonly Member[];
  #connection: NatsConnection | null = null;

  private constructor(members: readonly Member[]) {
    this.#members = members;
  }

  static async start(size: number): Promise<NatsCluster> {
    const ports: number[] = [];
    while (ports.length < size) {
      const port = await freePort();
      if (!ports.includes(port)) ports.push(port);
    }
    const routes = ports.map((port) => `nats://127.0.0.1:${port}`).join(', ');
    const members = await Promise.all(
      ports.map(async (port, i) => {
        const name = `n${i + 1}`;
        const cluster = `cluster { name: micwire, listen: "127.0.0.1:${port}", routes: [${routes}] }`;
        return { name, server: await NatsServer.start(`server_name: ${name}\n${cluster}\n`) };
      }),
    );
    const cluster = new NatsCluster(members);
    await cluster.#ready();
    return cluster;
  }

  get urls(): readonly string[] {
    return this.#members.map(({ server }) => server.url);
  }

  /** The arguments of a process that connects to any of them, and has each message stored by all. */
  get args(): readonly string[] {
    return [
      ...this.urls.flatMap((url) => ['--nats', url]),
      '--replicas',
      String(this.#members.length),
    ];
  }

  /** CPU time of all, s; Linux only. */
  get cpuSeconds(): number {
    return this.#members.reduce((sum, { server }) => sum + server.cpuSeconds, 0);
  }

  /** Messages that the stream has. */
  async messages(): Promise<number> {
    return (await this.#info()).state.messages;
  }

  /** Kills the server that leads the stream, as a crash would. @returns its name, when another one leads */
  async killLeader(): Promise<{ readonly name: string; readonly leaderlessMs: number }> {
    const leader = (await this.#info()).cluster?.leader;
    const member = this.#members.find(({ name }) => name === leader);
    if (member === undefined) throw new Error(`Nobody leads ${STREAM}.`);
    const killedMs = performance.now();
    await member.server.kill();
    await until(async () => {
      const next = (await this.#info()).cluster?.leader;
      if (next === undefined || next === '' || next === leader) throw new Error('Nobody leads.');
    }, AGREE_MS);
    return { name: member.name, leaderlessMs: performance.now() - killedMs };
  }

  /** Starts a server that was killed, and waits until it has everything. */
  async revive(name: string): Promise<void> {
    await this.#members.find((member) => member.name === name)!.server.start();
    await until(async () => {
      const replicas = (await this.#info()).cluster?.replicas ?? [];
      const isWhole = replicas.length === this.#members.length - 1;
      if (!isWhole || !replicas.every(({ current }) => current))
        throw new Error('One lags behind.');
    }, AGREE_MS);
  }

  async end(): Promise<void> {
    await this.#connection?.close();
    await Promise.all(this.#members.map(({ server }) => server.end()));
  }

  async #info() {
    const connection = await this.#connect();
    return (await jetstreamManager(connection, { checkAPI: false, timeout: 2000 })).streams.info(
      STREAM,
    );
  }

  async #connect(): Promise<NatsConnection> {
    this.#connection ??= await connect({
      servers: [...this.urls],
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    return this.#connection;
  }

  /** Waits until the servers have found each other, so that streams can be made. */
  async #ready(): Promise<void> {
    const connection = await this.#connect();
    await until(async () => {
      await (await jetstreamManager(connection, { timeout: 1000 })).getAccountInfo();
    }, AGREE_MS);
  }
}
