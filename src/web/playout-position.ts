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
 * State of a playout. `'idle'`: there is no audio to play; `'buffering'`: audio is queued until `targetDelayMs` is reached;
 * `'playing'`: audio is playing; `'paused'`: paused by `pause()`, whether or not audio is queued; `'closed'`: closed.
 */
export type PlayoutState = 'idle' | 'buffering' | 'playing' | 'paused' | 'closed';

/** Events of a `Playout`. */
export interface PlayoutEventMap {
  /**
   * The last frame of an item was heard, or skipped to catch up; `detail` is the whole item. Not dispatched for
   * interrupted items.
   */
  readonly ended: CustomEvent<PlayoutPosition>;
  /** A frame that `mark` has marked leaves the output in this render quantum. */
  readonly mark: CustomEvent<PlayoutMark>;
  /** Playout ran out of audio in the middle of an item. It continues when `targetDelayMs` is queued again. */
  readonly underrun: Event;
  /**
   * Audio was skipped; `detail` says how much. Dispatched at most 50 times a second while catching up, and once for each `write`
   * that did not fit.
   */
  readonly skipped: CustomEvent<PlayoutSkip>;
  /** `playout.state` has changed. */
  readonly statechange: Event;
  /**
   * A failure, in `detail`. After `'processor-error'` the playout is closed; after `'worker-gone'`, when the writing Worker is
   * gone, it plays the audio that it has.
   */
  readonly error: CustomEvent<MicwireError>;
}
