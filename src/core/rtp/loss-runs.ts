/** How many packets later a packet counts as lost: late packets need time to arrive. A power of two. */
const SETTLING = 64;
/** Maximum packets in a pattern; further ones are left out. 40 s at 50 packets per second. */
const MAX_PATTERN = 2048;
/** Slots of the ring: twice as many, so that one round is not mistaken for the next. */
const PLACES = 2 * SETTLING;

/**
 * Tracks whether losses come one by one or in bursts, which decides how far behind its packet a redundant copy must travel. A
 * packet counts once 64 later ones are due. Allocates only in its constructor.
 */
export class LossRuns {
  /** Whether the packet in each slot arrived. */
  readonly #came = new Uint8Array(PLACES);
  /** The next sequence number due, −1 before the first packet; and the next one to settle. */
  #due = -1;
  #settled = 0;
  #lost = 0;
  #runs = 0;
  #longest = 0;
  /** Length of the current run in packets. */
  #length = 0;
  /** Packets settled since the last `takePattern`, and the number of the first of them. */
  readonly #pattern = new Uint8Array(MAX_PATTERN);
  #patternLength = 0;
  #patternStart = 0;

  /** Takes a packet in the order of arrival. @param sequence full sequence number, from 0 */
  update(sequence: number): void {
    if (this.#due < 0) {
      this.#settled = sequence;
      this.#due = sequence;
    }
    if (sequence >= this.#due) this.#moveTo(sequence + 1);
    if (sequence >= this.#settled) this.#came[sequence % PLACES] = 1;
  }

  /** Number of lost packets among those settled since the start or `reset`. */
  get lost(): number {
    return this.#lost;
  }

  /** Number of runs of lost packets among them. */
  get runs(): number {
    return this.#runs;
  }

  /** Length of the longest run. */
  get longest(): number {
    return this.#longest;
  }

  /** Mean length of a run in packets: 1 if packets are lost one by one, or none was lost yet. */
  get meanLength(): number {
    return this.#runs === 0 ? 1 : this.#lost / this.#runs;
  }

  /**
   * Returns what was settled since the last call, for the sender (`writeLossPattern`). Allocates its result.
   * @returns full number of the first packet, and for each packet 1 if it arrived, 0 if it was lost
   */
  takePattern(): { readonly begin: number; readonly came: Uint8Array<ArrayBuffer> } {
    const came = this.#pattern.slice(0, this.#patternLength);
    this.#patternLength = 0;
    return { begin: this.#patternStart, came };
  }

  /** The sender restarted, so its sequence numbers change. The counts remain. */
  restart(): void {
    while (this.#settled < this.#due) this.#settle();
    this.#due = -1;
    this.#length = 0;
    this.#patternLength = 0;
  }

  /** Resets the counts to 0, and continues to follow the stream. */
  reset(): void {
    this.#lost = 0;
    this.#runs = 0;
    this.#longest = 0;
    this.#length = 0;
  }

  #moveTo(due: number): void {
    // A gap this long is a stall or another stream, not a loss to compensate for.
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
