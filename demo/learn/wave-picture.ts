import type { TemplateResult } from 'lit';
import { svg } from 'lit';

/** Width and height of pictures of waves, in their own units. */
export const WAVE_WIDTH = 1000;
export const WAVE_HEIGHT = 200;

/** The curve through samples from −1 to 1, as the `d` of a path. @param peak what reaches the edge */
export function curveOf(samples: Float32Array, peak = 1): string {
  const x = xOf(samples.length);
  return Array.from(
    samples,
    (sample, i) => `${i === 0 ? 'M' : 'L'}${x(i)} ${yOf(sample, peak)}`,
  ).join('');
}

/** The same as steps: each sample lasts until the next one. */
export function stairsOf(samples: Float32Array, peak = 1): string {
  const width = WAVE_WIDTH / samples.length;
  const points = Array.from(
    samples,
    (sample, i) => `${i === 0 ? 'M0 ' : 'V'}${yOf(sample, peak)}H${round((i + 1) * width)}`,
  );
  return points.join('');
}

/** The `x` of the middle of a sample. */
function xOf(count: number): (index: number) => number {
  return (index) => round(((index + 0.5) * WAVE_WIDTH) / count);
}

function yOf(sample: number, peak: number): number {
  const bounded = Math.max(-1, Math.min(1, sample / peak));
  return round((WAVE_HEIGHT / 2) * (1 - bounded * 0.96));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The line of silence. */
export function zeroLine(): TemplateResult {
  return svg`<path class="zero" d="M0 ${WAVE_HEIGHT / 2}H${WAVE_WIDTH}" />`;
}
