import type { Rule } from './invariants.ts';
import type { Journey, World } from './schedule.ts';

/** A journey that showed a fault once. */
export interface Regression extends Journey {
  /** What went wrong, as a sentence. */
  readonly name: string;
}

/** The plainest world; a regression says what differs. */
const PLAIN: World = {
  seed: 0,
  durationMs: 20_000,
  listener: 'receiver',
  framing: 'rtp',
  format: 's16',
  encoding: 'binary',
  sampleRate: 8000,
  senderRate: 8000,
  listenerRate: 8000,
  channels: 1,
  senderQuantum: 64,
  listenerQuantum: 64,
  chunkMs: 20,
  bufferMs: 6000,
  skewPpm: 0,
  signal: 'voice',
  network: { ordered: false, delayMs: 20, jitterMs: 0, lossRatio: 0 },
  redundancy: 0,
  spacing: 1,
  firstSequence: 0,
  firstFrame: 0,
  fullResampler: false,
  worklets: false,
  targetMs: 60,
};

/** Of a sender that begins at 0 each time. */
const FROM_0 = { sequence: 0, frame: 0, newSsrc: false } as const;

/** The same rate everywhere, Hz. */
function ratesOf(rate: number): Pick<World, 'sampleRate' | 'senderRate' | 'listenerRate'> {
  return { sampleRate: rate, senderRate: rate, listenerRate: rate };
}

/**
 * Schedules that failing seeds were shrunk to, and journeys too long for random ones. Each is a test. A new one is what
 * `npm run bench -- journeys` prints for a failing seed.
 */
export const REGRESSIONS: readonly Regression[] = [
  {
    name: 'conceals nothing 2 s after a pause of 3 s',
    world: { ...PLAIN, durationMs: 18_500 },
    actions: [{ kind: 'pause', at: 4000, for: 3000 }],
  },
  {
    name: 'conceals nothing 2 s after a pause of an hour',
    world: {
      ...PLAIN,
      sampleRate: 4000,
      senderRate: 4000,
      listenerRate: 4000,
      listenerQuantum: 512,
      senderQuantum: 512,
      durationMs: 3_616_000,
    },
    actions: [{ kind: 'pause', at: 4000, for: 3_600_000 }],
  },
  {
    name: 'keeps its delay after the path has grown by 1.2 s',
    world: { ...PLAIN, durationMs: 18_000 },
    actions: [{ kind: 'step', at: 4000, for: 0, by: 1200 }],
  },
  {
    name: 'keeps its delay after the path has shrunk by 2.9 s',
    world: { ...PLAIN, network: { ...PLAIN.network, delayMs: 3000 }, durationMs: 22_000 },
    actions: [{ kind: 'step', at: 4000, for: 0, by: -2900 }],
  },
  ...[300, 1200, 1900].map((at) => ({
    name: `plays a sender that restarts ${at} ms into its stream with numbers from 0`,
    world: { ...PLAIN, framing: 'binary' as const, durationMs: at + 12_500 },
    actions: [{ kind: 'restart' as const, at, for: 60, graceful: false, ...FROM_0 }],
  })),
  {
    name: 'plays a sender that restarts with the same SSRC and other first numbers',
    world: { ...PLAIN, firstSequence: 1000, firstFrame: 5000, durationMs: 16_500 },
    actions: [
      {
        kind: 'restart',
        at: 4000,
        for: 300,
        graceful: false,
        sequence: 52_000,
        frame: 3_000_000_000,
        newSsrc: false,
      },
    ],
  },
  {
    name: 'counts no packet of padding as lost, and none of its frames as dropped',
    world: { ...PLAIN, durationMs: 6000 },
    actions: [{ kind: 'no-audio', at: 4000, for: 1000, what: 'padding', every: 8 }],
  },
  {
    name: 'counts no telephone event as lost',
    world: { ...PLAIN, durationMs: 6000 },
    actions: [{ kind: 'no-audio', at: 4000, for: 1000, what: 'telephone-event', every: 3 }],
  },
  {
    name: 'tells the true target of a device that runs 2.9 % slow',
    world: {
      ...PLAIN,
      format: 's24',
      ...ratesOf(6000),
      senderQuantum: 100,
      chunkMs: 60,
      skewPpm: -29_225,
      durationMs: 12_600,
    },
    actions: [],
  },
  {
    name: 'tells the true target after the numbers of a sender in bursts of 110 ms leapt',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 1206,
      senderQuantum: 441,
      chunkMs: 22.5,
      network: { ...PLAIN.network, jitterMs: 12 },
      durationMs: 14_900,
    },
    actions: [{ kind: 'jump', at: 3764, for: 0, sequences: -1827, frames: -7_021_227 }],
  },
  {
    name: 'tells the true target after a pause of a sender in bursts of 110 ms',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      framing: 'binary',
      senderQuantum: 441,
      network: { ...PLAIN.network, delayMs: 124 },
      durationMs: 21_000,
    },
    actions: [{ kind: 'pause', at: 7236, for: 2511 }],
  },
  {
    name: 'finds the clocks’ difference of 2.1 % although the path got longer before it was known',
    world: { ...PLAIN, skewPpm: -21_498, durationMs: 22_100 },
    actions: [
      { kind: 'restart', at: 972, for: 10, graceful: true, ...FROM_0 },
      { kind: 'reset', at: 4000, for: 0 },
      { kind: 'pause', at: 5543, for: 300 },
      { kind: 'step', at: 8612, for: 0, by: 1200 },
      { kind: 'restart', at: 8676, for: 500, graceful: false, ...FROM_0 },
    ],
  },
  {
    name: 'conceals nothing after a pause of a sender whose numbers and timestamps leapt 8 s before it',
    world: {
      ...PLAIN,
      ...ratesOf(16_000),
      listenerRate: 11_025,
      framing: 'binary',
      durationMs: 12_500,
    },
    actions: [
      { kind: 'jump', at: 6997, for: 0, sequences: 472, frames: 129_575 },
      { kind: 'pause', at: 7761, for: 2035 },
    ],
  },
  {
    name: 'conceals nothing after pauses that follow a suspension of the listener of 2.7 s',
    world: {
      ...PLAIN,
      ...ratesOf(6000),
      framing: 'binary',
      format: 'f32',
      listenerQuantum: 128,
      durationMs: 14_900,
    },
    actions: [
      { kind: 'suspend', at: 5960, side: 'listener', for: 2708, delivers: true },
      { kind: 'push-to-talk', at: 8752, talk: 649, rest: 309, for: 3183 },
    ],
  },
  {
    name: 'conceals nothing 2 s after pauses that follow a stall and a reset',
    world: { ...PLAIN, ...ratesOf(4000), durationMs: 14_000 },
    actions: [
      { kind: 'stall', at: 5666, for: 2833 },
      { kind: 'reset', at: 6129, for: 0 },
      { kind: 'push-to-talk', at: 8249, talk: 596, rest: 1217, for: 3000 },
    ],
  },
  {
    name: 'takes packets of a shorter path for those of the sender’s second run, which began at 0 like the first',
    world: { ...PLAIN, format: 's24', ...ratesOf(4000), durationMs: 8400 },
    actions: [
      { kind: 'restart', at: 970, for: 10, graceful: false, ...FROM_0 },
      { kind: 'step', at: 4000, for: 0, by: 700 },
      { kind: 'push-to-talk', at: 4000, talk: 577, rest: 1059, for: 2695 },
      { kind: 'step', at: 8070, for: 0, by: -1000 },
    ],
  },
  {
    name: 'joins without a click what was captured before and after a page was blocked for 3 s',
    world: {
      ...PLAIN,
      ...ratesOf(6000),
      seed: 2372,
      framing: 'binary',
      bufferMs: 1000,
      skewPpm: 48,
      network: { ...PLAIN.network, jitterMs: 28 },
      durationMs: 7900,
    },
    actions: [{ kind: 'block', at: 4000, side: 'sender', for: 2970 }],
  },
  {
    name: 'counts no packet as lost that has no audio and has overtaken a burst',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 7779,
      framing: 'rtp',
      senderQuantum: 128,
      network: { ...PLAIN.network, jitterMs: 2 },
      durationMs: 9409,
    },
    actions: [
      { kind: 'push-to-talk', at: 5109, talk: 1263, rest: 177, for: 4497 },
      { kind: 'suspend', at: 6484, side: 'sender', for: 1083, delivers: true },
      { kind: 'slow-reader', at: 8395, for: 986 },
      { kind: 'no-audio', at: 9347, for: 50, what: 'padding', every: 5 },
    ],
  },
  {
    name: 'reports no frames as dropped after a sender that restarts twice, with a short packet before',
    world: { ...PLAIN, seed: 11_772, format: 's24', durationMs: 2925 },
    actions: [
      { kind: 'restart', at: 2208, for: 552, graceful: true, ...FROM_0 },
      { kind: 'restart', at: 2814, for: 10, graceful: true, ...FROM_0 },
    ],
  },
  {
    name: 'does not take another sender’s packets for audio where its own come later and out of order',
    world: { ...PLAIN, seed: 4137, durationMs: 5645 },
    actions: [
      { kind: 'reordering', at: 4534, for: 1381, ratio: 0.3775867563672364, by: 69 },
      { kind: 'foreign', at: 5286, for: 400, what: 'ssrc' },
    ],
  },
  {
    name: 'does not take another sender’s packets for audio where several of each come at once',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 12_522,
      senderQuantum: 441,
      chunkMs: 40,
      network: { ...PLAIN.network, jitterMs: 18 },
      durationMs: 4543,
    },
    actions: [{ kind: 'foreign', at: 4206, for: 340, what: 'ssrc' }],
  },
  {
    name: 'passes over no copy of a packet that another one, sent seconds later, has overtaken',
    world: {
      ...PLAIN,
      ...ratesOf(6000),
      seed: 11_032,
      network: { ...PLAIN.network, jitterMs: 19 },
      durationMs: 11_997,
    },
    actions: [
      { kind: 'duplicates', at: 8600, for: 1772, ratio: 0.387454874580726 },
      { kind: 'stall', at: 9423, for: 2534 },
    ],
  },
  {
    name: 'counts a copy from before a gap of a second, which the packet behind the gap has overtaken',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 12_099,
      format: 's24',
      bufferMs: 300,
      durationMs: 8513,
    },
    actions: [
      { kind: 'block', at: 7085, side: 'sender', for: 1370 },
      { kind: 'duplicates', at: 8251, for: 300, ratio: 0.6858966266736388 },
    ],
  },
  {
    name: 'discards few packets of a sender that restarts, at a low rate on the wire and in bursts',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 7712,
      format: 's24',
      listenerRate: 11_025,
      senderQuantum: 441,
      chunkMs: 10,
      network: { ...PLAIN.network, jitterMs: 15 },
      durationMs: 13_476,
    },
    actions: [
      {
        kind: 'restart',
        at: 1822,
        for: 20,
        graceful: true,
        sequence: 65_534,
        frame: 2_838_499_536,
        newSsrc: false,
      },
    ],
  },
  {
    name: 'conceals what was lost, and no more, while it waits for the second long stall in a minute',
    world: {
      ...PLAIN,
      seed: 12_947,
      framing: 'binary',
      chunkMs: 40,
      network: { ...PLAIN.network, lossRatio: 0.03484255804680288 },
      durationMs: 24_953,
    },
    actions: [
      { kind: 'block', at: 3672, side: 'listener', for: 3484 },
      { kind: 'stall', at: 19_180, for: 3472 },
    ],
  },
  {
    name: 'follows a path that is nearly as it was before it was shorter for less than a second',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 7367,
      format: 's24',
      senderQuantum: 441,
      chunkMs: 10,
      skewPpm: 38,
      network: { ...PLAIN.network, delayMs: 79, jitterMs: 9 },
      durationMs: 15_735,
    },
    actions: [
      { kind: 'foreign', at: 3947, for: 872, what: 'garbage' },
      { kind: 'no-audio', at: 4883, for: 919, what: 'padding', every: 1 },
      { kind: 'quantum', at: 5195, side: 'listener', frames: 605, for: 1130 },
      { kind: 'suspend', at: 6299, side: 'listener', for: 1756, delivers: true },
      { kind: 'limits', at: 7963, for: 700, min: 39, max: 752 },
      { kind: 'no-audio', at: 8097, for: 1938, what: 'padding', every: 3 },
      { kind: 'step', at: 8950, for: 0, by: -1039 },
      { kind: 'step', at: 9081, for: 0, by: 2753 },
    ],
  },
  {
    name: 'follows a sender that restarts at 0 in bursts whose packets overtake each other',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 8284,
      framing: 'binary',
      senderQuantum: 441,
      network: { ...PLAIN.network, jitterMs: 12 },
      durationMs: 9012,
    },
    actions: [{ kind: 'restart', at: 1787, for: 10, graceful: false, ...FROM_0 }],
  },
  {
    name: 'hears the first packet after a short one, a pause and a stall that others were overtaken in',
    world: { ...PLAIN, ...ratesOf(4000), senderRate: 11_025, seed: 9322, durationMs: 7177 },
    actions: [
      { kind: 'pause', at: 4104, for: 863 },
      { kind: 'stall', at: 4689, for: 2468 },
      { kind: 'step', at: 6426, for: 0, by: -34 },
    ],
  },
  {
    name: 'tells drops before a packet that one without audio has overtaken',
    world: {
      ...PLAIN,
      ...ratesOf(8000),
      seed: 27_733,
      format: 's24',
      senderQuantum: 100,
      network: { ...PLAIN.network, jitterMs: 18 },
      durationMs: 6634,
    },
    actions: [
      { kind: 'push-to-talk', at: 5126, talk: 715, rest: 221, for: 250 },
      { kind: 'glitch', at: 6552, for: 20 },
      { kind: 'no-audio', at: 6586, for: 20, what: 'telephone-event', every: 1 },
    ],
  },
  {
    name: 'counts packets without audio as received that a hundred others have overtaken',
    world: {
      ...PLAIN,
      ...ratesOf(6000),
      seed: 15_196,
      format: 's24',
      network: { ...PLAIN.network, jitterMs: 28 },
      durationMs: 8375,
    },
    actions: [
      { kind: 'block', at: 6443, side: 'sender', for: 1900 },
      { kind: 'no-audio', at: 8183, for: 200, what: 'telephone-event', every: 3 },
    ],
  },
  {
    name: 'takes no path that changed gradually for a clock that is off by percent',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 25_481,
      framing: 'binary',
      senderQuantum: 441,
      listenerQuantum: 100,
      network: { ordered: true, delayMs: 115, jitterMs: 0, lossRatio: 0 },
      durationMs: 19_676,
    },
    actions: [
      { kind: 'suspend', at: 3736, side: 'listener', for: 600, delivers: false },
      { kind: 'quantum', at: 4733, side: 'sender', frames: 1, for: 100 },
      { kind: 'jitter', at: 5474, for: 1032, by: 182 },
    ],
  },
  {
    name: 'counts none of a block as lost whose packets overtake each other across a gap of the sender',
    world: {
      ...PLAIN,
      ...ratesOf(6000),
      seed: 15_276,
      framing: 'binary',
      chunkMs: 10,
      bufferMs: 1000,
      network: { ...PLAIN.network, jitterMs: 15 },
      durationMs: 6519,
    },
    actions: [{ kind: 'block', at: 3545, side: 'sender', for: 2939 }],
  },
  {
    name: 'holds no delay of before as one that swings, after a listener whose context was suspended',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 17_945,
      framing: 'binary',
      senderQuantum: 441,
      chunkMs: 60,
      durationMs: 20_921,
    },
    actions: [
      { kind: 'packet-duration', at: 4000, for: 0, halves: 4 },
      { kind: 'suspend', at: 8447, side: 'listener', for: 1400, delivers: true },
    ],
  },
  {
    name: 'works a backlog off after pauses and a suspended listener',
    world: { ...PLAIN, ...ratesOf(6000), seed: 14_505, format: 's24', durationMs: 21_210 },
    actions: [
      { kind: 'push-to-talk', at: 3666, talk: 986, rest: 259, for: 3994 },
      { kind: 'suspend', at: 4394, side: 'listener', for: 1881, delivers: true },
      { kind: 'reordering', at: 7223, for: 900, ratio: 0.1291740017477423, by: 95 },
    ],
  },
  {
    name: 'forgets the delays of before a suspension that were almost beyond its memory',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      listenerRate: 11_025,
      seed: 16_587,
      format: 's24',
      listenerQuantum: 100,
      chunkMs: 10,
      durationMs: 16_060,
    },
    actions: [{ kind: 'suspend', at: 4000, side: 'listener', for: 1029, delivers: true }],
  },
  {
    name: 'forgets a path that grew with each pause, when the clock turns out to be off by percent',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 20_352,
      senderQuantum: 441,
      listenerQuantum: 441,
      skewPpm: -44_191,
      network: { ...PLAIN.network, delayMs: 34, jitterMs: 5 },
      redundancy: 1,
      durationMs: 23_595,
    },
    actions: [
      { kind: 'push-to-talk', at: 4112, talk: 884, rest: 218, for: 3524 },
      { kind: 'step', at: 5577, for: 0, by: 2688 },
      { kind: 'reset', at: 6854, for: 0 },
      { kind: 'glitch', at: 7383, for: 10 },
      { kind: 'no-audio', at: 7596, for: 1868, what: 'telephone-event', every: 3 },
      { kind: 'no-audio', at: 8268, for: 500, what: 'comfort-noise', every: 6 },
      { kind: 'suspend', at: 8707, side: 'sender', for: 2741, delivers: false },
      { kind: 'step', at: 9012, for: 0, by: 2218 },
    ],
  },
  {
    name: 'knows the fastest packets again, once the clock is known to be off by percent',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 21_574,
      framing: 'binary',
      senderQuantum: 441,
      listenerQuantum: 128,
      chunkMs: 60,
      skewPpm: -43_474,
      network: { ...PLAIN.network, ordered: true, delayMs: 105 },
      durationMs: 17_889,
    },
    actions: [
      {
        kind: 'restart',
        at: 1925,
        for: 300,
        graceful: true,
        ...FROM_0,
      },
      { kind: 'packet-duration', at: 5687, for: 0, halves: 4 },
    ],
  },
  {
    name: 'waits for no path that pauses lengthened on the way to the present one',
    world: {
      ...PLAIN,
      ...ratesOf(16_000),
      seed: 22_677,
      framing: 'binary',
      network: { ...PLAIN.network, ordered: true },
      durationMs: 16_509,
    },
    actions: [{ kind: 'push-to-talk', at: 3936, talk: 204, rest: 377, for: 1539 }],
  },
  {
    name: 'finds the line of a clock that is off by percent after points that lie on none',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 27_065,
      senderQuantum: 441,
      skewPpm: -17_552,
      network: { ...PLAIN.network, delayMs: 98 },
      durationMs: 19_233,
    },
    actions: [
      { kind: 'restart', at: 2095, for: 2609, graceful: false, ...FROM_0 },
      { kind: 'slow-reader', at: 6973, for: 723 },
      { kind: 'step', at: 8108, for: 0, by: -50 },
    ],
  },
  {
    name: 'finds that line soon after a path became shorter',
    world: {
      ...PLAIN,
      ...ratesOf(8000),
      seed: 27_422,
      format: 's24',
      senderQuantum: 441,
      skewPpm: -40_662,
      network: { ...PLAIN.network, delayMs: 83, jitterMs: 17 },
      durationMs: 8145,
    },
    actions: [
      { kind: 'restart', at: 2721, for: 50, graceful: false, ...FROM_0, newSsrc: true },
      { kind: 'step', at: 3989, for: 0, by: -65 },
    ],
  },
  {
    name: 'lets two sounds meet when a suspended listener obeys a reset',
    world: {
      ...PLAIN,
      ...ratesOf(11_025),
      seed: 13_950,
      framing: 'binary',
      chunkMs: 10,
      durationMs: 11_392,
    },
    actions: [
      { kind: 'suspend', at: 7555, side: 'listener', for: 3832, delivers: false },
      { kind: 'reset', at: 7643, for: 0 },
    ],
  },
  {
    name: 'cross-fades into the first packet after a leap of the sender that others of after it have overtaken',
    world: {
      ...PLAIN,
      ...ratesOf(16_000),
      seed: 31_427,
      format: 's24',
      chunkMs: 60,
      bufferMs: 300,
      network: { ...PLAIN.network, jitterMs: 2 },
      durationMs: 11_129,
    },
    actions: [
      { kind: 'slow-reader', at: 8768, for: 2244 },
      { kind: 'block', at: 9181, side: 'sender', for: 1558 },
    ],
  },
  {
    name: 'leaves nothing of the longer path in its memories, however long that was, once a shorter one is known',
    world: {
      ...PLAIN,
      ...ratesOf(4000),
      seed: 30_495,
      senderQuantum: 441,
      chunkMs: 60,
      skewPpm: -34_093,
      network: { ...PLAIN.network, jitterMs: 7, lossRatio: 0.02611543725244701 },
      durationMs: 13_926,
    },
    actions: [
      { kind: 'no-audio', at: 3846, for: 1945, what: 'telephone-event', every: 12 },
      { kind: 'pause', at: 5931, for: 691 },
      { kind: 'no-audio', at: 7894, for: 1000, what: 'telephone-event', every: 4 },
      { kind: 'pause', at: 8328, for: 189 },
      { kind: 'suspend', at: 8673, side: 'listener', for: 1973, delivers: false },
      { kind: 'quantum', at: 9112, side: 'sender', frames: 688, for: 300 },
    ],
  },
];

/**
 * Seeds among those of `npm test` that show a fault which is known and not mended yet, with the rule that they break. A seed that
 * breaks another rule fails the test, and so does one that breaks none any more: then its line goes.
 */
export const OPEN: ReadonlyMap<number, Rule> = new Map<number, Rule>();
