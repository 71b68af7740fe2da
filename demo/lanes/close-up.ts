import { problemOf } from '../audio/problem.ts';
import { Tap } from '../audio/tap.ts';
import type { OpenStage, SessionHost } from '../controllers/session.ts';
import { Pace } from '../controllers/pace.ts';
import { Session } from '../controllers/session.ts';
import { DEFAULT_RUN } from '../runs/address.ts';
import type { LinkChoice } from '../runs/run.ts';
import { CloseUpLane } from './close-up-lane.ts';
import type { CloseUpSettings } from './close-up-settings.ts';
import { DEFAULT_SETTINGS, withChanges } from './close-up-settings.ts';
import { LINK_INTERVAL_MS, SharedLink, recentLatenessMs } from './shared-link.ts';

/** How often the simulated network is asked how late it is, ms. */
const STATISTICS_MS = 1000;

/**
 * One lane with any settings, close up: what is captured goes over the simulated network and back, and everything about it can be
 * seen.
 */
export class CloseUp extends Session {
  settings: CloseUpSettings = DEFAULT_SETTINGS;
  /** Change it by `setLink`, which acts on what runs. */
  linkChoice: LinkChoice = DEFAULT_RUN.links[0]!;
  /**
   * By how much the simulated network was later than its model in the last 9 s, the 99th percentile, ms; null while nothing went over it.
   */
  latenessMs: number | null = null;
  lane: CloseUpLane | null = null;
  inputTap: Tap | null = null;
  outputTap: Tap | null = null;
  protected readonly contextOptions = {};
  readonly #link = new SharedLink();
  readonly #pace: Pace;
  #opened: OpenStage | null = null;
  /** Whether the lane goes directly, as there was no simulated network when it was opened. */
  #isDirect = false;
  #statistics: ReturnType<typeof setInterval> | undefined;

  constructor(host: SessionHost) {
    super(host);
    this.#pace = new Pace(host, LINK_INTERVAL_MS, () => void this.#changeLink());
    this.#link.onchange = () => host.requestUpdate();
  }

  override hostDisconnected(): void {
    super.hostDisconnected();
    this.#link.close();
  }

  /** Why there is no simulated network, in a sentence; else empty. While the server is gone, the lane's status says so. */
  get linkMissing(): string {
    return (this.lane?.wireStatus.failedAttempts ?? 0) > 0 ? '' : this.#link.missing;
  }

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
    await this.#rebuild();
  }

  /** Changes the simulated network, under what runs too. */
  setLink(choice: LinkChoice): void {
    this.linkChoice = choice;
    this.host.requestUpdate();
    this.#pace.ask();
  }

  protected async open(stage: OpenStage): Promise<void> {
    this.#opened = stage;
    const [tap] = await Promise.all([Tap.create(stage.source.node), this.#tellLink()]);
    if (stage.outdated()) return tap.close();
    this.inputTap = tap;
    this.#statistics = setInterval(() => void this.#readLateness(), STATISTICS_MS);
    await this.#buildLane(stage.outdated);
  }

  protected shut(): void {
    this.#opened = null;
    clearInterval(this.#statistics);
    this.latenessMs = null;
    this.#closeLane();
    this.inputTap?.close();
    this.inputTap = null;
  }

  async #rebuild(): Promise<void> {
    const generation = ++this.generation;
    this.#closeLane();
    try {
      await this.#buildLane(() => generation !== this.generation);
    } catch (error) {
      if (generation === this.generation) this.fail(problemOf(error));
    }
    this.host.requestUpdate();
  }

  async #buildLane(outdated: () => boolean): Promise<void> {
    const { settings } = this;
    const opened = this.#opened;
    if (opened === null) return;
    const { context, source, output } = opened;
    this.#isDirect = !this.#link.isThere;
    const way = this.#link.openSocketWay('close-up');
    const lane = await CloseUpLane.open({ context, source, way, ...settings });
    const outputTap = await Tap.create(lane.output).catch((error: unknown) => {
      lane.close();
      throw error;
    });
    const late = outdated();
    if (late || settings !== this.settings) {
      outputTap.close();
      lane.close();
      return late ? undefined : this.#buildLane(outdated);
    }
    lane.output.connect(output);
    lane.onchange = () => {
      if (lane.error !== undefined) this.fail(problemOf(lane.error));
      else if (lane.wireStatus.state === 'connecting') void this.#rejoin(lane);
      this.host.requestUpdate();
    };
    this.lane = lane;
    this.outputTap = outputTap;
  }

  /** Where the simulated network has ended with its server, so has the lane's address: when it is back, the lane takes another. */
  async #rejoin(lane: CloseUpLane): Promise<void> {
    if (this.#link.isThere || this.#isDirect) return;
    await this.#tellLink();
    if (this.#link.isThere && this.lane === lane) await this.#rebuild();
  }

  /** Sets the network to what was chosen. When that fails, `linkMissing` says why. */
  async #tellLink(): Promise<void> {
    await this.#link.set(this.linkChoice).catch(() => {});
    this.host.requestUpdate();
  }

  /** A lane that went directly goes over the network as soon as there is one. */
  async #changeLink(): Promise<void> {
    await this.#tellLink();
    if (this.#isDirect && this.#link.isThere && this.lane !== null) await this.#rebuild();
  }

  async #readLateness(): Promise<void> {
    const opened = this.#opened;
    const statistics = await this.#link.statistics().catch(() => null);
    if (opened === null || this.#opened !== opened) return;
    this.latenessMs = recentLatenessMs(statistics);
  }

  #closeLane(): void {
    this.outputTap?.close();
    this.outputTap = null;
    this.lane?.close();
    this.lane = null;
  }
}
