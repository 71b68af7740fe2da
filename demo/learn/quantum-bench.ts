import type { OpenStage } from '../controllers/session.ts';
import type { QuantumReport, QuantumWork } from '../worklet/quantum-messages.ts';
// Vite gives the address; the linter looks at the file.
// oxlint-disable-next-line import/default
import probeUrl from '../worklet/quantum-probe.ts?worker&url';
import type { LearnPart } from './learn-voice.ts';
import { TickMeter, longestBurst } from './quantum-fill.ts';

/** Stretches of audio that are kept for the picture: enough for two chunks of 40 ms at 48 kHz, and some more. */
const KEPT_REPORTS = 6;
/** Sines for each percent of the work: 100 is the limit of some engines and machines. */
const SINES_PER_PERCENT = 1500;

/** Audio of quanta in a row. */
export interface QuantumStretch {
  readonly firstFrame: number;
  readonly quantumFrames: number;
  readonly samples: Float32Array;
}

/** Which statistics the context has, where it has any (Web Audio, AudioPlaybackStats). */
export interface PlaybackFigures {
  /** s. */
  readonly underrunDuration: number;
  readonly underrunEvents: number;
}

/** Has the audio go through a worklet that reports each of its render quanta. */
export class QuantumBench implements LearnPart {
  /** The latest quanta; null before the first. */
  stretch: QuantumStretch | null = null;
  /** How long the probe works on a quantum. */
  readonly meter: TickMeter = new TickMeter();
  /** The most quanta that recently began in the same millisecond. */
  burst = 0;
  /** Hz; null while nothing runs. */
  sampleRate: number | null = null;
  #workPercent = 0;
  #context: AudioContext | null = null;
  #node: AudioWorkletNode | null = null;
  #source: AudioNode | null = null;
  #reports: QuantumReport[] = [];

  /** How much work the probe does, 0 to 100. */
  get workPercent(): number {
    return this.#workPercent;
  }

  set workPercent(percent: number) {
    this.#workPercent = percent;
    this.meter.reset();
    this.#tell();
  }

  /** ms that the context needs from its last node to the output device's driver; null while nothing runs. */
  get baseLatencyMs(): number | null {
    return this.#context === null ? null : this.#context.baseLatency * 1000;
  }

  /** null where the browser has none. */
  get playback(): PlaybackFigures | null {
    const context = this.#context as (AudioContext & { playbackStats?: PlaybackFigures }) | null;
    return context?.playbackStats ?? null;
  }

  async open({ context, source, output, outdated }: OpenStage): Promise<void> {
    await context.audioWorklet.addModule(probeUrl);
    if (outdated()) return;
    const node = new AudioWorkletNode(context, 'lab-quantum-probe', {
      channelCount: 1,
      channelCountMode: 'explicit',
      outputChannelCount: [1],
    });
    node.port.onmessage = ({ data }: MessageEvent<QuantumReport>) => this.#take(data);
    source.node.connect(node).connect(output);
    this.#context = context;
    this.sampleRate = context.sampleRate;
    this.#node = node;
    this.#source = source.node;
    this.meter.reset();
    this.#tell();
  }

  shut(): void {
    const node = this.#node;
    this.#node = null;
    if (node !== null) {
      node.port.postMessage('close');
      node.port.onmessage = null;
      node.disconnect();
      // The source may have been closed, and its node disconnected, before.
      try {
        this.#source?.disconnect(node);
      } catch {}
    }
    this.#source = null;
    this.#context = null;
    this.sampleRate = null;
    this.#reports = [];
  }

  #tell(): void {
    const work: QuantumWork = { sines: this.#workPercent * SINES_PER_PERCENT };
    this.#node?.port.postMessage(work);
  }

  #take(report: QuantumReport): void {
    const last = this.#reports.at(-1);
    const continues =
      last !== undefined && last.firstFrame + last.samples.length === report.firstFrame;
    this.#reports = [...(continues ? this.#reports : []), report].slice(-KEPT_REPORTS);
    this.meter.add(report.startedMs.length, report.ticks);
    this.burst = Math.max(...this.#reports.map(({ startedMs }) => longestBurst(startedMs)));
    const { quantumFrames, samples } = report;
    const joined = new Float32Array(this.#reports.length * samples.length);
    for (const [i, each] of this.#reports.entries()) joined.set(each.samples, i * samples.length);
    const { firstFrame } = this.#reports[0]!;
    this.stretch = { firstFrame, quantumFrames, samples: joined };
  }
}
