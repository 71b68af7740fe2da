/**
 * G.711 companding of one sample, exact to the decision values of ITU-T G.711 tables 1a/1b (A-law) and 2a/2b (µ-law) as the
 * reference software of ITU-T G.191 applies them: 16-bit linear PCM with the codec's 13 or 14 bits at the top, and a
 * negative sample taken by its one's complement, so that −1 is the smallest negative magnitude.
 */

/** µ-law bias: the first decision value of the first full segment, in 14-bit units (G.711 table 2a). */
const MULAW_BIAS = 33;
/** Largest biased 14-bit magnitude; larger ones are clipped (G.711 table 2a, virtual decision value 8159 + 33). */
const MULAW_CLIP = 8191;
/** G.711 §3.2, A-law: the even bits of the character signal are inverted on the line. */
const ALAW_EVEN_BITS = 0x55;

/** Returns the µ-law byte of a 16-bit sample. @param sample integer from −32768 to 32767 */
export function encodeMulaw(sample: number): number {
  let magnitude = ((sample ^ (sample >> 31)) >> 2) + MULAW_BIAS;
  if (magnitude > MULAW_CLIP) magnitude = MULAW_CLIP;
  // 33…63 is segment 0, 64…127 segment 1, … 4096…8191 segment 7.
  const segment = 26 - Math.clz32(magnitude);
  const code = (segment << 4) | ((magnitude >> (segment + 1)) & 15);
  return ~code & (sample < 0 ? 0x7f : 0xff);
}

/** Returns the A-law byte of a 16-bit sample. @param sample integer from −32768 to 32767 */
export function encodeAlaw(sample: number): number {
  const magnitude = (sample ^ (sample >> 31)) >> 4;
  // 0…15 is the lower half of the first, straight segment; 16…31 its upper half, 32…63 the next segment, and so on.
  const segment = magnitude < 16 ? 0 : 28 - Math.clz32(magnitude);
  const mantissa = segment === 0 ? magnitude : (magnitude >> (segment - 1)) & 15;
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | mantissa) ^ ALAW_EVEN_BITS;
}

/** Returns the 16-bit sample of a µ-law byte (G.711 table 2, quantized values × 4): ±32124 at most, 0 for both zeros. */
export function decodeMulaw(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 15) << 1) + MULAW_BIAS) << ((code >> 4) & 7)) - MULAW_BIAS;
  return (code & 0x80 ? -magnitude : magnitude) * 4 + 0;
}

/** Returns the 16-bit sample of an A-law byte (G.711 table 1, quantized values × 8): ±32256 at most, never 0. */
export function decodeAlaw(byte: number): number {
  const code = byte ^ ALAW_EVEN_BITS;
  const segment = (code >> 4) & 7;
  const mantissa = ((code & 15) << 4) + 8;
  const magnitude = segment === 0 ? mantissa : (mantissa + 256) << (segment - 1);
  return code & 0x80 ? magnitude : -magnitude;
}
