/**
 * Copies samples and turns each one's bytes round: `s16` is little-endian, L16 is not (RFC 3551 §4.5.11); likewise `s24`, L24.
 * @param sampleBytes 2 or 3; with 1 it only copies
 * @param target the caller's; at least `at + source.length` bytes. Must not overlap the source
 */
export function copySwapped(
  source: Uint8Array,
  sampleBytes: number,
  target: Uint8Array,
  at: number,
): void {
  if (sampleBytes === 1) {
    target.set(source, at);
    return;
  }
  const last = sampleBytes - 1;
  for (let i = 0; i + last < source.length; i += sampleBytes) {
    target[at + i] = source[i + last]!;
    target[at + i + last] = source[i]!;
    if (last === 2) target[at + i + 1] = source[i + 1]!;
  }
}
