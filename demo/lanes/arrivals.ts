/** How many numbers below the highest are still told apart. */
const WINDOW = 4096;

/**
 * Counts what arrives of a numbered stream: each number once, however late, and what is missing below the highest (RFC 3550 A.3).
 * It begins with the first number that was sent, so that what is lost before the first arrival counts too.
 */
export class Arrivals {
  received = 0;
  readonly #first: number;
  #highest: number;
  /** The number that was last seen at each place of the window. */
  readonly #seen = new Float64Array(WINDOW).fill(-1);

  /** @param first the number of the first packet sent */
  constructor(first: number) {
    this.#first = first;
    this.#highest = first - 1;
  }

  /** Below the highest that has arrived, and not arrived. */
  get lost(): number {
    return this.#highest - this.#first + 1 - this.received;
  }

  /** @returns false for one that had arrived before, or that is too old to tell */
  add(sequence: number): boolean {
    const place = ((sequence % WINDOW) + WINDOW) % WINDOW;
    if (sequence < this.#first || sequence <= this.#highest - WINDOW) return false;
    if (this.#seen[place] === sequence) return false;
    this.#seen[place] = sequence;
    this.#highest = Math.max(this.#highest, sequence);
    this.received++;
    return true;
  }
}
