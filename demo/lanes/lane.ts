import type { Call, Signalling } from 'micwire';
import type { LaneMetricId, LaneTotals } from '../measure/metrics.ts';
import type { LaneId } from './lane-ids.ts';
import type { LaneState } from './lane-messages.ts';
import type { LaneSettings } from './lane-settings.ts';
import type { LinkWay, WebTransportWay } from './link-way.ts';

/** A message as it went over the wire. */
export interface LaneMessage {
  readonly message: string | Uint8Array;
  /** What it is, for code that parses it: the framing's name, or none where the format is the browser's. */
  readonly framing: string | null;
}

/** A running path of the audio, from the source to the wire and back. */
export interface Lane {
  /** What came back. To be connected by the owner. */
  readonly output: AudioNode;
  readonly state: LaneState;
  /** Why it is waiting or has failed, in a sentence; else empty. */
  readonly reason: string;
  /** Called after `state` or `reason` has changed. */
  onchange: (() => void) | null;
  close(): void;
}

/** A lane beside others: mono, over the simulated network, counted like the others. */
export interface ComparedLane extends Lane {
  /** What it has counted. Does not throw: counts that can no longer be read stay as they were. */
  totals(): Promise<LaneTotals>;
  /** The last message that went out, where there are messages that a page can see. */
  lastMessage(): Promise<LaneMessage | null>;
  /** A capture file (pcapng) of the packets of RTP as they arrived in the last minute; null for lanes without, or before any. */
  captureFile(): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Its call, for lanes that have one. */
  readonly call: CallEnds<Call> | null;
}

/** The two ends of a call or a channel. */
export interface CallEnds<End> {
  readonly sender: End;
  readonly receiver: End;
}

/** A way of one lane. */
export interface LaneWay {
  readonly way: LinkWay;
  /** Ends it at the network, which does not notice that a Worker has gone. */
  close(): void;
}

/** What goes over the simulated network: the lanes of the table, and the single one. */
export type LinkLane = LaneId | 'close-up';

/** How lanes reach the simulated network that they share. */
export interface LinkAccess {
  /**
   * Opens a way for messages, as over a WebSocket: once over the network, and back. For one connection at a time; ask again for each
   * lane.
   */
  openSocketWay(lane: LinkLane): LaneWay;
  /** Opens a way for the messages of a data channel, which go there first; null where the channel itself goes over the network. */
  openDatagramWay(lane: LaneId): LaneWay | null;
  /** Opens two sessions of WebTransport, each of which gets what the other sends; the sender's goes over the network. */
  openWebTransport(lane: LaneId): Promise<WebTransportWay>;
  /** Ends them at the network, which does not notice that a Worker has gone. */
  closeWebTransport(way: WebTransportWay): void;
  /** Makes the two ends of a signalling whose call goes over the network. */
  openSignalling(lane: LaneId): Promise<CallEnds<Signalling>>;
  /** What TCP has retransmitted for it, in bytes on the wire; as the network last reported. A page cannot see it. */
  repeatedWireBytes(lane: LaneId): number;
}

/** What a lane is built from. */
export interface LaneBuild {
  readonly id: LaneId;
  readonly context: AudioContext;
  /** The audio that goes in: mono, the same node for every lane. */
  readonly source: AudioNode;
  /** The same audio as a track, for what takes only tracks; made on first use. */
  readonly stream: () => MediaStream;
  readonly settings: LaneSettings;
  readonly link: LinkAccess;
}

/** How a lane is told from the others: by its colour, its shape and the dashes of its line. */
interface LaneMark {
  /** Name of a custom property of the page. Lanes of a family share it. */
  readonly colour: string;
  /** In a box of 10 by 10. */
  readonly shape: string;
  /** Whether only the outline is drawn. */
  readonly hollow: boolean;
  /** Of its line in charts: lengths of strokes and gaps; none for a full line. */
  readonly dash: readonly number[];
}

/** A kind of lane: one line of the table. */
export interface LaneKind {
  /** Its name for people, short: 'Opus, binary'. */
  readonly label: string;
  /** Its name in a sentence: 'Opus over WebSocket'. */
  readonly inWords: string;
  readonly mark: LaneMark;
  /** The stations between source and output. */
  readonly path: readonly string[];
  /** One sentence about it. */
  readonly note: string;
  /** What it carries, for grouping and colour. */
  readonly family: 'pcm' | 'opus' | 'recorder' | 'webrtc';
  /** What an app needs for it besides micwire in a page, a few words each: the fewer, the simpler to build. */
  readonly parts: readonly string[];
  /**
   * How it passes a firewall that lets only web pages through: `'tls'`: as it is, over TLS on TCP port 443; `'turn'`: by a TURN
   * server that listens there; `'udp'`: not, for it is UDP.
   */
  readonly firewall: 'tls' | 'turn' | 'udp';
  /** Figures that it lacks, each with the reason. */
  readonly lacks: Readonly<Partial<Record<LaneMetricId, string>>>;
  /** What this browser lacks for it, in a sentence; null when it has all. */
  missing(): string | null;
  /** Opens it. Throws what its parts throw. */
  build(parts: LaneBuild): Promise<ComparedLane>;
}
