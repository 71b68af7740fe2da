import { warmUpBlock } from '../dsp/planar.ts';
import { QuantumClock } from '../dsp/quantum-clock.ts';
import type {
  MessagePortLike,
  MixerCommand,
  MixerDelivery,
  MixerEvent,
  MixerProcessorOptions,
} from '../messages.ts';
import { SnapshotWriter, snapshotBytes } from '../snapshot.ts';
import { isFirstWarmUp } from '../warm-up.ts';
import { ContextTimeline } from './context-timeline.ts';
import { SOURCE_FIELDS } from './mixer-report.ts';
import { BLOCK_FRAMES, MixerSlot } from './mixer-slot.ts';

/** Most reports per second: to shared memory, and posted. */
const REPORTS_PER_SECOND = 50;
const POSTS_PER_SECOND = 20;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type EventOf<Type> = Mutable<Extract<MixerEvent, { readonly type: Type }>>;

/** The processor's options. Here the snapshot may be memory that is not shared, which nobody reads. */
export type MixerEngineOptions = Omit<MixerProcessorOptions, 'snapshot'> & {
  readonly snapshot: ArrayBufferLike | null;
};

const NO_INPUT: readonly Float32Array[] = [];

/** The mixing processor without its scope: takes blocks and commands, renders quanta and reports. */
export class MixerEngine {
  readonly #options: MixerEngineOptions;
  readonly #contextRate: number;
  readonly #port: MessagePortLike;
  readonly #piped: MessagePortLike[] = [];
  readonly #timeline: ContextTimeline;
  readonly #clock = new QuantumClock();
  readonly #slots: (MixerSlot | null)[];
  readonly #snapshot: SnapshotWriter | null;
  readonly #reportFrames: number;
  #reportAt = 0;
  #closed = false;
  /** `currentFrame` of the last quantum. */
  #frame = 0;
  /** Messages posted while rendering are created once; the browser clones them for the other thread. */
  readonly #report: EventOf<'report'>;
  readonly #gap: EventOf<'gap'> = { type: 'gap', frame: 0, id: 0, missingFrames: 0 };
  readonly #none: ArrayBuffer[] = [];

  constructor(options: MixerEngineOptions, contextRate: number, port: MessagePortLike) {
    this.#options = options;
    this.#contextRate = contextRate;
    this.#port = port;
    this.#timeline = new ContextTimeline(contextRate);
    this.#slots = Array.from({ length: options.slots }, () => null);
    this.#snapshot = options.snapshot && new SnapshotWriter(options.snapshot);
    const perSecond = this.#snapshot === null ? POSTS_PER_SECOND : REPORTS_PER_SECOND;
    this.#reportFrames = Math.ceil(contextRate / perSecond);
    const values = new Float64Array(options.slots * SOURCE_FIELDS.length);
    this.#report = { type: 'report', frame: 0, values };
  }

  /** Carries out a command, between two quanta. */
  obey(command: MixerCommand, frame: number): void {
    if (this.#closed) return;
    switch (command.type) {
      case 'block':
        this.#receive(command, this.#port, frame);
        break;
      case 'stream':
        this.#openStream(command.slot, command.id, command.gain).open(command.resampler);
        break;
      case 'node':
        this.#open(command.slot, command.id, command.gain, command.tellsPresence);
        break;
      case 'gain': {
        const slot = this.#slots[command.slot];
        if (slot) slot.gain = command.gain;
        break;
      }
      case 'remove':
        this.#remove(command.slot, frame);
        break;
      case 'pipe':
        this.#pipe(command.port);
        break;
      case 'close':
        this.#close(frame);
    }
  }

  /** Renders one quantum. @returns false once closed: the processor may be removed */
  process(
    inputs: readonly (readonly Float32Array[])[],
    output: readonly Float32Array[],
    currentFrame: number,
  ): boolean {
    if (this.#closed) return false;
    const slots = this.#slots;
    const frames = output[0]!.length;
    const frame = this.#clock.begin(currentFrame, frames);
    const separate = this.#options.layout === 'separate';
    this.#frame = frame;
    for (let c = 0; c < output.length; c++) output[c]!.fill(0);
    for (let s = 0; s < slots.length; s++) slots[s]?.begin(frame);
    this.#timeline.follow(frame);
    for (let at = 0; at < frames; at += BLOCK_FRAMES) {
      const count = frames - at < BLOCK_FRAMES ? frames - at : BLOCK_FRAMES;
      for (let s = 0; s < slots.length; s++) {
        const input = inputs[s] ?? NO_INPUT;
        const presence = inputs[slots.length + s] ?? NO_INPUT;
        slots[s]?.add(input, presence, output, separate ? s : 0, at, count, frame + at);
      }
    }
    this.#tell(frame + frames);
    return true;
  }

  /**
   * Mixes a synthetic stream and a node on a separate engine, so that the first quantum finds compiled code. Does nothing if this
   * scope is already warm.
   */
  static warmUp(options: MixerEngineOptions, contextRate: number): void {
    if (!isFirstWarmUp('mixer', options.layout, options.channels)) return;
    const snapshot =
      options.snapshot && new ArrayBuffer(snapshotBytes(options.slots * SOURCE_FIELDS.length));
    const engine = new MixerEngine({ ...options, snapshot }, contextRate, NO_PORT);
    const { warmUp: resampler } = options;
    const frames = Math.ceil(resampler.inputRate / 100);
    const output = Array.from({ length: options.channels }, () => new Float32Array(BLOCK_FRAMES));
    const sampleRate = resampler.inputRate;
    const samples = warmUpBlock(2, Math.max(256, frames)).map((channel) =>
      channel.slice(0, frames),
    );
    const input = warmUpBlock(1, 256);
    const inputs: Float32Array[][] = Array.from({ length: 2 * options.slots }, () => input);
    const last = options.slots - 1;
    engine.obey({ type: 'stream', slot: 0, id: 1, gain: 0.5, resampler }, 0);
    if (last > 0) engine.obey({ type: 'node', slot: last, id: 2, gain: 1, tellsPresence: true }, 0);
    let now = 0;
    let sent = 0;
    // Half a second, with lost blocks and a pause.
    for (; now < contextRate / 2; now += BLOCK_FRAMES) {
      for (; (sent + 1) * 10 < (now * 1000) / contextRate; sent++) {
        const channels = samples.map((channel) => channel.slice());
        const isLost = sent === 20 || (sent > 30 && sent < 38);
        const block = {
          type: 'block',
          id: 1,
          timestampMs: sent * 10,
          sampleRate,
          channels,
        } as const;
        if (!isLost) engine.obey(block, now);
      }
      engine.process(inputs, output, now);
    }
    engine.obey({ type: 'gain', slot: 0, gain: 1 }, now);
    engine.process(inputs, output, now);
  }

  /** Returns the slot of the source with this number, or opens a new one in its place. */
  #openStream(place: number, id: number, gain: number): MixerSlot {
    const slot = this.#slots[place];
    return slot?.id === id ? slot : this.#open(place, id, gain, false);
  }

  #open(place: number, id: number, gain: number, tellsPresence: boolean): MixerSlot {
    const { layout, channels, maxDelayMs } = this.#options;
    const slot = new MixerSlot({
      id,
      gain,
      tellsPresence,
      channels: layout === 'separate' ? 1 : channels,
      contextRate: this.#contextRate,
      timeline: this.#timeline,
      maxDelayMs,
    });
    this.#slots[place] = slot;
    return slot;
  }

  #receive(delivery: MixerDelivery, port: MessagePortLike, frame: number): void {
    const { id, timestampMs, sampleRate, channels } = delivery;
    const now = (frame * 1000) / this.#contextRate;
    for (const slot of this.#slots) {
      if (slot?.id === id) slot.insert(channels, sampleRate, timestampMs, now);
    }
    const event: MixerEvent = { type: 'buffers', frame, id, channels };
    port.postMessage(
      event,
      channels.map(({ buffer }) => buffer),
    );
  }

  #pipe(port: MessagePortLike): void {
    this.#piped.push(port);
    port.addEventListener('message', ({ data }) => {
      // Use the time of the last quantum: the scope has no other clock here.
      if (!this.#closed) this.#receive(data as MixerDelivery, port, this.#frame);
    });
    port.start();
  }

  #remove(place: number, frame: number): void {
    const slot = this.#slots[place];
    if (!slot) return;
    this.#slots[place] = null;
    const values = new Float64Array(SOURCE_FIELDS.length);
    slot.report(values, 0);
    this.#port.postMessage(
      { type: 'removed', frame, id: slot.id, values } satisfies MixerEvent,
      this.#none,
    );
  }

  #close(frame: number): void {
    this.#closed = true;
    for (const port of this.#piped) port.close();
    this.#port.postMessage({ type: 'closed', frame } satisfies MixerEvent, this.#none);
  }

  /** @param frame the context's frame after the quantum */
  #tell(frame: number): void {
    const slots = this.#slots;
    for (let s = 0; s < slots.length; s++) {
      const missing = slots[s]?.takeGap() ?? 0;
      if (missing === 0) continue;
      this.#gap.frame = frame;
      this.#gap.id = slots[s]!.id;
      this.#gap.missingFrames = missing;
      this.#port.postMessage(this.#gap, this.#none);
    }
    if (frame < this.#reportAt) return;
    this.#reportAt = frame + this.#reportFrames;
    const { values } = this.#report;
    values.fill(0);
    for (let s = 0; s < slots.length; s++) slots[s]?.report(values, s * SOURCE_FIELDS.length);
    if (this.#snapshot !== null) {
      this.#snapshot.publish(values);
      return;
    }
    this.#report.frame = frame;
    this.#port.postMessage(this.#report, this.#none);
  }
}

/** Takes the place of the port. */
const NO_PORT: MessagePortLike = {
  postMessage: () => {},
  addEventListener: () => {},
  start: () => {},
  close: () => {},
};
