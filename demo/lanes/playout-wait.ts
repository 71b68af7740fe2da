import type { Playout } from 'micwire';
import type { Spread } from './running-figures.ts';
import { RecentValues } from './running-figures.ts';

/** Arrivals behind a median: 1 s of chunks of 20 ms. */
const RECENT = 50;

/**
 * How long what arrives at a playout waits before it plays. The playout reports every 20 ms what it has played; between that report and the
 * arrival it has continued to play, for as long as the context's clock says.
 */
export class PlayoutWait {
  readonly #playout: Playout;
  readonly #context: AudioContext;
  readonly #waits = new RecentValues(RECENT);
  /** Frames that the playout has taken. */
  #writtenFrames = 0;

  constructor(playout: Playout, context: AudioContext) {
    this.#playout = playout;
    this.#context = context;
  }

  /**
   * Writes what has arrived, and notes how long it will wait.
   * @param lostFrames frames before it that are missing, and concealed
   * @returns the wait in seconds; null while the playout is not playing, because it may wait for more
   */
  write(data: Uint8Array, lostFrames: number): number | null {
    const playout = this.#playout;
    const context = this.#context;
    let wait: number | null = null;
    if (playout.state === 'playing') {
      const { playedFrames, skippedFrames, interruptedFrames } = playout.stats;
      const reportedAt = playout.position.contextFrame / context.sampleRate;
      const waiting = this.#writtenFrames - playedFrames - skippedFrames - interruptedFrames;
      const playedSince = context.currentTime - reportedAt;
      wait = Math.max(0, waiting / playout.sampleRate - playedSince);
      this.#waits.add(wait * 1000);
    }
    this.#writtenFrames += playout.write(data, { lostFrames });
    return wait;
  }

  /** In ms. */
  spread(): Spread | null {
    return this.#waits.spread();
  }
}
