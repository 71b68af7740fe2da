import type { Call } from 'micwire';
import type { LaneMetricId, LaneTotals } from '../measure/metrics.ts';
import type { LaneId } from './lane-ids.ts';
import type { LaneSettings, LaneState } from './lane-settings.ts';
import type { LinkAccess } from './link-access.ts';

/** A message as it went over the wire. */
export interface LaneMessage {
  readonly message: string | Uint8Array;
  /** What it is, for who takes it apart: the framing's name, or none where the format is the browser's. */
  readonly framing: string | null;
}

/** A way of the sound from the source to the wire and back, running. */
export interface Lane {
  /** What came back, mono. To be connected by the owner. */
  readonly output: AudioNode;
  readonly state: LaneState;
  /** Why it is waiting or has failed, in a sentence; else empty. */
  readonly reason: string;
  /** Called after `state` or `reason` has changed. */
  onchange: (() => void) | null;
  /** What it has counted. Does not throw: what cannot be asked for any more is as it was. */
  totals(): Promise<LaneTotals>;
  /** The last message that went out, where there are messages that a page can see. */
  lastMessage(): Promise<LaneMessage | null>;
  /** A capture file (pcapng) of the packets of RTP as they arrived in the last minute; null for lanes without, or before any. */
  captureFile(): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Its call, for lanes that have one. */
  readonly call: LaneCall | null;
  close(): void;
}

/** The two ends of a lane's call, for who shows their steps, descriptions and candidates. */
export interface LaneCall {
  readonly sender: Call;
  readonly receiver: Call;
}

/** What a lane is built from. */
export interface LaneBuild {
  readonly id: LaneId;
  readonly context: AudioContext;
  /** The sound that goes in: mono, the same node for every lane. */
  readonly source: AudioNode;
  /** The same sound as a track, for what takes only tracks; made on first use. */
  readonly stream: () => MediaStream;
  readonly settings: LaneSettings;
  readonly link: LinkAccess;
}

/** A kind of lane: one line of the table. */
export interface LaneKind {
  /** Its name for people, short: 'Opus, binary'. */
  readonly label: string;
  /** The stations between source and output. */
  readonly path: readonly string[];
  /** One sentence about it. */
  readonly note: string;
  /** What it carries, for grouping and colour. */
  readonly family: 'pcm' | 'opus' | 'recorder' | 'webrtc';
  /** Figures that it does not have, each with the reason. */
  readonly lacks: Readonly<Partial<Record<LaneMetricId, string>>>;
  /** What this browser lacks for it, in a sentence; null when it has all. */
  missing(): string | null;
  /** Opens it. Throws what its parts throw. */
  build(parts: LaneBuild): Promise<Lane>;
}
