import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The panel of the link. */
export const linkStyles: CSSResult = css`
  .panel {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.75rem;
  }
  .head {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 0 0.875rem;
    align-items: baseline;
  }
  .lateness {
    display: flex;
    gap: 0.35rem;
    align-items: baseline;
    font-size: var(--small);
    white-space: nowrap;
  }
  .lateness .number {
    min-width: 4ch;
    text-align: right;
  }
  .void {
    width: 3.25rem;
    font-weight: 600;
  }
  .late .number,
  .void {
    color: var(--alert);
  }
  .missing {
    padding: 0.4rem 0.75rem;
    border-radius: var(--radius);
    background: var(--warn-ground);
    color: var(--warn);
    font-size: var(--small);
  }
  .presets label {
    flex: 1 1 auto;
    min-height: 2.25rem;
    padding: 0 0.7rem;
    border-radius: var(--radius);
    white-space: nowrap;
  }
  .presets label:has(input:disabled) {
    opacity: 0.55;
    cursor: default;
  }
  .sliders {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr));
    gap: 0.375rem 1.75rem;
  }
  .slider {
    display: grid;
    grid-template-columns: 1fr auto;
    align-items: baseline;
  }
  .slider label {
    margin: 0;
  }
  .slider input {
    grid-column: 1 / -1;
    height: 1.75rem;
  }
  output {
    font-size: var(--small);
    text-align: right;
    white-space: nowrap;
  }
  summary {
    width: fit-content;
    min-height: 1.5rem;
    color: var(--ink-soft);
    font-size: var(--small);
    cursor: pointer;
  }
  details .sliders {
    margin-top: 0.5rem;
  }
  .check {
    display: flex;
    gap: 0.5rem;
    align-items: center;
    min-height: 2.5rem;
    font-size: 0.9375rem;
  }
  .trace {
    grid-column: 1 / -1;
  }
  .trace div {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
    align-items: center;
  }
  .trace input {
    min-width: 0;
    max-width: 100%;
    font: inherit;
    font-size: var(--small);
  }
  @media (max-width: 44rem) {
    .head {
      grid-template-columns: minmax(0, 1fr) auto;
    }
    .note {
      grid-row: 2;
      grid-column: 1 / -1;
      min-height: 2.9em;
    }
    .presets {
      display: grid;
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }
    .presets label {
      padding: 0 0.25rem;
    }
    .sliders {
      grid-template-columns: repeat(2, minmax(0, 1fr));
      gap: 0.375rem 1.25rem;
    }
  }
`;
