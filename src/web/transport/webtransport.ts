import { describe } from '../../core/arguments.ts';
import { MicwireError } from '../../core/errors.ts';
import { checkObject } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { HeartbeatOptions, ReconnectOptions } from './reconnecting.ts';
import { RECONNECT_NAMES, ReconnectingTransport } from './reconnecting.ts';
import { CUT, FAULT, WebTransportSocket } from './web-transport-socket.ts';
import type { WebTransportLike } from './web-transport-socket.ts';

/** The SHA-256 of a certificate in DER, as `WebTransport` takes it (W3C webtransport §6.10). */
export interface CertificateHash {
  readonly algorithm: 'sha-256';
  /** 32 bytes. */
  readonly value: Uint8Array<ArrayBuffer>;
}

/** What a `WebTransport` is made with. */
export interface WebTransportInit {
  /** Left out if there are none: browsers take an empty list for "no certificate". */
  readonly serverCertificateHashes?: CertificateHash[];
  readonly congestionControl: 'low-latency';
}

/** A heartbeat of text: it travels on the stream, which loses nothing. */
export interface TextHeartbeatOptions extends HeartbeatOptions {
  /** The text to send; your server must answer it with any message. */
  readonly message: string | (() => string);
}

/** Options of a {@link WebTransportTransport}. */
export interface WebTransportTransportOptions extends ReconnectOptions {
  /**
   * As of every transport that reconnects, but a text: bytes travel as a datagram, and one lost packet would replace a good
   * connection.
   * @default none
   */
  readonly heartbeat?: TextHeartbeatOptions;
  /**
   * The server may have one of these certificates, which no authority has to have signed: ECDSA with P-256, valid for at
   * most 14 days. For servers in a local network, and for development.
   * @default none: the certificate is checked as a web site's is
   */
  readonly serverCertificateHashes?: readonly CertificateHash[];
  /**
   * Makes the session, or a promise of one, for example after fetching the hash of the server's new certificate. If it throws
   * or rejects, the attempt has failed, and the next one follows. (Throwing at the very first attempt, it throws from
   * `create`.)
   * @default the global WebTransport
   */
  readonly createWebTransport?: (
    url: string,
    init: WebTransportInit,
  ) => WebTransportLike | Promise<WebTransportLike>;
}
const NAMES: OptionNames<WebTransportTransportOptions> = {
  ...RECONNECT_NAMES,
  serverCertificateHashes: 1,
  createWebTransport: 1,
};

const SHA256_BYTES = 32;

/**
 * Carries messages over WebTransport (W3C; HTTP/3, so QUIC, so UDP), and reconnects by itself like `WebSocketTransport`. Bytes
 * that fit into a datagram (about 1,200) travel as one, which may be lost or overtaken and never waits for another: audio
 * packets. Text and longer messages travel on one stream, in order and without loss: control messages. A slow network never
 * makes latency grow without bound: above the high water mark, messages are dropped and counted. It runs in a Worker too.
 * `send` throws a RangeError for a message above 16 MiB.
 */
export class WebTransportTransport extends ReconnectingTransport {
  /** The address in full: `https:`. */
  readonly url: string;

  /**
   * Starts to connect. @param url `https:`, absolute or relative to the page
   * @throws MicwireError `'unsupported'` where there is no WebTransport; TypeError or RangeError for an address or an invalid
   *   option; the reason of a `signal` that is aborted already
   */
  static create(
    url: string | URL,
    options: WebTransportTransportOptions = {},
  ): WebTransportTransport {
    return new WebTransportTransport(url, options);
  }

  private constructor(url: string | URL, options: WebTransportTransportOptions) {
    super('WebTransportTransport', options, NAMES, 'text');
    const address = addressOf(url);
    const { serverCertificateHashes = [], createWebTransport = createGlobal } = options;
    checkHashes(serverCertificateHashes);
    const init: WebTransportInit = {
      ...(serverCertificateHashes.length === 0
        ? {}
        : { serverCertificateHashes: [...serverCertificateHashes] }),
      congestionControl: 'low-latency',
    };
    this.url = address;
    this.start(() => {
      const made = createWebTransport(address, init);
      if (typeof made === 'object' && made !== null && 'then' in made) return made.then(socketOf);
      return socketOf(made);
    }, options);
  }

  /** @internal */
  protected closeReason(wasOpen: boolean, code: number, reason: string): string {
    if (code === FAULT) return reason;
    if (!wasOpen) {
      return 'The server cannot be reached over UDP, its certificate is not trusted, or it refused the session.';
    }
    if (code === CUT) return 'The connection was cut.';
    const said = reason === '' ? `code ${code}` : `${reason} (code ${code})`;
    return `The session was closed: ${said}.`;
  }
}

/** @throws TypeError for anything but a session */
function socketOf(session: WebTransportLike): WebTransportSocket {
  checkObject('createWebTransport must return a WebTransport', session, 'ready', 'closed', 'close');
  return new WebTransportSocket(session);
}

/** @throws MicwireError `'unsupported'` if there is none */
function createGlobal(url: string, init: WebTransportInit): WebTransportLike {
  if (typeof WebTransport === 'undefined') {
    throw new MicwireError(
      'unsupported',
      'There is no WebTransport in this scope: the browser lacks it, or the page is not served over https. Use WebSocketTransport there.',
    );
  }
  return new WebTransport(url, init);
}

/** @throws TypeError for an invalid address */
function addressOf(url: string | URL): string {
  const { protocol, href } = new URL(url, globalThis.location?.href);
  if (protocol === 'https:') return href;
  throw new TypeError(`url must be an https: address, got '${protocol}'.`);
}

/** @throws TypeError or RangeError */
function checkHashes(hashes: readonly CertificateHash[]): void {
  if (!Array.isArray(hashes)) {
    throw new TypeError(`serverCertificateHashes must be an array, got ${describe(hashes)}.`);
  }
  for (const hash of hashes as readonly (CertificateHash | null)[]) {
    const value: unknown = hash?.value;
    if (hash?.algorithm !== 'sha-256' || !(value instanceof Uint8Array)) {
      throw new TypeError(
        `A certificate's hash must be { algorithm: 'sha-256', value: Uint8Array }, got ${describe(hash)}.`,
      );
    }
    if (value.length !== SHA256_BYTES) {
      throw new RangeError(`A SHA-256 has ${SHA256_BYTES} bytes, got ${value.length}.`);
    }
  }
}
