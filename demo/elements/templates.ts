import type { TemplateResult } from 'lit';
import { html } from 'lit';
import { LANES } from '../lanes/lanes.ts';
import type { LaneId } from '../lanes/lane-ids.ts';

/** A lane's sign, for the eye: its name is beside it. */
export function laneMark(id: LaneId): TemplateResult {
  const { colour, shape, hollow } = LANES[id].mark;
  return html`<svg
    class="lane-mark"
    viewBox="0 0 10 10"
    width="12"
    height="12"
    aria-hidden="true"
    .style="color: var(${colour})"
  >
    <path
      d=${shape}
      stroke="currentColor"
      stroke-width="1.4"
      fill=${hollow ? 'none' : 'currentColor'}
    />
  </svg>`;
}

/** One choice in a `select`. */
export function selectOption<Value extends string | number>(
  value: Value,
  label: string,
  current: Value | null,
): TemplateResult {
  // The property: once the user has chosen, the attribute selects nothing any more.
  return html`<option value=${value} .selected=${value === current}>${label}</option>`;
}
