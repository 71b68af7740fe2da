/** 20·log10 of an amplitude, 1.0 being 0 dB. Zero gives −∞; nothing gives NaN but NaN. */
export function amplitudeToDb(amplitude: number): number {
  return 20 * Math.log10(amplitude);
}

/** 10·log10 of a power (a mean square), 1.0 being 0 dB. Zero, and less by rounding, gives −∞. */
export function powerToDb(power: number): number {
  return power > 0 ? 10 * Math.log10(power) : -Infinity;
}

/** The amplitude that stands `decibels` above 1.0. */
export function dbToAmplitude(decibels: number): number {
  return 10 ** (decibels / 20);
}
