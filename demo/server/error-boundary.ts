import { TokenBucket } from '../../src/core/token-bucket.ts';

/** Characters of an error that are printed. */
const MAX_PRINTED = 2000;
/** Lines a second that are printed; a peer that finds a fault must not fill a disk with it. */
const PRINTED_PER_SECOND = 1;

/**
 * Wraps every handler of events from outside: an error that a handler throws, or that its promise rejects with, is printed and ends what
 * the handler was about, such as one connection. It never ends the process, and so never affects others.
 */
export class ErrorBoundary {
  readonly #name: string;
  readonly #print: (line: string) => void;
  readonly #rate = TokenBucket.perSecond(PRINTED_PER_SECOND, performance.now());
  #count = 0;

  /**
   * @param name of the server, for the log
   * @param print writes a line of the log
   */
  constructor(name: string, print: (line: string) => void = (line) => console.error(line)) {
    this.#name = name;
    this.#print = print;
  }

  /** How many errors have been caught. */
  get faults(): number {
    return this.#count;
  }

  /**
   * Wraps a handler.
   * @param handler may return a promise
   * @param end ends what the handler's call was about; gets the same arguments
   */
  guard<A extends readonly unknown[]>(
    handler: (...args: A) => unknown,
    end: (...args: A) => void = () => {},
  ): (...args: A) => void {
    return (...args) => {
      this.run(
        () => handler(...args),
        () => end(...args),
      );
    };
  }

  /** Runs something within the boundary. @param end ends what it was about, when it fails */
  run(action: () => unknown, end: () => void = () => {}): void {
    try {
      const result = action();
      if (result instanceof Promise) result.catch((error: unknown) => this.#fault(error, end));
    } catch (error) {
      this.#fault(error, end);
    }
  }

  /** Counts and prints an error. */
  report(error: unknown): void {
    this.#count++;
    if (!this.#rate.tryTake(performance.now())) return;
    const words = error instanceof Error ? (error.stack ?? error.message) : typeof error;
    this.#print(`${this.#name}: an unexpected error was caught: ${words.slice(0, MAX_PRINTED)}`);
  }

  #fault(error: unknown, end: () => void): void {
    this.report(error);
    try {
      end();
    } catch (another) {
      this.report(another);
    }
  }
}
