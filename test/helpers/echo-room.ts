import { Fft, powerOfTwoFrom } from '../../src/core/dsp/fft.ts';

/** A room between a loudspeaker and a microphone. */
export interface EchoRoom {
  readonly sampleRate: number;
  /** Of the direct sound. */
  readonly delayMs: number;
  /** Of the direct sound, dB. −Infinity: no echo at all. */
  readonly gainDb: number;
  /** Early reflections: how long after the direct sound, and how loud beside it. */
  readonly reflections: readonly { readonly afterMs: number; readonly gainDb: number }[];
  /** Decay by 60 dB, seconds, and energy beside the direct sound, dB; −Infinity: dry. */
  readonly reverbSeconds: number;
  readonly reverbDb: number;
  /** The microphone's clock against the loudspeaker's. */
  readonly driftPpm: number;
}

/** Convolves, by transforms. */
function convolve(a: Float32Array, b: Float32Array): Float64Array {
  const length = a.length + b.length - 1;
  const fft = new Fft(powerOfTwoFrom(length));
  const re = new Float64Array(fft.size);
  const im = new Float64Array(fft.size);
  const otherRe = new Float64Array(fft.size);
  const otherIm = new Float64Array(fft.size);
  re.set(a);
  otherRe.set(b);
  fft.forward(re, im);
  fft.forward(otherRe, otherIm);
  for (let k = 0; k < fft.size; k++) {
    const x = re[k]! * otherRe[k]! - im[k]! * otherIm[k]!;
    im[k] = re[k]! * otherIm[k]! + im[k]! * otherRe[k]!;
    re[k] = x;
  }
  fft.inverse(re, im);
  return re.subarray(0, length).map((value) => value / fft.size);
}

/** Half of the taps of the interpolation: enough up to 0.45 of the rate. */
const TAPS = 24;
/** The Hann window's angle at each tap. */
const WINDOW = Math.PI / (TAPS + 1);
const COSINES = Float64Array.from({ length: 2 * TAPS }, (_, i) =>
  Math.cos(WINDOW * (i - TAPS + 1)),
);
const SINES = Float64Array.from({ length: 2 * TAPS }, (_, i) => Math.sin(WINDOW * (i - TAPS + 1)));

/** A band-limited signal between its samples: a sinc under a Hann window. */
function between(samples: Float64Array, at: number): number {
  const middle = Math.floor(at);
  const fraction = at - middle;
  if (fraction < 1e-9) return samples[middle] ?? 0;
  const c = Math.cos(WINDOW * fraction);
  const s = Math.sin(WINDOW * fraction);
  let sum = 0;
  for (let t = 0; t < 2 * TAPS; t++) {
    const i = t - TAPS + 1;
    const window = 0.5 + 0.5 * (COSINES[t]! * c + SINES[t]! * s);
    // sin π(i − f) is ± sin πf.
    const sign = (i & 1) === 0 ? -1 : 1;
    sum += (sign * window * (samples[middle + i] ?? 0)) / (i - fraction);
  }
  return (sum * Math.sin(Math.PI * fraction)) / Math.PI;
}

/** What the microphone hears of what the loudspeaker plays, on the microphone's own clock. Both begin at frame 0. */
export function echoOf(played: Float32Array, room: EchoRoom, random: () => number): Float32Array {
  const { sampleRate } = room;
  const direct = 10 ** (room.gainDb / 20);
  const heard = new Float32Array(played.length);
  if (direct === 0) return heard;
  // A response without the delay, which the interpolation makes.
  const tailFrames = Math.ceil((room.reverbSeconds + 0.05) * sampleRate);
  const response = new Float32Array(Math.max(2, tailFrames));
  response[0] = 1;
  for (const { afterMs, gainDb } of room.reflections) {
    const sign = random() < 0.5 ? -1 : 1;
    response[Math.round((afterMs / 1000) * sampleRate)]! += sign * 10 ** (gainDb / 20);
  }
  if (room.reverbDb > -Infinity && room.reverbSeconds > 0) {
    const tail = new Float32Array(response.length);
    const from = Math.round(0.004 * sampleRate);
    let energy = 0;
    for (let n = from; n < tail.length; n++) {
      const decay = 10 ** ((-3 * n) / sampleRate / room.reverbSeconds);
      tail[n] = decay * (random() + random() + random() - 1.5);
      energy += tail[n]! * tail[n]!;
    }
    const scale = Math.sqrt(10 ** (room.reverbDb / 10) / energy);
    for (let n = from; n < tail.length; n++) response[n]! += scale * tail[n]!;
  }
  const wet = convolve(played, response);
  const step = 1 + room.driftPpm * 1e-6;
  const delay = (room.delayMs / 1000) * sampleRate;
  for (let n = 0; n < heard.length; n++) heard[n] = direct * between(wet, n * step - delay);
  return heard;
}

/** dB of the power of one signal beside another's. */
export function powerDb(signal: ArrayLike<number>, beside: ArrayLike<number>): number {
  return 10 * Math.log10(energyOf(signal) / energyOf(beside));
}

function energyOf(samples: ArrayLike<number>): number {
  let energy = 0;
  for (let i = 0; i < samples.length; i++) energy += samples[i]! * samples[i]!;
  return energy;
}
