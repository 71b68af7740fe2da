/** Packets that are given time to arrive late before they count as lost. A power of two. */
const SETTLING = 64;
/** Packets of a pattern: of more, those at its beginning are told about. At 50 a second 40 s. */
const MAX_PATTERN = 2048;
/** Places for what came: twice as many, so that one round is not taken for the next. */
const PLACES = 2 * SETTLING;

/**
 * How losses follow on one another: one by one, or in bursts. That decides how far from its packet a redundant copy has to travel.
 * A packet counts once 64 later ones are due. Allocates in its constructor only.
 */
export class LossRuns {
  /** Whether the packet of that place came. */
  readonly #came = new Uint8Array(PLACES);
  /** The number that is due next; −1 before the first. And the next one to be settled. */
  #due = -1;
  #settled = 0;
  #lost = 0;
  #runs = 0;
  #longest = 0;
  /** Packets of the present run. */
  #length = 0;
  /** What was settled since the last `takePattern`, and the number of its first packet. */
  readonly #pattern = new Uint8Array(MAX_PATTERN);
  #patternLength = 0;
  #patternStart = 0;

  /** Takes a packet in the order of arrival. @param sequence in full, from 0 */
  update(sequence: number): void {
    if (this.#due < 0) {
      this.#settled = sequence;
      this.#due = sequence;
    }
    if (sequence >= this.#due) this.#moveTo(sequence + 1);
    if (sequence >= this.#settled) this.#came[sequence % PLACES] = 1;
  }

  /** Packets lost among those settled since the start or `reset`. */
  get lost(): number {
    return this.#lost;
  }

  /** Runs of lost packets among those. */
  get runs(): number {
    return this.#runs;
  }

  /** The longest of them. */
  get longest(): number {
    return this.#longest;
  }

  /** Packets of a run on average: 1 where they are lost one by one, also before any was. */
  get meanLength(): number {
    return this.#runs === 0 ? 1 : this.#lost / this.#runs;
  }

  /**
   * What was settled since the last call, for the sender (`writeLossPattern`). Allocates its result.
   * @returns number of the first packet in full, and for each 1 where it came, 0 where it was lost
   */
  takePattern(): { readonly begin: number; readonly came: Uint8Array<ArrayBuffer> } {
    const came = this.#pattern.slice(0, this.#patternLength);
    this.#patternLength = 0;
    return { begin: this.#patternStart, came };
  }

  /** The sender restarted: what comes next has other numbers. What was counted stays. */
  restart(): void {
    while (this.#settled < this.#due) this.#settle();
    this.#due = -1;
    this.#length = 0;
    this.#patternLength = 0;
  }

  /** Counts from 0 again, and continues to follow the stream. */
  reset(): void {
    this.#lost = 0;
    this.#runs = 0;
    this.#longest = 0;
    this.#length = 0;
  }

  #moveTo(due: number): void {
    // A gap so long is a stall or another stream, and not a loss to compensate for.
    if (due - this.#due > SETTLING) {
      while (this.#settled < this.#due) this.#settle();
      this.#settled = due - 1;
      this.#length = 0;
      this.#patternLength = 0;
    }
    this.#due = due;
    while (this.#settled < due - SETTLING) this.#settle();
  }

  #settle(): void {
    const place = this.#settled % PLACES;
    if (this.#patternLength === 0) this.#patternStart = this.#settled;
    if (this.#patternLength < MAX_PATTERN)
      this.#pattern[this.#patternLength++] = this.#came[place]!;
    if (this.#came[place] === 1) {
      this.#length = 0;
    } else {
      this.#lost++;
      if (this.#length === 0) this.#runs++;
      this.#longest = Math.max(this.#longest, ++this.#length);
    }
    this.#came[place] = 0;
    this.#settled++;
  }
}
