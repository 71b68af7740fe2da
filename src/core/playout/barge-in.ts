import { numberIn } from '../arguments.ts';
import { deferred } from '../deferred.ts';
import type { Deferred } from '../deferred.ts';
import { MicwireError } from '../errors.ts';
import type { PlayoutCommand } from '../messages.ts';
import { checkOptions } from '../option-names.ts';
import { ANSWER_MS, AnswerWait } from '../patience.ts';
import type { SetTimer } from '../patience.ts';
import type { PlayoutInterruption } from './playout-position.ts';

/** Fade of an interrupt, ms. */
const DEFAULT_FADE_MS = 5;
const MAX_FADE_MS = 1000;
/** How long after its fade an interrupt may be answered before it is taken for one that nothing renders, ms. */
const FADED_MS = 1000;

/** Options of an interrupt. */
export interface InterruptOptions {
  /** Length of the fade, ms, 0–1000. @default 5 */
  readonly fadeMs?: number;
}

/** @returns the fade, ms @throws TypeError or RangeError */
export function checkFade(options: InterruptOptions): number {
  checkOptions('playout.interrupt', options, { fadeMs: 1 });
  return numberIn('fadeMs', options.fadeMs ?? DEFAULT_FADE_MS, 0, MAX_FADE_MS);
}

/** `interrupt` and `undo` as the page or a Worker sees them: which of them is under way, and who waits for it. */
export class BargeIn {
  readonly #send: (command: PlayoutCommand) => void;
  /** The last interrupt, under way or complete; null when there was none or it was undone. */
  #interruption: Deferred<PlayoutInterruption> | null = null;
  #interrupting = false;
  /** Frames that the last interrupt took. */
  #taken = 0;
  #undo: Deferred<boolean> | null = null;
  readonly #interruptWait: AnswerWait;
  readonly #undoWait: AnswerWait;

  constructor(send: (command: PlayoutCommand) => void, setTimer: SetTimer) {
    this.#send = send;
    this.#interruptWait = new AnswerWait(setTimer);
    this.#undoWait = new AnswerWait(setTimer);
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
    this.#interruptWait.wait(fadeMs + FADED_MS, () => this.hasten());
    return this.#interruption.promise;
  }

  /** Ends the fade of an interrupt under way: the context does not render, so nobody hears the cut. */
  hasten(): void {
    if (!this.#interrupting) return;
    this.#send({ type: 'cut' });
    this.#interruptWait.wait(ANSWER_MS, () => {
      this.#interrupting = false;
      this.#interruption?.reject(stalled());
      this.#interruption = null;
    });
  }

  interrupted(result: PlayoutInterruption, taken: number): void {
    this.#interruptWait.end();
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
      this.#undoWait.wait(ANSWER_MS, () => {
        this.#undo?.reject(stalled());
        this.#undo = null;
      });
    }
    return this.#undo.promise;
  }

  undone(done: boolean): void {
    this.#undoWait.end();
    if (done) this.#interruption = null;
    this.#undo?.resolve(done);
    this.#undo = null;
  }

  /** Rejects what is under way. */
  close(error: unknown): void {
    this.#interruptWait.end();
    this.#undoWait.end();
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
