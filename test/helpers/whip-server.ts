import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it came. */
export interface WhipRequestSeen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a server answers. */
export interface WhipReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
}

type Replies = (request: WhipRequestSeen) => WhipReply | Promise<WhipReply>;

/** A WHIP endpoint without media, whose answers the test chooses. Keeps what it was asked. */
export class WhipServer {
  readonly seen: WhipRequestSeen[] = [];
  readonly #server: Server;
  readonly #reply: Replies;

  /** @param reply to each request */
  static async start(reply: Replies): Promise<WhipServer> {
    const server = new WhipServer(reply);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  private constructor(reply: Replies) {
    this.#reply = reply;
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', async () => {
        const { method = '', url = '', headers } = request;
        const body = Buffer.concat(parts).toString();
        const one: WhipRequestSeen = { method, path: url, headers, body };
        this.seen.push(one);
        const answer = await this.#reply(one);
        response.writeHead(answer.status, answer.headers as Record<string, string | string[]>);
        response.end(answer.body);
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Methods and paths of what it was asked. */
  get asked(): readonly string[] {
    return this.seen.map(({ method, path }) => `${method} ${path}`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
