/** What the mixer's processor tells about each source, in the order of its report. */
export const SOURCE_FIELDS = [
  /** Number of the source, as the page counts them; 0: the place is free. */
  'id',
  /** 1 while audio of the source is given. */
  'playing',
  /** By how much its clock is fast by the context's clock. 0 where no clock is followed. */
  'driftPpm',
  /** By how much it is heard too early, ms. */
  'offsetMs',
  /** The delay of all sources of its timeline, ms after the fastest arrival. */
  'delayMs',
  'bufferedMs',
  'receivedFrames',
  'usedFrames',
  'droppedFrames',
  'lostFrames',
  /** The context's: present + missing + paused = those since the source was added. */
  'presentFrames',
  'missingFrames',
  'pausedFrames',
  'gaps',
] as const;

type Field = (typeof SOURCE_FIELDS)[number];

/** Places of the fields. */
export const SOURCE: Readonly<Record<Field, number>> = Object.fromEntries(
  SOURCE_FIELDS.map((name, index) => [name, index]),
) as Record<Field, number>;
