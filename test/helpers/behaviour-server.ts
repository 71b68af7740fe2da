import { createSocket } from 'node:dgram';
import type { RemoteInfo, Socket } from 'node:dgram';
import {
  STUN_ATTRIBUTE as ATTRIBUTE,
  STUN_CLASS as CLASS,
  StunWriter,
  isStun,
  parseStun,
  stunAttribute,
} from '../../src/core/webrtc/stun/index.ts';

/** What a {@link BehaviourServer} does otherwise than RFC 5780 says. */
export interface BehaviourServerOptions {
  /** Without a second address. */
  readonly isPlain?: boolean;
  /** Stands for a NAT with a filter: answers from elsewhere do not get through. */
  readonly filters?: 'address' | 'address-and-port';
}

/** What a request asked for, and how often it was sent. */
export interface BehaviourRequest {
  readonly change: number;
  readonly sent: number;
}

const ADDRESSES = ['127.0.0.1', '127.0.0.2'] as const;
const CHANGE_ADDRESS = 4;
const CHANGE_PORT = 2;

/** A STUN server with two loopback addresses and two ports (RFC 5780 §6), on real sockets. */
export class BehaviourServer {
  readonly #sockets: readonly Socket[];
  readonly #options: BehaviourServerOptions;
  /** By the transaction. */
  readonly #requests = new Map<string, BehaviourRequest>();

  static async open(options: BehaviourServerOptions = {}): Promise<BehaviourServer> {
    for (;;) {
      const sockets: Socket[] = [];
      try {
        for (let i = 0; i < 2; i++) {
          const first = await bind(ADDRESSES[0], 0);
          sockets.push(first, await bind(ADDRESSES[1], first.address().port));
        }
        return new BehaviourServer(sockets, options);
      } catch (error) {
        for (const socket of sockets) socket.close();
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
  }

  private constructor(sockets: readonly Socket[], options: BehaviourServerOptions) {
    this.#sockets = sockets;
    this.#options = options;
    for (const [at, socket] of sockets.entries()) {
      socket.on('message', (bytes: Buffer, from: RemoteInfo) => this.#answer(at, bytes, from));
    }
  }

  /** The requests, in the order in which they first arrived. */
  get requests(): readonly BehaviourRequest[] {
    return [...this.#requests.values()];
  }

  get port(): number {
    return this.#sockets[0]!.address().port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  /** @param at which socket: 1 is the other address, 2 the other port, 3 both */
  #answer(at: number, bytes: Buffer, { address, port }: RemoteInfo): void {
    if (!isStun(bytes)) return;
    const message = parseStun(bytes);
    if (message.class !== CLASS.request) return;
    const change = stunAttribute(message, ATTRIBUTE.changeRequest)?.[3] ?? 0;
    this.#count(message.transaction, change);
    const { isPlain = false, filters } = this.#options;
    if (filters === 'address' && (change & CHANGE_ADDRESS) !== 0) return;
    if (filters === 'address-and-port' && change !== 0) return;
    const flip = ((change & CHANGE_ADDRESS) === 0 ? 0 : 1) + ((change & CHANGE_PORT) === 0 ? 0 : 2);
    const writer = new StunWriter(message.method, CLASS.success, message.transaction);
    writer.addXorAddress(ATTRIBUTE.xorMappedAddress, { address, port });
    if (!isPlain) writer.addAddress(ATTRIBUTE.otherAddress, this.#sockets[at ^ 3]!.address());
    this.#sockets[at ^ flip]!.send(writer.finish(), port, address);
  }

  #count(transaction: Uint8Array, change: number): void {
    const key = Buffer.from(transaction).toString('hex');
    const sent = this.#requests.get(key)?.sent ?? 0;
    this.#requests.set(key, { change, sent: sent + 1 });
  }
}

async function bind(address: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, address, resolve);
    });
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}
