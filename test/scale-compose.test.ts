import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { freePort, isListening } from '../scripts/local-port.mjs';
import { eventually } from './helpers/eventually.ts';
import { hasNatsServer } from './helpers/nats-server.ts';
import { ServeProcess } from './helpers/serve-process.ts';
import { StreamClient, bytesAt } from './helpers/stream-client.ts';
import { WorkProcess } from './helpers/work-process.ts';

/*
 * Of examples/scale/compose.yaml everything is held that needs no containers: what its services say of each other agrees, and its
 * commands, with other addresses and folders, record a stream.
 */

const ROOT = join(import.meta.dirname, '..');

interface ComposeService {
  readonly image: string;
  readonly command: string | readonly string[];
  readonly environment?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly restart: string;
  readonly stop_grace_period?: string;
}
const { services, volumes } = parse(
  readFileSync(join(ROOT, 'examples/scale/compose.yaml'), 'utf8'),
) as {
  readonly services: Readonly<Record<'nats' | 'gateway' | 'worker', ComposeService>>;
  readonly volumes: Readonly<Record<string, null>>;
};
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'micwire-compose-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The words of a command. */
function words({ command }: ComposeService): readonly string[] {
  return typeof command === 'string' ? command.trim().split(/\s+/) : command;
}

/** What follows `npx … micwire`: the command's own arguments. */
function micwireArgs(service: ComposeService): readonly string[] {
  const all = words(service);
  return all.slice(all.indexOf('micwire') + 1);
}

/** The value of a flag. */
function valueOf(args: readonly string[], flag: string): string {
  const at = args.indexOf(flag);
  expect(at, flag).toBeGreaterThanOrEqual(0);
  return args[at + 1]!;
}

/** Arguments with other values. */
function withValues(
  args: readonly string[],
  values: Readonly<Record<string, string>>,
): readonly string[] {
  const changed = [...args];
  for (const [flag, value] of Object.entries(values)) {
    valueOf(args, flag);
    changed[args.indexOf(flag) + 1] = value;
  }
  return changed;
}

/** Arguments without a flag and its value. */
function without(args: readonly string[], ...flags: readonly string[]): readonly string[] {
  return args.filter((word, i) => !flags.includes(word) && !flags.includes(args[i - 1] ?? ''));
}

describe('examples/scale/compose.yaml', () => {
  it('pins each image and each package to one version', () => {
    for (const { image } of Object.values(services))
      expect(image).toMatch(/^\w+:\d+\.\d+\.\d+(?:-slim)?$/);
    const { version, devDependencies, peerDependencies } = manifest;
    for (const service of [services.gateway, services.worker]) {
      const all = words(service);
      expect(all.slice(0, 2)).toEqual(['npx', '-y']);
      const packages = all.filter((_, i) => all[i - 1] === '-p');
      expect(packages).toContain(`micwire@${version}`);
      for (const one of packages) {
        const at = one.lastIndexOf('@');
        const [name, pinned] = [one.slice(0, at), one.slice(at + 1)];
        if (name === 'micwire') continue;
        // The version that the tests run with, of a package that micwire asks for.
        expect(peerDependencies).toHaveProperty([name]);
        expect(pinned).toBe(devDependencies[name]);
      }
    }
  });

  it('uses only keys of the Compose specification', () => {
    // https://github.com/compose-spec/compose-spec/blob/main/05-services.md
    const known = new Set(
      'image command volumes restart environment ports depends_on stop_grace_period'.split(' '),
    );
    for (const service of Object.values(services)) {
      expect(Object.keys(service).filter((key) => !known.has(key))).toEqual([]);
      for (const one of service.depends_on ?? []) expect(services).toHaveProperty([one]);
    }
  });

  it('installs each package that a command loads', () => {
    const packagesOf = (service: ComposeService) => {
      const all = words(service);
      return all
        .filter((_, i) => all[i - 1] === '-p')
        .map((one) => one.slice(0, one.lastIndexOf('@')));
    };
    const nats = ['@nats-io/jetstream', '@nats-io/transport-node'];
    expect(packagesOf(services.gateway).toSorted()).toEqual([...nats, 'micwire', 'ws']);
    expect(packagesOf(services.worker).toSorted()).toEqual([...nats, 'micwire']);
  });

  it('has consistent ports, names and folders', () => {
    for (const service of [services.gateway, services.worker]) {
      const { hostname } = new URL(valueOf(micwireArgs(service), '--nats'));
      expect(services).toHaveProperty([hostname]);
      expect(service.depends_on).toContain(hostname);
      // In a container, the loopback is nobody else's.
      expect(valueOf(micwireArgs(service), '--host')).toBe('0.0.0.0');
    }
    const [published] = services.gateway.ports!;
    expect(published!.split(':')[1]).toBe(valueOf(micwireArgs(services.gateway), '--port'));
    const [from, to] = published!.split(':')[0]!.split('-').map(Number);
    expect(to! - from!).toBeGreaterThanOrEqual(1);
    const [shared] = services.worker.volumes!;
    expect(shared!.split(':')[1]).toBe(valueOf(micwireArgs(services.worker), '--record'));
    const [kept] = services.nats.volumes!;
    const [name, store] = kept!.split(':');
    expect(volumes).toHaveProperty([name!]);
    expect(valueOf(words(services.nats), '-sd')).toBe(store);
  });

  it('gives processes more time to end than they need to drain', () => {
    for (const { stop_grace_period: grace, restart } of [services.gateway, services.worker]) {
      expect(Number(/^(\d+)s$/.exec(grace!)?.[1])).toBeGreaterThan(10);
      expect(restart).toBe('always');
    }
  });

  it('passes on only variables that the command reads', () => {
    const command = readFileSync(join(ROOT, 'src/cli/micwire.ts'), 'utf8');
    for (const name of services.gateway.environment!)
      expect(command).toContain(`process.env['${name}']`);
  });

  it.skipIf(!hasNatsServer())(
    'has commands that record a stream (skipped where nats-server is not installed)',
    async () => {
      const port = await freePort();
      const listen = ['-a', '127.0.0.1', '-p', String(port)];
      const args = [...withValues(words(services.nats), { '-sd': temporaryFolder() }), ...listen];
      const nats = spawn('nats-server', args, { stdio: 'ignore' });
      cleanups.push(async () => {
        const exit = once(nats, 'exit');
        nats.kill('SIGKILL');
        await exit;
      });
      await eventually(async () => expect(await isListening(port)).toBe(true));
      const url = `nats://127.0.0.1:${port}`;
      const folder = temporaryFolder();
      const [serve, ...gatewayArgs] = micwireArgs(services.gateway);
      const [work, ...workerArgs] = micwireArgs(services.worker);
      expect([serve, work]).toEqual(['serve', 'work']);
      // These choose an address and a port of their own.
      const gateway = await ServeProcess.start(
        ...without(withValues(gatewayArgs, { '--nats': url }), '--host', '--port'),
      );
      cleanups.push(() => gateway.end());
      const own = withValues(workerArgs, { '--nats': url, '--record': folder, '--port': '0' });
      const worker = await WorkProcess.start(...without(own, '--host'));
      cleanups.push(() => worker.end());
      const client = new StreamClient({ url: gateway.url, session: 'talk' });
      for (let i = 0; i < 20; i++) client.say(320);
      await client.close();
      await eventually(() => expect(existsSync(join(folder, 'talk.wav.json'))).toBe(true));
      const file = readFileSync(join(folder, 'talk.wav'));
      const data = new Uint8Array(file.subarray(file.indexOf('data') + 8));
      expect(data).toEqual(bytesAt('talk', 0, 6400));
      expect(await gateway.end('SIGTERM')).toBe(0);
      expect(await worker.end('SIGTERM')).toBe(0);
    },
    60_000,
  );
});
