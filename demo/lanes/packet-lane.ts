import { isSampleFormat } from 'micwire/core';
import type { LaneTotals } from '../measure/metrics.ts';
import { Capture, Receiver, loadOpusModule } from 'micwire';
import type { Call } from 'micwire';
import type { FramingName } from 'micwire/core';
import { RelayedChannels } from './channel-relay.ts';
import { connectCalls, openCalls } from './lane-calls.ts';
import type { LaneWorkerOptions } from './lane-messages.ts';
import type { LaneState } from './lane-settings.ts';
import { LaneWorker } from './lane-worker.ts';
import type { Lane, LaneBuild, LaneCall, LaneMessage } from './lane.ts';
import type { CallEnds } from './link-access.ts';

/** Of what goes over the wire: what Opus codes at best, and the same for samples, so that both carry the same sound. */
const SAMPLE_RATE = 48_000;

/** What tells lanes of packets apart. */
export interface PacketLaneOptions {
  readonly format: 's16' | 'opus';
  readonly framing: FramingName;
  readonly transport: 'websocket' | 'data-channel';
  /** Whether packets repeat earlier ones, as often as the settings say. */
  readonly redundant?: boolean;
}

/** Opens a lane whose packets are made by us: audio thread → Worker → network → Worker → audio thread. */
export async function openPacketLane(parts: LaneBuild, options: PacketLaneOptions): Promise<Lane> {
  const lane = new PacketLane(options.framing);
  try {
    await lane.open(parts, options);
    return lane;
  } catch (error) {
    lane.close();
    throw error;
  }
}

class PacketLane implements Lane {
  call: LaneCall | null = null;
  onchange: (() => void) | null = null;
  private readonly framing: FramingName;
  private readonly worker = new LaneWorker();
  private capture: Capture | null = null;
  private receiver: Receiver | null = null;
  private relay: RelayedChannels | null = null;
  private closed = false;

  constructor(framing: FramingName) {
    this.framing = framing;
    this.worker.onchange = () => this.onchange?.();
  }

  get output(): AudioNode {
    return this.receiver!.node;
  }

  get state(): LaneState {
    return this.worker.state;
  }

  get reason(): string {
    return this.worker.reason;
  }

  async open(parts: LaneBuild, options: PacketLaneOptions): Promise<void> {
    const { context, id, source, settings, link } = parts;
    const { format, framing, transport, redundant = false } = options;
    const common = {
      format,
      framing,
      settings,
      sampleRate: SAMPLE_RATE,
      copies: redundant ? settings.copies : 0,
      opus: isSampleFormat(format) ? null : await loadOpusModule(),
    };
    const opened =
      transport === 'websocket'
        ? this.worker.open({ ...common, wire: { type: 'websocket', url: link.socketUrl(id) } })
        : this.openChannels(parts, common);
    const [receiver, capture] = await Promise.all([
      Receiver.create(context, {
        format,
        sampleRate: SAMPLE_RATE,
        latencyCost: settings.latencyCost,
      }).then((it) => (this.receiver = it)),
      Capture.create(context, source, {
        sampleRate: SAMPLE_RATE,
        format: isSampleFormat(format) ? format : 'f32',
        chunkDuration: settings.frameDuration,
      }).then((it) => (this.capture = it)),
      opened,
    ]);
    // Closed meanwhile: what has come since must go too.
    if (this.closed) return void [receiver.close(), void capture.close()];
    receiver.pipeFromWorker(this.worker.worker);
    await capture.pipeToWorker(this.worker.worker);
  }

  async totals(): Promise<LaneTotals> {
    const counts = await this.worker.counts();
    return { ...this.receiver!.stats, ...counts, atMs: performance.now() };
  }

  async lastMessage(): Promise<LaneMessage | null> {
    const message = await this.worker.lastMessage();
    return message === null ? null : { message, framing: this.framing };
  }

  captureFile(): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.worker.captureFile();
  }

  close(): void {
    this.closed = true;
    this.onchange = null;
    this.worker.close();
    void this.capture?.close();
    void this.receiver?.close();
    this.relay?.close();
    void this.call?.sender.close();
    void this.call?.receiver.close();
  }

  private async openChannels(
    { id, link }: LaneBuild,
    options: Omit<LaneWorkerOptions, 'wire'>,
  ): Promise<void> {
    const silent = { receive: false };
    const calls = await openCalls(id, link, { sender: silent, receiver: silent });
    this.call = calls;
    if (this.closed) return void [calls.sender.close(), calls.receiver.close()];
    const opened = this.handOver(calls, options);
    await Promise.all([opened, connectCalls(calls)]);
  }

  /** Gives the channels to the Worker where the engine can, in the task that makes them; else the page carries messages for it. */
  private handOver(
    { sender, receiver }: CallEnds<Call>,
    options: Omit<LaneWorkerOptions, 'wire'>,
  ): Promise<void> {
    const ends = { sender: sender.createDataChannel(), receiver: receiver.createDataChannel() };
    // The types do not know yet that channels can be transferred (W3C webrtc-extensions §11).
    const transfer = [ends.sender, ends.receiver] as unknown as Transferable[];
    try {
      return this.worker.open({ ...options, wire: { type: 'channels', ...ends } }, transfer);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== 'DataCloneError') throw error;
    }
    this.relay = new RelayedChannels(ends);
    const { port } = this.relay;
    return this.worker.open({ ...options, wire: { type: 'relay', port } }, [port]);
  }
}
