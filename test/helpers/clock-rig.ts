import { ClockAligner } from '../../src/core/align/clock-aligner.ts';
import { ContextTimeline } from '../../src/core/align/context-timeline.ts';
import { planVariableResampler } from '../../src/core/resampler/variable-resampler-planner.ts';
import { seededRandom } from './random.ts';

/** A source whose clock is not the context's. Times are of a true clock. */
export interface SimulatedSource {
  readonly sampleRate: number;
  /** By how much its clock is fast. */
  readonly ppm: number;
  /** By how much more and less it is fast, in the course of `wanderSeconds`. @default 0 */
  readonly wanderPpm?: number;
  readonly wanderSeconds?: number;
  /** @default 10 */
  readonly blockMs?: number;
  /** From the end of a block to its arrival, at least. @default 3 */
  readonly latencyMs?: number;
  /** Mean of what comes on top, exponentially distributed. @default 0 */
  readonly jitterMs?: number;
  /** By how much timestamps are late, evenly distributed from 0. @default 0 */
  readonly timestampJitterMs?: number;
  /** Timestamps are those of the next multiple of this: of a source that is rendered in bursts. @default exact */
  readonly timestampGrainMs?: number;
  /** Timestamps in these stretches, seconds, are wrong by so many ms. */
  readonly timestampErrors?: readonly (readonly [from: number, to: number, ms: number])[];
  /** Arrivals in these stretches wait until they end, seconds. */
  readonly stalls?: readonly (readonly [from: number, to: number])[];
  /** Blocks that begin in these stretches are lost, seconds. */
  readonly losses?: readonly (readonly [from: number, to: number])[];
  /** Audio at a true time, seconds; one value per channel. */
  readonly signal: (seconds: number, channel: number) => number;
  readonly channels?: number;
  readonly seed?: number;
  /** It exists from here on, and until there, seconds. @default always */
  readonly from?: number;
  readonly to?: number;
}

/** How the context runs. */
export interface SimulatedContext {
  readonly sampleRate: number;
  readonly ppm?: number;
  /** @default 128 */
  readonly quantum?: number;
  /** Quanta that are rendered at once, as one buffer of the device. @default 4 */
  readonly burst?: number;
}

interface Block {
  readonly at: number;
  readonly timestampMs: number;
  readonly channels: readonly Float32Array[];
  readonly frames: number;
}

/** Blocks of a source, in the order of their arrival. */
class Feed {
  readonly aligner: ClockAligner;
  readonly output: Float32Array[];
  readonly #source: SimulatedSource;
  readonly #random: () => number;
  readonly #frames: number;
  readonly #channels: Float32Array[];
  readonly #endMs: number;
  #block = 0;
  #arrived = 0;
  #next: Block;

  constructor(source: SimulatedSource, context: SimulatedContext, timeline: ContextTimeline) {
    this.#source = source;
    this.#endMs = 1000 * (source.to ?? Infinity);
    this.#random = seededRandom(source.seed ?? 1);
    this.#frames = Math.round(((source.blockMs ?? 10) * source.sampleRate) / 1000);
    const channels = source.channels ?? 2;
    this.#channels = Array.from({ length: channels }, () => new Float32Array(this.#frames));
    this.output = Array.from({ length: channels }, () => new Float32Array(context.quantum ?? 128));
    this.aligner = new ClockAligner({
      resampler: planVariableResampler({
        inputRate: source.sampleRate,
        outputRate: context.sampleRate,
      }),
      channels,
      maxDelayMs: 250,
      timeline,
    });
    while (this.#secondsOf(this.#block * this.#frames) < (source.from ?? 0)) this.#block++;
    this.#next = this.#make();
  }

  /** Hands over what has arrived by a true time. */
  deliver(seconds: number, nowMs: number): void {
    while (this.#next.at <= seconds && this.#next.timestampMs < this.#endMs) {
      const { channels, frames, timestampMs } = this.#next;
      this.aligner.insert(channels, frames, timestampMs, nowMs);
      this.#next = this.#make();
    }
  }

  /** The true time of a frame, seconds. */
  #secondsOf(frame: number): number {
    const { sampleRate, ppm, wanderPpm = 0, wanderSeconds = 600 } = this.#source;
    const seconds = frame / (sampleRate * (1 + ppm * 1e-6));
    if (wanderPpm === 0) return seconds;
    const turn = (2 * Math.PI) / wanderSeconds;
    return seconds - ((wanderPpm * 1e-6) / turn) * (1 - Math.cos(turn * seconds));
  }

  #make(): Block {
    const { signal, losses = [] } = this.#source;
    while (within(losses, this.#secondsOf(this.#block * this.#frames))) this.#block++;
    const first = this.#block++ * this.#frames;
    for (const [c, samples] of this.#channels.entries()) {
      for (let i = 0; i < this.#frames; i++) samples[i] = signal(this.#secondsOf(first + i), c);
    }
    const end = this.#secondsOf(first + this.#frames);
    const jitter = -(this.#source.jitterMs ?? 0) * Math.log(1 - this.#random());
    let at = end + ((this.#source.latencyMs ?? 3) + jitter) / 1000;
    for (const [from, to] of this.#source.stalls ?? []) if (at >= from && at < to) at = to;
    // None overtakes another.
    this.#arrived = Math.max(this.#arrived, at);
    const late = (this.#source.timestampJitterMs ?? 0) * this.#random();
    const grain = this.#source.timestampGrainMs ?? 1e-6;
    const begin = this.#secondsOf(first);
    let timestampMs = Math.ceil((begin * 1000) / grain) * grain + late;
    for (const [from, to, ms] of this.#source.timestampErrors ?? []) {
      if (begin >= from && begin < to) timestampMs += ms;
    }
    return { at: this.#arrived, timestampMs, channels: this.#channels, frames: this.#frames };
  }
}

function within(spans: readonly (readonly [number, number])[], time: number): boolean {
  return spans.some(([from, to]) => time >= from && time < to);
}

/** Runs aligners in virtual time. */
export class ClockRig {
  readonly feeds: readonly Feed[];
  readonly timeline: ContextTimeline;
  frame = 0;
  /** True seconds for which the context stood still. */
  #stood = 0;
  readonly #context: Required<SimulatedContext>;

  constructor(context: SimulatedContext, sources: readonly SimulatedSource[]) {
    this.#context = { ppm: 0, quantum: 128, burst: 4, ...context };
    this.timeline = new ContextTimeline(context.sampleRate);
    this.feeds = sources.map((source) => new Feed(source, this.#context, this.timeline));
  }

  /** The true time of the frame that is rendered next, seconds. */
  get seconds(): number {
    const { sampleRate, ppm } = this.#context;
    return this.#stood + this.frame / (sampleRate * (1 + ppm * 1e-6));
  }

  /** The context stands still, but blocks arrive. */
  stand(seconds: number): void {
    const end = this.seconds + seconds;
    const nowMs = (this.frame / this.#context.sampleRate) * 1000;
    for (const feed of this.feeds) feed.deliver(end, nowMs);
    this.#stood += seconds;
  }

  /** Renders until a true time. @param heard after each quantum, with the true time of its first frame */
  run(seconds: number, heard?: (seconds: number) => void): void {
    const { sampleRate, quantum, burst } = this.#context;
    while (this.seconds < seconds) {
      const due = this.seconds;
      for (let i = 0; i < burst; i++) {
        const nowMs = (this.frame / sampleRate) * 1000;
        for (const feed of this.feeds) feed.deliver(due, nowMs);
        for (const { aligner } of this.feeds) aligner.ask(this.frame);
        this.timeline.follow(this.frame);
        for (const { aligner, output } of this.feeds) aligner.read(output, 0, quantum, this.frame);
        heard?.(this.seconds);
        this.frame += quantum;
      }
    }
  }
}

/** The cycle of the signal by which {@link timeOf} reads time, seconds. */
const CYCLE_SECONDS = 2;

/** Audio that carries its own time: two channels that turn once a cycle. */
export function timeSignal(seconds: number, channel: number): number {
  const angle = (2 * Math.PI * seconds) / CYCLE_SECONDS;
  return 0.5 * (channel === 0 ? Math.cos(angle) : Math.sin(angle));
}

/** When what is heard was sent, seconds within a cycle; NaN where it is not that signal at full level. */
export function timeOf(output: readonly Float32Array[], at: number): number {
  const [x, y] = [output[0]![at]!, output[1]![at]!];
  if (Math.abs(Math.hypot(x, y) - 0.5) > 1e-3) return NaN;
  return (Math.atan2(y, x) / (2 * Math.PI)) * CYCLE_SECONDS;
}

/** The difference of two times within a cycle, seconds. */
export function apart(a: number, b: number): number {
  const difference = (a - b) % CYCLE_SECONDS;
  const half = CYCLE_SECONDS / 2;
  return difference > half
    ? difference - CYCLE_SECONDS
    : difference < -half
      ? difference + CYCLE_SECONDS
      : difference;
}
