import { planar } from '../dsp/planar.ts';
import type { PayloadDecoder } from '../codec/codec.ts';
import { ChannelMixer } from '../dsp/channel-mixer.ts';
import { isSampled } from '../format/stream-format.ts';
import type {
  ReceiveCommand,
  ReceiveDelivery,
  ReceiveEvent,
  MessagePortLike,
  ReceiveProcessorOptions,
} from '../messages.ts';
import { MAX_SPEED, MIN_SPEED, VariableResampler } from '../resampler/variable-resampler.ts';
import { SnapshotWriter } from '../snapshot.ts';
import { GRAIN } from '../dsp/drift-estimator.ts';
import { REPORT, REPORT_FIELDS, REPORT_LENGTH, RECEIVE_STATES } from './receive-report.ts';
import type { ReceiveState } from './receive-report.ts';
import { ReceiveSource } from './receive-source.ts';

/** Maximum number of reports per second. */
const REPORTS_PER_SECOND = 50;
/** Number of output frames produced at a time: the fewer, the more even the work per quantum. */
const BLOCK_FRAMES = 64;
/** Minimum input that the empty resampler takes at once (see `VariableResampler.write`). */
const MOST_INPUT_FRAMES = 400;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type EventOf<Type> = Mutable<Extract<ReceiveEvent, { readonly type: Type }>>;

/** Options of the processor; the snapshot may be memory that is not shared, which nobody reads. */
export type ReceiveEngineOptions = Omit<ReceiveProcessorOptions, 'snapshot'> & {
  readonly snapshot: ArrayBufferLike | null;
};

/** The receiving processor without its scope: takes packets and commands, renders quanta, and reports. */
export class ReceiveEngine {
  readonly #port: MessagePortLike;
  readonly #contextRate: number;
  readonly #source: ReceiveSource;
  readonly #resampler: VariableResampler;
  readonly #mixer: ChannelMixer;
  /** Audio at the rate of the wire, and of the context. */
  readonly #pulled: readonly Float32Array[];
  readonly #block: readonly Float32Array[];
  readonly #blockFrames: number;
  readonly #piped: MessagePortLike[] = [];
  readonly #snapshot: SnapshotWriter | null;
  readonly #reportFrames: number;
  #reportAt = 0;
  #state: ReceiveState = 'waiting';
  #closed = false;
  /** `currentFrame` of the last quantum. */
  #frame = 0;
  /** The message posted while rendering is created once; the engine clones it for the other thread. */
  readonly #report: EventOf<'report'>;
  readonly #stateEvent: EventOf<'state'> = { type: 'state', frame: 0, state: 'waiting' };
  readonly #buffer: EventOf<'buffer'> = { type: 'buffer', frame: 0, buffer: new ArrayBuffer(0) };
  readonly #none: ArrayBuffer[] = [];
  readonly #transfer: ArrayBuffer[] = [this.#buffer.buffer];

  /**
   * @param decoder decoder for the options' format, which the engine takes over
   * @param contextRate the context's sample rate, Hz
   * @param port port of the node
   */
  constructor(
    options: ReceiveEngineOptions,
    decoder: PayloadDecoder,
    contextRate: number,
    port: MessagePortLike,
  ) {
    const { channels, resampler, limits, snapshot } = options;
    this.#port = port;
    this.#contextRate = contextRate;
    this.#source = new ReceiveSource({
      ...options,
      ...limits,
      decoder,
      decoderConceals: !isSampled(options),
      latencyMs: (resampler.latencyFrames * 1000) / resampler.inputRate,
    });
    this.#resampler = new VariableResampler(resampler, channels);
    this.#mixer = new ChannelMixer({ outputChannels: options.outputChannels });
    const ratio = (resampler.inputRate * MAX_SPEED) / resampler.outputRate;
    this.#blockFrames = Math.max(1, Math.min(BLOCK_FRAMES, Math.floor(MOST_INPUT_FRAMES / ratio)));
    this.#pulled = planar(channels, MOST_INPUT_FRAMES);
    this.#block = planar(channels, this.#blockFrames);
    this.#snapshot = snapshot && new SnapshotWriter(snapshot);
    this.#reportFrames = Math.ceil(contextRate / REPORTS_PER_SECOND);
    this.#report = { type: 'report', frame: 0, values: new Float64Array(REPORT_LENGTH) };
  }

  /** Carries out a command between two quanta. */
  obey(command: ReceiveCommand, frame: number): void {
    if (this.#closed) return;
    switch (command.type) {
      case 'packet':
        this.#receive(command, this.#port, frame);
        break;
      case 'pipe':
        this.#pipe(command.port);
        break;
      case 'limits':
        this.#source.target.setLimits(command.minDelayMs, command.maxDelayMs);
        break;
      case 'reset':
        this.#source.reset();
        break;
      case 'close':
        this.#close(frame);
    }
  }

  /** Renders one quantum. @returns false once closed: the processor can be released */
  render(output: readonly Float32Array[], frame: number): boolean {
    if (this.#closed) return false;
    const frames = output[0]!.length;
    this.#frame = frame;
    this.#source.beginQuantum();
    let at = 0;
    while (at < frames) {
      const wanted = frames - at;
      const count = this.#make(wanted < this.#blockFrames ? wanted : this.#blockFrames, frame, at);
      this.#mixer.mix(this.#block, 0, count, output, at);
      at += count;
    }
    this.#tell(frame + frames);
    return true;
  }
  /** Produces up to `frames` frames at the context's rate. @returns the number produced */
  #make(frames: number, frame: number, at: number): number {
    const source = this.#source;
    const resampler = this.#resampler;
    const { decision } = source;
    const now = (frame * 1000) / this.#contextRate;
    const inside = resampler.latencyFrames / source.sampleRate + at / this.#contextRate;
    source.setTime(now, inside * 1000);
    const { speed } = decision;
    resampler.speed = speed < MIN_SPEED ? MIN_SPEED : speed > MAX_SPEED ? MAX_SPEED : speed;
    for (let need = resampler.inputFramesFor(frames); need > 0;) {
      const count = need < MOST_INPUT_FRAMES ? need : MOST_INPUT_FRAMES;
      source.pull(this.#pulled, 0, count);
      resampler.write(this.#pulled, 0, count);
      need -= count;
    }
    return resampler.read(this.#block, 0, frames);
  }

  #receive(packet: ReceiveDelivery, port: MessagePortLike, frame: number): void {
    const { sequence, frames, bytes, copy } = packet;
    this.#source.setArrival((frame * 1000) / this.#contextRate);
    this.#source.insert(sequence, packet.frame, frames, bytes, copy);
    const event = this.#buffer;
    event.frame = frame;
    event.buffer = bytes.buffer;
    this.#transfer[0] = bytes.buffer;
    port.postMessage(event, this.#transfer);
  }

  #pipe(port: MessagePortLike): void {
    this.#piped.push(port);
    port.addEventListener('message', ({ data }) => {
      const delivery = data as ReceiveDelivery;
      // The time of the last quantum: the scope has no other clock here.
      if (!this.#closed) this.#receive(delivery, port, this.#frame);
    });
    port.start();
  }

  #close(frame: number): void {
    this.#closed = true;
    this.#source.close();
    for (const port of this.#piped) port.close();
    this.#port.postMessage({ type: 'closed', frame } satisfies ReceiveEvent, this.#none);
  }

  /** @param frame the context's frame after the quantum */
  #tell(frame: number): void {
    const source = this.#source;
    const state = !source.decision.started ? 'waiting' : source.conceals ? 'concealing' : 'playing';
    const changed = state !== this.#state;
    this.#state = state;
    if (frame >= this.#reportAt || changed) this.#publish(frame);
    if (!changed) return;
    this.#stateEvent.frame = frame;
    this.#stateEvent.state = state;
    this.#port.postMessage(this.#stateEvent, this.#none);
  }

  #publish(frame: number): void {
    this.#reportAt = frame + this.#reportFrames;
    const source = this.#source;
    const { buffer, target, sampleRate } = source;
    // Arrival times have a resolution of one quantum.
    target.drift.input[GRAIN] = ((frame - this.#frame) * 1000) / this.#contextRate;
    const waits = source.decodedFrames + this.#resampler.latencyFrames;
    const { values } = this.#report;
    values[REPORT.contextFrame] = frame;
    values[REPORT.state] = RECEIVE_STATES.indexOf(this.#state);
    values[REPORT.playFrame] = source.decision.started ? buffer.playFrame - waits : -1;
    values[REPORT.bufferedMs] = ((buffer.levelFrames + waits) * 1000) / sampleRate;
    values[REPORT.targetMs] = target.targetMs;
    // How much faster the sender's clock runs.
    values[REPORT.driftPpm] = (target.drift.ratio - 1) * 1e6;
    values[REPORT.decodeErrors] = source.decodeErrors;
    values[REPORT.fecSamples] = source.fecFrames;
    const counters = buffer.counters.values;
    for (let i = 0; i < counters.length; i++) values[REPORT_FIELDS.length + i] = counters[i]!;
    if (this.#snapshot !== null) {
      this.#snapshot.publish(values);
      return;
    }
    this.#report.frame = frame;
    this.#port.postMessage(this.#report, this.#none);
  }
}
