import { booleanOf, describe, numberIn, oneOf } from '../../core/arguments.ts';
import type { MicwireError } from '../../core/errors.ts';
import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { checkCallOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import type { CallOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import { checkSignal } from '../abort.ts';
import { jitterBufferTargetIn } from '../webrtc/call-options.ts';
import { noWebrtc } from '../webrtc/call-record.ts';

/** Options that {@link Whip} and {@link Whep} have in common. */
export interface WhipConnectionOptions {
  /** Bearer token (RFC 6750), sent with every request. @default none */
  readonly token?: string;
  /** STUN and TURN servers. @default the servers that the endpoint specifies (RFC 9725 §4.6) */
  readonly iceServers?: readonly RTCIceServer[];
  /** `'relay'` connects only through a TURN server. @default 'all' */
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /**
   * Whether candidates are sent one by one, by PATCH. If false, the offer contains all candidates, and waits for them. If true, a
   * server that does not accept PATCH gets a second offer with all of them.
   * @default true
   */
  readonly trickle?: boolean;
  /** How long `connect` may take before it fails, in ms. @default 20000 */
  readonly connectTimeoutMs?: number;
  /**
   * Closes the session if the signal is aborted before the session is connected; `connect()` then rejects with the signal's reason.
   * Has no effect afterwards. @default none
   */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Whip}. */
export interface WhipOptions extends WhipConnectionOptions {
  /** Options of the encoder. @default the browser's: about 32 kbit/s, one channel, FEC, 20 ms a packet */
  readonly opus?: CallOpusOptions;
}

/** Options of {@link Whep}. */
export interface WhepOptions extends WhipConnectionOptions {
  /**
   * The side that makes the offer. `'client'` is the standard; if the server answers with 406 and its own offer, that offer is
   * used. `'server'` requests an offer with an empty POST, which some servers require.
   * @default 'client'
   */
  readonly offer?: 'client' | 'server';
  /**
   * Accepts two channels instead of one, if the server sends them.
   * @default the value in the server's offer, if it makes one; otherwise false
   */
  readonly stereo?: boolean;
  /** Target of the browser's jitter buffer in ms, 0 to 4000. @default the browser's */
  readonly jitterBufferTarget?: number | null;
}

const COMMON: OptionNames<WhipConnectionOptions> = {
  token: 1,
  iceServers: 1,
  iceTransportPolicy: 1,
  trickle: 1,
  connectTimeoutMs: 1,
  signal: 1,
};
const WHIP_NAMES: OptionNames<WhipOptions> = { ...COMMON, opus: 1 };
const WHEP_NAMES: OptionNames<WhepOptions> = {
  ...COMMON,
  offer: 1,
  stereo: 1,
  jitterBufferTarget: 1,
};

/** Settings of a connection: the options of both classes with the defaults filled in. */
export interface WhipSettings {
  /** Absolute address of the endpoint. */
  readonly endpoint: string;
  readonly token: string | null;
  /** ICE servers; null to use those that the endpoint specifies. */
  readonly iceServers: readonly RTCIceServer[] | null;
  readonly iceTransportPolicy: RTCIceTransportPolicy;
  readonly trickle: boolean;
  readonly connectTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Options of this side's encoder. */
  readonly opus: CallOpusOptions;
  /** Whether to accept two channels; null to follow the server's offer. */
  readonly stereo: boolean | null;
  /** What to do with an offer from the server: refuse it, follow it, or ask for it. */
  readonly serverOffer: 'refuse' | 'follow' | 'ask';
  readonly jitterBufferTarget: number | null;
}

/** @throws TypeError or RangeError for an invalid address or option; MicwireError `'unsupported'` where there is no WebRTC */
export function whipSettings(url: string | URL, options: WhipOptions): WhipSettings {
  checkOptions('Whip', options, WHIP_NAMES);
  const opus = options.opus ?? {};
  checkCallOpusOptions(opus);
  return {
    ...commonSettings(url, options),
    opus,
    stereo: opus.stereo ?? null,
    serverOffer: 'refuse',
    jitterBufferTarget: null,
  };
}

/** @throws TypeError or RangeError for an invalid address or option; MicwireError `'unsupported'` where there is no WebRTC */
export function whepSettings(url: string | URL, options: WhepOptions): WhipSettings {
  checkOptions('Whep', options, WHEP_NAMES);
  const offer = oneOf('offer', options.offer ?? 'client', ['client', 'server']);
  return {
    ...commonSettings(url, options),
    opus: {},
    stereo: options.stereo === undefined ? null : booleanOf('stereo', options.stereo),
    serverOffer: offer === 'server' ? 'ask' : 'follow',
    jitterBufferTarget: jitterBufferTargetIn(options.jitterBufferTarget ?? null),
  };
}

type Common = Omit<WhipSettings, 'opus' | 'stereo' | 'serverOffer' | 'jitterBufferTarget'>;

function commonSettings(url: string | URL, options: WhipConnectionOptions): Common {
  const { token = null, iceServers = null } = options;
  checkSignal(options.signal);
  if (typeof RTCPeerConnection === 'undefined') throw noWebrtc();
  // RFC 6750 §2.1.
  if (token !== null && (typeof token !== 'string' || !/^[\w.~+/-]+=*$/.test(token))) {
    throw new TypeError('token must be letters, digits and -._~+/, with = at the end only.');
  }
  return {
    endpoint: endpointAddress(url),
    token,
    iceServers,
    iceTransportPolicy: oneOf('iceTransportPolicy', options.iceTransportPolicy ?? 'all', [
      'all',
      'relay',
    ]),
    trickle: booleanOf('trickle', options.trickle ?? true),
    connectTimeoutMs: numberIn('connectTimeoutMs', options.connectTimeoutMs ?? 20_000, 1, 600_000),
    signal: options.signal,
  };
}

function endpointAddress(url: string | URL): string {
  const address = parsedUrl(String(url), globalThis.location?.href);
  if (address !== null && /^https?:$/.test(address.protocol)) return address.href;
  throw new TypeError(`url must be an address of http: or https:, got ${describe(url)}.`);
}

/** Parses an address; null if it is not valid. */
export function parsedUrl(url: string, base: string | undefined): URL | null {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
}

/**
 * - `'new'`: created;
 * - `'connecting'`: `connect()` was called, or the path is lost and another one is being looked for;
 * - `'connected'`: audio can flow;
 * - `'closed'`: closed by either side, or failed.
 */
export type WhipState = 'new' | 'connecting' | 'connected' | 'closed';

/** Events of {@link Whip} and {@link Whep}. */
export interface WhipEventMap {
  /** `state` has changed. */
  readonly statechange: Event;
  /** The connection failed, with the reason in `detail`; it is closed. */
  readonly error: CustomEvent<MicwireError>;
}
