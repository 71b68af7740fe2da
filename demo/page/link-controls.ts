import type { LinkNumber, LinkSettings } from '../link/settings.ts';

/** A slider of the link. */
export interface LinkControl {
  readonly name: LinkNumber;
  readonly label: string;
  readonly unit: string;
  /** Top of the slider, in the unit shown; the bottom is `low`. */
  readonly high: number;
  readonly low: number;
  /** Step at the bottom, in the unit shown; higher up, steps are coarser. */
  readonly step: number;
  /** The setting is the value shown times this: 0.01 for percent. */
  readonly factor: number;
  /** What 0 means, where it is not a number. */
  readonly none?: string;
}

const ms = { unit: 'ms', factor: 1, low: 0 };
const share = { unit: '%', factor: 0.01, low: 0 };

/** The settings in which most links differ. */
export const MAIN_CONTROLS: readonly LinkControl[] = [
  { ...ms, name: 'delayMs', label: 'Delay, one way', high: 1000, step: 1 },
  { ...ms, name: 'jitterMs', label: 'Jitter', high: 300, step: 1 },
  { ...share, name: 'lossRatio', label: 'Loss', high: 50, step: 0.1 },
  {
    name: 'rateKbps',
    label: 'Capacity',
    unit: 'kbit/s',
    factor: 1,
    low: 0,
    high: 10_000,
    step: 8,
    none: 'no limit',
  },
];

/** The rest. */
export const MORE_CONTROLS: readonly LinkControl[] = [
  {
    name: 'burstLength',
    label: 'Lost in a row',
    unit: 'packets',
    factor: 1,
    low: 1,
    high: 20,
    step: 0.5,
  },
  { ...ms, name: 'queueMs', label: 'Longest queue', high: 5000, step: 10 },
  { ...share, name: 'reorderRatio', label: 'Held back', high: 50, step: 0.5 },
  { ...ms, name: 'reorderMs', label: 'Held back by', high: 500, step: 1 },
  {
    ...ms,
    name: 'stallEveryMs',
    label: 'Stalls every',
    high: 60_000,
    step: 100,
    none: 'never',
  },
  { ...ms, name: 'stallForMs', label: 'Stalls for', high: 5000, step: 10 },
];

/** Positions of a slider. */
export const SLIDER_STEPS = 200;

/** Where a setting is on its slider: small values have the most room. */
export function positionOf({ low, high, factor }: LinkControl, value: number): number {
  const shown = value / factor;
  const place = (Math.min(high, Math.max(low, shown)) - low) / (high - low);
  return Math.round(SLIDER_STEPS * Math.sqrt(place));
}

/** The setting at a position, rounded to steps that are easy to read. */
export function valueAt(control: LinkControl, position: number): number {
  const { low, high, factor } = control;
  const shown = low + (high - low) * (position / SLIDER_STEPS) ** 2;
  const rounded = roundTo(shown, control);
  return Number((rounded * factor).toPrecision(12));
}

/** A setting as text. */
export function controlText({ unit, factor, none }: LinkControl, value: number): string {
  if (value === 0 && none !== undefined) return none;
  const shown = value / factor;
  const digits = Number.isInteger(Number(shown.toFixed(3))) ? 0 : shown < 10 ? 1 : 0;
  return `${shown.toFixed(digits)} ${unit}`;
}

/** Settings that fit together: a stall is shorter than the time from one to the next. */
export function withControl(settings: LinkSettings, name: LinkNumber, value: number): LinkSettings {
  const changed = { ...settings, [name]: value };
  const { stallEveryMs, stallForMs } = changed;
  if (stallEveryMs === 0 || stallForMs < stallEveryMs) return changed;
  return name === 'stallForMs'
    ? { ...changed, stallEveryMs: stallForMs + 100 }
    : { ...changed, stallForMs: Math.max(0, stallEveryMs - 100) };
}

/** Two digits that count, but no finer than the slider's step. */
function roundTo(shown: number, { step, low, high }: LinkControl): number {
  if (shown <= low) return low;
  if (shown >= high) return high;
  const coarse = 10 ** (Math.floor(Math.log10(shown)) - 1);
  const unit = Math.max(step, coarse);
  return Math.max(low, Math.round(shown / unit) * unit);
}
