import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import type { SignallingServer, SignallingServerOptions } from '../../demo/server/signalling.ts';
import { attachSignalling } from '../../demo/server/signalling.ts';
import type { SignallingReply } from '../../src/core/webrtc/signalling-protocol.ts';

/** A signalling server on a port of its own, and clients of it. */
export interface SignallingRig {
  readonly signalling: SignallingServer;
  readonly origin: string;
  /** @param link of a call over the simulated network */
  connect(origin?: string, link?: string): TestPeer;
  /** Ends the server and starts another one, which knows nothing, at the same address. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** A connection that speaks the protocol by hand. */
export class TestPeer {
  readonly socket: WebSocket;
  readonly replies: SignallingReply[] = [];
  closeCode: number | null = null;
  refusal: number | null = null;

  constructor(address: string, origin: string) {
    this.socket = new WebSocket(address, { origin });
    this.socket.on('error', () => {});
    this.socket.on('message', (data: Buffer) => this.replies.push(JSON.parse(data.toString())));
    this.socket.on('close', (code) => {
      this.closeCode = code;
    });
    this.socket.on('unexpected-response', (_request, response) => {
      this.refusal = response.statusCode ?? 0;
      this.socket.terminate();
    });
  }

  async opened(): Promise<this> {
    if (this.socket.readyState !== WebSocket.OPEN) {
      await new Promise((resolve, reject) => {
        this.socket.once('open', resolve);
        this.socket.once('close', () => reject(new Error('closed before it opened')));
      });
    }
    return this;
  }

  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  join(room: string): void {
    this.say({ type: 'join', room });
  }

  types(): string[] {
    return this.replies.map(({ type }) => type);
  }
}

export async function startSignalling(
  options: SignallingServerOptions = {},
): Promise<SignallingRig> {
  let server = createServer();
  let signalling = attachSignalling(server, options);
  const listen = (wanted: number): Promise<void> =>
    new Promise((resolve) => server.listen(wanted, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    signalling.close();
    await new Promise((resolve) => server.close(resolve));
  };
  const own = `http://127.0.0.1:${port}`;
  return {
    get signalling() {
      return signalling;
    },
    origin: own,
    connect: (origin = own, link = '') =>
      new TestPeer(`ws://127.0.0.1:${port}/signal${link === '' ? '' : `?link=${link}`}`, origin),
    async restart() {
      await close();
      server = createServer();
      signalling = attachSignalling(server, options);
      await listen(port);
    },
    close,
  };
}
