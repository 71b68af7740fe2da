import { isSampleFormat } from 'micwire/codec';
import type { LaneTotals } from '../measure/metrics.ts';
import { Receiver, loadOpusModule } from 'micwire';
import type { Call, Capture, PayloadFormat, FramingName } from 'micwire';
import { RelayedChannels, connectCalls, openCalls } from './lane-calls.ts';
import type { LaneState, LaneWorkerOptions, Protection } from './lane-messages.ts';
import { LaneWorker } from './lane-worker.ts';
import { LANE_SAMPLE_RATE } from './lane-settings.ts';
import type { CallEnds, ComparedLane, LaneBuild, LaneMessage, LaneWay } from './lane.ts';
import { transferOf } from './link-way.ts';
import { openCapture } from './open-capture.ts';

/** What tells lanes of packets apart. */
export interface PacketLaneOptions {
  readonly format: 's16' | 'opus';
  readonly framing: FramingName;
  readonly transport: 'websocket' | 'data-channel' | 'webtransport';
  /** Whether packets repeat earlier ones, as often as the settings say. */
  readonly redundant?: boolean;
}

/** Opens a lane whose packets are the library's: audio thread → (Opus in a Worker of the library →) Worker → network and back. */
export async function openPacketLane(
  parts: LaneBuild,
  options: PacketLaneOptions,
): Promise<ComparedLane> {
  const lane = new PacketLane(options.framing);
  try {
    await lane.open(parts, options);
    return lane;
  } catch (error) {
    lane.close();
    throw error;
  }
}

class PacketLane implements ComparedLane {
  call: CallEnds<Call> | null = null;
  onchange: (() => void) | null = null;
  readonly #framing: FramingName;
  readonly #worker = new LaneWorker();
  #capture: Capture<PayloadFormat> | null = null;
  #receiver: Receiver | null = null;
  #relay: RelayedChannels | null = null;
  #repeatedBytes = (): number => 0;
  #way: LaneWay | null = null;
  #endNetwork = (): void => {};
  #closed = false;

  constructor(framing: FramingName) {
    this.#framing = framing;
    this.#worker.onchange = () => this.onchange?.();
    this.#worker.onloss = (expectedLossPercent) => {
      if (this.#capture === null || isSampleFormat(this.#capture.format)) return;
      (this.#capture as Capture<'opus'>).adjust({ expectedLossPercent });
    };
  }

  get output(): AudioNode {
    return this.#receiver!.node;
  }

  get state(): LaneState {
    return this.#worker.state;
  }

  get reason(): string {
    return this.#worker.reason;
  }

  async open(parts: LaneBuild, options: PacketLaneOptions): Promise<void> {
    const { context, id, source, settings, link } = parts;
    const { format, framing, transport, redundant = false } = options;
    this.#repeatedBytes = () => link.repeatedWireBytes(id);
    const protection: Protection = redundant ? settings.copies : framing === 'rtp' ? 'fec' : 0;
    const common = {
      format,
      framing,
      settings,
      sampleRate: LANE_SAMPLE_RATE,
      protection,
      opus: isSampleFormat(format) ? null : await loadOpusModule(),
    };
    const opened =
      transport === 'websocket'
        ? this.#openSocket(link.openSocketWay(id), common)
        : transport === 'webtransport'
          ? this.#openWebTransport(parts, common)
          : this.#openChannels(parts, common);
    const [receiver, capture] = await Promise.all([
      Receiver.create(context, {
        format,
        sampleRate: LANE_SAMPLE_RATE,
        latencyCost: settings.latencyCost,
      }).then((it) => (this.#receiver = it)),
      openCapture(context, source, {
        ...settings,
        format,
        sampleRate: LANE_SAMPLE_RATE,
        channels: 1,
        // FEC costs nothing while no loss is expected.
        fec: typeof protection !== 'number',
        expectedLossPercent: 0,
        // Where packets of any length can be encoded, and the encoder can be changed and timed.
        encodeIn: 'worker',
      }).then((it) => (this.#capture = it)),
      opened,
    ]);
    // Closed meanwhile: what was created since must be closed too.
    if (this.#closed) return void [receiver.close(), void capture.close()];
    receiver.pipeFromWorker(this.#worker.worker);
    await capture.pipeToWorker(this.#worker.worker);
  }

  async totals(): Promise<LaneTotals> {
    const counts = await this.#worker.counts();
    return {
      ...this.#receiver!.stats,
      ...counts,
      repeatedBytes: this.#repeatedBytes(),
      // The codec's, and what it takes to put packets into messages.
      encodeMs: (this.#capture?.encodeMs ?? 0) + (counts?.encodeMs ?? 0),
      atMs: performance.now(),
    };
  }

  async lastMessage(): Promise<LaneMessage | null> {
    const message = await this.#worker.lastMessage();
    return message === null ? null : { message, framing: this.#framing };
  }

  captureFile(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#worker.captureFile();
  }

  close(): void {
    this.#closed = true;
    this.onchange = null;
    this.#worker.close();
    this.#way?.close();
    this.#endNetwork();
    void this.#capture?.close();
    void this.#receiver?.close();
    this.#relay?.close();
    void this.call?.sender.close();
    void this.call?.receiver.close();
  }

  #openSocket(opened: LaneWay, options: Omit<LaneWorkerOptions, 'wire'>): Promise<void> {
    this.#way = opened;
    const { way } = opened;
    return this.#worker.open({ ...options, wire: { type: 'websocket', way } }, transferOf(way));
  }

  async #openWebTransport(
    { id, link }: LaneBuild,
    options: Omit<LaneWorkerOptions, 'wire'>,
  ): Promise<void> {
    const way = await link.openWebTransport(id);
    this.#endNetwork = () => link.closeWebTransport(way);
    if (this.#closed) return this.#endNetwork();
    await this.#worker.open({ ...options, wire: { type: 'webtransport', way } });
  }

  async #openChannels(
    { id, link }: LaneBuild,
    options: Omit<LaneWorkerOptions, 'wire'>,
  ): Promise<void> {
    const silent = { receive: false };
    const calls = await openCalls(id, link, { sender: silent, receiver: silent });
    this.call = calls;
    if (this.#closed) return void [calls.sender.close(), calls.receiver.close()];
    this.#way = link.openDatagramWay(id);
    const opened = this.#handOver(calls, options);
    await Promise.all([opened, connectCalls(calls)]);
  }

  /** Gives the channels to the Worker where the engine can, in the task that makes them; else the page carries messages for it. */
  #handOver(
    { sender, receiver }: CallEnds<Call>,
    options: Omit<LaneWorkerOptions, 'wire'>,
  ): Promise<void> {
    const ends = { sender: sender.createDataChannel(), receiver: receiver.createDataChannel() };
    const network = this.#way?.way ?? null;
    // The types do not know yet that channels can be transferred (W3C webrtc-extensions §11).
    const channels = [ends.sender, ends.receiver] as unknown as Transferable[];
    const transfer = [...channels, ...transferOf(network)];
    try {
      const wire = { type: 'channels', ...ends, network } as const;
      return this.#worker.open({ ...options, wire }, transfer);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'DataCloneError') throw error;
    }
    this.#relay = new RelayedChannels(ends);
    const { port } = this.#relay;
    const wire = { type: 'relay', port, network } as const;
    return this.#worker.open({ ...options, wire }, [port, ...transferOf(network)]);
  }
}
