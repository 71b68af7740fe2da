import type { CSSResult } from 'lit';
import { css } from 'lit';
import { tableStyles } from '../styles/table-styles.ts';

/** What the pages of Learn share. After `controls`. */
export const learnPageStyles: CSSResult = css`
  :host {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 1.25rem;
  }
  .panel {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 0.875rem;
    padding: 1.25rem 1.375rem 1.375rem;
    align-content: start;
  }
  h3 {
    margin: 0;
    font-size: 1.1875rem;
    font-weight: 620;
    letter-spacing: -0.005em;
  }
  h4 {
    margin: 0;
    font-size: 0.9375rem;
    font-weight: 600;
  }
  .prose {
    max-width: 46rem;
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem 1rem;
    align-items: center;
    justify-content: space-between;
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    gap: 0.75rem 1.5rem;
    align-items: end;
  }
  .controls > * {
    flex: 1 1 14rem;
  }
  .choice label {
    min-height: calc(2.75rem - 2px);
  }
  button {
    min-height: 2.75rem;
  }
  .big {
    font: 600 1.75rem/1.1 var(--mono);
    font-variant-numeric: tabular-nums;
  }
  .figures {
    display: flex;
    flex-wrap: wrap;
    gap: 0.75rem 2.25rem;
    margin: 0;
  }
  .figures dt {
    color: var(--ink-soft);
    font-size: var(--small);
  }
  .figures dd {
    margin: 0;
  }
  ${tableStyles}
  tbody th {
    font-weight: 600;
  }
  .mono,
  td.number {
    font-family: var(--mono);
    font-variant-numeric: tabular-nums;
  }
  .scroll {
    overflow-x: auto;
  }
  a {
    color: var(--in);
  }
  code {
    font-family: var(--mono);
    font-size: 0.9em;
  }
`;
