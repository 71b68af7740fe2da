/**
 * The values of a microphone's presence signal, constant within a render quantum: whether the audio beside it comes from the
 * device.
 */

/**
 * Nothing is connected, or not yet: Chromium 156 may render a new node before its connections take effect. A capture of a
 * microphone has not begun at that time. (A capture of any other source has no presence signal, and all its audio is present.)
 */
export const NO_SIGNAL = 0;
/** The audio comes from the device. */
export const PRESENT = 1;
/** The device delivers nothing: the frames count as captured and dropped. */
export const MISSING = 2;
/** Nobody talks (push-to-talk): the frames are not numbered, as in a pause. The audio comes from the device, for a pre-roll. */
export const PAUSED = 3;
/** Nobody talks, and the device delivers no audio either. */
export const PAUSED_MISSING = 4;

/** Outputs of the node of `micwire-microphone`. */
export const MICROPHONE_OUTPUTS = {
  /** For all nodes; silent while nobody talks. */
  audio: 0,
  /** For captures: the same, but also while nobody talks, for their pre-roll. */
  feed: 1,
  presence: 2,
} as const;
