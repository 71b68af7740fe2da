import { Receiver } from 'micwire';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { Mixer } from '../audio/mixer.ts';
import type { Problem } from '../audio/problem.ts';
import { TRACK_ENDED, problemOf } from '../audio/problem.ts';
import { UNPROCESSED } from '../audio/source.ts';
import type { Source } from '../audio/source.ts';
import type { StageSource } from '../audio/stage-source.ts';
import { openStageSource } from '../audio/stage-source.ts';
import type { LaneId } from '../lanes/lane-ids.ts';
import { LANE_IDS } from '../lanes/lane-ids.ts';
import type { LaneSettings } from '../lanes/lane-settings.ts';
import type { SlotParts } from '../lanes/lane-slot.ts';
import { LaneSlot } from '../lanes/lane-slot.ts';
import { SharedLink } from '../lanes/shared-link.ts';
import { MAX_LAG_SECONDS, WINDOW_SECONDS } from '../measure/lag-finder.ts';
import { Measurement } from '../measure/measurement.ts';
import type { SoundReading } from '../measure/measure-messages.ts';
import { DEFAULT_RUN } from '../runs/address.ts';
import { LaneStage } from '../runs/lane-stage.ts';
import { performRun } from '../runs/perform-run.ts';
import type { LinkChoice, RunProgress, RunResults, RunSettings } from '../runs/run.ts';

/**
 * - `'idle'`: nothing runs;
 * - `'starting'`: waiting for the microphone, the sample or the worklets;
 * - `'running'`: sound goes into the lanes, or a run is being measured;
 * - `'failed'`: nothing runs, `problem` says why.
 */
export type SessionPhase = 'idle' | 'starting' | 'running' | 'failed';

/** What is heard: a lane, or what goes into them. */
export type Heard = LaneId | 'source' | null;

/** Opus works at this rate, and WebRTC too: nobody's resampler is measured. */
const SAMPLE_RATE = 48_000;
/** Volume steps to zero and back take this long, in seconds. */
const VOLUME_RAMP = 0.02;

/** What everything runs in, once it has started. */
interface Running {
  readonly context: AudioContext;
  readonly source: Awaited<ReturnType<typeof openStageSource>>;
  readonly output: GainNode;
  readonly parts: SlotParts;
}

/** Owns everything that sounds: context, source, all lanes at once, their measurement, the link and the runs. Elements draw it. */
export class Session implements ReactiveController {
  phase: SessionPhase = 'idle';
  problem: Problem | null = null;
  /** Change them by the methods below, which act on what runs. */
  settings: RunSettings = DEFAULT_RUN;
  source: StageSource = { kind: 'speech', file: null, processing: UNPROCESSED };
  /** 0..1 */
  volume = 0.8;
  muted = false;
  heard: Heard = null;
  /** Every lane, in the order of the table. */
  readonly lanes: readonly LaneSlot[];
  /** How far the run is; null while none is being measured. */
  progress: RunProgress | null = null;
  /** By how much the link has been later than its model, the 99th percentile, ms; null while nothing went over it. */
  latenessMs: number | null = null;
  /** Of the last run. */
  results: RunResults | null = null;
  private readonly host: Pick<ReactiveControllerHost, 'requestUpdate'>;
  private readonly link = new SharedLink();
  private running: Running | null = null;
  private stopping: AbortController | null = null;
  /** Counts starts and stops: what comes back from an await after another one is out of date. */
  private generation = 0;

  constructor(host: Pick<ReactiveControllerHost, 'requestUpdate' | 'addController'>) {
    this.host = host;
    this.lanes = LANE_IDS.map((id) => new LaneSlot(id, () => host.requestUpdate()));
    this.link.onchange = () => host.requestUpdate();
    host.addController(this);
  }

  hostDisconnected(): void {
    this.stop();
    this.link.close();
  }

  /** The context; null while nothing runs. */
  get context(): AudioContext | null {
    return this.running?.context ?? null;
  }

  /** What goes into the lanes, for meters; null while nothing runs. */
  get input(): AudioNode | null {
    return this.running?.parts.build.source ?? null;
  }

  /** What the source is, in words; empty while nothing runs. */
  get sourceLabel(): string {
    return this.running?.source.label ?? '';
  }

  /** The link of the lanes: during a run, that of the moment. */
  get linkChoice(): LinkChoice {
    return this.link.choice;
  }

  /** What a recorder takes; null while nothing runs. */
  get recordable(): Source | null {
    return this.running?.source ?? null;
  }

  /** Why there is no link but the direct one, in a sentence; else empty. */
  get linkMissing(): string {
    return this.link.missing;
  }

  /** Whether the browser holds the sound back until the user does something, or the system has interrupted it. */
  get suspended(): boolean {
    return this.phase !== 'idle' && this.context !== null && this.context.state !== 'running';
  }

  /** Whether the microphone runs but delivers silence by order of the system or the browser. */
  get trackMuted(): boolean {
    return this.running?.source.track?.muted === true;
  }

  /** Starts source and lanes. Call it from a user's gesture: browsers let no sound out before one. */
  async start(): Promise<void> {
    this.takeDown();
    if (await this.begin()) await this.openLanes(this.settings.lanes);
  }

  stop(): void {
    this.takeDown();
    this.enter('idle');
  }

  /** Lets a suspended context go on. Call it from a user's gesture. */
  resume(): void {
    // An interrupted one must come back by itself: resuming it wedges WebKit (WebAudio/web-audio-api#2585).
    if (this.context?.state === 'suspended') this.context.resume().catch(() => {});
  }

  /** Chooses the source; what runs starts anew with it. */
  async choose(source: Partial<StageSource>): Promise<void> {
    this.source = { ...this.source, ...source };
    this.settings = { ...this.settings, source: this.source.kind };
    this.host.requestUpdate();
    if (this.phase === 'running' || this.phase === 'starting') await this.start();
  }

  /** Chooses the lanes; those that run and stay go on. */
  async chooseLanes(lanes: readonly LaneId[]): Promise<void> {
    this.settings = { ...this.settings, lanes: LANE_IDS.filter((id) => lanes.includes(id)) };
    this.host.requestUpdate();
    if (this.phase === 'running' && this.progress === null) await this.openLanes(lanes);
  }

  /** Changes what lanes are told; those that run are opened anew. */
  async configure(changes: Partial<LaneSettings>): Promise<void> {
    this.settings = { ...this.settings, ...changes };
    this.host.requestUpdate();
    if (this.phase !== 'running' || this.progress !== null) return;
    this.closeLanes();
    await this.openLanes(this.settings.lanes);
  }

  /** Changes the link under everything that runs, at once. */
  async setLink(choice: LinkChoice): Promise<void> {
    this.settings = { ...this.settings, links: [choice] };
    this.host.requestUpdate();
    if (this.progress === null) await this.link.set(choice);
    this.host.requestUpdate();
  }

  /** Changes what only runs look at. */
  plan(
    changes: Partial<
      Pick<RunSettings, 'links' | 'seconds' | 'settleSeconds' | 'repetitions' | 'seed'>
    >,
  ): void {
    this.settings = { ...this.settings, ...changes };
    this.host.requestUpdate();
  }

  /** Lets one lane be heard alone, without a gap; null: none. */
  hear(heard: Heard): void {
    this.heard = heard;
    this.running?.parts.mixer.hear(heard ?? '');
    this.host.requestUpdate();
  }

  /**
   * What became of the sound of the last `seconds` before the longest lag, 2 s ago, by lane; empty while nothing runs. Live figures
   * are of 5 s.
   */
  async soundOfLast(seconds: number): Promise<ReadonlyMap<LaneId, SoundReading>> {
    const { running } = this;
    if (running === null) return new Map();
    const { measurement } = running.parts;
    const to = measurement.frame - Math.round((MAX_LAG_SECONDS + WINDOW_SECONDS) * SAMPLE_RATE);
    const { lanes } = await measurement.measure(to - Math.round(seconds * SAMPLE_RATE), to);
    return new Map(this.lanes.map(({ id, index }) => [id, lanes[index]!]));
  }

  setVolume(volume: number, muted: boolean): void {
    this.volume = volume;
    this.muted = muted;
    const { running } = this;
    running?.output.gain.setTargetAtTime(this.gain, running.context.currentTime, VOLUME_RAMP);
    this.host.requestUpdate();
  }

  /**
   * Measures a run by the settings: opens and closes lanes as it needs. Afterwards everything has stopped, and `results` are there.
   * @returns null when it was stopped, or has failed: `problem` tells
   */
  async run(): Promise<RunResults | null> {
    this.takeDown();
    const { settings } = this;
    if (!(await this.begin())) return null;
    const { generation } = this;
    const { context, parts } = this.running!;
    const stopping = new AbortController();
    this.stopping = stopping;
    const stage = new LaneStage(this.lanes, parts, this.link);
    try {
      const results = await performRun(stage, settings, {
        machine: {
          userAgent: navigator.userAgent,
          cores: navigator.hardwareConcurrency,
          contextSampleRate: context.sampleRate,
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

  private get gain(): number {
    // Squared, so that equal steps of the slider sound about equally large.
    return this.muted ? 0 : this.volume ** 2;
  }

  /** Brings everything up but the lanes. @returns whether it is up, and nobody has stopped it meanwhile */
  private async begin(): Promise<boolean> {
    const { generation } = this;
    this.enter('starting');
    const context = new AudioContext({ latencyHint: 'interactive', sampleRate: SAMPLE_RATE });
    context.onstatechange = () => this.host.requestUpdate();
    // Not awaited: without a gesture it never settles; `suspended` tells.
    context.resume().catch(() => {});
    try {
      const running = await this.openAll(context);
      if (generation !== this.generation) {
        closeAll(running);
        return false;
      }
      this.running = running;
      this.watchTrack(running);
      this.enter('running');
      return true;
    } catch (error) {
      void context.close();
      if (generation === this.generation) this.fail(problemOf(error));
      return false;
    }
  }

  private async openAll(context: AudioContext): Promise<Running> {
    const source = await openStageSource(context, this.source);
    const input = new GainNode(context, { channelCount: 1, channelCountMode: 'explicit' });
    source.node.connect(input);
    const mixer = new Mixer<string>(context);
    mixer.add('source', input);
    mixer.hear(this.heard ?? '');
    const output = new GainNode(context, { gain: this.gain });
    mixer.node.connect(output).connect(context.destination);
    const [measurement] = await Promise.all([
      Measurement.create(context, input, LANE_IDS.length),
      this.link.set(this.settings.links[0]!),
      loadShared(context),
    ]);
    measurement.onlive = (lanes) => void this.update(lanes);
    let destination: MediaStreamAudioDestinationNode | null = null;
    const build = {
      context,
      source: input,
      settings: this.settings,
      link: this.link,
      stream: () => {
        if (destination === null) {
          destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
          input.connect(destination);
        }
        return destination.stream;
      },
    };
    return { context, source, output, parts: { build, measurement, mixer } };
  }

  /** Opens those that are to run and do not, one after the other, and closes the others. */
  private async openLanes(wanted: readonly LaneId[]): Promise<void> {
    const { running } = this;
    if (running === null) return;
    const parts = {
      ...running.parts,
      build: { ...running.parts.build, settings: this.settings },
    };
    for (const slot of this.lanes) if (!wanted.includes(slot.id)) slot.close();
    for (const slot of this.lanes) {
      // Stopped or started anew while one was being opened: the rest is not for us any more.
      if (this.running !== running) return;
      const stays = slot.lane !== null || slot.state === 'opening';
      if (!stays && this.settings.lanes.includes(slot.id)) await slot.open(parts);
    }
  }

  private closeLanes(): void {
    for (const slot of this.lanes) slot.close();
  }

  private async update(sounds: readonly SoundReading[]): Promise<void> {
    const [statistics] = await Promise.all([
      this.link.statistics().catch(() => null),
      ...this.lanes.map((slot) => slot.update(sounds[slot.index] ?? null)),
    ]);
    const { count = 0, p99Ms = 0 } = statistics?.lateness ?? {};
    this.latenessMs = count > 0 ? p99Ms : null;
    this.host.requestUpdate();
  }

  private watchTrack(running: Running): void {
    const { track } = running.source;
    if (track === null) return;
    track.onended = () => {
      if (this.running === running) this.fail(TRACK_ENDED);
    };
    track.onmute = track.onunmute = () => this.host.requestUpdate();
  }

  /** Ends everything that runs, and makes what is still under way out of date. */
  private takeDown(): void {
    this.generation++;
    this.stopping?.abort();
    this.stopping = null;
    this.progress = null;
    this.latenessMs = null;
    this.closeLanes();
    const { running } = this;
    this.running = null;
    if (running !== null) closeAll(running);
  }

  private fail(problem: Problem): void {
    this.takeDown();
    this.problem = problem;
    this.enter('failed');
  }

  private enter(phase: SessionPhase): void {
    this.phase = phase;
    if (phase !== 'failed') this.problem = null;
    this.host.requestUpdate();
  }
}

/** Loads what lanes have in common, so that the first one does not pay for it: the worklets and libopus. */
async function loadShared(context: AudioContext): Promise<void> {
  const receiver = await Receiver.create(context, { format: 'opus', sampleRate: SAMPLE_RATE });
  void receiver.close();
}

function closeAll({ context, source, parts }: Running): void {
  parts.measurement.close();
  source.close();
  context.onstatechange = null;
  void context.close();
}
