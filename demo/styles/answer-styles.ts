import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The answer: large, and of constant height, so that nothing below it moves. */
export const answerStyles: CSSResult = css`
  .panel {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.875rem;
    padding: 1.125rem 1.375rem 1rem;
    border-width: 2px;
  }
  .warning {
    border-color: var(--warn);
    background: var(--warn-ground);
  }
  .needs {
    gap: 0.5rem;
  }
  .needs label {
    min-height: 2.75rem;
    padding: 0 1rem;
    border-radius: 1.375rem;
    background: var(--panel);
  }
  .needs label:hover {
    border-color: var(--ink);
  }
  .needs label:has(input:checked) {
    font-weight: 600;
  }
  .result {
    min-height: 8.25rem;
  }
  .title {
    display: flex;
    flex-wrap: wrap;
    gap: 0.125rem 0.75rem;
    align-items: baseline;
    font-size: 2rem;
    font-weight: 650;
    letter-spacing: -0.015em;
    line-height: 1.25;
    text-wrap: balance;
  }
  .mark svg {
    width: 0.7em;
    height: 0.7em;
  }
  .sign {
    font-size: 0.8em;
  }
  .warning .sign {
    color: var(--warn);
  }
  .figure {
    color: var(--in);
    white-space: nowrap;
  }
  .detail {
    margin-top: 0.3rem;
    font-size: 1.125rem;
    line-height: 1.45;
    text-wrap: pretty;
  }
  .idle .detail,
  .busy .detail {
    color: var(--ink-soft);
  }
  .notes {
    margin-top: 0.3rem;
    line-height: 1.45;
    text-wrap: pretty;
  }
  .foot {
    display: flex;
    flex-wrap: wrap;
    gap: 0.25rem 1.5rem;
    justify-content: space-between;
    min-height: 3.5em;
    padding-top: 0.625rem;
    border-top: 1px solid var(--line);
  }
  .about {
    flex: 1 1 24rem;
  }
  .load {
    flex: 0 0 auto;
    font-variant-numeric: tabular-nums;
  }
  .high,
  .too-high {
    color: var(--ink);
    font-weight: 600;
  }
  .warning .caption {
    color: var(--ink);
  }
  @media (max-width: 52rem) {
    .panel {
      padding: 1rem;
    }
    .result {
      min-height: 16.75rem;
    }
    .needs {
      gap: 0.375rem;
    }
    .needs label {
      padding: 0 0.75rem;
      font-size: 0.875rem;
    }
    .title {
      font-size: 1.625rem;
    }
    .detail {
      font-size: 1rem;
    }
    .foot {
      min-height: 9.25em;
      align-content: start;
    }
    .about,
    .load {
      flex: 1 1 100%;
    }
  }
`;
