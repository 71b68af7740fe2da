import { checkOptions, checkText } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import { integerIn } from '../../core/arguments.ts';
import { PacketError } from '../../core/errors.ts';
import type { MicwireError } from '../../core/errors.ts';
import type { SipLadderOptions } from '../../core/sip/sip-ladder.ts';
import { parseSipUri } from '../../core/sip/sip-uri.ts';
import type { SipUri } from '../../core/sip/sip-uri.ts';
import type { CreateSocket } from '../../core/socket.ts';
import type { AbortOptions } from '../abort.ts';
import { createGlobalSocket, socketAddress } from '../transport/socket.ts';
import type { SipCall } from './sip-call.ts';

/** Options of a {@link SipPhone}. */
export interface SipPhoneOptions extends AbortOptions {
  /** Address of the SIP server's WebSocket: `wss:`, or `ws:` for tests on one machine; absolute or relative to the page. */
  readonly url: string | URL;
  /** This user's address, such as `'sip:alice@example.com'`. */
  readonly uri: string;
  /** The password of digest authentication (RFC 3261 §22). It never leaves the page. @default none */
  readonly password?: string;
  /** The user's name for authentication, where it is another than in `uri`. @default the user in `uri` */
  readonly userName?: string;
  /** A name for people. @default none */
  readonly displayName?: string;
  /** STUN and TURN servers of calls that name none. @default none */
  readonly iceServers?: readonly RTCIceServer[];
  /** For how long to register, in seconds, 30 to 86400; it is renewed in time. The server may shorten it. @default 600 */
  readonly registerSeconds?: number;
  /** `open()` fails after this many ms without a registration. @default 15000 */
  readonly openTimeoutMs?: number;
  /** Longest time between two tries to connect again, in seconds, 1 to 3600. @default 30 */
  readonly maxReconnectSeconds?: number;
  /** Number of calls at a time, 1 to 100: further callers are told 486. @default 8 */
  readonly maxCalls?: number;
  /** Bounds of `phone.ladder`. @default those of `SipLadder` */
  readonly ladder?: SipLadderOptions;
  /** Makes the socket. @default the global WebSocket */
  readonly createSocket?: CreateSocket;
}
const NAMES: OptionNames<SipPhoneOptions> = {
  url: 1,
  uri: 1,
  password: 1,
  userName: 1,
  displayName: 1,
  iceServers: 1,
  registerSeconds: 1,
  openTimeoutMs: 1,
  maxReconnectSeconds: 1,
  maxCalls: 1,
  ladder: 1,
  createSocket: 1,
  signal: 1,
};

/** The options with their defaults. */
export type SipPhoneSettings = Required<Omit<SipPhoneOptions, 'signal' | 'uri' | 'url'>> & {
  /** In full. */
  readonly url: string;
  readonly uri: SipUri;
};

/** @throws TypeError or RangeError for a wrong option */
export function phoneSettings(options: SipPhoneOptions): SipPhoneSettings {
  checkOptions('SipPhone', options, NAMES);
  const { password = '', userName = '', displayName = '' } = options;
  checkText('password', password);
  checkLine('userName', userName);
  checkLine('displayName', displayName);
  return {
    url: socketAddress(options.url),
    uri: userUri(options.uri),
    password,
    userName,
    displayName,
    iceServers: options.iceServers ?? [],
    registerSeconds: integerIn('registerSeconds', options.registerSeconds ?? 600, 30, 86_400),
    openTimeoutMs: integerIn('openTimeoutMs', options.openTimeoutMs ?? 15_000, 1, 600_000),
    maxReconnectSeconds: integerIn(
      'maxReconnectSeconds',
      options.maxReconnectSeconds ?? 30,
      1,
      3600,
    ),
    maxCalls: integerIn('maxCalls', options.maxCalls ?? 8, 1, 100),
    ladder: options.ladder ?? {},
    createSocket: options.createSocket ?? createGlobalSocket,
  };
}

/** Text that goes into a header, where a line break would begin another one. @throws TypeError */
function checkLine(name: string, text: string): void {
  checkText(name, text);
  if (/\p{Cc}/u.test(text)) throw new TypeError(`${name} must have no control characters.`);
}

/** Reads an address of a user. @throws TypeError */
export function userUri(text: string): SipUri {
  try {
    const uri = parseSipUri(text);
    if (uri.scheme === 'sip' && uri.user !== '') return uri;
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
  }
  throw new TypeError("A SIP address must have the form 'sip:user@host'.");
}

/**
 * - `'connecting'`: within `open()`;
 * - `'registered'`: calls go both ways;
 * - `'offline'`: the server was lost or refuses; calls that are up continue, and the phone tries again, unless the server says
 *   that the user or the password is wrong;
 * - `'closed'`: for good.
 */
export type SipPhoneState = 'connecting' | 'registered' | 'offline' | 'closed';

/** Events of a {@link SipPhone}. */
export interface SipPhoneEventMap {
  /** `phone.state` has changed. */
  readonly statechange: Event;
  /**
   * Somebody calls: `accept()` or `reject()` the `detail`, now or later. Without a listener the caller is told 480.
   */
  readonly call: CustomEvent<SipCall>;
  /** `phone.ladder` has one more message. */
  readonly message: Event;
  /** The registration was refused later on, in `detail`. The phone is `'offline'`. */
  readonly error: CustomEvent<MicwireError>;
}
