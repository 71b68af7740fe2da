import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { Problem } from '../audio/problem.ts';
import { TRACK_ENDED, problemOf } from '../audio/problem.ts';
import type { Source } from '../audio/source.ts';
import { UNPROCESSED } from '../audio/source.ts';
import type { StageSource } from '../audio/stage-source.ts';
import { openStageSource } from '../audio/stage-source.ts';
import { Tap } from '../audio/tap.ts';
import type { Lane, LaneKind } from './close-up-parts.ts';
import { LANES } from './close-up-kinds.ts';
import type { LaneSettings } from './close-up-settings.ts';
import { DEFAULT_SETTINGS, withChanges } from './close-up-settings.ts';

/**
 * - `'idle'`: nothing runs;
 * - `'starting'`: waiting for the microphone, the sample or the worklets;
 * - `'running'`: sound goes round;
 * - `'failed'`: nothing runs, `problem` says why.
 */
export type SessionPhase = 'idle' | 'starting' | 'running' | 'failed';

/** Volume steps to zero and back take this long, in seconds: quick, but without a click. */
const VOLUME_RAMP = 0.02;

/** Owns everything that sounds: context, source, lane, meters, output. Elements read it and draw. */
export class Session implements ReactiveController {
  phase: SessionPhase = 'idle';
  problem: Problem | null = null;
  settings: LaneSettings = DEFAULT_SETTINGS;
  stage: StageSource = { kind: 'speech', file: null, processing: UNPROCESSED };
  /** 0..1 */
  volume = 0.8;
  muted = false;
  context: AudioContext | null = null;
  source: Source | null = null;
  lane: Lane | null = null;
  inputTap: Tap | null = null;
  outputTap: Tap | null = null;
  private readonly host: ReactiveControllerHost;
  private output: GainNode | null = null;
  /** Counts starts and stops: what comes back from an await after another one is out of date. */
  private generation = 0;

  constructor(host: ReactiveControllerHost) {
    this.host = host;
    host.addController(this);
  }

  hostDisconnected(): void {
    this.stop();
  }

  get laneKind(): LaneKind {
    return LANES[this.settings.lane];
  }

  /** Whether the browser holds the sound back until the user does something, or the system has interrupted it. */
  get suspended(): boolean {
    return this.phase !== 'idle' && this.context !== null && this.context.state !== 'running';
  }

  /** Whether the microphone runs but delivers silence by order of the system or the browser. */
  get trackMuted(): boolean {
    return this.source?.track?.muted === true;
  }

  /** Starts the chosen source. Call it from a user's gesture: browsers let no sound out before one. */
  async start(): Promise<void> {
    this.takeDown();
    const { generation } = this;
    this.enter('starting');
    const context = new AudioContext({ latencyHint: 'interactive' });
    this.context = context;
    context.onstatechange = () => this.host.requestUpdate();
    // Not awaited: without a gesture it never settles; `suspended` tells.
    context.resume().catch(() => {});
    try {
      const source = await openStageSource(context, this.stage);
      if (generation !== this.generation) return source.close();
      this.source = source;
      this.watchTrack(source);
      this.output = new GainNode(context, { gain: this.gain });
      this.output.connect(context.destination);
      const inputTap = await Tap.create(source.node);
      if (generation !== this.generation) return inputTap.close();
      this.inputTap = inputTap;
      await this.buildLane(generation);
      if (generation === this.generation) this.enter('running');
    } catch (error) {
      if (generation === this.generation) this.fail(problemOf(error));
    }
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

  /**
   * Takes new settings; a running lane is rebuilt, the source continues. Only a shorter target needs no new lane: the playout
   * works the surplus off, but waits longer from its next start on.
   */
  async configure(changes: Partial<LaneSettings>): Promise<void> {
    const { targetDelay = Infinity, ...others } = changes;
    const shorter = targetDelay <= this.settings.targetDelay;
    this.settings = withChanges(this.settings, changes);
    this.host.requestUpdate();
    if (this.phase !== 'running') return;
    if (shorter) this.lane?.setTargetDelay(targetDelay);
    if (shorter && Object.keys(others).length === 0) return;
    const generation = ++this.generation;
    this.closeLane();
    try {
      await this.buildLane(generation);
    } catch (error) {
      if (generation === this.generation) this.fail(problemOf(error));
    }
    this.host.requestUpdate();
  }

  /** Chooses the source; a running session restarts with it. */
  async choose(changes: Partial<StageSource>): Promise<void> {
    this.stage = { ...this.stage, ...changes };
    this.host.requestUpdate();
    if (this.phase === 'running' || this.phase === 'starting') await this.start();
  }

  setVolume(volume: number, muted: boolean): void {
    this.volume = volume;
    this.muted = muted;
    const { context, output } = this;
    if (context && output) output.gain.setTargetAtTime(this.gain, context.currentTime, VOLUME_RAMP);
    this.host.requestUpdate();
  }

  private get gain(): number {
    // Squared, so that equal steps of the slider sound about equally large.
    return this.muted ? 0 : this.volume ** 2;
  }

  private async buildLane(generation: number): Promise<void> {
    const { context, source, output, laneKind, settings } = this;
    if (!context || !source || !output) return;
    const lane = await laneKind.build({ context, source, ...settings }, laneKind);
    const outputTap = await Tap.create(lane.output);
    const outdated = generation !== this.generation;
    if (outdated || settings !== this.settings) {
      outputTap.close();
      lane.close();
      return outdated ? undefined : this.buildLane(generation);
    }
    lane.output.connect(output);
    lane.onchange = () => {
      if (lane.error !== undefined) this.fail(problemOf(lane.error));
      this.host.requestUpdate();
    };
    this.lane = lane;
    this.outputTap = outputTap;
  }

  private closeLane(): void {
    this.outputTap?.close();
    this.outputTap = null;
    this.lane?.close();
    this.lane = null;
  }

  private watchTrack(source: Source): void {
    const { track } = source;
    if (track === null) return;
    track.onended = () => {
      if (this.source === source) this.fail(TRACK_ENDED);
    };
    track.onmute = track.onunmute = () => this.host.requestUpdate();
  }

  /** Ends everything that runs, and makes what is still under way out of date. */
  private takeDown(): void {
    this.generation++;
    this.closeLane();
    this.inputTap?.close();
    this.inputTap = null;
    this.source?.close();
    this.source = null;
    this.output = null;
    const { context } = this;
    this.context = null;
    if (context !== null) {
      context.onstatechange = null;
      void context.close();
    }
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
