import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
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

/** A client of a TURN server, by hand. */
export class TurnClient {
  readonly received: Buffer[] = [];
  readonly #socket: Socket;
  readonly #port: number;
  readonly #username: string;
  readonly #password: string;
  #realm = '';
  #nonce = '';

  private constructor(socket: Socket, port: number, username: string, password: string) {
    this.#socket = socket;
    this.#port = port;
    this.#username = username;
    this.#password = password;
    socket.on('message', (bytes) => this.received.push(bytes));
  }

  static async open(url: string, username: string, password: string): Promise<TurnClient> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const port = Number(/:(\d+)\?/.exec(url)?.[1]);
    return new TurnClient(socket, port, username, password);
  }

  get ownPort(): number {
    return this.#socket.address().port;
  }

  sendRaw(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#port, '127.0.0.1');
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
    this.#socket.close();
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
        this.#socket.off('message', listen);
        resolve(message);
      };
      this.#socket.on('message', listen);
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
