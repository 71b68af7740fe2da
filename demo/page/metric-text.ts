import { METRICS } from '../measure/metrics.ts';
import type { MetricId } from '../measure/metrics.ts';

const grouped = new Map<number, Intl.NumberFormat>();

/** A figure as text without its unit, rounded as its metric says; a dash where it is not known. */
export function metricText(id: MetricId, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const { unit, digits } = METRICS[id];
  return numberText(unit === 'ratio' ? value * 100 : value, digits);
}

/** The unit as it stands beside `metricText`. */
export function metricUnit(id: MetricId): string {
  const { unit } = METRICS[id];
  return unit === 'ratio' ? '%' : unit;
}

/** A figure with its unit; without one where it is not known. */
export function metricWithUnit(id: MetricId, value: number | null | undefined): string {
  const text = metricText(id, value);
  return text === '–' ? text : `${text} ${metricUnit(id)}`.trim();
}

/** Always as many digits behind the point, grouped, with a true minus. */
export function numberText(value: number, digits: number): string {
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
