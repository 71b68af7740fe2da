import { receiveDelivery } from '../core/capture/chunk-receiver.ts';
import { ChunkQueue } from '../core/capture/chunk-queue.ts';
import type { CaptureStats } from '../core/capture/chunk-queue.ts';
import { slotOf } from '../core/capture/chunk.ts';
import type { ChunkFormat } from '../core/capture/chunk.ts';
import type { OpusModule } from '../core/codec/opus-library.ts';
import { checkOpusAdjustment } from '../core/codec/opus-options.ts';
import type { OpusAdjustment, OpusOptions, OpusSettings } from '../core/codec/opus-options.ts';
import { MicwireError } from '../core/errors.ts';
import type {
  CaptureDelivery,
  CaptureHandover,
  CapturePort,
  OpusWorkerCommand,
  OpusWorkerEvent,
} from '../core/messages.ts';
import type { CaptureBackend, CaptureListener } from './capture-backend.ts';
import { CaptureNode } from './capture-node.ts';
import type { OpusCaptureSettings } from './opus-capture-options.ts';

const FIXED =
  "The engine's own encoder cannot be changed while it runs: create the capture with encodeIn 'worklet' or 'worker'.";

/** How long `end()` waits for the last packets. */
const END_MS = 2000;

/** What the Worker answers to a command. */
type Answer<Type> = Extract<OpusWorkerEvent, { readonly type: Type }>;

/** Sends a command, and waits for its answer. @throws MicwireError 'unsupported' when the Worker fails */
export function ask<Type extends OpusWorkerEvent['type']>(
  worker: Worker,
  command: OpusWorkerCommand,
  type: Type,
  transfer: Transferable[] = [],
): Promise<Answer<Type>> {
  return new Promise((resolve, reject) => {
    const listen = ({ data }: MessageEvent<OpusWorkerEvent>): void => {
      if (data.type === type) resolve(data as Answer<Type>);
      else if (data.type === 'failed') reject(new MicwireError('unsupported', data.message));
      else return;
      worker.removeEventListener('message', listen);
    };
    worker.addEventListener('message', listen);
    worker.postMessage(command, transfer);
  });
}

/** Asks the Worker what the engine's own encoder would not do as it is told. */
export async function probeWebCodecs(
  worker: Worker,
  settings: OpusSettings,
  asked: readonly (keyof OpusOptions)[],
): Promise<readonly string[]> {
  return (await ask(worker, { type: 'probe', settings, asked }, 'probed')).faults;
}

/** A Worker that is ready to encode one capture, and the port that its packets come by. */
export interface OpusWorkerSession {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly settings: OpusSettings;
  /** The engine's own encoder works, not libopus. */
  readonly webCodecs: boolean;
  /** Frames at the wire rate. */
  readonly preSkip: number;
}

/** @param module null for the engine's own encoder */
export async function openWorkerSession(
  worker: Worker,
  { opus, capture }: OpusCaptureSettings,
  module: OpusModule | null,
): Promise<OpusWorkerSession> {
  const { port1, port2 } = new MessageChannel();
  const { encoding } = capture.format;
  const options = { settings: opus, module, encoding, slots: capture.maxChunks, port: port1 };
  const { preSkip } = await ask(worker, { type: 'open', options }, 'opened', [port1]);
  return { worker, port: port2, settings: opus, webCodecs: module === null, preSkip };
}

/** Captures samples, has them encoded in a Worker, and queues the packets. The samples do not pass through this thread. */
export class OpusWorkerBackend implements CaptureBackend {
  readonly queue: ChunkQueue;
  readonly #capture: CaptureNode;
  readonly #listener: CaptureListener;
  readonly #session: OpusWorkerSession;
  readonly #format: ChunkFormat;
  #piped = false;
  #onPiped: (() => void) | undefined;
  #ending: Promise<void> | undefined;
  #failed = false;
  #released = false;
  /** Resolves when the Worker has sent the last packet. */
  readonly #ended: Promise<void>;

  constructor(
    context: BaseAudioContext,
    { capture }: OpusCaptureSettings,
    session: OpusWorkerSession,
    listener: CaptureListener,
  ) {
    this.#listener = listener;
    this.#session = session;
    this.queue = new ChunkQueue(capture.maxChunks);
    this.#format = { ...capture.format, format: 'opus' as never };
    // What reaches the Worker are samples, whatever the packets are to become.
    const samples = { ...capture, format: { ...capture.format, encoding: 'binary' as const } };
    this.#capture = new CaptureNode(context, samples, {
      answered: () => listener.answered(),
      failed: (error) => this.#fail(error),
    });
    const { worker, port } = session;
    this.#ended = new Promise((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<OpusWorkerEvent>): void => {
        if (data.type === 'failed') this.#fail(new MicwireError('unsupported', data.message));
        if (data.type === 'ended' && this.#piped) resolve();
      };
      port.onmessage = ({ data }: MessageEvent<CaptureDelivery | Answer<'piped'>>): void => {
        if (data.type === 'piped') return this.#onPiped?.();
        receiveDelivery(data, port as CapturePort, this.#format, this.queue);
        if (data.type === 'end') resolve();
      };
    });
    worker.onerror = ({ message }): void =>
      this.#fail(new MicwireError('processor-error', `The Opus Worker failed: ${message}.`));
    void this.#capture.pipeTo(worker);
  }

  get node(): AudioWorkletNode {
    return this.#capture.node;
  }

  get latencyFrames(): number {
    return this.#capture.latencyFrames;
  }

  get stats(): CaptureStats {
    return this.#piped && this.ended ? this.#capture.stats : this.queue.stats;
  }

  get ended(): boolean {
    return this.#ending !== undefined || this.#failed;
  }

  ping(): void {
    this.#capture.ping();
  }

  pause(hold?: boolean): Promise<void> {
    return this.#capture.pause(hold);
  }

  resume(): void {
    this.#capture.resume();
  }

  adjust(options: OpusAdjustment): void {
    const { settings, webCodecs, worker } = this.#session;
    const checked = checkOpusAdjustment(options, settings.channels);
    if (webCodecs) throw new MicwireError('unsupported', FIXED);
    const command: OpusWorkerCommand = { type: 'adjust', options: checked };
    worker.postMessage(command);
  }

  async pipeTo(target: Worker): Promise<void> {
    const { worker } = this.#session;
    const { port1, port2 } = new MessageChannel();
    // What the Worker sent before comes here, and goes on with what waits: nothing is lost or out of order.
    const piped = new Promise<void>((resolve) => (this.#onPiped = resolve));
    const command: OpusWorkerCommand = { type: 'pipe', port: port1 };
    worker.postMessage(command, [port1]);
    await piped;
    this.#piped = true;
    const firstFrame = this.queue.handoverFrame;
    const firstSequence = this.queue.handoverSequence;
    const waiting = this.queue.drain().map(slotOf);
    const transfer: Transferable[] = [port2];
    for (const { header } of waiting) transfer.push(header.buffer as ArrayBuffer);
    const handover: CaptureHandover = {
      type: 'micwire-capture',
      format: this.#format,
      maxChunks: this.queue.maxChunks,
      firstFrame,
      firstSequence,
      waiting,
      port: port2 as CapturePort,
      ring: null,
    };
    target.postMessage(handover, transfer);
  }

  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    await this.#capture.end();
    if (!this.#failed) await Promise.race([this.#ended, sleep(END_MS)]);
    this.#release();
  }

  #release(): void {
    this.#released = true;
    const { worker, port } = this.#session;
    worker.onmessage = null;
    worker.terminate();
    port.close();
    this.queue.end();
  }

  #fail(error: MicwireError): void {
    if (this.#failed || this.#released) return;
    this.#failed = true;
    this.queue.fail(error);
    void this.#capture.end();
    this.#release();
    this.#listener.failed(error);
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
