import { describeOutside, numberIn, oneOf } from '../../src/core/arguments.ts';
import type { LinkTrace } from './link-trace.ts';
import { checkLinkTrace } from './link-trace.ts';

/** How the delays of packets spread. Each says what `jitterMs` is. */
export type JitterDistribution =
  /** Bell-shaped; `jitterMs` is the standard deviation. No packet is faster than light: the sum stays above 0. */
  | 'normal'
  /** Mostly little, rarely much, never less than `delayMs`; `jitterMs` is the mean addition, and 8 times that the largest. */
  | 'pareto'
  /** Uniform from `delayMs - jitterMs` to `delayMs + jitterMs`, and not below 0. */
  | 'uniform';

/** Every `JitterDistribution`. */
export const JITTER_DISTRIBUTIONS: readonly JitterDistribution[] = ['normal', 'pareto', 'uniform'];

/** What one direction of a link does to packets. Plain data: it goes through JSON unchanged. */
export interface LinkSettings {
  /** One way, in ms. 0 to 5000. */
  readonly delayMs: number;
  /** How far delays spread, in ms, 0 to 2000; its meaning depends on the distribution. */
  readonly jitterMs: number;
  readonly jitterDistribution: JitterDistribution;
  /** Share of packets that get lost, 0 to 1. */
  readonly lossRatio: number;
  /**
   * Packets lost in a row, on average (a two-state Markov chain, after Gilbert). Independent losses have 1 / (1 - lossRatio) in a row on
   * average: any value up to that means independent losses. 1 to 100.
   */
  readonly burstLength: number;
  /** Share of packets held back by `reorderMs`, so that later ones overtake them, 0 to 1. */
  readonly reorderRatio: number;
  /** 0 to 2000 ms. */
  readonly reorderMs: number;
  /** Capacity in kbit/s of packets with their IP headers; 0: without limit. */
  readonly rateKbps: number;
  /** Longest queue before the capacity, in ms of its own time; a packet that would wait longer is lost. 0 to 10 000. */
  readonly queueMs: number;
  /** Interval, in ms, at which the link stalls for `stallForMs`; 0: never. Packets wait, and leave when it resumes. */
  readonly stallEveryMs: number;
  /** 0 to 10 000 ms, and below `stallEveryMs`. */
  readonly stallForMs: number;
  /** Whether packets with different delays stay in their order all the same, as in one queue; `reorderRatio` still acts. */
  readonly keepOrder: boolean;
  /** Recorded delays and losses, in addition to all of the above; null: no trace. */
  readonly trace: LinkTrace | null;
}

/** A link without effect: the defaults of `checkLinkSettings`. */
export const CLEAN: LinkSettings = {
  delayMs: 0,
  jitterMs: 0,
  jitterDistribution: 'normal',
  lossRatio: 0,
  burstLength: 1,
  reorderRatio: 0,
  reorderMs: 20,
  rateKbps: 0,
  queueMs: 200,
  stallEveryMs: 0,
  stallForMs: 0,
  keepOrder: false,
  trace: null,
};

/** Whether a link has no effect on packets. */
export function isClear(settings: LinkSettings): boolean {
  const { delayMs, jitterMs, lossRatio, reorderRatio, rateKbps, stallEveryMs, trace } = settings;
  const all = delayMs + jitterMs + lossRatio + reorderRatio + rateKbps + stallEveryMs;
  return all === 0 && trace === null;
}

/** A setting that is a number. */
export type LinkNumber =
  | 'delayMs'
  | 'jitterMs'
  | 'lossRatio'
  | 'burstLength'
  | 'reorderRatio'
  | 'reorderMs'
  | 'rateKbps'
  | 'queueMs'
  | 'stallEveryMs'
  | 'stallForMs';

/** The minimum and maximum of each number in `LinkSettings`, for the check and the sliders. */
export const LINK_RANGES: Readonly<
  Record<LinkNumber, { readonly min: number; readonly max: number }>
> = {
  delayMs: { min: 0, max: 5000 },
  jitterMs: { min: 0, max: 2000 },
  lossRatio: { min: 0, max: 1 },
  burstLength: { min: 1, max: 100 },
  reorderRatio: { min: 0, max: 1 },
  reorderMs: { min: 0, max: 2000 },
  rateKbps: { min: 0, max: 10_000_000 },
  queueMs: { min: 0, max: 10_000 },
  stallEveryMs: { min: 0, max: 600_000 },
  stallForMs: { min: 0, max: 10_000 },
};

/** Settings that have been checked, so that a long trace is not checked for every lane. */
const checked = new WeakSet<object>();

/**
 * Checks settings that come from anywhere: a form, a link, a message.
 * @param value an object with any of the fields of `LinkSettings`; what is missing is as in `CLEAN`
 * @returns complete settings, a frozen copy; settings that this function has returned are returned as they are
 * @throws TypeError for a field that does not exist or is of a wrong type; RangeError for a number out of its range
 */
export function checkLinkSettings(value: unknown): LinkSettings {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`Link settings must be an object, got ${describeOutside(value)}.`);
  }
  if (checked.has(value)) return value as LinkSettings;
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(CLEAN, name)) {
      throw new TypeError(
        `Link settings have the fields ${Object.keys(CLEAN).join(', ')}, got ${describeOutside(name)}.`,
      );
    }
  }
  const fields: Readonly<Record<string, unknown>> = { ...CLEAN, ...value };
  const number = (name: LinkNumber): number =>
    numberIn(name, fields[name], LINK_RANGES[name].min, LINK_RANGES[name].max, describeOutside);
  const settings: LinkSettings = {
    delayMs: number('delayMs'),
    jitterMs: number('jitterMs'),
    jitterDistribution: oneOf(
      'jitterDistribution',
      fields['jitterDistribution'],
      JITTER_DISTRIBUTIONS,
      describeOutside,
    ),
    lossRatio: number('lossRatio'),
    burstLength: number('burstLength'),
    reorderRatio: number('reorderRatio'),
    reorderMs: number('reorderMs'),
    rateKbps: number('rateKbps'),
    queueMs: number('queueMs'),
    stallEveryMs: number('stallEveryMs'),
    stallForMs: number('stallForMs'),
    keepOrder: booleanOf('keepOrder', fields['keepOrder']),
    trace: fields['trace'] === null ? null : checkLinkTrace(fields['trace']),
  };
  if (settings.stallEveryMs > 0 && settings.stallForMs >= settings.stallEveryMs) {
    throw new RangeError(
      `stallForMs must be below stallEveryMs, which is ${settings.stallEveryMs}, got ${settings.stallForMs}.`,
    );
  }
  checked.add(Object.freeze(settings));
  return settings;
}

function booleanOf(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new TypeError(`${name} must be a boolean, got ${describeOutside(value)}.`);
  }
  return value;
}

/** Name of a link in `PRESETS`. */
export type LinkPresetId =
  | 'clean'
  | 'office-wifi'
  | 'cafe-wifi'
  | '4g-moving'
  | 'loss-5'
  | 'jitter-60-30-loss-5'
  | 'satellite'
  | 'cap-64';

/** A link of the list. */
export interface LinkPreset {
  /** Its name for people. */
  readonly label: string;
  /** A sentence on what it models. */
  readonly note: string;
  readonly settings: LinkSettings;
}

/** Links to try, by the names that addresses and command lines use. Both directions get the same settings. */
export const PRESETS: Readonly<Record<LinkPresetId, LinkPreset>> = {
  clean: {
    label: 'Clean',
    note: 'Nothing in the way: what the path costs by itself.',
    settings: CLEAN,
  },
  'office-wifi': {
    label: 'Office Wi-Fi',
    note: 'A good access point on the same floor: a few milliseconds, a retry now and then.',
    settings: {
      ...CLEAN,
      delayMs: 5,
      jitterMs: 3,
      jitterDistribution: 'pareto',
      lossRatio: 0.001,
      burstLength: 2,
      keepOrder: true,
    },
  },
  'cafe-wifi': {
    label: 'Café Wi-Fi',
    note: 'A crowded channel: delays with a long tail, losses in bursts, a scan for other networks every few seconds.',
    settings: {
      ...CLEAN,
      delayMs: 15,
      jitterMs: 15,
      jitterDistribution: 'pareto',
      lossRatio: 0.015,
      burstLength: 3,
      rateKbps: 4000,
      queueMs: 300,
      stallEveryMs: 8000,
      stallForMs: 150,
      keepOrder: true,
    },
  },
  '4g-moving': {
    label: '4G moving',
    note: 'A phone on a train: a deep queue, and a stall of 0.4 s at every change of cell.',
    settings: {
      ...CLEAN,
      delayMs: 45,
      jitterMs: 20,
      jitterDistribution: 'pareto',
      lossRatio: 0.01,
      burstLength: 5,
      rateKbps: 3000,
      queueMs: 1000,
      stallEveryMs: 15_000,
      stallForMs: 400,
      keepOrder: true,
    },
  },
  'loss-5': {
    label: '5 % loss',
    note: 'One packet in twenty is lost, each independently, at 25 ms one way.',
    settings: { ...CLEAN, delayMs: 25, lossRatio: 0.05 },
  },
  'jitter-60-30-loss-5': {
    label: '60 ± 30 ms + 5 %',
    note: 'Delays vary by 30 ms around 60 ms, so that packets overtake each other, and one in twenty is lost.',
    settings: { ...CLEAN, delayMs: 60, jitterMs: 30, lossRatio: 0.05 },
  },
  satellite: {
    label: 'Satellite',
    note: 'A geostationary hop: an unavoidable 300 ms one way, with rare bursts of loss.',
    settings: {
      ...CLEAN,
      delayMs: 300,
      jitterMs: 10,
      lossRatio: 0.005,
      burstLength: 4,
      rateKbps: 2000,
      queueMs: 500,
      keepOrder: true,
    },
  },
  'cap-64': {
    label: '64 kbit/s cap',
    note: 'A narrow line with 0.4 s of queue: speech in Opus fits, samples do not.',
    settings: { ...CLEAN, delayMs: 20, rateKbps: 64, queueMs: 400 },
  },
};
