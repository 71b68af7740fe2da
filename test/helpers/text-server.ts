import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

/** What a connection of a {@link TextServer} was told, in order. */
export interface HeardConnection {
  readonly stream: string;
  readonly sampleRate: number;
  /** Samples, each with the frame that it begins with. */
  readonly pieces: { readonly frame: number; readonly bytes: Uint8Array }[];
  readonly gaps: number[];
  isEnded: boolean;
  code: number | undefined;
}

/** A speech service that writes down what it hears, in the protocol of docs/scale.md. Its words are the frames that it was given. */
export class TextServer {
  readonly #server: WebSocketServer;
  readonly connections: HeardConnection[] = [];
  /** What it does not say that it has taken, until it is told to. */
  isDeaf = false;
  /** Connections, from now on, that it ends before it has said that it has taken anything. */
  forgetful = 0;
  /** Streams that it does not want. */
  readonly refuses = new Set<string>();
  /** Streams whose sessions it ends with an error, as soon as they begin. */
  readonly failing = new Set<string>();
  /** Connections, from now on, that break when they are told the end. */
  breaking = 0;
  /** Streams of which it does not say that it has taken anything, until it is told to. */
  readonly deafTo = new Set<string>();
  readonly #replies: (() => void)[] = [];

  private constructor(server: WebSocketServer) {
    this.#server = server;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(port = 0): Promise<TextServer> {
    const server = new WebSocketServer({ port, host: '127.0.0.1' });
    await once(server, 'listening');
    return new TextServer(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Connections that were made for a stream, in order. */
  of(stream: string): HeardConnection[] {
    return this.connections.filter((connection) => connection.stream === stream);
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.#server.clients) socket.terminate();
  }

  /** Says what it has not said, and is deaf no more. */
  hear(): void {
    this.isDeaf = false;
    this.deafTo.clear();
    for (const reply of this.#replies.splice(0)) reply();
  }

  async end(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: WebSocket): void {
    let connection: HeardConnection | undefined;
    let frame = 0;
    let isForgetful = false;
    const reply = (value: object): void => {
      const send = (): void => socket.send(JSON.stringify(value));
      if (this.isDeaf || this.deafTo.has(connection?.stream ?? '')) this.#replies.push(send);
      else send();
    };
    socket.on('error', () => {});
    socket.on('close', (code) => {
      if (connection !== undefined) connection.code = code;
    });
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) {
        const bytes = new Uint8Array(data);
        connection!.pieces.push({ frame, bytes });
        const frames = bytes.length / 2;
        const text = `${frame}-${frame + frames}`;
        frame += frames;
        if (isForgetful) reply({ ended: true });
        else reply({ text, final: true, frame: frame - frames, frames, taken: frame });
        return;
      }
      const message = JSON.parse(data.toString()) as Record<string, never>;
      if (message['type'] === 'start') {
        const { stream, sampleRate } = message as never as HeardConnection;
        frame = message['frame']!;
        connection = { stream, sampleRate, pieces: [], gaps: [], isEnded: false, code: undefined };
        this.connections.push(connection);
        isForgetful = this.forgetful > 0;
        if (isForgetful) this.forgetful--;
        if (this.failing.has(stream)) reply({ ended: true });
        if (this.refuses.has(stream)) reply({ refused: 'not this one' });
      } else if (message['type'] === 'gap') {
        frame = message['frame']!;
        connection!.gaps.push(frame);
      } else if (message['type'] === 'end' && this.breaking > 0) {
        this.breaking--;
        socket.terminate();
      } else if (message['type'] === 'end') {
        connection!.isEnded = true;
        reply({ text: 'the end', final: false });
        reply({ ended: true });
      }
    });
  }
}
