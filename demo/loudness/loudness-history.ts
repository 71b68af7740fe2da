/** M and S of the last minute, ten times a second. */
export const HISTORY_SECONDS = 60;
const PER_SECOND = 10;
const HISTORY_LENGTH: number = HISTORY_SECONDS * PER_SECOND;

/** A ring of readings, oldest first. Allocates nothing after construction. */
export class LoudnessHistory {
  readonly #momentary: Float32Array = new Float32Array(HISTORY_LENGTH);
  readonly #shortTerm: Float32Array = new Float32Array(HISTORY_LENGTH);
  #next = 0;
  #length = 0;
  /** Time of the last reading taken, s. */
  #until = 0;

  readonly perSecond: number = PER_SECOND;

  /** How many readings there are. */
  get length(): number {
    return this.#length;
  }

  /** Takes a reading if it is time for one. */
  add(seconds: number, momentaryLufs: number, shortTermLufs: number): void {
    if (seconds < this.#until) this.clear();
    if (seconds - this.#until < 1 / PER_SECOND) return;
    this.#until = seconds;
    this.#momentary[this.#next] = momentaryLufs;
    this.#shortTerm[this.#next] = shortTermLufs;
    this.#next = (this.#next + 1) % HISTORY_LENGTH;
    this.#length = Math.min(HISTORY_LENGTH, this.#length + 1);
  }

  /** M of a reading, counted from the oldest. */
  momentary(index: number): number {
    return this.#momentary[this.#place(index)]!;
  }

  /** S of a reading, counted from the oldest. */
  shortTerm(index: number): number {
    return this.#shortTerm[this.#place(index)]!;
  }

  clear(): void {
    this.#next = 0;
    this.#length = 0;
    this.#until = 0;
  }

  #place(index: number): number {
    return (this.#next - this.#length + index + HISTORY_LENGTH) % HISTORY_LENGTH;
  }
}
