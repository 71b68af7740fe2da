import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The tables of a run: at their own width, in a frame that scrolls. */
export const resultsStyles: CSSResult = css`
  .head {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 0.5rem 1rem;
    align-items: start;
  }
  .files {
    display: flex;
    gap: 0.5rem;
  }
  h3 {
    margin: 1.25rem 0 0.25rem;
    font-size: 1rem;
    font-weight: 600;
  }
  .verdict {
    max-width: 60rem;
    text-wrap: pretty;
  }
  .scroll {
    margin-top: 0.5rem;
    overflow-x: auto;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th {
    font-weight: 400;
  }
  thead th {
    color: var(--ink-soft);
    font-size: var(--small);
    line-height: 1.3;
    vertical-align: bottom;
  }
  th,
  td {
    padding: 0.3rem 0.5rem;
    text-align: right;
  }
  .lane {
    position: sticky;
    left: 0;
    min-width: 8.5rem;
    padding-left: 0;
    background: var(--panel);
    text-align: left;
  }
  .lane span {
    display: flex;
    gap: 0.45rem;
    align-items: center;
    font-size: 0.9375rem;
  }
  .lane-mark {
    flex: none;
  }
  tbody tr {
    border-top: 1px solid var(--line);
  }
  .unit,
  td .number {
    display: block;
    white-space: nowrap;
  }
  .range {
    min-height: 1.45em;
    color: var(--ink-soft);
    font-size: 0.75rem;
  }
  @media (max-width: 52rem) {
    .head {
      grid-template-columns: minmax(0, 1fr);
    }
  }
`;
