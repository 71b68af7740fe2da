import { problemOf } from '../audio/problem.ts';
import { Tap } from '../audio/tap.ts';
import type { OpenStage } from '../controllers/session.ts';
import { Session } from '../controllers/session.ts';
import { CloseUpLane } from './close-up-lane.ts';
import type { CloseUpSettings } from './close-up-settings.ts';
import { DEFAULT_SETTINGS, withChanges } from './close-up-settings.ts';

/** One lane with any settings, close up: what is captured goes to a server and back, and everything about it can be seen. */
export class CloseUp extends Session {
  settings: CloseUpSettings = DEFAULT_SETTINGS;
  lane: CloseUpLane | null = null;
  inputTap: Tap | null = null;
  outputTap: Tap | null = null;
  protected readonly contextOptions = {};
  #opened: OpenStage | null = null;

  /**
   * Takes new settings; a running lane is built again, the source continues. Only a shorter target needs no new lane: the playout
   * removes the surplus, but waits longer from its next start on.
   */
  async configure(changes: Partial<CloseUpSettings>): Promise<void> {
    const { targetDelayMs = Infinity, ...others } = changes;
    const shorter = targetDelayMs <= this.settings.targetDelayMs;
    this.settings = withChanges(this.settings, changes);
    this.host.requestUpdate();
    if (this.phase !== 'running') return;
    if (shorter) this.lane?.setTargetDelay(targetDelayMs);
    if (shorter && Object.keys(others).length === 0) return;
    const generation = ++this.generation;
    this.#closeLane();
    try {
      await this.#buildLane(() => generation !== this.generation);
    } catch (error) {
      if (generation === this.generation) this.fail(problemOf(error));
    }
    this.host.requestUpdate();
  }

  protected async open(stage: OpenStage): Promise<void> {
    this.#opened = stage;
    const tap = await Tap.create(stage.source.node);
    if (stage.outdated()) return tap.close();
    this.inputTap = tap;
    await this.#buildLane(stage.outdated);
  }

  protected shut(): void {
    this.#opened = null;
    this.#closeLane();
    this.inputTap?.close();
    this.inputTap = null;
  }

  async #buildLane(outdated: () => boolean): Promise<void> {
    const { settings } = this;
    const opened = this.#opened;
    if (opened === null) return;
    const { context, source, output } = opened;
    const lane = await CloseUpLane.open({ context, source, ...settings });
    const outputTap = await Tap.create(lane.output);
    const late = outdated();
    if (late || settings !== this.settings) {
      outputTap.close();
      lane.close();
      return late ? undefined : this.#buildLane(outdated);
    }
    lane.output.connect(output);
    lane.onchange = () => {
      if (lane.error !== undefined) this.fail(problemOf(lane.error));
      this.host.requestUpdate();
    };
    this.lane = lane;
    this.outputTap = outputTap;
  }

  #closeLane(): void {
    this.outputTap?.close();
    this.outputTap = null;
    this.lane?.close();
    this.lane = null;
  }
}
