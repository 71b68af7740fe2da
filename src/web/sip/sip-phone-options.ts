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
  /** The user name for authentication, if it differs from the one in `uri`. @default the user in `uri` */
  readonly userName?: string;
  /** A human-readable name. @default none */
  readonly displayName?: string;
  /** STUN and TURN servers for calls that specify no servers. @default none */
  readonly iceServers?: readonly RTCIceServer[];
  /** Duration of a registration in seconds, 30 to 86400; it is renewed in time. The server may shorten it. @default 600 */
  readonly registerSeconds?: number;
  /** How long `open()` waits for the registration before it fails, in ms. @default 15000 */
  readonly openTimeoutMs?: number;
  /** Longest time between two attempts to reconnect, in seconds, 1 to 3600. @default 30 */
  readonly maxReconnectSeconds?: number;
  /** Maximum number of calls at a time, 1 to 100; further callers get 486. @default 8 */
  readonly maxCalls?: number;
  /** Bounds of `phone.ladder`. @default those of `SipLadder` */
  readonly ladder?: SipLadderOptions;
  /** Creates the socket. @default the global WebSocket */
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

/** The options with the defaults filled in. */
export type SipPhoneSettings = Required<Omit<SipPhoneOptions, 'signal' | 'uri' | 'url'>> & {
  /** The absolute address. */
  readonly url: string;
  readonly uri: SipUri;
};

/** @throws TypeError or RangeError for an invalid option */
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

/** Checks text for a header, where a line break would begin another header. @throws TypeError */
function checkLine(name: string, text: string): void {
  checkText(name, text);
  if (/\p{Cc}/u.test(text)) throw new TypeError(`${name} must have no control characters.`);
}

/** Parses the address of a user. @throws TypeError */
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
 * - `'connecting'`: `open()` is in progress;
 * - `'registered'`: calls can be made and received;
 * - `'offline'`: the connection to the server was lost, or the server refuses; current calls continue, and the phone tries again,
 *   unless the server says that the user or the password is wrong;
 * - `'closed'`: closed permanently.
 */
export type SipPhoneState = 'connecting' | 'registered' | 'offline' | 'closed';

/** Events of a {@link SipPhone}. */
export interface SipPhoneEventMap {
  /** `phone.state` has changed. */
  readonly statechange: Event;
  /**
   * An incoming call, in `detail`: call its `accept()` or `reject()`, now or later. Without a listener the caller gets 480.
   */
  readonly call: CustomEvent<SipCall>;
  /** A message was added to `phone.ladder`. */
  readonly message: Event;
  /** A later registration was refused; the error is in `detail`. The phone is `'offline'`. */
  readonly error: CustomEvent<MicwireError>;
}
