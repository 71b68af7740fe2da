import type { LaneFigures } from '../measure/metrics.ts';
import type { LaneHistory } from './lane-history.ts';
import type { LaneId } from './lane-ids.ts';
import type { LaneState } from './lane-settings.ts';
import type { Lane, LaneKind } from './lane.ts';

/** A line of the table as it stands: what a page draws. The session changes it in place and asks its host to update. */
export interface LaneView {
  readonly id: LaneId;
  readonly kind: LaneKind;
  /** `'off'`: not chosen, or nothing runs. `'unavailable'`: this browser lacks a part. */
  readonly state: LaneState | 'off' | 'unavailable';
  /** Why it is unavailable, waiting or has failed, in a sentence; else empty. */
  readonly reason: string;
  /** null unless it is open. Its `output` is for meters. */
  readonly lane: Lane | null;
  /** Of the last 5 s; counters of packets since it was opened. */
  readonly figures: LaneFigures;
  readonly history: LaneHistory;
}
