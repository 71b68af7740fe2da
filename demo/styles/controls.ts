import type { CSSResult } from 'lit';
import { css } from 'lit';

/** What every element of the lab shares: box model, panels, captions, buttons, fields, visible focus. */
export const controls: CSSResult = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }

  :host {
    display: block;
    min-width: 0;
  }

  h2 {
    margin: 0;
    font-size: 0.9375rem;
    font-weight: 600;
    letter-spacing: 0.005em;
  }

  p {
    margin: 0;
  }

  .panel {
    padding: 1rem 1.125rem 1.125rem;
    border: 1px solid var(--line);
    border-radius: var(--radius);
    background: var(--panel);
  }

  .caption {
    color: var(--ink-soft);
    font-size: var(--small);
  }

  .number {
    font-family: var(--mono);
    font-variant-numeric: tabular-nums;
  }

  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }

  :focus-visible {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
  }

  button {
    min-height: 2.5rem;
    padding: 0 0.9rem;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    background: transparent;
    color: inherit;
    font: inherit;
    font-size: 0.9375rem;
    cursor: pointer;
  }

  button:hover {
    border-color: var(--ink);
  }

  button[aria-pressed='true'] {
    border-color: var(--ink);
    background: var(--ink);
    color: var(--panel);
  }

  button.primary {
    border-color: var(--in);
    background: var(--in);
    color: var(--on-accent);
    font-weight: 600;
  }

  button.primary:hover {
    border-color: var(--ink);
  }

  button:disabled {
    opacity: 0.55;
    cursor: default;
  }

  select,
  input[type='text'],
  input[type='password'],
  input[type='number'] {
    width: 100%;
    min-height: 2.5rem;
    padding: 0 0.5rem;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    background: var(--panel);
    color: inherit;
    font: inherit;
    font-size: 0.9375rem;
    font-variant-numeric: tabular-nums;
  }

  input[type='range'] {
    width: 100%;
    height: 2.5rem;
    margin: 0;
    accent-color: var(--in);
  }

  input[type='checkbox'] {
    width: 1.125rem;
    height: 1.125rem;
    margin: 0;
    accent-color: var(--in);
  }

  fieldset {
    min-width: 0;
    margin: 0;
    padding: 0;
    border: 0;
  }

  .field > label,
  .field > .label,
  legend {
    display: block;
    margin: 0 0 0.3rem;
    padding: 0;
    color: var(--ink-soft);
    font-size: var(--small);
  }

  /* A choice of few: radio buttons that look like one switch, and keep the keys of radio buttons. */
  .choice {
    display: grid;
    grid-auto-columns: 1fr;
    grid-auto-flow: column;
    border: 1px solid var(--line-strong);
    border-radius: var(--radius);
    background: var(--panel);
  }

  /* The same as buttons side by side, which wrap. */
  .chips {
    display: flex;
    flex-wrap: wrap;
    gap: 0.375rem;
  }

  .choice label,
  .chips label {
    position: relative;
    display: grid;
    place-items: center;
    font-size: 0.9375rem;
    cursor: pointer;
  }

  .choice label {
    min-height: calc(2.5rem - 2px);
    padding: 0 0.75rem;
    text-align: center;
  }

  .chips label {
    border: 1px solid var(--line-strong);
  }

  .choice label + label {
    border-left: 1px solid var(--line);
  }

  .choice input,
  .chips input {
    position: absolute;
    inset: 0;
    width: 100%;
    height: 100%;
    margin: 0;
    opacity: 0;
    cursor: pointer;
  }

  .choice label:has(input:checked),
  .chips label:has(input:checked) {
    background: var(--ink);
    color: var(--panel);
  }

  .chips label:has(input:checked) {
    border-color: var(--ink);
  }

  .choice label:first-child {
    border-radius: calc(var(--radius) - 1px) 0 0 calc(var(--radius) - 1px);
  }

  .choice label:last-child {
    border-radius: 0 calc(var(--radius) - 1px) calc(var(--radius) - 1px) 0;
  }

  .choice label:has(input:focus-visible),
  .chips label:has(input:focus-visible) {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
    z-index: 1;
  }

  /* A choice of long names: one below the other where there is no room. */
  @media (max-width: 36rem) {
    .choice.long {
      grid-auto-flow: row;
    }

    .choice.long label {
      border-radius: 0;
    }

    .choice.long label + label {
      border-top: 1px solid var(--line);
      border-left: 0;
    }
  }

  @media (forced-colors: active) {
    .choice label:has(input:checked),
    .chips label:has(input:checked),
    button[aria-pressed='true'] {
      forced-color-adjust: none;
      background: Highlight;
      color: HighlightText;
    }
  }
`;
