import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { booleanOf, integerIn, numberIn, oneOf } from '../../core/arguments.ts';
import { checkCallOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import type { CallOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import type { MicwireError } from '../../core/errors.ts';
import type { CallStep } from '../../core/webrtc/call-timeline.ts';

/** Options of a {@link Call}. */
export interface CallOptions {
  /** The audio to send; the track belongs to the caller and is not stopped. @default none */
  readonly track?: MediaStreamTrack | null;
  /** Whether to receive the other side's audio. @default true */
  readonly receive?: boolean;
  /** STUN and TURN servers. @default none: sufficient on one machine and within a local network */
  readonly iceServers?: readonly RTCIceServer[];
  /** `'relay'` connects only through a TURN server, so that the peers do not learn each other's addresses. @default 'all' */
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /**
   * Whether each packet carries a copy of the previous one (RED, RFC 2198), if the engine can. The caller's setting applies to both
   * directions; `call.redundancy` says whether it is in use.
   * @default false
   */
  readonly redundancy?: boolean;
  /** Options of this side's encoder. @default the browser's: about 32 kbit/s, one channel, FEC, 20 ms a packet */
  readonly opus?: CallOpusOptions;
  /**
   * Target of the browser's jitter buffer in ms, 0 to 4000; the delay exceeds it if the network requires. @default the
   * browser's
   */
  readonly jitterBufferTarget?: number | null;
  /** How long `connect` may take before it fails, in ms. @default 20000 */
  readonly connectTimeoutMs?: number;
  /**
   * How long a connected call looks for another path after its path is lost, in ms: ICE restarts repeatedly, at growing intervals;
   * after this time the call fails. ICE also restarts when the machine changes networks. With 0 ICE does not restart by itself, and
   * the call fails when the browser gives up. @default 30000
   */
  readonly recoverTimeoutMs?: number;
  /** Interval at which the history reads `getStats()`, in ms; 0 for no history. @default 1000 */
  readonly historyIntervalMs?: number;
  /** Number of reports that the history keeps; the oldest are removed first. @default 600 */
  readonly historyLength?: number;
  /**
   * Hangs up if the signal is aborted before the call is connected; `connect()` then rejects with the signal's reason. Has no
   * effect afterwards. Pass an `AbortController`'s `signal`. @default none
   */
  readonly signal?: AbortSignal | undefined;
}
const NAMES: OptionNames<CallOptions> = {
  track: 1,
  receive: 1,
  iceServers: 1,
  iceTransportPolicy: 1,
  redundancy: 1,
  opus: 1,
  jitterBufferTarget: 1,
  connectTimeoutMs: 1,
  recoverTimeoutMs: 1,
  historyIntervalMs: 1,
  historyLength: 1,
  signal: 1,
};

/** The options with the defaults filled in. */
export type CallSettings = Required<Omit<CallOptions, 'signal'>>;

/** @throws TypeError or RangeError for an invalid option */
export function callSettings(options: CallOptions): CallSettings {
  checkOptions('Call', options, NAMES);
  const opus = options.opus ?? {};
  checkCallOpusOptions(opus);
  return {
    track: options.track ?? null,
    receive: booleanOf('receive', options.receive ?? true),
    iceServers: options.iceServers ?? [],
    iceTransportPolicy: oneOf('iceTransportPolicy', options.iceTransportPolicy ?? 'all', [
      'all',
      'relay',
    ]),
    redundancy: booleanOf('redundancy', options.redundancy ?? false),
    opus,
    jitterBufferTarget: jitterBufferTargetIn(options.jitterBufferTarget ?? null),
    connectTimeoutMs: numberIn('connectTimeoutMs', options.connectTimeoutMs ?? 20_000, 1, 600_000),
    recoverTimeoutMs: numberIn('recoverTimeoutMs', options.recoverTimeoutMs ?? 30_000, 0, 600_000),
    historyIntervalMs: historyInterval(options.historyIntervalMs ?? 1000),
    historyLength: integerIn('historyLength', options.historyLength ?? 600, 1, 100_000),
  };
}

/** The bounds are those of W3C webrtc-extensions. @throws RangeError or TypeError */
export function jitterBufferTargetIn(ms: number | null): number | null {
  return ms === null ? null : numberIn('jitterBufferTarget', ms, 0, 4000);
}

function historyInterval(ms: number): number {
  return ms === 0 ? 0 : numberIn('historyIntervalMs', ms, 20, 3_600_000);
}

/**
 * - `'new'`: created; audio and data channels may still be added;
 * - `'connecting'`: `connect()` was called;
 * - `'connected'`: media and data can flow;
 * - `'reconnecting'`: the path to the other side is lost; it may come back, and unless `recoverTimeoutMs` is 0 the call looks for
 *   another one;
 * - `'closed'`: hung up by either side, or failed.
 */
export type CallState = 'new' | 'connecting' | 'connected' | 'reconnecting' | 'closed';

/** Events of a `Call`. */
export interface CallEventMap {
  /** `call.state` has changed. */
  readonly statechange: Event;
  /** A step of the timeline has changed; `detail` is the new step. */
  readonly step: CustomEvent<CallStep>;
  /** The call failed, in `detail`; it is closed. */
  readonly error: CustomEvent<MicwireError>;
}
