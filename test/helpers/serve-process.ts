import { CommandProcess } from './command-process.ts';

/** `micwire serve` in a process of its own, which can be killed and started again on the same port. */
export class ServeProcess extends CommandProcess {
  readonly #args: readonly string[];
  #port = 0;
  #scheme = 'ws';

  private constructor(args: readonly string[]) {
    super();
    this.#args = args;
  }

  static async start(...args: readonly string[]): Promise<ServeProcess> {
    const server = new ServeProcess(args);
    await server.start();
    return server;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  /** The same server for requests of HTTP. */
  override get httpUrl(): string {
    return this.url.replace('ws', 'http');
  }

  /** Starts it again. */
  async start(): Promise<void> {
    const args = ['serve', '--host', '127.0.0.1', '--port', String(this.#port), ...this.#args];
    const [, scheme, port] = await this.run(args, /^Serving (wss?):\/\/.*:(\d+)$/);
    this.#scheme = scheme!;
    this.#port = Number(port);
  }
}
