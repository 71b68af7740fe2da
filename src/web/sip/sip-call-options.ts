import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { integerIn, oneOf } from '../../core/arguments.ts';
import type { MicwireError } from '../../core/errors.ts';
import type { CallStep } from '../../core/webrtc/call-timeline.ts';
import { callSettings } from '../webrtc/call-options.ts';
import type { CallOptions, CallSettings } from '../webrtc/call-options.ts';
import type { SipTransfer } from './sip-transfer.ts';

/** Options of a {@link SipCall}: those of a `Call`, except the ones that SIP does not support. */
export interface SipCallOptions extends Omit<
  CallOptions,
  'redundancy' | 'receive' | 'recoverTimeoutMs'
> {
  /** How long `connect` may take before it fails, in ms, including the time for which the other telephone rings. @default 60000 */
  readonly connectTimeoutMs?: number;
}
const NAMES: OptionNames<SipCallOptions> = {
  track: 1,
  iceServers: 1,
  iceTransportPolicy: 1,
  opus: 1,
  jitterBufferTarget: 1,
  connectTimeoutMs: 1,
  historyIntervalMs: 1,
  historyLength: 1,
  signal: 1,
};

/** @throws TypeError or RangeError for an invalid option */
export function sipCallSettings(owner: string, options: SipCallOptions): CallSettings {
  checkOptions(owner, options, NAMES);
  return callSettings({ connectTimeoutMs: 60_000, ...options });
}

/**
 * - `'new'`: created. An outgoing call waits for `connect()`; an incoming call rings here;
 * - `'connecting'`: `connect()` was called;
 * - `'ringing'`: the other telephone rings; for outgoing calls only;
 * - `'connected'`: answered, and audio can flow;
 * - `'closed'`: ended, refused or failed.
 */
export type SipCallState = 'new' | 'connecting' | 'ringing' | 'connected' | 'closed';

/** A key that the other side pressed. */
export interface SipDtmf {
  /** One of `0`–`9`, `*`, `#`, `A`–`D`. */
  readonly tone: string;
  readonly durationMs: number;
}

/** Events of a {@link SipCall}. */
export interface SipCallEventMap {
  /** `call.state` has changed. */
  readonly statechange: Event;
  /** `call.hold` has changed. */
  readonly holdchange: Event;
  /** A step of the timeline has changed; `detail` is the new step. */
  readonly step: CustomEvent<CallStep>;
  /** The other side pressed a key and reported it by INFO. Tones within RTP (RFC 4733) do not reach pages. */
  readonly dtmf: CustomEvent<SipDtmf>;
  /** The other side asks this side to call somebody else. Call `accept()` or `reject()` of `detail` within the listener. */
  readonly transfer: CustomEvent<SipTransfer>;
  /** The call failed or was refused, in `detail`; it is closed. A refusal is a `SipError`. */
  readonly error: CustomEvent<MicwireError>;
}

/** Options of `call.sendDtmf`. */
export interface SipDtmfOptions {
  /**
   * `'rtp'` sends tones within the audio (RFC 4733), as gateways and telephones expect; `'info'` sends them in SIP INFO requests.
   * @default 'rtp'
   */
  readonly method?: 'rtp' | 'info';
  /** Duration of each tone in ms, 70 to 6000. @default 100 */
  readonly durationMs?: number;
  /** Gap between two tones in ms, 50 to 6000. @default 70 */
  readonly gapMs?: number;
}
const DTMF_NAMES = { method: 1, durationMs: 1, gapMs: 1 } satisfies OptionNames<SipDtmfOptions>;
const MAX_TONES = 64;

/** @throws TypeError or RangeError */
export function dtmfSettings(tones: string, options: SipDtmfOptions): Required<SipDtmfOptions> {
  if (typeof tones !== 'string' || !/^[0-9A-D*#,]+$/i.test(tones) || tones.length > MAX_TONES) {
    throw new TypeError(`tones must be 1 to ${MAX_TONES} of 0–9, A–D, *, # and the comma.`);
  }
  checkOptions('call.sendDtmf', options, DTMF_NAMES);
  return {
    method: oneOf('method', options.method ?? 'rtp', ['rtp', 'info']),
    // The bounds are those of W3C webrtc §7.2, insertDTMF.
    durationMs: integerIn('durationMs', options.durationMs ?? 100, 70, 6000),
    gapMs: integerIn('gapMs', options.gapMs ?? 70, 50, 6000),
  };
}
