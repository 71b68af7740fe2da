import { METRICS } from '../measure/metric-table.ts';
import type { MetricId } from '../measure/metrics.ts';

/** Numbers as text of the page: grouped, with a true minus, and always as wide for the same unit. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** 12345 → "12,345" */
export function count(value: number): string {
  return whole.format(value);
}

/** 12.345 → "12.3"; from 100 on without a fraction. */
export function milliseconds(value: number): string {
  if (value < 0 && value.toFixed(1) !== '-0.0') return `−${milliseconds(-value)}`;
  return value < 99.95 ? Math.abs(value).toFixed(1) : count(value);
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

const grouped = new Map<number, Intl.NumberFormat>();

/** A figure as text without its unit, rounded as its metric says; a dash where it is not known. */
export function metricText(id: MetricId, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const { unit, digits } = METRICS[id];
  return numberText(unit === 'ratio' ? value * 100 : value, digits);
}

/** The unit beside `metricText`. */
export function metricUnit(id: MetricId): string {
  const { unit } = METRICS[id];
  return unit === 'ratio' ? '%' : unit;
}

/** A figure with its unit; without one where it is not known. */
export function metricWithUnit(id: MetricId, value: number | null | undefined): string {
  const text = metricText(id, value);
  return text === '–' ? text : `${text} ${metricUnit(id)}`.trim();
}

/** Always with the same number of decimals, grouped, with a true minus. */
function numberText(value: number, digits: number): string {
  let format = grouped.get(digits);
  if (format === undefined) {
    format = new Intl.NumberFormat('en', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      signDisplay: 'negative',
    });
    grouped.set(digits, format);
  }
  return format.format(value).replace('-', '−');
}

/** Bytes in hexadecimal, two digits each, with spaces between. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
