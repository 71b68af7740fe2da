import { pcmCodec } from '../src/core/codec/pcm-codec.ts';
import { PcmConcealment } from '../src/core/receive/pcm-concealment.ts';
import { Quality } from '../demo/measure/quality.ts';
import { seededRandom } from '../test/helpers/random.ts';
import { speech } from '../test/helpers/speech.ts';
import { median } from './measure.ts';
import type { Row } from './measure.ts';

const RATE = 48_000;
const PACKET = RATE / 50;
const SEEDS = 9;
/** Spectra of 21 ms are compared every 5 ms, from 10 ms before each gap until 10 ms after it. */
const WINDOW = 1024;
const HOP = 240;
const AROUND = 480;

/** Conceals frames `at` … of `output`, whose earlier frames are as they were heard, and may change those that come again. */
type Concealer = (output: Float32Array, at: number, frames: number) => void;

const CONCEALERS: Readonly<Record<string, () => Concealer>> = {
  micwire: () => {
    const concealment = new PcmConcealment(RATE, 1);
    return (output, at, frames) => {
      concealment.begin([output], at);
      concealment.conceal([output], at, frames);
      concealment.merge([output], at + frames, output.length - at - frames);
    };
  },
  'mirrored 10 ms, fading': () => {
    const stream = { format: 's16', sampleRate: RATE, channels: 1 } as const;
    const encoder = pcmCodec.createEncoder(stream);
    const decoder = pcmCodec.createDecoder(stream);
    const bytes = new Uint8Array(2 * PACKET);
    const scratch = [new Float32Array(PACKET)];
    return (output, at, frames) => {
      encoder.encode([output], at - PACKET, PACKET, bytes, 0);
      decoder.decode(bytes, 0, bytes.length, scratch, 0);
      decoder.conceal(frames, [output], at);
    };
  },
  'the packet before once more': () => (output, at, frames) => {
    output.copyWithin(at, at - frames, at);
  },
  silence: () => (output, at, frames) => {
    output.fill(0, at, at + frames);
  },
};

/** Speech of which packets of 20 ms are lost, one in twenty, or two at a time, one in forty: what is heard round the gaps. */
export function run(): readonly Row[] {
  return [
    ...lossy('5 % of packets lost', 1, 0.05),
    ...lossy('5 % of packets lost, two at a time', 2, 0.025),
  ];
}

function lossy(name: string, burst: number, share: number): Row[] {
  const input = speech();
  const quality = new Quality(RATE);
  return Object.entries(CONCEALERS).flatMap(([subject, make]) => {
    const distances: number[] = [];
    const clicks: number[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed);
      const conceal = make();
      const output = input.slice();
      let distance = 0;
      let windows = 0;
      let worst = 0;
      for (let at = 8 * PACKET; at + 8 * PACKET < input.length; at += PACKET) {
        if (random() >= share) continue;
        const end = at + burst * PACKET;
        conceal(output, at, burst * PACKET);
        if (power(input, at - PACKET, end + PACKET) < SOUND) continue;
        for (let from = at - AROUND; from + WINDOW < end + AROUND + WINDOW / 2; from += HOP) {
          const reference = input.subarray(from, from + WINDOW);
          const heard = output.subarray(from, from + WINDOW);
          distance += quality.logSpectralDistance(reference, heard, WINDOW);
          windows++;
        }
        const own = steepest(input, at - PACKET, end + PACKET);
        worst = Math.max(worst, steepest(output, at - 2, at + 2) / own);
        worst = Math.max(worst, steepest(output, end - 2, end + 2) / own);
        at = end + PACKET;
      }
      distances.push(distance / windows);
      clicks.push(worst);
    }
    const row = (metric: string, value: number, unit: string): Row => {
      return { case: name, subject, metric, value, unit };
    };
    return [
      row('log-spectral distance round gaps', median(distances), 'dB'),
      row('steepest step at their ends, of the signal’s', median(clicks), ''),
    ];
  });
}

/** Mean square below which a gap is one in a pause: −45 dBFS. */
const SOUND = 10 ** -4.5;

function power(samples: Float32Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += samples[i]! * samples[i]!;
  return sum / (to - from);
}

function steepest(samples: Float32Array, from: number, to: number): number {
  let most = 0;
  for (let i = from; i < to; i++) most = Math.max(most, Math.abs(samples[i]! - samples[i - 1]!));
  return most;
}
