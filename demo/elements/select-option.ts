import type { TemplateResult } from 'lit';
import { html } from 'lit';

/** One choice in a `select`. */
export function selectOption<Value extends string | number>(
  value: Value,
  label: string,
  current: Value | null,
): TemplateResult {
  // The property: once the user has chosen, the attribute selects nothing any more.
  return html`<option value=${value} .selected=${value === current}>${label}</option>`;
}
