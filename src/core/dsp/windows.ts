/**
 * Returns the raised cosine of a cross-fade: it rises from 0 at phase 0 to 1 at phase 1, and both sides add up to 1.
 * @param phase from 0 to 1
 */
export function raisedCosine(phase: number): number {
  const sine = Math.sin((Math.PI / 2) * phase);
  return sine * sine;
}

/** Computes the modified Bessel function of the first kind and order zero by its power series, for the Kaiser window. */
export function besselI0(x: number): number {
  const quarter = (x * x) / 4;
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k);
    sum += term;
  }
  return sum;
}
