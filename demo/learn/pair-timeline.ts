import type { IceCandidateReport, IcePairReport, IceReport } from 'micwire';

/** What a pair was for a while. */
export interface PairSpan {
  /** `'frozen'`, `'waiting'`, `'in-progress'`, `'failed'` or `'succeeded'` (RFC 8445 §6.1.2.6). */
  readonly state: string;
  readonly nominated: boolean;
  /** Whether it carried the call. */
  readonly selected: boolean;
  readonly fromMs: number;
  /** The last time that it was seen in this state. */
  readonly toMs: number;
}

/** A pair of candidates over time. */
export interface PairLife {
  /** As it was last seen. */
  readonly pair: IcePairReport;
  readonly spans: readonly PairSpan[];
  /** Whether it was ever checked. */
  readonly tried: boolean;
  /** Whether the browser no longer reports it. */
  readonly gone: boolean;
}

/** Records what becomes of the pairs of a call, from repeated reports. */
export class PairTimeline {
  readonly #lives = new Map<string, PairLife>();
  /** When something changed last, ms. */
  lastChangeMs = 0;

  /** All pairs: those that carried the call first, then those that were tried, then by priority. */
  get lives(): readonly PairLife[] {
    return [...this.#lives.values()].toSorted((a, b) => rank(b) - rank(a) || order(a, b));
  }

  /** The pair that carries the call; null before there is one. */
  get selected(): PairLife | null {
    return (
      [...this.#lives.values()].find(
        ({ gone, spans }) => !gone && (spans.at(-1)?.selected ?? false),
      ) ?? null
    );
  }

  /** Takes a report. Times must not fall. */
  add(atMs: number, { pairs }: IceReport): void {
    const seen = new Set<string>();
    for (const pair of pairs) {
      seen.add(pair.id);
      this.#see(atMs, pair);
    }
    for (const [id, life] of this.#lives) {
      if (seen.has(id) || life.gone) continue;
      this.#lives.set(id, { ...life, gone: true });
      this.lastChangeMs = atMs;
    }
  }

  #see(atMs: number, pair: IcePairReport): void {
    const { state, nominated, selected } = pair;
    const before = this.#lives.get(pair.id);
    const spans = [...(before?.spans ?? [])];
    const last = spans.at(-1);
    if (last !== undefined) spans[spans.length - 1] = { ...last, toMs: atMs };
    const isSame =
      last?.state === state && last.nominated === nominated && last.selected === selected;
    if (!isSame) {
      spans.push({ state, nominated, selected, fromMs: atMs, toMs: atMs });
      this.lastChangeMs = atMs;
    }
    const isOpen = state === 'frozen' || state === 'waiting';
    const tried = (before?.tried ?? false) || pair.requestsSent > 0 || !isOpen;
    this.#lives.set(pair.id, { pair, spans, tried, gone: false });
  }
}

function rank({ spans, tried }: PairLife): number {
  if (spans.some(({ selected }) => selected)) return 2;
  return tried ? 1 : 0;
}

function order(a: PairLife, b: PairLife): number {
  return a.spans[0]!.fromMs - b.spans[0]!.fromMs || b.pair.priority - a.pair.priority;
}

/** A candidate as text: type, address and port; one of TCP says so. */
export function candidateText(candidate: IceCandidateReport | null): string {
  if (candidate === null) return 'unknown';
  const { type, address, port, protocol } = candidate;
  const host = address.includes(':') ? `[${address}]` : address;
  return `${type} ${host === '' ? 'hidden' : host}:${port}${protocol === 'tcp' ? ' tcp' : ''}`;
}

/** The user fragment in a description; empty where there is none. */
export function ufragIn(sdp: string): string {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? '';
}
