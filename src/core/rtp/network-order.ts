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
