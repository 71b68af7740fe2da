/** Formats a level: −23.456 as "−23.5", with a true minus; a value below −99 as "−∞". */
export function decibels(value: number): string {
  if (value < -99) return '−∞';
  const text = Math.abs(value).toFixed(1);
  return value < 0 && text !== '0.0' ? `−${text}` : text;
}

/** Rounds to tenths, so that a text is rendered again only when it changes. */
export function tenths(value: number): number {
  return value < -99 ? -Infinity : Math.round(value * 10) / 10;
}

/** Returns the highest of a few values; −∞ for an empty list. Allocates nothing. */
export function highest(values: Float64Array): number {
  let most = -Infinity;
  for (let i = 0; i < values.length; i++) if (values[i]! > most) most = values[i]!;
  return most;
}
