const NEGLIGIBLE = 1e-30;

/** A second-order section in transposed direct form II, double precision. */
export class Biquad {
  readonly #b0: number;
  readonly #b1: number;
  readonly #b2: number;
  readonly #a1: number;
  readonly #a2: number;
  /** What `sumSquares` found. */
  squares = 0;
  #s1 = 0;
  #s2 = 0;

  /** (b0 + b1·z⁻¹ + b2·z⁻²)/(1 + a1·z⁻¹ + a2·z⁻²). */
  constructor(b0: number, b1: number, b2: number, a1: number, a2: number) {
    this.#b0 = b0;
    this.#b1 = b1;
    this.#b2 = b2;
    this.#a1 = a1;
    this.#a2 = a2;
  }

  /** A Butterworth high-pass, −3 dB at `frequency` Hz, by the bilinear transform with pre-warping. */
  static highPass(frequency: number, sampleRate: number): Biquad {
    const k = Math.tan((Math.PI * frequency) / sampleRate);
    const scale = 1 / (1 + Math.SQRT2 * k + k * k);
    return new Biquad(
      scale,
      -2 * scale,
      scale,
      2 * (k * k - 1) * scale,
      (1 - Math.SQRT2 * k + k * k) * scale,
    );
  }

  /** Filters samples, which must be finite, and puts the sum of the squares of what comes out into `squares`. */
  sumSquares(samples: Float32Array, from: number, count: number): void {
    const b0 = this.#b0;
    const b1 = this.#b1;
    const b2 = this.#b2;
    const a1 = this.#a1;
    const a2 = this.#a2;
    let s1 = this.#s1;
    let s2 = this.#s2;
    let sum = 0;
    for (let i = from, end = from + count; i < end; i++) {
      const x = samples[i]!;
      const y = b0 * x + s1;
      s1 = b1 * x - a1 * y + s2;
      s2 = b2 * x - a2 * y;
      sum += y * y;
    }
    // What cannot be heard would fall into denormals, which are slow.
    const quiet = Math.abs(s1) < NEGLIGIBLE && Math.abs(s2) < NEGLIGIBLE;
    this.#s1 = quiet ? 0 : s1;
    this.#s2 = quiet ? 0 : s2;
    this.squares = sum;
  }

  /** Forgets what it has heard. */
  reset(): void {
    this.#s1 = 0;
    this.#s2 = 0;
  }
}
