/** What became of a chunk. */
export type ChunkFate =
  /** It went out, and its echo is not back yet. */
  | 'sent'
  /** Its echo is back. */
  | 'back'
  /** The transport refused it (not connected, or congested), or its echo will not come. */
  | 'dropped';

/** One chunk on the tape. */
export interface TapeTile {
  readonly sequence: number;
  /** The context's time of its first frame, in seconds. */
  readonly time: number;
  readonly seconds: number;
  fate: ChunkFate;
}

/** The chunks of the last seconds, oldest first, each with what became of it. */
export class ChunkTape {
  readonly #tiles: TapeTile[] = [];
  readonly #bySequence = new Map<number, TapeTile>();
  readonly #seconds: number;

  /** @param seconds how long a chunk stays on the tape */
  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  add(tile: TapeTile): void {
    this.#tiles.push(tile);
    this.#bySequence.set(tile.sequence, tile);
    while (this.#tiles.length > 0 && this.#tiles[0]!.time < tile.time - this.#seconds) {
      this.#bySequence.delete(this.#tiles.shift()!.sequence);
    }
  }

  /** Records what became of a chunk; one that has already left the tape is ignored. */
  mark(sequence: number, fate: ChunkFate): void {
    const tile = this.#bySequence.get(sequence);
    if (tile !== undefined) tile.fate = fate;
  }

  [Symbol.iterator](): IterableIterator<TapeTile> {
    return this.#tiles.values();
  }
}
