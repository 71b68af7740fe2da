/** `discoverNat` on real sockets: at a server of RFC 5780 on two loopback addresses, and behind real NATs where this machine can have them. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { rolldown } from 'rolldown';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { REAL_SERVERS, RealNats, realNatsFault } from '../bench/nat-live/real-nats.ts';
import { MicwireError } from '../src/core/errors.ts';
import { NAT_KINDS } from '../src/core/webrtc/nat/index.ts';
import type { NatKind } from '../src/core/webrtc/nat/index.ts';
import { discoverNat } from '../src/node/discover-nat.ts';
import { BehaviourServer } from './helpers/behaviour-server.ts';
import type { BehaviourServerOptions } from './helpers/behaviour-server.ts';

const ROOT = join(import.meta.dirname, '..');
/** Quick: nothing is lost on the loopback. */
const QUICK = { retransmitMs: 20, tries: 3 };
const execute = promisify(execFile);

/** macOS has 127.0.0.1 only. */
const HAS_LOOPBACKS = await BehaviourServer.open().then(
  (server) => {
    server.close();
    return true;
  },
  () => false,
);
/** In CI every program is there (.ci/run); a container may still not be allowed to make namespaces. */
const fault = await realNatsFault();

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function serve(options: BehaviourServerOptions = {}): Promise<BehaviourServer> {
  const server = await BehaviourServer.open(options);
  cleanups.push(() => server.close());
  return server;
}
/**
 * A STUN server in a thread of its own, which says when it was asked, and answers when it is told to: each client's port is 4660
 * (RFC 5389 §15.1, MAPPED-ADDRESS).
 */
const PATIENT_SERVER = `
  const { createSocket } = require('node:dgram');
  const { parentPort, workerData: isAnswered } = require('node:worker_threads');
  const socket = createSocket('udp4');
  socket.on('message', (request, from) => {
    parentPort.once('message', () => {
      const answer = Buffer.from('0101000c' + request.toString('hex', 4, 20) + '0001000800011234' + '7f000001', 'hex');
      socket.send(answer, from.port, from.address, () => {
        Atomics.store(isAnswered, 0, 1);
        Atomics.notify(isAnswered, 0);
      });
    });
    parentPort.postMessage('asked');
  });
  socket.bind(0, '127.0.0.1', () => parentPort.postMessage(socket.address().port));
`;
const udpSockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'UDPWrap').length;

/** The guide's snippet as one script, for the server at `host`. */
async function guideScript(host: string, port: number, options = ''): Promise<string> {
  const guide = await readFile(join(ROOT, 'docs/nat.md'), 'utf8');
  const [block] = [...guide.matchAll(/^```ts\n(.*?)^```/gms)].flatMap(([, code = '']) =>
    code.includes('discoverNat') ? [code] : [],
  );
  const call = "discoverNat({ host: 'stun.example.org' })";
  expect(block).toContain(call);
  const code = block!.replace(call, `discoverNat({ host: '${host}', port: ${port}${options} })`);
  const input = join(ROOT, 'docs/nat-snippet.ts');
  const entries: Readonly<Record<string, string>> = {
    'micwire/node': 'src/node/index.ts',
    'micwire/nat': 'src/core/webrtc/nat/index.ts',
  };
  const build = await rolldown({
    input,
    platform: 'node',
    external: ['bufferutil', 'utf-8-validate'],
    logLevel: 'silent',
    plugins: [
      {
        name: 'guide',
        resolveId: (id) => {
          if (id === input) return id;
          return entries[id] === undefined ? null : join(ROOT, entries[id]);
        },
        load: (id) => (id === input ? code : null),
      },
    ],
  });
  const { output } = await build.generate({ format: 'esm', codeSplitting: false });
  await build.close();
  const folder = await mkdtemp(join(tmpdir(), 'micwire-nat-guide-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'discover.mjs');
  await writeFile(file, output[0].code);
  return file;
}

describe.runIf(HAS_LOOPBACKS)('discoverNat', () => {
  it('reports that there is no NAT, and the filtering', async () => {
    const server = await serve();
    const before = udpSockets();
    const report = await discoverNat({ host: '127.0.0.1', port: server.port, ...QUICK });
    expect(report).toEqual({
      mapped: { address: '127.0.0.1', port: expect.any(Number) },
      mapping: 'none',
      filtering: 'endpoint-independent',
      hairpinning: null,
    });
    await expect.poll(udpSockets).toBe(before);
  });

  it.each([
    ['address', 'address-dependent'],
    ['address-and-port', 'address-and-port-dependent'],
  ] as const)('notices a filter by %s', async (filters, filtering) => {
    const server = await serve({ filters });
    const report = await discoverNat({ host: '127.0.0.1', port: server.port, ...QUICK });
    expect(report.filtering).toBe(filtering);
    // Each test that is not answered is sent three times; one whose answer takes longer than 20 ms, twice.
    const some = expect.toSatisfy((sent: number) => sent >= 1 && sent <= 3);
    expect(server.requests).toEqual([
      { change: 0, sent: some },
      { change: 6, sent: 3 },
      { change: 2, sent: filters === 'address' ? some : 3 },
    ]);
  });

  it('reports as much as a server with one address can find out', async () => {
    const server = await serve({ isPlain: true });
    const report = await discoverNat({ host: '127.0.0.1', port: server.port, ...QUICK });
    expect(report).toMatchObject({ mapping: 'none', filtering: null });
  });

  it('reports nulls when the server does not answer', async () => {
    const server = await serve();
    const { port } = server;
    server.close();
    cleanups.pop();
    const nothing = { mapped: null, mapping: null, filtering: null, hairpinning: null };
    expect(await discoverNat({ host: '127.0.0.1', port, ...QUICK })).toEqual(nothing);
  });

  it('counts an answer that came while this process was busy for longer than it waits', async () => {
    const isAnswered = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(PATIENT_SERVER, { eval: true, workerData: isAnswered });
    cleanups.push(() => worker.terminate());
    const [port] = (await once(worker, 'message')) as [number];
    worker.once('message', () => {
      worker.postMessage('answer');
      Atomics.wait(isAnswered, 0, 0);
      Atomics.wait(isAnswered, 0, 0);
      Atomics.wait(isAnswered, 0, 1, 1_100);
    });
    const options = { host: '127.0.0.1', port, retransmitMs: 1_000, tries: 1 };
    const { mapped } = await discoverNat(options);
    expect(mapped).toEqual({ address: '127.0.0.1', port: 4_660 });
  });

  it('ends with the reason of its signal, and closes its socket', async () => {
    const server = await serve({ filters: 'address-and-port' });
    const reason = new Error('enough');
    const abort = new AbortController();
    const before = udpSockets();
    const options = { host: '127.0.0.1', port: server.port, signal: abort.signal };
    const discovering = discoverNat(options);
    await expect.poll(() => server.requests.length).toBeGreaterThan(1);
    abort.abort(reason);
    await expect(discovering).rejects.toBe(reason);
    await expect.poll(udpSockets).toBe(before);
    await expect(discoverNat(options)).rejects.toBe(reason);
  });

  it('says what to do if a server or a local address does not exist', async () => {
    const nobody = discoverNat({ host: 'nobody.invalid' });
    await expect(nobody).rejects.toBeInstanceOf(MicwireError);
    await expect(nobody).rejects.toThrow('has no IP address. Check its name');
    const foreign = discoverNat({ host: '127.0.0.1', address: '192.0.2.7' });
    await expect(foreign).rejects.toThrow('Is it an address of this machine?');
    const mixed = discoverNat({ host: '127.0.0.1', address: '::1' });
    await expect(mixed).rejects.toMatchObject({ code: 'transport' });
  });

  it('runs as the guide prints it', async () => {
    const server = await serve();
    const script = await guideScript('127.0.0.1', server.port);
    const { stdout } = await execute(process.execPath, [script]);
    expect(stdout).toMatch(/^127\.0\.0\.1:\d+\nnone endpoint-independent null\n$/);
  }, 30_000);
});

describe.runIf(fault === null)(
  'discoverNat behind real NATs (as root, with nftables and coturn)',
  () => {
    let script: string;
    beforeAll(async () => {
      const { addresses, port } = REAL_SERVERS;
      script = await guideScript(addresses[0], port, ', retransmitMs: 50, tries: 4');
      // It is for all tests.
      const removal = cleanups.pop();
      return () => removal?.();
    }, 30_000);

    it('finds out each of the four kinds', async () => {
      const nats = await RealNats.open();
      cleanups.push(() => nats.close());
      for (const kind of Object.keys(NAT_KINDS) as NatKind[]) {
        nats.set('a', kind);
        const { stdout } = await execute(nats.program('a', process.execPath), [script]);
        const { mapping, filtering } = NAT_KINDS[kind];
        expect(stdout, kind).toMatch(/^198\.51\.100\.11:\d+\n/);
        expect(stdout.split('\n')[1], kind).toContain(`${mapping} ${filtering}`);
      }
    }, 60_000);
  },
);
