import { Capture } from 'micwire';
import type {
  LiveReading,
  MeasureCommand,
  MeasureEvent,
  SoundReading,
} from './measure-messages.ts';

/** Audio that may wait for the Worker, in ms: it shares its core with others. */
const BUFFER_MS = 3000;

/** The result of a measurement. */
export interface Measured {
  /** By number of the lane. */
  readonly lanes: readonly SoundReading[];
  /** ms of the recording that were lost: figures are those of the rest. */
  readonly droppedMs: number;
}

/**
 * Listens to what goes into the lanes and to what comes out of them: all of it as channels of one recording, by one clock, which goes
 * from the audio thread straight to a Worker. Only the figures reach the page's thread.
 */
export class Measurement {
  /** Called once a second with the figures of the last 5 s. */
  onlive: ((reading: LiveReading) => void) | null = null;
  readonly #context: AudioContext;
  readonly #reference: AudioNode;
  readonly #merger: ChannelMergerNode;
  readonly #capture: Capture;
  readonly #worker: Worker;
  readonly #outputs = new Map<number, AudioNode>();
  readonly #asked = new Map<number, (measured: Measured) => void>();
  #questions = 0;

  /**
   * @param reference what goes into the lanes
   * @param laneCount the most lanes
   */
  static async create(
    context: AudioContext,
    reference: AudioNode,
    laneCount: number,
  ): Promise<Measurement> {
    const merger = new ChannelMergerNode(context, { numberOfInputs: laneCount + 1 });
    const capture = await Capture.create(context, merger, {
      channels: laneCount + 1,
      format: 'f32',
      bufferDurationMs: BUFFER_MS,
    });
    const worker = new Worker(new URL('../worker/measure.ts', import.meta.url), { type: 'module' });
    try {
      await capture.pipeToWorker(worker);
    } catch (error) {
      worker.terminate();
      void capture.close();
      throw error;
    }
    return new Measurement(context, reference, merger, capture, worker);
  }

  private constructor(
    context: AudioContext,
    reference: AudioNode,
    merger: ChannelMergerNode,
    capture: Capture,
    worker: Worker,
  ) {
    this.#context = context;
    this.#reference = reference;
    this.#merger = merger;
    this.#capture = capture;
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<MeasureEvent>) => this.#receive(data);
    reference.connect(merger, 0, 0);
  }

  /** The context's frame now: where a measurement may begin or end. */
  get frame(): number {
    return Math.round(this.#context.currentTime * this.#context.sampleRate);
  }

  /** A lane counts from now on, although its audio is still to come. */
  open(lane: number): void {
    this.#send({ type: 'open', lane, frame: this.frame });
  }

  /** What a lane plays. */
  connect(lane: number, output: AudioNode): void {
    this.#disconnect(lane);
    this.#outputs.set(lane, output);
    output.connect(this.#merger, 0, lane + 1);
  }

  /** A lane is gone. */
  shut(lane: number): void {
    this.#disconnect(lane);
    this.#send({ type: 'close', lane });
  }

  /** A run is measured from now on. @returns the context's frame */
  begin(): number {
    const { frame } = this;
    this.#send({ type: 'begin', frame });
    return frame;
  }

  /** The figures of [from, to), frames of the context. They come some 2 s after `to`, once the longest lag has passed. */
  measure(from: number, to: number): Promise<Measured> {
    const id = ++this.#questions;
    this.#send({ type: 'measure', id, from, to });
    return new Promise((resolve) => this.#asked.set(id, resolve));
  }

  close(): void {
    this.onlive = null;
    for (const lane of [...this.#outputs.keys()]) this.#disconnect(lane);
    this.#reference.disconnect(this.#merger);
    void this.#capture.close();
    this.#worker.terminate();
  }

  #receive(event: MeasureEvent): void {
    if (event.type === 'live') return this.onlive?.(event);
    this.#asked.get(event.id)?.(event);
    this.#asked.delete(event.id);
  }

  #disconnect(lane: number): void {
    const output = this.#outputs.get(lane);
    this.#outputs.delete(lane);
    try {
      output?.disconnect(this.#merger, 0, lane + 1);
    } catch {
      // Already disconnected, with the lane that it belonged to.
    }
  }

  #send(command: MeasureCommand): void {
    this.#worker.postMessage(command);
  }
}
