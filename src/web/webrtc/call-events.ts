import type { MicwireError } from '../../core/errors.ts';
import type { CallStep } from '../../core/webrtc/call-timeline.ts';

/**
 * - `'new'`: made; audio and data channels may still be added;
 * - `'connecting'`: since `connect()`;
 * - `'connected'`: media and data go through;
 * - `'closed'`: hung up by either side, or failed.
 */
export type CallState = 'new' | 'connecting' | 'connected' | 'closed';

/** What a `Call` dispatches. */
export interface CallEventMap {
  /** `call.state` has changed. */
  readonly statechange: Event;
  /** A step of the timeline has changed to the `detail`. */
  readonly step: CustomEvent<CallStep>;
  /** The call failed, in `detail`; it is closed. */
  readonly error: CustomEvent<MicwireError>;
}
