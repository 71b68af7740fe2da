import { MeterBank } from '../src/core/metering/meter-bank.ts';
import type { MeterCommand, MeterEvent, MeterProcessorOptions } from '../src/core/messages.ts';
import { warmUpBlock } from '../src/core/dsp/warm-up-block.ts';
import { SnapshotWriter, snapshotBytes } from '../src/core/snapshot.ts';

/** Readings published a second, at most: as posts, and to shared memory, which costs less. */
const POSTS_PER_SECOND = 60;
const SNAPSHOTS_PER_SECOND = 120;

/** The constructor meters so many quanta. Any length does: a context's own may be another. */
const WARM_UP_QUANTA = 24;
const WARM_UP_FRAMES = 128;
/** Stands in for the port meanwhile. */
const NO_PORT: Pick<MessagePort, 'postMessage'> = { postMessage: () => {} };

type Reusable<Type extends MeterEvent['type']> = {
  -readonly [Key in keyof Extract<MeterEvent, { type: Type }>]: Extract<
    MeterEvent,
    { type: Type }
  >[Key];
};

/** Meters its input and publishes the readings. Its output is silent: it lets engines pull the node, and tells the quantum. */
class MeterProcessor extends AudioWorkletProcessor {
  /** Null when closed: a node that stays connected keeps its processor. */
  #bank: MeterBank | null;
  readonly #values: Float64Array;
  #snapshot: SnapshotWriter | null;
  #port = NO_PORT;
  /** Reused for every post; the clone that crosses the thread is the engine's. */
  readonly #reading: Reusable<'reading'>;
  readonly #activity: Reusable<'activity'> = {
    type: 'activity',
    frame: 0,
    since: 0,
    active: false,
  };
  /** Frames from one publication to the next, and the frame from which on the next one is due. */
  readonly #interval: number;
  #dueAt = 0;
  /** The context's frame at which the bank began to count. */
  #began = 0;

  constructor({ processorOptions }: { readonly processorOptions: MeterProcessorOptions }) {
    super();
    const { channels, meters, settings, wasm, snapshot } = processorOptions;
    const bank = new MeterBank({
      channels,
      meters,
      settings,
      wasm,
      sampleRate,
      onActivity: (active, since, frame) => this.#postActivity(active, since, frame),
    });
    this.#values = bank.createReading().values;
    this.#bank = bank;
    this.#snapshot =
      snapshot && new SnapshotWriter(new ArrayBuffer(snapshotBytes(this.#values.length)));
    this.#interval = Math.ceil(sampleRate / (snapshot ? SNAPSHOTS_PER_SECOND : POSTS_PER_SECOND));
    this.#reading = { type: 'reading', frame: 0, values: this.#values };
    this.#warmUp(bank);
    this.#snapshot = snapshot && new SnapshotWriter(snapshot);
    this.#port = this.port;
    this.port.onmessage = ({ data }: MessageEvent<MeterCommand>): void => this.#obey(data);
  }

  /** Takes every path once, so that the first quantum finds compiled code, and forgets it all. */
  #warmUp(bank: MeterBank): void {
    const block = warmUpBlock(bank.channels, 8 * WARM_UP_FRAMES);
    const outputs = [[new Float32Array(WARM_UP_FRAMES)]];
    for (let quantum = 0; quantum < WARM_UP_QUANTA; quantum++) {
      const at = (quantum % 8) * WARM_UP_FRAMES;
      const input = block.map((samples) => samples.slice(at, at + WARM_UP_FRAMES));
      // Every few quanta nothing is connected, or one channel.
      this.process(
        [quantum % 7 === 5 ? [] : quantum % 7 === 6 ? input.slice(0, 1) : input],
        outputs,
      );
      this.#publish(bank, 0);
      this.#postActivity(true, 0, 0);
    }
    bank.warmUp();
    this.#values.fill(0);
    this.#dueAt = this.#began = 0;
  }

  /** True keeps the meter running, on silence too, until it is closed. */
  process(inputs: readonly Float32Array[][], outputs: readonly Float32Array[][]): boolean {
    const bank = this.#bank;
    if (bank === null) return false;
    this.#began = currentFrame - bank.frame;
    bank.process(inputs[0]!, 0, outputs[0]![0]!.length);
    if (currentFrame >= this.#dueAt) this.#publish(bank, currentFrame);
    return true;
  }

  #publish(bank: MeterBank, frame: number): void {
    this.#dueAt = frame + this.#interval;
    bank.store(this.#values, 0);
    if (this.#snapshot !== null) {
      this.#snapshot.publish(this.#values);
      return;
    }
    this.#reading.frame = frame;
    this.#port.postMessage(this.#reading);
  }

  #postActivity(active: boolean, since: number, frame: number): void {
    this.#activity.active = active;
    this.#activity.since = this.#began + since;
    this.#activity.frame = this.#began + frame;
    this.#port.postMessage(this.#activity);
  }

  #obey(command: MeterCommand): void {
    const bank = this.#bank;
    if (bank === null) return;
    if (command.type !== 'close') return bank[command.type]();
    bank.close();
    this.#bank = null;
    this.#snapshot = null;
    this.port.onmessage = null;
    this.port.postMessage({ type: 'closed', frame: currentFrame } satisfies MeterEvent);
  }
}

try {
  registerProcessor('micwire-meter', MeterProcessor);
} catch {
  // Loaded a second time into this context: the first registration stands.
}
