import { checkContext, checkWorker } from '../core/option-names.ts';
import { MicwireError } from '../core/errors.ts';
import { checkSignal } from './abort.ts';
import { canShareMemory, makeInOpenContext, whileOpen } from './context-life.ts';
import type {
  ReceiveCommand,
  ReceiveEvent,
  ReceiveProcessorOptions,
  ReceiverHandover,
} from '../core/messages.ts';
import type { OpusModule } from '../core/codec/opus-library.ts';
import { ReceiveFeed } from '../core/receive/receive-feed.ts';
import type {
  ReceiveFraming,
  ReceivedMessage,
  ReceivedPackets,
} from '../core/receive/receive-feed.ts';
import { checkPipe } from '../core/pipe.ts';
import type { PipeOptions, ReceivePipeResult } from '../core/pipe.ts';
import type { Transport } from './transport/transport.ts';
import type { PayloadFormat } from '../core/format/formats.ts';
import { isSampled } from '../core/format/stream-format.ts';
import { REPORT, REPORT_LENGTH } from '../core/receive/receive-report.ts';
import type { VariableResamplerPlan } from '../core/resampler/variable-resampler.ts';
import { SnapshotReader, allocateSnapshot } from '../core/snapshot.ts';
import {
  checkDelays,
  checkReceiverOptions,
  receiverPosition,
  receiverStats,
} from './receiver-options.ts';
import type {
  ReceiverOptions,
  ReceiverSettings,
  ReceiverPosition,
  ReceiverState,
  ReceiverStats,
} from './receiver-options.ts';
import { TypedEventTarget } from './typed-event-target.ts';
import { LastWord } from './patience.ts';
import { loadVariablePlan } from './resampler-design.ts';
import { RECEIVE_OPUS_WORKLET } from './receive-opus-worklet.ts';
import { RECEIVE_WORKLET } from './receive-worklet.ts';
import { loadWorklet } from './worklet-loader.ts';

/** The events of a {@link Receiver}. */
export interface ReceiverEventMap {
  /** `receiver.state` has changed. */
  readonly statechange: Event;
  /** The processor failed, in `detail`: the receiver is closed. */
  readonly error: CustomEvent<MicwireError>;
}

/** Parts that {@link Receiver.create} loads. */
interface ReceiverParts {
  /** Plan of the resampler from the packets' rate to the context's. */
  readonly resampler: VariableResamplerPlan;
  /** For format `'opus'`: the result of `loadOpusModule`. */
  readonly opus?: OpusModule | undefined;
}

/**
 * Plays packets from a network that delays, loses, duplicates and reorders them, with an adaptive jitter buffer,
 * concealment, time-scaling and clock recovery, all on the audio thread.
 *
 * @example
 * const receiver = await Receiver.create(context, { format: 'opus', sampleRate: 48000 });
 * receiver.connect(context.destination);
 * receiver.pipeFrom(transport, binaryFraming);
 */
export class Receiver extends TypedEventTarget<ReceiverEventMap> {
  /** The processor's node, with one output. Connect it to the destination or to further nodes. */
  readonly node: AudioWorkletNode;
  readonly format: PayloadFormat;
  /** Sample rate of the packets, Hz. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly #settings: ReceiverSettings;
  readonly #feed: ReceiveFeed;
  readonly #snapshot: SnapshotReader | null;
  /** The latest report. */
  #values: Float64Array = emptyReport();
  #state: ReceiverState = 'waiting';
  readonly #lastWord = new LastWord();
  #minDelayMs: number;
  #maxDelayMs: number;

  /**
   * Loads the worklet, and libopus for Opus, and creates a receiver.
   * @throws TypeError or RangeError for an invalid option; MicwireError `'worklet-load'` or `'codec-load'` when a file
   *   cannot be loaded, `'closed'` when the context is closed, before or during the call
   */
  static async create(context: BaseAudioContext, options: ReceiverOptions): Promise<Receiver> {
    checkContext('Receiver.create', context);
    const settings = checkReceiverOptions(options);
    const { opusUrl: url, signal } = options;
    const opening = { context, signal };
    checkSignal(signal);
    const [resampler, opus] = await whileOpen(
      opening,
      Promise.all([
        loadVariablePlan({
          inputRate: settings.sampleRate,
          outputRate: context.sampleRate,
          quality: settings.quality,
        }),
        isSampled(settings) ? undefined : loadOpus(url),
        loadWorklet(context, isSampled(settings) ? RECEIVE_WORKLET : RECEIVE_OPUS_WORKLET, {
          url: options.workletUrl,
        }),
      ]),
    );
    return makeInOpenContext(opening, () => new Receiver(context, options, { resampler, opus }));
  }

  private constructor(context: BaseAudioContext, options: ReceiverOptions, parts: ReceiverParts) {
    super();
    const settings = checkReceiverOptions(options);
    const { format, sampleRate, channels, outputChannels, limits, maxPayloadBytes } = settings;
    this.#settings = settings;
    this.format = format;
    this.sampleRate = sampleRate;
    this.channels = channels;
    this.#minDelayMs = limits.minDelayMs;
    this.#maxDelayMs = limits.maxDelayMs;
    const snapshot = canShareMemory() ? allocateSnapshot(REPORT_LENGTH) : null;
    this.#snapshot = snapshot && new SnapshotReader(snapshot);
    const { capacityPackets, maxPacketFrames } = settings;
    const processorOptions: ReceiveProcessorOptions = {
      format,
      sampleRate,
      channels,
      outputChannels,
      limits,
      capacityPackets,
      maxPayloadBytes,
      maxPacketFrames,
      snapshot,
      resampler: parts.resampler,
      opus: parts.opus ?? null,
    };
    const processor = isSampled(settings) ? 'micwire-receive' : 'micwire-receive-opus';
    this.node = new AudioWorkletNode(context, processor, {
      numberOfInputs: 0,
      numberOfOutputs: 1,
      outputChannelCount: [outputChannels],
      processorOptions,
    });
    this.#feed = new ReceiveFeed({
      format,
      sampleRate,
      channels,
      maxPayloadBytes,
      maxPacketFrames,
      framing: options.framing,
      send: (delivery, transfer) => this.#send(delivery, transfer),
    });
    this.node.port.onmessage = ({ data }: MessageEvent<ReceiveEvent>): void => this.#hear(data);
    this.node.onprocessorerror = (cause): void => this.#fail(cause);
    context.addEventListener('statechange', this.#onContext);
  }

  /** State of the receiver. */
  get state(): ReceiverState {
    return this.#state;
  }

  /** Totals and current delays: at most 20 ms old while the context runs. */
  get stats(): ReceiverStats {
    return receiverStats(this.#report(), this.#feed);
  }

  /** Which frame leaves the node's output, and when. At most 20 ms old while the context runs. */
  get position(): ReceiverPosition {
    return receiverPosition(this.#report(), this.sampleRate, this.node.context.sampleRate);
  }

  /** Minimum delay, in ms after the fastest packet. @throws TypeError or RangeError when set outside 0–`maxDelayMs` */
  get minDelayMs(): number {
    return this.#minDelayMs;
  }
  set minDelayMs(minDelayMs: number) {
    this.#limit(minDelayMs, this.#maxDelayMs);
  }

  /**
   * Maximum delay, in ms after the fastest packet. @throws TypeError or RangeError when set outside `minDelayMs`–10000
   */
  get maxDelayMs(): number {
    return this.#maxDelayMs;
  }
  set maxDelayMs(maxDelayMs: number) {
    this.#limit(this.#minDelayMs, maxDelayMs);
  }

  /** Connects the node. @returns `destination` */
  connect(destination: AudioNode): AudioNode {
    return this.node.connect(destination);
  }

  /** Disconnects the node from all destinations. */
  disconnect(): void {
    this.node.disconnect();
  }

  /**
   * Inserts packets, in any order and any number of times. `stats` counts what happens to them.
   * @param packets one packet, or all packets of one message in a single call: a redundant copy that is inserted before the main
   *   packet of its message is dropped. Payloads are copied and remain the caller's
   * @throws PacketError when a packet does not have the stream's format, rate or channel count; the other packets are still
   *   inserted; MicwireError `'closed'`
   */
  insert(packets: ReceivedPackets): void {
    this.#feed.insert(packets);
  }

  /**
   * Decodes a message by the option `framing` and inserts its packets. Data from the network never makes it throw: a message that
   * cannot be read, or belongs to another stream, counts in `stats.badMessages`.
   * @returns whether the message was accepted; also false after `close()`
   * @throws TypeError without the option `framing`, or for a message that is neither text nor bytes
   */
  receive(message: ReceivedMessage): boolean {
    return this.#feed.receive(message);
  }

  /**
   * Plays every message of a transport until the transport is closed permanently, the receiver is closed or `signal` is aborted.
   * Data from the network never makes it throw: a message that cannot be read, or belongs to another stream, is counted.
   * @example
   * receiver.pipeFrom(transport, binaryFraming);
   * @param framing `binaryFraming`, `base64JsonFraming` or `rtpFraming`; to pass options to the framing,
   *   `{ createDecoder: (stream) => rtpFraming.createDecoder({ ...stream, payloadType: 96 }) }`
   * @returns statistics of what was received, when the pipe has ended
   * @throws TypeError or RangeError for an invalid argument, or a stream that the framing cannot carry
   */
  async pipeFrom(
    transport: Transport,
    framing: ReceiveFraming,
    options: PipeOptions = {},
  ): Promise<ReceivePipeResult> {
    checkPipe('receiver.pipeFrom', transport, framing, 'createDecoder', options);
    return this.#feed.pipe(transport, framing, options.signal);
  }

  /**
   * Lets a Worker insert packets without the main thread. In the Worker, `openReceiverPort(event)` of `micwire/worker` returns an
   * object with `insert`. Several Workers may do this, and this thread too.
   * @throws TypeError for an invalid argument; MicwireError `'closed'`
   */
  pipeFromWorker(worker: Worker | MessagePort): void {
    checkWorker('receiver.pipeFromWorker', worker);
    this.#checkOpen();
    const { port1, port2 } = new MessageChannel();
    const { format, sampleRate, channels } = this;
    const { maxPayloadBytes, maxPacketFrames } = this.#settings;
    const handover: ReceiverHandover = {
      type: 'micwire-receiver',
      format,
      sampleRate,
      channels,
      maxPayloadBytes,
      maxPacketFrames,
      port: port2,
    };
    // Before the processor is informed: this may throw.
    worker.postMessage(handover, [port2]);
    this.#send({ type: 'pipe', port: port1 }, [port1]);
  }

  /** Forgets the stream: the next packet starts a new one. Totals continue. @throws MicwireError `'closed'` */
  reset(): void {
    this.#send({ type: 'reset' });
  }

  /**
   * Ends the processor and disconnects the node. The receiver closes by itself when its context is closed. Resolves when the
   * processor has ended; a second call returns the same promise.
   */
  close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#send({ type: 'close' });
      this.#lastWord.await(this.node);
      this.#shut();
    }
    return this.#lastWord.heard;
  }

  #report(): Float64Array {
    this.#snapshot?.read(this.#values);
    return this.#values;
  }

  #limit(minDelayMs: number, maxDelayMs: number): void {
    checkDelays(minDelayMs, maxDelayMs);
    this.#minDelayMs = minDelayMs;
    this.#maxDelayMs = maxDelayMs;
    this.#send({ type: 'limits', minDelayMs, maxDelayMs });
  }

  #hear(event: ReceiveEvent): void {
    switch (event.type) {
      case 'report':
        this.#values = event.values;
        break;
      case 'state':
        this.#setState(event.state);
        break;
      case 'buffer':
        this.#feed.giveBack(event);
        break;
      case 'closed':
        this.#lastWord.hear(this.node.port);
    }
  }

  #setState(state: ReceiverState): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.dispatchEvent(new Event('statechange'));
  }

  #send(command: ReceiveCommand, transfer: Transferable[] = []): void {
    this.#checkOpen();
    this.node.port.postMessage(command, transfer);
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw new MicwireError('closed', CLOSED);
  }

  readonly #onContext = (): void => {
    if (this.node.context.state !== 'closed' || this.#state === 'closed') return;
    this.#shut();
    this.#lastWord.await(this.node);
  };

  /** Handles an exception of the processor: its node stays silent. */
  #fail(cause: Event): void {
    if (this.#state === 'closed') return;
    const detail = new MicwireError('processor-error', FAILED, { cause });
    this.#shut();
    this.#lastWord.hear(this.node.port);
    this.dispatchEvent(new CustomEvent('error', { detail }));
  }

  #shut(): void {
    this.node.context.removeEventListener('statechange', this.#onContext);
    this.node.disconnect();
    this.#report();
    this.#feed.close();
    this.#setState('closed');
  }
}

const CLOSED = 'The receiver is closed. Create another one.';
const FAILED = 'The receive processor threw and is silent for good. Make another receiver.';

/** Apps that play PCM never load it. */
async function loadOpus(url: string | URL | undefined): Promise<OpusModule> {
  const { loadOpusModule, passableOpusModule } = await import('./opus-module.ts');
  return passableOpusModule(await loadOpusModule({ url }), { url });
}

function emptyReport(): Float64Array {
  const values = new Float64Array(REPORT_LENGTH);
  values[REPORT.playFrame] = -1;
  return values;
}
