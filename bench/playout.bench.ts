import { planResampler } from '../src/core/resampler/resampler-planner.ts';
import { SampleEncoder } from '../src/core/format/sample-format.ts';
import type { BacklogMode } from '../src/core/playout/backlog-policy.ts';
import { Player } from '../src/core/playout/player.ts';
import { type Row, timeInTurns } from './measure.ts';

const RATE = 24_000;
const QUANTUM = 128;
const CHUNK = RATE / 50;
const TARGET_MS = 60;

/** A voice as far as pitch goes, or noise. */
const SIGNALS: Readonly<Record<string, (i: number) => number>> = {
  voice: (i) => {
    const phase = 2 * Math.PI * ((130 * i) / RATE + 6 * Math.sin((4 * i) / RATE));
    const loudness = Math.max(0, Math.sin((7 * i) / RATE) + 0.6) / 3;
    return loudness * (Math.sin(phase) + Math.sin(2 * phase) / 2 + Math.sin(5 * phase) / 5);
  },
  noise: (i) => ((Math.imul(i ^ 0x5bd1e995, 0x27d4eb2d) >>> 8) % 65_536) / 131_072 - 0.25,
};

function player(contextRate: number, backlog: BacklogMode): Player {
  return new Player(
    {
      format: 's16',
      channels: 1,
      sampleRate: RATE,
      contextRate,
      outputChannels: 1,
      resampler:
        contextRate === RATE ? null : planResampler({ inputRate: RATE, outputRate: contextRate }),
      targetFrames: (RATE * TARGET_MS) / 1000,
      backlog,
      capacityFrames: 10 * RATE,
    },
    {
      ended: () => {},
      marked: () => {},
      skipped: () => {},
      underrun: () => {},
      interrupted: () => {},
    },
  );
}

function encode(signal: (i: number) => number, from: number, frames: number): Uint8Array {
  const samples = Float32Array.from({ length: frames }, (_, i) => signal(from + i));
  const bytes = new Uint8Array(2 * frames);
  new SampleEncoder({ format: 's16', channels: 1 }).encode([samples], 0, frames, bytes, 0);
  return bytes;
}

/** A live stream of 20 ms chunks that stalls once: how it recovers. */
function recovery(name: string, stallSeconds: number, backlog: BacklogMode): Row[] {
  const subject = backlog === 'keep' ? 'without catch-up' : 'micwire';
  const playout = player(RATE, backlog);
  const output = [new Float32Array(QUANTUM)];
  const from = 2 * RATE;
  const to = from + stallSeconds * RATE;
  const end = to + 20 * RATE;
  let sent = 0;
  let due = 0;
  let backAt = to;
  let lastDelay = 0;
  for (let now = 0; now < end; now += QUANTUM) {
    for (; due <= now; due += CHUNK) {
      if (now >= from && now < to) break;
      playout.write(0, encode(SIGNALS[name]!, sent, CHUNK), false);
      sent += CHUNK;
    }
    playout.render(output, now);
    // The middle of the saw that chunks make of it.
    lastDelay = (playout.timeline.buffered - CHUNK / 2) / (RATE / 1000);
    if (now > to && lastDelay > TARGET_MS + 20) backAt = now;
  }
  const kase = `${name}, ${stallSeconds} s stall`;
  const row = (metric: string, value: number, unit: string): Row => {
    return { case: kase, subject, metric, value, unit };
  };
  const recovered = lastDelay <= TARGET_MS + 20;
  return [
    row('delay 20 s after the stall', lastDelay, 'ms'),
    ...(recovered ? [row('until within 20 ms of the target', (backAt - to) / RATE, 's')] : []),
    row('left out', playout.timeline.skipped / (RATE / 1000), 'ms'),
    row('underruns', playout.underruns, ''),
  ];
}

/** Plays one quantum after another; chunks arrive `faster` than real time. */
function quanta(contextRate: number, backlog: BacklogMode, faster: number): () => void {
  const playout = player(contextRate, backlog);
  const output = [new Float32Array(QUANTUM)];
  const bytes = encode(SIGNALS['voice']!, 0, CHUNK);
  let owed = RATE * 0.2;
  let now = 0;
  return () => {
    owed += ((QUANTUM * RATE) / contextRate) * faster;
    for (; owed >= CHUNK; owed -= CHUNK) playout.write(0, bytes, false);
    playout.render(output, now);
    now += QUANTUM;
  };
}

const PATHS: Readonly<Record<string, () => () => void>> = {
  '24 → 24 kHz': () => quanta(RATE, 'keep', 1),
  '24 → 48 kHz': () => quanta(48_000, 'keep', 1),
  '24 → 48 kHz, catching up all the time': () => quanta(48_000, 'catch-up', 1.1),
};

/** Time of a quantum, chunks' arrival included. */
function speed(): Row[] {
  const subjects = Object.fromEntries(Object.entries(PATHS).map(([name, make]) => [name, make()]));
  return Object.entries(timeInTurns(subjects)).map(([name, { medianNs }]) => {
    const value = medianNs / 1000;
    return { case: name, subject: 'micwire', metric: 'time per quantum', value, unit: 'µs' };
  });
}

/**
 * The slowest of many quanta, each taken at its fastest of many runs of the same sequence: what else the machine does hits
 * another quantum in each run.
 */
function worst(): Row[] {
  return Object.entries(PATHS).map(([name, make]) => {
    const fastest = new Float64Array(2000).fill(Infinity);
    for (let run = 0; run < 30; run++) {
      const next = make();
      for (let i = 0; i < fastest.length; i++) {
        const start = performance.now();
        next();
        fastest[i] = Math.min(fastest[i]!, performance.now() - start);
      }
    }
    const value = Math.max(...fastest) * 1000;
    return { case: name, subject: 'micwire', metric: 'worst quantum', value, unit: 'µs' };
  });
}

export function run(): Row[] {
  const stalls = [0.3, 0.8, 2].flatMap((seconds) => [
    ...recovery('voice', seconds, 'catch-up'),
    ...recovery('voice', seconds, 'keep'),
  ]);
  return [...stalls, ...recovery('noise', 0.8, 'catch-up'), ...speed(), ...worst()];
}
