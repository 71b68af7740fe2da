import type { CSSResult } from 'lit';
import { css } from 'lit';

/** A ladder of messages, and a message beside it. After `learnPageStyles`. */
export const ladderStyles: CSSResult = css`
  .pair {
    display: grid;
    grid-template-columns: minmax(0, 1fr) minmax(0, 1.15fr);
    gap: 1.25rem;
    align-items: start;
  }
  .ladder {
    display: grid;
    margin: 0 1rem;
    padding: 0.35rem 0;
    border-right: 2px solid var(--line-strong);
    border-left: 2px solid var(--line-strong);
    list-style: none;
  }
  .ladder button {
    position: relative;
    display: block;
    width: 100%;
    min-height: 3.25rem;
    padding: 0.2rem 1rem 0.75rem;
    border-color: transparent;
    border-radius: 0;
    font-size: 0.9375rem;
  }
  .ladder button:hover {
    background: var(--sunken);
  }
  .ladder button[aria-pressed='true'] {
    background: var(--in);
    color: var(--on-accent);
  }
  .arrow {
    position: absolute;
    right: 0.25rem;
    bottom: 0.6rem;
    left: 0.25rem;
    height: 2px;
    background: currentColor;
  }
  .arrow::after {
    position: absolute;
    top: -4px;
    border: 5px solid transparent;
    content: '';
  }
  .out .arrow::after {
    right: -1px;
    border-right-width: 0;
    border-left-color: currentColor;
  }
  .back .arrow::after {
    left: -1px;
    border-right-color: currentColor;
    border-left-width: 0;
  }
  .message {
    max-height: 40rem;
    margin: 0;
    padding: 0.5rem 0.875rem;
    border-radius: var(--radius);
    background: var(--sunken);
    overflow-y: auto;
    list-style: none;
  }
  .message li {
    padding: 0.25rem 0;
  }
  .message .body {
    margin-top: 0.75rem;
    padding-top: 0.75rem;
    border-top: 1px solid var(--line-strong);
  }
  .message code {
    display: block;
    color: var(--in);
    font: var(--small) / 1.45 var(--mono);
    overflow-wrap: anywhere;
  }
  @media (max-width: 60rem) {
    .pair {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
