/** What the mixer's processor reports about each source, in the order of its report. */
export const SOURCE_FIELDS = [
  /** The source's number, as the page counts them; 0: the slot is free. */
  'id',
  /** 1 while the output has audio of the source. */
  'playing',
  /** By how much its clock is faster than the context's; 0 if no clock is followed. */
  'driftPpm',
  /** By how many ms it is heard too early. */
  'offsetMs',
  /** The delay of all sources of its timeline, ms after the fastest arrival. */
  'delayMs',
  'bufferedMs',
  'receivedFrames',
  'usedFrames',
  'droppedFrames',
  'lostFrames',
  /** Context frames: present + missing + paused = all frames since the source was added. */
  'presentFrames',
  'missingFrames',
  'pausedFrames',
  'gaps',
] as const;

type Field = (typeof SOURCE_FIELDS)[number];

/** Index of each field. */
export const SOURCE: Readonly<Record<Field, number>> = Object.fromEntries(
  SOURCE_FIELDS.map((name, index) => [name, index]),
) as Record<Field, number>;
