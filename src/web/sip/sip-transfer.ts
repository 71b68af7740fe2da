import type { SipCall } from './sip-call.ts';
import type { SipCallOptions } from './sip-call-options.ts';

/** A transfer that the other side asks for (REFER, RFC 3515). */
export interface SipTransfer {
  /** The address to call. It comes from the other side: ask the user, or check it. */
  readonly target: string;
  /**
   * Makes the call, in state `'new'`: `connect()` it, and close the first call when it is up. The side that asked is told how it
   * goes.
   * @throws TypeError or RangeError for a wrong option; MicwireError `'closed'` when it was answered already, or is over; the
   *   reason of a `signal` that is aborted already
   */
  accept(options?: SipCallOptions): SipCall;
  /** Refuses: the side that asked is told 603. */
  reject(): void;
}
