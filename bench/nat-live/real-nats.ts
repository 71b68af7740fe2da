import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalProcess, statusOf } from '../../scripts/sip/local-process.mjs';
import type { NatKind } from '../../src/core/webrtc/nat/index.ts';

/** One of the two homes, each behind a NAT of its own. */
export type Home = 'a' | 'b';

/** What this machine has of what real NATs need. */
export interface NatMachine {
  readonly platform: string;
  readonly isRoot: boolean;
  /** Programs that are not installed. */
  readonly missing: readonly string[];
}

/** Programs, and the packages of Debian that have them. */
const PROGRAMS = {
  ip: 'iproute2',
  nft: 'nftables',
  conntrack: 'conntrack',
  turnserver: 'coturn',
} as const;
const COMMAND = 'npm run bench -- nat-live';

/** Debian keeps these programs where only root looks. */
const ENV = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

/** Addresses of documentation (RFC 5737) and of private networks (RFC 1918): all of them exist in the namespaces only. */
const SERVERS = ['198.51.100.1', '198.51.100.2'] as const;
const NOWHERE = '198.51.100.250';
const NUMBERS: Readonly<Record<Home, number>> = { a: 1, b: 2 };
export const HOMES: readonly Home[] = ['a', 'b'];
const insideOf = (home: Home): string => `10.${NUMBERS[home]}.0.2`;

/** The STUN and TURN server between the homes. */
export const REAL_SERVERS: {
  readonly addresses: readonly [string, string];
  readonly port: number;
  readonly username: string;
  readonly credential: string;
} = { addresses: SERVERS, port: 3478, username: 'lab', credential: 'lab' };
const OTHER_PORT = 3479;

/** Finds out what this machine has. */
async function natMachine(): Promise<NatMachine> {
  const missing: string[] = [];
  for (const program of Object.keys(PROGRAMS)) {
    if ((await statusOf(program, ['--version'])) === null) missing.push(program);
  }
  return { platform: process.platform, isRoot: process.getuid?.() === 0, missing };
}

/** Why a machine cannot have real NATs, and what to do about it; null where it may. */
export function natCure({ platform, isRoot, missing }: NatMachine): string | null {
  if (platform !== 'linux') {
    return `Real NATs need network namespaces and nftables, which only Linux has: run "${COMMAND}" there, or in a virtual machine.`;
  }
  if (missing.length > 0) {
    const packages = missing.map((program) => PROGRAMS[program as keyof typeof PROGRAMS]);
    return `${missing.join(', ')} not found. Install what real NATs need: apt-get install ${packages.join(' ')} (Debian, Ubuntu).`;
  }
  if (!isRoot) return `Network namespaces need root: sudo ${COMMAND}.`;
  return null;
}

/** Why there can be no real NATs here, and what to do about it: also tries. @returns null where there can */
export async function realNatsFault(): Promise<string | null> {
  const cure = natCure(await natMachine());
  if (cure !== null) return cure;
  try {
    await (await RealNats.open()).close();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What is dropped before conntrack keeps it: otherwise a packet that nobody asked for takes the port, and the mapping moves. */
const GUARD = 'chain guard { type filter hook input priority 0; iifname "out" ct state new drop; }';
const masquerade = (how: string): string =>
  `chain leave { type nat hook postrouting priority 100; oifname "out" masquerade ${how}; }`;
const letIn = (whom: string, inside: string): string =>
  `chain enter { type nat hook prerouting priority -100; iifname "out" meta l4proto udp ${whom} dnat to ${inside}; }`;

/**
 * The rules of nftables that make a NAT of a kind. Linux filters by address and port, and keeps a port for all destinations: that
 * alone is a port-restricted NAT. A random port for each connection makes the symmetric one; DNAT lets in what conntrack does not know.
 */
function nftRules(kind: NatKind, inside: string): string {
  const rules: Readonly<Record<NatKind, readonly string[]>> = {
    'full-cone': [letIn('', inside), masquerade('')],
    'address-restricted': [
      'set seen { type ipv4_addr; flags dynamic,timeout; timeout 120s; }',
      'chain note { type filter hook forward priority 0; oifname "out" update @seen { ip daddr }; }',
      letIn('ip saddr @seen', inside),
      masquerade(''),
    ],
    'port-restricted': [masquerade('')],
    symmetric: [masquerade('random,fully-random')],
  };
  const lines = [GUARD, ...rules[kind]].map((line) => `  ${line}`);
  return `table ip home\ndelete table ip home\ntable ip home {\n${lines.join('\n')}\n}\n`;
}

/**
 * Two homes behind NATs of Linux, and a coturn between them, in network namespaces of their own:
 *
 *     home a 10.1.0.2 ── NAT 198.51.100.11 ─┐
 *                                           ├─ bridge: coturn at 198.51.100.1 and 198.51.100.2
 *     home b 10.2.0.2 ── NAT 198.51.100.12 ─┘
 *
 * This machine's own network is not touched.
 */
export class RealNats {
  readonly #prefix = `micwire-${process.pid}`;
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'micwire-nats-'));
  #turn: LocalProcess | null = null;
  #isClosed = false;

  /** @throws Error that says what this system lacks */
  static async open(): Promise<RealNats> {
    const nats = new RealNats();
    try {
      nats.#build();
      await nats.#startTurn();
      return nats;
    } catch (error) {
      await nats.close();
      throw error;
    }
  }

  /** A program that runs another one in a home: its path. */
  program(home: Home, path: string): string {
    const file = join(this.#folder, `in-${home}`);
    const script = `#!/bin/sh\nexec ip netns exec ${this.#name(`home-${home}`)} '${path}' "$@"\n`;
    writeFileSync(file, script, { mode: 0o755 });
    return file;
  }

  /** Gives a home a NAT of a kind, without mappings. */
  set(home: Home, kind: NatKind): void {
    const nat = this.#name(`nat-${home}`);
    run('ip', ['netns', 'exec', nat, 'nft', '-f', '-'], nftRules(kind, insideOf(home)));
    run('ip', ['netns', 'exec', nat, 'conntrack', '-F']);
  }

  /** Ends the server and removes the namespaces, with all that is in them. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#turn?.end();
    for (const name of this.#names()) {
      spawnSync('ip', ['netns', 'del', name], { env: ENV, stdio: 'ignore' });
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #name(part: string): string {
    return `${this.#prefix}-${part}`;
  }

  #names(): string[] {
    return ['internet', ...HOMES.flatMap((home) => [`nat-${home}`, `home-${home}`])].map((part) =>
      this.#name(part),
    );
  }

  #build(): void {
    const internet = this.#name('internet');
    for (const name of this.#names()) {
      attempt(
        () => run('ip', ['netns', 'add', name]),
        'Network namespaces cannot be made here. A container needs the capabilities SYS_ADMIN and NET_ADMIN (docker run --privileged)',
      );
      run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
    const ip = (namespace: string, words: string): string =>
      run('ip', ['-n', namespace, ...words.split(' ')]);
    ip(internet, 'link add bridge type bridge');
    for (const address of SERVERS) ip(internet, `addr add ${address}/24 dev bridge`);
    ip(internet, 'link set bridge up');
    // Packets to private addresses vanish, as on the internet: coturn ends an allocation where sending fails.
    ip(internet, `neigh add ${NOWHERE} lladdr 02:00:00:00:00:fa dev bridge nud permanent`);
    ip(internet, `route add default via ${NOWHERE}`);
    for (const home of HOMES) {
      const [nat, inside] = [this.#name(`nat-${home}`), this.#name(`home-${home}`)];
      const number = NUMBERS[home];
      const outer = `out netns ${nat} type veth peer name to-${home} netns ${internet}`;
      run('ip', ['link', 'add', ...outer.split(' ')]);
      ip(internet, `link set to-${home} master bridge up`);
      ip(nat, `addr add 198.51.100.1${number}/24 dev out`);
      ip(nat, 'link set out up');
      const inner = `in netns ${nat} type veth peer name eth netns ${inside}`;
      run('ip', ['link', 'add', ...inner.split(' ')]);
      ip(nat, `addr add 10.${number}.0.1/24 dev in`);
      ip(nat, 'link set in up');
      ip(inside, `addr add ${insideOf(home)}/24 dev eth`);
      ip(inside, 'link set eth up');
      ip(inside, `route add default via 10.${number}.0.1`);
      const forward = 'echo 1 > /proc/sys/net/ipv4/ip_forward';
      run('ip', ['netns', 'exec', nat, 'sh', '-c', forward]);
      attempt(
        () => this.set(home, 'symmetric'),
        'This kernel cannot do NAT by nftables: it needs CONFIG_NF_TABLES, CONFIG_NFT_NAT, CONFIG_NFT_MASQ and CONFIG_NF_CONNTRACK',
      );
    }
  }

  async #startTurn(): Promise<void> {
    const { port, username, credential } = REAL_SERVERS;
    const options = [
      ...['-n', '-L', SERVERS[0], '-L', SERVERS[1], '-p', String(port)],
      ...['--alt-listening-port', String(OTHER_PORT), '-a', '-u', `${username}:${credential}`],
      ...['-r', 'lab', '--min-port', '45200', '--max-port', '45300', '--no-tls', '--no-dtls'],
      ...['--no-cli', '--log-file', 'stdout'],
      ...['--pidfile', join(this.#folder, 'pid'), '--db', join(this.#folder, 'db')],
    ];
    const internet = this.#name('internet');
    const words = ['netns', 'exec', internet, 'turnserver', ...options];
    const turn = new LocalProcess('ip', words, this.#folder);
    this.#turn = turn;
    const listens = (): boolean => {
      const found = run('ip', ['netns', 'exec', internet, 'ss', '-lun']);
      return SERVERS.every((address) => found.includes(`${address}:${port} `));
    };
    await turn.ready(listens);
  }
}

/** Runs a program to its end. @returns what it prints @throws Error with what it says */
function run(program: string, args: readonly string[], input?: string): string {
  const result = spawnSync(program, args, { env: ENV, input, encoding: 'utf8' });
  if (result.error !== undefined) throw result.error;
  if (result.status === 0) return result.stdout;
  const said = result.stderr.trim().split('\n').slice(0, 3).join(' ');
  throw new Error(`${program} ${args.join(' ')}: ${said}`);
}

function attempt(act: () => void, cure: string): void {
  try {
    act();
  } catch (error) {
    throw new Error(`${cure}. ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
