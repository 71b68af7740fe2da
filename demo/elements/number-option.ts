import type { TemplateResult } from 'lit';
import { html } from 'lit';

/** One number in a `select`. */
export function numberOption(value: number, label: string, current: number): TemplateResult {
  // The property: once the user has chosen, the attribute selects nothing any more.
  return html`<option value=${value} .selected=${value === current}>${label}</option>`;
}
