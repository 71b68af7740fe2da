import { booleanOf, describe, numberIn, oneOf } from '../../core/arguments.ts';
import type { MicwireError } from '../../core/errors.ts';
import { checkOptions } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { checkCallOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import type { CallOpusOptions } from '../../core/webrtc/opus-sdp.ts';
import { checkSignal } from '../abort.ts';
import { jitterBufferTargetIn } from '../webrtc/call-options.ts';
import { noWebrtc } from '../webrtc/call-record.ts';

/** What {@link Whip} and {@link Whep} have in common. */
export interface WhipConnectionOptions {
  /** Bearer token (RFC 6750): goes with every request. @default none */
  readonly token?: string;
  /** STUN and TURN servers. @default those that the server names (RFC 9725 §4.6) */
  readonly iceServers?: readonly RTCIceServer[];
  /** `'relay'`: only through a TURN server. @default 'all' */
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /**
   * Whether candidates follow one by one, by PATCH. False: they are all in the offer, which waits for them. A server that does not
   * take PATCH gets a second offer with all of them, unless this is false.
   * @default true
   */
  readonly trickle?: boolean;
  /** `connect` fails after this many ms. @default 20000 */
  readonly connectTimeoutMs?: number;
  /**
   * Closes the session when it is aborted before it is connected; `connect()` then rejects with the signal's reason. Without effect
   * afterwards. @default none
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
   * The side that makes the offer. `'client'` is the standard; a server that answers with 406 and an offer of its own is followed. `'server'`
   * asks for one with an empty POST, as some servers want it.
   * @default 'client'
   */
  readonly offer?: 'client' | 'server';
  /** Two channels instead of one, if they are sent. @default as a server that makes the offer has it; false otherwise */
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

/** What a connection is made with: the options of both classes with their defaults. */
export interface WhipSettings {
  /** Absolute. */
  readonly endpoint: string;
  readonly token: string | null;
  /** Null: those that the server names. */
  readonly iceServers: readonly RTCIceServer[] | null;
  readonly iceTransportPolicy: RTCIceTransportPolicy;
  readonly trickle: boolean;
  readonly connectTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** How this side encodes. */
  readonly opus: CallOpusOptions;
  /** Null: as the server's offer has it. */
  readonly stereo: boolean | null;
  /** What to do about an offer of the server: refuse it, follow it, or ask for it. */
  readonly serverOffer: 'refuse' | 'follow' | 'ask';
  readonly jitterBufferTarget: number | null;
}

/** @throws TypeError or RangeError for a wrong address or option; MicwireError `'unsupported'` where there is no WebRTC */
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

/** @throws TypeError or RangeError for a wrong address or option; MicwireError `'unsupported'` where there is no WebRTC */
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

/** Null where it is not an address. */
export function parsedUrl(url: string, base: string | undefined): URL | null {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
}

/**
 * - `'new'`: made;
 * - `'connecting'`: since `connect()`, and while a way that was lost is looked for again;
 * - `'connected'`: audio goes through;
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
