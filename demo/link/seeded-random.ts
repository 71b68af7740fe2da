/**
 * A seeded generator of numbers in [0, 1): sfc32 by Chris Doty-Humphrey (PractRand), with a resolution of 2⁻³². The same seed gives the
 * same numbers on every machine. Different seeds, or the same seed with different streams, give independent numbers.
 */
export class SeededRandom {
  readonly #state = new Uint32Array(4);

  /**
   * @param seed any integer; its low 32 bits count
   * @param stream tells generators with the same seed apart
   */
  constructor(seed: number, stream = 0) {
    this.#state.set([seed, stream, 0x9e3779b9, 1]);
    // Sixteen rounds mix the seed into all of the state.
    for (let round = 0; round < 16; round++) this.next();
  }

  /** The next number, in [0, 1). */
  next(): number {
    const s = this.#state;
    const sum = (s[0]! + s[1]! + s[3]!) >>> 0;
    s[3] = s[3]! + 1;
    s[0] = s[1]! ^ (s[1]! >>> 9);
    s[1] = s[2]! + (s[2]! << 3);
    s[2] = ((s[2]! << 21) | (s[2]! >>> 11)) + sum;
    return sum / 2 ** 32;
  }
}
