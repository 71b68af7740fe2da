/** One dictionary of an `RTCStatsReport` (W3C webrtc-stats), as plain data. */
export interface StatsEntry {
  readonly id: string;
  /** Such as `'inbound-rtp'`. */
  readonly type: string;
  /** ms since the epoch. */
  readonly timestamp: number;
  readonly [name: string]: unknown;
}

/** A field that is a number; `fallback` where the engine does not report it. */
export function statsNumber<T>(
  entry: StatsEntry | undefined,
  name: string,
  fallback: T,
): number | T {
  const value = entry?.[name];
  return typeof value === 'number' ? value : fallback;
}

/** A field that is a text; empty where the engine does not report it. */
export function statsText(entry: StatsEntry | undefined, name: string): string {
  const value = entry?.[name];
  return typeof value === 'string' ? value : '';
}

/** The entry with this id. */
export function statsById(entries: readonly StatsEntry[], id: unknown): StatsEntry | undefined {
  return entries.find((entry) => entry.id === id);
}

/** All entries by their ids: for many look-ups, which would otherwise take the square of their number. */
export function statsIndex(entries: readonly StatsEntry[]): ReadonlyMap<string, StatsEntry> {
  return new Map(entries.map((entry) => [entry.id, entry]));
}

/** The pair that carries the packets: what the transport names, or in Firefox what the pair says of itself. */
export function selectedPair(entries: readonly StatsEntry[]): StatsEntry | undefined {
  const transport = entries.find(
    (entry) => entry.type === 'transport' && typeof entry['selectedCandidatePairId'] === 'string',
  );
  const named = statsById(entries, transport?.['selectedCandidatePairId']);
  if (named !== undefined) return named;
  const pairs = entries.filter((entry) => entry.type === 'candidate-pair');
  return (
    pairs.find((pair) => pair['selected'] === true) ??
    pairs.find((pair) => pair['nominated'] === true && pair['state'] === 'succeeded')
  );
}
