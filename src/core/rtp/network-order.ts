/** Unsigned integers in network byte order, as every field of RTP and RTCP is. None of these checks its bounds. */

export function readUint16(source: Uint8Array, at: number): number {
  return (source[at]! << 8) | source[at + 1]!;
}

export function readUint24(source: Uint8Array, at: number): number {
  return (source[at]! << 16) | (source[at + 1]! << 8) | source[at + 2]!;
}

export function readUint32(source: Uint8Array, at: number): number {
  return ((readUint16(source, at) << 16) | readUint16(source, at + 2)) >>> 0;
}

export function writeUint16(value: number, target: Uint8Array, at: number): void {
  target[at] = value >> 8;
  target[at + 1] = value;
}

export function writeUint24(value: number, target: Uint8Array, at: number): void {
  target[at] = value >> 16;
  writeUint16(value, target, at + 1);
}

export function writeUint32(value: number, target: Uint8Array, at: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/**
 * Copies samples and turns each one's bytes round: ours are little-endian, those of RTP are not (RFC 3551 §4.5.11, RFC 3190 §4).
 * @param sampleBytes 1 only copies
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
  for (let i = 0; i + sampleBytes <= source.length; i += sampleBytes) {
    for (let low = 0, high = sampleBytes - 1; low < sampleBytes; low++, high--) {
      target[at + i + low] = source[i + high]!;
    }
  }
}
