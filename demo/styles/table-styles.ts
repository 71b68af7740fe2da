import type { CSSResult } from 'lit';
import { css } from 'lit';

/** Tables of words and figures: lines between the rows, column names in small type. */
export const tableStyles: CSSResult = css`
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: 0.9375rem;
  }
  th,
  td {
    padding: 0.4rem 1rem 0.4rem 0;
    border-top: 1px solid var(--line);
    text-align: left;
    vertical-align: top;
    font-weight: 400;
  }
  thead th {
    border-top: 0;
    color: var(--ink-soft);
    font-size: var(--small);
  }
`;
