import type { TemplateResult } from 'lit';
import { html } from 'lit';

/** A slider over whole numbers from 0, which its text names with their unit. */
export function slider(
  id: string,
  label: string,
  text: string,
  max: number,
  value: number,
  change: (value: number) => void,
): TemplateResult {
  return html`<div class="field">
    <label for=${id}>${label}: <strong class="number">${text}</strong></label>
    <input
      id=${id}
      type="range"
      min="0"
      max=${max}
      .value=${String(value)}
      aria-valuetext=${text}
      @input=${(event: Event) => change(Number((event.target as HTMLInputElement).value))}
    />
  </div>`;
}
