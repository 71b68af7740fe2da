/** A second-order section in transposed direct form II, double precision. */
export class Biquad {
  readonly #b0: number;
  readonly #b1: number;
  readonly #b2: number;
  readonly #a1: number;
  readonly #a2: number;
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

  /** Filters one sample. It must be finite. */
  next(x: number): number {
    const y = this.#b0 * x + this.#s1;
    this.#s1 = this.#b1 * x - this.#a1 * y + this.#s2;
    this.#s2 = this.#b2 * x - this.#a2 * y;
    return y;
  }

  /** Empties the state when what is in it cannot be heard: it would fall into denormals, which are slow. */
  settle(): void {
    if (Math.abs(this.#s1) < 1e-30 && Math.abs(this.#s2) < 1e-30) this.reset();
  }

  reset(): void {
    this.#s1 = 0;
    this.#s2 = 0;
  }
}
