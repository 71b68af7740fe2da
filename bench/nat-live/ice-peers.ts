import type { Browser, Page } from 'playwright-core';
import type { NatPath } from '../../src/core/webrtc/nat/index.ts';

/** How a connection between two pages came about. */
export interface IceOutcome {
  /** null: there was none in time. */
  readonly path: NatPath | null;
  /** From the answer to the open data channel, ms; null without one. */
  readonly openMs: number | null;
}

/** What a page is given to gather with, and what it may tell the other one. */
export interface IceSide {
  readonly iceServers: readonly RTCIceServer[];
  /** Changes the description that the other side gets. @default nothing */
  readonly rewrite?: (sdp: string) => string;
}

const WORST_FIRST: readonly NatPath[] = ['relay', 'direct-prflx', 'direct'];
/** A connection that is not there by then will not come: ICE gives up after some 15 s. */
const LIMIT_MS = 20_000;
/**
 * ICE may begin with a relayed pair, which works early, and take a direct one within this time; and a candidate that a check has
 * brought before the description did is peer reflexive for a moment.
 */
const SETTLE_MS = 5000;
const LOOK_MS = 250;
/**
 * Both sides send all the time, as in a call: libwebrtc's controlled side follows the controlling one to a better pair by the data that
 * comes over it, and stays with the first pair where none comes.
 */
const SEND_MS = 20;

/** A page in a browser, to call another one. The description goes by this process, never by the network in question. */
export class IcePeer {
  readonly #page: Page;

  static async open(browser: Browser): Promise<IcePeer> {
    return new IcePeer(await browser.newPage());
  }

  private constructor(page: Page) {
    this.#page = page;
  }

  /** Makes a connection, and lets go of the one before. */
  async create(iceServers: readonly RTCIceServer[]): Promise<void> {
    await this.#ask(`
      globalThis.connection?.close();
      globalThis.connection = new RTCPeerConnection(${JSON.stringify({ iceServers })});
      globalThis.channel = connection.createDataChannel('', { negotiated: true, id: 0 });
      clearInterval(globalThis.timer);
      globalThis.timer = setInterval(() => channel.readyState === 'open' && channel.send(''), ${SEND_MS});
    `);
  }

  /**
   * Sets a description of the other side, makes one of its own, and waits until all candidates are in it. Only then does it learn the
   * other side's: libwebrtc stops gathering once it is connected, and then nobody is told the address that it has.
   */
  async describe(
    remote: { readonly type: string; readonly sdp: string } | null,
  ): Promise<{ readonly type: string; readonly sdp: string }> {
    const lines = remote?.sdp.split('\r\n') ?? [];
    const isCandidate = (line: string): boolean => /^a=(candidate:|end-of-candidates)/.test(line);
    const plain = { ...remote, sdp: lines.filter((line) => !isCandidate(line)).join('\r\n') };
    return (await this.#ask(`
      const remote = ${JSON.stringify(remote && plain)};
      if (remote !== null) await connection.setRemoteDescription(remote);
      const complete = new Promise((resolve) => {
        connection.onicecandidate = ({ candidate }) => candidate === null && resolve();
      });
      await connection.setLocalDescription();
      await Promise.race([complete, new Promise((resolve) => setTimeout(resolve, 10000))]);
      for (const line of ${JSON.stringify(lines.filter((line) => line.startsWith('a=candidate:')))}) {
        await connection.addIceCandidate({ candidate: line.slice(2), sdpMLineIndex: 0 });
      }
      return connection.localDescription.toJSON();
    `)) as { type: string; sdp: string };
  }

  /** Sets the answer. @returns ms until the channel is open; null: it does not open */
  async connect(answer: object): Promise<number | null> {
    return (await this.#ask(`
      const fromMs = performance.now();
      const opens = new Promise((resolve) => {
        channel.onopen = () => resolve(performance.now() - fromMs);
      });
      await connection.setRemoteDescription(${JSON.stringify(answer)});
      const late = new Promise((resolve) => setTimeout(resolve, ${LIMIT_MS}, null));
      return Promise.race([opens, late]);
    `)) as number | null;
  }

  /** The types of the two candidates in use. */
  async pair(): Promise<readonly string[]> {
    return (await this.#ask(`
      const stats = await connection.getStats();
      const all = [...stats.values()];
      const transport = all.find(({ type }) => type === 'transport');
      const pair = stats.get(transport?.selectedCandidatePairId);
      // A check that came before the description may have made a peer-reflexive candidate of an address that was then told.
      const typeOf = (id, side) => {
        const { candidateType = '', port } = stats.get(id) ?? {};
        const told = all.filter((one) => one.type === side && one.candidateType === 'srflx');
        return candidateType === 'prflx' && told.some((one) => one.port === port)
          ? 'srflx'
          : candidateType;
      };
      return [
        typeOf(pair?.localCandidateId, 'local-candidate'),
        typeOf(pair?.remoteCandidateId, 'remote-candidate'),
      ];
    `)) as string[];
  }

  #ask(body: string): Promise<unknown> {
    return this.#page.evaluate(`(async () => {${body}})()`);
  }
}

/** Connects two pages by ICE. */
export async function connectPeers(
  peers: readonly [IcePeer, IcePeer],
  sides: readonly [IceSide, IceSide],
): Promise<IceOutcome> {
  const [caller, callee] = peers;
  const told = (side: IceSide, { type, sdp }: { readonly type: string; readonly sdp: string }) => ({
    type,
    sdp: side.rewrite?.(sdp) ?? sdp,
  });
  await caller.create(sides[0].iceServers);
  await callee.create(sides[1].iceServers);
  const offer = told(sides[0], await caller.describe(null));
  const answer = told(sides[1], await callee.describe(offer));
  const openMs = await caller.connect(answer);
  if (openMs === null) return { path: null, openMs };
  for (const fromMs = performance.now(); ;) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const paths = await Promise.all(peers.map(async (peer) => pathOf(await peer.pair())));
    // Where one end sends through its relay, the other end may see a peer-reflexive address.
    const path = WORST_FIRST.find((each) => paths.includes(each))!;
    const isOver = performance.now() - fromMs > SETTLE_MS;
    if (path === 'direct' || isOver) return { path, openMs };
  }
}

function pathOf(types: readonly string[]): NatPath {
  if (types.includes('relay')) return 'relay';
  return types.includes('prflx') ? 'direct-prflx' : 'direct';
}
