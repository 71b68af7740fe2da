import type { CSSResult } from 'lit';
import { css } from 'lit';

/** The page about tracks. After `learnPageStyles`. */
export const tracksStyles: CSSResult = css`
  .acts {
    display: flex;
    flex-wrap: wrap;
    gap: 0.5rem;
  }
  .acts button {
    font-family: var(--mono);
    font-size: var(--small);
    overflow-wrap: anywhere;
  }
  .condition {
    min-height: 4.75rem;
    padding-left: 0.875rem;
    border-left: 3px solid var(--in);
  }
  .consumers {
    display: grid;
    margin: 0;
    padding: 0;
    list-style: none;
  }
  .consumers > li {
    display: grid;
    grid-template-columns: 17.5rem minmax(0, 1fr);
    gap: 0.35rem 1.5rem;
    padding: 1rem 0;
    border-top: 1px solid var(--line);
  }
  .switch {
    display: grid;
    gap: 0.5rem;
    align-content: start;
  }
  .got {
    display: grid;
    gap: 0.35rem;
    align-content: start;
    min-width: 0;
  }
  .level {
    display: grid;
    grid-template-columns: minmax(0, 1fr) 6.5rem;
    gap: 0.75rem;
    align-items: center;
  }
  .level b {
    font: 600 var(--small) / 1.2 var(--mono);
    text-align: right;
  }
  .bar {
    height: 0.875rem;
    border-radius: 3px;
    background: var(--sunken);
    overflow: hidden;
  }
  .bar i {
    display: block;
    height: 100%;
    background: var(--in);
    forced-color-adjust: none;
  }
  .facts {
    display: flex;
    flex-wrap: wrap;
    gap: 0.1rem 1.25rem;
    min-height: 1.5em;
    margin: 0;
    padding: 0;
    color: var(--ink-soft);
    font: var(--small) / 1.5 var(--mono);
    list-style: none;
    overflow-wrap: anywhere;
  }
  td {
    overflow-wrap: anywhere;
  }
  tbody th code {
    white-space: nowrap;
  }
  td.mono {
    font-size: var(--small);
  }
  a.caption {
    color: var(--in);
  }
  @media (max-width: 60rem) {
    .consumers > li {
      grid-template-columns: minmax(0, 1fr);
    }
    .switch {
      grid-template-columns: minmax(0, 1fr) auto;
      align-items: center;
    }
    .switch .acts {
      grid-column: 1 / -1;
    }
    .condition {
      min-height: 6.5rem;
    }
  }
  @media (max-width: 44rem) {
    thead {
      position: absolute;
      width: 1px;
      height: 1px;
      overflow: hidden;
      clip-path: inset(50%);
    }
    table,
    tbody,
    tr,
    th,
    td {
      display: block;
    }
    tr {
      padding: 0.6rem 0;
      border-top: 1px solid var(--line);
    }
    th,
    td {
      padding: 0.1rem 0;
      border: 0;
    }
    td[data-label]::before {
      color: var(--ink-soft);
      content: attr(data-label) ': ';
    }
  }
`;
