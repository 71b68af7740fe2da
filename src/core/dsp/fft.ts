/**
 * Computes the discrete Fourier transform of complex sequences whose length is a power of two: radix 2, decimation in time,
 * precomputed tables (Cooley and Tukey, 1965). Allocates in the constructor only.
 */
export class Fft {
  readonly size: number;
  readonly #cosines: Float64Array;
  readonly #sines: Float64Array;
  /** Where each element goes before the butterflies: its index with the bits reversed. */
  readonly #order: Uint32Array;

  /** @param size a power of two, at least 2 */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < 2 || (size & (size - 1)) !== 0) {
      throw new RangeError(`size must be a power of two from 2 on, got ${size}.`);
    }
    this.size = size;
    this.#cosines = Float64Array.from({ length: size / 2 }, (_, k) =>
      Math.cos((2 * Math.PI * k) / size),
    );
    this.#sines = Float64Array.from({ length: size / 2 }, (_, k) =>
      Math.sin((2 * Math.PI * k) / size),
    );
    this.#order = new Uint32Array(size);
    for (let i = 1, half = size / 2; i < size; i++) {
      this.#order[i] = (this.#order[i >> 1]! >> 1) + (i % 2 === 1 ? half : 0);
    }
  }

  /** Transforms in place. @param re real and @param im imaginary parts, `size` each */
  forward(re: Float64Array, im: Float64Array): void {
    const { size } = this;
    const cosines = this.#cosines;
    const sines = this.#sines;
    const order = this.#order;
    for (let i = 0; i < size; i++) {
      const j = order[i]!;
      if (j <= i) continue;
      const a = re[i]!;
      const b = im[i]!;
      re[i] = re[j]!;
      im[i] = im[j]!;
      re[j] = a;
      im[j] = b;
    }
    for (let half = 1, step = size / 2; half < size; half *= 2, step /= 2) {
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0, t = 0; k < half; k++, t += step) {
          const top = start + k;
          const bottom = top + half;
          const c = cosines[t]!;
          const s = sines[t]!;
          const x = re[bottom]!;
          const y = im[bottom]!;
          const u = x * c + y * s;
          const v = y * c - x * s;
          re[bottom] = re[top]! - u;
          im[bottom] = im[top]! - v;
          re[top] = re[top]! + u;
          im[top] = im[top]! + v;
        }
      }
    }
  }

  /** Computes the inverse transform in place, multiplied by `size`. */
  inverse(re: Float64Array, im: Float64Array): void {
    // With real and imaginary parts swapped, this is the forward transform.
    this.forward(im, re);
  }
}

/** Returns the smallest power of two that is at least `least`. */
export function powerOfTwoFrom(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}
