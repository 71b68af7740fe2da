import { PacketError } from '../../../src/core/errors.ts';

/**
 * Length in bits of the code of each octet, and of the end of the text (RFC 7541 appendix B), one digit of base 36 each. The code is
 * canonical: codes of one length follow each other in the order of the octets, after all shorter ones, so that the lengths are enough.
 */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad6777777777777777777777787' +
  '8djde6f56565666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllml' +
  'nmnnkmmmnmmnqqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';
const END = 256;
const MAX_BITS = 30;
/** The first 7 bits of `END` at most fill up the last octet. */
const MAX_PADDING_BITS = 7;

/** By length: the first code of that length, how many there are, and where their octets begin in `SYMBOLS`. */
const FIRST_CODE = new Uint32Array(MAX_BITS + 1);
const COUNT = new Uint16Array(MAX_BITS + 1);
const FIRST_SYMBOL = new Uint16Array(MAX_BITS + 1);
const SYMBOLS = new Uint16Array(LENGTHS.length);

let code = 0;
let symbols = 0;
for (let bits = 1; bits <= MAX_BITS; bits++) {
  code *= 2;
  FIRST_CODE[bits] = code;
  FIRST_SYMBOL[bits] = symbols;
  for (let octet = 0; octet < LENGTHS.length; octet++) {
    if (Number.parseInt(LENGTHS[octet]!, 36) === bits) SYMBOLS[symbols++] = octet;
  }
  const count = symbols - FIRST_SYMBOL[bits]!;
  COUNT[bits] = count;
  code += count;
}

/** Decodes a text of HPACK and QPACK, as octets. A text is at most 8/5 as long as its code. @throws PacketError */
export function decodeHuffman(bytes: Uint8Array): Uint8Array {
  const text = new Uint8Array(Math.floor((bytes.length * 8) / 5));
  let length = 0;
  let value = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let mask = 0x80; mask > 0; mask >>= 1) {
      value = value * 2 + ((byte & mask) === 0 ? 0 : 1);
      bits++;
      const offset = value - FIRST_CODE[bits]!;
      if (offset >= COUNT[bits]!) {
        if (bits === MAX_BITS) throw malformed();
        continue;
      }
      const octet = SYMBOLS[FIRST_SYMBOL[bits]! + offset]!;
      if (octet === END) throw malformed();
      text[length++] = octet;
      value = 0;
      bits = 0;
    }
  }
  // All ones, fewer than an octet (RFC 7541 §5.2).
  if (bits > MAX_PADDING_BITS || value !== 2 ** bits - 1) throw malformed();
  return text.subarray(0, length);
}

function malformed(): PacketError {
  return new PacketError('bad-field', 'A text is not in the Huffman code of HPACK.');
}
