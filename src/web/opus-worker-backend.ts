import { receiveDelivery } from '../core/capture/chunk-receiver.ts';
import { ChunkQueue } from '../core/capture/chunk-queue.ts';
import type { CaptureStats } from '../core/capture/chunk-queue.ts';
import type { ChunkOptions } from '../core/capture/chunk.ts';
import type { OpusModule } from '../core/codec/opus-library.ts';
import { checkOpusAdjustment } from '../core/codec/opus-options.ts';
import type { OpusAdjustment, OpusOptions, OpusSettings } from '../core/codec/opus-options.ts';
import { MicwireError } from '../core/errors.ts';
import type {
  CaptureDelivery,
  MessagePortLike,
  OpusWorkerCommand,
  OpusWorkerEvent,
} from '../core/messages.ts';
import type { CaptureBackend, CaptureListener } from './capture-backend.ts';
import { CaptureNode } from './capture-node.ts';
import { whileOpen } from './context-life.ts';
import type { Opening } from './context-life.ts';
import { handOver } from './hand-over.ts';
import type { SourceFeed } from './capture-source.ts';
import type { OpusCaptureSettings } from './opus-capture-options.ts';
import { ANSWER_MS, Patience, sleep } from './patience.ts';
import { READER_WORDS, WorkerWatch } from './worker-watch.ts';

const FIXED =
  "The engine's own encoder cannot be changed while it runs: create the capture with encodeIn 'worklet' or 'worker'.";

/** How long `end()` waits for the last packets, in ms. */
const END_MS = 2000;
/** How long the Worker may take to answer, in ms: trying the engine's encoder takes longest. */
const WORKER_MS = 20_000;
const GONE =
  'The Worker that encodes Opus is gone: it has crashed, perhaps for want of memory. Close this capture and make another.';

/** The Worker's answer to a command. */
type Answer<Type> = Extract<OpusWorkerEvent, { readonly type: Type }>;

/**
 * Sends a command, and waits for its answer.
 * @throws MicwireError 'unsupported' when the Worker fails, 'worker-gone' when it does not answer
 */
function ask<Type extends OpusWorkerEvent['type']>(
  worker: Worker,
  command: OpusWorkerCommand,
  type: Type,
  transfer: Transferable[] = [],
): Promise<Answer<Type>> {
  return new Promise((resolve, reject) => {
    const patience = new Patience();
    const settle = (): void => {
      patience.end();
      worker.removeEventListener('message', listen);
      worker.removeEventListener('error', onError);
    };
    const listen = ({ data }: MessageEvent<OpusWorkerEvent>): void => {
      if (data.type === type) resolve(data as Answer<Type>);
      else if (data.type === 'failed') reject(new MicwireError('unsupported', data.message));
      else return;
      settle();
    };
    const onError = (event: Event): void => {
      settle();
      const { message = '' } = event as Partial<ErrorEvent>;
      reject(new MicwireError('worker-gone', `${GONE} ${message}`.trim()));
    };
    worker.addEventListener('message', listen);
    worker.addEventListener('error', onError);
    patience.wait(WORKER_MS, () => {
      settle();
      reject(new MicwireError('worker-gone', GONE));
    });
    worker.postMessage(command, transfer);
  });
}

/** Asks the Worker which options the engine's own encoder would not honour. */
export async function probeWebCodecs(
  worker: Worker,
  settings: OpusSettings,
  asked: readonly (keyof OpusOptions)[],
): Promise<readonly string[]> {
  return (await ask(worker, { type: 'probe', settings, asked }, 'probed')).faults;
}

/** A Worker that is ready to encode one capture, and the port that delivers its packets. */
export interface OpusWorkerSession {
  readonly worker: Worker;
  readonly port: MessagePort;
  readonly settings: OpusSettings;
  /** True if the engine's own encoder is used, not libopus. */
  readonly webCodecs: boolean;
  /** Pre-skip, in frames at the wire rate. */
  readonly preSkip: number;
}

/** @param module libopus; null for the engine's own encoder */
export async function openWorkerSession(
  worker: Worker,
  { opus, capture }: OpusCaptureSettings,
  module: OpusModule | null,
  opening: Opening,
): Promise<OpusWorkerSession> {
  const { port1, port2 } = new MessageChannel();
  const { encoding } = capture;
  const options = { settings: opus, module, encoding, slots: capture.maxChunks, port: port1 };
  try {
    const opened = ask(worker, { type: 'open', options }, 'opened', [port1]);
    const { preSkip } = await whileOpen(opening, opened);
    return { worker, port: port2, settings: opus, webCodecs: module === null, preSkip };
  } catch (error) {
    port2.close();
    throw error;
  }
}

/** Captures samples, encodes them in a Worker, and queues the packets. The samples do not pass through this thread. */
export class OpusWorkerBackend implements CaptureBackend<'opus'> {
  readonly queue: ChunkQueue<'opus'>;
  encodeMs: number | null = null;
  readonly #capture: CaptureNode;
  readonly #listener: CaptureListener;
  readonly #session: OpusWorkerSession;
  readonly #chunks: ChunkOptions<'opus'>;
  #piped = false;
  #onPiped: ((answered?: boolean) => void) | undefined;
  /** The app's Worker, which reads the packets. */
  #reader: WorkerWatch | null = null;
  #ending: Promise<void> | undefined;
  #failed = false;
  #released = false;
  /** Resolves when the Worker has sent the last packet. */
  readonly #ended: Promise<void>;
  #onEnded = (): void => {};
  /** The port on which packets arrive here. */
  #port: MessagePort;

  constructor(
    context: BaseAudioContext,
    { capture }: OpusCaptureSettings,
    session: OpusWorkerSession,
    listener: CaptureListener,
    feed?: SourceFeed,
  ) {
    this.#listener = listener;
    this.#session = session;
    this.queue = new ChunkQueue(capture.maxChunks);
    const { encoding } = capture;
    this.#chunks = { stream: { ...capture.stream, format: 'opus' }, encoding };
    // The Worker receives samples, whatever the format of the packets.
    const samples = { ...capture, encoding: 'binary' } as const;
    const own: CaptureListener = {
      answered: () => listener.answered(),
      failed: (error) => this.#fail(error),
      readerLost: () => this.#fail(new MicwireError('worker-gone', GONE)),
    };
    this.#capture = new CaptureNode(context, samples, own, feed);
    const { worker } = session;
    this.#ended = new Promise((resolve) => (this.#onEnded = resolve));
    worker.onmessage = ({ data }: MessageEvent<OpusWorkerEvent>): void => {
      if (data.type === 'failed') this.#fail(new MicwireError('unsupported', data.message));
      if (data.type === 'encoded') this.encodeMs = data.ms;
      if (data.type === 'ended' && this.#piped) this.#onEnded();
    };
    this.#port = session.port;
    this.#read(this.#port);
    worker.onerror = ({ message }): void =>
      this.#fail(new MicwireError('processor-error', `The Opus Worker failed: ${message}.`));
    // Rejects only when the capture has ended.
    this.#capture.pipeTo(worker, Infinity).catch(() => {});
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

  follow(tellsPresence: boolean): void {
    this.#capture.follow(tellsPresence);
  }

  adjust(options: OpusAdjustment): void {
    const { settings, webCodecs, worker } = this.#session;
    const checked = checkOpusAdjustment(options, settings.channels);
    if (webCodecs) throw new MicwireError('unsupported', FIXED);
    const command: OpusWorkerCommand = { type: 'adjust', options: checked };
    worker.postMessage(command);
  }

  async pipeTo(target: Worker): Promise<void> {
    // Packets that the Worker sent before this arrive here and are queued with the rest: none is lost or out of order.
    const piped = new Promise<boolean>((resolve) => {
      const patience = new Patience();
      this.#onPiped = (answered = true): void => {
        patience.end();
        resolve(answered);
      };
      patience.wait(ANSWER_MS, () => resolve(false));
    });
    const port2 = this.#redirect(false);
    const answered = await piped;
    if (!answered || this.ended) {
      this.#read(port2);
      if (this.ended) throw new MicwireError('closed', 'The capture has ended.');
      throw new MicwireError('stalled', 'The Worker that encodes Opus does not answer.');
    }
    this.#piped = true;
    const reader = new WorkerWatch(target, READER_WORDS, (read, error) => {
      this.#reader = null;
      if (this.#released) return;
      this.#piped = false;
      this.queue.reclaim(read);
      this.#read(this.#redirect(true));
      this.#listener.readerLost(error);
    });
    try {
      handOver(target, reader, this.queue, { ...this.#chunks, port: port2, ring: null });
    } catch (error) {
      this.#piped = false;
      this.#read(port2);
      throw error;
    }
    this.#reader = reader;
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

  #read(port: MessagePort): void {
    this.#port = port;
    port.onmessage = ({ data }: MessageEvent<CaptureDelivery | Answer<'piped'>>): void => {
      if (data.type === 'piped') return this.#onPiped?.();
      receiveDelivery(data, port as MessagePortLike, this.#chunks, this.queue);
      if (data.type === 'end') this.#onEnded();
    };
  }

  /** @returns the port on which packets arrive from now on */
  #redirect(refill: boolean): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const command: OpusWorkerCommand = { type: 'pipe', port: port1 as MessagePortLike, refill };
    this.#session.worker.postMessage(command, [port1]);
    return port2;
  }

  #release(): void {
    this.#released = true;
    const { worker } = this.#session;
    worker.onmessage = null;
    worker.terminate();
    this.#onPiped?.(false);
    this.#reader?.end(this.#capture.stats.capturedFrames);
    this.#port.close();
    // Packets that have not arrived by now count as dropped.
    this.queue.end(this.#piped ? undefined : this.#capture.stats.capturedFrames);
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
