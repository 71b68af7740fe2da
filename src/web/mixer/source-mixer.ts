import { describe } from '../../core/arguments.ts';
import { SOURCE, SOURCE_FIELDS } from '../../core/align/mixer-report.ts';
import { MicwireError } from '../../core/errors.ts';
import type { MixerCommand, MixerEvent, MixerProcessorOptions } from '../../core/messages.ts';
import { checkContext } from '../../core/option-names.ts';
import type { VariableResamplerPlan } from '../../core/resampler/variable-resampler.ts';
import { SnapshotReader, allocateSnapshot } from '../../core/snapshot.ts';
import { checkSignal } from '../abort.ts';
import { openSource, SourceWatch } from '../capture-source.ts';
import type { OpenSource } from '../capture-source.ts';
import { canShareMemory, keepRendering, makeInOpenContext, whileOpen } from '../context-life.ts';
import { MixedSource } from './mixed-source.ts';
import type { MixedSourceStats } from './mixed-source.ts';
import { deferred, LastWord, sleep } from '../patience.ts';
import type { Deferred } from '../patience.ts';
import { mixerSettings, mixerSource } from './source-mixer-options.ts';
import type {
  MixerSettings,
  MixerSource,
  SourceMixerEventMap,
  SourceMixerOptions,
} from './source-mixer-options.ts';
import { TrackFeed } from './track-feed.ts';
import { TypedEventTarget } from '../typed-event-target.ts';
import { MIXER_WORKLET } from '../mixer-worklet.ts';
import { loadWorklet } from '../worklet-loader.ts';

/** Length of the fade before a source is removed, in ms. */
const FADE_MS = 20;
/** How long the audio thread may take to release a source, in ms. */
const REMOVE_MS = 1000;

/** Designs the resampler of a stream, from its rate in Hz to the context's. */
type Planner = (inputRate: number) => VariableResamplerPlan;

/** A source, and everything that belongs to it. */
interface Entry {
  readonly mixed: MixedSource;
  readonly id: number;
  readonly slot: number;
  readonly opened: OpenSource;
  readonly watch: SourceWatch;
  /** The feed of the track's blocks; null if the source is heard through its node. */
  feed: TrackFeed | null;
  readonly removed: Deferred<Float64Array | null>;
}

/**
 * Aligns several sources to one clock, as channels of one node or mixed: for example a microphone and the audio of a tab. The mixer
 * follows each source's clock and compensates its drift, where the engine exposes the timestamps that this needs. When a source is
 * missing, the others continue: its frames are silence, and count as missing in its own statistics.
 *
 * @example
 * const tab = await navigator.mediaDevices.getDisplayMedia({ video: true, audio: true });
 * const mixer = await SourceMixer.create(context, [{ source: microphone }, { source: tab }]);
 * const capture = await Capture.create(context, mixer.node, { channels: 2 });
 */
export class SourceMixer extends TypedEventTarget<SourceMixerEventMap> {
  /** The node that delivers the audio. Pass it to `Capture`, `Recorder` and `Meter`, or connect it. */
  readonly node: AudioWorkletNode;
  readonly #settings: MixerSettings;
  readonly #plan: Planner;
  readonly #snapshot: SnapshotReader | null;
  #values: Float64Array;
  readonly #entries = new Map<number, Entry>();
  readonly #lastWord = new LastWord();
  readonly #endRendering: () => void;
  #ids = 0;
  #closed = false;

  /**
   * Loads the worklet and creates a mixer.
   * @param sources the initial sources; the first one becomes the first channel
   * @throws TypeError or RangeError for an invalid argument; MicwireError `'no-audio'` when a source has no live audio track (for
   *   example a tab shared without its audio), `'unsupported'` when the engine refuses it, `'worklet-load'`, `'closed'`
   */
  static async create(
    context: AudioContext,
    sources: readonly MixerSource[],
    options: SourceMixerOptions = {},
  ): Promise<SourceMixer> {
    checkContext('SourceMixer.create', context);
    if (!Array.isArray(sources)) {
      throw new TypeError(`sources must be an array, got ${describe(sources)}.`);
    }
    const settings = mixerSettings(options, sources.length);
    const checked = sources.map(mixerSource);
    const opening = { context, signal: options.signal };
    checkSignal(options.signal);
    const [{ planVariableResampler }] = await whileOpen(
      opening,
      Promise.all([
        import('../../core/resampler/variable-resampler-planner.ts'),
        loadWorklet(context, MIXER_WORKLET, { url: options.workletUrl }),
      ]),
    );
    const plan: Planner = (inputRate) =>
      planVariableResampler({ inputRate, outputRate: context.sampleRate });
    const mixer = makeInOpenContext(opening, () => new SourceMixer(context, settings, plan));
    try {
      for (const source of checked) mixer.add(source);
    } catch (error) {
      await mixer.close();
      throw error;
    }
    return mixer;
  }

  private constructor(context: AudioContext, settings: MixerSettings, plan: Planner) {
    super();
    this.#plan = plan;
    this.#settings = settings;
    const { layout, channels, slots, maxDelayMs } = settings;
    this.#values = new Float64Array(slots * SOURCE_FIELDS.length);
    const snapshot = canShareMemory() ? allocateSnapshot(this.#values.length) : null;
    this.#snapshot = snapshot && new SnapshotReader(snapshot);
    const processorOptions: MixerProcessorOptions = {
      layout,
      channels,
      slots,
      maxDelayMs,
      warmUp: plan(context.sampleRate),
      snapshot,
    };
    this.node = new AudioWorkletNode(context, 'micwire-mixer', {
      numberOfInputs: 2 * slots,
      numberOfOutputs: 1,
      outputChannelCount: [channels],
      processorOptions,
    });
    this.node.port.onmessage = ({ data }: MessageEvent<MixerEvent>): void => this.#hear(data);
    this.node.onprocessorerror = (cause): void => this.#fail(cause);
    this.#endRendering = keepRendering(this.node);
    context.addEventListener('statechange', this.#onContext);
  }

  /** The sources, in the order of their channels. */
  get sources(): readonly MixedSource[] {
    return [...this.#entries.values()]
      .toSorted((a, b) => a.slot - b.slot)
      .map(({ mixed }) => mixed);
  }

  /**
   * Adds a source; with `'separate'`, as the first free channel. If it needs more delay than the other sources had, they pause once
   * for the difference.
   * @throws TypeError or RangeError for an invalid argument, and when there are `maxSources` sources already; MicwireError
   *   `'no-audio'`, `'unsupported'`, `'closed'`
   */
  add(source: MixerSource): MixedSource {
    const { source: given, gain } = mixerSource(source);
    if (this.#closed) throw closed();
    const slot = this.#freeSlot();
    const { context } = this.node;
    const opened = openSource(context, given);
    if (opened.node.context !== context) {
      opened.release();
      throw new TypeError("source must be a node of the mixer's context, got one of another.");
    }
    // A node is used as it is, whatever is behind it.
    const track = opened.node === given ? null : opened.track;
    const id = ++this.#ids;
    const mixed = new MixedSource(given, track !== null && TrackFeed.isSupported, gain, {
      figures: () => this.#figures(id, slot),
      setGain: (value) => this.#send({ type: 'gain', slot, gain: value }),
    });
    const watch = new SourceWatch(context, opened, () => this.#look(id));
    const removed = deferred<Float64Array | null>();
    const entry: Entry = { mixed, id, slot, opened, watch, feed: null, removed };
    this.#entries.set(id, entry);
    if (track !== null && mixed.aligned) entry.feed = this.#follow(entry, track);
    else this.#connect(entry);
    return mixed;
  }

  /**
   * Removes a source within about 20 ms. With `'separate'` its channel is silent until another source takes it.
   * @returns its final statistics
   * @throws TypeError for a value that is not a source of this mixer
   */
  async remove(source: MixedSource): Promise<MixedSourceStats> {
    const entry = [...this.#entries.values()].find(({ mixed }) => mixed === source);
    if (entry === undefined) {
      if (source instanceof MixedSource && source.state === 'removed') return source.stats;
      throw new TypeError(`remove takes a source of this mixer, got ${describe(source)}.`);
    }
    const { id, slot, removed } = entry;
    this.#send({ type: 'gain', slot, gain: 0 });
    await sleep(FADE_MS);
    if (this.#entries.has(id)) {
      this.#send({ type: 'remove', slot });
      await Promise.race([removed.promise, sleep(REMOVE_MS)]);
      this.#release(entry);
    }
    return source.stats;
  }

  /**
   * Ends the processor, and disconnects and releases the sources; their tracks continue. The mixer closes by itself with its
   * context. Resolves when the processor has ended; a second call returns the same promise.
   */
  close(): Promise<void> {
    if (!this.#closed) {
      this.#send({ type: 'close' });
      this.#lastWord.await(this.node);
      this.#shut();
    }
    return this.#lastWord.heard;
  }

  #freeSlot(): number {
    const taken = new Set([...this.#entries.values()].map(({ slot }) => slot));
    for (let slot = 0; slot < this.#settings.slots; slot++) if (!taken.has(slot)) return slot;
    throw new RangeError(
      `The mixer has its ${this.#settings.slots} sources. Remove one, or create it with a larger maxSources.`,
    );
  }

  /** Feeds a track's blocks to the audio thread without the engine's own node. */
  #follow({ id, slot, mixed }: Entry, track: MediaStreamTrack): TrackFeed {
    return new TrackFeed(track, id, this.#settings.workerUrl, {
      rate: (inputRate) => {
        const resampler = this.#plan(inputRate);
        this.#send({ type: 'stream', slot, id, gain: mixed.gain, resampler });
      },
      pipe: (port) => this.#send({ type: 'pipe', port }, [port]),
      block: (timestampMs, sampleRate, channels) => {
        const transfer = channels.map(({ buffer }) => buffer);
        this.#send({ type: 'block', id, timestampMs, sampleRate, channels }, transfer);
      },
      end: () => this.#end(id),
    });
  }

  #connect({ id, slot, mixed, opened: { node, living } }: Entry): void {
    const { slots } = this.#settings;
    this.#send({ type: 'node', slot, id, gain: mixed.gain, tellsPresence: living !== null });
    node.connect(this.node, 0, slot);
    if (living !== null) {
      node.connect(this.node, living.captureFeed.presenceOutput, slots + slot);
    }
  }

  #figures(id: number, slot: number): { readonly values: Float64Array; readonly at: number } {
    this.#snapshot?.read(this.#values);
    const at = slot * SOURCE_FIELDS.length;
    // The report may be older than the source.
    if (this.#values[at + SOURCE.id] === id) return { values: this.#values, at };
    return { values: NOTHING, at: 0 };
  }

  #look(id: number): void {
    if (this.#entries.get(id)?.watch.state === 'ended') this.#end(id);
  }

  #end(id: number): void {
    const mixed = this.#entries.get(id)?.mixed;
    if (mixed === undefined || mixed.state === 'ended') return;
    mixed.end();
    this.dispatchEvent(new CustomEvent('sourceend', { detail: mixed }));
  }

  #release(entry: Entry): void {
    const { id, slot, mixed, opened, watch, feed } = entry;
    if (!this.#entries.has(id)) return;
    const { values, at } = this.#figures(id, slot);
    mixed.leave(values.slice(at, at + SOURCE_FIELDS.length));
    this.#entries.delete(id);
    watch.stop();
    feed?.close();
    opened.release();
    if (feed !== null) return;
    const { node, living } = opened;
    try {
      node.disconnect(this.node, 0, slot);
      const { slots } = this.#settings;
      if (living) node.disconnect(this.node, living.captureFeed.presenceOutput, slots + slot);
    } catch {
      // Not connected any more (Web Audio §1.5.3, InvalidAccessError).
    }
  }

  #hear(event: MixerEvent): void {
    switch (event.type) {
      case 'report':
        this.#values = event.values;
        break;
      case 'gap':
        this.#tellGap(event);
        break;
      case 'buffers':
        this.#entries.get(event.id)?.feed?.giveBack(event.channels);
        break;
      case 'removed': {
        const entry = this.#entries.get(event.id);
        if (entry === undefined) break;
        this.#release(entry);
        entry.mixed.leave(event.values);
        entry.removed.resolve(event.values);
        break;
      }
      case 'closed':
        this.#lastWord.hear(this.node.port);
    }
  }

  #tellGap({ id, frame, missingFrames }: Extract<MixerEvent, { readonly type: 'gap' }>): void {
    const source = this.#entries.get(id)?.mixed;
    if (source === undefined) return;
    const { sampleRate } = this.node.context;
    const durationMs = (missingFrames / sampleRate) * 1000;
    const detail = { source, missingFrames, durationMs, contextTime: frame / sampleRate };
    this.dispatchEvent(new CustomEvent('gap', { detail }));
  }

  #send(command: MixerCommand, transfer: Transferable[] = []): void {
    if (!this.#closed) this.node.port.postMessage(command, transfer);
  }

  readonly #onContext = (): void => {
    if (this.node.context.state === 'closed') void this.close();
  };

  #fail(cause: Event): void {
    if (this.#closed) return;
    this.#shut();
    this.#lastWord.hear(this.node.port);
    const detail = new MicwireError('processor-error', FAILED, { cause });
    this.dispatchEvent(new CustomEvent('error', { detail }));
  }

  #shut(): void {
    for (const entry of this.#entries.values()) this.#release(entry);
    this.#closed = true;
    this.node.context.removeEventListener('statechange', this.#onContext);
    this.node.disconnect();
    this.#endRendering();
  }
}

const NOTHING = new Float64Array(SOURCE_FIELDS.length);
const FAILED =
  "The mixer's processor failed; its node is silent for good. Close it and make another one.";

function closed(): MicwireError {
  return new MicwireError('closed', 'The mixer is closed. Create another one.');
}
