import type { SipCall } from './sip-call.ts';
import type { SipCallOptions } from './sip-call-options.ts';

/** A transfer that the other side requests (REFER, RFC 3515). */
export interface SipTransfer {
  /** The address to call. It comes from the other side: ask the user, or check it. */
  readonly target: string;
  /**
   * Creates the call, in state `'new'`: call its `connect()`, and close the first call when the new one is connected. The
   * requesting side is informed of the progress.
   * @throws TypeError or RangeError for an invalid option; MicwireError `'closed'` when the request was answered already, or the
   *   call has ended; the reason of a `signal` that is already aborted
   */
  accept(options?: SipCallOptions): SipCall;
  /** Refuses the transfer: the requesting side gets 603. */
  reject(): void;
}
