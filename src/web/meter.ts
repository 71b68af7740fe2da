import { checkContext, checkOptions } from '../core/option-names.ts';
import type { OptionNames } from '../core/option-names.ts';
import { integerIn, numberIn, oneOf, MAX_CHANNELS, MAX_SAMPLE_RATE } from '../core/arguments.ts';
import { LOUDNESS_MIN_RATE } from '../core/metering/loudness-meter.ts';
import {
  checkMeterSettings,
  createMeterReading,
  meterNames,
} from '../core/metering/meter-table.ts';
import type { MeterName, MeterReading, MeterSettings } from '../core/metering/meter-table.ts';
import { MicwireError } from '../core/errors.ts';
import { checkSignal } from './abort.ts';
import type { AbortOptions } from './abort.ts';
import { connectSource, disconnectSource, openSource, replaceSource } from './capture-source.ts';
import type { CaptureSource, OpenSource } from './capture-source.ts';
import { canShareMemory, makeInOpenContext, whileOpen } from './context-life.ts';
import type { MeterCommand, MeterEvent, MeterProcessorOptions } from '../core/messages.ts';
import { SnapshotReader, allocateSnapshot } from '../core/snapshot.ts';
import { METER_WORKLET } from './meter-worklet.ts';
import { loadWorklet } from './worklet-loader.ts';
import type { WorkletUrl } from './worklet-loader.ts';
import { LastWord } from './patience.ts';
import { TypedEventTarget } from './typed-event-target.ts';

/** Options of a `Meter`. */
export interface MeterOptions<Name extends MeterName = MeterName> extends AbortOptions {
  /**
   * Number of channels to meter, 1–32. An input with more channels is mixed down by Web Audio; if it has fewer, the remaining
   * channels are silent. @default 2
   */
  readonly channels?: number;
  /**
   * What to meter: a track, a stream, a node or a `Microphone`. The meter connects the source, and disconnects it when the meter is
   * closed. Pass a remote WebRTC track here: in Chromium its nodes are silent unless a media element plays it too, and the meter
   * keeps a muted one. @default none: connect a source to `meter.node`
   */
  readonly source?: CaptureSource;
  /** Which meters to run. @default ['peak', 'rms'] */
  readonly meters?: readonly Name[];
  /** Settings of individual meters, by name. */
  readonly settings?: MeterSettings;
  /**
   * Which kernel computes the levels: `'auto'` uses WebAssembly SIMD where the engine and the page's Content Security Policy allow
   * it; `'typescript'` uses plain TypeScript. The readings agree within 0.001 dB. @default 'auto'
   */
  readonly execution?: 'auto' | 'typescript';
  /** Your own copy of the worklet file: see `loadWorklet`. */
  readonly workletUrl?: WorkletUrl;
}
const NAMES = {
  channels: 1,
  meters: 1,
  settings: 1,
  execution: 1,
  source: 1,
  workletUrl: 1,
  signal: 1,
} satisfies OptionNames<MeterOptions>;

/** A beginning of speech or silence: the `detail` of an `activity` event. */
export interface MeterActivity {
  /** True when speech began. */
  readonly active: boolean;
  /** The context's frame at which the speech or the silence began. */
  readonly sinceFrame: number;
  /** The context's frame at which this was detected. */
  readonly frame: number;
}

/** Events of a {@link Meter}. */
export interface MeterEventMap {
  /** Speech or silence began. Dispatched only when `activity` is metered. */
  readonly activity: CustomEvent<MeterActivity>;
  /** The processor failed, in `detail`; the reading no longer changes. */
  readonly error: CustomEvent<MicwireError>;
}

/**
 * Measures the levels of the audio that is connected to its node: `source.connect(meter.node)`. Readings arrive through shared
 * memory if the page is cross-origin isolated, otherwise in at most 60 messages a second.
 *
 * @example
 * const meter = await Meter.create(context);
 * source.connect(meter.node);
 * const reading = meter.createReading();
 * if (meter.read(reading)) console.log(reading.peakDbfs[0], 'dBFS');
 */
export class Meter<
  Name extends MeterName = 'peak' | 'rms',
> extends TypedEventTarget<MeterEventMap> {
  /** The processor's node. Connect a source to it. Its output is silent, and is already connected to the context's destination. */
  readonly node: AudioWorkletNode;
  /** Number of channels that are metered. */
  readonly channels: number;
  /** The meters that run. */
  readonly meters: readonly Name[];
  readonly #snapshot: SnapshotReader | null;
  /** The latest posted reading, where there is no shared memory. */
  #posted: Float64Array | null = null;
  #closed = false;
  #hasFailed = false;
  readonly #lastWord = new LastWord();
  #source: OpenSource | null = null;

  /**
   * Loads the worklet and creates a meter.
   * @throws TypeError or RangeError for an invalid option; MicwireError `'no-audio'` when the source has no live audio
   *   track, `'unsupported'` when the engine refuses it, `'worklet-load'` when the worklet cannot be loaded, `'closed'`
   *   when the context is closed, before or during the call
   */
  static async create<const Name extends MeterName = 'peak' | 'rms'>(
    context: BaseAudioContext,
    options: MeterOptions<Name> = {},
  ): Promise<Meter<Name>> {
    checkContext('Meter.create', context);
    checkOptions('Meter', options, NAMES);
    const execution = oneOf('execution', options.execution ?? 'auto', ['auto', 'typescript']);
    const opening = { context, signal: options.signal };
    checkSignal(options.signal);
    const [kernel] = await whileOpen(
      opening,
      Promise.all([
        execution === 'auto' ? import('../core/metering/meter-module.ts') : undefined,
        loadWorklet(context, METER_WORKLET, { url: options.workletUrl }),
      ]),
    );
    const wasm = kernel?.meterModule();
    const meter = makeInOpenContext(opening, () => new Meter(context, options, wasm));
    try {
      meter.#connect(options.source);
    } catch (error) {
      // Repeated attempts leave nothing behind on the audio thread.
      await meter.close();
      throw error;
    }
    return meter;
  }

  private constructor(
    context: BaseAudioContext,
    options: MeterOptions<Name>,
    wasm: object | undefined,
  ) {
    super();
    this.channels = integerIn('channels', options.channels ?? 2, 1, MAX_CHANNELS);
    this.meters = meterNames(options.meters ?? (['peak', 'rms'] as readonly MeterName[] as Name[]));
    if ((this.meters as readonly MeterName[]).includes('loudness')) {
      numberIn("the context's rate", context.sampleRate, LOUDNESS_MIN_RATE, MAX_SAMPLE_RATE);
    }
    checkMeterSettings(options.settings ?? {}, this.channels);
    const snapshot = canShareMemory() ? allocateSnapshot(this.createReading().values.length) : null;
    this.#snapshot = snapshot && new SnapshotReader(snapshot);
    const processorOptions: MeterProcessorOptions = {
      channels: this.channels,
      meters: this.meters,
      settings: options.settings ?? {},
      wasm,
      snapshot,
    };
    this.node = new AudioWorkletNode(context, 'micwire-meter', {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      channelCount: this.channels,
      channelCountMode: 'clamped-max',
      processorOptions,
    });
    this.node.port.onmessage = ({ data }: MessageEvent<MeterEvent>): void => this.#receive(data);
    this.node.onprocessorerror = (cause): void => {
      // The processor sends no final report.
      this.#hasFailed = true;
      const error = new MicwireError('processor-error', FAILED, { cause });
      this.dispatchEvent(new CustomEvent('error', { detail: error }));
    };
    context.addEventListener('statechange', this.#onContext);
  }

  #connect(source: CaptureSource | undefined): void {
    const { context } = this.node;
    if (source !== undefined) {
      this.#source = openSource(context, source);
      connectSource(this.#source, this.node);
    }
    this.node.connect(context.destination);
  }

  /** Creates a reading for `read()`, with the values of silence. Each field is a number, or one number per channel. Allocates. */
  createReading(): MeterReading<Name> {
    return createMeterReading(this.meters, this.channels);
  }

  /**
   * Fills `out` with the latest reading. Allocates nothing: call it in every animation frame.
   *
   * @param out a reading from `createReading()` of a meter with the same meters and channels.
   * @returns false, with `out` untouched, while no audio has been metered yet.
   */
  read(out: MeterReading<Name>): boolean {
    if (this.#snapshot !== null) return this.#snapshot.read(out.values);
    if (this.#posted === null) return false;
    out.values.set(this.#posted);
    return true;
  }

  /**
   * Replaces the metered source, which the option `source` or the last call has set; null removes it. Readings continue. Nodes that
   * you have connected yourself stay connected.
   * @throws TypeError for a value that is not a source; MicwireError `'closed'`; `'no-audio'` and `'unsupported'` as `create`: the
   *   old source is then still metered
   */
  setSource(source: CaptureSource | null): void {
    if (this.#closed) throw meterClosed();
    if (source !== null) this.#source = replaceSource(this.#source, source, this.node);
    else if (this.#source !== null) {
      disconnectSource(this.#source, this.node);
      this.#source = null;
    }
  }

  /**
   * Pauses the measurement of integrated loudness, loudness range and their maxima (Tech 3341 §2.4); all other readings
   * continue.
   * @throws MicwireError `'closed'`
   */
  async pause(): Promise<void> {
    this.#send({ type: 'pause' });
  }

  /** Continues the measurement after `pause()`. A new meter is running. @throws MicwireError `'closed'` */
  async resume(): Promise<void> {
    this.#send({ type: 'resume' });
  }

  /** Restarts all readings at the next render quantum. @throws MicwireError `'closed'` */
  reset(): void {
    this.#send({ type: 'reset' });
  }

  /**
   * Ends the processor and disconnects the node. The last reading remains readable. The meter closes by itself when its context is
   * closed. Resolves when the processor has ended; a second call returns the same promise.
   */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#send({ type: 'close' });
      if (this.#hasFailed) this.#lastWord.hear(this.node.port);
      else this.#lastWord.await(this.node);
      this.#closed = true;
      this.node.context.removeEventListener('statechange', this.#onContext);
      if (this.#source !== null) disconnectSource(this.#source, this.node);
      this.node.disconnect();
    }
    return this.#lastWord.heard;
  }

  readonly #onContext = (): void => {
    if (this.node.context.state === 'closed') void this.close();
  };

  #send(command: MeterCommand): void {
    if (this.#closed) throw meterClosed();
    this.node.port.postMessage(command);
  }

  #receive(event: MeterEvent): void {
    if (event.type === 'reading') this.#posted = event.values;
    else if (event.type === 'closed') this.#lastWord.hear(this.node.port);
    else {
      const { active, sinceFrame, frame } = event;
      this.dispatchEvent(new CustomEvent('activity', { detail: { active, sinceFrame, frame } }));
    }
  }
}

function meterClosed(): MicwireError {
  return new MicwireError('closed', 'The meter is closed. Create another one.');
}

const FAILED =
  "The meter's processor failed; its node is silent for good. Close it and make another one.";
