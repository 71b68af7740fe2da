import { Call, memorySignalling } from 'micwire';
import type { Signalling } from 'micwire';
import { errorText } from '../../src/core/errors.ts';
import { LinkClient } from '../link/link-client.ts';
import { closeReason } from '../controllers/close-reason.ts';
import { labIceServers, routerIceServers } from '../controllers/ice-servers.ts';
import { meet, newRoom } from './meet.ts';
import { PairTimeline, ufragIn } from './pair-timeline.ts';

/** What is between the two ends. */
export type IceWay = 'direct' | 'servers' | 'nats';

/** The user fragments of a side, before and after a restart. */
export interface UfragChange {
  readonly side: 'This side' | 'Other side';
  readonly before: string;
  readonly after: string;
}

const SAMPLE_MS = 50;
/** After this long without a change, the state is read less often, ms. */
const SETTLED_MS = 6000;
const SETTLED_SAMPLE_MS = 1000;

/** A call within the page that carries data only, and what its ICE does. */
export class IceBench {
  way: IceWay = 'nats';
  phase: 'idle' | 'busy' | 'up' = 'idle';
  /** Why the call failed, in a sentence; else empty. */
  problem = '';
  /** Of the calling side. */
  timeline: PairTimeline = new PairTimeline();
  /** Of the last restart; empty before it. */
  changes: readonly UfragChange[] = [];
  /** When the call, or its last restart, began, in the time line's ms. */
  originMs = 0;
  /** The pair that carried the call before the restart; null before one. */
  pairBefore: string | null = null;
  /** While it restarts. */
  restarting = false;
  readonly #changed: () => void;
  #calls: readonly [caller: Call, callee: Call] | null = null;
  #link: LinkClient | null = null;
  #startMs = 0;
  /** Counts calls: what comes back from an earlier one is out of date. */
  #runs = 0;

  /** @param changed called when anything of it has changed */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get nowMs(): number {
    return performance.now() - this.#startMs;
  }

  async start(): Promise<void> {
    this.stop();
    const run = this.#runs;
    this.phase = 'busy';
    this.problem = '';
    this.timeline = new PairTimeline();
    this.changes = [];
    this.pairBefore = null;
    this.originMs = 0;
    this.#changed();
    try {
      const [signallings, servers] = await this.#ways(run);
      if (run !== this.#runs) {
        for (const signalling of signallings) void signalling.close();
        return;
      }
      const calls = signallings.map((signalling, i) =>
        Call.create(signalling, { receive: false, iceServers: servers[i]!, historyIntervalMs: 0 }),
      ) as [Call, Call];
      this.#calls = calls;
      for (const call of calls) {
        call.createDataChannel({ label: 'learn' });
        call.addEventListener('statechange', () => {
          if (run === this.#runs && call.state === 'closed') this.#fail(closeReason(call));
        });
      }
      this.#startMs = performance.now();
      void this.#watch(calls[0], run);
      await Promise.all(calls.map((call) => call.connect()));
      if (run !== this.#runs) return;
      this.phase = 'up';
      this.#changed();
    } catch (error) {
      if (run === this.#runs) this.#fail(errorText(error));
    }
  }

  /** Has both sides gather and check again, with new user fragments (RFC 8445 §9). */
  async restart(): Promise<void> {
    if (this.#calls === null || this.phase !== 'up' || this.restarting) return;
    const run = this.#runs;
    this.restarting = true;
    this.#changed();
    const [caller, callee] = this.#calls;
    const ufrags = (): readonly string[] =>
      [caller, callee].map(({ connection }) => ufragIn(connection.localDescription?.sdp ?? ''));
    const before = ufrags();
    this.pairBefore = this.timeline.selected?.pair.id ?? null;
    this.originMs = this.nowMs;
    try {
      await caller.restartIce();
      const after = ufrags();
      this.changes = (['This side', 'Other side'] as const).map((side, i) => ({
        side,
        before: before[i]!,
        after: after[i]!,
      }));
      this.#changed();
    } catch (error) {
      // It may have been stopped meanwhile.
      if (run === this.#runs) this.#fail(errorText(error));
    }
    if (run === this.#runs) {
      this.restarting = false;
      this.#changed();
    }
  }

  stop(): void {
    this.#runs++;
    for (const call of this.#calls ?? []) void call.close();
    this.#calls = null;
    this.#link?.close();
    this.#link = null;
    this.restarting = false;
    this.phase = 'idle';
    this.#changed();
  }

  #fail(problem: string): void {
    this.stop();
    this.problem = problem;
    this.#changed();
  }

  /** What brings the two ends together, and their servers. */
  async #ways(
    run: number,
  ): Promise<readonly [readonly [Signalling, Signalling], readonly (readonly RTCIceServer[])[]]> {
    if (this.way === 'direct') return [memorySignalling(), [[], []]];
    if (this.way === 'servers') {
      const servers = [...(await labIceServers())];
      return [memorySignalling(), [servers, servers]];
    }
    const link = await LinkClient.connect(location.origin.replace(/^http/, 'ws'));
    if (run === this.#runs) this.#link = link;
    else link.close();
    const servers = [
      [...(await routerIceServers(link, 'one', 'port-restricted'))],
      [...(await routerIceServers(link, 'other', 'symmetric'))],
    ] as const;
    // The server hides each side's own addresses from the other, because they would bypass the routers.
    return [await meet('/signal?router=1', newRoom()), servers];
  }

  async #watch(call: Call, run: number): Promise<void> {
    while (run === this.#runs) {
      try {
        this.timeline.add(this.nowMs, await call.ice());
      } catch {
        // It has ended.
        return;
      }
      if (run !== this.#runs) return;
      this.#changed();
      const isSettled =
        this.nowMs - Math.max(this.originMs, this.timeline.lastChangeMs) > SETTLED_MS;
      await new Promise((resolve) =>
        setTimeout(resolve, isSettled ? SETTLED_SAMPLE_MS : SAMPLE_MS),
      );
    }
  }
}
