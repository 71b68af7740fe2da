import { Worker } from 'node:worker_threads';
import { describe } from '../../core/arguments.ts';
import { deferred } from '../../core/deferred.ts';
import type { Deferred } from '../../core/deferred.ts';
import { MicwireError, PacketError, errorText } from '../../core/errors.ts';
import type { MicwireErrorCode, PacketErrorReason } from '../../core/errors.ts';
import type { PoolFailure, PoolJob, PoolResult } from './pool-messages.ts';

/** How long a thread may take to report that it has started, in ms. A busy machine needs a second or two. */
const START_MS = 30_000;

/** A thread. Jobs of one turn of the event loop are posted together. */
export class PoolThread {
  readonly #worker: Worker;
  /** Jobs that wait to be posted, and the callers of posted jobs, in order. */
  #jobs: PoolJob[] = [];
  readonly #results: Deferred<PoolResult>[] = [];
  #isPosting = false;
  #failure: MicwireError | null = null;
  /** Timer that runs until the script has reported that it accepts jobs. */
  #starting: ReturnType<typeof setTimeout> | undefined;
  /** Number of open streams on this thread. */
  streams = 0;

  /** @param lost called when the thread has ended by itself */
  constructor(script: URL, opus: object | undefined, lost: () => void) {
    this.#worker = new Worker(script, { workerData: { opus } });
    this.#worker.unref();
    let cause: unknown;
    this.#worker.on('message', (results: readonly PoolResult[]) => this.#take(results));
    this.#worker.on('messageerror', (error) => {
      cause = error;
      void this.#worker.terminate();
    });
    this.#worker.on('error', (error) => (cause = error));
    this.#worker.on('exit', (code) => {
      const wasClosed = this.#failure !== null;
      this.#fail(
        this.#starting === undefined
          ? new MicwireError(
              'worker-gone',
              `A thread of the pool has ended with code ${code}: open its streams again.`,
              { cause },
            )
          : notStarted(script, cause),
      );
      if (!wasClosed) lost();
    });
    this.#starting = setTimeout(() => {
      this.#fail(notStarted(script, undefined));
      lost();
      void this.#worker.terminate();
    }, START_MS);
    this.#starting.unref();
  }

  /** True while the thread accepts jobs. */
  get isAlive(): boolean {
    return this.#failure === null;
  }

  /** Runs a job. @returns the result; rejects with the job's error, or `'worker-gone'` */
  do(job: PoolJob): Promise<PoolResult> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const result = deferred<PoolResult>();
    this.#results.push(result);
    this.#jobs.push(job);
    // Pending jobs keep the process alive.
    if (this.#results.length === 1) this.#worker.ref();
    if (!this.#isPosting) {
      this.#isPosting = true;
      setImmediate(() => this.#post());
    }
    return result.promise;
  }

  async close(): Promise<void> {
    this.#fail(new MicwireError('closed', 'The pool is closed.'));
    await this.#worker.terminate();
  }

  #post(): void {
    this.#isPosting = false;
    if (this.#failure !== null) return;
    const jobs = this.#jobs;
    this.#jobs = [];
    const { packed, buffer } = pack(jobs);
    this.#worker.postMessage(packed, [buffer]);
  }

  #take(results: readonly PoolResult[]): void {
    clearTimeout(this.#starting);
    this.#starting = undefined;
    for (const result of results) {
      const waiting = this.#results.shift();
      if ('failure' in result) waiting?.reject(errorOf(result.failure));
      else waiting?.resolve(result);
    }
    if (this.#results.length === 0) this.#worker.unref();
  }

  #fail(failure: MicwireError): void {
    clearTimeout(this.#starting);
    this.#failure ??= failure;
    for (const result of this.#results.splice(0)) result.reject(this.#failure);
  }
}

function notStarted(script: URL, cause: unknown): MicwireError {
  const why =
    cause === undefined ? `it did not answer within ${START_MS / 1000} s` : errorText(cause);
  return new MicwireError(
    'worker-gone',
    `A thread of the pool could not be started: ${why}. Give the option script the address of dist/src/node/pool/pool-worker.js of the package, got ${describe(script.href)}.`,
    { cause },
  );
}

/** Packs the bytes of all jobs into one buffer, which is transferred without a copy. */
function pack(jobs: readonly PoolJob[]): { packed: PoolJob[]; buffer: ArrayBuffer } {
  let length = 0;
  for (const job of jobs) if (job.do === 'convert') length += job.bytes.length;
  const all = new Uint8Array(length);
  let at = 0;
  const packed = jobs.map((job) => {
    if (job.do !== 'convert') return job;
    all.set(job.bytes, at);
    const bytes = all.subarray(at, (at += job.bytes.length));
    return { ...job, bytes };
  });
  return { packed, buffer: all.buffer };
}

function errorOf({ name, message, code }: PoolFailure): Error {
  switch (name) {
    case 'PacketError':
      return new PacketError(code as PacketErrorReason, message);
    case 'MicwireError':
      return new MicwireError(code as MicwireErrorCode, message);
    case 'RangeError':
      return new RangeError(message);
    case 'TypeError':
      return new TypeError(message);
    default:
      return new Error(message);
  }
}
