import type { LaneCounts } from '../measure/metrics.ts';
import type { LaneCommand, LaneEvent, LaneWorkerOptions, LaneState } from './lane-messages.ts';

/** The page's side of a lane's Worker. */
export class LaneWorker {
  readonly worker: Worker;
  state: LaneState = 'opening';
  reason = '';
  /** Called after `state` has changed. */
  onchange: (() => void) | null = null;
  /** Called when the encoder should expect another loss, in percent. */
  onloss: ((expectedLossPercent: number) => void) | null = null;
  readonly #ready: Promise<void>;
  readonly #asked = new Map<number, (event: LaneEvent) => void>();
  #questions = 0;
  #lastCounts: LaneCounts | null = null;

  constructor() {
    this.worker = new Worker(new URL('../worker/lane.ts', import.meta.url), { type: 'module' });
    this.#ready = new Promise((resolve, reject) => {
      this.worker.addEventListener('message', ({ data }: MessageEvent<LaneEvent>) => {
        if (data.type === 'ready') resolve();
        else if (data.type === 'state' && data.state === 'failed') reject(new Error(data.reason));
        this.#receive(data);
      });
      this.worker.onerror = ({ message }) => {
        const reason = `The lane’s Worker failed: ${message || 'it could not be loaded'}.`;
        reject(new Error(reason));
        this.#become('failed', reason);
      };
    });
    // A caller that does not wait for it learns it from `state`.
    this.#ready.catch(() => {});
  }

  /** Has the Worker open the transport. @param transfer what of the options is handed over */
  open(options: LaneWorkerOptions, transfer: Transferable[] = []): Promise<void> {
    this.#send({ type: 'open', options }, transfer);
    return this.#ready;
  }

  /** What it has counted; once it is gone, its last counts. */
  async counts(): Promise<LaneCounts | null> {
    if (this.state === 'failed') return this.#lastCounts;
    const event = await this.#ask('count');
    if (event.type === 'counts') this.#lastCounts = event.counts;
    return this.#lastCounts;
  }

  /** The last message that it sent; null before. */
  async lastMessage(): Promise<string | Uint8Array | null> {
    if (this.state === 'failed') return null;
    const event = await this.#ask('message');
    return event.type === 'message' ? event.message : null;
  }

  /** A capture file of the RTP that has arrived recently; null without any. */
  async captureFile(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.state === 'failed') return null;
    const event = await this.#ask('capture-file');
    return event.type === 'capture-file' ? event.file : null;
  }

  close(): void {
    this.onchange = null;
    this.onloss = null;
    this.state = 'failed';
    this.worker.terminate();
    for (const answer of this.#asked.values()) answer({ type: 'ready' });
    this.#asked.clear();
  }

  #ask(type: 'count' | 'message' | 'capture-file'): Promise<LaneEvent> {
    const id = ++this.#questions;
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.#send({ type, id });
    });
  }

  #receive(event: LaneEvent): void {
    if (event.type === 'state') this.#become(event.state, event.reason);
    if (event.type === 'expect-loss') this.onloss?.(event.expectedLossPercent);
    if (!('id' in event)) return;
    this.#asked.get(event.id)?.(event);
    this.#asked.delete(event.id);
  }

  #become(state: LaneState, reason: string): void {
    this.state = state;
    this.reason = reason;
    this.onchange?.();
  }

  #send(command: LaneCommand, transfer: Transferable[] = []): void {
    this.worker.postMessage(command, transfer);
  }
}
