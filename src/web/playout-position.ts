import type { MicwireError } from '../core/errors.ts';
import type {
  PlayoutMark,
  PlayoutPosition,
  PlayoutSkip,
} from '../core/playout/playout-position.ts';

export type {
  PlayoutInterruption,
  PlayoutMark,
  PlayoutPosition,
  PlayoutSkip,
  PlayoutStats,
} from '../core/playout/playout-position.ts';

/**
 * `'idle'`: nothing to play; `'buffering'`: audio is queued until `targetDelayMs`; `'playing'`; `'paused'`: by `pause()`, whether
 * or not audio waits; `'closed'`.
 */
export type PlayoutState = 'idle' | 'buffering' | 'playing' | 'paused' | 'closed';

/** Events of a `Playout`. */
export interface PlayoutEventMap {
  /**
   * The last frame of an item was heard, or skipped to catch up; `detail` is the whole item. Not dispatched for
   * interrupted items.
   */
  readonly ended: CustomEvent<PlayoutPosition>;
  /** A frame that was marked by `mark` leaves the output in this render quantum. */
  readonly mark: CustomEvent<PlayoutMark>;
  /** Playout ran out of audio in the middle of an item. It continues when `targetDelayMs` is queued again. */
  readonly underrun: Event;
  /**
   * Audio was skipped, in `detail`: at most 50 times a second while catching up, and once for each `write` without
   * room.
   */
  readonly skipped: CustomEvent<PlayoutSkip>;
  /** `playout.state` has changed. */
  readonly statechange: Event;
  /**
   * A failure, in `detail`. After `'processor-error'` the playout is closed; after `'worker-gone'`, of the Worker that
   * writes, it plays what it has.
   */
  readonly error: CustomEvent<MicwireError>;
}
