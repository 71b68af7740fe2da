import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of a plain WAV head. */
const HEAD_BYTES = 44;

/** test/fixtures/speech.wav, 6.2 s at 48 kHz, mono, once or over and over to the length that is asked for. */
export function speech(frames?: number): Float32Array {
  // Tests and benchmarks run in the repository's folder, bundled or not.
  const file = readFileSync(join(process.cwd(), 'test/fixtures/speech.wav'));
  const count = (file.length - HEAD_BYTES) / 2;
  return Float32Array.from(
    { length: frames ?? count },
    (_, i) => file.readInt16LE(HEAD_BYTES + 2 * (i % count)) / 2 ** 15,
  );
}

/** Two channels that differ, yet have something in common: the speech, and the speech 7 ms later, softer. */
export function stereoSpeech(frames: number): Float32Array[] {
  const left = speech(frames);
  const right = Float32Array.from({ length: frames }, (_, i) =>
    i < 336 ? 0 : 0.7 * left[i - 336]!,
  );
  return [left, right];
}
