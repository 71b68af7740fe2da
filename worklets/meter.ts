import { MeterBank } from '../src/core/dsp/meter-bank.ts';
import type { MeterCommand, MeterEvent, MeterProcessorOptions } from '../src/core/messages.ts';
import { SnapshotWriter } from '../src/core/snapshot.ts';

/** Readings posted a second, at most: where memory cannot be shared. */
const POSTS_PER_SECOND = 60;

/** Meters its input and publishes the readings. Its output is silent: it lets engines pull the node, and tells the quantum. */
class MeterProcessor extends AudioWorkletProcessor {
  readonly #bank: MeterBank;
  readonly #values: Float64Array;
  readonly #snapshot: SnapshotWriter | null;
  /** Reused for every post; the clone that crosses the thread is the engine's. */
  readonly #reading: { readonly type: 'reading'; frame: number; readonly values: Float64Array };
  readonly #postFrames: number = Math.ceil(sampleRate / POSTS_PER_SECOND);
  #postAt = 0;
  #closed = false;

  constructor({ processorOptions }: { readonly processorOptions: MeterProcessorOptions }) {
    super();
    this.#bank = new MeterBank({ ...processorOptions, sampleRate });
    this.#values = this.#bank.createReading().values;
    const { snapshot } = processorOptions;
    this.#snapshot = snapshot ? new SnapshotWriter(snapshot) : null;
    this.#reading = { type: 'reading', frame: 0, values: this.#values };
    this.port.onmessage = ({ data }: MessageEvent<MeterCommand>): void => this.#obey(data);
  }

  /** True keeps the meter running, on silence too, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    if (this.#closed) return false;
    const input = inputs[0]!;
    const frames = outputs[0]![0]!.length;
    this.#bank.process(input, 0, frames);
    if (this.#snapshot === null && currentFrame < this.#postAt) return true;
    this.#bank.store(this.#values, 0);
    if (this.#snapshot !== null) this.#snapshot.publish(this.#values);
    else this.#post(currentFrame);
    return true;
  }

  #post(frame: number): void {
    this.#postAt = frame + this.#postFrames;
    this.#reading.frame = frame;
    this.port.postMessage(this.#reading);
  }

  #obey(command: MeterCommand): void {
    if (command.type === 'reset') this.#bank.reset();
    else if (!this.#closed) {
      this.#closed = true;
      this.port.postMessage({ type: 'closed', frame: currentFrame } satisfies MeterEvent);
    }
  }
}

try {
  registerProcessor('micwire-meter', MeterProcessor);
} catch {
  // Loaded a second time into this context: the first registration stands.
}
