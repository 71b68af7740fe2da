/** A connection in a dump of webrtc-internals. */
export interface DumpedConnection {
  readonly id: string;
  /** The types of its events, in order. */
  readonly events: readonly string[];
  /** How many figures there are, each over time. */
  readonly series: number;
}

/** The parts of the format that are read here. */
interface Dump {
  readonly PeerConnections: Readonly<
    Record<
      string,
      { readonly updateLog: readonly { readonly type: string }[]; readonly stats: object }
    >
  >;
}

/** Lists what a dump of `dumpForImporter` holds. */
export function dumpContents(text: string): readonly DumpedConnection[] {
  const { PeerConnections: connections } = JSON.parse(text) as Dump;
  return Object.entries(connections).map(([id, { updateLog, stats }]) => ({
    id,
    events: updateLog.map(({ type }) => type),
    series: Object.keys(stats).length,
  }));
}
