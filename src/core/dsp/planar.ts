import { FORMATS } from '../format/formats.ts';
import type { SampleFormat } from '../format/formats.ts';

/** Allocates one silent block of samples per channel. */
export function planar(channels: number, frames: number): Float32Array[] {
  return Array.from({ length: channels }, () => new Float32Array(frames));
}

/**
 * Creates a signal for warming up code: a swelling tone, noise, silence, denormal numbers, samples beyond full scale and a NaN,
 * so that branches go both ways.
 *
 * @param frames at least 256
 */
export function warmUpBlock(channels: number, frames: number): Float32Array[] {
  return Array.from({ length: channels }, (_, channel) => {
    const samples = new Float32Array(frames);
    let noise = 1 + channel;
    for (let i = 0; i < frames; i++) {
      noise = (noise * 48_271) % 0x7fff_ffff;
      const part = (8 * i) / frames;
      if (part < 5) samples[i] = 0.2 * part * Math.sin((0.02 + 0.01 * channel) * i);
      else if (part < 6) samples[i] = noise / 0x4000_0000 - 1;
      else if (part < 7) samples[i] = 1e-39;
    }
    // A run of clipped samples.
    samples.fill(1.5, frames >> 2, (frames >> 2) + 8);
    samples[frames >> 1] = NaN;
    return samples;
  });
}

/** Creates encoded audio for warming up code: a tone in samples of type float, a ramp of bytes in other formats. */
export function warmUpBytes(format: SampleFormat, byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength);
  if (FORMATS[format].coding !== 'float') {
    for (let i = 0; i < byteLength; i++) bytes[i] = i % 240;
    return bytes;
  }
  const samples = new Float32Array(bytes.buffer);
  for (let i = 0; i < samples.length; i++) samples[i] = 0.3 * Math.sin(0.03 * i);
  return bytes;
}
