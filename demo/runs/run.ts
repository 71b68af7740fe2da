import type { LinkPresetId, LinkSettings } from '../link/settings.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import type { LaneSettings } from '../lanes/lane-settings.ts';
import type { LaneFigures, LaneMetricId, RunMetricId } from '../measure/metrics.ts';

/** A link and its name. */
export interface LinkChoice {
  /** Of the list, or `'custom'`. */
  readonly name: LinkPresetId | 'custom';
  readonly settings: LinkSettings;
}

/** Where the audio comes from. `'file'`: one that the user has given. */
export type SourceKind = 'speech' | 'music' | 'microphone' | 'file';

/** Everything that a run depends on but the machine. A link to the page reproduces it. */
export interface RunSettings extends LaneSettings {
  readonly source: SourceKind;
  /** All at the same time, in the order of the table. */
  readonly lanes: readonly LaneId[];
  /** One after the other, in each repetition: the repetitions of links take turns. */
  readonly links: readonly LinkChoice[];
  /** How long each link is measured in each repetition. */
  readonly seconds: number;
  /** How long lanes run before they are measured, so that jitter buffers adapt to the link. */
  readonly settleSeconds: number;
  readonly repetitions: number;
  /** Of the link's chance in the first repetition; each further one takes the next. */
  readonly seed: number;
}

/** The figures of a lane in one repetition over one link. */
export interface LaneRun {
  readonly figures: LaneFigures;
  /** Why there are no figures, or what went wrong; else null. */
  readonly problem: string | null;
}

/** One repetition over one link. */
export interface Repetition {
  readonly link: string;
  /** From 0. */
  readonly index: number;
  readonly lanes: Readonly<Partial<Record<LaneId, LaneRun>>>;
  readonly run: Readonly<Record<RunMetricId, number | null>>;
  /** Why it does not count; null when it does. */
  readonly voided: string | null;
}

/** A figure over the repetitions that count. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Repetitions behind it. */
  readonly count: number;
}

/** All lanes over one link. */
export interface LinkTable {
  readonly link: string;
  readonly lanes: Readonly<Partial<Record<LaneId, Readonly<Record<LaneMetricId, Spread | null>>>>>;
  readonly run: Readonly<Record<RunMetricId, Spread | null>>;
  /** Repetitions that count, and those that do not. */
  readonly counted: number;
  readonly voided: number;
  /** The conclusion from the figures, in a sentence. */
  readonly verdict: string;
}

/** The machine and the program behind the figures. */
export interface RunMachine {
  /** As the browser reports itself. */
  readonly userAgent: string;
  readonly cores: number;
  readonly contextSampleRate: number;
}

/** A finished run. Plain data: JSON holds all of it. */
export interface RunResults {
  readonly settings: RunSettings;
  readonly machine: RunMachine;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly repetitions: readonly Repetition[];
  /** In the order of the settings. */
  readonly tables: readonly LinkTable[];
}

/** The progress of a run. */
export interface RunProgress {
  /** Repetitions of links that are done, and all that there will be. */
  readonly done: number;
  readonly total: number;
  readonly link: string;
  /** From 0. */
  readonly repetition: number;
  readonly stage: 'opening' | 'settling' | 'measuring';
  /** Of the stage, 0 to 1. */
  readonly share: number;
  /** Estimated seconds until the whole run is done. */
  readonly secondsLeft: number;
}
