/** Signal to noise in dB of `actual` against `expected`, over all frames. */
export function snrDb(expected: Float32Array, actual: Float32Array): number {
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < expected.length; i++) {
    signal += expected[i]! ** 2;
    noise += (expected[i]! - actual[i]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

/** Segments are 20 ms at 48 kHz. */
const SEGMENT_FRAMES = 960;
const LEAST_DB = -10;
const MOST_DB = 45;
/** Mean power below which a segment is silence. */
const SILENCE = 1e-6;

/** Mean of the SNR of segments of 20 ms at 48 kHz that are not silent, each held to −10…45 dB. */
export function segmentalSnrDb(expected: Float32Array, actual: Float32Array): number {
  let sum = 0;
  let segments = 0;
  const end = Math.min(expected.length, actual.length) - SEGMENT_FRAMES;
  for (let from = 0; from <= end; from += SEGMENT_FRAMES) {
    let signal = 0;
    let noise = 0;
    for (let i = from; i < from + SEGMENT_FRAMES; i++) {
      signal += expected[i]! ** 2;
      noise += (expected[i]! - actual[i]!) ** 2;
    }
    if (signal / SEGMENT_FRAMES < SILENCE) continue;
    const db = 10 * Math.log10(signal / (noise + 1e-9));
    sum += Math.min(MOST_DB, Math.max(LEAST_DB, db));
    segments++;
  }
  return sum / segments;
}
