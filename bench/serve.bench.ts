/**
 * What one process of `micwire serve` carries: CPU a stream while it records, the time until audio is acknowledged, and what 5,000
 * sockets cost that do nothing. The clients run in this process.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { PROTOCOL_NAME, decodeProtocol, encodeProtocol } from '../src/core/session/protocol.ts';
import { ServeProcess } from '../test/helpers/serve-process.ts';
import type { Row } from './measure.ts';

const STREAM = { format: 's16', sampleRate: 16_000, channels: 1 } as const;
const SECONDS = 10;
const IDLE_SOCKETS = 5000;
/** Sockets that connect at once. */
const TOGETHER = 100;

export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [chunkMs, streams] of [
    [20, 200],
    [100, 200],
  ] as const) {
    rows.push(...(await withServer((server) => carry(server, chunkMs, streams))));
  }
  rows.push(...(await withServer(idle)));
  return rows;
}

async function withServer(use: (server: ServeProcess) => Promise<Row[]>): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-bench-serve-'));
  // Its default is for clients of many addresses.
  const args = [
    '--folder',
    folder,
    '--max-streams',
    '10000',
    '--max-per-address',
    '10000',
    '--drain-ms',
    '0',
  ];
  const server = await ServeProcess.start(...args);
  try {
    return await use(server);
  } finally {
    await server.end('SIGTERM');
    rmSync(folder, { recursive: true });
  }
}

/** A client that counts what is acknowledged. */
class Client {
  readonly #socket: WebSocket;
  readonly #sentMs: number[] = [];
  readonly delays: number[] = [];
  readonly #frames: number;
  #acknowledged = 0;
  #sequence = 0;
  readonly ready: Promise<void>;

  constructor(url: string, session: string, frames: number) {
    this.#frames = frames;
    this.#socket = new WebSocket(url, [PROTOCOL_NAME], { perMessageDeflate: false });
    this.#socket.binaryType = 'nodebuffer';
    this.ready = new Promise((resolve, reject) => {
      this.#socket.on('error', reject);
      this.#socket.on('open', () => {
        const hello = {
          type: 'hello',
          session,
          frame: 0,
          next: 0,
          input: STREAM,
          output: null,
        } as const;
        this.#socket.send(encodeProtocol(hello as never));
      });
      this.#socket.on('message', (data: Buffer) => {
        const message = decodeProtocol(data);
        if (message.type === 'welcome') resolve();
        if (message.type === 'acknowledged') this.#acknowledge(message.frame);
      });
    });
  }

  get isDone(): boolean {
    return this.#acknowledged === this.#sequence * this.#frames;
  }

  send(payload: Uint8Array): void {
    const sequence = this.#sequence++;
    const frame = sequence * this.#frames;
    this.#sentMs.push(performance.now());
    this.#socket.send(
      encodeProtocol({
        type: 'audio',
        packet: {
          ...STREAM,
          sequence,
          frame,
          frames: this.#frames,
          timestamp: 0,
          dropped: 0,
          payload,
        },
      }),
    );
  }

  close(): void {
    this.#socket.terminate();
  }

  #acknowledge(frame: number): void {
    const nowMs = performance.now();
    for (let i = this.#acknowledged / this.#frames; i < frame / this.#frames; i++) {
      this.delays.push(nowMs - this.#sentMs[i]!);
    }
    this.#acknowledged = frame;
  }
}

async function carry(server: ServeProcess, chunkMs: number, streams: number): Promise<Row[]> {
  const frames = (STREAM.sampleRate * chunkMs) / 1000;
  const payload = new Uint8Array(frames * 2).fill(1);
  const clients = Array.from(
    { length: streams },
    (_, i) => new Client(server.url, `bench-${i}`, frames),
  );
  await Promise.all(clients.map(({ ready }) => ready));
  const before = await figures(server);
  const startMs = performance.now();
  let sent = 0;
  // Each stream at its own instant.
  while (performance.now() - startMs < SECONDS * 1000) {
    const due = Math.floor(((performance.now() - startMs) / chunkMs) * streams);
    for (; sent < due; sent++) clients[sent % streams]!.send(payload);
    await wait(2);
  }
  while (clients.some(({ isDone }) => !isDone)) await wait(5);
  const after = await figures(server);
  for (const client of clients) client.close();
  const delays = clients.flatMap((client) => client.delays).toSorted((a, b) => a - b);
  const at = (part: number): number => delays[Math.floor(delays.length * part)]!;
  const cpu = after.cpuSeconds - before.cpuSeconds;
  const name = `${streams} streams of 16 kHz s16, chunks of ${chunkMs} ms`;
  return [
    row(name, 'CPU a message', (cpu * 1e6) / sent, 'µs'),
    row(name, 'streams a core', (sent * chunkMs) / 1000 / cpu, ''),
    row(name, 'acknowledged, median', at(0.5), 'ms'),
    row(name, 'acknowledged, 99 of 100', at(0.99), 'ms'),
    row(name, 'memory', after.bytes / 2 ** 20, 'MiB'),
  ];
}

async function idle(server: ServeProcess): Promise<Row[]> {
  const before = await figures(server);
  const sockets: WebSocket[] = [];
  for (let i = 0; i < IDLE_SOCKETS; i += TOGETHER) {
    await Promise.all(
      Array.from({ length: TOGETHER }, async (_, j) => {
        const client = new Client(server.url, `idle-${i + j}`, 320);
        sockets.push({ terminate: () => client.close() } as WebSocket);
        await client.ready;
      }),
    );
  }
  const open = await figures(server);
  await wait(5000);
  const later = await figures(server);
  for (const socket of sockets) socket.terminate();
  const name = `${IDLE_SOCKETS} streams that send nothing`;
  return [
    row(name, 'memory each', (open.bytes - before.bytes) / IDLE_SOCKETS / 1024, 'KiB'),
    row(name, 'CPU', ((later.cpuSeconds - open.cpuSeconds) / 5) * 100, '% of a core'),
  ];
}

function row(name: string, metric: string, value: number, unit: string): Row {
  return { case: name, subject: 'micwire serve', metric, value, unit };
}

async function figures(server: ServeProcess): Promise<{ cpuSeconds: number; bytes: number }> {
  const text = await (await fetch(`${server.httpUrl}/metrics`)).text();
  const value = (name: string): number => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
  return {
    cpuSeconds: value('process_cpu_seconds_total'),
    bytes: value('process_resident_memory_bytes'),
  };
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
