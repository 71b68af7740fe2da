import { MicwireError } from '../../core/errors.ts';
import { callFigures } from '../../core/webrtc/call-figures.ts';
import type { CallFigures, StatsEntry } from '../../core/webrtc/call-figures.ts';
import { iceReport } from '../../core/webrtc/ice-report.ts';
import type { IceReport } from '../../core/webrtc/ice-report.ts';
import { deferred } from '../patience.ts';
import { StatsHistory, takeStats } from './call-record.ts';

/** The statistics of one call: current ones and their history. */
export class CallStatistics {
  readonly history: StatsHistory;
  readonly #connection: () => RTCPeerConnection | null;
  /** Rejects with `'closed'` when the call ends: engines may then leave requests unanswered. */
  readonly #ended = deferred<never>();
  #hasEnded = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  #last: CallFigures | null = null;

  /** @param connection returns the connection, or null before there is one */
  constructor(connection: () => RTCPeerConnection | null, historyLength: number) {
    this.#connection = connection;
    this.history = new StatsHistory(historyLength);
  }

  /** Starts the history. @param intervalMs interval in ms; 0 for no history */
  start(intervalMs: number): void {
    if (intervalMs > 0) this.#timer = setInterval(() => void this.#remember(), intervalMs);
  }

  /** @throws MicwireError `'closed'` after the end */
  async stats(): Promise<CallFigures> {
    const figures = callFigures(await this.#take(), this.#last);
    this.#last = figures;
    return figures;
  }

  /** @throws MicwireError `'closed'` after the end */
  async ice(): Promise<IceReport> {
    return iceReport(await this.#take());
  }

  end(): void {
    this.#hasEnded = true;
    clearInterval(this.#timer);
    this.#ended.reject(noFigures());
  }

  async #take(): Promise<readonly StatsEntry[]> {
    try {
      const connection = this.#connection();
      const taken = connection === null ? [] : takeStats(connection);
      return await Promise.race([this.#ended.promise, taken]);
    } catch (cause) {
      if (this.#hasEnded) throw noFigures(cause);
      throw new MicwireError('transport', `The browser returns no statistics: ${String(cause)}.`, {
        cause,
      });
    }
  }

  async #remember(): Promise<void> {
    const connection = this.#connection();
    if (connection === null) return;
    try {
      const entries = await takeStats(connection);
      if (!this.#hasEnded) this.history.add(entries);
    } catch {
      // The call has ended in the meantime.
    }
  }
}

function noFigures(cause?: unknown): MicwireError {
  if (cause instanceof MicwireError) return cause;
  const options = cause === undefined ? undefined : { cause };
  return new MicwireError(
    'closed',
    'The call has ended: its last figures are in history.',
    options,
  );
}
