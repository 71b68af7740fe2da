import { problemOf } from '../audio/problem.ts';
import type { Mixer } from '../audio/mixer.ts';
import type { Measurement } from '../measure/measurement.ts';
import type { SoundReading } from '../measure/measure-messages.ts';
import type { LaneFigures, LaneTotals } from '../measure/metrics.ts';
import { NO_FIGURES } from '../measure/metrics.ts';
import type { LiveWindow } from './lane-figures.ts';
import { liveFigures } from './lane-figures.ts';
import { LaneHistory } from './lane-history.ts';
import type { LaneId } from './lane-ids.ts';
import { LANE_IDS } from './lane-ids.ts';
import type { LaneState } from './lane-messages.ts';
import type { ComparedLane, LaneBuild, LaneKind } from './lane.ts';
import { LANES } from './lanes.ts';

/** Readings that are kept, one a second: the 5 s of live figures, and the time until their audio is known. */
const LIVE_READINGS = 10;

/** A line of the table, as a page draws it. The session changes it in place and asks its host to update. */
export interface LaneView {
  readonly id: LaneId;
  readonly kind: LaneKind;
  /**
   * `'off'`: not chosen, or nothing runs. `'queued'`: opens after others. `'unavailable'`: this browser lacks a part, or the lane cannot
   * go over the network as it is.
   */
  readonly state: LaneState | 'off' | 'queued' | 'unavailable';
  /** Why it is unavailable, waiting or has failed, in a sentence; else empty. */
  readonly reason: string;
  /** null unless it is open. Its `output` is for meters. */
  readonly lane: ComparedLane | null;
  /** Of the last 5 s that are known, the same for all; packet counters since it was opened. */
  readonly figures: LaneFigures;
  readonly history: LaneHistory;
}

/** What a lane is opened within. */
export interface SlotParts {
  readonly build: Omit<LaneBuild, 'id'>;
  readonly measurement: Measurement;
  readonly mixer: Mixer<string>;
}

/** One line of the table: opens its lane, follows it, and forgets it. */
export class LaneSlot implements LaneView {
  readonly id: LaneId;
  readonly kind: LaneKind;
  /** Number of the lane in a measurement. */
  readonly index: number;
  state: LaneView['state'];
  reason: string;
  lane: ComparedLane | null = null;
  figures: LaneFigures = NO_FIGURES;
  history: LaneHistory = new LaneHistory();
  /** The last report of it; null before. */
  sound: SoundReading | null = null;
  /** Frame of the context at which it last began to run; null while it does not. */
  runningSinceFrame: number | null = null;
  /** The last readings of what the lane counts, oldest first. */
  #readings: LaneTotals[] = [];
  #parts: SlotParts | null = null;
  /** Frame of the context at which it was requested; Infinity while it is not. */
  #openedAtFrame = Infinity;
  readonly #onchange: () => void;

  constructor(id: LaneId, onchange: () => void) {
    this.id = id;
    this.kind = LANES[id];
    this.index = LANE_IDS.indexOf(id);
    this.#onchange = onchange;
    const missing = this.kind.missing();
    this.state = missing === null ? 'off' : 'unavailable';
    this.reason = missing ?? '';
  }

  /** Takes the lane out of use, with the reason in sentences; puts it back where that is empty. */
  bar(reason: string): void {
    const barred = this.state === 'unavailable' ? this.reason : '';
    if (this.kind.missing() !== null || reason === barred) return;
    this.close();
    this.#become(reason === '' ? 'off' : 'unavailable', reason);
  }

  /** Marks the lane as one that opens after others. */
  queue(): void {
    if (this.state === 'off') this.#become('queued', '');
  }

  /** Opens the lane; resolves when it plays, or has failed: see `state`. Does nothing where it is unavailable. */
  async open(parts: SlotParts): Promise<void> {
    if (this.state === 'unavailable') return;
    this.close();
    this.#parts = parts;
    this.#become('opening', '');
    this.#openedAtFrame = parts.measurement.frame;
    parts.measurement.open(this.index);
    try {
      const lane = await this.kind.build({ ...parts.build, id: this.id });
      // Closed, or reopened, meanwhile.
      if (this.#parts !== parts) return lane.close();
      this.lane = lane;
      parts.mixer.add(this.id, lane.output);
      parts.measurement.connect(this.index, lane.output);
      lane.onchange = () => this.#become(lane.state, lane.reason);
      this.#become(lane.state, lane.reason);
    } catch (error) {
      if (this.#parts !== parts) return;
      const { title, cure, kind } = problemOf(error);
      this.#become('failed', kind === 'unexpected' ? cure : `${title} ${cure}`);
    }
  }

  close(): void {
    const { lane } = this;
    const parts = this.#parts;
    this.lane = null;
    this.#parts = null;
    this.#readings = [];
    this.#openedAtFrame = Infinity;
    this.sound = null;
    this.figures = NO_FIGURES;
    this.history = new LaneHistory();
    if (this.state !== 'unavailable') this.#become('off', '');
    parts?.mixer.remove(this.id);
    parts?.measurement.shut(this.index);
    if (lane === null) return;
    lane.onchange = null;
    lane.close();
  }

  /**
   * Takes a reading, and computes the live figures again.
   * @param sound what was heard in the window
   * @param window what the lane counted is taken from the same time, to within a second
   * @param untilFrame the end of the window, by the context
   */
  async update(sound: SoundReading | null, window: LiveWindow, untilFrame: number): Promise<void> {
    // Also while the lane is being built: it says how long it has been silent. Older readings are of the previous lane.
    if (untilFrame >= this.#openedAtFrame) this.sound = sound;
    const { lane } = this;
    if (lane === null) return;
    const totals = await lane.totals();
    if (this.lane !== lane) return;
    this.#readings.push(totals);
    if (this.#readings.length > LIVE_READINGS) this.#readings.shift();
    this.figures = liveFigures(this.#readings, sound, window);
    this.history.add(totals.atMs / 1000, this.figures);
  }

  #become(state: LaneView['state'], reason: string): void {
    if (state !== 'running') this.runningSinceFrame = null;
    else this.runningSinceFrame ??= this.#parts?.measurement.frame ?? null;
    this.state = state;
    this.reason = reason;
    this.#onchange();
  }
}
