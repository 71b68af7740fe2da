import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { longTermKey } from '../../src/core/webrtc/stun/stun-integrity.ts';
import type { StunMessage } from '../../src/core/webrtc/stun/stun-message.ts';
import {
  STUN_ATTRIBUTE,
  STUN_CLASS,
  parseStun,
  stunErrorCode,
  stunText,
} from '../../src/core/webrtc/stun/stun-message.ts';
import { StunWriter } from '../../src/core/webrtc/stun/stun-writer.ts';

/** How a client's bytes go: by datagrams, or by a stream that is cut into messages by their lengths. */
interface Wire {
  readonly ownPort: number;
  send(bytes: Uint8Array): void;
  close(): void;
}

/** A client of a TURN server, by hand, over the transport that the server's URL names. */
export class TurnClient {
  readonly received: Buffer[] = [];
  /** Whether the server has ended the connection; never over UDP. */
  isClosed = false;
  readonly #listeners = new Set<(bytes: Buffer) => void>();
  readonly #username: string;
  readonly #password: string;
  #wire!: Wire;
  #realm = '';
  #nonce = '';

  private constructor(username: string, password: string) {
    this.#username = username;
    this.#password = password;
  }

  /** @param ca the certificate that a client over TLS trusts */
  static async open(url: string, username: string, password: string, ca = ''): Promise<TurnClient> {
    const client = new TurnClient(username, password);
    const port = Number(/:(\d+)\?/.exec(url)?.[1]);
    if (url.endsWith('udp')) client.#wire = await openUdp(port, (bytes) => client.#arrived(bytes));
    else {
      const socket = url.startsWith('turns:')
        ? connectTls({ host: '127.0.0.1', port, ca })
        : connect(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.on('close', () => (client.isClosed = true));
      await new Promise<void>((resolve, reject) => {
        socket.once(url.startsWith('turns:') ? 'secureConnect' : 'connect', () => resolve());
        socket.once('error', reject);
      });
      client.#wire = overStream(socket, (bytes) => client.#arrived(bytes));
    }
    return client;
  }

  get ownPort(): number {
    return this.#wire.ownPort;
  }

  sendRaw(bytes: Uint8Array): void {
    this.#wire.send(bytes);
  }

  #arrived(bytes: Buffer): void {
    this.received.push(bytes);
    for (const listen of [...this.#listeners]) listen(bytes);
  }

  /** Asks, again with the realm and nonce of a first refusal, and gives the answer. */
  async ask(method: number, add: (request: StunWriter) => void): Promise<StunMessage> {
    const first = await this.#askOnce(method, add);
    if (this.#nonce !== '' || stunErrorCode(first) !== 401) return first;
    this.#realm = stunText(first, STUN_ATTRIBUTE.realm);
    this.#nonce = stunText(first, STUN_ATTRIBUTE.nonce);
    return this.#askOnce(method, add);
  }

  /** Asks with attributes behind the signature, where they do not count. Needs the nonce of an earlier request. */
  askWithTail(method: number, tail: readonly (readonly [number, Buffer])[]): Promise<StunMessage> {
    return this.#askOnce(method, () => {}, tail);
  }

  close(): void {
    this.#wire.close();
  }

  async #askOnce(
    method: number,
    add: (request: StunWriter) => void,
    tail: readonly (readonly [number, Buffer])[] = [],
  ): Promise<StunMessage> {
    const transaction = randomBytes(12);
    const request = new StunWriter(method, STUN_CLASS.request, transaction);
    add(request);
    let key: Uint8Array | null = null;
    if (this.#nonce !== '') {
      request
        .add(STUN_ATTRIBUTE.username, this.#username)
        .add(STUN_ATTRIBUTE.realm, this.#realm)
        .add(STUN_ATTRIBUTE.nonce, this.#nonce);
      key = longTermKey({
        username: this.#username,
        realm: this.#realm,
        password: this.#password,
      });
    }
    const answer = new Promise<StunMessage>((resolve) => {
      const listen = (bytes: Buffer): void => {
        if ((bytes[0] ?? 0) >= 0x40) return;
        const message = parseStun(bytes);
        if (!transaction.equals(message.transaction)) return;
        this.#listeners.delete(listen);
        resolve(message);
      };
      this.#listeners.add(listen);
    });
    const finished = request.finish({ key });
    this.sendRaw(tail.length === 0 ? finished : withTail(finished, tail));
    return answer;
  }
}

/** The message with other attributes in the place of its fingerprint, which has 8 bytes. */
function withTail(bytes: Uint8Array, tail: readonly (readonly [number, Buffer])[]): Uint8Array {
  const parts = tail.map(([type, value]) => {
    const header = Buffer.alloc(4);
    header.writeUInt16BE(type, 0);
    header.writeUInt16BE(value.length, 2);
    return Buffer.concat([header, value]);
  });
  const message = Buffer.concat([bytes.subarray(0, -8), ...parts]);
  message.writeUInt16BE(message.length - 20, 2);
  return message;
}

async function openUdp(port: number, arrived: (bytes: Buffer) => void): Promise<Wire> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  socket.on('message', arrived);
  return {
    ownPort: socket.address().port,
    send: (bytes) => socket.send(bytes, port, '127.0.0.1'),
    close: () => socket.close(),
  };
}

/** STUN has 20 bytes and what its length tells; ChannelData has 4, and padding to a multiple of 4. */
function overStream(socket: Socket, arrived: (bytes: Buffer) => void): Wire {
  let waiting = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes]);
    while (waiting.length >= 4) {
      const length = (waiting[0]! < 0x40 ? 20 : 4) + waiting.readUInt16BE(2);
      const inStream = Math.ceil(length / 4) * 4;
      if (waiting.length < inStream) return;
      arrived(waiting.subarray(0, length));
      waiting = waiting.subarray(inStream);
    }
  });
  return {
    ownPort: socket.localPort!,
    send: (bytes) => {
      socket.write(bytes);
      socket.write(Buffer.alloc((4 - (bytes.length % 4)) % 4));
    },
    close: () => socket.destroy(),
  };
}
