import { numberIn } from '../arguments.ts';
import { checkOptions } from '../option-names.ts';
import type { OptionNames } from '../option-names.ts';

const DEFAULT_FADE_MS = 5;
const MAX_FADE_MS = 1000;

/** How playback falls silent when it is interrupted or paused. */
export interface FadeOptions {
  /** Length of the fade in ms, 0–1000. @default 5 */
  readonly fadeMs?: number;
}
const NAMES = { fadeMs: 1 } satisfies OptionNames<FadeOptions>;

/** @param method name of the method, for errors @returns the length of the fade in ms @throws TypeError or RangeError */
export function checkFade(method: string, options: FadeOptions): number {
  checkOptions(method, options, NAMES);
  return numberIn('fadeMs', options.fadeMs ?? DEFAULT_FADE_MS, 0, MAX_FADE_MS);
}
