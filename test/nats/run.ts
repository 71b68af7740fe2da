import { NatDiscovery, canConnect } from '../../src/core/webrtc/nat/index.ts';
import type { NatPath } from '../../src/core/webrtc/nat/index.ts';
import { formatSchedule } from '../helpers/format-schedule.ts';
import { Agent } from './agent.ts';
import { Internet } from './internet.ts';
import type { Home } from './internet.ts';
import { Violation } from './ledger.ts';
import type { Rule } from './ledger.ts';
import { DURATION_MS, planNats } from './schedule.ts';
import type { NatSchedule, SimulatedNat } from './schedule.ts';
import { STUN_ADDRESSES, STUN_PORTS, serveStun, serveTurn } from './servers.ts';

/** What a world has shown to be wrong. */
export interface Failure {
  readonly rule: Rule;
  readonly atMs: number;
  readonly detail: string;
}

/** What came of a call. */
export interface Outcome {
  readonly path: NatPath | null;
  readonly log: readonly string[];
}

/** How long after a call stands things are said over it. */
const SAY_EVERY_MS = 100;
const SAYINGS = 20;

/** Runs the world of a seed. @returns null when all went well */
export function runSeed(seed: number): Failure | null {
  return runSchedule(planNats(seed));
}

/** @param onOutcome takes what came of the call */
export function runSchedule(
  schedule: NatSchedule,
  onOutcome: (outcome: Outcome) => void = () => {},
): Failure | null {
  const { world } = schedule;
  const internet = new Internet(world);
  try {
    serveStun(internet);
    serveTurn(internet);
    for (const { at, side, port, ports } of schedule.actions) {
      internet.clock.at(at, () => scan(internet, internet.homes[side], port, ports));
    }
    discover(internet, internet.homes.a);
    discover(internet, internet.homes.b);
    call(internet, onOutcome, canConnect(world.a, world.b));
    return null;
  } catch (error) {
    const atMs = internet.nowMs;
    if (error instanceof Violation) return { rule: error.rule, atMs, detail: error.message };
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { rule: 'no exception', atMs, detail };
  }
}

function scan(internet: Internet, { nat }: Home, port: number, ports: number): void {
  const stranger = { address: '192.0.2.66', port: 4000 };
  for (let i = 0; i < ports; i++) {
    internet.sendOutside(
      stranger,
      { address: nat.address, port: port + i },
      Uint8Array.of(0x80, 0x21),
    );
  }
}

/** Looks into a home's NAT from a socket of its own. */
function discover(internet: Internet, home: Home): void {
  const socket = { address: '10.0.0.2', port: 6000 };
  const discovery = new NatDiscovery({
    server: { address: STUN_ADDRESSES[0], port: STUN_PORTS[0] },
    local: socket,
    transaction: () => Uint8Array.from({ length: 12 }, () => Math.floor(internet.random() * 256)),
    tries: 10,
  });
  home.sockets.set('10.0.0.2 6000', (bytes, from) =>
    discovery.receive(bytes, from, internet.nowMs),
  );
  const poll = (): void => {
    for (let probe; (probe = discovery.poll(internet.nowMs)) !== null;) {
      internet.sendFromHome(home, socket, probe.destination, probe.bytes);
    }
    const { report, nextMs } = discovery;
    if (report === null) internet.clock.at(Math.min(nextMs, internet.nowMs + 50), poll);
    else checkReport(report, home.settings);
  };
  poll();
}

function checkReport(
  report: NonNullable<NatDiscovery['report']>,
  { mapping, filtering, hairpinning }: SimulatedNat,
): void {
  const isRight = report.mapping === mapping && report.filtering === filtering;
  const mayHairpin = report.hairpinning === null || report.hairpinning === hairpinning;
  if (isRight && mayHairpin) return;
  throw new Violation(
    'the discovery finds the behaviour',
    `${JSON.stringify(report)} is not ${JSON.stringify({ mapping, filtering, hairpinning })}`,
  );
}

/** Two peers call each other through the NATs, and speak. */
function call(internet: Internet, onOutcome: (outcome: Outcome) => void, predicted: NatPath): void {
  const socket = { address: '10.0.0.2', port: 5000 };
  const { a, b } = internet.homes;
  const caller: Agent = new Agent(internet, a, socket, {
    name: 'caller',
    isControlling: true,
    gathered: () => internet.signal(() => callee.gather()),
  });
  const callee: Agent = new Agent(internet, b, socket, {
    name: 'callee',
    isControlling: false,
    // The caller's description has come with the call; the answer goes back.
    gathered: () => {
      callee.connect(caller.description);
      internet.signal(() => caller.connect(callee.description));
    },
  });
  caller.gather();
  let said = 0;
  const speak = (): void => {
    if (caller.chosen !== null && callee.chosen !== null && said < SAYINGS) {
      caller.say(`to the callee ${said}`);
      callee.say(`to the caller ${said}`);
      said++;
    }
    internet.clock.at(internet.nowMs + SAY_EVERY_MS, speak);
  };
  speak();
  internet.clock.runUntil(DURATION_MS);
  onOutcome({ path: caller.path, log: internet.log });
  checkCall(caller, callee, predicted);
}

function checkCall(caller: Agent, callee: Agent, predicted: NatPath): void {
  if (caller.path !== predicted || callee.path !== predicted) {
    const found = `caller ${caller.path}, callee ${callee.path}`;
    throw new Violation('the outcome is the one predicted', `${found}, predicted ${predicted}`);
  }
  const ends = (one: Agent, from: 'local' | 'remote'): string => JSON.stringify(one.chosen![from]);
  if (
    ends(caller, 'local') !== ends(callee, 'remote') ||
    ends(caller, 'remote') !== ends(callee, 'local')
  ) {
    const detail = `${JSON.stringify(caller.chosen)} and ${JSON.stringify(callee.chosen)}`;
    throw new Violation('both sides agree on the pair', detail);
  }
  for (const { name, heard } of [caller, callee]) {
    // A tenth of the packets may be lost on each leg, of which a relayed call has four.
    if (heard.length < SAYINGS / 4) {
      const detail = `The ${name} has heard ${heard.length} of ${SAYINGS}.`;
      throw new Violation('what is sent over the pair arrives', detail);
    }
  }
}

/** The one command that runs a seed again. */
export function replayCommand(seed: number): string {
  return `npm run bench -- nat --seed ${seed}`;
}

/** What a failing seed has to say: what went wrong, how to run it again, and its world. */
export async function describeFailure(seed: number, failure: Failure): Promise<string> {
  let log: readonly string[] = [];
  runSchedule(planNats(seed), (outcome) => (log = outcome.log));
  return [
    `Seed ${seed} breaks the rule '${failure.rule}' at ${failure.atMs} ms: ${failure.detail}`,
    `Run it again with: ${replayCommand(seed)}`,
    formatSchedule(planNats(seed)),
    ...log,
  ].join('\n');
}
