import { readFileSync } from 'node:fs';
import { OpusDecoder } from '../../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../../src/core/codec/opus-encoder.ts';
import { resample } from '../../src/core/resampler/resampler.ts';
import { decodeAll, encodeAll } from './codec-stream.ts';
import { opusLibrary } from './opus.ts';
import { seededRandom } from './random.ts';

/*
 * What the lab's lanes carry, without a browser: the speech sample, a piece of music, and both through a perfect lane of Opus.
 */

const RATE = 48_000;

/** demo/assets/speech.wav, at 48 kHz, over and over. */
export function labSpeech(frames: number): Float32Array {
  const file = readFileSync('demo/assets/speech.wav');
  const sampleRate = file.readUInt32LE(24);
  const sample = Float32Array.from(
    { length: (file.length - 44) / 2 },
    (_, i) => file.readInt16LE(44 + 2 * i) / 2 ** 15,
  );
  const [once] = resample([sample], sampleRate, RATE);
  return Float32Array.from({ length: frames }, (_, i) => once![i % once!.length]!);
}

/** Plucked strings, a bass, and bursts of noise up to the top of the spectrum, like the lab's music; no bar is like another. */
export function labMusic(frames: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const sound = new Float32Array(frames);
  const pluck = (note: number, at: number, gain: number, partials: number): void => {
    const step = (2 * Math.PI * 440 * 2 ** ((note - 69) / 12)) / RATE;
    const loudness = gain * (0.7 + 0.6 * random());
    for (let i = 0; i < 0.5 * RATE && at + i < frames; i++) {
      const envelope = loudness * Math.min(1, i / 240) * Math.exp(-i / (0.15 * RATE));
      for (let k = 1; k <= partials; k++) {
        sound[at + i] = sound[at + i]! + (envelope / k) * Math.sin(k * step * i);
      }
    }
  };
  const scale = [0, 3, 5, 7, 10];
  const noteOf = (root: number): number => root + scale[Math.floor(5 * random())]!;
  const eighth = RATE / 4;
  for (let beat = 0; beat * eighth < frames; beat++) {
    const at = beat * eighth + Math.floor(400 * random());
    if (beat % 2 === 0) pluck(noteOf(45), at, 0.04, 2);
    pluck(noteOf(57), at, 0.06, 4);
    pluck(noteOf(69), at + Math.floor(eighth / 2), 0.06, 6);
    for (let i = 0; i < RATE / 10 && at + i < frames; i++) {
      sound[at + i] = sound[at + i]! + 0.04 * (random() * 2 - 1) * Math.exp(-i / 1000);
    }
  }
  return sound;
}

/** A sound through Opus as the lanes have it, 32 kbit/s in packets of 20 ms, and nothing lost on the way. Delayed by the codec. */
export async function throughOpus(
  sound: Float32Array,
  options: { readonly bitrate?: number; readonly complexity?: number } = {},
): Promise<Float32Array> {
  const library = await opusLibrary();
  const format = { sampleRate: RATE, channels: 1 };
  const encoder = new OpusEncoder(library, {
    ...format,
    bitrate: 32_000,
    complexity: 5,
    application: 'voip',
    ...options,
  });
  const packets = encodeAll(encoder, [sound]);
  const [decoded] = decodeAll(new OpusDecoder(library, format), packets, encoder.packetFrames);
  encoder.close();
  return decoded!;
}
