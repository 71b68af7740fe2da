import { describe, expect, it } from 'vitest';
import { OpusDecoder } from '../src/core/codec/opus-decoder.ts';
import { OpusEncoder } from '../src/core/codec/opus-encoder.ts';
import { opusSettings } from '../src/core/codec/opus-options.ts';
import { opusLibrary } from './helpers/opus.ts';
import { steepest } from './helpers/playout-rig.ts';
import { seededRandom } from './helpers/random.ts';
import { ReceiveRig } from './helpers/receive-rig.ts';
import { snrDb } from './helpers/snr.ts';
import { speech } from './helpers/speech.ts';
import { voice } from './helpers/voice.ts';

const RATE = 48_000;
/** A packet's time of leaving, s. */
const sent = (sequence: number): number => (sequence + 1) * 0.02;

/** A resampler puts frames between those that were: they may show a steeper part of the same curve. */
const OWN = 1.1;

/** SNR of the last `frames` frames of `output` against the signal, at the lag that suits best. */
function bestSnr(signal: Float32Array, output: Float32Array, frames: number): number {
  const from = output.length - frames;
  let best = -Infinity;
  let lastLag = 0;
  for (let lag = 0; lag < 9600; lag++) {
    const expected = signal.subarray(from - lag, from - lag + frames);
    let product = 0;
    for (let i = 0; i < frames; i += 16) product += expected[i]! * output[from + i]!;
    if (product <= best) continue;
    best = product;
    lastLag = lag;
  }
  const around = [-2, -1, 0, 1, 2].map((offset) => {
    const lag = lastLag + offset;
    return snrDb(signal.subarray(from - lag, from - lag + frames), output.subarray(from));
  });
  return Math.max(...around);
}
describe('audio that arrives in time', () => {
  it('plays unchanged, after a delay, at the context’s rate', () => {
    const signal = speech(3 * RATE);
    const rig = new ReceiveRig();
    rig.run(3, sent, (sequence) => rig.encode([signal], sequence));
    const { stats } = rig;
    expect(stats.concealedSamples).toBe(0);
    expect(stats.packetsReceived).toBe(149);
    expect(stats.packetsLost).toBe(0);
    expect(rig.returned).toBe(149);
    expect(rig.states).toEqual(['playing']);
    expect(rig.report('state')).toBe(1);
    expect(rig.report('bufferedMs')).toBeLessThan(60);
    expect(steepest(rig.rendered())).toBeLessThanOrEqual(steepest(signal) * OWN);
    const delay = rig.frame - rig.report('playFrame');
    expect(delay / 48).toBeGreaterThan(20);
    expect(delay / 48).toBeLessThan(100);
  });

  it('is the signal within less than a frame of delay, if nothing is scaled', () => {
    const signal = voice(4 * RATE);
    const rig = new ReceiveRig({ limits: { minDelayMs: 40, maxDelayMs: 40 } });
    rig.run(4, sent, (sequence) => rig.encode([signal], sequence));
    expect(bestSnr(signal, rig.rendered(), RATE / 4)).toBeGreaterThan(30);
  });

  it.each([
    [8000, 48_000, 1, 2],
    [44_100, 48_000, 2, 2],
    [48_000, 44_100, 2, 1],
    [16_000, 96_000, 1, 1],
    [192_000, 8000, 1, 1],
  ])('from %i to %i Hz, %i to %i channels', (sampleRate, contextRate, channels, outputChannels) => {
    const signal = Array.from({ length: channels }, (_, c) => voice(sampleRate, sampleRate, c));
    const rig = new ReceiveRig({ sampleRate, contextRate, channels, outputChannels });
    rig.run(1, sent, (sequence) => rig.encode(signal, sequence));
    expect(rig.stats.concealedSamples).toBe(0);
    for (let c = 0; c < outputChannels; c++) {
      const output = rig.rendered(c).subarray(contextRate / 2);
      const power = output.reduce((sum, x) => sum + x * x, 0) / output.length;
      expect(power).toBeGreaterThan(1e-3);
      expect(output.every((x) => Math.abs(x) < 2)).toBe(true);
    }
  });
});

describe('audio with jitter', () => {
  // The lower the rate, the later what is pulled comes out of the resampler.
  it.each([3000, 4000, 8000, 48_000])(
    'arrives in time if no packet is later than those before, at %i Hz on the wire',
    (sampleRate) => {
      const random = seededRandom(3);
      const rig = new ReceiveRig({
        sampleRate,
        contextRate: 48_000,
        packetFrames: sampleRate / 100,
      });
      const signal = voice(20 * sampleRate, sampleRate);
      // A sender whose quanta are 110 ms long, as on a device that is slow.
      const burst = (sequence: number): number => Math.ceil((sequence + 1) / 11) * 0.11;
      const arrivals = Array.from({ length: 2000 }, (_, n) => burst(n) + 0.015 * random());
      const before = { discarded: 0, concealed: 0 };
      rig.run(
        20,
        (sequence) => arrivals[sequence]!,
        (sequence) => rig.encode([signal], sequence),
        () => {
          if (rig.frame > 6 * 48_000) return;
          before.discarded = rig.stats.packetsDiscarded;
          before.concealed = rig.stats.concealedSamples;
        },
      );
      expect(rig.stats.packetsDiscarded - before.discarded).toBeLessThan(4);
      expect(rig.stats.concealedSamples - before.concealed).toBeLessThan(0.05 * sampleRate);
    },
  );
});

describe('what is lost', () => {
  const signal = speech(4 * RATE);
  const lossy = (sequence: number): number => (sequence % 10 === 9 ? -1 : sent(sequence));

  it('is concealed without a click, and counted', () => {
    const rig = new ReceiveRig();
    rig.run(4, lossy, (sequence) => rig.encode([signal], sequence));
    const { stats } = rig;
    expect(stats.packetsLost).toBeGreaterThan(17);
    expect(stats.concealedSamples).toBeGreaterThanOrEqual(17 * 960);
    expect(stats.concealmentEvents).toBeGreaterThanOrEqual(17);
    expect(stats.concealedSamples).toBeLessThan(22 * 960);
    expect(stats.silentConcealedSamples).toBe(0);
    expect(steepest(rig.rendered())).toBeLessThanOrEqual(steepest(signal) * OWN);
  });

  it('is concealed only for its length, even while the delay is still growing to a longer target', () => {
    const signal = speech(4 * RATE);
    const rig = new ReceiveRig();
    const lost = [...Array(8).keys()].map((n) => 130 + n);
    rig.run(
      4,
      (sequence) => (lost.includes(sequence) ? -1 : sent(sequence)),
      (sequence) => rig.encode([signal], sequence),
      () => {
        if (rig.frame === 128 * 375)
          rig.tell({ type: 'limits', minDelayMs: 900, maxDelayMs: 1000 });
      },
    );
    const { stats } = rig;
    expect(stats.concealmentEvents).toBe(1);
    expect(stats.concealedSamples).toBe(lost.length * rig.packetFrames);
    expect(rig.report('bufferedMs')).toBeGreaterThan(400);
  });

  it('is restored from redundant copies, if there are any', () => {
    const helped = new ReceiveRig();
    for (let sequence = 0; sequence < 190; sequence++) {
      while (helped.frame < sent(sequence) * RATE) helped.render();
      if (sequence % 10 === 9) continue;
      helped.insert(sequence, helped.encode([signal], sequence));
      if (sequence > 0) helped.insert(sequence - 1, helped.encode([signal], sequence - 1), 1);
    }
    const { stats } = helped;
    expect(stats.packetsRecovered).toBeGreaterThan(15);
    // The first may be due before the target has learnt to wait for copies.
    expect(stats.concealedSamples).toBeLessThan(4 * 960);
  });

  it('in the format Opus is restored from the packet behind, else concealed by Opus', async () => {
    const library = await opusLibrary();
    const format = { sampleRate: RATE, channels: 1 };
    const settings = opusSettings(format, {
      bitrate: 32_000,
      fec: true,
      expectedLossPercent: 20,
      application: 'voip',
    });
    const concealed: number[] = [];
    for (const fec of [true, false]) {
      const encoder = new OpusEncoder(
        library,
        fec ? settings : opusSettings(format, { bitrate: 32_000 }),
      );
      const rig = new ReceiveRig({ opus: new OpusDecoder(library, format) });
      const bytes = new Uint8Array(encoder.maxBytes(960));
      const packets = Array.from({ length: 200 }, (_, sequence) => {
        const length = encoder.encode([signal], sequence * 960, 960, bytes, 0);
        return bytes.slice(0, length);
      });
      rig.run(4, lossy, (sequence) => packets[sequence]!);
      concealed.push(rig.stats.concealedSamples);
      if (fec) expect(rig.report('fecSamples')).toBeGreaterThan(10 * 960);
      else expect(rig.report('fecSamples')).toBe(0);
      expect(rig.report('decodeErrors')).toBe(0);
      expect(steepest(rig.rendered())).toBeLessThanOrEqual(steepest(signal) * 1.2);
      encoder.close();
    }
    expect(concealed[0]).toBeLessThan(concealed[1]! / 2);
  });
});

describe('comfort noise', () => {
  const random = seededRandom(5);
  const background = Float32Array.from({ length: 4 * RATE }, () => 0.004 * (random() - 0.5));
  const power = (samples: Float32Array) =>
    samples.reduce((sum, x) => sum + x * x, 0) / samples.length;

  it('is as loud as the background, after the silence before the first packet and after other gaps', () => {
    const rig = new ReceiveRig({ limits: { minDelayMs: 60 } });
    // Gaps of 200 ms twice a second.
    rig.run(
      3.8,
      (sequence) => (sequence > 12 && sequence % 25 >= 15 ? -1 : sent(sequence)),
      (sequence) => rig.encode([background], sequence),
    );
    const output = rig.rendered();
    const usual = power(background);
    for (let gap = 0; gap < 7; gap++) {
      // What is heard while the gap is concealed: from 80 ms on only comfort noise.
      const from = Math.round((15 + 25 * gap) * 0.02 * RATE + 0.2 * RATE);
      const made = power(output.subarray(from, from + 0.04 * RATE));
      expect(made / usual, `gap ${gap}`).toBeGreaterThan(0.25);
      expect(made / usual, `gap ${gap}`).toBeLessThan(4);
    }
  });
});

describe('a pause of the sender', () => {
  it.each([0.5, 1.5, 4])('of %f s has no effect after two seconds', (pause) => {
    const signal = voice(RATE);
    const rig = new ReceiveRig();
    const packets = Array.from({ length: 50 }, (_, i) => rig.encode([signal], i));
    let before = 0;
    rig.run(
      pause + 9,
      (sequence) => sent(sequence) + (sequence >= 200 ? pause : 0),
      (sequence) => packets[sequence % 50]!,
      () => {
        if (rig.frame < (pause + 6) * RATE) before = rig.stats.concealedSamples;
      },
    );
    expect(rig.stats.concealedSamples).toBe(before);
    expect(before).toBeGreaterThan(0.4 * RATE);
    expect(before).toBeLessThan(1.1 * RATE);
    expect(rig.stats.packetsLost).toBe(0);
    expect(rig.report('bufferedMs')).toBeLessThan(60);
    const states = ['playing', 'concealing', ...(pause > 1 ? ['waiting'] : []), 'playing'];
    expect(rig.states).toEqual(states);
    expect(steepest(rig.rendered())).toBeLessThanOrEqual(steepest(signal) * OWN);
  });
});

describe('a stall', () => {
  it('is covered, and the delay recovers', () => {
    const signal = voice(8 * RATE);
    const rig = new ReceiveRig({ limits: { maxDelayMs: 80 } });
    let most = 0;
    rig.run(
      8,
      (sequence) => (sequence > 100 && sequence < 130 ? sent(130) : sent(sequence)),
      (sequence) => rig.encode([signal], sequence),
      () => (most = Math.max(most, rig.report('bufferedMs'))),
    );
    expect(most).toBeGreaterThan(400);
    expect(rig.report('bufferedMs')).toBeLessThan(120);
    const { stats } = rig;
    expect(stats.removedSamplesForAcceleration + stats.skippedSamples).toBeGreaterThan(0.4 * RATE);
    expect(stats.silentConcealedSamples).toBeGreaterThan(0.4 * RATE);
    expect(rig.states).toContain('concealing');
    expect(steepest(rig.rendered())).toBeLessThanOrEqual(steepest(signal) * OWN);
  });

  it('of seconds is left out at once', () => {
    const signal = voice(8 * RATE);
    const rig = new ReceiveRig({ limits: { maxDelayMs: 80 } });
    rig.run(
      8,
      (sequence) => (sequence > 100 && sequence < 200 ? sent(200) : sent(sequence)),
      (sequence) => rig.encode([signal], sequence),
    );
    expect(rig.stats.skippedSamples).toBeGreaterThan(RATE);
    expect(rig.report('bufferedMs')).toBeLessThan(120);
    expect(steepest(rig.rendered())).toBeLessThanOrEqual(steepest(signal) * OWN);
  });
});

it.each([300, -300])(
  'a sender whose clock is off by %i ppm is followed without a gap, with a steady level',
  (ppm) => {
    const seconds = 40;
    const signal = voice(RATE);
    const rig = new ReceiveRig({ packetFrames: 960 });
    const levels: number[] = [];
    const packets = Array.from({ length: 50 }, (_, i) => rig.encode([signal], i));
    rig.run(
      seconds,
      (sequence) => sent(sequence) * (1 - ppm * 1e-6),
      (sequence) => packets[sequence % 50]!,
      () => {
        if (rig.frame > 20 * RATE) levels.push(rig.report('bufferedMs'));
      },
    );
    expect(rig.stats.concealedSamples).toBe(0);
    expect(Math.max(...levels) - Math.min(...levels)).toBeLessThan(45);
    expect(Math.abs(rig.report('driftPpm') - ppm)).toBeLessThan(30);
  },
);

describe('whatever comes', () => {
  it('never throws, and time continues', async () => {
    const library = await opusLibrary();
    for (let seed = 1; seed <= 6; seed++) {
      const random = seededRandom(seed);
      const opus = new OpusDecoder(library, { sampleRate: RATE, channels: 1 });
      const rig = seed % 2 ? new ReceiveRig({ opus }) : new ReceiveRig();
      const big = () => Math.floor(random() * 2 ** 40);
      for (let i = 0; i < 1500; i++) {
        if (random() < 0.5) {
          const near = Math.floor(i / 7) + Math.floor(random() * 8) - 4;
          const sequence = random() < 0.95 ? Math.max(0, near) : big();
          const bytes = Uint8Array.from({ length: Math.floor(random() * 200) }, () =>
            Math.floor(random() * 256),
          );
          rig.tell({
            type: 'packet',
            sequence,
            frame: random() < 0.95 ? sequence * 960 : big(),
            frames: random() < 0.8 ? 960 : Math.floor(random() * 3000),
            copy: random() < 0.9 ? 0 : Math.floor(random() * 4),
            bytes,
          });
        }
        if (random() < 0.005) rig.tell({ type: 'reset' });
        if (random() < 0.01) {
          rig.tell({ type: 'limits', minDelayMs: 10 * random(), maxDelayMs: 500 * random() + 10 });
        }
        rig.render(random() < 0.8 ? 128 : 1 + Math.floor(random() * 1024));
      }
      expect(rig.report('decodeErrors')).toBeGreaterThan(10);
      const output = rig.rendered();
      expect(output.every((x) => Number.isFinite(x))).toBe(true);
    }
  });

  it('renders the same with any quantum', () => {
    const signal = speech(RATE);
    for (const quantum of [1, 37, 1024]) {
      const rig = new ReceiveRig();
      for (let sequence = 0; sequence < 45; sequence++) {
        while (rig.frame < sent(sequence) * RATE) rig.render(quantum);
        rig.insert(sequence, rig.encode([signal], sequence));
      }
      expect(rig.stats.concealedSamples).toBe(0);
      expect(steepest(rig.rendered())).toBeLessThanOrEqual(steepest(signal) * OWN);
    }
  });
});

it('closes: it renders nothing more and reports it', () => {
  const rig = new ReceiveRig();
  rig.tell({ type: 'close' });
  expect(rig.closed).toBe(true);
  expect(rig.engine.render([new Float32Array(128)], 0)).toBe(false);
  rig.insert(0, new Uint8Array(1920));
  expect(rig.returned).toBe(0);
});

describe('a sender whose clock is off by several percent', () => {
  it.each([50_000, 10_000, 5000, -5000, -10_000, -50_000])(
    'is followed by playing longer or shorter, %i ppm: nothing is concealed, and the delay stays',
    (ppm) => {
      const signal = voice(RATE);
      const rig = new ReceiveRig({ keep: false });
      const packets = Array.from({ length: 50 }, (_, i) => rig.encode([signal], i));
      const random = seededRandom(1);
      const clock = 1 + ppm * 1e-6;
      const seen: { concealed: number; scaled: number; buffered: number }[] = [];
      rig.run(
        30,
        (sequence) => sent(sequence) / clock + 0.003 * random(),
        (sequence) => packets[sequence % 50]!,
        () => {
          // Packets of a sender that is too fast end sooner.
          if (rig.frame < 4 * RATE || rig.frame > 27 * RATE) return;
          const { stats } = rig;
          seen.push({
            concealed: stats.concealedSamples,
            scaled: stats.removedSamplesForAcceleration - stats.insertedSamplesForDeceleration,
            buffered: rig.report('bufferedMs'),
          });
        },
      );
      const first = seen[0]!;
      const last = seen.at(-1)!;
      expect(first.concealed).toBeLessThan(0.2 * RATE);
      expect(last.concealed - first.concealed).toBe(0);
      expect(rig.stats.skippedSamples).toBe(0);
      expect(Math.max(...seen.map(({ buffered }) => buffered))).toBeLessThan(220);
      // The resampler takes its share, and time-scaling the rest.
      const beyond = (ppm - Math.sign(ppm) * 1500) * 1e-6;
      expect((last.scaled - first.scaled) / (23 * RATE) / beyond).toBeCloseTo(1, 0);
    },
    60_000,
  );
});
