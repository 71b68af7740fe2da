/** Two tabs of the lab, each behind a simulated router: what Chromium's ICE makes of every two kinds. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NAT_KINDS, canConnect } from '../src/core/webrtc/nat/index.ts';
import type { Call } from '../src/web/index.ts';
import type { NatKind, NatPath } from '../src/core/webrtc/nat/index.ts';
import { useLab } from './helpers/lab-page.ts';

/** What the tests need of the element `lab-room`. */
type LabRoom = HTMLElement & {
  readonly calling: {
    readonly problem: string;
    readonly phase: string;
    readonly call: Call | null;
  };
};

const lab = useLab('call');
const KINDS = Object.keys(NAT_KINDS) as NatKind[];
const PAIRS = KINDS.flatMap((a, i) => KINDS.slice(i).map((b): [NatKind, NatKind] => [a, b]));
let rooms = 0;
/** Two tabs, which all tests use. */
let tabs: readonly [Page, Page];

async function openTab(): Promise<Page> {
  const page = await lab.page.context().browser()!.newPage();
  page.setDefaultTimeout(15_000);
  page.on('pageerror', (error) => lab.faults.push(error.message));
  await page.goto(lab.page.url());
  return page;
}

beforeAll(async () => {
  tabs = [await openTab(), await openTab()];
}, 60_000);

afterAll(() => Promise.all(tabs.map((page) => page.close())));

afterEach(async () => {
  for (const tab of tabs) {
    const hangUp = tab.getByRole('button', { name: 'Hang up', exact: true });
    if (await hangUp.isVisible()) await hangUp.click();
  }
});

/** Puts both tabs into a room of their own, each behind a router. */
async function enter(...routers: readonly [NatKind | 'none', NatKind | 'none']): Promise<void> {
  const room = `nat-${++rooms}`;
  for (const [i, tab] of tabs.entries()) {
    await tab.locator('#router').selectOption(routers[i]!);
    await tab.locator('#room').fill(room);
    await tab.locator('#room').press('Tab');
  }
}

const start = (page: Page): Promise<void> =>
  page.getByRole('button', { name: 'Start', exact: true }).click();
const status = (page: Page): Promise<string> =>
  page.locator('lab-room').evaluate((room) => (room as LabRoom).calling.problem);
const isUp = (page: Page): Promise<boolean> =>
  page.locator('lab-room').evaluate((room) => (room as LabRoom).calling.phase === 'up');

/** A tab's own UDP candidates, the selected pair of its call, and the number of packets received over it. */
const iceOf = (page: Page) =>
  page.locator('lab-room').evaluate(async (room) => {
    const { call } = (room as LabRoom).calling;
    const { selected, local } = await call!.ice();
    const udp = local.filter(({ protocol }) => protocol === 'udp');
    return {
      selected,
      servers: udp.filter(({ type }) => type === 'srflx').map(({ port }) => port),
      hosts: udp.filter(({ type, address }) => type === 'host' && !address.includes(':')).length,
      packets: (await call!.stats()).packetsReceived,
    };
  });
type Ice = Awaited<ReturnType<typeof iceOf>>;

/**
 * The type of one end of a pair. If a check arrived before the STUN server had answered the tab that sent it, its address was not
 * signalled yet, and counts as peer reflexive although the server reports the same one. libwebrtc stops gathering once it is connected:
 * if an answer for one of the tab's networks is missing for good, what it would have been is unknown, and the type is `'early'`.
 * @param owner the tab whose address it is
 */
function typeOf(end: { type: string; port: number } | null | undefined, owner: Ice): string {
  const { type = '', port = 0 } = end ?? {};
  if (type !== 'prflx') return type;
  if (owner.servers.includes(port)) return 'srflx';
  return owner.servers.length < owner.hosts ? 'early' : type;
}

/** The paths that a tab's pair may be. */
async function pathsBetween(tab: Page, other: Page): Promise<readonly NatPath[]> {
  const [own, theirs] = await Promise.all([iceOf(tab), iceOf(other)]);
  return pathsOf([typeOf(own.selected?.local, own), typeOf(own.selected?.remote, theirs)]);
}

function pathsOf(types: readonly string[]): readonly NatPath[] {
  if (types.includes('relay')) return ['relay'];
  if (types.includes('prflx')) return ['direct-prflx'];
  return types.includes('early') ? ['direct', 'direct-prflx'] : ['direct'];
}

describe('a call between two tabs behind simulated routers', () => {
  it.each(PAIRS)(
    '%s and %s connects as predicted',
    async (a, b) => {
      await enter(a, b);
      for (const tab of tabs) await start(tab);
      const wanted = canConnect(NAT_KINDS[a], NAT_KINDS[b]);
      for (const tab of tabs) {
        await expect.poll(() => isUp(tab), { timeout: 20_000 }).toBe(true);
      }
      const [first, second] = tabs;
      for (const [tab, other] of [
        [first, second],
        [second, first],
      ] as const) {
        // ICE may begin with a pair that works early, and take a better one later.
        await expect.poll(() => pathsBetween(tab, other)).toContain(wanted);
        await expect.poll(async () => (await iceOf(tab)).packets).toBeGreaterThan(20);
      }
      // Every call has a data channel, whose messages come back.
      const ping = () => tabs[0].locator('lab-room .ping').textContent();
      await expect.poll(ping).toMatch(/Data channel: round trip [\d.]+ ms/);
      const kinds = [a, b];
      for (const [i, tab] of tabs.entries()) {
        const { servers, hosts } = await iceOf(tab);
        const [words, least] =
          kinds[i] === 'symmetric'
            ? ['another port outside for each', hosts + 1]
            : ['has the same port outside', 1];
        // STUN servers that had not answered when the call was up show nothing.
        if (servers.length < least) continue;
        await expect.poll(() => tab.locator('#router-note').textContent()).toContain(words);
      }
      expect(lab.faults).toEqual([]);
    },
    60_000,
  );

  it('is refused if only one of them has a router', async () => {
    await enter('symmetric', 'none');
    await start(tabs[0]);
    await expect
      .poll(() => tabs[0].getByRole('status').first().textContent())
      .toContain('waiting for the other side');
    await start(tabs[1]);
    await expect.poll(() => status(tabs[1])).toContain('choose one on both sides, or none');
  }, 60_000);
});
