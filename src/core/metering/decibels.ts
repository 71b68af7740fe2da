/** Factor for the natural logarithm, which engines compute several times faster than the decimal one. */
const DB_PER_NEPER = 20 / Math.LN10;

/** Returns 20·log10 of an amplitude; 1.0 is 0 dB. Zero gives −∞; only NaN gives NaN. */
export function amplitudeToDb(amplitude: number): number {
  return DB_PER_NEPER * Math.log(amplitude);
}

/** Returns 10·log10 of a power (a mean square); 1.0 is 0 dB. Zero, or less through rounding, gives −∞. */
export function powerToDb(power: number): number {
  return power > 0 ? (DB_PER_NEPER / 2) * Math.log(power) : -Infinity;
}

/** Converts `values[at]` in place: engines may allocate fractions that functions take and return. */
export function powersToDb(values: Float64Array, at: number): void {
  const power = values[at]!;
  values[at] = power > 0 ? (DB_PER_NEPER / 2) * Math.log(power) : -Infinity;
}
