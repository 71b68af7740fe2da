import { seededRandom } from '../../test/helpers/random.ts';

/** What befalls the servers and the link, in the order of time. */
type LiveEvent =
  /** Every server is killed, and started again `downMs` later. */
  | { readonly type: 'kill'; readonly atMs: number; readonly downMs: number }
  /** The link loses every packet from here on, or no longer. */
  | { readonly type: 'outage'; readonly atMs: number; readonly isOut: boolean };

/** A plan of a run. */
export interface LivePlan {
  readonly seed: number;
  readonly seconds: number;
  readonly kills: number;
  readonly outageMs: number;
  readonly events: readonly LiveEvent[];
}

/** One kill in so many seconds, and an outage of a tenth of the time. */
const SECONDS_A_KILL = 15;
const OUTAGE_SHARE = 0.1;
const MAX_DOWN_MS = 2000;

export function planOf(seed: number, seconds: number): LivePlan {
  const random = seededRandom(seed);
  const kills = Math.max(2, Math.round(seconds / SECONDS_A_KILL));
  const slotMs = (seconds * 1000) / kills;
  const outageMs = seconds * 1000 * OUTAGE_SHARE;
  const outageAtMs = seconds * 1000 * (0.35 + 0.1 * random());
  const events: LiveEvent[] = [
    { type: 'outage', atMs: outageAtMs, isOut: true },
    { type: 'outage', atMs: outageAtMs + outageMs, isOut: false },
  ];
  for (let kill = 0; kill < kills; kill++) {
    const atMs = (kill + 0.2 + 0.4 * random()) * slotMs;
    const downMs = Math.min(MAX_DOWN_MS, slotMs / 4) * random();
    events.push({ type: 'kill', atMs, downMs });
  }
  events.sort((a, b) => a.atMs - b.atMs);
  return { seed, seconds, kills, outageMs, events };
}
