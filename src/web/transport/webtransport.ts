import { describe } from '../../core/arguments.ts';
import { MicwireError } from '../../core/errors.ts';
import { checkObject } from '../../core/option-names.ts';
import type { OptionNames } from '../../core/option-names.ts';
import type { HeartbeatOptions, ReconnectOptions } from './reconnecting.ts';
import { RECONNECT_NAMES, ReconnectingTransport } from './reconnecting.ts';
import { CUT, FAULT, WebTransportSocket } from './web-transport-socket.ts';
import type { WebTransportLike } from './web-transport-socket.ts';

/** The SHA-256 hash of a certificate in DER, in the form that `WebTransport` accepts (W3C webtransport §6.10). */
export interface CertificateHash {
  readonly algorithm: 'sha-256';
  /** The hash, 32 bytes. */
  readonly value: Uint8Array<ArrayBuffer>;
}

/** Options of the `WebTransport` constructor. */
export interface WebTransportInit {
  /** Absent if there are no hashes: browsers interpret an empty list as "no certificate". */
  readonly serverCertificateHashes?: CertificateHash[];
  readonly congestionControl: 'low-latency';
}

/** Options of a text heartbeat, which travels on the stream and cannot be lost. */
export interface TextHeartbeatOptions extends HeartbeatOptions {
  /** The text to send. Your server must answer it with a message of any content. */
  readonly message: string | (() => string);
}

/** Options of a {@link WebTransportTransport}. */
export interface WebTransportTransportOptions extends ReconnectOptions {
  /**
   * A heartbeat as in every transport that reconnects, but always text: bytes would travel as a datagram, and one lost packet would
   * replace a good connection.
   * @default none
   */
  readonly heartbeat?: TextHeartbeatOptions;
  /**
   * Hashes of certificates that the server may use without the signature of an authority: ECDSA with P-256, valid for at most 14
   * days. For servers in a local network, and for development.
   * @default none: the certificate is checked like a web site's
   */
  readonly serverCertificateHashes?: readonly CertificateHash[];
  /**
   * Creates the session, or a promise of one, for example after fetching the hash of the server's new certificate. If it throws or
   * rejects, the attempt has failed, and the next one follows. (An exception at the very first attempt is thrown by `create`.)
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
 * Carries messages over WebTransport (W3C; HTTP/3 over QUIC and UDP), and reconnects by itself like `WebSocketTransport`. Bytes
 * that fit into a datagram (about 1,200) travel as one, which may be lost or reordered and never waits for another: suitable for
 * audio packets. Text and longer messages travel on one stream, in order and without loss: suitable for control messages. A slow
 * network never makes latency grow without bound: above the high water mark, messages are dropped and counted. The transport also
 * runs in a Worker. `send` throws a RangeError for a message above 16 MiB.
 */
export class WebTransportTransport extends ReconnectingTransport {
  /** The absolute address, `https:`. */
  readonly url: string;

  /**
   * Creates a transport and starts connecting. @param url `https:`, absolute or relative to the page
   * @throws MicwireError `'unsupported'` where there is no WebTransport; TypeError or RangeError for an invalid address or option;
   *   the reason of a `signal` that is already aborted
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

/** @throws TypeError for a value that is not a session */
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
