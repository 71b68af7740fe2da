/** Numbers as text of the page: grouped, with a true minus, and always as wide for the same unit. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** 12345 → "12,345" */
export function count(value: number): string {
  return whole.format(value);
}

/** 12.345 → "12.3"; from 100 on without a fraction. */
export function milliseconds(value: number): string {
  return value < 99.95 ? value.toFixed(1) : count(value);
}

/** −23.456 → "−23.5"; anything under −99 → "−∞" */
export function decibels(value: number): string {
  if (value < -99) return '−∞';
  const text = Math.abs(value).toFixed(1);
  return value < 0 && text !== '0.0' ? `−${text}` : text;
}

/** 1234567 → "1.23 MB" (SI units, as networks count) */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const [scaled, unit] = value < 1e6 ? [value / 1e3, 'kB'] : [value / 1e6, 'MB'];
  return `${scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0)} ${unit}`;
}

/** Bytes a second → "412" kbit/s */
export function kilobits(bytesPerSecond: number): string {
  return count((bytesPerSecond * 8) / 1000);
}

/** 0.634 → "63 %" */
export function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}
