/** A run of places, from the first to before the last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A part of the three ways to write the same audio. */
export type BytePlace = 'sample' | 'byte' | 'character';

/** What one press selects. */
export interface ByteSelection {
  readonly place: BytePlace;
  readonly index: number;
}

/** What belongs together: the samples, their bytes, and the Base64 characters that hold any of their bits. */
export type ByteMarks = Readonly<Record<BytePlace, Span>>;

/** Bits of a Base64 character (RFC 4648 §4). */
const CHARACTER_BITS = 6;

/** Lengths of each way to write `samples` samples. Base64 without its padding. */
export function lengthsOf(
  samples: number,
  bytesPerSample: number,
): Readonly<Record<BytePlace, number>> {
  const byte = samples * bytesPerSample;
  return { sample: samples, byte, character: Math.ceil((byte * 8) / CHARACTER_BITS) };
}

/**
 * Finds what belongs to a sample, a byte or a Base64 character. A character holds bits of one byte or two, and so of two samples
 * where it lies between them.
 * @param samples how many there are
 */
export function marksOf(
  { place, index }: ByteSelection,
  bytesPerSample: number,
  samples: number,
): ByteMarks {
  const bits = BITS[place](bytesPerSample);
  const sampleBits = 8 * bytesPerSample;
  const from = Math.floor((index * bits) / sampleBits);
  const to = Math.min(samples, Math.ceil(((index + 1) * bits) / sampleBits));
  const sample = { from, to };
  const byte =
    place === 'sample'
      ? { from: from * bytesPerSample, to: to * bytesPerSample }
      : covering(index * bits, (index + 1) * bits, 8, samples * bytesPerSample);
  const character =
    place === 'character'
      ? { from: index, to: index + 1 }
      : covering(8 * byte.from, 8 * byte.to, CHARACTER_BITS, Infinity);
  return { sample, byte, character };
}

const BITS: Readonly<Record<BytePlace, (bytesPerSample: number) => number>> = {
  sample: (bytesPerSample) => 8 * bytesPerSample,
  byte: () => 8,
  character: () => CHARACTER_BITS,
};

/** The units of `bits` bits that hold any of the bits `from` to before `to`. */
function covering(from: number, to: number, bits: number, length: number): Span {
  return { from: Math.floor(from / bits), to: Math.min(length, Math.ceil(to / bits)) };
}

/** Whether a place is in a span. */
export function isIn({ from, to }: Span, index: number): boolean {
  return index >= from && index < to;
}
