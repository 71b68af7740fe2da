/**
 * Calls between two Chromium behind NATs of each two kinds: real ones, of nftables in network namespaces with coturn between them, and
 * beside them the lab's simulated routers. Prints both tables, and says where they differ. Linux, as root; without it, a sentence says
 * what is missing. `--runs 3`: each pair so many times.
 */
import { chromium } from 'playwright-core';
import type { Browser } from 'playwright-core';
import { dropHostCandidates } from '../demo/server/rewrite-candidates.ts';
import { ErrorBoundary } from '../demo/server/error-boundary.ts';
import { LanePath } from '../demo/link/lane-path.ts';
import { Lateness } from '../demo/link/lateness.ts';
import { LinkModel } from '../demo/link/link-model.ts';
import { RealClock } from '../demo/link/real-clock.ts';
import { checkRouterSettings } from '../demo/link/router-settings.ts';
import { CLEAN } from '../demo/link/settings.ts';
import { SimulatedInternet } from '../demo/link/simulated-internet.ts';
import { SimulatedRouter } from '../demo/link/simulated-router.ts';
import { NAT_KINDS, canConnect } from '../src/core/webrtc/nat/index.ts';
import type { NatKind } from '../src/core/webrtc/nat/index.ts';
import { browserEnvironment, findBrowser, hasSandbox } from '../test/engines/find-browser.mjs';
import { median } from './measure.ts';
import type { Row } from './measure.ts';
import { IcePeer, connectPeers } from './nat-live/ice-peers.ts';
import type { IceOutcome, IceSide } from './nat-live/ice-peers.ts';
import { HOMES, REAL_SERVERS, RealNats, realNatsFault } from './nat-live/real-nats.ts';
import { differences, matrix } from './nat-live/nat-table.ts';
import type { PairOutcome } from './nat-live/nat-table.ts';

const KINDS = Object.keys(NAT_KINDS) as NatKind[];
const PAIRS = KINDS.flatMap((a, i) => KINDS.slice(i).map((b): [NatKind, NatKind] => [a, b]));
const ARGS = [
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  // Candidates are to say which addresses they have.
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

/** Connects a pair of kinds. */
type Connect = (a: NatKind, b: NatKind) => Promise<IceOutcome>;

export async function run(options: { readonly runs?: string }): Promise<readonly Row[]> {
  const runs = Number(options.runs ?? 1);
  if (!Number.isInteger(runs) || runs < 1) {
    throw new Error(`--runs must be an integer above 0, got ${options.runs}.`);
  }
  const fault = await realNatsFault();
  if (fault !== null) {
    console.error(fault);
    process.exitCode = 1;
    return [];
  }
  const real = await throughReal((connect) => measure(connect, runs));
  console.log(`\nReal NATs (nftables, coturn):\n\n${matrix(KINDS, real)}`);
  const simulated = await throughSimulated((connect) => measure(connect, runs));
  console.log(`\nSimulated routers of the lab:\n\n${matrix(KINDS, simulated)}\n`);
  const predicted = PAIRS.map(([a, b]): PairOutcome => ({
    ...{ a, b },
    paths: [canConnect(NAT_KINDS[a], NAT_KINDS[b])],
    openMs: [],
  }));
  const faults = [
    ...differences('real', real, 'simulated', simulated),
    ...differences('real', real, 'canConnect', predicted),
  ];
  for (const fault of faults) console.log(`FAULT ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
  else console.log(`All ${PAIRS.length} pairs: the same path, as canConnect predicts.`);
  return [...rowsOf('nftables', real), ...rowsOf('simulated routers', simulated)];
}

async function measure(connect: Connect, runs: number): Promise<PairOutcome[]> {
  const outcomes: PairOutcome[] = [];
  for (const [a, b] of PAIRS) {
    const found: IceOutcome[] = [];
    for (let i = 0; i < runs; i++) found.push(await connect(a, b));
    outcomes.push({
      ...{ a, b },
      paths: found.map(({ path }) => path),
      openMs: found.flatMap(({ openMs }) => openMs ?? []),
    });
  }
  return outcomes;
}

function rowsOf(subject: string, outcomes: readonly PairOutcome[]): Row[] {
  return outcomes.flatMap(({ a, b, openMs }) =>
    openMs.length === 0
      ? []
      : [{ case: `${a}, ${b}`, subject, metric: 'until open', value: median(openMs), unit: 'ms' }],
  );
}

function openChromium(executablePath: string, args: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath,
    chromiumSandbox: hasSandbox(findBrowser('chromium')),
    env: browserEnvironment(findBrowser('chromium')),
    args: [...ARGS, ...args],
  });
}

/** A Chromium in each home. */
async function throughReal<Result>(use: (connect: Connect) => Promise<Result>): Promise<Result> {
  const nats = await RealNats.open();
  const browsers: Browser[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await nats.close();
  };
  const interrupted = (): void => void end().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  try {
    const path = findBrowser('chromium');
    for (const home of HOMES) browsers.push(await openChromium(nats.program(home, path)));
    console.log(`Chromium ${browsers[0]!.version()}`);
    const peers = await peersIn(browsers[0]!, browsers[1]!);
    const { addresses, port, username, credential } = REAL_SERVERS;
    const iceServers = [
      { urls: addresses.map((address) => `stun:${address}:${port}`) },
      { urls: `turn:${addresses[0]}:${port}?transport=udp`, username, credential },
    ];
    return await use((a, b) => {
      for (const [i, home] of HOMES.entries()) nats.set(home, [a, b][i]!);
      return connectPeers(peers, [{ iceServers }, { iceServers }]);
    });
  } finally {
    process.off('SIGINT', interrupted);
    await end();
  }
}

/** Two pages of one Chromium, with routers of their own for each call. */
async function throughSimulated<Result>(
  use: (connect: Connect) => Promise<Result>,
): Promise<Result> {
  const clock = new RealClock();
  const internet = new SimulatedInternet('127.0.0.1');
  const path = findBrowser('chromium');
  // Peers in one machine find each other by the loopback.
  const browser = await openChromium(path, ['--allow-loopback-in-peer-connection']);
  try {
    const peers = await peersIn(browser, browser);
    const lane = (seed: number): LanePath => new LanePath(new LinkModel(CLEAN, seed), clock.nowMs);
    const open = (kind: NatKind): Promise<SimulatedRouter> =>
      SimulatedRouter.open({
        ...{ internet, clock, forward: lane(1), back: lane(2) },
        settings: checkRouterSettings(NAT_KINDS[kind]),
        lateness: new Lateness(() => performance.now()),
        boundary: new ErrorBoundary('nat-live'),
      });
    return await use(async (a, b) => {
      const routers = [await open(a), await open(b)] as const;
      const side = ({ iceServers }: SimulatedRouter): IceSide => ({
        iceServers: iceServers.map((server) => ({ ...server, urls: [...server.urls] })),
        // The other page is on the same machine: its own addresses would lead past the routers.
        rewrite: (sdp) => {
          const kept = dropHostCandidates({ type: 'describe', kind: 'offer', sdp });
          return kept?.type === 'describe' ? kept.sdp : sdp;
        },
      });
      try {
        return await connectPeers(peers, [side(routers[0]), side(routers[1])]);
      } finally {
        for (const router of routers) router.close();
      }
    });
  } finally {
    await browser.close();
    internet.close();
    clock.close();
  }
}

async function peersIn(first: Browser, second: Browser): Promise<[IcePeer, IcePeer]> {
  return [await IcePeer.open(first), await IcePeer.open(second)];
}
