import { decibels } from '../page/format.ts';

/** The scales of an "EBU Mode" meter (EBU Tech 3341 §2.7): to +9 LU, the default, or to +18 LU above the target. */
export type EbuScale = '+9' | '+18';
/** Relative to the target, or absolute. */
export type LoudnessUnit = 'LU' | 'LUFS';

/** Target level (EBU R 128): 0 LU. */
export const TARGET_LUFS = -23;

interface Span {
  /** LU. */
  readonly low: number;
  readonly high: number;
  readonly marks: readonly number[];
}

export const EBU_SCALES: Readonly<Record<EbuScale, Span>> = {
  '+9': { low: -18, high: 9, marks: [-18, -15, -12, -9, -6, -3, 0, 3, 6, 9] },
  '+18': { low: -36, high: 18, marks: [-36, -30, -24, -18, -12, -6, 0, 6, 12, 18] },
};

/** Where a loudness is on a scale: 0 at the bottom, 1 at the top, and no further. */
export function placeOf(lufs: number, scale: EbuScale): number {
  const { low, high } = EBU_SCALES[scale];
  return Math.max(0, Math.min(1, (lufs - TARGET_LUFS - low) / (high - low)));
}

/** −23.04 → "−23.0" in LUFS, "0.0" in LU; a plus sign where LU are above the target. */
export function loudnessText(lufs: number, unit: LoudnessUnit): string {
  if (unit === 'LUFS') return decibels(lufs);
  const relative = lufs - TARGET_LUFS;
  const text = decibels(relative);
  return relative > 0 && text !== '0.0' ? `+${text}` : text;
}
