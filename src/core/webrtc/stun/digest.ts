import { readUint32, writeUint32 } from '../../bytes.ts';

/*
 * The digests that STUN needs, for messages of a few hundred bytes. They are implemented here because STUN is also read and
 * written in scopes without Web Crypto, which is asynchronous and has no MD5.
 */

const BLOCK_BYTES = 64;

/** RFC 1321. MD5 protects nothing here: STUN only derives keys from passwords with it (RFC 8489 §9.2.2). @returns 16 bytes */
export function md5(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const padded = pad(bytes, 'little');
  const words = new Uint32Array(16);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    for (let i = 0; i < 16; i++) words[i] = swapped(readUint32(padded, at + 4 * i));
    let [a, b, c, d] = state as unknown as [number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const round = i >> 4;
      let mix: number;
      let word: number;
      if (round === 0) [mix, word] = [(b & c) | (~b & d), i];
      else if (round === 1) [mix, word] = [(d & b) | (~d & c), (5 * i + 1) & 15];
      else if (round === 2) [mix, word] = [b ^ c ^ d, (3 * i + 5) & 15];
      else [mix, word] = [c ^ (b | ~d), (7 * i) & 15];
      const sum = (a + mix + MD5_SINES[i]! + words[word]!) | 0;
      a = d;
      d = c;
      c = b;
      b = (b + rotateLeft(sum, MD5_SHIFTS[4 * round + (i & 3)]!)) | 0;
    }
    addTo(state, [a, b, c, d]);
  }
  return bytesOf(state.map(swapped));
}

/** RFC 3174. @returns 20 bytes */
export function sha1(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const padded = pad(bytes, 'big');
  const words = new Int32Array(80);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    for (let i = 0; i < 16; i++) words[i] = readUint32(padded, at + 4 * i);
    for (let i = 16; i < 80; i++) {
      words[i] = rotateLeft(words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!, 1);
    }
    let [a, b, c, d, e] = state as unknown as [number, number, number, number, number];
    for (let i = 0; i < 80; i++) {
      let mix: number;
      if (i < 20) mix = ((b & c) | (~b & d)) + 0x5a827999;
      else if (i < 40) mix = (b ^ c ^ d) + 0x6ed9eba1;
      else if (i < 60) mix = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
      else mix = (b ^ c ^ d) + 0xca62c1d6;
      const sum = (rotateLeft(a, 5) + mix + e + words[i]!) | 0;
      e = d;
      d = c;
      c = rotateLeft(b, 30);
      b = a;
      a = sum;
    }
    addTo(state, [a, b, c, d, e]);
  }
  return bytesOf(state);
}

/** RFC 6234. @returns 32 bytes */
export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const state = Uint32Array.from(SHA256_START);
  const padded = pad(bytes, 'big');
  const words = new Int32Array(64);
  const work = new Int32Array(8);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) {
    for (let i = 0; i < 16; i++) words[i] = readUint32(padded, at + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = words[i - 15]!;
      const y = words[i - 2]!;
      const s0 = rotateLeft(x, 25) ^ rotateLeft(x, 14) ^ (x >>> 3);
      const s1 = rotateLeft(y, 15) ^ rotateLeft(y, 13) ^ (y >>> 10);
      words[i] = words[i - 16]! + s0 + words[i - 7]! + s1;
    }
    work.set(state);
    for (let i = 0; i < 64; i++) {
      const [a, b, c, , e, f, g, h] = work as unknown as number[];
      const s1 = rotateLeft(e!, 26) ^ rotateLeft(e!, 21) ^ rotateLeft(e!, 7);
      const first = (h! + s1 + ((e! & f!) ^ (~e! & g!)) + SHA256_ROUNDS[i]! + words[i]!) | 0;
      const s0 = rotateLeft(a!, 30) ^ rotateLeft(a!, 19) ^ rotateLeft(a!, 10);
      const second = s0 + ((a! & b!) ^ (a! & c!) ^ (b! & c!));
      work.copyWithin(1, 0, 7);
      work[4] = work[4]! + first;
      work[0] = first + second;
    }
    addTo(state, work);
  }
  return bytesOf(state);
}

/** Computes a keyed digest (RFC 2104). @param digest a digest with blocks of 64 bytes, like all of these */
export function hmac(
  digest: (bytes: Uint8Array) => Uint8Array,
  key: Uint8Array,
  bytes: Uint8Array,
): Uint8Array {
  const short = key.length > BLOCK_BYTES ? digest(key) : key;
  const inner = new Uint8Array(BLOCK_BYTES + bytes.length).fill(0x36, 0, BLOCK_BYTES);
  const outer = new Uint8Array(BLOCK_BYTES).fill(0x5c);
  for (const [i, byte] of short.entries()) {
    inner[i] = 0x36 ^ byte;
    outer[i] = 0x5c ^ byte;
  }
  inner.set(bytes, BLOCK_BYTES);
  const within = digest(inner);
  const whole = new Uint8Array(BLOCK_BYTES + within.length);
  whole.set(outer);
  whole.set(within, BLOCK_BYTES);
  return digest(whole);
}

/** Computes the CRC of ISO 3309 (RFC 1952 §8), on which STUN's fingerprint is based. */
export function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 255]!;
  return ~crc >>> 0;
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  return crc;
});

/** RFC 1321 §3.4. */
const MD5_SINES = Uint32Array.from({ length: 64 }, (_, i) => Math.abs(Math.sin(i + 1)) * 2 ** 32);
/** Four shifts for each of the four rounds. */
const MD5_SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

/** RFC 6234 §5.1 and §6.1: the first bits of the fractional parts of the roots of the first primes. */
const PRIMES = firstPrimes(64);
const SHA256_START = PRIMES.slice(0, 8).map((prime) => fractionBits(prime, 2));
const SHA256_ROUNDS = Int32Array.from(PRIMES.map((prime) => fractionBits(prime, 3)));

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

/** Returns the first 32 bits of a root's fractional part, in integers: engines may round `Math.cbrt` differently. */
function fractionBits(value: number, degree: 2 | 3): number {
  const scaled = BigInt(value) << BigInt(32 * degree);
  let root = 0n;
  for (let bit = 1n << 36n; bit > 0n; bit >>= 1n) {
    if ((root + bit) ** BigInt(degree) <= scaled) root += bit;
  }
  return Number(root & 0xffffffffn);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function swapped(word: number): number {
  return ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** Pads to whole blocks with a one, zeros and the length in bits. */
function pad(bytes: Uint8Array, order: 'little' | 'big'): Uint8Array {
  const blocks = Math.ceil((bytes.length + 9) / BLOCK_BYTES);
  const padded = new Uint8Array(blocks * BLOCK_BYTES);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const bits = [Math.floor(bytes.length / 2 ** 29), (bytes.length << 3) >>> 0] as const;
  const end = padded.length - 8;
  writeUint32(order === 'big' ? bits[0] : swapped(bits[1]), padded, end);
  writeUint32(order === 'big' ? bits[1] : swapped(bits[0]), padded, end + 4);
  return padded;
}

function addTo(state: Uint32Array, values: ArrayLike<number>): void {
  for (let i = 0; i < state.length; i++) state[i] = state[i]! + values[i]!;
}

function bytesOf(words: Uint32Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 * words.length);
  for (const [i, word] of words.entries()) writeUint32(word, bytes, 4 * i);
  return bytes;
}
