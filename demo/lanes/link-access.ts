import type { Signalling } from 'micwire';
import type { LaneId } from './lane-ids.ts';

/** How lanes get onto the link that all of them share. */
export interface LinkAccess {
  /** Address of a WebSocket that leads over the link once, and back. For one connection at a time; ask again for each lane. */
  socketUrl(lane: LaneId): string;
  /** Makes the two ends of a signalling whose call goes over the link. */
  openSignalling(lane: LaneId): Promise<CallEnds<Signalling>>;
}

/** The two ends of what has two ends. */
export interface CallEnds<End> {
  readonly sender: End;
  readonly receiver: End;
}
