import { warmUpBlock } from '../dsp/planar.ts';
import type { MeterCommand, MeterEvent, MeterProcessorOptions, PostingPort } from '../messages.ts';
import { SnapshotWriter, snapshotBytes } from '../snapshot.ts';
import { isFirstWarmUp } from '../warm-up.ts';
import { MeterBank } from './meter-bank.ts';

/** Maximum number of readings published per second: as messages, and to shared memory, which costs less. */
const POSTS_PER_SECOND = 60;
const SNAPSHOTS_PER_SECOND = 120;

/** Number of quanta that the constructor meters. Any length works: a context may use another one. */
const WARM_UP_QUANTA = 24;
/** Number of quanta if the code is compiled already: they still create what is created at first use. */
const FEW_QUANTA = 8;
const WARM_UP_FRAMES = 128;
/** A substitute for the port meanwhile. */
const NO_PORT: PostingPort = { postMessage: () => {} };
/** The transfer list of messages that transfer nothing. */
const NONE: ArrayBuffer[] = [];

type Reusable<Type extends MeterEvent['type']> = {
  -readonly [Key in keyof Extract<MeterEvent, { type: Type }>]: Extract<
    MeterEvent,
    { type: Type }
  >[Key];
};

/** The meter processor without its scope: takes commands, meters quanta, publishes readings. */
export class MeterEngine {
  readonly #bank: MeterBank;
  readonly #values: Float64Array;
  #snapshot: SnapshotWriter | null;
  #port = NO_PORT;
  #closed = false;
  /** Reused for every message; the engine clones it for the other thread. */
  readonly #reading: Reusable<'reading'>;
  readonly #activity: Reusable<'activity'> = {
    type: 'activity',
    frame: 0,
    sinceFrame: 0,
    active: false,
  };
  /** Frames between publications, and the frame at which the next one is due. */
  readonly #interval: number;
  #dueAt = 0;
  /** The context's frame at which the bank started to count. */
  #began = 0;

  /**
   * @param sampleRate the context's sample rate in Hz
   * @param port port of the node
   */
  constructor(options: MeterProcessorOptions, sampleRate: number, port: PostingPort) {
    const { channels, meters, settings, wasm, snapshot } = options;
    this.#bank = new MeterBank({
      channels,
      meters,
      settings,
      wasm,
      sampleRate,
      onActivity: (active, sinceFrame, frame) => this.#postActivity(active, sinceFrame, frame),
    });
    this.#values = this.#bank.createReading().values;
    this.#snapshot =
      snapshot && new SnapshotWriter(new ArrayBuffer(snapshotBytes(this.#values.length)));
    this.#interval = Math.ceil(sampleRate / (snapshot ? SNAPSHOTS_PER_SECOND : POSTS_PER_SECOND));
    this.#reading = { type: 'reading', frame: 0, values: this.#values };
    this.#warmUp(isFirstWarmUp('meter', wasm !== undefined, channels, ...this.#bank.names));
    this.#snapshot = snapshot && new SnapshotWriter(snapshot);
    this.#port = port;
  }

  /**
   * Takes one render quantum.
   * @param input any number of channels; zero channels are silence
   * @param frames length of the quantum
   * @param frame the context's `currentFrame`
   * @returns false once closed: the processor can be released
   */
  process(input: readonly Float32Array[], frames: number, frame: number): boolean {
    if (this.#closed) return false;
    this.#began = frame - this.#bank.frame;
    this.#bank.process(input, 0, frames);
    if (frame >= this.#dueAt) this.#publish(frame);
    return true;
  }

  /** Carries out a command between two quanta. @param frame the context's `currentFrame` */
  obey(command: MeterCommand, frame: number): void {
    if (this.#closed) return;
    // The live signal continues.
    if (command.type === 'reset') return this.#bank.reset(true);
    if (command.type !== 'close') return this.#bank[command.type]();
    this.#closed = true;
    this.#bank.close();
    this.#port.postMessage({ type: 'closed', frame } satisfies MeterEvent, NONE);
  }

  /** Executes every code path once, so that the first quantum finds compiled code, and resets the meters. */
  #warmUp(isFirst: boolean): void {
    const bank = this.#bank;
    const block = warmUpBlock(bank.channels, 8 * WARM_UP_FRAMES);
    for (let quantum = 0; quantum < (isFirst ? WARM_UP_QUANTA : FEW_QUANTA); quantum++) {
      const at = (quantum % 8) * WARM_UP_FRAMES;
      const input = block.map((samples) => samples.slice(at, at + WARM_UP_FRAMES));
      // Every few quanta nothing or only one channel is connected.
      const connected = quantum % 7 === 5 ? 0 : quantum % 7 === 6 ? 1 : input.length;
      this.process(input.slice(0, connected), WARM_UP_FRAMES, 0);
      this.#publish(0);
      this.#postActivity(true, 0, 0);
    }
    bank.warmUp();
    this.#values.fill(0);
    this.#dueAt = this.#began = 0;
  }

  #publish(frame: number): void {
    this.#dueAt = frame + this.#interval;
    this.#bank.store(this.#values, 0);
    if (this.#snapshot !== null) {
      this.#snapshot.publish(this.#values);
      return;
    }
    this.#reading.frame = frame;
    this.#port.postMessage(this.#reading, NONE);
  }

  #postActivity(active: boolean, sinceFrame: number, frame: number): void {
    this.#activity.active = active;
    this.#activity.sinceFrame = this.#began + sinceFrame;
    this.#activity.frame = this.#began + frame;
    this.#port.postMessage(this.#activity, NONE);
  }
}
