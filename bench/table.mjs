/** Units in which a value says how fast something is; only there a ratio between subjects has a meaning. */
const SPEED_UNITS = new Set(['ns', 'µs', 'ms', 's', 'MB/s', 'ops/s', '× real time', 'bytes']);

/**
 * The rows as text: one block per case and metric, one line per subject, with each subject's ratio to the block's first.
 *
 * @param {readonly { case: string, subject: string, metric: string, value: number, unit: string }[]} rows
 * @returns {string}
 */
export function formatTable(rows) {
  /** @type {Map<string, typeof rows[number][]>} */
  const blocks = new Map();
  for (const row of rows) {
    const title = `${row.case}: ${row.metric} (${row.unit})`;
    blocks.set(title, [...(blocks.get(title) ?? []), row]);
  }
  const subjectWidth = Math.max(0, ...rows.map((row) => row.subject.length));
  const lines = [];
  for (const [title, block] of blocks) {
    lines.push('', title);
    const first = block[0]?.value ?? NaN;
    for (const { subject, value, unit } of block) {
      const ratio =
        SPEED_UNITS.has(unit) && block.length > 1 && first !== 0
          ? `  ${formatNumber(value / first)}×`
          : '';
      lines.push(`  ${subject.padEnd(subjectWidth)} ${formatNumber(value).padStart(10)}${ratio}`);
    }
  }
  return lines.join('\n');
}

/** @param {number} value */
function formatNumber(value) {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential(2);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
