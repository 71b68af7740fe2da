import type { TemplateResult } from 'lit';
import { html } from 'lit';

/** A figure with its name, for a `dl` of class `figures`. */
export function figure(
  label: string,
  value: string,
  size: 'big' | 'number' = 'big',
): TemplateResult {
  return html`<div>
    <dt>${label}</dt>
    <dd class=${size}>${value}</dd>
  </div>`;
}
