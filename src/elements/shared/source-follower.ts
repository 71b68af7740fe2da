import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { fire } from './fire.ts';

/** How to open and close a source. */
export interface Following<Source, Opened> {
  /** Starts listening to the source. An exception becomes an `error` event of the element. */
  open(source: Source): Opened | Promise<Opened>;
  /** Stops listening, when it is no longer wanted. */
  close(opened: Opened): void;
}

/**
 * Follows the source of an element: listens to it while the element is in the document, and stops when the source changes or the
 * element leaves. If sources change quickly, the last one counts.
 */
export class SourceFollower<Source extends object, Opened> implements ReactiveController {
  readonly #host: ReactiveControllerHost & HTMLElement;
  readonly #following: Following<Source, Opened>;
  #source: Source | null = null;
  #opened: Opened | null = null;
  /** Number of followed sources, to recognize a late result of an earlier one. */
  #turn = 0;

  constructor(host: ReactiveControllerHost & HTMLElement, following: Following<Source, Opened>) {
    this.#host = host;
    this.#following = following;
    host.addController(this);
  }

  /** The result of `open`; null until it is ready. */
  get opened(): Opened | null {
    return this.#opened;
  }

  /** Follows a source from now on, even if it is the same one again; null to stop. */
  follow(source: Source | null): void {
    this.#drop();
    this.#source = source;
    if (this.#host.isConnected) void this.#open();
  }

  hostConnected(): void {
    if (this.#opened === null) void this.#open();
  }

  hostDisconnected(): void {
    // An element that was moved is in the document again by then, and keeps its source open.
    queueMicrotask(() => {
      if (!this.#host.isConnected) this.#drop();
    });
  }

  async #open(): Promise<void> {
    const source = this.#source;
    if (source === null) return;
    const turn = ++this.#turn;
    try {
      const opened = await this.#following.open(source);
      if (turn !== this.#turn) return this.#following.close(opened);
      this.#opened = opened;
      this.#host.requestUpdate();
    } catch (error) {
      if (turn === this.#turn) fire(this.#host, 'error', error);
    }
  }

  #drop(): void {
    this.#turn++;
    const opened = this.#opened;
    if (opened === null) return;
    this.#opened = null;
    this.#following.close(opened);
    this.#host.requestUpdate();
  }
}
