import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RealClock } from '../../demo/link/real-clock.ts';
import { PRESETS } from '../../demo/link/settings.ts';
import { ErrorBoundary } from '../../demo/server/error-boundary.ts';
import { SessionServerProcess } from '../../test/helpers/session-server.ts';
import type { SessionRecord } from '../../test/helpers/session-records.ts';
import { VoiceServers } from '../../test/helpers/voice-servers.ts';
import type { VoiceLog } from '../../test/helpers/voice-servers.ts';
import { Door } from './door.ts';
import type { DoorCounts } from './door.ts';
import { LinkProxy } from './link-proxy.ts';
import type { ProxiedLink } from './link-proxy.ts';
import type { CaseName, CaseReport } from './page.ts';
import type { LivePlan } from './schedule.ts';

/** What a run has left behind. */
export interface LiveResult {
  readonly reports: Readonly<Record<CaseName, CaseReport>>;
  /** What the files of the server of micwire.1 hold. */
  readonly records: readonly SessionRecord[];
  readonly door: DoorCounts;
  /** What the other servers got. */
  readonly logs: Readonly<Record<Exclude<CaseName, 'micwire'>, VoiceLog>>;
  /** Errors of the modelled link: none. */
  readonly linkFaults: number;
}

/** The language of the fake server of each case. */
const FAKES: Readonly<Record<Exclude<CaseName, 'micwire'>, string>> = {
  openai: 'openai',
  'openai-no-overlap': 'openai',
  'deepgram-agent': 'deepgram',
  'deepgram-listen': 'deepgramListen',
};

/** How long the page has to start before anything happens, and to say something after all has. */
const QUIET_MS = 1500;
/** What the signal is longer than the plan: machines are busy. */
const SPARE_SECONDS = 120;

/** The fake services, in this process: what a connection has delivered when it is cut is all that they have. */
class Fakes {
  readonly #server: Server;

  static async start(): Promise<Fakes> {
    const fakes = new Fakes();
    fakes.#server.listen(0, '127.0.0.1');
    await once(fakes.#server, 'listening');
    return fakes;
  }

  private constructor() {
    const servers = new VoiceServers();
    this.#server = createServer((request, response) => {
      request.url = request.url!.replace('/voice-servers', '');
      servers.answer(request, response);
    });
    servers.attach(this.#server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async ask(verb: 'down' | 'up'): Promise<void> {
    const names = Object.keys(FAKES);
    await Promise.all(
      names.map((name) => fetch(`${this.#address}/${name}/${verb}`, { method: 'POST' })),
    );
  }

  async log(name: string): Promise<VoiceLog> {
    return (await (await fetch(`${this.#address}/${name}`)).json()) as VoiceLog;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  get #address(): string {
    return `http://127.0.0.1:${this.port}/voice-servers`;
  }
}

const sleepUntil = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms - performance.now())));

/** Carries out a plan against the sessions of a page. @param evaluate runs the body of a function in the page */
export async function drive(
  plan: LivePlan,
  evaluate: (script: string) => Promise<unknown>,
  say: (line: string) => void,
): Promise<LiveResult> {
  const boundary = new ErrorBoundary('session-live');
  const clock = new RealClock(boundary);
  const link: ProxiedLink = { clock, settings: PRESETS['loss-5'].settings, isOut: false };
  const server = await SessionServerProcess.start();
  const fakes = await Fakes.start();
  const door = new Door();
  const proxies: LinkProxy[] = [];
  const open = async (
    port: () => number,
    tap?: () => ReturnType<Door['connect']>,
  ): Promise<number> => {
    const seed = plan.seed + 100 * proxies.length;
    const proxy = await LinkProxy.open({ link, port, seed, ...(tap ? { tap } : {}) });
    proxies.push(proxy);
    return proxy.port;
  };
  try {
    const port = await open(
      () => Number(new URL(server.url).port),
      () => door.connect(),
    );
    const urls: Record<string, string> = { micwire: `ws://127.0.0.1:${port}` };
    for (const [name, language] of Object.entries(FAKES)) {
      const fakePort = await open(() => fakes.port);
      urls[name] = `ws://127.0.0.1:${fakePort}/voice-servers/${language}/${name}`;
    }
    await evaluate(`
      for (let i = 0; i < 500 && !globalThis.openSessions; i++) await new Promise((f) => setTimeout(f, 20));
      await openSessions(${JSON.stringify(urls)}, ${plan.seconds + SPARE_SECONDS});`);
    await sleepUntil(performance.now() + QUIET_MS);
    const startMs = performance.now();
    for (const event of plan.events) {
      await sleepUntil(startMs + event.atMs);
      if (event.type === 'outage') {
        link.isOut = event.isOut;
        say(`${(event.atMs / 1000).toFixed(1)} s: the link is ${event.isOut ? 'out' : 'back'}`);
        continue;
      }
      await Promise.all([server.end('SIGKILL'), fakes.ask('down')]);
      await sleepUntil(performance.now() + event.downMs);
      await Promise.all([server.start(), fakes.ask('up')]);
      say(`${(event.atMs / 1000).toFixed(1)} s: killed for ${event.downMs.toFixed(0)} ms`);
    }
    await sleepUntil(startMs + plan.seconds * 1000 + QUIET_MS);
    const reports = (await evaluate('return closeSessions();')) as LiveResult['reports'];
    const logs = Object.fromEntries(
      await Promise.all(
        Object.keys(FAKES).map(async (name) => [name, await fakes.log(name)] as const),
      ),
    ) as LiveResult['logs'];
    const records = server.records(door.session);
    return { reports, records, door: door.counts, logs, linkFaults: boundary.faults };
  } finally {
    for (const proxy of proxies) proxy.close();
    clock.close();
    fakes.close();
    await server.close();
  }
}
