import type { LaneTotals } from '../measure/metrics.ts';
import { laneFigures } from '../lanes/lane-figures.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import type { LaneSettings } from '../lanes/lane-settings.ts';
import type { LaneSlot, SlotParts } from '../lanes/lane-slot.ts';
import type { SharedLink } from '../lanes/shared-link.ts';
import type { LinkStatistics } from '../link/protocol.ts';
import { NO_FIGURES } from '../measure/metrics.ts';
import type { RunStage } from './perform-run.ts';
import type { LaneRun, LinkChoice, Repetition } from './run.ts';

/** How long a lane may take to open, ms: after that it is measured as it is, so that others do not wait for it. */
const OPENING_TIMEOUT_MS = 15_000;
/** How long to wait for the audio's figures after the last frame, ms: longer than the longest lag. */
const MEASURED_TIMEOUT_MS = 15_000;

/** The lanes of a page as the stage of runs. */
export class LaneStage implements RunStage {
  readonly #slots: readonly LaneSlot[];
  readonly #parts: SlotParts;
  readonly #link: SharedLink;

  constructor(slots: readonly LaneSlot[], parts: SlotParts, link: SharedLink) {
    this.#slots = slots;
    this.#parts = parts;
    this.#link = link;
  }

  setLink(choice: LinkChoice): Promise<void> {
    return this.#link.set(choice);
  }

  async openLanes(lanes: readonly LaneId[], settings: LaneSettings): Promise<void> {
    const parts = { ...this.#parts, build: { ...this.#parts.build, settings } };
    for (const slot of this.#chosen(lanes)) {
      await withTimeout(slot.open(parts), OPENING_TIMEOUT_MS);
    }
  }

  closeLanes(): void {
    for (const slot of this.#slots) slot.close();
  }

  wait(seconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason);
      });
    });
  }

  async measure(
    lanes: readonly LaneId[],
    seconds: number,
    seed: number,
    signal: AbortSignal,
  ): Promise<Pick<Repetition, 'lanes' | 'run'>> {
    const { measurement, build } = this.#parts;
    const slots = this.#chosen(lanes);
    await this.#link.restart(seed);
    const from = measurement.begin();
    const { totals: before } = await this.#read(slots);
    const to = from + Math.round(seconds * build.context.sampleRate);
    while (measurement.frame < to) {
      const left = (to - measurement.frame) / build.context.sampleRate;
      await this.wait(Math.max(0.01, left), signal);
    }
    const { totals: after, link } = await this.#read(slots);
    const measured = await withTimeout(measurement.measure(from, to), MEASURED_TIMEOUT_MS);
    const results: Partial<Record<LaneId, LaneRun>> = {};
    slots.forEach((slot, i) => {
      const { id, index, reason, state } = slot;
      const sound = measured?.lanes[index] ?? null;
      const problem = state === 'running' ? null : reason || `It is ${state}.`;
      const figures =
        after[i] === null ? NO_FIGURES : laneFigures(before[i]!, after[i]!, sound, 'between');
      results[id] = { figures, problem };
    });
    const run = {
      link_lateness_p99_ms: link === null || link.lateness.count === 0 ? null : link.lateness.p99Ms,
      recorder_dropped_ms: measured?.droppedMs ?? null,
    };
    return { lanes: results, run };
  }

  /** What the network and the lanes have counted: the network first, because it reports what it repeated for them. */
  async #read(
    slots: readonly LaneSlot[],
  ): Promise<{ totals: readonly (LaneTotals | null)[]; link: LinkStatistics | null }> {
    const link = await this.#link.statistics();
    const totals = await Promise.all(slots.map(async ({ lane }) => (await lane?.totals()) ?? null));
    return { totals, link };
  }

  now(): string {
    return new Date().toISOString();
  }

  #chosen(lanes: readonly LaneId[]): LaneSlot[] {
    return this.#slots.filter(({ id }) => lanes.includes(id));
  }
}

/** Resolves with null when it takes too long. */
function withTimeout<Value>(promise: Promise<Value>, ms: number): Promise<Value | null> {
  return Promise.race([
    promise,
    new Promise<null>((resolve) => setTimeout(() => resolve(null), ms)),
  ]);
}
