import { DelayTarget } from '../../src/core/receive/delay-target.ts';
import { JitterBuffer } from '../../src/core/receive/jitter-buffer.ts';
import { ReceiveDecision } from '../../src/core/receive/receive-decision.ts';
import { seededRandom } from './random.ts';

const RATE = 48_000;
const FRAMES = 960;
const PACKET_MS = 20;
const QUANTUM_MS = 128 / 48;

/** How packets travel while nothing is wrong: ms. */
interface Network {
  readonly delayMs: number;
  /** Normal deviates of this size; packets may overtake each other. */
  readonly normalMs?: number;
  /** Up to so much more, all alike. */
  readonly uniformMs?: number;
  readonly lossRatio?: number;
  /** At first packets are held up, as by a page that is starting: for how long, and for how long at a time. */
  readonly busyStart?: { readonly ms: number; readonly blockMs: number };
  /** How much faster the receiver's clock runs. */
  readonly driftPpm?: number;
}

/** One thing that goes wrong, at a time. */
type Disturbance =
  /** The sender stops for a while; its frame numbers continue where they were, or with the clock. */
  | { readonly kind: 'pause'; readonly ms: number; readonly frames: 'continue' | 'clock' }
  /** The sender restarts after a while, with these numbers. */
  | {
      readonly kind: 'restart';
      readonly ms: number;
      readonly sequence: number;
      readonly frame: number;
    }
  /** The path becomes longer, or shorter, for good; in order: nothing overtakes. */
  | { readonly kind: 'path'; readonly ms: number; readonly inOrder: boolean }
  /** Nothing arrives for a while; then everything does, at once. */
  | { readonly kind: 'stall'; readonly ms: number }
  /** All packets of a while are lost. */
  | { readonly kind: 'outage'; readonly ms: number }
  /** The numbers jump. */
  | { readonly kind: 'jump'; readonly sequence: number; readonly frames: number };

export interface Run {
  readonly network: Network;
  readonly seed: number;
  readonly endMs: number;
  readonly disturbance?: Disturbance;
  /** On the sender's clock. */
  readonly atMs?: number;
}

interface Sent {
  readonly sequence: number;
  readonly frame: number;
  /** When its first frame was captured, as the path then was: its delay is what is heard later than this, ms. */
  readonly leftMs: number;
  readonly arrivesMs: number;
}

/** What a run came to. */
export interface Heard {
  /** When the first packet after the disturbance arrived, ms; NaN without one. */
  readonly overMs: number;
  readonly endMs: number;
  /** Concealed, and skipped, ms, from one time to another. */
  concealedMs(fromMs: number, toMs: number): number;
  skippedMs(fromMs: number, toMs: number): number;
  /** How long packets waited beyond the path, ms, of those that were heard in that time; and the mean. */
  waits(fromMs: number, toMs: number): number[];
  /** By how much the delay was off the target, ms. */
  surpluses(fromMs: number, toMs: number): number[];
  /** Whether anything played. */
  readonly waitingMs: (fromMs: number, toMs: number) => number;
  readonly target: DelayTarget;
  readonly buffer: JitterBuffer;
  readonly decision: ReceiveDecision;
}

/** Sends packets over a network on which one thing goes wrong. All on the receiver's clock. */
function send(run: Run): { packets: Sent[]; overMs: number } {
  const { network, disturbance, atMs = Infinity, endMs } = run;
  const { delayMs, normalMs = 0, uniformMs = 0, lossRatio = 0, driftPpm = 0, busyStart } = network;
  const random = seededRandom(run.seed);
  const packets: Sent[] = [];
  let sequence = Math.floor(random() * 30_000);
  let frame = Math.floor(random() * 1e9);
  let pathMs = delayMs;
  let done = disturbance === undefined;
  let before = 0;
  let overMs = NaN;
  let latest = -Infinity;
  for (let at = 0; at < endMs;) {
    if (disturbance !== undefined && !done && at >= atMs) {
      done = true;
      before = packets.length;
      if (disturbance.kind === 'pause') {
        at += disturbance.ms;
        if (disturbance.frames === 'clock') frame += Math.round(disturbance.ms * 48);
      } else if (disturbance.kind === 'restart') {
        at += disturbance.ms;
        ({ sequence, frame } = disturbance);
      } else if (disturbance.kind === 'path') {
        pathMs = Math.max(0, pathMs + disturbance.ms);
      } else if (disturbance.kind === 'jump') {
        sequence = Math.max(0, sequence + disturbance.sequence);
        frame = Math.max(0, frame + disturbance.frames);
      }
    }
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    let travel = Math.max(0, pathMs + normalMs * normal) + uniformMs * random();
    if (busyStart !== undefined && at < busyStart.ms) {
      travel = Math.max(travel, busyStart.blockMs - (at % busyStart.blockMs));
    }
    let lost = random() < lossRatio;
    const since = at - atMs;
    if (done && disturbance !== undefined && since >= 0) {
      if (disturbance.kind === 'stall' && since < disturbance.ms) travel += disturbance.ms - since;
      if (disturbance.kind === 'outage' && since < disturbance.ms) lost = true;
      if (disturbance.kind === 'path' && disturbance.inOrder) {
        travel = Math.max(travel, latest - at);
      }
    }
    const clock = 1 + driftPpm * 1e-6;
    if (!lost) {
      latest = Math.max(latest, at + travel);
      packets.push({
        sequence,
        frame,
        leftMs: (at + pathMs) * clock,
        arrivesMs: (at + travel) * clock,
      });
    }
    sequence++;
    frame += FRAMES;
    at += PACKET_MS;
  }
  if (disturbance !== undefined) {
    // The disturbance ends with the first packet after it, but a stall or an outage with itself.
    const length =
      disturbance.kind === 'stall' || disturbance.kind === 'outage' ? disturbance.ms : 0;
    const first = packets[before];
    overMs = Math.max(first?.arrivesMs ?? NaN, atMs + length + delayMs);
    // Where later packets overtake the older ones of a longer path, both come for a while.
    if (disturbance.kind === 'path' && disturbance.ms < 0 && !disturbance.inOrder) {
      overMs = atMs + delayMs;
    }
  }
  packets.sort((a, b) => a.arrivesMs - b.arrivesMs);
  return { packets, overMs };
}

/** Plays one run through the library's buffer, target and decision, quantum by quantum. */
export function playDisturbed(run: Run): Heard {
  const { packets, overMs } = send(run);
  const target = new DelayTarget({ sampleRate: RATE });
  const buffer = new JitterBuffer({
    sampleRate: RATE,
    capacityPackets: 512,
    maxPayloadBytes: 8,
    listener: target,
  });
  const decision = new ReceiveDecision({ buffer, target });
  const payload = new Uint8Array(8);
  const view = new DataView(payload.buffer);
  const concealed: [number, number][] = [];
  const skipped: [number, number][] = [];
  const waiting: [number, number][] = [];
  const waits: [number, number][] = [];
  const surpluses: [number, number][] = [];
  let arrived = 0;
  let ahead = 0;
  for (let now = 0; now < run.endMs; now += QUANTUM_MS) {
    for (; arrived < packets.length && packets[arrived]!.arrivesMs <= now; arrived++) {
      const { sequence, frame } = packets[arrived]!;
      view.setFloat64(0, arrived);
      buffer.insert(sequence, frame, FRAMES, payload, now);
    }
    // Nothing to do until the next packet: hours of a pause.
    const next = packets[arrived]?.arrivesMs ?? Infinity;
    if (buffer.count === 0 && next > now + 10_000 && !decision.started) {
      now += Math.floor((next - now - 5000) / QUANTUM_MS) * QUANTUM_MS;
    }
    const needed = QUANTUM_MS * decision.speed;
    while (ahead < needed) {
      const heard = now + ahead;
      const action = decision.decide(now, ahead);
      let ms = (decision.frames * 1000) / RATE;
      if (action === 'wait') waiting.push([heard, ms]);
      else if (action === 'conceal') concealed.push([heard, ms]);
      else {
        if (action === 'skip') skipped.push([heard, ms]);
        const { slot } = decision;
        const at = buffer.offsetOf(slot);
        const index = new DataView(buffer.payloads.buffer, at, 8).getFloat64(0);
        const covered = decision.take();
        ms = ((FRAMES - covered) * 1000) / RATE;
        waits.push([heard, heard - packets[index]!.leftMs]);
        surpluses.push([heard, decision.surplusMs]);
        if (decision.scaleFrames > 0) {
          const frames = action === 'accelerate' ? decision.scaleFrames : -decision.scaleFrames;
          // A period of a voice, or nothing.
          if (Math.abs(frames) > 200) {
            decision.scaled(frames);
            ms -= (frames * 1000) / RATE;
          }
        }
      }
      ahead += ms;
    }
    ahead -= needed;
  }
  const sum = (list: [number, number][]) => (fromMs: number, toMs: number) => {
    return list.reduce((all, [at, ms]) => (at >= fromMs && at < toMs ? all + ms : all), 0);
  };
  const pick = (list: [number, number][]) => (fromMs: number, toMs: number) => {
    return list.flatMap(([at, ms]) => (at >= fromMs && at < toMs ? [ms] : []));
  };
  return {
    overMs,
    endMs: run.endMs,
    concealedMs: sum(concealed),
    skippedMs: sum(skipped),
    waitingMs: sum(waiting),
    waits: pick(waits),
    surpluses: pick(surpluses),
    target,
    buffer,
    decision,
  };
}

const NETWORKS: Readonly<Record<string, Network>> = {
  steady: { delayMs: 25 },
  'with 3 ms of jitter, at +80 ppm': { delayMs: 25, uniformMs: 3, driftPpm: 80 },
  'with 10 ms of jitter and 1 % loss, at -60 ppm': {
    delayMs: 50,
    normalMs: 10,
    lossRatio: 0.01,
    driftPpm: -60,
  },
  'with 30 ms of jitter and 2 % loss': { delayMs: 100, normalMs: 30, lossRatio: 0.02 },
};

/** What {@link randomDisturbance} draws from. */
export const DISTURBANCES = [
  'a pause in which the frame numbers stand still',
  'a pause in which the frame numbers go with the clock',
  'a restart at 0',
  'a restart at any number',
  'a longer path',
  'a shorter path',
  'a shorter path on which packets overtake the older ones',
  'a stall',
  'an outage',
  'a jump of the timestamps',
  'a jump of the sequence numbers',
  'a jump of both',
] as const;

/** A number from `from` to `to`, small ones as likely as large ones. */
function spread(random: () => number, from: number, to: number): number {
  return from * (to / from) ** random();
}

function disturbance(kind: (typeof DISTURBANCES)[number], random: () => number): Disturbance {
  // One pause of ten may last for up to an hour.
  const ms = spread(random, 100, random() < 0.1 ? 3_600_000 : 10_000);
  const stepMs = 100 + 2900 * random();
  const sign = random() < 0.5 ? -1 : 1;
  const packets = sign * Math.round(spread(random, 1, 8000));
  switch (kind) {
    case 'a pause in which the frame numbers stand still':
      return { kind: 'pause', ms, frames: 'continue' };
    case 'a pause in which the frame numbers go with the clock':
      return { kind: 'pause', ms, frames: 'clock' };
    case 'a restart at 0':
      return { kind: 'restart', ms: random() < 0.5 ? PACKET_MS : ms, sequence: 0, frame: 0 };
    case 'a restart at any number': {
      const sequence = Math.floor(random() * 60_000);
      const frame = Math.floor(random() * 4e9);
      return { kind: 'restart', ms: random() < 0.5 ? PACKET_MS : ms, sequence, frame };
    }
    case 'a longer path':
      return { kind: 'path', ms: stepMs, inOrder: true };
    case 'a shorter path':
      return { kind: 'path', ms: -stepMs, inOrder: true };
    case 'a shorter path on which packets overtake the older ones':
      return { kind: 'path', ms: -stepMs, inOrder: false };
    case 'a stall':
      return { kind: 'stall', ms: Math.min(ms, 5000) };
    case 'an outage':
      return { kind: 'outage', ms };
    case 'a jump of the timestamps':
      return { kind: 'jump', sequence: 0, frames: sign * Math.round(spread(random, 1, 4e9)) };
    case 'a jump of the sequence numbers':
      return { kind: 'jump', sequence: packets, frames: 0 };
    case 'a jump of both':
      return { kind: 'jump', sequence: packets, frames: packets * FRAMES };
  }
}

const mean = (values: readonly number[]): number => {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
};
const most = (values: readonly number[]): number => {
  return values.reduce((found, value) => Math.max(found, Math.abs(value)), 0);
};

/** How long after a disturbance there may still be more concealment, and how long the delay may be off, ms. */
const CONCEALS_MS = 2000;
const RETURNS_MS = 10_000;
const WATCHED_MS = 25_000;

/**
 * Plays a network with one disturbance and without it, all drawn from a seed.
 * @returns what did not come back in time; empty when all did
 */
export function randomDisturbance(kind: (typeof DISTURBANCES)[number], seed: number): string {
  const random = seededRandom(seed);
  const names = Object.keys(NETWORKS);
  const name = names[Math.floor(random() * names.length)]!;
  const usual = NETWORKS[name]!;
  const atMs = random() < 0.4 ? 100 + 1900 * random() : 5000 + 20_000 * random();
  const what = disturbance(kind, random);
  const shorter = what.kind === 'path' && what.ms < 0 ? -what.ms : 0;
  const network = { ...usual, delayMs: usual.delayMs + shorter };
  const lastsMs = 'ms' in what ? Math.abs(what.ms) : 0;
  const endMs = atMs + lastsMs + RETURNS_MS + WATCHED_MS;
  const heard = playDisturbed({ network, seed, endMs, disturbance: what, atMs });
  const still = playDisturbed({ network: usual, seed, endMs: 45_000 });
  const { overMs } = heard;
  const lastMs = endMs - 500;
  const wrong: string[] = [];
  // A stream that has just begun has not learnt yet what it will.
  const level = Math.max(
    still.concealedMs(CONCEALS_MS, 40_000) / (40_000 - CONCEALS_MS),
    still.concealedMs(RETURNS_MS, 40_000) / (40_000 - RETURNS_MS),
  );
  const fromMs = overMs + CONCEALS_MS;
  const concealed = heard.concealedMs(fromMs, lastMs) / (lastMs - fromMs);
  if (!(concealed <= level + 0.008)) {
    wrong.push(`concealed ${(100 * concealed).toFixed(2)} %, not ${(100 * level).toFixed(2)} %`);
  }
  let usualMs = 0;
  for (let t = RETURNS_MS; t < 40_000; t += 1000) {
    usualMs = Math.max(usualMs, mean(still.waits(t, t + 2000)));
  }
  // What a stall has taught may be remembered for longer, but the delay keeps to the target.
  const slack = 20 + (usual.normalMs ?? 0) / 2;
  for (const t of kind === 'a stall' ? [] : [RETURNS_MS, RETURNS_MS + 2000, WATCHED_MS]) {
    const waits = mean(heard.waits(overMs + t, overMs + t + 2000));
    if (!(waits <= usualMs + slack)) {
      wrong.push(`${waits.toFixed(0)} ms of delay ${t / 1000} s later, not ${usualMs.toFixed(0)}`);
    }
  }
  const surplus = most(heard.surpluses(overMs + RETURNS_MS, lastMs));
  const usualSurplus = most(still.surpluses(RETURNS_MS, 40_000));
  if (!(surplus <= usualSurplus + (kind === 'a stall' ? 270 : 40))) {
    wrong.push(`${surplus.toFixed(0)} ms off the target, not ${usualSurplus.toFixed(0)}`);
  }
  if (wrong.length === 0) return '';
  return `seed ${seed}, a network ${name}, after ${atMs.toFixed(0)} ms: ${JSON.stringify(what)}: ${wrong.join('; ')}`;
}
