import type { PlayoutCommand } from '../core/messages.ts';
import { deferred } from './deferred.ts';
import type { Deferred } from './deferred.ts';
import type { PlayoutInterruption } from './playout-position.ts';

/** The page's side of `interrupt` and `undo`: which of them is under way, and who waits for it. */
export class BargeIn {
  readonly #send: (command: PlayoutCommand) => void;
  /** The last interrupt, under way or complete; null when there was none or it was undone. */
  #interruption: Deferred<PlayoutInterruption> | null = null;
  #interrupting = false;
  /** Frames that the last interrupt took. */
  #taken = 0;
  #undo: Deferred<boolean> | null = null;

  constructor(send: (command: PlayoutCommand) => void) {
    this.#send = send;
  }

  /** The interrupt under way, which another call joins. */
  get interruption(): Promise<PlayoutInterruption> | null {
    return this.#interrupting ? this.#interruption!.promise : null;
  }

  /** The undo under way, which another interrupt has to wait for. */
  get undoing(): Promise<boolean> | null {
    return this.#undo && this.#undo.promise;
  }

  /** Resolves when the last interrupt is complete; null when there is none to undo. */
  get undoable(): Promise<unknown> | null {
    return this.#interruption && this.#interruption.promise;
  }

  interrupt(fadeFrames: number): Promise<PlayoutInterruption> {
    this.#interruption = deferred();
    this.#interrupting = true;
    this.#send({ type: 'interrupt', fadeFrames });
    return this.#interruption.promise;
  }

  interrupted(result: PlayoutInterruption, taken: number): void {
    this.#interrupting = false;
    this.#taken = taken;
    this.#interruption?.resolve(result);
  }

  /** @param reserve is told how many frames may come back */
  undo(reserve: (frames: number) => void): Promise<boolean> {
    if (this.#undo === null) {
      this.#undo = deferred();
      reserve(this.#taken);
      this.#send({ type: 'undo' });
    }
    return this.#undo.promise;
  }

  undone(done: boolean): void {
    if (done) this.#interruption = null;
    this.#undo?.resolve(done);
    this.#undo = null;
  }

  /** Rejects what is under way. */
  close(error: unknown): void {
    if (this.#interrupting) this.#interruption!.reject(error);
    this.#undo?.reject(error);
  }
}
