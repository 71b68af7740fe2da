import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { Speaker } from 'micwire';
import type { Problem } from '../audio/problem.ts';
import { openSpeaker } from '../audio/open-speaker.ts';
import { problemOf } from '../audio/problem.ts';
import type { Source, StageSource } from '../audio/source.ts';
import { UNPROCESSED, openStageSource } from '../audio/source.ts';
import { MicrophoneDesk } from './microphone-desk.ts';

/**
 * - `'idle'`: nothing runs;
 * - `'starting'`: waiting for the microphone, the sample or the worklets;
 * - `'running'`: audio goes into the lanes;
 * - `'failed'`: nothing runs, `problem` says why.
 */
export type SessionPhase = 'idle' | 'starting' | 'running' | 'failed';

/** The host that draws a session: an element, or nothing. */
export type SessionHost = Pick<ReactiveControllerHost, 'requestUpdate' | 'addController'>;

/** What lanes are built within. */
export interface OpenStage {
  readonly context: AudioContext;
  readonly source: Source;
  /** What is heard. */
  readonly output: AudioNode;
  /** Whether the session was stopped or started again meanwhile: whatever was opened since must be closed. */
  readonly outdated: () => boolean;
}

/** Volume steps to zero and back take this long, in seconds: quick, but without a click. */
const VOLUME_RAMP = 0.02;

/** Owns what every view of lanes has: context, source, output and the phase. A view adds its lanes. Elements draw it. */
export abstract class Session implements ReactiveController {
  phase: SessionPhase = 'idle';
  problem: Problem | null = null;
  /** The source that was chosen. */
  stage: StageSource = { kind: 'speech', file: null, processing: UNPROCESSED };
  /** 0..1 */
  volume = 0.8;
  muted = false;
  /** null while nothing runs, as is `source`. */
  context: AudioContext | null = null;
  source: Source | null = null;
  /** The choice of the microphone's device, and what is done with it. */
  readonly desk: MicrophoneDesk;
  protected readonly host: SessionHost;
  /** Counts starts and stops: what comes back from an await after another one is out of date. */
  protected generation = 0;
  #output: GainNode | null = null;
  #speaker: Speaker | null = null;

  constructor(host: SessionHost) {
    this.host = host;
    host.addController(this);
    this.desk = new MicrophoneDesk(host);
  }

  hostDisconnected(): void {
    this.stop();
  }

  /** Whether the browser blocks the audio until the user does something, or the system has interrupted it. */
  get suspended(): boolean {
    return this.source !== null && this.context?.state !== 'running';
  }

  /** Starts the chosen source and the lanes. Call it from a user's gesture: browsers play no audio before one. */
  async start(): Promise<void> {
    await this.begin();
  }

  stop(): void {
    this.takeDown();
    this.#enter('idle');
  }

  /** Resumes a suspended context. Call it from a user's gesture. */
  resume(): void {
    // An interrupted one must come back by itself: resuming it wedges WebKit (WebAudio/web-audio-api#2585).
    if (this.context?.state === 'suspended') this.context.resume().catch(() => {});
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
    const { context } = this;
    const output = this.#output;
    if (context && output)
      output.gain.setTargetAtTime(this.#gain, context.currentTime, VOLUME_RAMP);
    this.host.requestUpdate();
  }

  /** Of the context. */
  protected abstract readonly contextOptions: AudioContextOptions;

  /** Builds what the view needs before it runs. Throws what its parts throw. */
  protected abstract open(stage: OpenStage): Promise<void>;

  /** Closes what `open` has built, and the lanes. Safe when there is nothing. */
  protected abstract shut(): void;

  /** Brings everything up. @returns whether it runs, and nobody has stopped it meanwhile */
  protected async begin(): Promise<boolean> {
    this.takeDown();
    const { generation } = this;
    const outdated = (): boolean => generation !== this.generation;
    this.#enter('starting');
    const context = new AudioContext({ latencyHint: 'interactive', ...this.contextOptions });
    this.context = context;
    context.onstatechange = () => this.host.requestUpdate();
    // Not awaited: without a gesture it never settles; `suspended` shows it.
    context.resume().catch(() => {});
    try {
      const { deviceId } = this.desk;
      const speaker = this.stage.kind === 'microphone' ? await openSpeaker(context) : null;
      if (outdated()) return false;
      this.#speaker = speaker;
      const source = await openStageSource(context, this.stage, { deviceId, speaker });
      if (outdated()) {
        source.close();
        return false;
      }
      this.source = source;
      this.desk.follow(source.microphone, speaker);
      this.#watchMicrophone(source);
      const output = new GainNode(context, { gain: this.#gain });
      // After everything that is measured: how the speaker plays changes no figure.
      output.connect(speaker?.node ?? context.destination);
      this.#output = output;
      await this.open({ context, source, output, outdated });
      if (outdated()) return false;
      this.#enter('running');
      return true;
    } catch (error) {
      if (!outdated()) this.fail(problemOf(error));
      return false;
    }
  }

  /** Ends everything that runs, and invalidates what is still under way. */
  protected takeDown(): void {
    this.generation++;
    this.shut();
    this.desk.follow(null, null);
    this.source?.close();
    this.source = null;
    void this.#speaker?.close();
    this.#speaker = null;
    this.#output = null;
    const { context } = this;
    this.context = null;
    if (context === null) return;
    context.onstatechange = null;
    void context.close();
  }

  protected fail(problem: Problem): void {
    this.takeDown();
    this.problem = problem;
    this.#enter('failed');
  }

  get #gain(): number {
    // Squared, so that equal steps of the slider sound about equally large.
    return this.muted ? 0 : this.volume ** 2;
  }

  /** A microphone that is lost comes back by itself; one whose processor has failed does not. */
  #watchMicrophone({ microphone }: Source): void {
    microphone?.addEventListener('error', ({ detail }) => {
      const isOver = detail.code === 'processor-error' && this.source?.microphone === microphone;
      if (isOver) this.fail(problemOf(detail));
    });
  }

  #enter(phase: SessionPhase): void {
    this.phase = phase;
    if (phase !== 'failed') this.problem = null;
    this.host.requestUpdate();
  }
}
