import type { Signalling } from 'micwire';

/** How lanes get onto the link that all of them share. */
export interface LinkAccess {
  /** Address of the WebSocket that leads over the link and back, absolute. */
  readonly socketUrl: string;
  /** Makes the two ends of a signalling whose call goes over the link. */
  openSignalling(): Promise<CallEnds<Signalling>>;
}

/** The two ends of what has two ends. */
export interface CallEnds<End> {
  readonly sender: End;
  readonly receiver: End;
}
