/** Samples on either side that an interpolated one is computed from. */
const HALF = 12;

/** Reads audio between its samples: a sinc under a Hann window of 24 samples. Allocates in the constructor only. */
export class FractionalShift {
  readonly #taps = new Float64Array(2 * HALF);

  /**
   * Writes `target[i]` = `samples` at `from + fraction + i`. What lies outside of `samples` is silence.
   * @param fraction −1 to 1
   */
  read(samples: Float32Array, from: number, fraction: number, target: Float32Array): void {
    const taps = this.#taps;
    if (Math.abs(fraction) < 1e-3) {
      for (let i = 0; i < target.length; i++) target[i] = samples[from + i] ?? 0;
      return;
    }
    const whole = Math.floor(fraction);
    const rest = fraction - whole;
    let sum = 0;
    for (let k = 0; k < taps.length; k++) {
      // Distance of the tap's sample from the place that is read.
      const x = k - HALF + 1 - rest;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
      taps[k] = sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / HALF));
      sum += taps[k]!;
    }
    for (let k = 0; k < taps.length; k++) taps[k] = taps[k]! / sum;
    const start = from + whole - HALF + 1;
    for (let i = 0; i < target.length; i++) {
      let value = 0;
      for (let k = 0; k < taps.length; k++) value += taps[k]! * (samples[start + i + k] ?? 0);
      target[i] = value;
    }
  }
}
