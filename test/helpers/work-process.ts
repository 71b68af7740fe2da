import { CommandProcess } from './command-process.ts';

/** `micwire work` in a process of its own, which can be killed and started again. */
export class WorkProcess extends CommandProcess {
  readonly #args: readonly string[];
  #httpUrl = '';

  private constructor(args: readonly string[]) {
    super();
    this.#args = args;
  }

  static async start(...args: readonly string[]): Promise<WorkProcess> {
    const worker = new WorkProcess(args);
    await worker.start();
    return worker;
  }

  override get httpUrl(): string {
    return this.#httpUrl;
  }

  /** Starts it again, as another worker. */
  async start(): Promise<void> {
    const args = ['work', '--host', '127.0.0.1', ...this.#args];
    [, this.#httpUrl = ''] = await this.run(args, /^Working, figures at (.+)$/);
  }
}
