import { warmUpBlock } from '../dsp/planar.ts';
import type { MeterCommand, MeterEvent, MeterProcessorOptions, PostingPort } from '../messages.ts';
import { SnapshotWriter, snapshotBytes } from '../snapshot.ts';
import { isFirstWarmUp } from '../warm-up.ts';
import { MeterBank } from './meter-bank.ts';

/** Readings published a second, at most: as posts, and to shared memory, which costs less. */
const POSTS_PER_SECOND = 60;
const SNAPSHOTS_PER_SECOND = 120;

/** The constructor meters so many quanta. Any length does: a context's own may be another. */
const WARM_UP_QUANTA = 24;
/** As many do where the code is compiled: what else is made at its first use is made by them. */
const FEW_QUANTA = 8;
const WARM_UP_FRAMES = 128;
/** Stands in for the port meanwhile. */
const NO_PORT: PostingPort = { postMessage: () => {} };
/** For messages that move nothing. */
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
  /** Reused for every post; the clone that crosses the thread is the engine's. */
  readonly #reading: Reusable<'reading'>;
  readonly #activity: Reusable<'activity'> = {
    type: 'activity',
    frame: 0,
    sinceFrame: 0,
    active: false,
  };
  /** Frames from one publication to the next, and the frame from which on the next one is due. */
  readonly #interval: number;
  #dueAt = 0;
  /** The context's frame at which the bank began to count. */
  #began = 0;

  /**
   * @param sampleRate the context's, Hz
   * @param port the node's
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
   * @param input any number of channels; none is silence
   * @param frames length of the quantum
   * @param frame the context's `currentFrame`
   * @returns false when closed: the processor may go
   */
  process(input: readonly Float32Array[], frames: number, frame: number): boolean {
    if (this.#closed) return false;
    this.#began = frame - this.#bank.frame;
    this.#bank.process(input, 0, frames);
    if (frame >= this.#dueAt) this.#publish(frame);
    return true;
  }

  /** Carries out a command, between two quanta. @param frame the context's `currentFrame` */
  obey(command: MeterCommand, frame: number): void {
    if (this.#closed) return;
    // A live signal continues.
    if (command.type === 'reset') return this.#bank.reset(true);
    if (command.type !== 'close') return this.#bank[command.type]();
    this.#closed = true;
    this.#bank.close();
    this.#port.postMessage({ type: 'closed', frame } satisfies MeterEvent, NONE);
  }

  /** Takes every path once, so that the first quantum finds compiled code, and forgets it all. */
  #warmUp(isFirst: boolean): void {
    const bank = this.#bank;
    const block = warmUpBlock(bank.channels, 8 * WARM_UP_FRAMES);
    for (let quantum = 0; quantum < (isFirst ? WARM_UP_QUANTA : FEW_QUANTA); quantum++) {
      const at = (quantum % 8) * WARM_UP_FRAMES;
      const input = block.map((samples) => samples.slice(at, at + WARM_UP_FRAMES));
      // Every few quanta nothing is connected, or one channel.
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
