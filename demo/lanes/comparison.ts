import { Receiver } from 'micwire';
import { Mixer } from '../audio/mixer.ts';
import { problemOf } from '../audio/problem.ts';
import type { StageSource } from '../audio/source.ts';
import type { OpenStage, SessionHost } from '../controllers/session.ts';
import { Session } from '../controllers/session.ts';
import { MAX_LAG_SECONDS, WINDOW_SECONDS } from '../measure/lag-finder.ts';
import { LIVE_SECONDS } from '../measure/live-reading.ts';
import type { LiveReading, SoundReading } from '../measure/measure-messages.ts';
import { Measurement } from '../measure/measurement.ts';
import { DEFAULT_RUN } from '../runs/address.ts';
import { LaneStage } from '../runs/lane-stage.ts';
import { performRun } from '../runs/perform-run.ts';
import type { LinkChoice, RunProgress, RunResults, RunSettings } from '../runs/run.ts';
import type { LaneId } from './lane-ids.ts';
import type { Trim } from '../audio/mixer.ts';
import { LANE_IDS } from './lane-ids.ts';
import { LANE_SAMPLE_RATE } from './lane-settings.ts';
import type { LaneSettings } from './lane-settings.ts';
import type { SlotParts } from './lane-slot.ts';
import { LaneSlot } from './lane-slot.ts';
import type { Readiness } from './readiness.ts';
import { readinessOf } from './readiness.ts';
import { SharedLink, recentLatenessMs } from './shared-link.ts';

/** A lane that takes longer than this to open does not hold up those after it, ms. */
const OPENING_MS = 10_000;

/** What is heard: a lane, or what goes into them. */
export type Heard = LaneId | 'source' | null;

/** All lanes side by side: one source and one simulated network for all of them, their measurement, and the runs. */
export class Comparison extends Session {
  /** Change them by the methods below, which act on what runs. */
  settings: RunSettings = DEFAULT_RUN;
  heard: Heard = null;
  /** Every lane, in the order of the table. */
  readonly lanes: readonly LaneSlot[];
  /** How far the run is; null while none is being measured. */
  progress: RunProgress | null = null;
  /** By how much the simulated network was later than its model in the last 9 s, the 99th percentile, ms; null while nothing went over it. */
  latenessMs: number | null = null;
  /** Of the last run. */
  results: RunResults | null = null;
  // Opus works at this rate, and WebRTC too: no resampler is measured.
  protected readonly contextOptions = { sampleRate: LANE_SAMPLE_RATE };
  readonly #link = new SharedLink();
  #parts: SlotParts | null = null;
  #stopping: AbortController | null = null;
  /** The last that arrived; null before. */
  #live: LiveReading | null = null;
  /** Since when the network is as it is; Infinity while it is being changed. */
  #networkSinceFrame = -Infinity;
  #networkChanges = 0;
  /** Counts how often lanes were chosen or configured. */
  #openings = 0;

  constructor(host: SessionHost) {
    super(host);
    this.lanes = LANE_IDS.map((id) => new LaneSlot(id, () => host.requestUpdate()));
    this.#link.onchange = () => host.requestUpdate();
    this.#link.onset = () => this.#barCalls();
  }

  override hostDisconnected(): void {
    super.hostDisconnected();
    this.#link.close();
  }

  /** What goes into the lanes, for meters; null while nothing runs. */
  get input(): AudioNode | null {
    return this.#parts?.build.source ?? null;
  }

  /** The simulated network of the lanes: during a run, that of the moment. */
  get linkChoice(): LinkChoice {
    return this.#link.choice;
  }

  /** A capture file (pcapng) of what passed the network of a lane's last call; null where nothing has. */
  captureCall(lane: LaneId): Promise<Uint8Array | null> {
    return this.#link.captureCall(lane);
  }

  /** Whether the lanes can be judged now, and which. */
  get readiness(): Readiness<LaneId> {
    const live = this.#live;
    if (this.phase === 'starting' || this.progress?.stage === 'opening') {
      const { lanes } = this.settings;
      const waiting = this.lanes.flatMap(({ id, state }) =>
        lanes.includes(id) && state !== 'unavailable' ? [id] : [],
      );
      const count = waiting.length;
      if (count > 0) return { state: 'settling', count, ready: [], waiting, secondsLeft: null };
    }
    return readinessOf({
      lanes: this.lanes.map(({ id, state, sound, runningSinceFrame }) => ({
        id,
        state,
        runningSinceFrame,
        firstSoundFrame: sound?.firstSoundFrame ?? null,
        soughtMs: sound?.soughtMs ?? 0,
      })),
      sampleRate: LANE_SAMPLE_RATE,
      untilFrame: live?.untilFrame ?? 0,
      sourceMs: live?.sourceMs ?? null,
      networkSinceFrame: this.#networkSinceFrame,
      latenessMs: this.latenessMs,
      droppedMs: this.droppedMs,
    });
  }

  /** ms of audio that the recorder behind the figures has recently lost. */
  get droppedMs(): number {
    return this.#live?.droppedMs ?? 0;
  }

  /** Why there is no simulated network, in a sentence; else empty. */
  get linkMissing(): string {
    return this.#link.missing;
  }

  override async start(): Promise<void> {
    if (await this.begin()) await this.#openLanes(this.settings.lanes);
  }

  override async choose(changes: Partial<StageSource>): Promise<void> {
    this.settings = { ...this.settings, source: changes.kind ?? this.stage.kind };
    await super.choose(changes);
  }

  /** Chooses the lanes; those that run and stay are left alone. */
  async chooseLanes(lanes: readonly LaneId[]): Promise<void> {
    this.settings = { ...this.settings, lanes: LANE_IDS.filter((id) => lanes.includes(id)) };
    this.host.requestUpdate();
    if (this.phase === 'running' && this.progress === null) await this.#openLanes(lanes);
  }

  /** Changes the settings of lanes; those that run restart. */
  async configure(changes: Partial<LaneSettings>): Promise<void> {
    this.settings = { ...this.settings, ...changes };
    this.host.requestUpdate();
    if (this.phase !== 'running' || this.progress !== null) return;
    this.#closeLanes();
    await this.#openLanes(this.settings.lanes);
  }

  /** Changes the simulated network under everything that runs, at once. */
  async setLink(choice: LinkChoice): Promise<void> {
    this.settings = { ...this.settings, links: [choice] };
    this.host.requestUpdate();
    if (this.progress === null) {
      this.#networkSinceFrame = Infinity;
      const change = ++this.#networkChanges;
      try {
        await this.#link.set(choice);
      } finally {
        if (change === this.#networkChanges) {
          this.#networkSinceFrame = this.#parts?.measurement.frame ?? -Infinity;
        }
      }
      // Some could not go over the network before.
      const left = this.lanes.some(
        ({ id, state }) => state === 'off' && this.settings.lanes.includes(id),
      );
      if (left && this.phase === 'running' && this.progress === null)
        await this.#openLanes(this.settings.lanes);
    }
    this.host.requestUpdate();
  }

  /** Changes the settings that only runs use. */
  plan(
    changes: Partial<
      Pick<RunSettings, 'links' | 'seconds' | 'settleSeconds' | 'repetitions' | 'seed'>
    >,
  ): void {
    this.settings = { ...this.settings, ...changes };
    this.host.requestUpdate();
  }

  /** Lets one lane be heard alone, without a gap; null: none. @param trims makes lanes alike in time and level, for a comparison */
  hear(heard: Heard, trims?: ReadonlyMap<LaneId, Trim>): void {
    this.heard = heard;
    this.#parts?.mixer.hear(heard ?? '', trims);
    this.host.requestUpdate();
  }

  /**
   * What became of the audio of the last `seconds` before the longest lag, 2 s ago, by lane; empty while nothing runs. Live
   * figures are of 5 s.
   */
  async soundOfLast(seconds: number): Promise<ReadonlyMap<LaneId, SoundReading>> {
    const parts = this.#parts;
    if (parts === null) return new Map();
    const { measurement } = parts;
    const to =
      measurement.frame - Math.round((MAX_LAG_SECONDS + WINDOW_SECONDS) * LANE_SAMPLE_RATE);
    const { lanes } = await measurement.measure(to - Math.round(seconds * LANE_SAMPLE_RATE), to);
    return new Map(this.lanes.map(({ id, index }) => [id, lanes[index]!]));
  }

  /**
   * Measures a run by the settings: opens and closes lanes as it needs. Afterwards everything has stopped, and `results` are there.
   * @returns null when it was stopped, or has failed: `problem` says why
   */
  async run(): Promise<RunResults | null> {
    const { settings } = this;
    if (!(await this.begin())) return null;
    const { generation } = this;
    const stopping = new AbortController();
    this.#stopping = stopping;
    const stage = new LaneStage(this.lanes, this.#parts!, this.#link);
    try {
      const results = await performRun(stage, settings, {
        machine: {
          userAgent: navigator.userAgent,
          cores: navigator.hardwareConcurrency,
          contextSampleRate: this.context!.sampleRate,
        },
        signal: stopping.signal,
        onprogress: (progress) => {
          this.progress = progress;
          this.host.requestUpdate();
        },
      });
      if (generation !== this.generation) return null;
      this.results = results;
      this.stop();
      return results;
    } catch (error) {
      if (generation === this.generation) this.fail(problemOf(error));
      return null;
    }
  }

  /** Brings everything up but the lanes. */
  protected async open({ context, source, output, outdated }: OpenStage): Promise<void> {
    const input = new GainNode(context, { channelCount: 1, channelCountMode: 'explicit' });
    source.node.connect(input);
    const mixer = new Mixer<string>(context);
    mixer.add('source', input);
    mixer.hear(this.heard ?? '');
    mixer.node.connect(output);
    const [measurement] = await Promise.all([
      Measurement.create(context, input, LANE_IDS.length),
      this.#link.set(this.settings.links[0]!),
      loadShared(context),
    ]);
    if (outdated()) return measurement.close();
    measurement.onlive = (reading) => void this.#update(reading);
    this.#networkSinceFrame = -Infinity;
    let destination: MediaStreamAudioDestinationNode | null = null;
    const build = {
      context,
      source: input,
      settings: this.settings,
      link: this.#link,
      stream: () => {
        if (destination === null) {
          destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
          input.connect(destination);
        }
        return destination.stream;
      },
    };
    this.#parts = { build, measurement, mixer };
  }

  protected shut(): void {
    this.#stopping?.abort();
    this.#stopping = null;
    this.progress = null;
    this.latenessMs = null;
    this.#live = null;
    this.#closeLanes();
    this.#parts?.measurement.close();
    this.#parts = null;
  }

  /** Opens those that are to run and do not, one at a time, and closes the others. */
  async #openLanes(wanted: readonly LaneId[]): Promise<void> {
    const parts = this.#parts;
    if (parts === null) return;
    const opening = ++this.#openings;
    const told = { ...parts, build: { ...parts.build, settings: this.settings } };
    for (const slot of this.lanes) if (!wanted.includes(slot.id)) slot.close();
    const stays = ({ lane, state }: LaneSlot): boolean => lane !== null || state === 'opening';
    for (const slot of this.lanes) {
      if (!stays(slot) && wanted.includes(slot.id)) slot.queue();
    }
    for (const slot of this.lanes) {
      // Stopped, started again or configured differently while one was being opened: the rest is no longer up to this call.
      if (this.#parts !== parts || opening !== this.#openings) return;
      if (stays(slot) || !this.settings.lanes.includes(slot.id)) continue;
      await Promise.race([slot.open(told), new Promise((next) => setTimeout(next, OPENING_MS))]);
    }
  }

  /** WebRTC lanes run where they can go over the network. */
  #barCalls(): void {
    const reason = this.#link.callsBarred;
    for (const slot of this.lanes) if (slot.kind.family === 'webrtc') slot.bar(reason);
  }

  #closeLanes(): void {
    for (const slot of this.lanes) slot.close();
  }

  async #update(reading: LiveReading): Promise<void> {
    const parts = this.#parts;
    if (parts === null) return;
    const { lanes, untilFrame } = reading;
    const agoMs = ((parts.measurement.frame - untilFrame) * 1000) / LANE_SAMPLE_RATE;
    const toMs = performance.now() - agoMs;
    const window = { fromMs: toMs - LIVE_SECONDS * 1000, toMs };
    const statistics = await this.#link.statistics().catch(() => null);
    if (this.#parts !== parts) return;
    await Promise.all(
      this.lanes.map((slot) => slot.update(lanes[slot.index] ?? null, window, untilFrame)),
    );
    if (this.#parts !== parts) return;
    this.latenessMs = recentLatenessMs(statistics);
    this.#live = reading;
    this.host.requestUpdate();
  }
}

/** Loads what lanes have in common, so that the first one does not pay for it: the worklets and libopus. */
async function loadShared(context: AudioContext): Promise<void> {
  const receiver = await Receiver.create(context, {
    format: 'opus',
    sampleRate: LANE_SAMPLE_RATE,
  });
  void receiver.close();
}
