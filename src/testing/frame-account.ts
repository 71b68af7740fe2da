import { describe } from '../core/arguments.ts';

interface Account {
  /** Name of the total; undefined if the stats have no such member, only the parts. */
  readonly total: string | undefined;
  readonly parts: readonly string[];
}

/** How the stats of each class add up, the most specific first. */
const ACCOUNTS: readonly Account[] = [
  // SessionStats
  {
    total: 'capturedFrames',
    parts: ['acknowledgedFrames', 'inFlightFrames', 'waitingFrames', 'droppedFrames'],
  },
  // CaptureStats
  {
    total: 'capturedFrames',
    parts: ['deliveredFrames', 'queuedFrames', 'droppedFrames'],
  },
  // PlayoutStats: frames that `write` refused were never received.
  {
    total: undefined,
    parts: [
      'playedFrames',
      'skippedFrames',
      'interruptedFrames',
      'bufferedFrames',
      'droppedFrames',
    ],
  },
  // MicrophoneStats
  { total: undefined, parts: ['presentFrames', 'missingFrames', 'pausedFrames'] },
  // Custom stats without a queue.
  { total: 'capturedFrames', parts: ['deliveredFrames', 'droppedFrames'] },
];

/**
 * Adds up the parts of `stats`.
 *
 * @returns the total in the stats, if they have one; the sum of the parts; and a description of both
 * @throws TypeError for a value that is not the stats of one of micwire's classes
 */
export function accountOf(stats: unknown): {
  readonly total: number | undefined;
  readonly sum: number;
  readonly words: string;
} {
  const figures = (typeof stats === 'object' && stats !== null ? stats : {}) as Readonly<
    Record<string, unknown>
  >;
  const isNumber = (name: string): boolean => typeof figures[name] === 'number';
  const account = ACCOUNTS.find(
    ({ total, parts }) => parts.every(isNumber) && (total === undefined || isNumber(total)),
  );
  if (account === undefined) {
    throw new TypeError(
      `The received value must be the stats of a Capture, Playout, Session or Microphone, got ${describe(stats)}.`,
    );
  }
  const { total, parts } = account;
  const sum = parts.reduce((frames, name) => frames + (figures[name] as number), 0);
  const words = parts.map((name) => `${name} ${String(figures[name])}`).join(' + ');
  if (total === undefined) return { total, sum, words: `${words} = ${sum}` };
  const stated = figures[total] as number;
  return { total: stated, sum, words: `${total} ${stated}, and ${words} = ${sum}` };
}
