import type { LoudnessHistory } from './loudness-history.ts';
import type { EbuScale, LoudnessUnit } from './ebu-scale.ts';
import { EBU_SCALES, TARGET_LUFS } from './ebu-scale.ts';

/** The history as columns for a chart: seconds, M, S, the target, I; in LUFS or LU, and within the scale. */
export function loudnessColumns(
  history: LoudnessHistory,
  integratedLufs: number,
  scale: EbuScale,
  unit: LoudnessUnit,
): (number | null)[][] {
  const { low, high } = EBU_SCALES[scale];
  const zero = unit === 'LUFS' ? TARGET_LUFS : 0;
  const shown = (lufs: number): number | null => {
    if (lufs === -Infinity) return null;
    return Math.max(low, Math.min(high, lufs - TARGET_LUFS)) + zero;
  };
  const { length } = history;
  const columns: (number | null)[][] = [[], [], [], [], []];
  const [seconds, momentary, shortTerm, target, integrated] = columns;
  for (let i = 0; i < length; i++) {
    seconds!.push(i / history.perSecond);
    momentary!.push(shown(history.momentary(i)));
    shortTerm!.push(shown(history.shortTerm(i)));
    target!.push(zero);
    integrated!.push(shown(integratedLufs));
  }
  return columns;
}

/** What the scale spans. */
export function loudnessSpan(scale: EbuScale, unit: LoudnessUnit): readonly [number, number] {
  const { low, high } = EBU_SCALES[scale];
  const zero = unit === 'LUFS' ? TARGET_LUFS : 0;
  return [low + zero, high + zero];
}
