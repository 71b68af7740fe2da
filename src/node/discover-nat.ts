import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { performance } from 'node:perf_hooks';
import { describe, integerIn } from '../core/arguments.ts';
import { deferred } from '../core/deferred.ts';
import { MicwireError } from '../core/errors.ts';
import { checkObject, checkOptions, checkText } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { NatDiscovery } from '../core/webrtc/nat/nat-discovery.ts';
import type { NatReport } from '../core/webrtc/nat/nat-discovery.ts';
import { Deadline } from './deadline.ts';

/** Options of `discoverNat`. */
export interface DiscoverNatOptions {
  /** A STUN server, by name or IP address. A server with two addresses and two ports (RFC 5780) allows all tests. */
  readonly host: string;
  /** Port of the server, 1 to 65535. @default 3478 */
  readonly port?: number;
  /** The IP address of this machine to send from. @default the address from which the system sends to the server */
  readonly address?: string;
  /**
   * Time until the first retransmission of a request, in ms, 10 to 2000; it doubles with each further one, up to 2 s.
   * @default 250
   */
  readonly retransmitMs?: number;
  /** How often a request is sent before it counts as unanswered, 1 to 10. @default 5 */
  readonly tries?: number;
  /** Aborts the discovery, which then rejects with the signal's reason. @default none */
  readonly signal?: AbortSignal | undefined;
}

const NAMES = {
  host: 1,
  port: 1,
  address: 1,
  retransmitMs: 1,
  tries: 1,
  signal: 1,
} satisfies OptionNames<DiscoverNatOptions>;

const STUN_PORT = 3478;
const TRANSACTION_BYTES = 12;

/**
 * Discovers how the NAT in front of this machine treats UDP, by the tests of RFC 5780, using a separate socket. Each answered test
 * takes one round trip; an unanswered test takes 5.75 s with the defaults.
 *
 * Resolves with the findings. A server that does not answer is a finding too: `mapped` is then null.
 * @throws MicwireError `'transport'` when the server has no address, or is unreachable; TypeError or RangeError; the reason of the
 *   option `signal`
 */
export async function discoverNat(options: DiscoverNatOptions): Promise<NatReport> {
  checkOptions('discoverNat', options, NAMES);
  const { host, port = STUN_PORT, address, signal, retransmitMs, tries } = options;
  checkText('host', host);
  integerIn('port', port, 1, 65_535);
  if (address !== undefined && isIP(address) === 0) {
    throw new RangeError(`address must be an IP address, got ${describe(address)}.`);
  }
  if (signal !== undefined) {
    checkObject('signal must be an AbortSignal', signal, 'aborted', 'addEventListener');
    signal.throwIfAborted();
  }
  const shared = {
    transaction: () => crypto.getRandomValues(new Uint8Array(TRANSACTION_BYTES)),
    ...(retransmitMs === undefined ? {} : { retransmitMs }),
    ...(tries === undefined ? {} : { tries }),
  };
  // Checked before the socket is opened.
  void new NatDiscovery({ server: { address: '192.0.2.1', port }, ...shared });

  const aborted = deferred<never>();
  aborted.promise.catch(() => {});
  const onAbort = (): void => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  let socket: Socket | null = null;
  try {
    const server = await Promise.race([addressOf(host, address), aborted.promise]);
    const own = address ?? (await Promise.race([ownAddress(server, port), aborted.promise]));
    socket = await bind(own);
    const local = socket.address();
    const discovery = new NatDiscovery({
      server: { address: server, port },
      local: { address: local.address, port: local.port },
      ...shared,
    });
    return await Promise.race([drive(discovery, socket), aborted.promise]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    socket?.close();
  }
}

/** Sends and receives the datagrams of a discovery until it has ended, or its socket is closed. */
function drive(discovery: NatDiscovery, socket: Socket): Promise<NatReport> {
  return new Promise((resolve) => {
    const deadline = new Deadline();
    const step = (): void => {
      for (;;) {
        const probe = discovery.poll(performance.now());
        if (probe === null) break;
        const { address, port } = probe.destination;
        // A datagram that cannot be sent counts as lost, as anywhere on the path.
        socket.send(probe.bytes, port, address, () => {});
      }
      if (discovery.report !== null) resolve(discovery.report);
      else deadline.set(Math.max(1, discovery.nextMs - performance.now()), step);
    };
    socket.on('message', (bytes: Buffer, { address, port }: RemoteInfo) => {
      discovery.receive(bytes, { address, port }, performance.now());
      step();
    });
    socket.on('close', () => deadline.clear());
    step();
  });
}

/**
 * Resolves the server's address, in the family of `own` if that is given; otherwise IPv4 if the server has such an address, because
 * NATs mostly concern IPv4.
 */
async function addressOf(host: string, own: string | undefined): Promise<string> {
  const family = own === undefined ? 0 : isIP(own);
  try {
    const all = await lookup(host, { all: true, family });
    const found = all.find((each) => each.family === 4) ?? all[0];
    if (found !== undefined && (family === 0 || found.family === family)) return found.address;
  } catch (cause) {
    throw noAddress(host, family, cause);
  }
  throw noAddress(host, family, undefined);
}

function noAddress(host: string, family: number, cause: unknown): MicwireError {
  const kind = family === 0 ? 'IP' : `IPv${family}`;
  const message = `The STUN server ${describe(host)} has no ${kind} address. Check its name, and this machine’s network.`;
  return new MicwireError('transport', message, { cause });
}

/** Returns the address from which the system sends to a server: a connected socket knows it without sending. */
async function ownAddress(server: string, port: number): Promise<string> {
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(port, server, (...[error]: readonly (Error | undefined)[]) =>
        error === undefined ? resolve() : reject(error),
      );
    });
    return socket.address().address;
  } catch (cause) {
    const message = `There is no way to the STUN server ${server}. Check this machine’s network.`;
    throw new MicwireError('transport', message, { cause });
  } finally {
    socket.close();
  }
}

async function bind(address: string): Promise<Socket> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(0, address, () => {
        socket.off('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    socket.close();
    const message = `UDP cannot be sent from ${address}. Is it an address of this machine?`;
    throw new MicwireError('transport', message, { cause });
  }
  // Some systems report here the ICMP error of a host without a listening server. The discovery relies on STUN answers alone.
  socket.on('error', () => {});
  return socket;
}
