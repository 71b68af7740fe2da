import { MicwireError } from '../core/errors.ts';
import type { PlayoutCommand } from '../core/messages.ts';
import { deferred, ANSWER_MS, Patience } from './patience.ts';
import type { Deferred } from './patience.ts';
import type { PlayoutInterruption } from './playout-position.ts';

/** How long after its fade an interrupt may be answered before it is taken for one that nothing renders, ms. */
const FADED_MS = 1000;

/** The page's side of `interrupt` and `undo`: which of them is under way, and who waits for it. */
export class BargeIn {
  readonly #send: (command: PlayoutCommand) => void;
  /** The last interrupt, under way or complete; null when there was none or it was undone. */
  #interruption: Deferred<PlayoutInterruption> | null = null;
  #interrupting = false;
  /** Frames that the last interrupt took. */
  #taken = 0;
  #undo: Deferred<boolean> | null = null;
  readonly #interruptPatience = new Patience();
  readonly #undoPatience = new Patience();

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

  /** @param fadeMs how long the fade takes in a context that renders */
  interrupt(fadeFrames: number, fadeMs: number): Promise<PlayoutInterruption> {
    this.#interruption = deferred();
    this.#interrupting = true;
    this.#send({ type: 'interrupt', fadeFrames });
    this.#interruptPatience.wait(fadeMs + FADED_MS, () => this.hasten());
    return this.#interruption.promise;
  }

  /** Ends the fade of an interrupt under way: the context does not render, so nobody hears the cut. */
  hasten(): void {
    if (!this.#interrupting) return;
    this.#send({ type: 'cut' });
    this.#interruptPatience.wait(ANSWER_MS, () => {
      this.#interrupting = false;
      this.#interruption?.reject(stalled());
      this.#interruption = null;
    });
  }

  interrupted(result: PlayoutInterruption, taken: number): void {
    this.#interruptPatience.end();
    this.#interrupting = false;
    this.#taken = taken;
    // One that was given up can be undone all the same, now that it is known.
    this.#interruption ??= deferred();
    this.#interruption.resolve(result);
  }

  /** @param reserve is told how many frames may come back */
  undo(reserve: (frames: number) => void): Promise<boolean> {
    if (this.#undo === null) {
      this.#undo = deferred();
      reserve(this.#taken);
      this.#send({ type: 'undo' });
      this.#undoPatience.wait(ANSWER_MS, () => {
        this.#undo?.reject(stalled());
        this.#undo = null;
      });
    }
    return this.#undo.promise;
  }

  undone(done: boolean): void {
    this.#undoPatience.end();
    if (done) this.#interruption = null;
    this.#undo?.resolve(done);
    this.#undo = null;
  }

  /** Rejects what is under way. */
  close(error: unknown): void {
    this.#interruptPatience.end();
    this.#undoPatience.end();
    if (this.#interrupting) this.#interruption!.reject(error);
    this.#undo?.reject(error);
  }
}

function stalled(): MicwireError {
  return new MicwireError(
    'stalled',
    'The audio thread does not answer. The audio device may be gone: close the context and create a new one.',
  );
}
