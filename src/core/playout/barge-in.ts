import { deferred } from '../deferred.ts';
import type { Deferred } from '../deferred.ts';
import type { PlayoutCommand } from '../messages.ts';
import { ANSWER_MS, AnswerWait } from '../patience.ts';
import type { SetTimer } from '../patience.ts';
import { FadedRequest, stalled } from './faded-request.ts';
import type { PlayoutInterruption } from './playout-position.ts';

/** The state of `interrupt` and `undo` as the page or a Worker sees it: the pending calls and their promises. */
export class BargeIn {
  readonly #send: (command: PlayoutCommand) => void;
  readonly #interrupt: FadedRequest<PlayoutInterruption>;
  /** Frames that the last interrupt removed. */
  #taken = 0;
  #undo: Deferred<boolean> | null = null;
  readonly #undoWait: AnswerWait;

  constructor(send: (command: PlayoutCommand) => void, setTimer: SetTimer) {
    this.#send = send;
    this.#interrupt = new FadedRequest(setTimer, () => send({ type: 'cut' }));
    this.#undoWait = new AnswerWait(setTimer);
  }

  /** The pending interrupt, which another call joins. */
  get interruption(): Promise<PlayoutInterruption> | null {
    return this.#interrupt.pending;
  }

  /** The pending undo, which another interrupt must wait for. */
  get undoing(): Promise<boolean> | null {
    return this.#undo && this.#undo.promise;
  }

  /** Resolves when the last interrupt is complete; null if there is nothing to undo. */
  get undoable(): Promise<unknown> | null {
    return this.#interrupt.last;
  }

  /** @param fadeMs length of the fade in a context that renders */
  interrupt(fadeFrames: number, fadeMs: number): Promise<PlayoutInterruption> {
    this.#send({ type: 'interrupt', fadeFrames });
    return this.#interrupt.begin(fadeMs);
  }

  /** Ends the fade of a pending interrupt: the context does not render, so nobody hears the cut. */
  hasten(): void {
    this.#interrupt.hasten();
  }

  interrupted(result: PlayoutInterruption, taken: number): void {
    this.#taken = taken;
    this.#interrupt.answer(result);
  }

  /** @param reserve called with the number of frames that may be restored */
  undo(reserve: (frames: number) => void): Promise<boolean> {
    if (this.#undo === null) {
      this.#undo = deferred();
      reserve(this.#taken);
      this.#send({ type: 'undo' });
      this.#undoWait.wait(ANSWER_MS, () => {
        this.#undo?.reject(stalled());
        this.#undo = null;
      });
    }
    return this.#undo.promise;
  }

  undone(done: boolean): void {
    this.#undoWait.end();
    if (done) this.#interrupt.forget();
    this.#undo?.resolve(done);
    this.#undo = null;
  }

  /** Rejects the pending calls. */
  close(error: unknown): void {
    this.#undoWait.end();
    this.#interrupt.close(error);
    this.#undo?.reject(error);
  }
}
