import { integer, pick } from '../helpers/packet-streams.ts';
import { seededRandom } from '../helpers/random.ts';

/** What a journey takes place in: everything that stays as it is from its beginning to its end. Times are in ms. */
export interface World {
  readonly seed: number;
  readonly durationMs: number;
  readonly listener: 'receiver' | 'playout';
  readonly framing: 'base64-json' | 'binary' | 'rtp';
  readonly format: 'f32' | 's16' | 's24';
  readonly encoding: 'binary' | 'base64';
  /** On the wire, and of each side's context, Hz. */
  readonly sampleRate: number;
  readonly senderRate: number;
  readonly listenerRate: number;
  readonly channels: number;
  readonly senderQuantum: number;
  readonly listenerQuantum: number;
  readonly chunkMs: number;
  /** What may wait on each side of the sender's thread edge. */
  readonly bufferMs: number;
  /** How much faster the sender's clock runs than the listener's. */
  readonly skewPpm: number;
  /** `'ramp'`: every frame's value is its number. `'voice'`: smooth, for the check of joins. */
  readonly signal: 'ramp' | 'voice';
  readonly network: NetworkConditions;
  /** Redundant copies in RTP packets, and from how many packets ago. */
  readonly redundancy: number;
  readonly spacing: number;
  /** What the sender's numbers begin with: RTP's sequence number and timestamp, or the framing's own numbers. */
  readonly firstSequence: number;
  readonly firstFrame: number;
  /** Whether the receiver runs with the resampler that ships, which takes most of the time; else with linear interpolation. */
  readonly fullResampler: boolean;
  /** Whether the worklets run in stand-in scopes (`micwire/testing`), which takes ten times as long as their engines. */
  readonly worklets: boolean;
  /** Of a playout, ms. */
  readonly targetMs: number;
}

/** How the network treats packets in general. */
export interface NetworkConditions {
  /** As TCP: nothing is lost, doubled or overtaken, and a packet that comes late holds up those behind it. */
  readonly ordered: boolean;
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly lossRatio: number;
}

/** Which end an action is about. */
type Side = 'sender' | 'listener';

/** What people and the world do. `at` and `for` are ms since the journey began. */
export type Action = { readonly at: number; readonly for: number } & (
  | { readonly kind: 'pause' | 'mute' | 'vanish' | 'slow-reader' | 'dtx' }
  /** Pauses of `rest` ms with `talk` ms between them. */
  | { readonly kind: 'push-to-talk'; readonly talk: number; readonly rest: number }
  /** The context stops rendering. `delivers`: messages still reach the audio thread. */
  | { readonly kind: 'suspend'; readonly side: Side; readonly delivers: boolean }
  /** The page's thread is busy. */
  | { readonly kind: 'block'; readonly side: Side }
  /** The context's frame advances without the capture being called. */
  | { readonly kind: 'glitch' }
  /** The sender ends, and another begins after `for`. */
  | {
      readonly kind: 'restart';
      readonly graceful: boolean;
      readonly sequence: number;
      readonly frame: number;
      readonly newSsrc: boolean;
    }
  /** The sender's numbers leap. */
  | { readonly kind: 'jump'; readonly sequences: number; readonly frames: number }
  /** Packets hold `parts` halves of a chunk. */
  | { readonly kind: 'packet-duration'; readonly halves: number }
  /** Packets of the stream that carry no audio, one after each `every` packets of audio. */
  | {
      readonly kind: 'no-audio';
      readonly what: 'padding' | 'telephone-event' | 'comfort-noise';
      readonly every: number;
    }
  /** Messages that are not of the stream at all. */
  | { readonly kind: 'foreign'; readonly what: 'ssrc' | 'rtcp' | 'garbage' }
  | { readonly kind: 'stall' }
  /** The path's delay changes by `by` ms, for good. */
  | { readonly kind: 'step'; readonly by: number }
  | { readonly kind: 'loss' | 'duplicates'; readonly ratio: number }
  | { readonly kind: 'reordering'; readonly ratio: number; readonly by: number }
  | { readonly kind: 'jitter'; readonly by: number }
  | { readonly kind: 'quantum'; readonly side: Side; readonly frames: number }
  | { readonly kind: 'channels'; readonly count: number }
  /** The receiver's limits; or the playout's target. */
  | { readonly kind: 'limits'; readonly min: number; readonly max: number }
  | { readonly kind: 'redundancy'; readonly copies: number; readonly spacing: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'interrupt'; readonly fade: number; readonly undo: boolean }
);
type ActionKind = Action['kind'];

/** A world and what happens in it. */
export interface Journey {
  readonly world: World;
  readonly actions: readonly Action[];
}

/** The stream begins, and is left alone for so long. */
export const SETTLE_MS = 3500;
/**
 * From the end of a disturbance to the next. Concealment has 2 s to be as before, and the delay has 10 s; as time is what a
 * journey costs, half of them end when the first is known.
 */
const CALM_MS = [4500, 11_500] as const;
/** Most that the path's delay changes by at once. */
const MAX_STEP_MS = 3000;

/** Makes the journey of a seed. The same seed gives the same journey. */
export function planJourney(seed: number): Journey {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ 0x6a09e667);
  const world = planWorld(seed, random);
  const kinds = possibleKinds(world);
  const calmMs = pick(CALM_MS, random);
  const actions: Action[] = [];
  let at = SETTLE_MS + integer(1000, random);
  if (random() < 0.7) {
    // One disturbance after the other, each with time to get over it.
    const count = random() < 0.8 ? 1 : 2;
    for (let i = 0; i < count; i++) {
      const action = planAction(pick(kinds, random), at, world, random);
      actions.push(action);
      at = Math.ceil(effectEnd(action, world, actions)) + calmMs + integer(500, random);
    }
  } else {
    // Many at once, then time to get over all of them.
    const count = 2 + integer(10, random);
    for (let i = 0; i < count; i++) {
      const start = SETTLE_MS + integer(6000, random);
      const action = planAction(pick(kinds, random), start, world, random);
      actions.push(action);
    }
    actions.sort((a, b) => a.at - b.at);
    for (const action of actions) {
      at = Math.max(at, Math.ceil(effectEnd(action, world, actions)) + calmMs);
    }
  }
  return { world: { ...world, durationMs: at }, actions };
}

/** When what an action does is over where it happens, ms. */
function endOf(action: Action): number {
  const end = action.at + action.for;
  return action.kind === 'step' ? end + Math.abs(action.by) : end;
}

/**
 * When what an action does is over for the listener, ms: what is sent then has arrived.
 * @param actions all of the journey
 */
export function effectEnd(action: Action, { network }: World, actions: readonly Action[]): number {
  const end = endOf(action);
  let path = network.delayMs;
  for (const other of actions) if (other.kind === 'step' && other.at <= end) path += other.by;
  return end + Math.max(0, path);
}

function planWorld(seed: number, random: () => number): World {
  const listener = random() < 0.75 ? 'receiver' : 'playout';
  const framing =
    listener === 'playout'
      ? pick(['base64-json', 'binary', 'binary', 'binary'] as const, random)
      : pick(
          ['base64-json', 'binary', 'binary', 'binary', 'rtp', 'rtp', 'rtp', 'rtp', 'rtp'] as const,
          random,
        );
  const sampleRate =
    random() < 0.93 ? pick([4000, 4000, 4000, 6000, 8000], random) : pick([11_025, 16_000], random);
  const ordered = listener === 'playout' || (framing !== 'rtp' && random() < 0.6);
  const rtp = framing === 'rtp';
  const signal = listener === 'playout' && random() < 0.6 ? 'ramp' : 'voice';
  const format = rtp
    ? pick(['s16', 's24'] as const, random)
    : signal === 'ramp'
      ? pick(['f32', 's24'] as const, random)
      : pick(['f32', 's16', 's16'] as const, random);
  const other = (): number => (random() < 0.96 ? sampleRate : pick([8000, 11_025, 16_000], random));
  const senderRate = other();
  const listenerRate = other();
  const offsets = random() < 0.5;
  return {
    seed,
    durationMs: 0,
    listener,
    framing,
    format,
    encoding: random() < 0.85 ? 'binary' : 'base64',
    sampleRate,
    senderRate,
    listenerRate,
    channels: random() < 0.9 ? 1 : 2,
    senderQuantum: pick([64, 64, 64, 32, 100, 128, 441], random),
    listenerQuantum: pick([64, 64, 64, 32, 100, 128, 441], random),
    chunkMs: pick([20, 20, 20, 20, 20, 30, 40, 60, 10, 22.5], random),
    bufferMs: pick([6000, 6000, 1000, 300], random),
    skewPpm: skew(listener, random),
    signal,
    network: {
      ordered,
      delayMs: 5 + integer(120, random),
      jitterMs: random() < 0.4 ? 0 : integer(30, random),
      lossRatio: ordered || random() < 0.6 ? 0 : random() * 0.04,
    },
    redundancy: rtp && random() < 0.5 ? 1 + integer(3, random) : 0,
    spacing: 1 + integer(2, random),
    firstSequence: rtp ? firstNumber(65_536, offsets, random) : 0,
    firstFrame: rtp ? firstNumber(2 ** 32, offsets, random) : 0,
    fullResampler: random() < 0.04,
    worklets: random() < 0.03,
    targetMs: pick([0, 20, 60, 60, 150], random),
  };
}

/** Quartz is within 200 ppm; some devices are off by percent. */
function skew(listener: World['listener'], random: () => number): number {
  if (listener === 'receiver' && random() < 0.15) return Math.round((random() * 2 - 1) * 50_000);
  return random() < 0.3 ? 0 : Math.round((random() * 2 - 1) * 200);
}

/** Random, or close to where the numbers begin again. */
function firstNumber(limit: number, offsets: boolean, random: () => number): number {
  if (!offsets) return 0;
  return random() < 0.5 ? integer(limit, random) : limit - 1 - integer(3, random);
}

const ALWAYS: readonly ActionKind[] = [
  'pause',
  'pause',
  'mute',
  'vanish',
  'push-to-talk',
  'suspend',
  'suspend',
  'block',
  'block',
  'slow-reader',
  'glitch',
  'stall',
  'step',
  'step',
  'quantum',
  'channels',
  'limits',
  'restart',
  'restart',
];

/** What can happen in a world. */
function possibleKinds({ listener, framing, network }: World): readonly ActionKind[] {
  const kinds = [...ALWAYS];
  if (listener === 'playout') return [...kinds, 'interrupt', 'interrupt'];
  kinds.push('dtx', 'jump', 'packet-duration', 'reset', 'jitter');
  if (!network.ordered) kinds.push('loss', 'duplicates', 'reordering');
  if (framing === 'rtp') {
    kinds.push('no-audio', 'no-audio', 'no-audio', 'no-audio', 'restart', 'foreign', 'redundancy');
  }
  return kinds;
}

function planAction(kind: ActionKind, at: number, world: World, random: () => number): Action {
  const upTo = (limit: number): number => 1 + integer(limit, random);
  const side = pick(['sender', 'listener'] as const, random);
  switch (kind) {
    case 'pause':
    case 'mute':
    case 'vanish':
    case 'dtx':
      return { kind, at, for: random() < 0.6 ? 100 + upTo(900) : upTo(5000) };
    case 'slow-reader':
      return { kind, at, for: upTo(3000) };
    case 'push-to-talk': {
      const talk = 100 + integer(1500, random);
      const rest = 100 + integer(1500, random);
      return { kind, at, talk, rest, for: (1 + integer(3, random)) * (talk + rest) + rest };
    }
    case 'suspend':
      return { kind, at, side, for: upTo(4000), delivers: random() < 0.5 };
    case 'block':
      return { kind, at, side, for: upTo(random() < 0.5 ? 300 : 4000) };
    case 'glitch':
      return { kind, at, for: upTo(1500) };
    case 'restart': {
      const offsets = random() < 0.4;
      const rtp = world.framing === 'rtp';
      return {
        kind,
        // Some senders restart soon after they began.
        at: random() < 0.6 ? 500 + integer(2500, random) : at,
        for: 20 + integer(random() < 0.5 ? 200 : 3000, random),
        graceful: random() < 0.5,
        sequence: rtp
          ? firstNumber(65_536, offsets, random)
          : offsets
            ? integer(2 ** 31, random)
            : 0,
        frame: rtp ? firstNumber(2 ** 32, offsets, random) : offsets ? integer(2 ** 31, random) : 0,
        newSsrc: rtp && random() < 0.4,
      };
    }
    case 'jump': {
      const span = pick([50, 500, 5000, 50_000], random);
      const both = random();
      return {
        kind,
        at,
        for: 0,
        sequences: both < 0.6 ? integer(2 * span, random) - span : 0,
        frames: both > 0.3 ? integer(4 * span * 160, random) - 2 * span * 160 : 0,
      };
    }
    case 'packet-duration':
      return { kind, at, for: 0, halves: pick([1, 2, 4], random) };
    case 'no-audio':
      return {
        kind,
        at,
        for: upTo(3000),
        what: pick(['padding', 'padding', 'telephone-event', 'comfort-noise'] as const, random),
        every: upTo(12),
      };
    case 'foreign':
      return {
        kind,
        at,
        for: upTo(2000),
        what: pick(['ssrc', 'rtcp', 'garbage'] as const, random),
      };
    case 'stall':
      return { kind, at, for: upTo(random() < 0.5 ? 400 : 4000) };
    case 'step':
      return { kind, at, for: 0, by: integer(2 * MAX_STEP_MS, random) - MAX_STEP_MS };
    case 'loss':
      return { kind, at, for: upTo(2000), ratio: random() };
    case 'duplicates':
      return { kind, at, for: upTo(2000), ratio: random() };
    case 'reordering':
      return { kind, at, for: upTo(2000), ratio: random(), by: upTo(150) };
    case 'jitter':
      return { kind, at, for: upTo(3000), by: upTo(200) };
    case 'quantum': {
      const frames = random() < 0.2 ? 1 : upTo(700);
      return { kind, at, side, frames, for: frames < 16 ? 200 : upTo(2000) };
    }
    case 'channels':
      return { kind, at, for: upTo(1500), count: pick([0, 1, 2, 3, 4], random) };
    case 'limits': {
      const min = integer(200, random);
      return { kind, at, for: 500 + upTo(2000), min, max: min + integer(800, random) };
    }
    case 'redundancy':
      return { kind, at, for: 0, copies: integer(4, random), spacing: 1 + integer(4, random) };
    case 'reset':
      return { kind, at, for: 0 };
    case 'interrupt':
      return { kind, at, for: 300 + upTo(1000), fade: integer(30, random), undo: random() < 0.5 };
  }
}
