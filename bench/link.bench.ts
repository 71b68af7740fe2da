/**
 * The simulated network's own lateness and work under what the lab puts on it: six WebSocket lanes and four calls, each with a
 * packet every 20 ms, over 60 ± 30 ms with 5 % loss. Senders and receivers run in this process, the engine in its own.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import type { Row } from './measure.ts';

const SECONDS = Number(process.env['MICWIRE_LINK_SECONDS'] ?? 20);
const WEBSOCKETS = 6;
const CALLS = 4;
const PERIOD_MS = 20;
/** Two of Opus to one of samples. */
const BYTES = [80, 120, 1920];
/** A first message as ICE has it. */
const STUN = Buffer.from([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, ...new Uint8Array(12)]);

/** Not bundled with the suite: it finds its neighbours by its own address. */
const load = async (path: string) => {
  const { createServer: createVite } = await import('vite');
  const vite = await createVite({
    configFile: false,
    logLevel: 'error',
    server: { middlewareMode: true, watch: null, ws: false },
    optimizeDeps: { noDiscovery: true },
  });
  return { module: await vite.ssrLoadModule(pathToFileURL(join(process.cwd(), path)).href), vite };
};

export async function run(): Promise<readonly Row[]> {
  const { module, vite } = await load('bench/link/modules.ts');
  const { LinkClient, LinkProcess, PRESETS } = module as typeof import('./link/modules.ts');
  const link = new LinkProcess();
  const server = createServer();
  link.attach(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const open = (url: string) => new WebSocket(url, { origin: base.replace('ws', 'http') });
  const client = await LinkClient.connect(base, (url) => open(url) as never);
  await client.configure(PRESETS['jitter-60-30-loss-5'].settings);
  const senders: (() => void)[] = [];
  const closers: (() => void)[] = [];
  for (let lane = 0; lane < WEBSOCKETS; lane++) {
    const socket = open(client.laneUrl(`websocket-${lane}`));
    await new Promise((resolve) => socket.once('open', resolve));
    const message = Buffer.alloc(BYTES[lane % BYTES.length]!);
    senders.push(() => socket.send(message));
    closers.push(() => socket.terminate());
  }
  for (let lane = 0; lane < CALLS; lane++) {
    const { address, ports } = await client.openSplice(`call-${lane}`);
    for (const port of ports) {
      const socket = createSocket('udp4');
      await new Promise<void>((resolve) => socket.bind(0, address, resolve));
      socket.send(STUN, port, address);
      const message = Buffer.alloc(120, 0x80);
      senders.push(() => socket.send(message, port, address));
      closers.push(() => socket.close());
    }
  }
  await client.restart(1);
  const before = cpuMs(link.pid!);
  const begin = performance.now();
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = (performance.now() - begin) / PERIOD_MS;
      for (; sent < due; sent++) for (const send of senders) send();
      if (due * PERIOD_MS < SECONDS * 1000) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
  const { lateness, elapsedMs } = await client.statistics();
  const cpu = cpuMs(link.pid!) - before;
  for (const close of closers) close();
  client.close();
  link.close();
  server.close();
  await vite.close();
  const title = `${WEBSOCKETS} WebSockets and ${CALLS} calls, a packet each ${PERIOD_MS} ms, ${SECONDS} s`;
  const row = (metric: string, value: number, unit: string): Row => ({
    case: title,
    subject: 'simulated network',
    metric,
    value,
    unit,
  });
  return [
    row('deliveries', lateness.count, 'packets'),
    row('lateness p50', lateness.p50Ms, 'ms'),
    row('lateness p99', lateness.p99Ms, 'ms'),
    row('lateness max', lateness.maxMs, 'ms'),
    row('work', (100 * cpu) / elapsedMs, '% of a core'),
  ];
}

/** What a process has computed, in ms: Linux tells it, in hundredths of a second; elsewhere NaN. */
function cpuMs(pid: number): number {
  try {
    // Behind the name in brackets, the 12th and 13th fields: in user mode and in the kernel.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return NaN;
  }
}
