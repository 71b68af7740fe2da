/** The part of a render quantum that goes into one chunk. */
export interface QuantumPiece {
  /** Number of the chunk. */
  readonly chunk: number;
  /** Frames of the chunk before the piece. */
  readonly at: number;
  readonly frames: number;
  /** Whether the chunk is full with it. */
  readonly fills: boolean;
}

/**
 * Says which chunks a render quantum goes into. A chunk need not be a whole number of quanta: then one quantum ends a chunk and
 * begins the next.
 * @param firstFrame the quantum's first frame, counted from the first chunk's first
 */
export function piecesOf(
  firstFrame: number,
  quantumFrames: number,
  chunkFrames: number,
): readonly QuantumPiece[] {
  const pieces: QuantumPiece[] = [];
  const end = firstFrame + quantumFrames;
  for (let frame = firstFrame; frame < end;) {
    const chunk = Math.floor(frame / chunkFrames);
    const at = frame - chunk * chunkFrames;
    const frames = Math.min(end - frame, chunkFrames - at);
    pieces.push({ chunk, at, frames, fills: at + frames === chunkFrames });
    frame += frames;
  }
  return pieces;
}

/** A mean with its possible error. */
export interface Estimate {
  readonly mean: number;
  /** One standard error. */
  readonly error: number;
}

/** Quanta that an estimate is made from: about 8 s at 48 kHz. */
const WINDOW_QUANTA = 3000;

/**
 * Estimates how long a piece of work takes, by a clock of whole milliseconds. Work that lasts a third of a millisecond sees the clock
 * change in a third of the cases, wherever between two changes it begins; so the mean number of changes is its length in ms.
 */
export class TickMeter {
  readonly #counts: { readonly quanta: number; readonly ticks: number }[] = [];

  /** Takes `quanta` pieces of work that saw `ticks` changes together. */
  add(quanta: number, ticks: number): void {
    this.#counts.push({ quanta, ticks });
    let all = this.#sum('quanta');
    while (all - this.#counts[0]!.quanta >= WINDOW_QUANTA) all -= this.#counts.shift()!.quanta;
  }

  /** Length of one piece in ms; null before there is enough to tell. */
  get estimate(): Estimate | null {
    const quanta = this.#sum('quanta');
    if (quanta < 500) return null;
    const mean = this.#sum('ticks') / quanta;
    // The error of a share; at least one change is assumed, so that none at all does not look exact.
    const part = Math.max(mean, 1 / quanta) % 1;
    return { mean, error: Math.sqrt((part * (1 - part)) / quanta) };
  }

  /** Forgets everything: the work has changed. */
  reset(): void {
    this.#counts.length = 0;
  }

  #sum(key: 'quanta' | 'ticks'): number {
    return this.#counts.reduce((sum, count) => sum + count[key], 0);
  }
}

/** The most quanta in a row that began in the same millisecond: how many the system fetches at once. */
export function longestBurst(startedMs: ArrayLike<number>): number {
  let longest = 0;
  let run = 0;
  for (let i = 0; i < startedMs.length; i++) {
    run = i > 0 && startedMs[i] === startedMs[i - 1] ? run + 1 : 1;
    longest = Math.max(longest, run);
  }
  return longest;
}
