import type { ExplainedSdpLine } from 'micwire/sdp';

/** A line of a description compared with the previous description. */
export interface ChangedLine {
  readonly line: ExplainedSdpLine;
  /** `'gone'`: it was in the previous description, and no longer is. */
  readonly change: 'same' | 'new' | 'gone';
}

/**
 * Compares a description with the previous one, line by line, by their longest common subsequence. A line that differs is gone in its
 * old form and new in the other.
 * @param before null: there is none, and all lines are the same
 */
export function changedLines(
  before: readonly ExplainedSdpLine[] | null,
  now: readonly ExplainedSdpLine[],
): readonly ChangedLine[] {
  if (before === null) return now.map((line) => ({ line, change: 'same' }));
  const common = commonLengths(before, now);
  const lines: ChangedLine[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < now.length) {
    const [old, line] = [before[i], now[j]];
    if (old !== undefined && line !== undefined && old.text === line.text) {
      lines.push({ line, change: 'same' });
      i++;
      j++;
    } else if (
      line === undefined ||
      (old !== undefined && common[i + 1]![j]! >= common[i]![j + 1]!)
    ) {
      lines.push({ line: old!, change: 'gone' });
      i++;
    } else {
      lines.push({ line, change: 'new' });
      j++;
    }
  }
  return lines;
}

/** How many lines both have in common from a line of each to their ends. */
function commonLengths(
  a: readonly ExplainedSdpLine[],
  b: readonly ExplainedSdpLine[],
): readonly Uint16Array[] {
  const rows = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      rows[i]![j] =
        a[i]!.text === b[j]!.text
          ? rows[i + 1]![j + 1]! + 1
          : Math.max(rows[i + 1]![j]!, rows[i]![j + 1]!);
    }
  }
  return rows;
}
